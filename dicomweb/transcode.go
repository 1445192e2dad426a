package dicomweb

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/dicomweb/pixel"
)

// Transcoding on retrieve: an instance or a frame in another transfer syntax
// than the one it is stored in. The stored bytes stay as they are.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.7.3.5
// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#chapter_A

// written are the transfer syntaxes that are written: none of them loses
// anything.
var written = map[string]bool{
	dicom.ImplicitLittleEndian: true, dicom.ExplicitLittleEndian: true, dicom.DeflatedExplicit: true,
	pixel.RLELossless: true, pixel.JPEGLosslessSV1: true, pixel.JPEGLSLossless: true, pixel.JPEG2000Lossless: true,
}

// transcodes tells whether an instance can be written in a transfer syntax.
func transcodes(row *index.Result, target string) bool {
	stored := row.Instance.TransferSyntax
	if !written[target] || stored == target {
		return false
	}
	from, known := dicom.SyntaxOf(stored)
	to, _ := dicom.SyntaxOf(target)
	switch {
	case !known:
		return false
	case !from.Encapsulated && !to.Encapsulated:
		return nativeSyntax(stored)
	case len(row.Instance.Content.Frames) == 0 || !pixel.CanDecode(stored):
		return false
	}
	bits := row.Instance.BitsAllocated
	return bits != nil && (*bits == 8 || *bits == 16)
}

// nativeSyntax tells whether data sets in a transfer syntax hold their pixels
// themselves and uncompressed; JPIP ones hold none.
func nativeSyntax(uid string) bool {
	switch uid {
	case dicom.ImplicitLittleEndian, dicom.ExplicitLittleEndian, dicom.DeflatedExplicit, dicom.ExplicitBigEndian:
		return true
	}
	return false
}

// transcoding writes one instance in another transfer syntax.
type transcoding struct {
	door   *Door
	r      *request
	target dicom.Syntax
	pixels *picture     // nil where the coding of the pixels stays
	first  *pixel.Frame // decoded before anything is written
	source *stored
	bulk   *stored // a second reader for long values
	signed bool
	w      writer
	change map[dicom.Tag][]byte // values of the data set itself that the pixels changed
}

// transcode opens an instance to be written. What can be known to fail fails
// here, before the answer begins.
func (d *Door) transcode(r *request, row *index.Result, target string) (t *transcoding, err error) {
	t = &transcoding{door: d, r: r, change: map[dicom.Tag][]byte{}}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	t.target, _ = dicom.SyntaxOf(target)
	if t.source, err = d.open(r.Context(), &row.Instance.Content); err != nil {
		return t, err
	}
	if t.bulk, err = d.open(r.Context(), &row.Instance.Content); err != nil {
		return t, err
	}
	if from, _ := dicom.SyntaxOf(row.Instance.TransferSyntax); !from.Encapsulated && !t.target.Encapsulated {
		return t, nil
	}
	if t.pixels, err = d.picture(r, row); err != nil {
		return t, err
	}
	if t.first, err = t.frame(1); err != nil {
		return t, renderFault(err)
	}
	return t, t.changes()
}

func (t *transcoding) close() {
	for _, f := range []*stored{t.source, t.bulk} {
		if f != nil {
			_ = f.Close()
		}
	}
	if t.pixels != nil {
		t.pixels.close()
	}
}

func (t *transcoding) frame(n int) (f *pixel.Frame, err error) {
	err = t.door.exclusively(t.r, func() error {
		f, err = t.pixels.frame(n)
		return err
	})
	return f, err
}

// lossyCompression is (0028,2110).
const lossyCompression dicom.Tag = 0x00282110

// changes notes what decoding changed of the Image Pixel module. A picture that
// lost something before stays marked (PS3.3 C.7.6.1.1.5).
func (t *transcoding) changes() error {
	f := t.first
	if int64(len(f.Data))*int64(t.pixels.table.Count) > math.MaxUint32-2 && !t.target.Encapsulated {
		return notAcceptable("uncompressed, this instance is longer than a value can be")
	}
	if f.Photometric != t.pixels.format.Photometric {
		t.change[photometric] = even([]byte(f.Photometric), ' ')
	}
	if t.pixels.format.Planar {
		t.change[planarConfiguration] = []byte{0, 0}
	}
	if pixel.Lossy(t.pixels.row.Instance.TransferSyntax) && t.pixels.header.String(lossyCompression) == "" {
		t.change[lossyCompression] = []byte("01")
	}
	return nil
}

func even(b []byte, pad byte) []byte {
	if len(b)%2 != 0 {
		b = append(b, pad)
	}
	return b
}

// write writes the Part 10 file.
func (t *transcoding) write(to io.Writer) error {
	w := bufio.NewWriterSize(to, 64<<10)
	if err := t.file(w); err != nil {
		return err
	}
	return w.Flush()
}

func (t *transcoding) file(w io.Writer) error {
	var s dicom.Scanner
	if err := s.Reset(t.source, t.door.o.Limits); err != nil {
		return err
	}
	t.w = writer{w: w, implicit: t.target.Implicit}
	token, err := t.meta(w, &s)
	if err != nil || !t.target.Deflated {
		if err == nil {
			err = t.dataSet(&s, token)
		}
		return err
	}
	counted := &counter{w: w}
	deflate, err := flate.NewWriter(counted, flate.DefaultCompression)
	if err != nil {
		return err
	}
	t.w.w = deflate
	if err := t.dataSet(&s, token); err != nil {
		return err
	}
	if err := deflate.Close(); err != nil {
		return err
	}
	_, err = w.Write(make([]byte, counted.n%2)) // PS3.5 §A.5
	return err
}

type counter struct {
	w io.Writer
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += n
	return n, err
}

// meta writes preamble and file meta information with the transfer syntax
// changed, and gives the first token of the data set; nil where that is empty.
func (t *transcoding) meta(w io.Writer, s *dicom.Scanner) (*dicom.Token, error) {
	var text bytes.Buffer
	group := writer{w: &text}
	token, err := s.Next()
	for ; err == nil && token.Tag.Group() == 2; token, err = s.Next() {
		value, err := s.Value(nil)
		if err != nil {
			return nil, err
		}
		switch token.Tag {
		case dicom.MetaGroupLength:
			continue
		case dicom.TransferSyntaxUID:
			value = even([]byte(t.target.UID), 0)
		}
		group.value(token.Tag, token.VR, value)
	}
	if err != nil && err != io.EOF {
		return nil, err
	}
	head := writer{w: w}
	head.bytes(append(make([]byte, 128), "DICM"...))
	head.value(dicom.MetaGroupLength, dicom.UL, binary.LittleEndian.AppendUint32(nil, uint32(text.Len())))
	head.bytes(text.Bytes())
	if err == io.EOF {
		token = nil
	}
	return token, head.err
}

// dataSet writes the elements from a token on.
func (t *transcoding) dataSet(s *dicom.Scanner, token *dicom.Token) error {
	for token != nil {
		if err := t.token(s, token); err != nil {
			return err
		}
		if t.w.err != nil {
			return t.w.err
		}
		var err error
		if token, err = s.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (t *transcoding) token(s *dicom.Scanner, token *dicom.Token) error {
	switch token.Kind {
	case dicom.SequenceBegin:
		if token.Depth == 0 && token.Tag > lossyCompression {
			t.pending()
		}
		t.w.header(token.Tag, dicom.SQ, dicom.Undefined)
	case dicom.ItemBegin:
		t.w.item(dicom.ItemTag, math.MaxUint32)
	case dicom.ItemEnd:
		t.w.item(dicom.ItemDelimiter, 0)
	case dicom.SequenceEnd:
		t.w.item(dicom.SequenceDelimiter, 0)
	case dicom.PixelsBegin:
		if token.Depth > 0 || !token.Tag.IsPixelData() || t.pixels == nil {
			return fmt.Errorf("dicomweb: compressed pixels inside an item cannot be transcoded")
		}
		return t.pixelData()
	case dicom.Fragment, dicom.PixelsEnd:
	case dicom.Value:
		return t.element(s, token)
	}
	return nil
}
