package dicomweb

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// STOW-RS.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.5

const partTen = "application/dicom"

// stow stores the instances of the request. Outcomes are told for each of them.
// Whose they are is looked up on the way; the audit of that goes with the unit
// that stores them, or by itself where nothing is stored.
func (d *Door) stow(w http.ResponseWriter, r *request) error {
	ctx, reads := record.Postpone(r.Context())
	r.Request = r.WithContext(ctx)
	in, err := d.stowAll(r)
	if unkept := reads.Keep(context.WithoutCancel(ctx), d.o.Auditor); unkept != nil {
		return unkept
	}
	if err != nil {
		return err
	}
	return d.answerStow(w, r, in)
}

// stowAll stores what the body holds.
func (d *Door) stowAll(r *request) (*ingest, error) {
	if err := r.who.Allow(access.Create, "ImagingStudy"); err != nil {
		return nil, err
	}
	k, err := r.key()
	if err != nil {
		return nil, err
	}
	form := wantedModel(r)
	if form == noModel {
		return nil, notAcceptable("the answer to STOW-RS is application/dicom+json or application/dicom+xml")
	}
	m := parseMedia(r.Header.Get("Content-Type"))
	ofModels := isModel(m.name) || m.isMultipart() && isModel(m.part().name)
	next := func() (io.Reader, error) { return nil, io.EOF }
	if !ofModels {
		if next, err = parts(r, m); err != nil {
			return nil, err
		}
	}
	subject, err := d.newSubject(r)
	if err != nil {
		return nil, err
	}
	in := &ingest{door: d, r: r, subject: subject, study: k.Study, form: form}
	if ofModels {
		if err := in.stowModels(m); err != nil {
			return nil, err
		}
	}
	for {
		part, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return in, in.broken(err)
		}
		if err := in.take(part); err != nil {
			return nil, err
		}
	}
	if len(in.all) == 0 {
		return nil, issue.Errorf(issue.Invalid, "The request holds no instance: send multipart/related with parts of type application/dicom, application/dicom+json or application/dicom+xml.").
			Rule("stow-empty").WithStatus(http.StatusBadRequest)
	}
	return in, in.flush()
}

// parts gives the bodies of the instances one after the other.
func parts(r *request, m media) (func() (io.Reader, error), error) {
	if m.name == partTen {
		body := io.Reader(r.Body)
		return func() (io.Reader, error) {
			if body == nil {
				return nil, io.EOF
			}
			b := body
			body = nil
			return b, nil
		}, nil
	}
	if !m.isMultipart() || !m.part().covers(partTen) {
		return nil, unsupported(r.Header.Get("Content-Type"))
	}
	boundary, err := boundaryOf(m)
	if err != nil {
		return nil, err
	}
	reader := multipart.NewReader(r.Body, boundary)
	return func() (io.Reader, error) {
		p, err := reader.NextRawPart()
		if err != nil {
			return nil, err
		}
		if t := p.Header.Get("Content-Type"); t != "" && !fitsPart(parseMedia(t).name) {
			return nil, unsupported(t)
		}
		return p, nil
	}, nil
}

func boundaryOf(m media) (string, error) {
	boundary := m.params["boundary"]
	if boundary == "" || len(boundary) > 70 {
		return "", issue.Errorf(issue.Invalid, "Content-Type has no boundary of 1 to 70 characters.").
			At("Content-Type").Rule("multipart-boundary").WithStatus(http.StatusBadRequest)
	}
	return boundary, nil
}

// fitsPart also takes the type of bytes of which nothing is known.
func fitsPart(name string) bool { return name == partTen || name == "application/octet-stream" }

func unsupported(have string) error {
	return issue.Errorf(issue.NotSupported, "Content-Type %q is not stored here; application/dicom, application/dicom+json, application/dicom+xml and multipart/related of these are.", have).
		At("Content-Type").Rule("media-type").Clause("R000-014").WithStatus(http.StatusUnsupportedMediaType)
}

// broken ends a request whose multipart body breaks off: what came whole is
// stored and told, the rest is told as a failure.
func (in *ingest) broken(err error) error {
	if f := issue.As(err); f != nil {
		return f
	}
	if in.r.Context().Err() != nil {
		return err
	}
	if len(in.all) == 0 {
		return issue.Errorf(issue.Invalid, "The multipart body cannot be read; check the boundary and its end.").
			Rule("multipart").WithStatus(http.StatusBadRequest)
	}
	in.all = append(in.all, &arrival{refused: &refusal{reasonUnreadable, "the multipart body breaks off here"}})
	return in.flush()
}
