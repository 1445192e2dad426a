package dicomweb

import (
	"container/list"
	"net/http"
	"sync"

	"tenon/dicomweb/index"
	"tenon/dicomweb/pixel"
)

// WADO-RS: thumbnails.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.4

// thumbnailSize is the viewport of a thumbnail that names none.
const thumbnailSize = 128

// maxLooked bounds the instances that are looked at for one that can be shown.
const maxLooked = 1000

// thumbnail answers one small picture that stands for a study, a series, an
// instance or a frame.
func (d *Door) thumbnail(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	want, err := r.rendering()
	if err != nil {
		return err
	}
	if list := r.PathValue("list"); list != "" {
		if want.numbers, err = frameList(list); err != nil {
			return err
		}
		want.numbers = want.numbers[:1]
	}
	if want.thumbnail = true; want.view == nil {
		want.view = &viewport{width: thumbnailSize, height: thumbnailSize}
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if err := haveFrames(found.first, want.numbers); err != nil {
		return err
	}
	var ok bool
	if want.media, _, ok = chooseRendered(accepted(r.Request), false, false); !ok {
		return notAcceptable("thumbnails are answered as image/jpeg, image/png or image/gif")
	}
	row, err := found.shown()
	if err != nil {
		return err
	}
	return d.renderOne(w, r, row, want, "wado-thumbnail")
}

// shown is the first instance that can be decoded, or the first one.
func (f *found) shown() (*index.Result, error) {
	row := f.first
	for range maxLooked {
		if len(row.Instance.Content.Frames) > 0 && pixel.CanDecode(row.Instance.TransferSyntax) {
			return row, nil
		}
		next, err, ok := f.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		row = next
	}
	return f.first, nil
}

// maxThumbnails bounds the bytes of thumbnails that are kept, and maxKept those
// of one.
const (
	maxThumbnails = 16 << 20
	maxKept       = 256 << 10
)

// gallery keeps the thumbnails that were asked for last. Whoever asks has been
// let in to the instance before.
type gallery struct {
	mu    sync.Mutex
	order list.List // of *kept, last used first
	by    map[string]*list.Element
	size  int
}

type kept struct {
	key   string
	bytes []byte
}

func (g *gallery) get(key string) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.by[key]
	if e == nil {
		return nil
	}
	g.order.MoveToFront(e)
	return e.Value.(*kept).bytes
}

func (g *gallery) put(key string, b []byte) {
	if len(b) > maxKept {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.by == nil {
		g.by = map[string]*list.Element{}
	}
	if g.by[key] != nil {
		return
	}
	g.by[key] = g.order.PushFront(&kept{key, b})
	for g.size += len(b); g.size > maxThumbnails; {
		last := g.order.Remove(g.order.Back()).(*kept)
		delete(g.by, last.key)
		g.size -= len(last.bytes)
	}
}

// cached makes a picture, or gives the thumbnail that was made before.
func (d *Door) cached(row *index.Result, suffix string, want *rendering, make func() ([]byte, error)) ([]byte, error) {
	if !want.thumbnail {
		return make()
	}
	key := string(row.Instance.Content.Digest[:]) + suffix
	if b := d.gallery.get(key); b != nil {
		return b, nil
	}
	b, err := make()
	if err == nil {
		d.gallery.put(key, b)
	}
	return b, err
}
