package graphql_test

import (
	"context"
	"errors"
	"testing"

	"tenon/fhir/graphql"
	"tenon/fhir/tree"
)

// TestRunStops: expressions are not evaluated any more once the time is over.
func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := tree.Parse([]byte(`{"resourceType":"Patient","name":[{"given":["a"]},{"given":["b"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`{ name(fhirpath: "given.count() > 5") { given } }`, `{ name @slice(path: "given.first()") { given } }`} {
		_, err = schema().Run(ctx, graphql.Env{Source: sample()}, graphql.Request{Query: query, Instance: d.Root()})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s = %v, want that it stops", query, err)
		}
	}
}
