package profiles_test

import (
	"testing"

	"tenon/profiles"
)

// TestGuide: the ImplementationGuide is valid and names each definition and each
// example; no two examples of a type have one id.
func TestGuide(t *testing.T) {
	body, err := profiles.Guide("tenon.guide", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	n := parse(t, body)
	for _, is := range judged(t, whole(), n) {
		t.Error(is)
	}
	seen := map[string]bool{}
	for r := range n.Path("definition", "resource").Items() {
		at := r.Path("reference", "reference").Str()
		if seen[at] {
			t.Errorf("%s is named twice", at)
		}
		seen[at] = true
	}
	if want := len(profiles.Definitions()) + len(profiles.Examples()); len(seen) != want {
		t.Errorf("the guide names %d resources, want %d", len(seen), want)
	}
	if !seen["DeviceRequest/order-1"] || !seen["StructureDefinition/profile-order"] {
		t.Error("the guide lacks the order's profile or its example")
	}
}
