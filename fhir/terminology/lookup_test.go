package terminology_test

import (
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
)

func TestLookup(t *testing.T) {
	s := server(t)
	d, err := s.Lookup(terminology.Coding{System: "http://x/animals", Code: "bat"}, "zh-CN")
	if err != nil {
		t.Fatal(err)
	}
	if d.Name != "Animals" || d.Version != "2.1" || d.Display != "蝙蝠" || len(d.Designations) != 3 || d.Abstract || d.Inactive {
		t.Errorf("Lookup(bat) = %+v", d)
	}
	if len(d.Parents) != 2 || d.Parents[0].Code != "mammal" || d.Parents[1].Code != "flyer" || d.Parents[1].Display != "Flying animal" || len(d.Children) != 0 {
		t.Errorf("parents = %v, children = %v", d.Parents, d.Children)
	}
	want := []terminology.Property{{Code: "legs", Type: "integer", Value: "2"}, {Code: "origin", Type: "Coding", Value: "urn:iso:std:iso:3166|AU"}}
	if len(d.Properties) != 2 || d.Properties[0] != want[0] || d.Properties[1] != want[1] || d.Descriptions["legs"] != "how many" {
		t.Errorf("properties = %v, want %v", d.Properties, want)
	}
	d, err = s.Lookup(terminology.Coding{System: "http://x/animals", Code: "mammal"}, "")
	if err != nil || d.Definition != "Has hair." || len(d.Children) != 2 {
		t.Errorf("Lookup(mammal) = %+v, %v", d, err)
	}
	d, err = s.Lookup(terminology.Coding{System: "http://unitsofmeasure.org", Code: "mg"}, "")
	if err != nil || d.Display != "mg" {
		t.Errorf("Lookup(mg) = %+v, %v", d, err)
	}
	for _, c := range []terminology.Coding{{System: "http://x/animals", Code: "ghost"}, {System: "http://x/none", Code: "1"}, {System: "http://x/absent", Code: "1"},
		{System: "http://x/part", Code: "z"}, {System: "http://unitsofmeasure.org", Code: "furlongs"}} {
		if _, err := s.Lookup(c, ""); issue.As(err) == nil || issue.As(err).HTTPStatus() != 404 || issue.As(err).Issues[0].Chinese == "" {
			t.Errorf("Lookup(%v) = %v, want not found", c, err)
		}
	}
	if _, err := s.Lookup(terminology.Coding{Code: "x"}, ""); issue.As(err) == nil || issue.As(err).HTTPStatus() != 400 {
		t.Errorf("Lookup without system = %v, want 400", err)
	}
}
