package casework_test

import (
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/casework"
)

func TestEmbeddedPlansCompile(t *testing.T) {
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Root().Field("resourceType").Str() != "PlanDefinition" {
			continue
		}
		if _, err := casework.CompilePlan(doc.Root()); err != nil {
			t.Errorf("CompilePlan(%s) = %v", doc.Root().Field("id").Str(), err)
		}
	}
}
