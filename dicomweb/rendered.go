package dicomweb

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/dicomweb/pixel"
	"tenon/fhir/issue"
)

// WADO-RS: rendered pictures of a study, a series, an instance or its frames.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.3

// rendered answers pictures: one alone, or each of several as a part.
func (d *Door) rendered(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	var numbers []int
	if list := r.PathValue("list"); list != "" {
		if numbers, err = frameList(list); err != nil {
			return err
		}
	}
	want, err := r.rendering()
	if err != nil {
		return err
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if err := haveFrames(found.first, numbers); err != nil {
		return err
	}
	many := k.Instance == "" || len(numbers) > 1
	frames := 1
	if n := found.first.Instance.Frames; n != nil && len(numbers) == 0 && k.Instance != "" {
		frames = int(min(*n, maxFrames))
	}
	media, multipart, ok := chooseRendered(accepted(r.Request), many, frames > 1 || len(numbers) > 1)
	if !ok {
		return notAcceptable("pictures are answered as image/jpeg, image/png or image/gif, several as multipart/related; type=\"image/jpeg\"")
	}
	want.media, want.numbers = media, numbers
	if !multipart {
		return d.renderOne(w, r, found.first, want, "wado-rendered")
	}
	if err := d.audit(r, "wado-rendered", found.entity(), found.patient()); err != nil {
		return err
	}
	return d.renderParts(w, r, found, want)
}

// haveFrames refuses frame numbers that do not exist.
func haveFrames(row *index.Result, numbers []int) error {
	if len(numbers) == 0 {
		return nil
	}
	if len(row.Instance.Content.Frames) == 0 {
		return absent()
	}
	table, err := dicom.ParseFrameTable(row.Instance.Content.Frames)
	if err != nil {
		return err
	}
	if most := slices.Max(numbers); most > table.Count {
		return issue.Errorf(issue.NotFound, "Frame %d does not exist; the instance has %d.", most, table.Count).Rule("frame").At("frames")
	}
	return nil
}

// Media types of pictures (PS3.18 §8.7.4), the default first.
const (
	imageJPEG = "image/jpeg"
	imagePNG  = "image/png"
	imageGIF  = "image/gif"
)

// chooseRendered finds the first range that can be answered. Several pictures
// go as parts; the frames of one instance also as one moving GIF.
func chooseRendered(ranges []media, many, moving bool) (name string, multipart, ok bool) {
	for _, m := range ranges {
		part, order := m, []string{imageJPEG, imagePNG, imageGIF}
		if m.isMultipart() {
			part = m.part()
		} else if moving && !many {
			order = []string{imageGIF, imageJPEG, imagePNG}
		}
		for _, name := range order {
			switch {
			case !part.covers(name):
			case m.isMultipart(), m.name == "*/*" && many:
				return name, true, true
			case !many, moving && name == imageGIF:
				return name, false, true
			}
		}
	}
	return "", false, false
}

// renderOne answers one picture under its entity tag, audited as an operation.
func (d *Door) renderOne(w http.ResponseWriter, r *request, row *index.Result, want *rendering, operation string) error {
	suffix := want.suffix()
	var b []byte
	if err := d.disclose(r, operation, row, func() (err error) {
		if !unchanged(r, row, suffix) {
			b, err = d.cached(row, suffix, want, func() ([]byte, error) { return d.paint(r, row, want) })
		}
		return err
	}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", want.media)
	tagAndServe(w, r, row, suffix, bytes.NewReader(b))
	return nil
}

// renderingVersion changes with what the same bytes are rendered to.
const renderingVersion = 2

// suffix is what entity tags of a rendering add to that of the instance.
func (q *rendering) suffix() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %v %v %+v %d %v", renderingVersion, q.media, q.numbers, q.window, q.view, q.quality, q.thumbnail))
	return "-" + hex.EncodeToString(sum[:8])
}

// unchanged tells whether the caller has what is to be made already.
func unchanged(r *request, row *index.Result, suffix string) bool {
	return matches(r.Header.Values("If-None-Match"), instanceTag(row, suffix))
}

// paint makes the picture of one instance: a moving one of its frames, or the
// frame that stands for them.
func (d *Door) paint(r *request, row *index.Result, want *rendering) ([]byte, error) {
	p, err := d.picture(r, row)
	if err != nil {
		return nil, err
	}
	defer p.close()
	numbers := want.numbers
	switch {
	case len(numbers) > 0:
	case want.media == imageGIF && !want.thumbnail:
		for n := range p.table.Count {
			numbers = append(numbers, n+1)
		}
	default:
		numbers = []int{p.representative(want.thumbnail)}
	}
	var b []byte
	err = d.exclusively(r, func() (err error) {
		if want.media == imageGIF {
			b, err = p.moving(numbers, want)
		} else {
			b, err = p.still(numbers[0], want)
		}
		return err
	})
	return b, renderFault(err)
}

// renderParts answers every frame of every picture as a part. What holds no
// pixels is no picture.
func (d *Door) renderParts(w http.ResponseWriter, r *request, found *found, want *rendering) error {
	out := newParts(w, want.media)
	err := found.each(func(row *index.Result) error {
		if len(row.Instance.Content.Frames) == 0 {
			return nil
		}
		p, err := d.picture(r, row)
		if err != nil {
			return err
		}
		defer p.close()
		numbers := want.numbers
		if len(numbers) == 0 {
			numbers = make([]int, p.table.Count)
			for i := range numbers {
				numbers[i] = i + 1
			}
		}
		return d.eachPart(r, out, p, numbers, want)
	})
	if err == nil && !out.begun {
		return notRendered("there are no pictures here")
	}
	return out.end(err)
}

func (d *Door) eachPart(r *request, out *partsWriter, p *picture, numbers []int, want *rendering) error {
	for _, n := range numbers {
		var b []byte
		err := d.exclusively(r, func() (err error) {
			if want.media == imageGIF {
				b, err = p.moving([]int{n}, want)
			} else {
				b, err = p.still(n, want)
			}
			return err
		})
		if err != nil {
			return renderFault(err)
		}
		place := r.base + pathOf(p.row, index.InstanceLevel) + "/frames/" + strconv.Itoa(n) + "/rendered"
		if err := out.part(want.media, place, int64(len(b)), bytes.NewReader(b)); err != nil {
			return err
		}
	}
	return nil
}

// pens bounds the frames that are decoded at the same time, and with them the
// memory.
type pens chan struct{}

func newPens() pens { return make(pens, runtime.GOMAXPROCS(0)) }

// exclusively waits for its turn to decode.
func (d *Door) exclusively(r *request, f func() error) error {
	select {
	case d.pens <- struct{}{}:
	case <-r.Context().Done():
		return r.Context().Err()
	}
	defer func() { <-d.pens }()
	return f()
}

func notRendered(text string) error {
	return issue.Errorf(issue.NotSupported, "This cannot be rendered: %s.", text).Rule("not-rendered").
		Chinese("该对象无法显示为图像。").WithStatus(http.StatusNotAcceptable)
}

// renderFault tells the caller what is wrong with stored pixels.
func renderFault(err error) error {
	switch {
	case errors.Is(err, pixel.ErrTooLarge):
		return issue.Errorf(issue.TooLong, "%s.", strings.TrimPrefix(err.Error(), "pixel: ")).Rule("too-large").WithStatus(http.StatusRequestEntityTooLarge)
	case errors.Is(err, pixel.ErrUnsupported), errors.Is(err, pixel.ErrMalformed):
		return notRendered(strings.TrimPrefix(err.Error(), "pixel: "))
	}
	return err
}
