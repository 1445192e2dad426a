package profiles_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles"
)

// TestActivities: every step of a plan has an ActivityDefinition, so that a client
// that knows FHIR's workflow reads what is to be done, by whom, in how long and
// with which form, without knowing the plan's extensions. It says what the plan
// says; -update writes it anew.
// https://hl7.org/fhir/R4/activitydefinition.html
func TestActivities(t *testing.T) {
	there := map[string]string{}
	for _, body := range profiles.Definitions() {
		if n := parse(t, body); n.Field("resourceType").Str() == "ActivityDefinition" {
			there[n.Field("url").Str()+"|"+n.Field("version").Str()] = string(body)
		}
	}
	named := map[string]bool{}
	for _, folder := range []string{"case", "implant", "socket"} {
		plans, err := filepath.Glob(filepath.Join(folder, "plandefinition-*.json"))
		if err != nil || len(plans) == 0 {
			t.Fatalf("no plan in %s (%v)", folder, err)
		}
		for _, file := range plans {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			plan := parse(t, body)
			for action := range plan.Field("action").Items() {
				canonical := action.Field("definitionCanonical").Str()
				id := plan.Field("id").Str() + "-" + strings.ToLower(action.Field("id").Str())
				t.Run(id, func(t *testing.T) {
					if canonical != "urn:tenon:activity:"+id+"|1.0.0" || named[canonical] {
						t.Fatalf("the step names %q", canonical)
					}
					named[canonical] = true
					want := activity(t, id, action)
					if *update {
						if err := os.WriteFile(filepath.Join(folder, "activitydefinition-"+id+".json"), []byte(want), 0o600); err != nil {
							t.Fatal(err)
						}
						return
					}
					if there[canonical] != want {
						t.Errorf("it does not say what the plan says: go test ./profiles -run Activities -update; is\n%s\nwant\n%s", there[canonical], want)
					}
				})
			}
		}
	}
	for canonical := range there {
		if !named[canonical] && !*update {
			t.Errorf("no step names %s", canonical)
		}
	}
}

// activity is the definition that a step of a plan leads to.
func activity(t *testing.T, id string, action tree.Node) string {
	t.Helper()
	raw := func(name string) json.RawMessage {
		if n := action.Field(name); n.Exists() {
			return json.RawMessage(n.Raw())
		}
		return nil
	}
	body, err := json.Marshal(struct {
		ResourceType    string          `json:"resourceType"`
		ID              string          `json:"id"`
		URL             string          `json:"url"`
		Version         string          `json:"version"`
		Name            string          `json:"name"`
		Title           json.RawMessage `json:"title"`
		Chinese         json.RawMessage `json:"_title"`
		Status          string          `json:"status"`
		Description     json.RawMessage `json:"description,omitempty"`
		RelatedArtifact json.RawMessage `json:"relatedArtifact,omitempty"`
		Kind            string          `json:"kind"`
		Code            json.RawMessage `json:"code"`
		Intent          string          `json:"intent"`
		Timing          json.RawMessage `json:"timingDuration"`
		Participant     json.RawMessage `json:"participant"`
	}{"ActivityDefinition", id, "urn:tenon:activity:" + id, "1.0.0", nameOf(id), raw("title"), raw("_title"), "active", raw("description"),
		raw("documentation"), "Task", json.RawMessage(action.Field("code").Index(0).Raw()), "order", raw("timingDuration"), raw("participant")})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	return out.String() + "\n"
}

// nameOf is the computable name: ImplantS07 of implant-s07.
func nameOf(id string) string {
	name := ""
	for _, word := range strings.Split(id, "-") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return name
}
