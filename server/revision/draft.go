package revision

import (
	"maps"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// Change is a definition that is about to be written; without a Body it is
// about to be deleted.
type Change struct {
	Type, ID string
	Version  int64
	Updated  time.Time
	Body     []byte
}

// Defines tells whether a resource type takes part in a Revision.
func Defines(typ string) bool { return slices.Contains(Types, typ) }

// Verdict says what would become of one change.
type Verdict struct {
	// Failure says why the definition cannot be taken, nil if it can.
	Failure *issue.Failure
	// Warnings tell what would be stored but not used.
	Warnings []issue.Issue
}

// With is the Revision that would come of the changes, under the same number,
// and a verdict on each of them. The error is a fault of the server.
func (r *Revision) With(changes ...Change) (*Revision, []Verdict, error) {
	p := *r.parts
	p.posted = maps.Clone(p.posted)
	if p.posted == nil {
		p.posted = map[name]*posted{}
	}
	for _, c := range changes {
		key := name{c.Type, c.ID}
		if c.Body == nil {
			delete(p.posted, key)
			continue
		}
		at := Posted{Type: c.Type, ID: c.ID, Version: c.Version, Updated: c.Updated}
		d, err := p.read(at, c.Body, nil)
		if err != nil {
			return nil, nil, err
		}
		p.posted[key] = d
	}
	next := p.revision(r.Number, r)
	verdicts := make([]Verdict, len(changes))
	for i, c := range changes {
		err := next.added[name{c.Type, c.ID}].Failure
		if err == nil {
			err = next.compiles(p.posted[name{c.Type, c.ID}])
		}
		f := issue.As(err)
		switch {
		case err == nil:
		case f == nil:
			return nil, nil, err
		case f.Issues[0].Rule == search.TakenRule:
			verdicts[i].Warnings = []issue.Issue{unused(f.Issues[0])}
		default:
			verdicts[i].Failure = f.WithStatus(422)
		}
	}
	return next, verdicts, nil
}

func unused(is issue.Issue) issue.Issue {
	is.Severity = issue.Warning
	is.Text += " This definition is stored and not used for searching."
	is.Chinese += "该定义已保存，但不用于检索。"
	return is
}

// compiles tries a new definition: a profile must give a snapshot and a plan.
func (r *Revision) compiles(d *posted) error {
	if d == nil || d.resource == nil || d.Type != "StructureDefinition" {
		return nil
	}
	return compileProfile(r, d.resource)
}
