package app

import (
	"strings"

	"tenon/adapters/grading"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// grader lends the rule table to the record and the store.
type grader struct {
	table *grading.Table
	must  grading.Must
}

func newGrader(m *schema.Model) (grader, error) {
	t, err := grading.Load()
	return grader{t, mustOf(m)}, err
}

// mustOf tells what R4 requires of a resource, and what modifies it.
func mustOf(m *schema.Model) grading.Must {
	return func(typ, member string) bool {
		t := m.Type(typ)
		if t == nil {
			return true
		}
		e := t.Element(strings.TrimPrefix(member, "_"))
		return e == nil || e.Min > 0 || e.Modifier
	}
}

// Grade implements record.Grader.
func (g grader) Grade(root tree.Node) record.Grade {
	r := g.table.Grade(root)
	return record.Grade{Level: access.Level(r.Level), Integrity: r.Integrity, Table: r.Table, Part: access.Level(g.table.Least(root, r, g.must))}
}

// Part implements record.Grader.
func (g grader) Part(typ string) bool { return g.table.Part(typ) }

// Mask implements store.Mask.
func (g grader) Mask(body []byte, level access.Level) ([]byte, record.Grade, error) {
	doc, err := tree.Parse(body)
	if err != nil {
		return nil, record.Grade{}, err
	}
	body, r, err := g.table.Mask(doc.Root(), grading.Level(level), g.must)
	return body, record.Grade{Level: access.Level(r.Level), Integrity: r.Integrity, Table: r.Table}, err
}

// Sight implements search.Sight.
func (g grader) Sight(typ, member string) access.Level {
	return access.Level(g.table.Sight(typ, member))
}
