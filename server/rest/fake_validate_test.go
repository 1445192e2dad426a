package rest_test

import (
	"context"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/record"
)

var shapes = validate.New(r4.Model())

// Validate judges the shape, as the recorder does without definitions.
func (m *memory) Validate(_ context.Context, _ *access.Context, j record.Judgement) ([]issue.Issue, error) {
	m.judgement = &j
	d, err := tree.Parse(j.Body)
	if err != nil {
		return nil, err
	}
	plan, err := shapes.Plan(d.Root().Field("resourceType").Str())
	if err != nil {
		return nil, err
	}
	return plan.Validate(d.Root(), nil), nil
}
