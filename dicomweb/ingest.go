package dicomweb

import (
	"context"
	"errors"
	"io"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/record"
)

// ingest is one STOW request on its way: what arrived, and what of it waits for
// its unit.
type ingest struct {
	door    *Door
	r       *request
	subject *subject
	study   string // of the URL, or ""
	form    model  // of the answer
	class   string // that the SOP class must be, or ""

	released *index.Held   // what is stored out of quarantine, or nil
	held     []*index.Held // what waits to be kept apart

	restoring bool // what a rejection note hid is taken back in

	all     []*arrival // in the order of the request
	waiting map[string][]*arrival
	weight  int // bytes of metadata that wait
}

// Sizes of a unit: so many instances are committed together, and so much is
// held in memory before that.
const (
	maxUnit   = 256
	maxWeight = 64 << 20
)

// take reads one part: tokenises it, and streams it to the blob store.
func (in *ingest) take(part io.Reader) error {
	if len(in.all) == in.door.o.MaxParts {
		return issue.Errorf(issue.TooLong, "More than %d instances in one request; what came before is not stored unless a later request sends it again.",
			in.door.o.MaxParts).Rule("stow-parts")
	}
	a := &arrival{}
	in.all = append(in.all, a)
	if err := in.stage(a, part); err != nil {
		if a.refused = refusalOf(err); a.refused == nil {
			return err
		}
		return nil
	}
	if a.foreign != nil {
		if store, err := in.hold(a); !store {
			a.instance.Content = index.Content{}
			return err
		}
	}
	if a.note != nil {
		return in.reject(a)
	}
	if in.waiting == nil {
		in.waiting = map[string][]*arrival{}
	}
	uid := a.study.UID
	in.waiting[uid] = append(in.waiting[uid], a)
	in.weight += len(a.instance.Content.Metadata) + len(a.instance.Content.Frames) + len(a.instance.Content.Bulk)
	if len(in.waiting[uid]) == maxUnit {
		return in.commit(uid)
	}
	if in.weight > maxWeight {
		return in.flush()
	}
	return nil
}

var errAbandoned = errors.New("dicomweb: the instance is not stored")

// stage reads the part while the blob store takes its bytes. What is refused is
// abandoned before the blob store keeps it.
func (in *ingest) stage(a *arrival, part io.Reader) error {
	ctx, cancel := context.WithCancel(in.r.Context())
	defer cancel()
	pr, pw := io.Pipe()
	type staged struct {
		row record.BlobRow
		err error
	}
	done := make(chan staged, 1)
	go func() {
		row, err := in.door.o.Blobs.Stage(ctx, pr, in.door.o.MaxInstance)
		pr.CloseWithError(errors.Join(err, errAbandoned)) // a writer that is left gets the reason
		done <- staged{row, err}
	}()
	defer pw.CloseWithError(errAbandoned) // lets the goroutine go whatever happens below
	err := in.read(a, io.TeeReader(filled{part}, pw))
	pw.CloseWithError(err) // nil: the end of the file
	s := <-done
	if s.err != nil && (err == nil || issue.As(s.err) != nil) {
		return s.err
	}
	if err != nil {
		return err
	}
	a.instance.Content.Digest, a.instance.Content.Size = s.row.Digest, s.row.Size
	return nil
}

// filled reads until the buffer is full: parts of a multipart body come in small
// pieces, and each piece would wake the goroutine that writes.
type filled struct{ r io.Reader }

func (f filled) Read(p []byte) (int, error) {
	n, err := io.ReadFull(f.r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) && n > 0 {
		err = nil // the next call tells whether the end is a proper one
	}
	return n, err
}

// read tokenises the file and decides on it; then it reads what lies behind the
// data set, so that the blob has every byte.
func (in *ingest) read(a *arrival, r io.Reader) error {
	d := in.door
	reader := d.readers.Get().(*dicom.Reader)
	defer func() {
		if !reader.Heavy() {
			d.readers.Put(reader)
		}
	}()
	f, err := reader.Read(r, dicom.Options{Limits: d.o.Limits})
	if err != nil {
		return err
	}
	a.fill(f)
	a.made, a.note = derivationOf(f), noteOf(f)
	if refused := a.judge(f, in.study); refused != nil {
		return refused
	}
	if in.class != "" && in.class != a.instance.SOPClass {
		return &refusal{reasonPatient, "SOPClassUID (0008,0016) is not the SOP class that was announced"}
	}
	if err := in.expected(a.study.UID); err != nil {
		return err
	}
	patient, refused, err := in.subject.of(a.study.PatientID, a.study.PatientIDIssuer)
	if err != nil {
		return err
	}
	if a.foreign = refused; refused != nil && (d.o.Foreign != QuarantineForeign || d.o.Quarantine == nil) {
		return refused
	}
	if a.study.Patient = patient; in.released != nil {
		a.also = in.released
	}
	if err := d.describe(f, a); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return err
}

// flush commits all that waits.
func (in *ingest) flush() error {
	if err := in.keepHeld(); err != nil {
		return err
	}
	for _, a := range in.all { // in the order of arrival, each study once
		if len(in.waiting[a.study.UID]) > 0 {
			if err := in.commit(a.study.UID); err != nil {
				return err
			}
		}
	}
	return nil
}
