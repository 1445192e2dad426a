package dicomweb

import (
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"tenon/dicomweb/index"
	"tenon/server/access"
)

// WADO-RS: instances.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_10.4

// retrieve answers the instances of a study, of a series, or one, as they were
// stored.
func (d *Door) retrieve(w http.ResponseWriter, r *request) error {
	k, err := r.key()
	if err != nil {
		return err
	}
	found, err := d.find(r, k)
	if err != nil {
		return err
	}
	defer found.stop()
	if found.veil != nil {
		if err := d.audit(r, "wado-instances", found.entity(), found.patient()); err != nil {
			return err
		}
		return d.retrieveVeiled(w, r, found, k.Instance != "")
	}
	var ready *stored // the only file
	defer func() {
		if ready != nil {
			_ = ready.Close()
		}
	}()
	if err := d.disclose(r, "wado-instances", found.first, func() (err error) {
		if k.Instance == "" || r.Header.Get("If-None-Match") != "" {
			return nil
		}
		if ready, err = d.open(r.Context(), &found.first.Instance.Content); err == nil {
			err = ready.prepare(0)
		}
		return err
	}); err != nil {
		return err
	}
	for _, m := range accepted(r.Request) {
		switch {
		case m.isMultipart() && m.part().covers(partTen) && m.serves(found.first),
			m.name == "*/*":
			return d.retrieveParts(w, r, found, m, ready)
		case m.name == archiveZIP && m.serves(found.first):
			return d.retrieveZIP(w, r, found, m)
		case k.Instance != "" && (m.covers(partTen) || m.name == octetStream) && m.serves(found.first):
			if target := m.target(found.first); target != "" {
				return d.transcodedOne(w, r, found.first, target)
			}
			return d.retrieveOne(w, r, found.first, ready)
		}
	}
	return notAcceptable("instances are answered as multipart/related; type=\"application/dicom\" or application/zip, one instance also as application/dicom, in the transfer syntax in which they are stored (transfer-syntax=*) or, where they can be decoded, in an uncompressed one, RLE, JPEG lossless (.70), JPEG-LS lossless (.80) or JPEG 2000 lossless (.90)")
}

// found are the rows of a key: at least one.
type found struct {
	first *index.Result
	next  func() (*index.Result, error, bool)
	stop  func()
	veil  *veil // what the caller does not see of the patient
}

// find begins to read the rows, and finds out what the caller sees of the patient.
func (d *Door) find(r *request, k index.Key) (*found, error) {
	f, err := d.lookup(r, k)
	if err != nil {
		return nil, err
	}
	if f.veil, err = d.veilOf(r.Context(), r.who, f.patient()); err != nil {
		f.stop()
		return nil, err
	}
	return f, nil
}

// lookup begins to read the rows; nothing in reach is absent. The row of a single
// instance may come from the shelf: it changes with the ImagingStudy only.
func (d *Door) lookup(r *request, k index.Key) (*found, error) {
	if err := r.who.Permit(access.Read, "ImagingStudy"); err != nil {
		return nil, err
	}
	if k.Instance == "" {
		return d.findAll(r, k)
	}
	standing, err := d.o.Index.Standing(r.Context(), r.who.Reach(), k.Study)
	if err != nil {
		return nil, fmt.Errorf("dicomweb: index: %w", err)
	}
	if standing == nil {
		return nil, absent()
	}
	key := r.who.Tenant + " " + k.Study + " " + k.Series + " " + k.Instance
	if row, ok := d.rows.get(key, standing.Stamp); ok {
		return single(row), nil
	}
	found, err := d.findAll(r, k)
	if err == nil {
		c := &found.first.Instance.Content
		d.rows.put(key, found.first.Study.Stamp, found.first, len(c.Metadata)+len(c.Frames)+len(c.Bulk)+1024)
	}
	return found, err
}

// single is one row that was read before.
func single(row *index.Result) *found {
	return &found{first: row, next: func() (*index.Result, error, bool) { return nil, nil, false }, stop: func() {}}
}

func (d *Door) findAll(r *request, k index.Key) (*found, error) {
	next, stop := iter.Pull2(d.o.Index.Instances(r.Context(), r.who.Reach(), k))
	first, err, ok := next()
	if err != nil || !ok {
		stop()
		if err != nil {
			return nil, fmt.Errorf("dicomweb: index: %w", err)
		}
		return nil, absent()
	}
	return &found{first: first, next: next, stop: stop}, nil
}

func (f *found) entity() string  { return "ImagingStudy/" + f.first.Study.Resource }
func (f *found) patient() string { return f.first.Study.Patient }

// each calls do with every row in order.
func (f *found) each(do func(*index.Result) error) error {
	for row := f.first; ; {
		if err := do(row); err != nil {
			return err
		}
		var err error
		var ok bool
		if row, err, ok = f.next(); err != nil || !ok {
			return err
		}
	}
}

// retrieveParts streams the files as the parts of a multipart answer; where there
// is one alone it may be open already.
func (d *Door) retrieveParts(w http.ResponseWriter, r *request, found *found, m media, ready *stored) error {
	if fresh(w, r.Request, found.tagOf(r, "parts "+m.params["transfer-syntax"])) {
		return nil
	}
	out := newParts(w, partTen)
	err := found.each(func(row *index.Result) error {
		if target := m.target(row); target != "" {
			return d.transcodedPart(r, out, row, target)
		}
		if !m.syntax(row.Instance.TransferSyntax) {
			return nil // can neither be given nor made in the transfer syntax asked for
		}
		file, part := ready, out.only
		if file == nil {
			var err error
			if file, err = d.open(r.Context(), &row.Instance.Content); err != nil {
				return err
			}
			defer file.Close()
			part = out.part
		}
		return part(partTen+"; transfer-syntax="+row.Instance.TransferSyntax,
			r.base+pathOf(row, index.InstanceLevel), file.Size(), file)
	})
	return out.end(err)
}

// retrieveOne answers one file alone, with ranges and an entity tag; it may be open
// already.
func (d *Door) retrieveOne(w http.ResponseWriter, r *request, row *index.Result, file *stored) error {
	if file == nil {
		var err error
		if file, err = d.open(r.Context(), &row.Instance.Content); err != nil {
			return err
		}
		defer file.Close()
	}
	w.Header().Set("Content-Type", partTen+"; transfer-syntax="+row.Instance.TransferSyntax)
	tagAndServe(w, r, row, "", file)
	return nil
}

// instanceTag is the entity tag of an instance's bytes or of what is made of them.
func instanceTag(row *index.Result, suffix string) string {
	return strconv.Quote(hex.EncodeToString(row.Instance.Content.Digest[:16]) + suffix)
}

// tagAndServe answers bytes that never change under their entity tag.
func tagAndServe(w http.ResponseWriter, r *request, row *index.Result, suffix string, content io.ReadSeeker) {
	w.Header().Set("ETag", instanceTag(row, suffix))
	w.Header().Set("Cache-Control", "private, no-cache")
	http.ServeContent(w, r.Request, "", time.Time{}, content)
}
