package record

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/search"
)

// ExportRequest is what a Bulk Data export is asked for.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#query-parameters
type ExportRequest struct {
	URL      string              `json:"url"`             // as the client sent it, for the manifest
	Level    string              `json:"level"`           // system, patient, group
	Group    string              `json:"group,omitempty"` // id
	Types    []string            `json:"types,omitempty"`
	Since    time.Time           `json:"since,omitzero"`
	Filters  map[string][]string `json:"filters,omitempty"`  // type → queries, of which one must match
	Elements map[string][]string `json:"elements,omitempty"` // type, or "" for all → elements
	Patients []string            `json:"patients,omitempty"` // "Patient/1"
}

// ExportKind is the kind of the jobs.
const ExportKind = "export"

// ExportResult is the result of a job; the files are those of the job.
type ExportResult struct {
	At      time.Time `json:"transactionTime"`
	Request string    `json:"request"`
	Since   bool      `json:"since,omitempty"` // deletions were asked for
}

// ExportStore reads the record for exports.
type ExportStore interface {
	// RaiseFloor fixes a time up to which the record will not change any more.
	RaiseFloor(ctx context.Context, at time.Time) (time.Time, error)
	// Export reads a page of the resources of one type as they were at q.Until.
	Export(ctx context.Context, q ExportQuery) (*ExportPage, error)
	// ExportDeleted reads ids of resources of one type that were deleted after
	// Since, and the place of the last one; none at the end.
	ExportDeleted(ctx context.Context, q ExportQuery) (ids []string, next int64, err error)
	// JobUntold are those of the patients of whom the audit of a job does not
	// speak yet.
	JobUntold(ctx context.Context, job string, patients []string) ([]string, error)
}

// ExportQuery asks for one page.
type ExportQuery struct {
	Type  string
	Reach access.Predicate
	Since time.Time // later than this; zero: all
	Until time.Time // as of this time
	Where []search.Clause
	After int64 // place of the last resource of the page before
	Count int   // resources
	Bytes int64 // of their bodies, but for the first
	// Patients keeps what is about a patient or refers to one by a key of the
	// compartment; Referred what such resources refer to; Members says that the
	// patients are those of the job.
	Patients, Referred bool
	Members            string
	Keys               []search.Key
}

// ExportPage is a page; Next is the place of its last resource.
type ExportPage struct {
	Versions []Version
	Next     int64
	More     bool
}

// AuthorityOf is by whose leave a job works.
func AuthorityOf(j *dispatch.Job) access.Authority {
	return access.Authority{Principal: j.Owner, Grant: j.Grant, Scope: j.Scope}
}

// Exporter runs exports: it is the dispatch.Runner of their jobs. An export reads
// with the access that its owner has now, page by page.
type Exporter struct {
	Recorder *Recorder
	Store    ExportStore
	Files    Blobs // of the jobs
	// Acting tells who acts by an authority now; an issue of type login for one who
	// may no longer come in.
	Acting func(ctx context.Context, by access.Authority) (*access.Context, error)
	// Subset cuts a resource down to some elements; needed where these are asked
	// for.
	Subset func(body []byte, elements []string) ([]byte, error)
	// FileBytes is the size of the content from which another file is begun.
	FileBytes int64 // 64 MiB
	// PageCount and PageBytes bound what is read at once.
	PageCount int   // 500
	PageBytes int64 // 8 MiB
}

// Kind implements dispatch.Runner.
func (x *Exporter) Kind() string { return ExportKind }

// referred are types that resources about a patient refer to and that no
// compartment of a patient holds: who took part, where, with what.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#endpoint---all-patients
var referred = []string{"Location", "Medication", "Organization", "Practitioner", "PractitionerRole", "Substance"}

// besides are types that can be about a patient though R4's compartment of a
// patient lacks them (design §4).
var besides = []string{"Contract", "Device", "Task"}

// CheckExport refuses what cannot be exported, and completes the types.
func (r *Recorder) CheckExport(ctx context.Context, who *access.Context, q *ExportRequest) error {
	if err := mustKnow(who); err != nil {
		return err
	}
	if err := r.Confine(ctx, who, "$export"); err != nil {
		return err
	}
	for _, typ := range q.Types {
		if !r.o.Model.IsResource(typ) {
			return badExport("_type", "%q is not a resource type of FHIR R4.", clipped(typ))
		}
	}
	possible := r.exported(q.Level)
	if len(q.Types) == 0 { // of all that there are, an app gets those of its scopes
		q.Types = slices.DeleteFunc(slices.Clone(possible), func(typ string) bool { return !who.Permits(access.Read, typ) })
		if len(q.Types) == 0 {
			return who.Permit(access.Read, "")
		}
	}
	slices.Sort(q.Types)
	q.Types = slices.Compact(q.Types)
	for _, typ := range q.Types {
		if !slices.Contains(possible, typ) {
			return badExport("_type", "%s is not part of an export of patients; export it from the system level.", typ)
		}
		if err := who.Permit(access.Read, typ); err != nil {
			return err
		}
	}
	for typ, queries := range q.Filters {
		if !slices.Contains(q.Types, typ) {
			return badExport("_typeFilter", "It filters %s, which _type leaves out.", clipped(typ))
		}
		if _, err := r.exportFilter(who, typ, queries); err != nil {
			return err
		}
	}
	if q.Level == "group" {
		_, err := r.Read(ctx, who, "Group", q.Group)
		return err
	}
	return nil
}

// exported are the types that an export of a level can hold.
func (r *Recorder) exported(level string) []string {
	var types []string
	inside := r.o.Model.Compartment("Patient")
	for _, typ := range r.o.Model.Resources() {
		_, in := inside[typ]
		if level == "system" && typ != "AuditEvent" && typ != "Parameters" || in || typ == "Patient" || slices.Contains(besides, typ) || slices.Contains(referred, typ) {
			types = append(types, typ)
		}
	}
	return types
}

func badExport(parameter, format string, args ...any) *issue.Failure {
	return issue.Errorf(issue.Invalid, parameter+": "+format, args...).WithStatus(400).At(parameter).
		Rule("export-parameter").Chinese("导出参数 " + parameter + " 的取值无效。")
}

// exportFilter reads the queries of _typeFilter for one type; one of them must
// match. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#_typefilter-query-parameter
func (r *Recorder) exportFilter(who *access.Context, typ string, queries []string) ([]search.Clause, error) {
	if len(queries) == 0 {
		return nil, nil
	}
	either := search.Or{}
	for _, query := range queries {
		params, err := search.ParseQuery(query)
		if err != nil {
			return nil, err
		}
		plan, _, err := r.parse(who, typ, params, true)
		if err != nil {
			return nil, err
		}
		if len(plan.Include) > 0 || len(plan.Sort) > 0 || plan.After != nil || len(plan.Root.Where) == 0 {
			return nil, badExport("_typeFilter", "%q takes conditions alone: no _include, no _sort, no paging.", clipped(query))
		}
		either.Any = append(either.Any, plan.Root.Where)
	}
	return []search.Clause{either}, nil
}

// patientKeys are the parameters by which resources of a type are in the
// compartment of a patient.
func (r *Recorder) patientKeys(typ string) (keys []search.Key) {
	codes := r.o.Model.Compartment("Patient")[typ]
	for _, p := range r.revision().Search.Parameters(typ) {
		if p.Type == "reference" && slices.Contains(codes, p.Code) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// OpenJobFile opens a file of a job for its reader, and audits it.
func (r *Recorder) OpenJobFile(ctx context.Context, who *access.Context, files Blobs, job string, f dispatch.File) (BlobReader, error) {
	if err := r.Confine(ctx, who, "job/"+job); err != nil {
		return nil, err
	}
	row := r.audit(who, "R", "job-file", "job/"+job+"/"+f.Kind+"/"+f.Type, 200)
	if err := r.o.Store.Audit(ctx, []Audit{row}); err != nil {
		return nil, err
	}
	return files.Open(ctx, f.Digest)
}

var errStopped = errors.New("record: the file was given up")

// closed ends a pipe whose writer gives up.
func giveUp(w *io.PipeWriter) { _ = w.CloseWithError(errStopped) }
