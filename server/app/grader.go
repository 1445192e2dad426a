package app

import (
	"tenon/adapters/grading"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/record"
)

// grader lends the rule table to the record.
type grader struct{ table *grading.Table }

func newGrader() (grader, error) {
	t, err := grading.Load()
	return grader{t}, err
}

// Grade implements record.Grader.
func (g grader) Grade(root tree.Node) record.Grade {
	r := g.table.Grade(root)
	return record.Grade{Level: access.Level(r.Level), Integrity: r.Integrity, Table: r.Table}
}
