package dicomweb

import (
	"net/http"

	"tenon/dicomweb/index"
)

// WADO-RS: metadata.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4.1.1.2

// metadata answers the DICOM JSON of the instances of a study, of a series, or
// of one, which was written when they arrived.
func (d *Door) metadata(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	if !wantsJSON(r) {
		return notAcceptable("metadata are answered as application/dicom+json")
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if err := d.audit(r, "wado-metadata", found.entity(), found.patient()); err != nil {
		return err
	}
	begun := false
	var buffer []byte
	err = found.each(func(row *index.Result) error {
		buffer = append(buffer[:0], ',')
		if !begun {
			buffer[0] = '['
		}
		if buffer, err = d.metadataOf(buffer, &row.Instance.Content, r.base); err != nil {
			return err
		}
		if !begun {
			w.Header().Set("Content-Type", dicomJSON)
		}
		begun = true
		_, err := w.Write(buffer)
		return err
	})
	if err != nil {
		if begun {
			panic(http.ErrAbortHandler)
		}
		return err
	}
	_, err = w.Write([]byte{']'})
	return ignore(err)
}
