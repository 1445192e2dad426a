package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// found are the references of the matches of a search.
func (h *house) found(token, query string) []string {
	h.t.Helper()
	var bundle struct {
		Entry []struct {
			Resource struct{ ResourceType, ID string }
		}
	}
	a := h.Expect(h.t, 200, servertest.Request{Token: token, Path: "/fhir/" + query})
	if err := json.Unmarshal(a.Body, &bundle); err != nil {
		h.t.Fatal(err)
	}
	var refs []string
	for _, e := range bundle.Entry {
		refs = append(refs, e.Resource.ResourceType+"/"+e.Resource.ID)
	}
	slices.Sort(refs)
	return refs
}

// TestSearchParametersOfTheGuide asks by each search parameter that the guide
// adds to R4, once for what is there and once for what is not.
func TestSearchParametersOfTheGuide(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		wang := h.as("clin-wang")
		patient, root := h.open(wang, "SP-1")
		_, other := h.open(wang, "SP-2")
		stage := h.found(wang, "Task?part-of="+root)[0]
		inCase := fmt.Sprintf(`"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}]`, root)
		made := `{"url":"urn:tenon:extension:produced-with","extension":[{"url":"device","valueReference":{"reference":"Device/cad"}},{"url":"version","valueString":"4.2"}]}`
		file := h.Create(t, wang, fmt.Sprintf(`{"resourceType":"DocumentReference","extension":[%s],"status":"current","subject":{"reference":%q},"content":[{"attachment":{"url":"https://example.org/a"}}]}`, made, patient))
		report := h.Create(t, wang, fmt.Sprintf(`{"resourceType":"DiagnosticReport","extension":[%s,{"url":"urn:tenon:extension:assessed-design","valueReference":{"reference":"DeviceDefinition/family-cranial-plate"}}],"status":"final","code":{"text":"x"},"subject":{"reference":%q}}`, made, patient))
		tool := h.Create(t, wang, `{"resourceType":"Device",`+inCase+`,"status":"active","lotNumber":"L-77","serialNumber":"S-77","distinctIdentifier":"D-77","version":[{"value":"9.1"}]}`)
		order := h.Create(t, wang, fmt.Sprintf(`{"resourceType":"DeviceRequest","status":"draft","intent":"order","codeCodeableConcept":{"text":"plate"},"subject":{"reference":%q},"extension":[
			{"url":"urn:tenon:extension:device-domain","valueCode":"bone"},{"url":"urn:tenon:extension:device-category","valueCode":"custom"},{"url":"urn:tenon:extension:contract","valueReference":{"reference":"Contract/frame"}}]}`, patient))
		model := h.Create(t, wang, `{"resourceType":"DeviceDefinition","deviceName":[{"name":"plate","type":"user-friendly-name"}],"udiDeviceIdentifier":[{"deviceIdentifier":"06900000000014","issuer":"https://www.gs1.org","jurisdiction":"urn:cn"}]}`)
		delivery := h.Create(t, wang, fmt.Sprintf(`{"resourceType":"SupplyDelivery","status":"in-progress","patient":{"reference":%q},"suppliedItem":{"itemReference":{"reference":%q}}}`, patient, tool))
		sample := h.Create(t, wang, `{"resourceType":"Specimen","processing":[{"additive":[{"reference":"Substance/ti64-lot"}]}]}`)
		h.move(wang, stage, "clin-wang", "received", "received", 200)
		h.Expect(t, 200, servertest.Request{Token: wang, Method: "PATCH", Path: "/fhir/" + stage, Header: map[string]string{"Content-Type": "application/json-patch+json"},
			Body: fmt.Appendf(nil, `[{"op":"add","path":"/output","value":[{"type":{"coding":[{"system":"urn:tenon:document","code":"consent-form"}]},"valueReference":{"reference":%q}}]},
			{"op":"add","path":"/input","value":[{"type":{"coding":[{"system":"urn:tenon:document","code":"machine"}]},"valueReference":{"reference":%q}}]}]`, file, tool)})

		for _, c := range []struct{ id, query, want, none string }{
			{"R001-141 case", "DocumentReference?case=", root, other},
			{"stage", "DocumentReference?_has:Task:output:code=urn:tenon:stage|", "S01", "S02"},
			{"stage of a case", "DocumentReference?_has:Task:output:part-of=", root, other},
			{"output", "Task?output=", file, report},
			{"input: machine, material lot", "Task?input=", tool, "Device/cad"},
			{"R001-144 plan", "Task?code=case&plan=", "urn:tenon:plan:implant", "urn:tenon:plan:socket"},
			{"software", "DocumentReference?produced-with=", "Device/cad", "Device/printer"},
			{"software of a result", "DiagnosticReport?produced-with=", "Device/cad", "Device/printer"},
			{"software version", "DocumentReference?software-version=", "4.2", "4.20"},
			{"software version of a result", "DiagnosticReport?software-version=", "4.2", "4.3"},
			{"assessed design", "DiagnosticReport?assessed-design=", "DeviceDefinition/family-cranial-plate", "DeviceDefinition/other"},
			{"contract", "DeviceRequest?contract=", "Contract/frame", "Contract/other"},
			{"domain", "DeviceRequest?device-domain=", "bone", "joint"},
			{"category", "DeviceRequest?device-category=", "custom", "patient-matched"},
			{"device identifier", "DeviceDefinition?udi-di=", "06900000000014", "06900000000015"},
			{"delivered device", "SupplyDelivery?supplied-item=", tool, "Device/printer"},
			{"material lot", "Specimen?material-lot=", "Substance/ti64-lot", "Substance/ti64-lot-unpermitted"},
			{"batch", "Device?lot-number=", "L-77", "L-7"},
			{"serial number", "Device?serial-number=", "S-77", "S-78"},
			{"R001-170 code of a device", "Device?distinct-identifier=", "D-77", "D-7"},
			{"version of a device", "Device?version=", "9.1", "9"},
		} {
			t.Run(c.id, func(t *testing.T) {
				want := map[string]string{"DocumentReference": file, "DiagnosticReport": report, "Device": tool, "DeviceRequest": order, "DeviceDefinition": model,
					"SupplyDelivery": delivery, "Specimen": sample}[c.query[:strings.IndexByte(c.query, '?')]]
				got := h.found(wang, c.query+c.want)
				switch {
				case strings.HasSuffix(c.query, "plan="):
					if both := []string{root, other}; len(got) != 2 || !slices.Contains(got, both[0]) || !slices.Contains(got, both[1]) {
						t.Errorf("%s = %v, want %v", c.query+c.want, got, both)
					}
				case strings.HasPrefix(c.query, "Task?"):
					want = stage
					fallthrough
				default:
					if !slices.Equal(got, []string{want}) {
						t.Errorf("%s = %v, want %s", c.query+c.want, got, want)
					}
				}
				if got := h.found(wang, c.query+c.none); len(got) != 0 {
					t.Errorf("%s = %v, want nothing", c.query+c.none, got)
				}
			})
		}
		t.Run("members of every type", func(t *testing.T) {
			all := h.found(wang, "?case="+root)
			for _, ref := range []string{root, stage, file, tool} {
				if !slices.Contains(all, ref) {
					t.Errorf("?case=%s = %v, which lacks %s", root, all, ref)
				}
			}
			if slices.Contains(all, report) || slices.Contains(all, other) {
				t.Errorf("?case=%s = %v holds what is in no case or another", root, all)
			}
			if both := h.found(wang, "Task?case="+root+","+strings.TrimPrefix(other, "Task/")+"&code=case"); len(both) != 2 {
				t.Errorf("the roots of two cases = %v", both)
			}
		})
		t.Run("values that are none", func(t *testing.T) {
			for _, query := range []string{"Task?case=Patient/x", "Task?case=a%20b", "Task?case:missing=true", "Task?case:exact=x", "Task?_sort=case"} {
				if a := h.Send(t, servertest.Request{Token: wang, Path: "/fhir/" + query}); a.Status != 400 {
					t.Errorf("%s = %d %.200s, want 400", query, a.Status, a.Body)
				}
			}
		})
	})
}
