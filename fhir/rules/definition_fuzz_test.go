package rules_test

import (
	"testing"

	"tenon/fhir/rules"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

// FuzzDefinitions: whatever a definitional resource holds, its rule ends, and
// each issue has a rule and both texts.
func FuzzDefinitions(f *testing.F) {
	for _, c := range definitionFaults {
		f.Add(c.text)
	}
	lib := r4.Library()
	terms := terminology.New(lib, terminology.Options{})
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := tree.Parse([]byte(text))
		if err != nil || rules.Of(doc.Root().Field("resourceType").Str()) == nil {
			return
		}
		for _, is := range judge(doc.Root(), lib, terms) {
			if is.Rule == "" || is.Text == "" || is.Chinese == "" {
				t.Fatalf("%+v, want rule and texts", is)
			}
		}
	})
}
