package casework_test

import (
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/casework"
)

// TestCheckPlan: the plans of the guide are sound; each smallest fault is named
// with its place.
func TestCheckPlan(t *testing.T) {
	engine := casework.NewEngine()
	var implant string
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Root().Field("resourceType").Str() != "PlanDefinition" {
			continue
		}
		if doc.Root().Field("id").Str() == "implant" {
			implant = string(body)
		}
		for _, f := range engine.CheckPlan(doc.Root()) {
			t.Errorf("%s: %s: %s", doc.Root().Field("id").Str(), f.Path, f.Text)
		}
	}
	own := func(t *testing.T, old, changed string) []string {
		t.Helper()
		if !strings.Contains(implant, old) {
			t.Fatalf("the plan holds no %q", old)
		}
		doc, err := tree.Parse([]byte(strings.Replace(implant, old, changed, 1)))
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, f := range engine.CheckPlan(doc.Root()) {
			told = append(told, f.Path+" "+f.Text)
		}
		return told
	}
	for _, tt := range []struct{ name, old, changed, want string }{
		{"unknown setting", "setting('retained-samples')", "setting('nonsense')", `"nonsense"`},
		{"unknown purpose", `"valueCode": "consent"`, `"valueCode": "consnet"`, "consnet"},
		{"unknown predicate", "consentCovers(", "consentHides(", "consentHides"},
		{"a form that is none", `"resource": "urn:tenon:questionnaire:data-confirmation|`, `"resource": "urn:tenon:questionnaire:data-confirmatoin|`, "data-confirmatoin"},
		{"an activity that is none", `"urn:tenon:activity:implant-s07|`, `"urn:tenon:activity:implant-s70|`, "implant-s70"},
		{"a form in another version", `"resource": "urn:tenon:questionnaire:data-confirmation|`, `"resource": "urn:tenon:questionnaire:data-confirmation|9`, "data-confirmation|9"},
		{"a profile that is none", "urn:tenon:profile:device-history-record", "urn:tenon:profile:device-histroy-record", "device-histroy-record"},
		{"a profile of another type", "urn:tenon:profile:device-history-record", "urn:tenon:profile:custom-device", "no Composition can follow it"},
		{"no Chinese title", `"_title"`, `"__title"`, "Chinese"},
		{"stage that follows itself", `"actionId": "S06"`, `"actionId": "S07"`, "S07"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if told := strings.Join(own(t, tt.old, tt.changed), "\n"); !strings.Contains(told, tt.want) {
				t.Errorf("the faults are %q, want one about %s", told, tt.want)
			}
		})
	}
}
