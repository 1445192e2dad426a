package rest_test

// https://hl7.org/fhir/R4/http.html#patch and https://hl7.org/fhir/R4/fhirpatch.html

import (
	"encoding/base64"
	"strings"
	"testing"
)

const (
	merge    = "Content-Type: application/merge-patch+json"
	jsonPath = "Content-Type: application/json-patch+json"
)

func operation(parts string) string {
	return `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[` + parts + `]}]}`
}

func TestPatchFormats(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			name, header, patch string
			status              int
			want                string
		}{
			{"FHIRPath, replace", fhirJSON, operation(`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.birthDate"},{"name":"value","valueDate":"1990-01-01"}`), 200, `"birthDate":"1990-01-01"`},
			{"FHIRPath, a primitive keeps its extension beside the new value", fhirJSON, operation(`{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient.birthDate"},{"name":"name","valueString":"extension"},{"name":"value","part":[{"name":"url","valueUri":"http://x.example"},{"name":"value","valueString":"y"}]}`), 200, `"_birthDate":{"extension":[{"url":"http://x.example","valueString":"y"}]}`},
			{"FHIRPath, a choice gets another type", fhirJSON, operation(`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.multipleBirth"},{"name":"value","valueBoolean":true}`), 200, `"multipleBirthBoolean":true`},
			{"FHIRPath, a given name among those with extensions", fhirJSON, operation(`{"name":"type","valueCode":"insert"},{"name":"path","valueString":"Patient.name.given"},{"name":"index","valueInteger":1},{"name":"value","valueString":"B"}`), 200, `"given":["A","B","C"]`},
			{"FHIRPath, delete of the last telecom", fhirJSON, operation(`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.telecom[0]"}`), 200, ""},
			{"FHIRPath, delete of nothing", fhirJSON, operation(`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.photo"}`), 200, ""},
			{"FHIRPath, in XML", "Content-Type: application/fhir+xml", `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/></part><part><name value="path"/><valueString value="Patient.gender"/></part><part><name value="value"/><valueCode value="other"/></part></parameter></Parameters>`, 200, `<gender value="other"/>`},
			{"FHIRPath, several", fhirJSON, operation(`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.name.given"}`), 422, "fhirpath-patch"},
			{"FHIRPath, add of what is there", fhirJSON, operation(`{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"gender"},{"name":"value","valueCode":"male"}`), 422, "fhirpath-patch"},
			{"FHIRPath, unknown element", fhirJSON, operation(`{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"colour"},{"name":"value","valueCode":"red"}`), 422, "fhirpath-patch"},
			{"FHIRPath, computed", fhirJSON, operation(`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.name.count()"}`), 422, "fhirpath-patch"},
			{"FHIRPath, no expression", fhirJSON, operation(`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.("}`), 400, "fhirpath-patch"},
			{"FHIRPath, no type", fhirJSON, operation(`{"name":"path","valueString":"Patient.gender"}`), 400, "fhirpath-patch"},
			{"FHIRPath, invalid after it", fhirJSON, operation(`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.gender"},{"name":"value","valueCode":"blue"}`), 422, ""},
			{"a resource that is no Parameters", fhirJSON, `{"resourceType":"Patient"}`, 400, "fhirpath-patch"},
			{"merge", merge, `{"gender":null,"active":false,"name":[{"family":"N"}]}`, 200, `"active":false`},
			{"merge of an array", merge, `[]`, 400, "merge-patch"},
			{"merge that changes the id", merge, `{"id":"other"}`, 400, "id-mismatch"},
			{"JSON Patch", jsonPath, `[{"op":"replace","path":"/gender","value":"female"}]`, 200, `"gender":"female"`},
			{"JSON Patch that copies without end", jsonPath, "[" + strings.Repeat(`{"op":"copy","from":"/name","path":"/name/-"},`, 1200) + `{"op":"remove","path":"/name"}]`, 422, "patch-limit"},
			{"XML Patch", "Content-Type: application/xml-patch+xml", `<diff/>`, 415, "http-content-type"},
		} {
			t.Run(c.name, func(t *testing.T) {
				id := create(t, h, `{"resourceType":"Patient","gender":"male","birthDate":"1980-02-03","multipleBirthInteger":2,"extension":[{"url":"http://d.example","valueDecimal":1.00}],"telecom":[{"system":"phone","value":"1"}],"name":[{"given":["A","C"],"_given":[null,{"id":"c"}]}]}`)
				w := must(t, h, c.status, "PATCH", "/fhir/Patient/"+id, c.patch, c.header)
				if !strings.Contains(w.Body.String(), c.want) {
					t.Errorf("answer = %s, want %s in it", w.Body, c.want)
				}
				now := must(t, h, 200, "GET", "/fhir/Patient/"+id, "").Body.String()
				if !strings.Contains(now, `"valueDecimal":1.00`) {
					t.Errorf("a number that the patch did not touch was written anew: %s", now)
				}
				switch {
				case c.status != 200 && !strings.Contains(now, `"versionId":"1"`):
					t.Errorf("a refused patch made a version: %s", now)
				case strings.Contains(c.name, "given") && !strings.Contains(now, `"_given":[null,null,{"id":"c"}]`):
					t.Errorf("ids of given names moved: %s", now)
				case strings.Contains(c.name, "telecom") && strings.Contains(now, "telecom"):
					t.Errorf("an empty list stays: %s", now)
				case strings.Contains(c.name, "choice") && strings.Contains(now, "multipleBirthInteger"):
					t.Errorf("the choice has two types: %s", now)
				}
			})
		}
	})
}

func TestPatchInTransaction(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		var ids []string
		for range 3 {
			ids = append(ids, create(t, h, `{"resourceType":"Patient","gender":"male"}`))
		}
		binary := func(kind, patch string) string {
			return `{"resourceType":"Binary","contentType":"` + kind + `","data":"` + base64.StdEncoding.EncodeToString([]byte(patch)) + `"}`
		}
		entry := func(id, resource string) string {
			return `{"resource":` + resource + `,"request":{"method":"PATCH","url":"Patient/` + id + `"}}`
		}
		must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+
			entry(ids[0], operation(`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.gender"},{"name":"value","valueCode":"other"}`))+`,`+
			entry(ids[1], binary("application/json-patch+json", `[{"op":"replace","path":"/gender","value":"other"}]`))+`,`+
			entry(ids[2], binary("application/merge-patch+json", `{"gender":"other"}`))+`]}`)
		for _, id := range ids {
			if now := must(t, h, 200, "GET", "/fhir/Patient/"+id, "").Body.String(); !strings.Contains(now, `"gender":"other"`) {
				t.Errorf("Patient/%s = %s", id, now)
			}
		}
		must(t, h, 400, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+entry(ids[0], binary("text/plain", "x"))+`]}`)
	})
}
