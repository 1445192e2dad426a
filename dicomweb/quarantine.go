package dicomweb

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Quarantine: what arrives with a Patient ID that identifies nobody here is kept
// apart where the operator says so, until a person says whose it is.
//
//	STOW, C-STORE → foreign → held ─┬─ release?patient= → stored, as if it came now
//	    (told as a failure, A900H)  └─ reject           → bytes swept
//
// It is no part of the archive meanwhile: nothing finds it but this list, which
// the people of the organisation that sent it see. It is never merged by itself.

// Policies of what has a foreign Patient ID.
const (
	RefuseForeign     = "refuse"
	QuarantineForeign = "quarantine"
)

// hold keeps an instance apart, or finds out what became of it before. It returns
// true where it is to be stored after all: it was released, with these bytes.
func (in *ingest) hold(a *arrival) (bool, error) {
	c := &a.instance.Content
	id := heldID(in.tenant(), in.r.who.Organization, c.Digest)
	for _, h := range in.held {
		if h.ID == id {
			a.refused = &refusal{reasonPatient, heldText(a.foreign.text, id)}
			return false, nil
		}
	}
	known, err := in.door.o.Quarantine.Held(in.r.Context(), id)
	if err != nil {
		return false, fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	switch {
	case known != nil && known.State == index.Released:
		a.study.Patient = known.Patient
		return true, nil
	case known != nil && known.State == index.Rejected:
		a.refused = &refusal{reasonPatient, a.foreign.text + "; it was rejected from quarantine before"}
		return false, nil
	}
	a.refused = &refusal{reasonPatient, heldText(a.foreign.text, id)}
	if known != nil {
		return false, nil
	}
	row := in.door.heldFor(in.r, a, index.Waiting)
	row.ID, row.Reason = id, a.foreign.text
	in.held = append(in.held, row)
	if len(in.held) == maxUnit {
		return false, in.keepHeld()
	}
	return false, nil
}

// heldFor is the row of an instance that is kept apart from the index.
func (d *Door) heldFor(r *request, a *arrival, state string) *index.Held {
	c := &a.instance.Content
	return &index.Held{
		State: state, Organization: r.who.Organization, Digest: c.Digest, Received: d.o.Clock().UTC(), Size: c.Size,
		Study: a.study.UID, Series: a.series.UID, Instance: a.instance.UID, SOPClass: a.instance.SOPClass,
		PatientID: a.study.PatientID, Name: a.study.PatientName, BirthDate: a.study.PatientBirthDate, Sex: a.study.PatientSex,
		Accession: a.study.AccessionNumber, Modality: a.series.Modality, Date: a.study.Date,
		Sender: r.who.Principal, Door: r.name(),
	}
}

func heldText(why, id string) string {
	return why + "; it is held in quarantine as " + id + " until a person releases it"
}

// heldID names the same bytes of the same organisation alike.
func heldID(tenant, organization string, digest [32]byte) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, append([]byte(tenant+"|"+organization+"|"), digest[:]...)).String()
}

// keepHeld makes what is held durable, in one unit. What another request held
// meanwhile is held already.
func (in *ingest) keepHeld() error {
	if len(in.held) == 0 {
		return nil
	}
	ctx, list := in.r.Context(), in.held
	in.held = nil
	if err := in.door.o.Blobs.Sync(ctx); err != nil {
		return err
	}
	err := in.door.move(ctx, in.r, "quarantine", list)
	if err == nil || !contended(err) {
		return err
	}
	for _, h := range list { // one by one: the others are there
		if known, err := in.door.o.Quarantine.Held(ctx, h.ID); err != nil {
			return fmt.Errorf("dicomweb: quarantine: %w", err)
		} else if known == nil {
			if err := in.door.move(ctx, in.r, "quarantine", []*index.Held{h}); err != nil && !contended(err) {
				return err
			}
		}
	}
	return nil
}

// move writes rows of the quarantine in one unit, audited before.
func (d *Door) move(ctx context.Context, r *request, operation string, list []*index.Held) error {
	draft := &record.Draft{Door: r.name(), Operation: operation}
	var rows []record.Audit
	for _, h := range list {
		draft.Rows = append(draft.Rows, h)
		if h.State == index.Waiting {
			draft.Blobs = append(draft.Blobs, record.BlobRow{Digest: h.Digest, Size: h.Size})
		}
		row := d.auditRow(r, operation, "quarantine/"+h.ID, h.Patient)
		row.Action = map[string]string{index.Waiting: "C", index.Rejected: "D"}[h.State]
		if row.Action == "" {
			row.Action = "U"
		}
		rows = append(rows, row)
	}
	if err := d.o.Auditor.Audit(ctx, rows); err != nil {
		return err
	}
	_, err := d.o.Records.Submit(ctx, r.who, draft)
	return err
}

// judges are the roles whose holders, of the hospital that the images were sent
// to, say whose they are.
var judges = []access.Role{access.IMG, access.DBA, access.ADMIN}

// custodian refuses who may not see the quarantine; deciding is for a person.
func (d *Door) custodian(r *request, deciding bool) error {
	if d.o.Quarantine == nil {
		return absent()
	}
	if err := r.who.NoApp(); err != nil {
		return err
	}
	if r.who.Kind == access.Operator && !deciding {
		return nil
	}
	if r.who.Kind == access.Person && r.who.Side == access.Hospital {
		for _, role := range judges {
			if r.who.Has(role) {
				return nil
			}
		}
	}
	return issue.Errorf(issue.Forbidden, "%s does not judge the quarantine: a person of the hospital with the role IMG, DBA or ADMIN does.", r.who.Principal).
		Rule("quarantine-role").Chinese("仅医院影像操作员、数据管理员或平台管理员可处理隔离影像。")
}

// listHeld answers GET /quarantine[?state=&limit=&offset=].
func (d *Door) listHeld(w http.ResponseWriter, r *request) error {
	if err := d.custodian(r, false); err != nil {
		return err
	}
	given, err := r.parameters()
	if err != nil {
		return err
	}
	state, limit, offset := index.Waiting, 100, 0
	for name, values := range given {
		switch v := values[0]; name {
		case "state":
			if state = v; v != index.Waiting && v != index.Released && v != index.Rejected {
				return badValue(name, v, "held, released or rejected")
			}
		case "limit":
			limit, err = count(name, v, 1, 1000)
		case "offset":
			offset, err = count(name, v, 0, maxOffset)
		default:
			return unknownParameter(name)
		}
		if err != nil {
			return err
		}
	}
	organization := r.who.Organization
	if r.who.Kind == access.Operator {
		organization = ""
	}
	list, err := d.o.Quarantine.Quarantined(r.Context(), state, organization, limit, offset)
	if err != nil {
		return fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if err := d.audit(r, "quarantine-list", "quarantine?state="+state, ""); err != nil {
		return err
	}
	if list == nil {
		list = []*index.Held{}
	}
	return writeJSON(w, http.StatusOK, list)
}

// heldOf finds what the URL names, for a person who may judge it.
func (d *Door) heldOf(r *request) (*index.Held, error) {
	if err := d.custodian(r, true); err != nil {
		return nil, err
	}
	h, err := d.o.Quarantine.Held(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, fmt.Errorf("dicomweb: quarantine: %w", err)
	}
	if h == nil || h.Organization != r.who.Organization {
		return nil, absent()
	}
	if h.State != index.Waiting {
		return nil, issue.Errorf(issue.Conflict, "It was %s before.", h.State).Rule("quarantine-state").WithStatus(http.StatusConflict).Chinese("该隔离影像已处理。")
	}
	next, now := *h, d.o.Clock().UTC().Truncate(time.Second)
	next.Previous, next.Judge, next.Judged = h.State, r.who.Principal, &now
	return &next, nil
}

// release stores what is held for the patient that the URL names.
func (d *Door) release(w http.ResponseWriter, r *request) error {
	if err := r.who.Allow(access.Create, "ImagingStudy"); err != nil {
		return err
	}
	h, err := d.heldOf(r)
	if err != nil {
		return err
	}
	subject, err := d.newSubject(r)
	if err != nil {
		return err
	}
	if subject.patient == "" {
		return issue.Errorf(issue.Required, "Say whose it is: ?patient=Patient/{id}.").At("patient").Rule("quarantine-patient").WithStatus(http.StatusBadRequest)
	}
	subject.decided, r.operation = true, "quarantine-release"
	h.State, h.Patient = index.Released, subject.patient
	file, err := d.o.Blobs.Open(r.Context(), h.Digest)
	if err != nil {
		return fmt.Errorf("dicomweb: content in quarantine: %w", err)
	}
	defer file.Close()
	in := &ingest{door: d, r: r, subject: subject, form: jsonModel, released: h}
	if err := in.take(file); err != nil {
		return err
	}
	if err := in.flush(); err != nil {
		return err
	}
	if a := in.all[0]; a.refused == nil && a.repeated { // stored before: the row alone moves on
		if err := d.move(r.Context(), r, "quarantine-release", []*index.Held{h}); err != nil {
			return err
		}
	}
	return d.answerStow(w, r, in)
}

// maxNote bounds the reason of a rejection, in bytes.
const maxNote = 2000

// reject gives up what is held. The body is the reason, as text.
func (d *Door) reject(w http.ResponseWriter, r *request) error {
	h, err := d.heldOf(r)
	if err != nil {
		return err
	}
	note, err := io.ReadAll(io.LimitReader(r.Body, maxNote+1))
	if err != nil {
		return err
	}
	if len(note) == 0 || len(note) > maxNote {
		return issue.Errorf(issue.Required, "The body says why, as text of 1 to %d bytes.", maxNote).Rule("quarantine-reason").WithStatus(http.StatusBadRequest)
	}
	h.State, h.Note = index.Rejected, string(note)
	if err := d.move(r.Context(), r, "quarantine-reject", []*index.Held{h}); err != nil {
		if contended(err) {
			return issue.Errorf(issue.Conflict, "It was judged by another person meanwhile.").Rule("quarantine-state").WithStatus(http.StatusConflict)
		}
		return err
	}
	return writeJSON(w, http.StatusOK, h)
}

func unknownParameter(name string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q is unknown here.", name).At(name).Rule("unknown-parameter").WithStatus(http.StatusBadRequest)
}

// writeJSON answers with a value of our own format.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return ignore(err)
}
