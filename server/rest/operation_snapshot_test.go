package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

const differential = `{"resourceType":"StructureDefinition","id":"p","url":"http://tenon.test/StructureDefinition/p","name":"P","status":"active","kind":"resource",` +
	`"abstract":false,"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint",` +
	`"differential":{"element":[{"id":"Patient.identifier","path":"Patient.identifier","min":1}]}}`

// TestSnapshot is https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html
func TestSnapshot(t *testing.T) {
	m, h := door(t)
	m.put("StructureDefinition", "p", differential)
	parameters := func(p string) string { return `{"resourceType":"Parameters","parameter":[` + p + `]}` }
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"a definition", "POST", "/StructureDefinition/$snapshot", differential, 200},
		{"the parameter definition", "POST", "/StructureDefinition/$snapshot", parameters(`{"name":"definition","resource":` + differential + `}`), 200},
		{"the parameter url", "POST", "/StructureDefinition/$snapshot", parameters(`{"name":"url","valueString":"http://hl7.org/fhir/StructureDefinition/bmi"}`), 200},
		{"a url in the query", "GET", "/StructureDefinition/$snapshot?url=http://hl7.org/fhir/StructureDefinition/bmi", "", 200},
		{"the stored one", "GET", "/StructureDefinition/p/$snapshot", "", 200},
		{"the stored one by POST", "POST", "/StructureDefinition/p/$snapshot", parameters(``), 200},
		{"one that is not there", "GET", "/StructureDefinition/q/$snapshot", "", 404},
		{"an unknown url", "GET", "/StructureDefinition/$snapshot?url=http://tenon.test/none", "", 404},
		{"nothing", "GET", "/StructureDefinition/$snapshot", "", 400},
		{"no parameter", "POST", "/StructureDefinition/$snapshot", parameters(`{"name":"x"}`), 400},
		{"an unknown base", "POST", "/StructureDefinition/$snapshot", strings.Replace(differential, "StructureDefinition/Patient", "StructureDefinition/None", 1), 422},
		{"an element that is not there", "POST", "/StructureDefinition/$snapshot", strings.ReplaceAll(differential, "Patient.identifier", "Patient.number"), 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := do(h, tt.method, "/fhir"+tt.path, tt.body, fhirJSON)
			if w.Code != tt.status {
				t.Fatalf("%d %s, want %d", w.Code, w.Body, tt.status)
			}
			if w.Code != http.StatusOK {
				return
			}
			d, err := tree.Parse(w.Body.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			paths := []string{}
			for e := range d.Root().Path("snapshot", "element").Items() {
				paths = append(paths, e.Field("path").Str()+"/"+e.Field("min").Text())
			}
			if len(paths) < 40 || !strings.Contains(tt.path+tt.body, "bmi") && !slices.Contains(paths, "Patient.identifier/1") {
				t.Errorf("the snapshot is %v", paths)
			}
		})
	}
}
