package record

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// AccessQuery asks who used the record of a patient.
type AccessQuery struct {
	Patient     string // its id
	From, Until time.Time
	Behind      AuditPlace
	Count       int
}

// AccessReport is a page of the answer, the newest first.
type AccessReport struct {
	Uses    []Use
	Next    *AuditPlace
	Partial bool
}

// Use is one use of a record, with the names of who it was.
type Use struct {
	AuditEvent
	Who, Where string // names of person and organisation, "" where none is on file
}

// AccessReport tells the patient, who acts for the patient, and auditors who used
// the patient's record, when, what for and for which organisation. Everybody else
// who reaches the patient is refused, and who does not hears of nothing. An app
// needs a scope that reads AuditEvents. The report is audited.
// Failures: not-found (404), access-report-role (403).
func (r *Recorder) AccessReport(ctx context.Context, who *access.Context, q AccessQuery) (*AccessReport, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	row := r.audit(who, "R", "access-report", "Patient/"+q.Patient, 200)
	err := r.mayReport(ctx, who, q.Patient)
	if err == nil {
		row.Patient = "Patient/" + q.Patient
	}
	if err := r.closeRead(ctx, row, "Patient", q.Patient, err); err != nil {
		return nil, err
	}
	ask := AuditQuery{About: "Patient/" + q.Patient, From: q.From, Until: q.Until, Behind: q.Behind, Count: max(1, q.Count),
		Takes: func(e *AuditEvent) bool { return e.Patient == "Patient/"+q.Patient }}
	as := who
	if !who.Audits() { // the patient sees all that was done with the own record
		as = &access.Context{Tenant: who.Tenant, Kind: access.Operator}
	}
	page, err := r.auditPage(ctx, as, ask)
	if err != nil {
		return nil, err
	}
	out := &AccessReport{Uses: make([]Use, len(page.Events)), Next: page.Next, Partial: page.Partial}
	names := map[string]string{"": ""}
	for i, e := range page.Events {
		out.Uses[i] = Use{AuditEvent: e}
		if out.Uses[i].Who, err = r.nameOf(ctx, names, e.Principal); err == nil {
			out.Uses[i].Where, err = r.nameOf(ctx, names, e.Organization)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *Recorder) mayReport(ctx context.Context, who *access.Context, id string) error {
	if who.Audits() {
		return r.auditsPatient(ctx, who, id)
	}
	_, err := r.o.Store.Read(ctx, who.Reach(), "Patient", id)
	if err != nil {
		return err
	}
	own, err := r.actsFor(ctx, who, id)
	if err != nil {
		return err
	}
	if !own {
		return issue.Errorf(issue.Forbidden, "%s may not see who used the record of Patient/%s: the patient, who acts for the patient, and an auditor may.", who.Principal, id).
			Rule("access-report-role").Clause("R000-018").Chinese("仅患者本人、其监护人或审计管理员可查询病历使用记录。")
	}
	return who.Permit(access.Read, "AuditEvent")
}

// auditsPatient tells whether an auditor sees the events of the patient.
func (r *Recorder) auditsPatient(ctx context.Context, who *access.Context, id string) error {
	if err := who.Stepped(); err != nil {
		return err
	}
	owners, err := r.o.Store.OwnersOf(ctx, "Patient", []string{id})
	if err != nil {
		return err
	}
	owner, there := owners["Patient/"+id]
	if !there || !who.AuditsAll() && (who.Side != access.Hospital || owner != who.Organization) {
		return ErrAbsent
	}
	return nil
}

// actsFor tells whether the caller is the patient, or a related person of the
// patient whose time is now.
func (r *Recorder) actsFor(ctx context.Context, who *access.Context, id string) (bool, error) {
	if who.Kind != access.Patient {
		return false, nil
	}
	if who.Scopes != nil && who.Scopes.Patient != "" && who.Scopes.Patient != "Patient/"+id {
		return false, nil
	}
	typ, own, _ := cutRef(who.Principal)
	if typ != "RelatedPerson" {
		return who.Principal == "Patient/"+id, nil
	}
	v, err := r.o.Store.Read(ctx, access.Everything{}, typ, own)
	if errors.Is(err, ErrAbsent) || err == nil && v.Deleted {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	root, err := parsed(v.Body)
	if err != nil {
		return false, err
	}
	return root.Path("patient", "reference").Str() == "Patient/"+id && string(root.Field("active").Raw()) != "false" &&
		lasts(root.Field("period"), r.now()), nil
}

// lasts tells whether a Period holds a moment; an end that is missing is open, one
// that cannot be read is over.
func lasts(period tree.Node, now time.Time) bool {
	if start := period.Field("start").Str(); start != "" {
		if from, _, ok := search.Interval(start); !ok || now.Before(from) {
			return false
		}
	}
	if end := period.Field("end").Str(); end != "" {
		if _, until, ok := search.Interval(end); !ok || !now.Before(until) {
			return false
		}
	}
	return true
}

// nameOf is what a person or organisation is called.
func (r *Recorder) nameOf(ctx context.Context, names map[string]string, ref string) (string, error) {
	if name, known := names[ref]; known {
		return name, nil
	}
	names[ref] = ""
	typ, id, ok := cutRef(ref)
	if !ok {
		return "", nil
	}
	v, err := r.o.Store.Read(ctx, access.Everything{}, typ, id)
	if errors.Is(err, ErrAbsent) || err == nil && v.Deleted {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("record: name of %s: %w", ref, err)
	}
	root, err := parsed(v.Body)
	if err != nil {
		return "", err
	}
	if typ == "PractitionerRole" {
		names[ref], err = r.nameOf(ctx, names, root.Path("practitioner", "reference").Str())
		return names[ref], err
	}
	names[ref] = called(root)
	return names[ref], nil
}

// called is the name that a resource of the directory has.
func called(root tree.Node) string {
	name := root.Field("name")
	if name.Kind() == tree.String {
		return name.Str()
	}
	if name.Kind() == tree.Array {
		name = name.Index(0)
	}
	if text := name.Field("text").Str(); text != "" {
		return text
	}
	return strings.TrimSpace(name.Field("family").Str() + " " + name.Field("given").Index(0).Str())
}
