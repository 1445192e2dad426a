package grading_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/adapters/grading"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

var caseResources = []string{
	`{"resourceType":"Patient","id":"0d9c8a52-patient","identifier":[{"system":"urn:hospital","value":"MRN-778899"},{"value":"110101199003072316"}],
	  "name":[{"text":"张三丰","family":"张","given":["三丰"]},{"family":"Zhang","given":["Sanfeng"]}],"telecom":[{"system":"phone","value":"+86 138-0013-8000"},{"system":"email","value":"sanfeng@example.org"}],
	  "gender":"male","birthDate":"1990-03-07","address":[{"line":["Changan Street 99"],"city":"Beijing","postalCode":"100031","text":"北京市长安街99号"}],
	  "contact":[{"name":{"text":"Zhang Mama"},"telecom":[{"value":"010-66668888"}]}]}`,
	`{"resourceType":"Practitioner","id":"doctor-1","name":[{"family":"Lihua","given":["Wang"]}],"identifier":[{"value":"LIC-556677"}]}`,
	`{"resourceType":"Encounter","id":"visit-1","meta":{"versionId":"3","lastUpdated":"2025-03-02T00:00:00Z"},"text":{"status":"generated","div":"<div>Zhang Sanfeng</div>"},
	  "identifier":[{"value":"ENC-1"}],"status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB","display":"ambulatory for Zhang"},
	  "type":[{"coding":[{"system":"urn:tenon:document","code":"visit"}],"text":"visit of Zhang Sanfeng"}],"subject":{"reference":"Patient/0d9c8a52-patient","display":"Zhang Sanfeng"},
	  "participant":[{"individual":{"reference":"Practitioner/doctor-1","display":"Wang Lihua"}}],"period":{"start":"2025-03-01T09:30:00+08:00","end":"2025-03-01T10:00:00+08:00"}}`,
	`{"resourceType":"Encounter","id":"visit-2","status":"finished","class":{"code":"AMB"},"subject":{"reference":"Patient/0d9c8a52-patient/_history/2"},"period":{"start":"2025-06-01T09:30:00+08:00"}}`,
	`{"resourceType":"Observation","id":"gait","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"41955-6"}],"text":"gait"},"subject":{"reference":"https://tenon.example/fhir/Patient/0d9c8a52-patient"},
	  "encounter":{"reference":"Encounter/visit-1"},"device":{"reference":"Device/plate"},"performer":[{"reference":"Practitioner/doctor-1"}],"effectiveDateTime":"2025-03-01","issued":"2025-03-01T10:00:00.123Z",
	  "valueQuantity":{"value":1.00,"unit":"mm","system":"http://unitsofmeasure.org","code":"mm"},"note":[{"text":"Mr Zhang, phone 13800138000"}],
	  "component":[{"code":{"text":"only text"},"valueString":"Zhang said"},{"code":{"coding":[{"system":"urn:x","code":"c"}]},"valueInteger":7}]}`,
	`{"resourceType":"QuestionnaireResponse","id":"qr","questionnaire":"urn:tenon:questionnaire:follow-up|1.0.0","status":"completed","subject":{"reference":"Patient/0d9c8a52-patient"},"authored":"2025-03-03T08:00:00Z","author":{"reference":"Patient/0d9c8a52-patient"},
	  "item":[{"linkId":"pain","text":"How is the pain, Mr Zhang?","answer":[{"valueInteger":3,"item":[{"linkId":"since","answer":[{"valueDate":"2025-02"}]}]}]},{"linkId":"remark","answer":[{"valueString":"call me at 13800138000"}]}]}`,
	`{"resourceType":"AdverseEvent","id":"ae","actuality":"actual","event":{"coding":[{"system":"urn:imdrf","code":"E0101"}],"text":"swelling of Zhang"},"subject":{"reference":"Patient/0d9c8a52-patient"},"date":"2025-04-01","recorder":{"reference":"Practitioner/doctor-1"},"suspectEntity":[{"instance":{"reference":"Device/plate"}}]}`,
	`{"resourceType":"ClinicalImpression","id":"ci","status":"completed","subject":{"reference":"Patient/0d9c8a52-patient"},"effectiveDateTime":"2025-04-02T10:00:00Z","summary":"Zhang is fine","description":"free text"}`,
	`{"resourceType":"Device","id":"plate","identifier":[{"system":"urn:mfr:unique","value":"P-2025-000017"}],"udiCarrier":[{"deviceIdentifier":"06912345678901","carrierHRF":"(01)06912345678901(21)SN-17"}],"status":"active","manufacturer":"Gear Medical","manufactureDate":"2025-01-10","serialNumber":"SN-17","lotNumber":"LOT-9","patient":{"reference":"Patient/0d9c8a52-patient","display":"Zhang Sanfeng"},"note":[{"text":"for Zhang"}]}`,
	`{"resourceType":"Device","id":"printer","manufacturer":"EOS","serialNumber":"M290-1"}`,
	`{"resourceType":"Procedure","id":"surgery","status":"completed","code":{"coding":[{"system":"http://snomed.info/sct","code":"17236008"}]},"subject":{"reference":"Patient/0d9c8a52-patient"},"performedPeriod":{"start":"2025-02-01T08:00:00+08:00"},"performer":[{"actor":{"reference":"Practitioner/doctor-1","display":"Wang Lihua"}}],"focalDevice":[{"manipulated":{"reference":"Device/plate"}}]}`,
	`{"resourceType":"DocumentReference","id":"model","status":"current","type":{"coding":[{"system":"urn:tenon:document","code":"design-model"}]},"content":[{"attachment":{"url":"Binary/1"}}]}`,
	`{"resourceType":"Observation","id":"hiv","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]},"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"75622-1"}]},"subject":{"reference":"Patient/0d9c8a52-patient"}}`,
}

var at = time.Date(2025, 7, 1, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

func followUp(t testing.TB, resources []string) grading.FollowUp {
	t.Helper()
	p, err := grading.NewPseudonymiser(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	f := grading.FollowUp{
		Patient: "Patient/0d9c8a52-patient", Pseudonyms: p, BaseURL: "https://tenon.example/fhir", At: at,
		Recipient: grading.Recipient{Names: []string{"gear medical "}},
	}
	for _, r := range resources {
		f.Resources = append(f.Resources, parse(t, r))
	}
	return f
}

func export(t testing.TB, f grading.FollowUp) (*grading.Package, map[string]map[string]any) {
	t.Helper()
	p, err := load(t).FollowUpExport(f)
	if err != nil {
		t.Fatal(err)
	}
	byRef := map[string]map[string]any{}
	for line := range bytes.Lines(p.NDJSON) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		byRef[m["resourceType"].(string)+"/"+m["id"].(string)] = m
	}
	return p, byRef
}

// get walks into decoded JSON; an array stands for its first item.
func get(v any, path ...string) any {
	for _, p := range path {
		if list, ok := v.([]any); ok {
			v = list[0]
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	if list, ok := v.([]any); ok && len(list) == 1 {
		return list[0]
	}
	return v
}

func TestFollowUpExport(t *testing.T) {
	f := followUp(t, caseResources)
	p, lines := export(t, f)
	id := func(ref string) string { return f.Pseudonyms.Reference(ref) }
	text := string(p.NDJSON)

	t.Run("R004-007 R004-052 nothing that names a person survives", func(t *testing.T) {
		for _, secret := range []string{"Zhang", "zhang", "Sanfeng", "张", "三丰", "MRN-778899", "110101199003072316", "13800138000", "138-0013-8000", "sanfeng@",
			"1990-03-07", "1990", "Changan", "100031", "Beijing", "北京", "Mama", "66668888", "Lihua", "Wang", "LIC-556677", "0d9c8a52", "doctor-1", "visit-1", "ENC-1",
			"free text", "only text", "call me", "swelling", "How is", "<div", "Practitioner", "2025-03-01", "2025-06-01", "2025-02-01", "2025-04-0"} {
			if strings.Contains(text, secret) {
				t.Errorf("the export holds %q", secret)
			}
		}
	})
	t.Run("every visit and the device of the manufacturer are there", func(t *testing.T) {
		for _, ref := range []string{"Encounter/visit-1", "Encounter/visit-2", "Device/plate", "Observation/gait", "QuestionnaireResponse/qr", "AdverseEvent/ae", "ClinicalImpression/ci", "Procedure/surgery"} {
			if lines[id(ref)] == nil {
				t.Errorf("%s is missing", ref)
			}
		}
		if len(lines) != 8 {
			t.Errorf("%d lines, want 8", len(lines))
		}
	})
	t.Run("R004-024 the identity of the own device is kept, that of others stays behind", func(t *testing.T) {
		d := lines[id("Device/plate")]
		for path, want := range map[string]any{"serialNumber": "SN-17", "lotNumber": "LOT-9", "manufacturer": "Gear Medical", "manufactureDate": "2025-01-10"} {
			if d[path] != want {
				t.Errorf("Device.%s = %v, want %v", path, d[path], want)
			}
		}
		if get(d, "udiCarrier", "carrierHRF") != "(01)06912345678901(21)SN-17" || get(d, "identifier", "value") != "P-2025-000017" {
			t.Errorf("device = %v, want its UDI and unique code", d)
		}
		if strings.Contains(text, "M290-1") {
			t.Error("the printer's serial number is in the export")
		}
	})
	t.Run("references lead to the same pseudonym", func(t *testing.T) {
		patient := id("Patient/0d9c8a52-patient")
		for ref, member := range map[string]string{"Encounter/visit-1": "subject", "Encounter/visit-2": "subject", "Observation/gait": "subject", "Device/plate": "patient"} {
			if got := get(lines[id(ref)], member); !reflect.DeepEqual(got, map[string]any{"reference": patient}) {
				t.Errorf("%s.%s = %v, want reference %s alone", ref, member, got, patient)
			}
		}
		if got := get(lines[id("Observation/gait")], "encounter", "reference"); got != id("Encounter/visit-1") {
			t.Errorf("Observation.encounter = %v, want that of the visit", got)
		}
		if got := get(lines[id("AdverseEvent/ae")], "suspectEntity", "instance", "reference"); got != id("Device/plate") {
			t.Errorf("AdverseEvent.suspectEntity = %v, want the device", got)
		}
	})
	t.Run("R004-007 dates move together, order and time of day stay", func(t *testing.T) {
		days := f.Pseudonyms.Days(f.Patient)
		shifted := func(date string) string {
			d, err := time.Parse(time.DateOnly, date)
			if err != nil {
				t.Fatal(err)
			}
			return d.AddDate(0, 0, days).Format(time.DateOnly)
		}
		for _, test := range []struct {
			got  any
			want string
		}{
			{get(lines[id("Encounter/visit-1")], "period", "start"), shifted("2025-03-01") + "T09:30:00+08:00"},
			{get(lines[id("Encounter/visit-2")], "period", "start"), shifted("2025-06-01") + "T09:30:00+08:00"},
			{get(lines[id("Observation/gait")], "effectiveDateTime"), shifted("2025-03-01")},
			{get(lines[id("Observation/gait")], "issued"), shifted("2025-03-01") + "T10:00:00.123Z"},
			{get(lines[id("Procedure/surgery")], "performedPeriod", "start"), shifted("2025-02-01") + "T08:00:00+08:00"},
			{get(lines[id("QuestionnaireResponse/qr")], "item", "answer", "item", "answer", "valueDate"), shifted("2025-02-15")[:7]},
		} {
			if test.got != test.want {
				t.Errorf("date = %v, want %v", test.got, test.want)
			}
		}
	})
	t.Run("R004-007 measured values stay as they were", func(t *testing.T) {
		if !strings.Contains(text, `"valueQuantity":{"value":1.00,"unit":"mm","system":"http://unitsofmeasure.org","code":"mm"}`) {
			t.Error("the quantity lost its precision or its unit")
		}
		if got := get(lines[id("QuestionnaireResponse/qr")], "item"); len(got.([]any)) != 2 || get(got, "answer", "valueInteger") != 3.0 {
			t.Errorf("answers = %v, want two items, the first with 3", got)
		}
		if got := get(lines[id("Observation/gait")], "component", "code", "coding", "code"); got != "masked" {
			t.Errorf("a code of text alone = %v, want masked", got)
		}
	})
	t.Run("R004-026 R004-053 nothing above L3, labelled", func(t *testing.T) {
		for ref, m := range lines {
			security, _ := json.Marshal(get(m, "meta", "security"))
			if !strings.Contains(string(security), `"L3"`) && !strings.Contains(string(security), `"L2"`) {
				t.Errorf("%s is labelled %s", ref, security)
			}
			if !strings.Contains(string(security), "PSEUDED") || get(m, "meta", "versionId") != nil {
				t.Errorf("%s has meta %v", ref, m["meta"])
			}
		}
		if p.Manifest.Level != 3 {
			t.Errorf("manifest level = %v, want L3", p.Manifest.Level)
		}
	})
	t.Run("the manifest counts and hashes", func(t *testing.T) { checkManifest(t, p) })
}

func checkManifest(t *testing.T, p *grading.Package) {
	m := p.Manifest
	sum := sha256.Sum256(p.NDJSON)
	if m.SHA256 != hex.EncodeToString(sum[:]) || m.Table != load(t).Version() || !m.Created.Equal(at) {
		t.Errorf("manifest = %+v, want the hash of the lines, the table and the time", m)
	}
	want := []grading.Count{{Type: "AdverseEvent", Count: 1}, {Type: "ClinicalImpression", Count: 1}, {Type: "Device", Count: 1}, {Type: "Encounter", Count: 2},
		{Type: "Observation", Count: 1}, {Type: "Procedure", Count: 1}, {Type: "QuestionnaireResponse", Count: 1}}
	if !reflect.DeepEqual(m.Exported, want) {
		t.Errorf("exported = %v, want %v", m.Exported, want)
	}
	withheld := []grading.Withheld{{Type: "Device", Reason: "device of another manufacturer", Count: 1}, {Type: "DocumentReference", Reason: "not needed for the purpose", Count: 1},
		{Type: "Observation", Reason: "special personal data", Count: 1}, {Type: "Patient", Reason: "identity of a person", Count: 1}, {Type: "Practitioner", Reason: "identity of a person", Count: 1}}
	if !reflect.DeepEqual(m.Withheld, withheld) {
		t.Errorf("withheld = %v, want %v", m.Withheld, withheld)
	}
	i := 0
	for line := range bytes.Lines(p.NDJSON) {
		sum := sha256.Sum256(bytes.TrimSuffix(line, []byte("\n")))
		if m.Lines[i].SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("hash of line %d is wrong", i+1)
		}
		i++
	}
	if i != len(m.Lines) {
		t.Errorf("%d lines, the manifest has %d", i, len(m.Lines))
	}
}

// The template may not let through what the element table wants removed, or
// never exported.
func TestTemplateKeepsToTheTable(t *testing.T) {
	removed := map[string]string{}
	for _, r := range load(t).Rows() {
		if (r.Action == "X" || r.Action == "N") && r.Qualifier == "" {
			removed[r.Path] = r.ID
		}
	}
	data, err := os.ReadFile("table/followup.json")
	if err != nil {
		t.Fatal(err)
	}
	var template struct{ Types map[string]any }
	if err := json.Unmarshal(data, &template); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if id, ok := removed[path]; ok {
			t.Errorf("%s is let through, row %s removes it", path, id)
		}
		for name, inner := range mapOf(v) {
			walk(path+"."+name, inner)
		}
	}
	for typ, v := range template.Types {
		walk(typ, v)
	}
}

func mapOf(v any) map[string]any { m, _ := v.(map[string]any); return m }

func TestExportIsDeterministic(t *testing.T) {
	want, _ := export(t, followUp(t, caseResources))
	turned := slices.Clone(caseResources)
	slices.Reverse(turned)
	got, _ := export(t, followUp(t, turned))
	if !bytes.Equal(got.NDJSON, want.NDJSON) || !reflect.DeepEqual(got.Manifest, want.Manifest) {
		t.Error("the order of the resources changes the export")
	}
	other := followUp(t, caseResources)
	other.Pseudonyms, _ = grading.NewPseudonymiser(bytes.Repeat([]byte{8}, 32))
	got, _ = export(t, other)
	if id := other.Pseudonyms.ID("Encounter/visit-1"); strings.Contains(string(want.NDJSON), id) || bytes.Equal(got.NDJSON, want.NDJSON) {
		t.Error("another key gives the same pseudonyms")
	}
}

func TestExportRefuses(t *testing.T) {
	with := func(extra string) []string { return append(slices.Clone(caseResources), extra) }
	for _, test := range []struct {
		name      string
		resources []string
		says      string
	}{
		{"R004-024 no device of the recipient", slices.DeleteFunc(slices.Clone(caseResources), func(s string) bool { return strings.Contains(s, `"id":"plate"`) }), "no device of the recipient"},
		{"another patient's visit", with(`{"resourceType":"Encounter","id":"x","subject":{"reference":"Patient/other"}}`), "another patient"},
		{"a name in a code", with(`{"resourceType":"Observation","id":"x","code":{"coding":[{"system":"urn:local","code":"zhang-sanfeng-check"}]}}`), "shows the name"},
		{"a Chinese name in a serial number", with(`{"resourceType":"Device","id":"x","manufacturer":"Gear Medical","serialNumber":"17-张三丰"}`), "shows the name"},
		{"a record number in a unique code", with(`{"resourceType":"Device","id":"x","manufacturer":"Gear Medical","identifier":[{"value":"mrn-778899/1"}]}`), "shows the name"},
		{"a phone number as an answer", with(`{"resourceType":"QuestionnaireResponse","id":"x","item":[{"linkId":"1","answer":[{"valueInteger":8613800138000}]}]}`), "shows the name"},
		{"a clinician's licence in a lot", with(`{"resourceType":"Device","id":"x","manufacturer":"Gear Medical","lotNumber":"LIC-556677"}`), "shows the name"},
		{"a date that is none", with(`{"resourceType":"Encounter","id":"x","period":{"start":"yesterday"}}`), "date that cannot be shifted"},
		{"a visit that is special", with(`{"resourceType":"Encounter","id":"x","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"PSY"}]},"status":"finished"}`), "special personal data"},
		{"one resource twice", with(`{"resourceType":"Encounter","id":"visit-1"}`), "stands twice"},
		{"a resource without id", with(`{"resourceType":"Encounter"}`), "no type or no id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := load(t).FollowUpExport(followUp(t, test.resources))
			if f := issue.As(err); p != nil || f == nil || !strings.Contains(f.Error(), test.says) {
				t.Errorf("FollowUpExport() = %v, want a failure with %q", err, test.says)
			}
		})
	}
	f := followUp(t, caseResources)
	f.Patient = "0d9c8a52-patient"
	if _, err := load(t).FollowUpExport(f); issue.As(err) == nil {
		t.Errorf("FollowUpExport(patient without type) = %v, want a failure", err)
	}
	f.Pseudonyms = nil
	if _, err := load(t).FollowUpExport(f); err == nil {
		t.Error("FollowUpExport() without a pseudonymiser = nil")
	}
	if _, err := grading.NewPseudonymiser(make([]byte, 31)); err == nil {
		t.Error("NewPseudonymiser(31 bytes) = nil")
	}
}

// The grade of the copy is measured: were the serial number of a device as
// harmful as a design, it would not leave.
func TestExportMeasures(t *testing.T) {
	elements, _ := os.ReadFile("table/elements.csv")
	rules, _ := os.ReadFile("table/rules.json")
	const row = "E1,0,0,1,0,0,2,L2,Q3,P,004\n"
	at := strings.Index(string(elements), "G114,fhir,Device.serialNumber")
	harmful := string(elements[:at]) + strings.Replace(string(elements[at:]), row, "E1,0,0,3,0,0,2,L4,Q3,P,004\n", 1)
	table, err := grading.Compile([]byte(harmful), rules)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("R004-026 a copy above the ceiling stops the export", func(t *testing.T) {
		p, err := table.FollowUpExport(followUp(t, caseResources))
		if f := issue.As(err); p != nil || f == nil || !strings.Contains(f.Error(), "still L4") {
			t.Errorf("FollowUpExport() = %v, want a failure: still L4", err)
		}
	})
}

// A recipient can also be known by the UDI-DI of its products.
func TestRecipientByDeviceIdentifier(t *testing.T) {
	f := followUp(t, caseResources)
	f.Recipient = grading.Recipient{DeviceIdentifiers: []string{"06912345678901"}}
	if _, lines := export(t, f); lines[f.Pseudonyms.Reference("Device/plate")] == nil {
		t.Error("the device of the UDI-DI is missing")
	}
}

func TestShift(t *testing.T) {
	for _, test := range []struct {
		in   string
		days int
		want string
	}{
		{"2024-02-28", 1, "2024-02-29"}, {"2024-02-28", 2, "2024-03-01"}, {"2025-12-31T23:59:59.999-11:00", 1, "2026-01-01T23:59:59.999-11:00"},
		{"2025-01-15", -45, "2024-12-01"}, {"2025-01", 40, "2025-02"}, {"2025", 30, "2025"}, {"2025", 300, "2026"},
		{"yesterday", 1, ""}, {"2025-13-01", 1, ""}, {"2025-02-30", 1, ""}, {"2025-01-01 10:00", 1, ""}, {"2025-1-1", 1, ""}, {"", 1, ""}, {"20250101", 1, ""},
	} {
		got, ok := grading.Shift(test.in, test.days)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("Shift(%q, %d) = %q, %v, want %q", test.in, test.days, got, ok, test.want)
		}
	}
}

func TestDays(t *testing.T) {
	p := followUp(t, nil).Pseudonyms
	seen := map[int]bool{}
	for i := range 500 {
		d := p.Days("Patient/" + strings.Repeat("x", i))
		if d == 0 || d > 364 || d < -364 || d > -30 && d < 30 {
			t.Errorf("Days() = %d, want 30 to 364 either way", d)
		}
		seen[d] = true
	}
	if len(seen) < 300 {
		t.Errorf("%d different shifts of 500 people", len(seen))
	}
}

// FuzzFollowUpExport: whatever a resource holds, its copy is JSON, holds no
// planted name and is never above L3.
func FuzzFollowUpExport(f *testing.F) {
	for _, r := range caseResources {
		f.Add([]byte(r))
	}
	f.Add([]byte(`{"resourceType":"Observation","id":"x","code":{"coding":[{"code":"Zhang Sanfeng"}]}}`))
	table := load(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := tree.Parse(data)
		if err != nil {
			return
		}
		in := followUp(t, []string{caseResources[0], caseResources[8]})
		in.Resources = append(in.Resources, doc.Root())
		p, err := table.FollowUpExport(in)
		if err != nil {
			if issue.As(err) == nil {
				t.Fatal(err)
			}
			return
		}
		if p.Manifest.Level > 3 || strings.Contains(strings.ToLower(string(p.NDJSON)), "sanfeng") {
			t.Fatalf("exported at %v: %s", p.Manifest.Level, p.NDJSON)
		}
	})
}
