package dicomweb

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/record"
)

// codec compresses the metadata of an instance. The first byte names the form,
// so that another one can follow.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

const formZstd = 'z'

// maxMetadata bounds the DICOM JSON of one instance.
const maxMetadata = 256 << 20

func newCodec() codec {
	// Options of constants cannot fail.
	enc, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	dec, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxMetadata))
	return codec{enc, dec}
}

func (c codec) pack(b []byte) []byte {
	return c.enc.EncodeAll(b, []byte{formZstd})
}

func (c codec) unpack(dst, b []byte) ([]byte, error) {
	if len(b) == 0 || b[0] != formZstd {
		return dst, fmt.Errorf("dicomweb: metadata of an unknown form")
	}
	return c.dec.DecodeAll(b[1:], dst)
}

// basePlace stands in stored metadata for the base URL of the door. It is a
// control character, which JSON never holds as such.
const basePlace = "\x01"

// inlineLimit is the longest binary value that metadata carry themselves, and
// maxBulk how many longer ones they name.
const (
	inlineLimit = 1024
	maxBulk     = 4096
)

// bulk is one entry of the table of values with a BulkDataURI.
type bulk struct {
	Path   string `json:"p"`
	Offset int64  `json:"o"`
	Length int64  `json:"n"`
	Word   int    `json:"w,omitempty"` // bytes of a word to swap: big endian
	Media  string `json:"m,omitempty"` // media type where the data set tells it
}

func instancePath(k index.Key) string {
	return "/studies/" + k.Study + "/series/" + k.Series + "/instances/" + k.Instance
}

// describe fills the content of an instance from its file.
func (d *Door) describe(f *dicom.File, a *arrival) (err error) {
	k, c := a.key(), &a.instance.Content
	uri := basePlace + instancePath(k) + "/bulkdata/"
	text, places := f.AppendJSON(nil, dicom.JSONOptions{Inline: inlineLimit, URI: uri, MaxBulk: maxBulk})
	c.Metadata = d.codec.pack(text)
	if len(d.o.Extra) > 0 {
		plain := bytes.ReplaceAll(text, []byte(basePlace), nil)
		if a.extra, err = index.Values(plain, k, d.o.Extra); err != nil {
			return err
		}
	}
	c.Deflated = f.Syntax.Deflated
	if f.Pixels.Tag != 0 {
		c.Pixels = index.Span{Offset: f.Pixels.Offset, Length: f.Pixels.Length}
	}
	if t, _ := f.FrameTable(); t != nil {
		c.Frames = t.AppendBinary(nil)
	}
	var table []bulk
	for _, p := range places {
		b := bulk{Path: p.Path, Offset: p.Offset, Length: p.Length}
		if word := p.VR.WordSize(); !p.Little && word > 1 {
			b.Word = word
		}
		if p.Path == encapsulatedDocument {
			b.document(f)
		}
		table = append(table, b)
	}
	if table != nil {
		c.Bulk, err = json.Marshal(table)
	}
	return err
}

// encapsulatedDocument is the path of (0042,0011): a PDF or a model whose media
// type and length without padding are told beside it (PS3.3 §C.24.2).
const encapsulatedDocument = "00420011"

func (b *bulk) document(f *dicom.File) {
	if m := parseMedia(f.String(0x00420012)); validMedia(m.name) {
		b.Media = m.name
	}
	if n, ok := f.Int(0x00420015); ok && n > 0 && n <= b.Length {
		b.Length = n
	}
}

// validMedia tells whether a stored media type can stand in a header.
func validMedia(name string) bool {
	slash := 0
	for i := range len(name) {
		c := name[i]
		if c == '/' {
			slash++
		} else if c <= ' ' || c >= 0x7F || bytes.IndexByte([]byte(`()<>@,;:\"[]?=`), c) >= 0 {
			return false
		}
	}
	return slash == 1 && len(name) < 128
}

// bulkOf finds an entry.
func bulkOf(c *index.Content, path string) (*bulk, error) {
	if len(c.Bulk) == 0 {
		return nil, nil
	}
	var table []bulk
	if err := json.Unmarshal(c.Bulk, &table); err != nil {
		return nil, fmt.Errorf("dicomweb: bulk table: %w", err)
	}
	for i := range table {
		if table[i].Path == path {
			return &table[i], nil
		}
	}
	return nil, nil
}

// maxScratch bounds the memory that is kept for the next text.
const maxScratch = 1 << 20

// metadataOf gives the DICOM JSON of an instance with its absolute URLs.
func (d *Door) metadataOf(dst []byte, c *index.Content, base string) ([]byte, error) {
	scratch := d.scratch.Get().(*[]byte)
	defer d.scratch.Put(scratch)
	text, err := d.codec.unpack((*scratch)[:0], c.Metadata)
	if err != nil {
		return dst, err
	}
	if cap(text) < maxScratch {
		*scratch = text
	}
	quoted := dicom.AppendString(nil, base)
	quoted = quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(text, basePlace[0])
		if i < 0 {
			return append(dst, text...), nil
		}
		dst = append(append(dst, text[:i]...), quoted...)
		text = text[i+1:]
	}
}

// stored is the open content of an instance.
type stored struct {
	record.BlobReader
	content *index.Content
	limits  dicom.Limits
}

func (d *Door) open(ctx context.Context, c *index.Content) (*stored, error) {
	b, err := d.o.Blobs.Open(ctx, c.Digest)
	if err != nil {
		return nil, fmt.Errorf("dicomweb: content of an instance: %w", err)
	}
	return &stored{b, c, d.o.Limits}, nil
}

// WriteTo implements io.WriterTo: without a copy where the store can.
func (s *stored) WriteTo(w io.Writer) (int64, error) {
	if x, ok := s.BlobReader.(io.WriterTo); ok {
		return x.WriteTo(w)
	}
	return io.Copy(w, struct{ io.Reader }{s.BlobReader})
}

// prepare reads the part of the file that holds a place, so that the answer finds
// it at hand.
func (s *stored) prepare(offset int64) error {
	var b [1]byte
	_, err := s.ReadAt(b[:], min(offset, s.Size()-1))
	return err
}

// section is a part of a file that is written without a copy where the store can.
type section struct {
	*io.SectionReader
	file    record.BlobReader
	at, end int64
}

// WriteTo implements io.WriterTo.
func (s section) WriteTo(w io.Writer) (int64, error) {
	at, _ := s.Seek(0, io.SeekCurrent)
	if x, ok := s.file.(interface {
		WriteSection(w io.Writer, offset, length int64) (int64, error)
	}); ok {
		n, err := x.WriteSection(w, s.at+at, s.end-s.at-at)
		_, _ = s.Seek(n, io.SeekCurrent)
		return n, err
	}
	return io.Copy(w, s.SectionReader)
}

// section reads a part of the file, or of the inflated data set.
func (s *stored) section(p dicom.Piece) (io.Reader, error) {
	if !s.content.Deflated {
		return section{io.NewSectionReader(s.BlobReader, p.Offset, p.Length), s.BlobReader, p.Offset, p.Offset + p.Length}, nil
	}
	if _, err := s.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	r, err := dicom.Inflate(s.BlobReader, s.limits)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, r, p.Offset); err != nil {
		return nil, err
	}
	return io.LimitReader(r, p.Length), nil
}
