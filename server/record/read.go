package record

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/search"
)

// Read returns the current version. https://hl7.org/fhir/R4/http.html#read
// Failures: not-found (404), deleted (410).
func (r *Recorder) Read(ctx context.Context, who *access.Context, typ, id string) (*Version, error) {
	if err := r.entry(who, typ); err != nil {
		return nil, err
	}
	if err := who.Permit(access.Read, typ); err != nil {
		return nil, r.closeRead(ctx, r.audit(who, "R", "read", typ+"/"+id, 403), typ, id, err)
	}
	v, err := r.o.Store.Read(ctx, r.inPart(who.Reach(), typ), typ, id)
	return r.told(ctx, who, "read", typ+"/"+id, v, err)
}

// ReadVersion returns one version; who cannot reach the current one cannot read
// an old one. https://hl7.org/fhir/R4/http.html#vread
func (r *Recorder) ReadVersion(ctx context.Context, who *access.Context, typ, id string, version int64) (*Version, error) {
	if err := r.entry(who, typ); err != nil {
		return nil, err
	}
	entity := fmt.Sprintf("%s/%s/_history/%d", typ, id, version)
	if err := who.Permit(access.Read, typ); err != nil {
		return nil, r.closeRead(ctx, r.audit(who, "R", "vread", entity, 403), typ, id, err)
	}
	v, err := r.o.Store.ReadVersion(ctx, r.inPart(who.Reach(), typ), typ, id, version)
	return r.told(ctx, who, "vread", entity, v, err)
}

// searchBytes bounds the bodies of one page, which are in memory together: one
// resource may have megabytes.
const searchBytes = 32 << 20

// Search parses and runs a query over a type, over all ("") or over a
// compartment ("Patient/1/Observation"). https://hl7.org/fhir/R4/search.html
func (r *Recorder) Search(ctx context.Context, who *access.Context, typ string, params []search.Param, strict bool) (*search.Page, *search.Told, error) {
	if err := mustKnow(who); err != nil {
		return nil, nil, err
	}
	if err := r.knownType(typ); err != nil && typ != "" && !strings.Contains(typ, "/") {
		return nil, nil, err
	}
	if err := r.maySearch(ctx, who, typ); err != nil {
		return nil, nil, err
	}
	plan, told, err := r.parse(who, typ, params, strict)
	if err != nil {
		return nil, nil, err
	}
	plan.MaxBytes = searchBytes
	page, err := r.o.Store.Search(ctx, plan)
	if err != nil {
		return nil, nil, fmt.Errorf("record: search %s: %w", typ, err)
	}
	if err := r.auditRead(ctx, r.auditSearch(who, queryShape(typ, params), page)); err != nil {
		return nil, nil, err
	}
	return page, told, nil
}

func (r *Recorder) parse(who *access.Context, typ string, params []search.Param, strict bool) (*search.Plan, *search.Told, error) {
	reach := who.ReachTo(access.Search)
	return r.revision().Search.Parse(search.Request{
		Type: typ, Params: params, Strict: strict, Now: r.now(), BaseURL: r.o.BaseURL,
		Reach: func(string) access.Predicate { return reach }, Principal: who.Principal, Part: true,
	})
}

// maySearch refuses an app whose scopes let it search nothing of the type; the
// last step of a compartment is one.
func (r *Recorder) maySearch(ctx context.Context, who *access.Context, typ string) error {
	sought := typ[strings.LastIndexByte(typ, '/')+1:]
	if sought == "*" {
		sought = ""
	}
	err := who.Permit(access.Search, sought)
	if err != nil {
		if unkept := r.auditRead(ctx, []Audit{r.audit(who, "E", "search-type", typ, 403)}); unkept != nil {
			return unkept
		}
	}
	return err
}

// entry refuses callers without a context and unknown types.
func (r *Recorder) entry(who *access.Context, typ string) error {
	if err := mustKnow(who); err != nil {
		return err
	}
	return r.knownType(typ)
}

// told writes the audit of a read, then says what the caller may know of it.
func (r *Recorder) told(ctx context.Context, who *access.Context, operation, entity string, v *Version, err error) (*Version, error) {
	row := r.audit(who, "R", operation, entity, 200)
	typ, id, _ := cutRef(entity)
	if err == nil && v.Deleted {
		row.Patient = v.Patient
		gone := issue.Errorf(issue.Deleted, "%s/%s was deleted.", v.Type, v.ID).Rule("deleted")
		return nil, r.closeRead(ctx, row, typ, id, gone)
	}
	if err == nil {
		row.Patient = v.Patient
	}
	return v, r.closeRead(ctx, row, typ, id, err)
}

// closeRead commits the audit row of a read before its answer leaves; a read
// whose audit cannot be kept is not answered.
func (r *Recorder) closeRead(ctx context.Context, row Audit, typ, id string, err error) error {
	if errors.Is(err, ErrAbsent) {
		err = absent(typ, id)
	}
	if f := issue.As(err); f != nil {
		row.Outcome = f.HTTPStatus()
	} else if err != nil {
		return fmt.Errorf("record: %s %s/%s: %w", row.Operation, typ, id, err)
	}
	if unkept := r.auditRead(ctx, []Audit{row}); unkept != nil {
		return unkept
	}
	return err
}

func (r *Recorder) audit(who *access.Context, action, operation, entity string, outcome int) Audit {
	row := Audit{At: r.now(), Action: action, Operation: operation, Entity: entity, Outcome: outcome, Door: "fhir"}
	if who != nil {
		row.RequestID, row.Principal, row.Organization, row.Purpose, row.Address = who.RequestID, who.Principal, who.Organization, who.Purpose, who.Address
		if who.Scopes != nil {
			row.App = who.Scopes.Client
		}
	}
	return row
}

// auditSearch is one row for the query and one for every patient disclosed by it
// (IHE BALP PatientQuery). It keeps the names of the parameters; their values
// may be data of patients.
func (r *Recorder) auditSearch(who *access.Context, shape string, page *search.Page) []Audit {
	rows := []Audit{r.audit(who, "E", "search-type", shape, 200)}
	seen := map[string]bool{"": true}
	for _, hit := range page.Hits {
		if seen[hit.Patient] {
			continue
		}
		seen[hit.Patient] = true
		row := r.audit(who, "E", "search-type", shape, 200)
		row.Patient = hit.Patient
		rows = append(rows, row)
	}
	return rows
}

func queryShape(typ string, params []search.Param) string {
	shape := typ
	for i, p := range params {
		sep := "&"
		if i == 0 {
			sep = "?"
		}
		shape += sep + p.Name
	}
	return shape
}

// current reads a version for the preparation of a write, without an audit row
// of its own: the write's row covers it.
func (r *Recorder) current(ctx context.Context, reach access.Predicate, typ, id string) (*Version, error) {
	v, err := r.o.Store.Read(ctx, reach, typ, id)
	if errors.Is(err, ErrAbsent) {
		return nil, nil
	}
	return v, err
}

// parsed is a body as a tree; it was validated when it came in.
func parsed(body []byte) (tree.Node, error) {
	d, err := tree.Parse(body)
	if err != nil {
		return tree.Node{}, err
	}
	return d.Root(), nil
}
