package dicomweb

import (
	"bytes"
	"io"
	"net/http"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
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
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if err := d.audit(r, "wado-metadata", found.entity(), found.patient()); err != nil {
		return err
	}
	if fresh(w, r.Request, found.tagOf(r, "metadata"+string('0'+rune(form)))) {
		return nil
	}
	if form == xmlModel {
		return d.metadataXML(w, r, found)
	}
	return d.metadataJSON(w, r, found)
}

// metadataJSON writes one array; an error after its beginning breaks the answer.
func (d *Door) metadataJSON(w http.ResponseWriter, r *request, found *found) error {
	var out io.Writer
	var end func() error
	var buffer []byte
	err := found.each(func(row *index.Result) (err error) {
		buffer = append(buffer[:0], ',')
		if out == nil {
			buffer[0] = '['
		}
		if buffer, err = d.metadataOf(buffer, &row.Instance.Content, r.base); err != nil {
			return err
		}
		if out == nil {
			w.Header().Set("Content-Type", dicomJSON)
			out, end = compressed(w, r.Request)
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
	if _, err = out.Write([]byte{']'}); err == nil {
		err = end()
	}
	return ignore(err)
}

func (d *Door) metadataXML(w http.ResponseWriter, r *request, found *found) error {
	out := newParts(w, dicomXML)
	var text, document []byte
	err := found.each(func(row *index.Result) (err error) {
		if text, err = d.metadataOf(text[:0], &row.Instance.Content, r.base); err != nil {
			return err
		}
		if document, err = dicom.AppendXML(document[:0], text); err != nil {
			return err
		}
		return out.part(dicomXML, r.base+pathOf(row, index.InstanceLevel)+"/metadata", int64(len(document)), bytes.NewReader(document))
	})
	return out.end(err)
}
