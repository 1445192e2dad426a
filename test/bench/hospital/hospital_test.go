package hospital_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tenon/test/bench/hospital"
)

type resource struct {
	ResourceType, ID string
	Subject          struct{ Reference string }
	Name             json.RawMessage
	Code, Method     struct{ Coding []struct{ Code string } }
	EffectiveDate    string `json:"effectiveDateTime"`
}

type bundle struct {
	Entry []struct {
		FullURL  string `json:"fullUrl"`
		Resource resource
		Request  struct{ Method, URL string }
	}
}

func parse(t *testing.T, body []byte) (b bundle) {
	t.Helper()
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatalf("%v: %.300s", err, body)
	}
	return b
}

func TestSameForTheSameSeed(t *testing.T) {
	a, b, other := hospital.New(1, 500), hospital.New(1, 500), hospital.New(2, 500)
	for _, i := range []int{0, 1, 499} {
		if !bytes.Equal(a.Bundle(i), b.Bundle(i)) {
			t.Errorf("Bundle(%d) differs between two hospitals of one seed", i)
		}
		if bytes.Equal(a.Bundle(i), other.Bundle(i)) {
			t.Errorf("Bundle(%d) is the same for two seeds", i)
		}
	}
	if bytes.Equal(a.Bundle(0), a.Bundle(1)) {
		t.Error("two patients have the same bundle")
	}
}

func TestBundle(t *testing.T) {
	h := hospital.New(1, 200)
	families, codes, methods := map[string]int{}, map[string]int{}, map[string]int{}
	last := ""
	for i := range h.Patients() {
		b := parse(t, h.Bundle(i))
		if len(b.Entry) != hospital.PerPatient {
			t.Fatalf("Bundle(%d) has %d entries, want %d", i, len(b.Entry), hospital.PerPatient)
		}
		known, observations := map[string]bool{}, 0
		for _, e := range b.Entry {
			if known[e.FullURL] && e.FullURL != "" {
				t.Errorf("Bundle(%d) has %s twice", i, e.FullURL)
			}
			known[e.FullURL] = true
		}
		for _, e := range b.Entry {
			if ref := e.Resource.Subject.Reference; strings.HasPrefix(ref, "urn:") && !known[ref] {
				t.Errorf("Bundle(%d) refers to %s, which it lacks", i, ref)
			}
			if e.Request.URL != e.Resource.ResourceType {
				t.Errorf("a %s is posted to %s", e.Resource.ResourceType, e.Request.URL)
			}
			if e.Resource.ResourceType == "Observation" {
				observations++
				codes[e.Resource.Code.Coding[0].Code]++
				methods[e.Resource.Method.Coding[0].Code]++
			}
		}
		if observations != hospital.Observations {
			t.Errorf("Bundle(%d) has %d Observations, want %d", i, observations, hospital.Observations)
		}
		var names []struct{ Family string }
		if err := json.Unmarshal(b.Entry[0].Resource.Name, &names); err != nil {
			t.Fatal(err)
		}
		families[names[0].Family]++
		if day := h.Visit(i).Format("2006-01-02"); day < last {
			t.Errorf("the visit of patient %d is before that of the one before", i)
		} else {
			last = day
		}
	}
	if families["王"] != 20 || families["欧阳"] != 2 {
		t.Errorf("of 200 patients %d are 王 and %d 欧阳, want 20 and 2", families["王"], families["欧阳"])
	}
	for _, code := range hospital.Codes {
		if codes[code] != 600 {
			t.Errorf("%d of 6000 Observations have the code %s, want 600", codes[code], code)
		}
	}
	if len(methods) != 100 {
		t.Errorf("%d methods, want 100", len(methods))
	}
	for m, n := range methods {
		if n != 60 {
			t.Errorf("%d of 6000 Observations have the method %s, want 60", n, m)
		}
	}
}

func TestHouseAndSingles(t *testing.T) {
	h := hospital.New(1, 10)
	if got := len(parse(t, h.House()).Entry); got != hospital.HouseSize {
		t.Errorf("the house has %d resources, want %d", got, hospital.HouseSize)
	}
	for _, typ := range hospital.Types {
		var made, changed resource
		if err := json.Unmarshal(h.Single(typ, 3, "Patient/1", ""), &made); err != nil || made.ResourceType != typ || made.ID != "" {
			t.Errorf("Single(%s) = %+v, %v", typ, made, err)
		}
		if err := json.Unmarshal(h.Single(typ, 3, "Patient/1", "x"), &changed); err != nil || changed.ResourceType != typ || changed.ID != "x" {
			t.Errorf("Single(%s) with an id = %+v, %v", typ, changed, err)
		}
	}
}
