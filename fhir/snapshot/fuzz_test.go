package snapshot_test

import (
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/snapshot"
	"tenon/fhir/tree"
)

// FuzzGenerate: whatever a differential says, there is a snapshot that can be
// read and made anew to the same, or a failure with rule, path and both texts.
func FuzzGenerate(f *testing.F) {
	for _, c := range faults {
		f.Add(profile("p", "Observation", "Observation", c.elements...))
	}
	for _, c := range made {
		f.Add(profile("p", c.typ, c.base, c.elements...))
		for _, text := range c.more {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		doc, err := tree.Parse([]byte(text))
		if err != nil {
			return
		}
		lib := library(t)
		body, err := snapshot.Generate(doc.Root(), lib)
		if err != nil {
			failure := issue.As(err)
			if failure == nil {
				t.Fatalf("Generate = %v, want an *issue.Failure", err)
			}
			for _, is := range failure.Issues {
				if is.Rule == "" || is.Path == "" || is.Text == "" || is.Chinese == "" {
					t.Fatalf("Generate = %+v, want rule, path and texts", is)
				}
			}
			return
		}
		again, err := tree.Parse(body)
		if err != nil {
			t.Fatalf("what was made is no JSON: %v\n%s", err, body)
		}
		if second, err := snapshot.Generate(again.Root(), lib); err != nil || string(second) != string(body) {
			t.Fatalf("made anew: %v", err)
		}
	})
}
