package dicomweb

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"iter"
	"net/http"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Direct is the archive behind the door for a door that speaks no HTTP: the
// same steps, rules and audit. Its methods are those of dimse.Archive.
type Direct struct {
	door *Door
	name string // of the other door, in the audit
}

// Direct gives the archive to a door of that name.
func (d *Door) Direct(name string) *Direct { return &Direct{d, name} }

// request stands for a request of the other door.
func (x *Direct) request(ctx context.Context, who *access.Context) (*request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/studies", nil)
	return &request{Request: r, who: who, base: x.door.o.Base, door: x.name}, err
}

// storing names the operation that stores, for the audit.
func (r *request) storing() string {
	switch {
	case r.operation != "":
		return r.operation
	case r.door == "":
		return "stow"
	}
	return "c-store"
}

// Statuses of C-STORE (PS3.4 table B.2-1, PS3.7 annex C).
const (
	statusDuplicate = 0x0111
	statusWarned    = warningSuspicious
)

// Store stores one Part 10 file of the SOP class. A data set that is stored
// already with other file meta information, as by STOW-RS before, counts as
// stored.
func (x *Direct) Store(ctx context.Context, who *access.Context, class string, file io.Reader) (uint16, string, error) {
	if err := who.Allow(access.Create, "ImagingStudy"); err != nil {
		return reasonNotAllowed, "this peer may not store images", nil
	}
	r, err := x.request(ctx, who)
	if err != nil {
		return 0, "", err
	}
	in := &ingest{door: x.door, r: r, class: class, subject: &subject{door: x.door, r: r, seen: map[string]finding{}}}
	sum := &tailSum{Hash: sha256.New()}
	if err := in.take(io.TeeReader(file, sum)); err != nil {
		return 0, "", err
	}
	if err := in.flush(); err != nil {
		return 0, "", err
	}
	a := in.all[0]
	if a.refused != nil && a.refused.reason == reasonOtherBytes {
		same, err := x.sameData(ctx, who, a, sum.Sum(nil))
		if err != nil || !same {
			return statusDuplicate, a.refused.text, err
		}
		a.refused, a.repeated = nil, true
	}
	if err := x.door.auditRepeated(r, in); err != nil {
		return 0, "", err
	}
	switch {
	case a.refused != nil:
		return uint16(a.refused.reason), a.refused.text, nil //nolint:gosec // below 0x10000
	case a.warning != "":
		return statusWarned, a.warning, nil
	}
	return 0, "", nil
}

// sameData tells whether the instance is stored with the same data set in the
// same transfer syntax.
func (x *Direct) sameData(ctx context.Context, who *access.Context, a *arrival, sum []byte) (bool, error) {
	for row, err := range x.door.o.Index.Instances(ctx, who.Reach(), a.key()) {
		if err != nil {
			return false, fmt.Errorf("dicomweb: index: %w", err)
		}
		if row.Instance.TransferSyntax != a.instance.TransferSyntax {
			return false, nil
		}
		a.study.Resource = row.Study.Resource
		file, err := x.door.open(ctx, &row.Instance.Content)
		if err != nil {
			return false, err
		}
		defer file.Close()
		have := &tailSum{Hash: sha256.New()}
		if _, err := io.Copy(have, file); err != nil {
			return false, err
		}
		return string(have.Sum(nil)) == string(sum), nil
	}
	return false, nil
}

// tailSum hashes a Part 10 file without its preamble and file meta information.
type tailSum struct {
	hash.Hash
	head []byte
	skip int64 // bytes up to the data set that are still to come; -1: unknown
	met  bool
}

// metaHead is preamble, prefix and the group length with its value.
const metaHead = 132 + 12

func (t *tailSum) Write(b []byte) (int, error) {
	n := len(b)
	if !t.met {
		take := min(metaHead-len(t.head), len(b))
		t.head, b = append(t.head, b[:take]...), b[take:]
		if len(t.head) < metaHead {
			return n, nil
		}
		t.met = true
		if binary.LittleEndian.Uint32(t.head[132:]) == 0x00000002 { // (0002,0000)
			t.skip = int64(binary.LittleEndian.Uint32(t.head[140:]))
		}
	}
	skipped := min(t.skip, int64(len(b)))
	t.skip -= skipped
	_, _ = t.Hash.Write(b[skipped:])
	return n, nil
}

// Find answers one page of a query. Keys of another level, or that the index
// does not hold, do not restrict it.
func (x *Direct) Find(ctx context.Context, who *access.Context, level index.Level, k index.Key, keys map[dicom.Tag]string, limit, offset int) (*index.Page, error) {
	if err := who.Permit(access.Search, "ImagingStudy"); err != nil {
		return nil, err
	}
	q := &index.Query{Level: level, Key: k, Limit: limit, Offset: offset}
	for t, value := range keys {
		a := index.Lookup(t)
		if a == nil || a.Level > level || value == "" || value == "*" && a.Kind != index.UID {
			continue
		}
		d, _ := dicom.Lookup(t)
		m, err := matchOf(a, d, value)
		if err != nil {
			return nil, err
		}
		q.Matches = append(q.Matches, m)
	}
	r, err := x.request(ctx, who)
	if err != nil {
		return nil, err
	}
	page, _, err := x.door.seen(r, q)
	if err != nil {
		return nil, err
	}
	return page, x.auditFound(r, page)
}

// auditFound is one row for the query and one for every patient it discloses.
func (x *Direct) auditFound(r *request, page *index.Page) error {
	row := func(patient string) record.Audit {
		a := x.door.auditRow(r, "c-find", "ImagingStudy", patient)
		a.Action = "E"
		return a
	}
	rows := []record.Audit{row("")}
	seen := map[string]bool{"": true}
	for i := range page.Results {
		if p := page.Results[i].Study.Patient; !seen[p] {
			seen[p] = true
			rows = append(rows, row(p))
		}
	}
	return x.door.o.Auditor.Audit(r.Context(), rows)
}

// Retrieve yields the instances under a key; the disclosure of each study is
// audited under the name of the operation before its first instance. It yields
// nothing where nothing is in reach, or where the patient is seen in part.
func (x *Direct) Retrieve(ctx context.Context, who *access.Context, operation string, k index.Key) iter.Seq2[*index.Result, error] {
	return func(yield func(*index.Result, error) bool) {
		r, err := x.request(ctx, who)
		if err == nil {
			err = who.Permit(access.Read, "ImagingStudy")
		}
		if err != nil {
			yield(nil, err)
			return
		}
		audited, veils := map[string]bool{}, map[string]*veil{}
		for row, err := range x.door.o.Index.Instances(ctx, who.Reach(), k) {
			if err == nil {
				if _, known := veils[row.Study.Patient]; !known {
					veils[row.Study.Patient], err = x.door.veilOf(ctx, who, row.Study.Patient)
				}
				if veils[row.Study.Patient] != nil {
					continue // a file goes whole, or not
				}
			}
			if err == nil && operation != "" && !audited[row.Study.Resource] {
				audited[row.Study.Resource] = true
				err = x.door.audit(r, operation, "ImagingStudy/"+row.Study.Resource, row.Study.Patient)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// Offers tells whether Open gives the instance in a transfer syntax.
func (x *Direct) Offers(row *index.Result, syntax string) bool {
	return row.Instance.TransferSyntax == syntax || transcodes(row, syntax)
}

// Open gives the file of an instance in a transfer syntax that Offers it.
func (x *Direct) Open(ctx context.Context, who *access.Context, row *index.Result, syntax string) (io.ReadCloser, error) {
	if row.Instance.TransferSyntax == syntax {
		return x.door.open(ctx, &row.Instance.Content)
	}
	if !transcodes(row, syntax) {
		return nil, issue.Errorf(issue.NotSupported, "The instance cannot be written in transfer syntax %s.", syntax).Rule("transfer-syntax")
	}
	r, err := x.request(ctx, who)
	if err != nil {
		return nil, err
	}
	t, err := x.door.transcode(r, row, syntax)
	if err != nil {
		return nil, err
	}
	pr, pw := io.Pipe()
	go func() {
		defer t.close()
		pw.CloseWithError(t.write(pw))
	}()
	return pr, nil
}

// Holds tells which of some instances of a SOP class are stored and in reach.
func (x *Direct) Holds(ctx context.Context, who *access.Context, class, instance string) (bool, error) {
	if err := who.Permit(access.Read, "ImagingStudy"); err != nil {
		return false, nil
	}
	q := &index.Query{Level: index.InstanceLevel, Limit: 2, Matches: []index.Match{
		{Attribute: index.Lookup(dicom.SOPInstanceUID), Values: []string{instance}}}}
	page, err := x.door.o.Index.Search(ctx, who.Reach(), q)
	if err != nil {
		return false, fmt.Errorf("dicomweb: search: %w", err)
	}
	return len(page.Results) > 0 && (class == "" || page.Results[0].Instance.SOPClass == class), nil
}
