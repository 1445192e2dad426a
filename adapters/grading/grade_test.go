package grading_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tenon/adapters/grading"
	"tenon/fhir/tree"
)

func parse(t testing.TB, s string) tree.Node {
	t.Helper()
	d, err := tree.Parse([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return d.Root()
}

const (
	hiv   = `{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"B24"}]}`
	caseP = `"Patient/p-aaaabbbbccccdddd"`
)

func pseudonym(v string) bool { return strings.Contains(v, "p-aaaabbbbccccdddd") }

// The vectors of §6 that the base rule decides; the row of the table is the
// number in the name.
func TestVectors(t *testing.T) {
	table := load(t)
	grade := func(s string) grading.Result { return table.Grade(parse(t, s)) }
	copyOf := func(s string, k int) grading.Result {
		return table.GradeCopy(parse(t, s), grading.Evidence{Pseudonym: pseudonym, K: k})
	}
	dicom := func(a ...grading.Attribute) grading.Result { return table.GradeDICOM(a) }
	name := grading.Attribute{Tag: 0x00100010, Value: "ZHANG^SAN"}
	pixels := grading.Attribute{Tag: 0x7fe00010}
	part := func(p string) grading.Attribute { return grading.Attribute{Tag: 0x00180015, Value: p} }
	pseudonymised := `{"resourceType":"Condition","subject":{"reference":` + caseP + `},"code":{"coding":[{"system":"http://snomed.info/sct","code":"72704001"}]}}`
	for _, test := range []struct {
		name  string
		got   grading.Result
		level grading.Level
		q     uint8
	}{
		{"1 KVP alone", dicom(grading.Attribute{Tag: 0x00180060, Value: "120"}), 1, 3},
		{"2 Patient.name", grade(`{"resourceType":"Patient","name":[{"family":"Zhang"}]}`), 4, 4},
		{"3 Patient.gender alone", grade(`{"resourceType":"Patient","gender":"male"}`), 2, 3},
		{"4 Condition.code, subject pseudonymised, k unknown", copyOf(pseudonymised, 0), 3, 3},
		{"5 same, k = 12", copyOf(pseudonymised, 12), 2, 3},
		{"5 same, k = 7: L2 needs k of 10", copyOf(pseudonymised, 7), 3, 3},
		{"6 Condition HIV and name", grade(`{"resourceType":"Condition","code":` + hiv + `,"subject":{"reference":"Patient/1","display":"Zhang San"}}`), 5, 3},
		{"7 Condition HIV, pseudonymised, k = 12", copyOf(`{"resourceType":"Condition","subject":{"reference":`+caseP+`},"code":`+hiv+`}`, 12), 3, 3},
		{"8 CT abdomen with name", dicom(name, part("ABDOMEN"), pixels), 4, 4},
		{"10 CT head after tag de-identification, not defaced", dicom(part("HEAD"), pixels), 4, 4},
		{"11 BurnedInAnnotation YES", dicom(grading.Attribute{Tag: 0x00280301, Value: "YES"}), 4, 4},
		{"11 BurnedInAnnotation YES beside pixels", dicom(part("ABDOMEN"), pixels, grading.Attribute{Tag: 0x00280301, Value: " yes "}), 4, 4},
		{"11 BurnedInAnnotation NO", dicom(part("ABDOMEN"), pixels, grading.Attribute{Tag: 0x00280301, Value: "NO"}), 3, 4},
		{"16 device fault log, one device, no patient", grade(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"urn:tenon:grading","code":"fault"}]},"device":{"reference":"Device/1"}}`), 3, 3},
		{"17 design model of a case", grade(`{"resourceType":"DocumentReference","status":"current","type":{"coding":[{"system":"urn:tenon:document","code":"design-model"}]},"content":[{"attachment":{"url":"Binary/1"}}]}`), 4, 4},
		{"20 unknown FHIR element", grade(`{"resourceType":"Organization","shoeSize":42}`), 1, 2}, // known by T row Organization.*
		{"20 unknown FHIR element of a type without a row", grade(`{"resourceType":"Basic","shoeSize":42}`), 3, 3},
		{"20 unknown extension under a public element", grade(`{"resourceType":"Organization","name":"x","_name":{"extension":[{"url":"http://x.example/y","valueString":"z"}]}}`), 3, 3},
		{"20 unknown DICOM attribute", dicom(grading.Attribute{Tag: 0x00181234}), 3, 3},
		{"21 private token", table.GradeAdapter("auth.secret"), 5, 4},
		{"24 UDI-DI", grade(`{"resourceType":"Device","udiCarrier":[{"deviceIdentifier":"06912345678901"}]}`), 1, 4},
	} {
		t.Run("R004-002 R004-022 vector "+test.name, func(t *testing.T) {
			if test.got.Level != test.level || test.got.Integrity != test.q {
				t.Errorf("grade = %v, Q%d, want %v, Q%d; trail %+v", test.got.Level, test.got.Integrity, test.level, test.q, test.got.Trail)
			}
		})
	}
}

func TestGrade(t *testing.T) {
	table := load(t)
	for _, test := range []struct {
		name, resource string
		level          grading.Level
		q              uint8
	}{
		{"nothing is known of nothing", `{}`, 3, 3},
		{"no resource type", `{"name":"x"}`, 3, 3},
		{"record number", `{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"value":"1"}]}`, 4, 4},
		{"identifier of unknown kind", `{"resourceType":"Patient","identifier":[{"value":"1"}]}`, 4, 4},
		{"pseudonym", `{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ANON"}]},"value":"1"}]}`, 2, 3},
		{"pseudonym of a strange system", `{"resourceType":"Patient","identifier":[{"type":{"coding":[{"system":"http://x.example","code":"ANON"}]},"value":"1"}]}`, 4, 4},
		{"sibling of a primitive", `{"resourceType":"Patient","_birthDate":{"id":"x"}}`, 2, 3},
		{"adult", `{"resourceType":"Patient","meta":{"lastUpdated":"2025-06-01T00:00:00Z"},"birthDate":"2011-06-01"}`, 2, 3},
		{"minor", `{"resourceType":"Patient","meta":{"lastUpdated":"2025-06-01T00:00:00Z"},"birthDate":"2011-06-02"}`, 5, 3},
		{"minor by the month", `{"resourceType":"Patient","meta":{"lastUpdated":"2025-06-01T00:00:00Z"},"birthDate":"2011-06"}`, 5, 3},
		{"minor by the year", `{"resourceType":"Patient","meta":{"lastUpdated":"2025-06-01T00:00:00Z"},"birthDate":"2012"}`, 5, 3},
		{"clinician", `{"resourceType":"Practitioner","active":true,"name":[{"family":"Li"}]}`, 3, 3},
		{"role of a clinician", `{"resourceType":"PractitionerRole","active":true,"code":[{"text":"surgeon"}]}`, 2, 3},
		{"staff joined with health data: ceiling lifted by U2", `{"resourceType":"Observation","performer":[{"reference":"Practitioner/1","display":"Dr Li"}],"valueQuantity":{"value":1}}`, 4, 3},
		{"organisation", `{"resourceType":"Organization","id":"h","active":true,"name":"Hospital"}`, 1, 2},
		{"organisation with a contact", `{"resourceType":"Organization","name":"Hospital","contact":[{"name":{"family":"Li"}}]}`, 3, 2},
		{"observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1"},"valueQuantity":{"value":1}}`, 3, 3},
		{"name in a reference", `{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/1","display":"Zhang"},"valueQuantity":{"value":1}}`, 4, 3},
		{"name in a logical reference", `{"resourceType":"Observation","subject":{"type":"Patient","display":"Zhang"}}`, 4, 3},
		{"name in a reference deep inside", `{"resourceType":"Composition","section":[{"entry":[{"reference":"http://x.example/fhir/Patient/1","display":"Zhang"}]}]}`, 4, 3},
		{"display of a coding is no name", `{"resourceType":"Observation","code":{"coding":[{"system":"http://loinc.org","code":"1","display":"Zhang test"}]}}`, 3, 3},
		{"usage hours", `{"resourceType":"Observation","code":{"coding":[{"system":"urn:tenon:grading","code":"usage-hours"}]},"valueQuantity":{"value":1}}`, 3, 3},
		{"genomic value", `{"resourceType":"Observation","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"GE"}]}],"valueString":"x"}`, 5, 4},
		{"label of sensitive data", `{"resourceType":"Observation","meta":{"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]},"valueString":"x"}`, 4, 3},
		{"contained patient", `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p","name":[{"text":"Zhang"}]}],"subject":{"reference":"#p"},"valueInteger":1}`, 4, 4},
		{"R004-051 bundle takes the highest", `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"CodeSystem","name":"x"}},{"resource":{"resourceType":"Observation","valueInteger":1}},{"resource":{"resourceType":"Patient","gender":"male"}}]}`, 3, 3},
		{"R004-051 bundle of public things", `{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"CodeSystem","name":"x"}}]}`, 1, 3},
		{"R004-051 bundle joins a name with health data", `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Practitioner","name":[{"text":"Li"}]}},{"resource":{"resourceType":"Observation","valueInteger":1}}]}`, 4, 3},
		{"resource in parameters", `{"resourceType":"Parameters","parameter":[{"name":"x","part":[{"resource":{"resourceType":"Patient","name":[{"text":"Zhang"}]}}]}]}`, 4, 4},
		{"document of unknown kind", `{"resourceType":"DocumentReference","content":[{"attachment":{"url":"Binary/1"}}]}`, 4, 4},
		{"instructions for use", `{"resourceType":"DocumentReference","type":{"coding":[{"system":"urn:tenon:document","code":"ifu"}]},"content":[{"attachment":{"url":"Binary/1"}}]}`, 3, 4},
		{"kind by a strange system does not lower", `{"resourceType":"DocumentReference","type":{"coding":[{"system":"http://x.example","code":"ifu"}]},"content":[{"attachment":{"url":"Binary/1"}}]}`, 4, 4},
		{"two kinds: the higher counts", `{"resourceType":"DocumentReference","type":{"coding":[{"system":"urn:tenon:document","code":"ifu"},{"system":"urn:tenon:document","code":"design-model"}]},"content":[{"attachment":{"url":"Binary/1"}}]}`, 4, 4},
		{"device on a patient", `{"resourceType":"Device","udiCarrier":[{"deviceIdentifier":"1"}],"patient":{"reference":"Patient/1"}}`, 4, 4},
		{"device", `{"resourceType":"Device","id":"1","udiCarrier":[{"deviceIdentifier":"1","issuer":"x"}],"serialNumber":"s","manufacturer":"m"}`, 2, 4},
		{"known extension", `{"resourceType":"DeviceRequest","extension":[{"url":"urn:tenon:extension:age-at-order","valueAge":{"value":40}}]}`, 2, 3},
		{"operating procedure", `{"resourceType":"PlanDefinition","url":"x"}`, 3, 4},
		{"questionnaire", `{"resourceType":"Questionnaire","id":"q","url":"x","item":[{"linkId":"1"}]}`, 1, 3},
		{"id alone", `{"resourceType":"Basic","id":"1"}`, 2, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := table.Grade(parse(t, test.resource))
			if got.Level != test.level || got.Integrity != test.q {
				t.Errorf("Grade() = %v, Q%d, want %v, Q%d; trail %+v", got.Level, got.Integrity, test.level, test.q, got.Trail)
			}
			if len(got.Trail) == 0 || len(got.Categories) == 0 || got.Table != table.Version() {
				t.Errorf("Grade() has no trail, category or table: %+v", got)
			}
		})
	}
}

// §3.5: a copy is lowered by what is measured of it, an original never.
func TestCopyIsNotTrusted(t *testing.T) {
	table := load(t)
	const device = `{"resourceType":"Device","patient":{"reference":"Patient/p-aaaabbbbccccdddd"%s}}`
	for name, test := range map[string]struct {
		extra string
		level grading.Level
	}{
		"pseudonym":          {"", 3},
		"beside a name":      {`,"display":"Zhang San"`, 4},
		"beside a number":    {`,"identifier":{"value":"1"}`, 4},
		"beside an unknown ": {`,"extension":[{"url":"x","valueString":"Zhang"}]`, 4},
	} {
		t.Run("R004-055 "+name, func(t *testing.T) {
			for _, k := range []int{0, 12} {
				want := test.level
				if want == 3 && k == 12 {
					want = 2
				}
				got := table.GradeCopy(parse(t, strings.Replace(device, "%s", test.extra, 1)), grading.Evidence{Pseudonym: pseudonym, K: k})
				if got.Level != want {
					t.Errorf("k = %d: level %v, want %v; trail %+v", k, got.Level, want, got.Trail)
				}
			}
		})
	}
	t.Run("R004-055 foreign pseudonym", func(t *testing.T) {
		got := table.GradeCopy(parse(t, `{"resourceType":"Device","patient":{"reference":"Patient/12345"}}`), grading.Evidence{Pseudonym: pseudonym, K: 12})
		if got.Level != 4 {
			t.Errorf("level %v, want L4", got.Level)
		}
	})
	t.Run("R004-055 k without a copy", func(t *testing.T) {
		got := table.GradeCopy(parse(t, `{"resourceType":"Condition","code":{"text":"x"}}`), grading.Evidence{K: 12})
		if got.Level != 3 {
			t.Errorf("level %v, want L3", got.Level)
		}
	})
}

func TestDeterministic(t *testing.T) {
	table := load(t)
	n := parse(t, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/1","display":"Z"},"valueQuantity":{"value":1}}`)
	want := table.Grade(n)
	t.Run("R004-002 same input gives the same grade, and it can be stored", func(t *testing.T) {
		for range 20 {
			if got := table.Grade(n); !reflect.DeepEqual(got, want) {
				t.Fatalf("Grade() = %+v, then %+v", want, got)
			}
		}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var back grading.Result
		if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("stored and read again: %+v, want %+v", back, want)
		}
	})
	t.Run("R004-022 the trail names the rows and rules", func(t *testing.T) {
		var rows []string
		for _, s := range want.Trail {
			rows = append(rows, s.Row)
		}
		// status, code, subject by default; the display; the value.
		if want := []string{"default", "T005", "G031"}; !reflect.DeepEqual(rows, want) {
			t.Errorf("trail = %v, want %v", rows, want)
		}
		joined := table.Grade(parse(t, `{"resourceType":"Observation","performer":[{"reference":"Practitioner/1","display":"Dr Li"}],"valueInteger":1}`))
		if last := joined.Trail[len(joined.Trail)-1]; last != (grading.Step{Row: "U2", Level: 4}) {
			t.Errorf("last step = %+v, want U2", last)
		}
	})
}

func TestLabels(t *testing.T) {
	table := load(t)
	security, tags := grading.Labels(table.Grade(parse(t, `{"resourceType":"Patient","name":[{"text":"x"}]}`)))
	want := []grading.Coding{
		{System: "urn:tenon:data-level", Code: "L4"}, {System: "urn:tenon:integrity", Code: "Q4"},
		{System: "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", Code: "N"},
	}
	t.Run("R004-053 labels name level, integrity and confidentiality", func(t *testing.T) {
		if !reflect.DeepEqual(security, want) {
			t.Errorf("security = %v, want %v", security, want)
		}
		if !slices.Contains(tags, grading.Coding{System: "urn:tenon:category", Code: "P1"}) {
			t.Errorf("tags = %v, want category P1", tags)
		}
	})
	if security, _ := grading.Labels(grading.Result{}); security[0].Code != "L5" {
		t.Errorf("labels of what was never graded = %v, want L5", security)
	}
}

func BenchmarkGrade(b *testing.B) {
	table := load(b)
	n := parse(b, `{"resourceType":"Observation","id":"1","meta":{"versionId":"1","lastUpdated":"2025-01-01T00:00:00Z"},"status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}],"code":{"coding":[{"system":"http://loinc.org","code":"8302-2"}]},"subject":{"reference":"Patient/1"},"encounter":{"reference":"Encounter/1"},"effectiveDateTime":"2025-01-01","valueQuantity":{"value":1.00,"unit":"cm","system":"http://unitsofmeasure.org","code":"cm"}}`)
	b.ReportAllocs()
	for b.Loop() {
		table.Grade(n)
	}
}
