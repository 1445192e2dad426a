package validate_test

import (
	"os"
	"slices"
	"sync"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// TestConcurrentProfiles: one Set, not yet compiled, judges by profiles that name one
// another in many goroutines at once, and each says the same.
func TestConcurrentProfiles(t *testing.T) {
	var defs []definitionOf
	for _, name := range []string{"value", "reslice", "throughProfile", "exists", "closed"} {
		defs = append(defs, slicings[name]()...)
	}
	src := with("Patient", `"identifier":[{"system":"http://t/x","value":"1"}],"telecom":[{"system":"fax","value":"1"}]`)
	o := read(src)
	o["meta"] = object{"profile": []any{own + "value", own + "reslice", own + "throughProfile", own + "exists", own + "closed"}}
	bp, err := os.ReadFile("testdata/bloodpressure.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range [][]byte{[]byte(write(o)), bp} {
		s := setOf(defs...)
		d, err := tree.Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		found := make([][]issueOf, 16)
		var wait sync.WaitGroup
		for i := range found {
			wait.Go(func() {
				plan, err := s.Plan("Resource")
				if err != nil {
					t.Error(err)
					return
				}
				found[i] = plan.Validate(d.Root(), &validate.Options{Now: now})
			})
		}
		wait.Wait()
		for i := range found {
			if !slices.Equal(found[i], found[0]) {
				t.Errorf("goroutine %d found %v, the first %v", i, found[i], found[0])
			}
		}
	}
}
