package dicomweb

import (
	"bytes"
	"fmt"
	"io"
	"net/http"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// WADO-RS: metadata.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.2

// metadata answers the DICOM JSON of the instances of a study, of a series, or
// of one, which was written when they arrived, or the same as XML.
func (d *Door) metadata(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	form := wantedModel(r)
	if form == noModel {
		return notAcceptable("metadata are answered as application/dicom+json, or as multipart/related; type=\"application/dicom+xml\"")
	}
	if form == jsonModel {
		if done, err := d.metadataAgain(w, r, k); done || err != nil {
			return err
		}
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if err := d.audit(r, "wado-metadata", found.entity(), found.patient()); err != nil {
		return err
	}
	if found.veil != nil {
		w.Header().Set("Cache-Control", "no-store")
	} else if fresh(w, r.Request, found.tagOf(r, "metadata"+string('0'+rune(form)))) {
		return nil
	}
	if form == xmlModel {
		return d.metadataXML(w, r, found)
	}
	return d.metadataJSON(w, r, found)
}

// textKey names metadata on the shelf.
func (r *request) textKey() string { return r.who.Tenant + " " + r.base + r.URL.Path }

// metadataAgain answers what was put together a moment ago, where the caller
// reaches it and nothing has changed.
func (d *Door) metadataAgain(w http.ResponseWriter, r *request, k index.Key) (done bool, err error) {
	if err := r.who.Permit(access.Read, "ImagingStudy"); err != nil {
		return false, err
	}
	standing, err := d.o.Index.Standing(r.Context(), r.who.Reach(), k.Study)
	if err != nil {
		return false, fmt.Errorf("dicomweb: index: %w", err)
	}
	if standing == nil {
		return false, absent()
	}
	text, ok := d.texts.get(r.textKey(), standing.Stamp)
	if !ok {
		return false, nil
	}
	if v, err := d.veilOf(r.Context(), r.who, standing.Patient); v != nil || err != nil {
		return false, err
	}
	found := single(&index.Result{Study: *standing})
	if err := d.audit(r, "wado-metadata", found.entity(), found.patient()); err != nil {
		return false, err
	}
	if fresh(w, r.Request, found.tagOf(r, "metadata"+string('0'+rune(jsonModel)))) {
		return true, nil
	}
	w.Header().Set("Content-Type", dicomJSON)
	return true, writeBody(w, r.Request, text)
}

// maxShelved bounds the metadata that are kept for the next one who asks.
const maxShelved = 16 << 20

// metadataJSON writes one array; an error after its beginning breaks the answer.
func (d *Door) metadataJSON(w http.ResponseWriter, r *request, found *found) error {
	var out io.Writer
	var end func() error
	var buffer, kept []byte
	keep := found.veil == nil // others see more
	err := found.each(func(row *index.Result) (err error) {
		buffer = append(buffer[:0], ',')
		if out == nil {
			buffer[0] = '['
		}
		if buffer, err = d.metadataFor(buffer, row, r.base, found.veil); err != nil {
			return err
		}
		if out == nil {
			w.Header().Set("Content-Type", dicomJSON)
			out, end = compressed(w, r.Request)
		}
		if keep = keep && len(kept)+len(buffer) < maxShelved && row.Study.Stamp == found.first.Study.Stamp; keep {
			kept = append(kept, buffer...)
		}
		_, err = out.Write(buffer)
		return err
	})
	if err != nil {
		if out != nil {
			panic(http.ErrAbortHandler)
		}
		return err
	}
	if keep {
		d.texts.put(r.textKey(), found.first.Study.Stamp, append(kept, ']'), cap(kept))
	}
	if _, err = out.Write([]byte{']'}); err == nil {
		err = end()
	}
	return ignore(err)
}

// metadataFor gives the DICOM JSON of an instance without what is hidden.
func (d *Door) metadataFor(dst []byte, row *index.Result, base string, v *veil) ([]byte, error) {
	if v == nil {
		return d.metadataOf(dst, &row.Instance.Content, base)
	}
	text, err := d.metadataOf(nil, &row.Instance.Content, base)
	if err == nil {
		text, err = v.clean(text)
	}
	return append(dst, text...), err
}

func (d *Door) metadataXML(w http.ResponseWriter, r *request, found *found) error {
	out := newParts(w, dicomXML)
	var text, document []byte
	err := found.each(func(row *index.Result) (err error) {
		if text, err = d.metadataFor(text[:0], row, r.base, found.veil); err != nil {
			return err
		}
		if document, err = dicom.AppendXML(document[:0], text); err != nil {
			return err
		}
		return out.part(dicomXML, r.base+pathOf(row, index.InstanceLevel)+"/metadata", int64(len(document)), bytes.NewReader(document))
	})
	return out.end(err)
}
