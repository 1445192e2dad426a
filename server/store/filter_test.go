package store_test

import (
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// https://hl7.org/fhir/R4/search_filter.html: brackets ask one element, or one
// target, for several things; and and or are joined from left to right; each
// operator asks whether there is a value that meets it.
func TestFilterPaths(t *testing.T) {
	worlds(t, func(t *testing.T, w *world) {
		pressure := func(id, systolic, diastolic string) string {
			return `{"resourceType":"Observation","id":"` + id + `","subject":{"reference":"Patient/` + id + `"},"code":` + codeable("85354-9") + `,"component":[
				{"code":` + codeable("8480-6") + `,"valueQuantity":` + quantity(systolic, "mm[Hg]") + `},
				{"code":` + codeable("8462-4") + `,"valueQuantity":` + quantity(diastolic, "mm[Hg]") + `}]}`
		}
		w.hold(
			`{"resourceType":"Patient","id":"a","gender":"male","birthDate":"1990-05-01","name":[{"family":"Smith-Jones","given":["Peter"]}],"generalPractitioner":[{"reference":"Practitioner/x"},{"reference":"Practitioner/y"}]}`,
			`{"resourceType":"Patient","id":"b","gender":"female","birthDate":"1990","name":[{"family":"王","given":["小明"]},{"family":"Zhao"}],"generalPractitioner":[{"reference":"Practitioner/y"}]}`,
			`{"resourceType":"Patient","id":"c","birthDate":"1991-02"}`,
			`{"resourceType":"Practitioner","id":"x","gender":"male","name":[{"family":"House"}],"active":true}`,
			`{"resourceType":"Practitioner","id":"y","gender":"female","name":[{"family":"Cuddy \"Lisa\" ]) B"}],"active":true}`,
			pressure("a", "120", "80"), pressure("b", "80", "120"),
			`{"resourceType":"Group","id":"g","type":"person","actual":true,"characteristic":[
				{"code":{"coding":[{"code":"gender"}]},"valueCodeableConcept":{"coding":[{"code":"mixed"}]}},
				{"code":{"coding":[{"code":"owner"}]},"valueCodeableConcept":{"coding":[{"code":"john"}]}}]}`,
			`{"resourceType":"DocumentReference","id":"d","relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/1"}},{"code":"appends","target":{"reference":"DocumentReference/2"}}]}`)
		for filter, want := range map[string]string{
			"Patient: gender eq male or gender eq female and birthdate eq 1990-05-01":   "a",
			"Patient: gender eq female or gender eq male and birthdate eq 1990-05-01":   "a",
			"Patient: gender eq female or (gender eq male and birthdate eq 1990-05-01)": "a b",
			"Patient: gender eq male or (gender eq female and birthdate eq 1990-05-01)": "a",
			"Patient: gender eq female and birthdate eq 2000 or gender eq male":         "a",
			"Patient: gender ne male":                                                    "b",
			"Patient: not (gender eq male)":                                              "b c",
			"Patient: family ne smith-jones":                                             "b",
			"Patient: family ne zhao":                                                    "a b",
			"Patient: family gt t":                                                       "b",
			"Patient: family ge s and family lt t":                                       "a",
			"Patient: family le SZZ":                                                     "a",
			"Patient: name co \"小明\"":                                                    "b",
			"Patient: given eq \"peter\" and birthdate ge 1990":                          "a",
			"Patient: birthdate co 1990-05-01":                                           "a b",
			"Patient: birthdate co 1991-02-05":                                           "c",
			"Patient: birthdate po 1990-05":                                              "a b",
			"Patient: birthdate eq 1990":                                                 "a b",
			"Patient: birthdate ne 1990":                                                 "c",
			"Patient: birthdate sa 1990-12":                                              "c",
			"Patient: birthdate eb 1990-06-01":                                           "a",
			"Patient: birthdate ap 1990":                                                 "a b c",
			"Patient: gender pr false":                                                   "c",
			"Patient: general-practitioner re Practitioner/x":                            "a",
			"Patient: general-practitioner ne Practitioner/y":                            "a",
			"Patient: general-practitioner[active eq true].gender eq female":             "a b",
			"Patient: general-practitioner:Practitioner[gender eq male].family eq House": "a",
			"Patient: general-practitioner:Practitioner[gender eq male].family sw Cud":   "",
			"Patient: general-practitioner:Practitioner[gender eq male or gender eq female].family sw \"Cuddy \\\"\"": "a b",
			"Patient: general-practitioner:Practitioner[family co \"\\u0022Lisa\\\" ]) \"].gender eq female":          "a b",
			"Observation: code eq loinc|85354-9":                                                                        "a b",
			"Observation: component-code-value-quantity[code eq 8480-6].value gt 100":                                   "a",
			"Observation: component-code-value-quantity[code eq loinc|8480-6 or code eq 8462-4].value gt 100":           "a b",
			"Observation: component-code-value-quantity[component-code eq 8480-6 and value gt 100].value lt 125":        "a",
			"Observation: component-code-value-quantity[code eq 8480-6 and value gt 100].value gt 125":                  "",
			"Observation: component-code-value-quantity[value eq 120|ucum|mm[Hg]].code eq 8462-4":                       "?",
			"Observation: component-code-value-quantity[value eq \"120|ucum|mm[Hg]\"].code eq 8462-4":                   "b",
			"Observation: component-code-value-quantity[code eq 8480-6].value pr true":                                  "a b",
			"Observation: component-code-value-quantity[code eq 1].value pr false":                                      "a b",
			"Observation: component-value-quantity gt 100|ucum|mm[Hg]":                                                  "a b",
			"Observation: subject:Patient[gender eq male].name co \"pet\"":                                              "a",
			"Observation: subject.name co \"pet\"":                                                                      "a",
			"Observation: patient[birthdate ge 1990].general-practitioner:Practitioner[active eq true].family eq house": "a",
			"Group: characteristic[code eq gender].value eq mixed":                                                      "g",
			"Group: characteristic[code eq owner].value eq mixed":                                                       "",
			"Group: characteristic[value eq mixed].code eq gender":                                                      "g",
			"DocumentReference: relatesTo[code eq replaces].target re DocumentReference/1":                              "d",
			"DocumentReference: relatesTo[code eq appends].target re DocumentReference/1":                               "",
			"DocumentReference: relatesTo[code eq replaces].target pr true":                                             "d",
			"DocumentReference: relatesTo[code eq signs].target pr false":                                               "d",
		} {
			typ, expression, _ := strings.Cut(filter, ": ")
			query := typ + "?" + search.EncodeQuery([]search.Param{{Name: "_filter", Value: expression}})
			if want == "?" {
				if _, _, err := w.plan(query); err == nil {
					t.Errorf("%s is taken", filter)
				}
				continue
			}
			if got := w.ask(query); got != want {
				t.Errorf("%s finds %q, want %q", filter, got, want)
			}
		}
	})
}

// A refusal says where in the expression.
func TestFilterRefusals(t *testing.T) {
	w := &world{TB: t}
	for filter, at := range map[string]string{
		"name":                                      "character 5 ",
		"name eq":                                   "character 8 ",
		"名 eq x":                                    "character 1 ",
		"name eq 王 and ":                            "character 15 ",
		"name eq a b":                               "character 11 ",
		"(name eq a":                                "character 11 ",
		"name eq a)":                                "character 10 ",
		`name eq "a`:                                "character 9 ",
		`name eq "\x"`:                              "character 9 ",
		"name[family eq a] eq b":                    "character 18 ",
		"name[family eq a].x eq b":                  "character 1 ",
		"general-practitioner[a eq b.x eq 1":        "character 31 ",
		"active eq true and nothing eq 1":           "character 20 ",
		"active eq true and gender gt male":         "character 20 ",
		"name eq a and birthdate co":                "character 27 ",
		"name xx a":                                 "character 1 ",
		"gender pr maybe":                           "character 1 ",
		"name ap x":                                 "character 1 ",
		"name eq a or(birthdate eq x)":              "character 14 ",
		"link[other eq 1].type eq a":                "character 1 ",
		"general-practitioner.name.x eq a":          "character 1 ",
		"general-practitioner[nope eq 1].name eq a": "character 22 ",
		strings.Repeat("(", 20) + "active eq true":  "deeper",
		strings.Repeat("active eq true and ", 70) + "active eq true": "at most 64",
	} {
		_, _, err := w.plan("Patient?" + search.EncodeQuery([]search.Param{{Name: "_filter", Value: filter}}))
		f := issue.As(err)
		if f == nil || f.HTTPStatus() != 400 || !strings.Contains(f.Issues[0].Text, at) || f.Issues[0].Chinese == "" {
			t.Errorf("_filter=%s is refused by %v, want %q in it", filter, err, at)
		}
	}
}
