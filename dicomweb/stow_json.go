package dicomweb

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/fhir/issue"
	"tenon/server/record"
)

// STOW-RS of metadata in the DICOM JSON model, or as Native DICOM Model documents
// (XML), with bulk data beside them.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5.1
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.6.1
//
//	part application/dicom+xml:  <NativeDicomModel>…, one for each instance
//	part application/dicom+json: [ {…"7FE00010":{"vr":"OW","BulkDataURI":"pixels"}} ]
//	part application/octet-stream or image/…, Content-Location: pixels
//
// Bulk data wait in the blob store, not in memory; once the body has ended each
// instance is written as a Part 10 file and goes the way of any other. What the
// files took over, or nobody names, the next sweep destroys.

// maxModels bounds the metadata of one request.
const maxModels = 64 << 20

// models is what arrived of such a request.
type models struct {
	sets []json.RawMessage
	size int64
	bulk map[string]*bulkPart // by Content-Location
}

// bulkPart is one value in the blob store.
type bulkPart struct {
	record.BlobRow
	syntax string
	video  bool
}

// stowModels reads the body and stores what it holds.
func (in *ingest) stowModels(m media) error {
	got := &models{bulk: map[string]*bulkPart{}}
	if isModel(m.name) {
		if err := got.read(m.name, in.r.Body); err != nil {
			return err
		}
		return in.compose(got)
	}
	boundary, err := boundaryOf(m)
	if err != nil {
		return err
	}
	reader := multipart.NewReader(in.r.Body, boundary)
	for {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return in.compose(got)
		}
		if err != nil {
			return in.unreadable(err)
		}
		if err := in.model(got, p); err != nil {
			return in.unreadable(err)
		}
	}
}

// unreadable tells of a body that breaks off.
func (in *ingest) unreadable(err error) error {
	if in.r.Context().Err() != nil || issue.As(err) != nil {
		return err
	}
	if _, full := errors.AsType[*http.MaxBytesError](err); !full && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !strings.HasPrefix(err.Error(), "multipart:") {
		return err
	}
	return issue.Errorf(issue.Invalid, "The multipart body cannot be read; check the boundary and its end. Nothing of it was stored.").
		Rule("multipart").WithStatus(http.StatusBadRequest)
}

// model takes one part: metadata, or a value.
func (in *ingest) model(got *models, p *multipart.Part) error {
	m := parseMedia(p.Header.Get("Content-Type"))
	if isModel(m.name) {
		return got.read(m.name, p)
	}
	at := strings.TrimSpace(p.Header.Get("Content-Location"))
	switch {
	case m.name == partTen:
		return unsupported(p.Header.Get("Content-Type"))
	case at == "" || len(at) > 2048:
		return issue.Errorf(issue.Invalid, "A part of type %q has no Content-Location, so that nothing can name it.", m.name).
			At("Content-Location").Rule("bulk-location").WithStatus(http.StatusBadRequest)
	case got.bulk[at] != nil:
		return issue.Errorf(issue.Invalid, "Two parts have the Content-Location %q.", at).
			At("Content-Location").Rule("bulk-location").WithStatus(http.StatusBadRequest)
	case len(got.bulk) == in.door.o.MaxParts:
		return issue.Errorf(issue.TooLong, "More than %d parts in one request.", in.door.o.MaxParts).Rule("stow-parts")
	}
	b := &bulkPart{video: strings.HasPrefix(m.name, "video/")}
	if b.video || strings.HasPrefix(m.name, "image/") {
		var ok bool
		if b.syntax, ok = dicom.SyntaxOfMedia(m.name, m.params["transfer-syntax"]); !ok {
			return unsupported(p.Header.Get("Content-Type"))
		}
	} else if s := m.params["transfer-syntax"]; s != "" && s != dicom.ExplicitLittleEndian && s != dicom.ImplicitLittleEndian {
		return unsupported(p.Header.Get("Content-Type"))
	}
	var err error
	b.BlobRow, err = in.door.o.Blobs.Stage(in.r.Context(), p, in.door.o.MaxInstance)
	got.bulk[at] = b
	return err
}

// isModel tells whether a media type is that of metadata.
func isModel(name string) bool { return name == dicomJSON || name == dicomXML }

// read takes metadata: an array of data sets, or one; as XML one.
func (got *models) read(typ string, r io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(r, maxModels-got.size+1))
	if err != nil {
		return err
	}
	if got.size += int64(len(text)); got.size > maxModels {
		return issue.Errorf(issue.TooLong, "The metadata of one request take more than %d bytes; send long values as bulk data.", maxModels).Rule("stow-metadata")
	}
	if typ == dicomXML {
		set, err := modelOfXML(text)
		if err != nil {
			return err
		}
		got.sets = append(got.sets, set)
		return nil
	}
	if text = bytes.TrimSpace(text); len(text) > 0 && text[0] == '{' {
		text = append(append([]byte{'['}, text...), ']')
	}
	var sets []json.RawMessage
	if err := json.Unmarshal(text, &sets); err != nil {
		return issue.Errorf(issue.Invalid, "The metadata are no array of data sets in the DICOM JSON model.").Rule("dicom-json").WithStatus(http.StatusBadRequest)
	}
	got.sets = append(got.sets, sets...)
	return nil
}

// modelOfXML reads a Native DICOM Model document.
func modelOfXML(text []byte) ([]byte, error) {
	set, err := dicom.ParseXML(bytes.NewReader(text))
	if err != nil {
		why := "it cannot be read"
		if f := dicom.AsFault(err); f != nil {
			why = f.Text
		}
		return nil, issue.Errorf(issue.Invalid, "The body is no Native DICOM Model document: %s.", why).Rule("dicom-xml").WithStatus(http.StatusBadRequest)
	}
	return set, nil
}

// compose stores every data set as a file.
func (in *ingest) compose(got *models) error {
	for _, set := range got.sets {
		file, err := dicom.Compose(set, func(uri string) (dicom.BulkValue, bool) {
			b := got.bulk[uri]
			if b == nil {
				return dicom.BulkValue{}, false
			}
			return dicom.BulkValue{Size: b.Size, Syntax: b.syntax, Video: b.video}, true
		})
		if err != nil {
			if err := in.uncomposed(set, err); err != nil {
				return err
			}
			continue
		}
		r := &composing{in: in, got: got, chunks: file.Chunks}
		err = in.take(r)
		r.close()
		if err != nil {
			return err
		}
		if a := in.all[len(in.all)-1]; a.warning == "" && len(file.Warnings) > 0 {
			a.warning = strings.Join(file.Warnings, "; ")
		}
	}
	return nil
}

// uncomposed notes a data set that cannot be written, by the UIDs that it tells.
func (in *ingest) uncomposed(set json.RawMessage, err error) error {
	a := &arrival{refused: refusalOf(err)}
	if a.refused == nil {
		return err
	}
	if len(in.all) == in.door.o.MaxParts {
		return issue.Errorf(issue.TooLong, "More than %d instances in one request.", in.door.o.MaxParts).Rule("stow-parts")
	}
	told := dicom.Identifiers(set, dicom.SOPClassUID, dicom.SOPInstanceUID)
	if validUID(told[0]) && validUID(told[1]) {
		a.instance.SOPClass, a.instance.UID = told[0], told[1]
	}
	in.all = append(in.all, a)
	return nil
}

// composing reads a file whose long values lie in the blob store.
type composing struct {
	in     *ingest
	got    *models
	chunks []dicom.Chunk
	open   record.BlobReader
}

func (c *composing) Read(p []byte) (int, error) {
	for len(c.chunks) > 0 {
		next := &c.chunks[0]
		if next.URI == "" {
			n := copy(p, next.Bytes)
			if next.Bytes = next.Bytes[n:]; len(next.Bytes) == 0 {
				c.chunks = c.chunks[1:]
			}
			return n, nil
		}
		if c.open == nil {
			var err error
			if c.open, err = c.in.door.o.Blobs.Open(c.in.r.Context(), c.got.bulk[next.URI].Digest); err != nil {
				return 0, err
			}
		}
		n, err := c.open.Read(p)
		if errors.Is(err, io.EOF) {
			c.close()
			c.chunks, err = c.chunks[1:], nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.EOF
}

func (c *composing) close() {
	if c.open != nil {
		_ = c.open.Close()
		c.open = nil
	}
}
