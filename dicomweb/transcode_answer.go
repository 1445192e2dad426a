package dicomweb

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/dicomweb/pixel"
)

// target is the transfer syntax in which a range wants an instance that lets no
// other pass; "" where the stored one will do or the wanted one cannot be had.
func (m media) target(row *index.Result) string {
	want := m.params["transfer-syntax"]
	if m.syntax(row.Instance.TransferSyntax) || !transcodes(row, want) {
		return ""
	}
	return want
}

// serves tells whether an instance can be answered in a range's transfer syntax.
func (m media) serves(row *index.Result) bool {
	return m.syntax(row.Instance.TransferSyntax) || m.target(row) != ""
}

// transcodedPart writes an instance as a part in another transfer syntax.
func (d *Door) transcodedPart(r *request, out *partsWriter, row *index.Result, target string) error {
	t, err := d.transcode(r, row, target)
	if err != nil {
		return err
	}
	defer t.close()
	return out.part(partTen+"; transfer-syntax="+target, r.base+pathOf(row, index.InstanceLevel), -1, t.reader())
}

// codingVersion changes with the bytes that the same instance is transcoded to.
const codingVersion = 1

// transcodedOne answers one instance in another transfer syntax. It is written
// as it is decoded, frame by frame, so that no part of it can be asked for; its
// entity tag spares a caller that has it.
func (d *Door) transcodedOne(w http.ResponseWriter, r *request, row *index.Result, target string) error {
	suffix := fmt.Sprintf("-%d-%s", codingVersion, target)
	if unchanged(r, row, suffix) {
		fresh(w, r.Request, instanceTag(row, suffix))
		return nil
	}
	t, err := d.transcode(r, row, target)
	if err != nil {
		return err
	}
	defer t.close()
	w.Header().Set("ETag", instanceTag(row, suffix))
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("Accept-Ranges", "none")
	w.Header().Set("Content-Type", partTen+"; transfer-syntax="+target)
	return aborted(t.write(w))
}

// reader gives the file as it is written.
func (t *transcoding) reader() io.Reader { return &transcoded{t} }

// transcoded is an io.Reader only in name: it is copied by WriteTo.
type transcoded struct{ t *transcoding }

func (x *transcoded) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// WriteTo writes the whole file.
func (x *transcoded) WriteTo(w io.Writer) (int64, error) {
	c := &counter{w: w}
	err := x.t.write(c)
	return int64(c.n), err
}

// convertible finds the transfer syntax and media type in which a range wants
// frames that are not stored so: uncompressed ones are application/octet-stream,
// also where it names no transfer syntax (PS3.18 table 8.7.3-5).
func (m media) convertible(row *index.Result, single bool) (s shape, ok bool) {
	part := m
	if s.multipart = m.isMultipart(); s.multipart {
		part = m.part()
	} else if !single {
		return s, false
	}
	s.syntax = part.params["transfer-syntax"]
	if s.syntax == "" && part.name == octetStream {
		s.syntax = dicom.ExplicitLittleEndian
	}
	if !transcodes(row, s.syntax) {
		return s, false
	}
	x, _ := dicom.SyntaxOf(s.syntax)
	if s.media = x.MediaType(); !part.covers(s.media) && part.name != octetStream {
		return s, false
	}
	if part.name == octetStream {
		s.media = octetStream
	}
	s.converted = true
	return s, true
}

// chooseShape finds how frames are answered: of the ranges that are wanted alike,
// one that takes them as they are stored goes first.
func chooseShape(ranges []media, row *index.Result, single bool) (s shape, ok bool) {
	for len(ranges) > 0 {
		n := 1
		for n < len(ranges) && ranges[n].q == ranges[0].q {
			n++
		}
		if s, ok = chooseFrame(ranges[:n], row.Instance.TransferSyntax, single); ok {
			return s, true
		}
		for _, m := range ranges[:n] {
			if s, ok = m.convertible(row, single); ok {
				return s, true
			}
		}
		ranges = ranges[n:]
	}
	return s, false
}

// convertFrames answers frames in another transfer syntax.
func (d *Door) convertFrames(w http.ResponseWriter, r *request, row *index.Result, numbers []int, s shape) error {
	if suffix := "-" + strconv.Itoa(numbers[0]) + "-" + s.syntax; !s.multipart && unchanged(r, row, suffix) {
		fresh(w, r.Request, instanceTag(row, suffix))
		return nil
	}
	p, err := d.picture(r, row)
	if err != nil {
		return err
	}
	defer p.close()
	out := newParts(w, s.media)
	for _, n := range numbers {
		var b []byte
		err := d.exclusively(r, func() (err error) {
			b, err = p.coded(n, s.syntax)
			return err
		})
		if err != nil {
			err = renderFault(err)
		} else if !s.multipart {
			w.Header().Set("Content-Type", s.contentType())
			tagAndServe(w, r, row, "-"+strconv.Itoa(n)+"-"+s.syntax, bytes.NewReader(b))
			return nil
		} else {
			err = out.part(s.contentType(), r.base+pathOf(row, index.InstanceLevel)+"/frames/"+strconv.Itoa(n), int64(len(b)), bytes.NewReader(b))
		}
		if err != nil {
			return out.end(err)
		}
	}
	return out.end(nil)
}

// coded is frame n in a transfer syntax.
func (p *picture) coded(n int, syntax string) ([]byte, error) {
	f, err := p.frame(n)
	if err != nil {
		return nil, err
	}
	if x, _ := dicom.SyntaxOf(syntax); !x.Encapsulated {
		return f.Data, nil
	}
	return pixel.Encode(syntax, f)
}
