package grading_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tenon/adapters/grading"
	"tenon/fhir/tree"
)

func must(typ, member string) bool {
	return slices.Contains([]string{"active", "deceasedBoolean", "link", "status", "implicitRules", "modifierExtension"}, strings.TrimPrefix(member, "_"))
}

const child = `{"resourceType":"Patient","id":"a","meta":{"versionId":"1","lastUpdated":"2025-06-01T00:00:00Z","tag":[{"code":"x"}]},"active":true,` +
	`"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ANON"}]},"value":"P7"},{"value":"310"}],` +
	`"name":[{"text":"Zhang"}],"gender":"male","birthDate":"2020-01-01","_birthDate":{"extension":[{"url":"urn:x","valueString":"about noon"}]},"multipleBirthInteger":2}`

func TestMask(t *testing.T) {
	table := loaded(t)
	for _, c := range []struct {
		name  string
		body  string
		level grading.Level
		want  string // members besides resourceType, id and meta; "": not shown
	}{
		{"a child to L4", child, 4, `active identifier identifier name gender`},
		{"a child to L3", child, 3, `active identifier gender`},
		{"a child to L2", child, 2, `active identifier gender`},
		{"a child to L1: ids are L2", child, 1, ""},
		{"what is no higher is not shown in part", strings.Replace(child, "2020-01-01", "1960-01-01", 1), 5, ""},
		{"a modifier without a level", `{"resourceType":"Patient","id":"a","implicitRules":"urn:x","modifierExtension":[{"url":"urn:x","valueBoolean":true}],"birthDate":"2020"}`, 4, ""},
		{"an unknown extension is as high as the whole", `{"resourceType":"Patient","id":"a","meta":{"lastUpdated":"2025-06-01T00:00:00Z"},"birthDate":"2020-01-01","gender":"male","extension":[{"url":"urn:x","valueString":"y"}]}`, 4, "gender"},
		{"what is contained is as high as the whole", `{"resourceType":"Patient","id":"a","meta":{"lastUpdated":"2025-06-01T00:00:00Z"},"contained":[{"resourceType":"Organization","id":"o","name":"x"}],"birthDate":"2020-01-01","gender":"male"}`, 4, "gender"},
		{"the author calls it sensitive", `{"resourceType":"Patient","id":"a","meta":{"lastUpdated":"2025-06-01T00:00:00Z","security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"HIV"}]},"birthDate":"2020-01-01","gender":"male"}`, 4, ""},
		{"a device without its patient", `{"resourceType":"Device","id":"a","status":"active","patient":{"reference":"Patient/1"},"serialNumber":"7"}`, 3, "status serialNumber"},
		{"of other types the level of the whole holds", `{"resourceType":"Condition","id":"a","subject":{"reference":"Patient/1"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":"B20"}]}}`, 4, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := parse(t, c.body)
			body, grade, err := table.Mask(doc, c.level, must)
			if c.want == "" {
				if err == nil {
					t.Fatalf("Mask(L%d) = %s, want nothing", c.level, body)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for name, v := range parse(t, string(body)).Fields() {
				for range v.Items() {
					if !slices.Contains([]string{"resourceType", "id", "meta"}, name) {
						got = append(got, name)
					}
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("Mask(L%d) has %v, want %s", c.level, got, c.want)
			}
			if grade.Level > c.level {
				t.Errorf("Mask(L%d) grades %v", c.level, grade.Level)
			}
			if n := bytes.Count(body, []byte("SUBSETTED")) + bytes.Count(body, []byte("REDACTED")) + bytes.Count(body, []byte(grading.MaskSystem)); n != 3 || !json.Valid(body) {
				t.Errorf("Mask(L%d) = %s", c.level, body)
			}
		})
	}
}

func TestLeast(t *testing.T) {
	table := loaded(t)
	for body, want := range map[string]grading.Level{
		child: 2,
		`{"resourceType":"Patient","id":"a","gender":"male"}`:                                                    0,
		`{"resourceType":"Observation","id":"a","status":"final","code":{"text":"x"},"valueString":"y"}`:         0,
		`{"resourceType":"Patient","id":"a","implicitRules":"urn:x","name":[{"text":"Zhang"}]}`:                  2,
		`{"resourceType":"Patient","id":"a","deceasedBoolean":true,"name":[{"text":"Zhang"}]}`:                   3,
		`{"resourceType":"Device","id":"a","status":"active","patient":{"reference":"Patient/1"}}`:               2,
		`{"resourceType":"Device","id":"a","status":"active","url":"http://10.0.0.1/","property":[{"type":{}}]}`: 2,
	} {
		doc := parse(t, body)
		if got := table.Least(doc, table.Grade(doc), must); got != want {
			t.Errorf("Least(%s) = %v, want %v", body, got, want)
		}
	}
}

func TestSight(t *testing.T) {
	table := loaded(t)
	for _, c := range []struct {
		typ, member string
		want        grading.Level
	}{
		{"Patient", "birthDate", 5}, {"Patient", "identifier", 4}, {"Patient", "name", 4}, {"Patient", "gender", 2}, {"Patient", "deceased", 3},
		{"Patient", "id", 1}, {"Patient", "meta", 1}, {"Patient", "generalPractitioner", 5}, {"Patient", "extension", 5},
		{"Device", "patient", 4}, {"Device", "udiCarrier", 2}, {"Device", "version", 3}, {"Observation", "id", 5}, {"Observation", "value", 5},
	} {
		if got := table.Sight(c.typ, c.member); got != c.want {
			t.Errorf("Sight(%s.%s) = %v, want %v", c.typ, c.member, got, c.want)
		}
	}
}

// FuzzMask: whatever the resource, a part grades no higher than it is shown to,
// and an answer of Least is kept by Mask.
func FuzzMask(f *testing.F) {
	table := loaded(f)
	f.Add([]byte(child), uint8(4))
	f.Add([]byte(`{"resourceType":"Device","contained":[],"patient":[null,{}],"_status":{"extension":[]}}`), uint8(2))
	f.Fuzz(func(t *testing.T, body []byte, level uint8) {
		doc, err := tree.Parse(body)
		if err != nil || doc.Root().Kind() != tree.Object {
			return
		}
		whole := table.Grade(doc.Root())
		least := table.Least(doc.Root(), whole, must)
		part, grade, err := table.Mask(doc.Root(), grading.Level(level%6), must)
		if err != nil && least > 0 && grading.Level(level%6) >= least && grading.Level(level%6) < whole.Level {
			t.Errorf("Least = %v, but Mask(L%d): %v", least, level%6, err)
		}
		if err != nil {
			return
		}
		again, err := tree.Parse(part)
		if err != nil || table.Grade(again.Root()).Level > grading.Level(level%6) || grade.Level > grading.Level(level%6) {
			t.Errorf("Mask(L%d) = %s, grade %v, %v", level%6, part, grade, err)
		}
	})
}

func loaded(t testing.TB) *grading.Table {
	t.Helper()
	table, err := grading.Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}
