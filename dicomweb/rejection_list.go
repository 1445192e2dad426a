package dicomweb

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// The rejection notes of an organisation, and taking one back.

// listNotes answers GET /rejections.
func (d *Door) listNotes(w http.ResponseWriter, r *request) error {
	if err := d.custodian(r, false); err != nil {
		return err
	}
	limit, offset, err := pageOf(r)
	if err != nil {
		return err
	}
	organization := r.who.Organization
	if r.who.Kind == access.Operator {
		organization = ""
	}
	list, err := d.o.Quarantine.Quarantined(r.Context(), index.NoteKept, organization, limit, offset)
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if err := d.audit(r, "rejection-list", "rejections", ""); err != nil {
		return err
	}
	if list == nil {
		list = []*index.Held{}
	}
	return writeJSON(w, http.StatusOK, list)
}

// pageOf reads limit and offset, the only parameters of a list.
func pageOf(r *request) (limit, offset int, err error) {
	given, err := r.parameters()
	if err != nil {
		return 0, 0, err
	}
	limit = 100
	for name, values := range given {
		switch name {
		case "limit":
			limit, err = count(name, values[0], 1, 1000)
		case "offset":
			offset, err = count(name, values[0], 0, maxOffset)
		default:
			err = unknownParameter(name)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return limit, offset, nil
}

// revoke answers POST /rejections/{id}/revoke: what the note hides is stored
// again, as it came, for the patient that it was of.
func (d *Door) revoke(w http.ResponseWriter, r *request) error {
	if err := r.who.Allow(access.Update, "ImagingStudy"); err != nil {
		return err
	}
	if err := d.custodian(r, true); err != nil {
		return err
	}
	note, err := d.o.Quarantine.Held(r.Context(), r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if note == nil || note.State != index.NoteKept || note.Organization != r.who.Organization {
		return absent()
	}
	if _, err := d.o.Records.Read(r.Context(), r.who, "Patient", note.Patient[len("Patient/"):]); err != nil {
		return err
	}
	targets, err := d.namedBy(r.Context(), note)
	if err != nil {
		return err
	}
	r.operation = "reject-revoke"
	subject := &subject{door: d, r: r, seen: map[string]finding{}, patient: note.Patient, decided: true}
	in := &ingest{door: d, r: r, subject: subject, form: jsonModel, restoring: true}
	for _, uid := range targets {
		if err := in.restore(uid, note.Instance); err != nil {
			return err
		}
	}
	if err := in.flush(); err != nil {
		return err
	}
	next := *note
	now := d.o.Clock().UTC().Truncate(time.Second)
	next.Previous, next.State, next.Judge, next.Judged = note.State, index.Revoked, r.who.Principal, &now
	if err := d.move(r.Context(), r, "reject-revoke", []*index.Held{&next}); err != nil {
		return err
	}
	if len(in.all) == 0 {
		return writeJSON(w, http.StatusOK, &next)
	}
	return d.answerStow(w, r, in)
}

// namedBy reads the instances that a kept note names.
func (d *Door) namedBy(ctx context.Context, note *index.Held) ([]string, error) {
	file, err := d.o.Blobs.Open(ctx, note.Digest)
	if err != nil {
		return nil, fmt.Errorf("dicomweb: content of a rejection note: %w", err)
	}
	defer file.Close()
	f, err := dicom.Read(file, dicom.Options{Limits: d.o.Limits})
	if err != nil {
		return nil, fmt.Errorf("dicomweb: stored rejection note: %w", err)
	}
	n := noteOf(f)
	if n == nil {
		return nil, issue.Errorf(issue.Exception, "The stored rejection note is none.")
	}
	var list []string
	for _, study := range n.studies {
		list = append(list, n.targets[study]...)
	}
	return list, nil
}

// restore takes one hidden instance back in, where this note hides it.
func (in *ingest) restore(uid, note string) error {
	h, err := in.door.o.Quarantine.Held(in.r.Context(), hiddenID(in.tenant(), uid))
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if h == nil || h.State != index.Hidden || h.Note != note {
		return nil
	}
	file, err := in.door.o.Blobs.Open(in.r.Context(), h.Digest)
	if err != nil {
		return fmt.Errorf("dicomweb: content of a hidden instance: %w", err)
	}
	defer file.Close()
	next := *h
	next.Previous, next.State = h.State, index.Restored
	in.released = &next
	return in.take(file)
}
