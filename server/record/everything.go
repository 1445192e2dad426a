package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// EverythingQuery asks for all that belongs to one Patient or Encounter, or,
// without an ID, to every Patient in reach. Zero times do not filter.
// https://hl7.org/fhir/R4/patient-operation-everything.html
// https://hl7.org/fhir/R4/encounter-operation-everything.html
type EverythingQuery struct {
	Type, ID string
	// From and To are the period of care, To outside: what has a date of care
	// has one that touches it. What has none is in any period.
	From, To time.Time
	Since    time.Time // versions made at or after it
	Types    []string  // none: all
	// After is "Type/id" of the last resource of the page before, "" on the
	// first one. A resource never changes its place, so that pages neither miss
	// nor repeat one, whatever is written meanwhile.
	After string
	Count int
}

// EverythingPage is a page of it: the Patient or Encounter first, the rest in
// the order of creation, each once. More tells that others come behind.
type EverythingPage struct {
	Resources []Gathered
	More      bool
}

// Gathered is one resource. Linked ones are there because another one refers to
// them: parties, places, medications, devices, files.
type Gathered struct {
	Version
	Linked bool
}

// Gathering is the question to the store. Its parts:
//
//	compartment   what refers to a subject by one of the keys
//	cases         members of the cases of a subject that are about it or nobody
//	linked        what these refer to, and what a PractitionerRole among it does,
//	              unless it is about another patient
//
// Reach is judged on every resource, on the root Task through which a case is
// entered, and on every resource whose references are followed.
type Gathering struct {
	EverythingQuery
	Reach    access.Predicate
	Named    access.Predicate // for the subjects, which may be shown in part
	Subjects []string         // ids of Type; none: all Patients in reach
	Patients []string         // "Patient/x" that linked ones and members may be about
	Keys     []search.Key
	Dates    []search.Key
	BaseURL  string // of own absolute references to files
}

// Gatherer is the Store's part of the operation.
type Gatherer interface {
	// Everything gathers one page; ErrAbsent says that After is not there (any
	// more). A page may hold fewer than Count where bodies are large.
	Everything(ctx context.Context, g *Gathering) (*EverythingPage, error)
}

// Everything is Patient/$everything and Encounter/$everything. Records of a
// patient that this one replaces ($merge) belong to it.
// Failures: not-found (404), deleted (410), everything-place (400).
func (r *Recorder) Everything(ctx context.Context, who *access.Context, q EverythingQuery) (*EverythingPage, error) {
	if err := r.entry(who, q.Type); err != nil {
		return nil, err
	}
	if err := who.Permit(access.Read, q.Type); err != nil {
		return nil, r.closeRead(ctx, r.audit(who, "E", "everything", q.Type+"/"+q.ID, 403), q.Type, q.ID, err)
	}
	g := &Gathering{EverythingQuery: q, Reach: who.Reach(), Named: r.inPart(who.Reach(), q.Type), BaseURL: r.o.BaseURL, Keys: r.compartmentKeys(q.Type)}
	if !q.From.IsZero() || !q.To.IsZero() {
		g.Dates = careDates
	}
	if q.ID != "" {
		if err := r.subjects(ctx, who, g); err != nil {
			return nil, err
		}
	}
	page, err := r.o.Store.Everything(ctx, g)
	if errors.Is(err, ErrAbsent) {
		return nil, issue.Errorf(issue.NotFound, "The page begins behind %s, which is not there or no longer in your reach; begin again.", q.After).
			WithStatus(400).Rule("everything-place").Chinese("分页位置已失效，请从第一页重新开始。")
	}
	if err != nil {
		return nil, fmt.Errorf("record: everything of %s/%s: %w", q.Type, q.ID, err)
	}
	if err := r.o.Store.Audit(ctx, r.auditEverything(who, g, page)); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return page, nil
}

// compartmentKeys are the search parameters by which a resource is in a
// compartment.
func (r *Recorder) compartmentKeys(name string) (keys []search.Key) {
	for typ, codes := range r.o.Model.Compartment(name) {
		for _, code := range codes {
			keys = append(keys, search.KeyOf(typ, code))
		}
	}
	slices.Sort(keys)
	return keys
}

// mostReplaced bounds the patients that one stands for.
const mostReplaced = 64

// subjects reads the Patient or Encounter that the caller names, as any read
// does, and finds the patients that it replaces.
func (r *Recorder) subjects(ctx context.Context, who *access.Context, g *Gathering) error {
	v, err := r.Read(ctx, who, g.Type, g.ID)
	if err != nil {
		return err
	}
	g.Subjects = []string{g.ID}
	if v.Patient != "" {
		g.Patients = []string{v.Patient}
	}
	if g.Type != "Patient" {
		return nil
	}
	for next := []*Version{v}; len(next) > 0; next = next[1:] {
		root, err := parsed(next[0].Body)
		if err != nil {
			return err
		}
		for _, id := range r.linkedPatients(root, "replaces") {
			if slices.Contains(g.Subjects, id) || len(g.Subjects) >= mostReplaced {
				continue
			}
			old, err := r.current(ctx, g.Named, "Patient", id)
			if err != nil {
				return err
			}
			if old == nil || old.Deleted {
				continue
			}
			g.Subjects, g.Patients, next = append(g.Subjects, id), append(g.Patients, "Patient/"+id), append(next, old)
		}
	}
	return nil
}

// linkedPatients are the ids of the patients that a Patient links to in one way.
// https://hl7.org/fhir/R4/valueset-link-type.html
func (r *Recorder) linkedPatients(patient tree.Node, kind string) (ids []string) {
	for l := range patient.Field("link").Items() {
		typ, id, ok := r.local(l.Path("other", "reference").Str())
		if ok && typ == "Patient" && l.Field("type").Str() == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// auditEverything is one row for the question and one for every patient that
// the page discloses something of.
func (r *Recorder) auditEverything(who *access.Context, g *Gathering, page *EverythingPage) []Audit {
	entity := g.Type
	if g.ID != "" {
		entity += "/" + g.ID
	}
	rows := []Audit{r.audit(who, "E", "everything", entity, 200)}
	seen := map[string]bool{"": true}
	for i := range page.Resources {
		patient := page.Resources[i].Patient
		if seen[patient] {
			continue
		}
		seen[patient] = true
		row := r.audit(who, "E", "everything", entity, 200)
		row.Patient = patient
		rows = append(rows, row)
	}
	return rows
}

// careDates are the search parameters that tell when care took place, not when
// it was written down. What is not named here has no date of care.
var careDates = keysOf(careCodes)

var careCodes = map[string][]string{
	"AdverseEvent": {"date"}, "AllergyIntolerance": {"onset"}, "Appointment": {"date"},
	"CarePlan": {"date"}, "CareTeam": {"date"}, "ChargeItem": {"occurrence"}, "ClinicalImpression": {"date"},
	"Communication": {"sent"}, "CommunicationRequest": {"occurrence"}, "Composition": {"period"}, "Condition": {"onset-date"},
	"DetectedIssue": {"identified"}, "DeviceRequest": {"event-date"}, "DiagnosticReport": {"date"},
	"DocumentReference": {"period"}, "Encounter": {"date"}, "EpisodeOfCare": {"date"}, "Flag": {"date"},
	"Goal": {"start-date"}, "ImagingStudy": {"started"}, "Immunization": {"date"}, "Media": {"created"},
	"MedicationAdministration": {"effective-time"}, "MedicationDispense": {"whenhandedover"}, "MedicationStatement": {"effective"},
	"Observation": {"date"}, "Procedure": {"date"}, "QuestionnaireResponse": {"authored"}, "RiskAssessment": {"date"},
	"ServiceRequest": {"occurrence"}, "Specimen": {"collected"}, "Task": {"period"},
}

func keysOf(codes map[string][]string) (keys []search.Key) {
	for typ, of := range codes {
		for _, code := range of {
			keys = append(keys, search.KeyOf(typ, code))
		}
	}
	slices.Sort(keys)
	return keys
}
