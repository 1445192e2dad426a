package casework_test

import (
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

// judge validates what the engine writes against the base definitions.
func judge(t *testing.T, body []byte) {
	t.Helper()
	doc, err := tree.Parse(body)
	if err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	p, err := validate.Compile(r4.Model(), doc.Root().Field("resourceType").Str())
	if err != nil {
		t.Fatal(err)
	}
	for _, is := range p.Validate(doc.Root(), nil) {
		t.Errorf("%s", is)
	}
}

// TestWhatTheEngineWritesIsValid validates every Task of a whole case, those put
// on hold and cancelled too.
func TestWhatTheEngineWritesIsValid(t *testing.T) {
	w := stop(t, "closed")
	for _, r := range w.members {
		if r.Type == "Task" && r.Author == "server" {
			judge(t, r.Root.Raw())
		}
	}
	held := stop(t, "S08 working")
	consent := held.get("Consent/consent")
	consent["status"] = "inactive"
	held.must(clin, consent)
	judge(t, held.members[held.task("S08")].Root.Raw())
	judge(t, held.members["Task/root"].Root.Raw())
}
