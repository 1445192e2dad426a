package dicomweb

import (
	"archive/zip"
	"io"
	"net/http"

	"tenon/dicomweb/index"
)

// WADO-RS: instances in a ZIP archive, one file each: series UID, slash, instance
// UID, .dcm. They are not compressed, so that the answer is a copy of what is
// stored.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_8.6.1.3

// retrieveZIP streams the archive.
func (d *Door) retrieveZIP(w http.ResponseWriter, r *request, found *found, m media) error {
	if fresh(w, r.Request, found.tagOf(r, "zip "+m.params["transfer-syntax"])) {
		return nil
	}
	var archive *zip.Writer
	err := found.each(func(row *index.Result) error {
		target := m.target(row)
		if target == "" && !m.syntax(row.Instance.TransferSyntax) {
			return nil
		}
		content, closer, err := d.content(r, row, target)
		if err != nil {
			return err
		}
		defer closer()
		if archive == nil {
			w.Header().Set("Content-Type", archiveZIP)
			w.Header().Set("Content-Disposition", `attachment; filename="`+row.Study.UID+`.zip"`)
			archive = zip.NewWriter(w)
		}
		file, err := archive.CreateHeader(&zip.FileHeader{Name: row.Series.UID + "/" + row.Instance.UID + ".dcm", Method: zip.Store})
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return err
	})
	switch {
	case err != nil && archive != nil:
		panic(http.ErrAbortHandler)
	case err != nil:
		return err
	case archive == nil:
		return notAcceptable("no instance can be had in that transfer syntax")
	}
	return ignore(archive.Close())
}

// content opens the file of an instance, as it is stored or, with a target, in
// that transfer syntax.
func (d *Door) content(r *request, row *index.Result, target string) (io.Reader, func(), error) {
	if target != "" {
		t, err := d.transcode(r, row, target)
		if err != nil {
			return nil, nil, err
		}
		return t.reader(), t.close, nil
	}
	file, err := d.open(r.Context(), &row.Instance.Content)
	if err != nil {
		return nil, nil, err
	}
	return file, func() { _ = file.Close() }, nil
}
