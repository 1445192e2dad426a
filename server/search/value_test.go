package search_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"tenon/server/search"
)

func micro(s string) int64 {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return at.UnixMicro()
}

func ranges(t *testing.T, query string) []search.Range {
	t.Helper()
	return parse(t, "Observation", "date="+query).Root.Where[0].(search.Date).Any
}

// https://hl7.org/fhir/R4/search.html#date
func TestDateValues(t *testing.T) {
	for _, c := range []struct {
		value     string
		op        search.Op
		low, high string // high is exclusive
	}{
		{"2013", search.Equal, "2013-01-01T00:00:00Z", "2014-01-01T00:00:00Z"},
		{"ne2013-02", search.NotEqual, "2013-02-01T00:00:00Z", "2013-03-01T00:00:00Z"},
		{"gt2012-02-29", search.Greater, "2012-02-29T00:00:00Z", "2012-03-01T00:00:00Z"},
		{"lt2013-01-14T10:00", search.Less, "2013-01-14T10:00:00Z", "2013-01-14T10:01:00Z"},
		{"ge2013-01-14T10:00:05Z", search.GreaterOrEq, "2013-01-14T10:00:05Z", "2013-01-14T10:00:06Z"},
		{"le2013-01-14T10:00:05.25%2B08:00", search.LessOrEq, "2013-01-14T02:00:05.25Z", "2013-01-14T02:00:05.26Z"},
		{"sa2013-01-14T10:00:05.25+08:00", search.StartsAfter, "2013-01-14T02:00:05.25Z", "2013-01-14T02:00:05.26Z"},
		{"eb2013-01-14T10:00:05-05:00", search.EndsBefore, "2013-01-14T15:00:05Z", "2013-01-14T15:00:06Z"},
		{"2013-12-31T23:59:60Z", search.Equal, "2014-01-01T00:00:00Z", "2014-01-01T00:00:01Z"},
	} {
		got := ranges(t, c.value)
		want := []search.Range{{Op: c.op, Low: micro(c.low), High: micro(c.high) - 1}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("date=%s = %v, want %v", c.value, got, want)
		}
	}
	for _, bad := range []string{"", "13", "2013-13", "2013-02-29", "2013-01-14T", "2013-01-14T10", "2013-01-14T24:00", "2013-01-14T10:00:00.Z",
		"2013-01-14T10:00:00+15:00", "xx2013", "2013-01-14 10:00", "2013/01/14", "0000", "2013-1-1", "2013,", "gt"} {
		if f := refusal(t, "Observation", "date="+bad); f.HTTPStatus() != 400 || f.Issues[0].Path != "date" {
			t.Errorf("date=%s: status %d at %q, want 400 at date", bad, f.HTTPStatus(), f.Issues[0].Path)
		}
	}
}

// ap widens by a tenth of the gap between now and the date.
func TestApproximateDate(t *testing.T) {
	got := ranges(t, "ap2024-05-22")[0]
	gap := (now.UnixMicro() - (micro("2024-05-23T00:00:00Z") - 1)) / 10
	want := search.Range{Op: search.Overlaps, Low: micro("2024-05-22T00:00:00Z") - gap, High: micro("2024-05-23T00:00:00Z") - 1 + gap}
	if got != want {
		t.Errorf("ap2024-05-22 = %v, want %v", got, want)
	}
}

// The intervals are those of the table in https://hl7.org/fhir/R4/search.html#number
func TestNumberValues(t *testing.T) {
	for _, c := range []struct {
		value     string
		op        search.Op
		low, high float64
		open      bool // high is not part of the interval
	}{
		{"100", search.Equal, 99.5, 100.5, true},
		{"100.00", search.Equal, 99.995, 100.005, true},
		{"1e2", search.Equal, 95, 105, true},
		{"1.00e2", search.Equal, 99.5, 100.5, true},
		{"ne100", search.NotEqual, 99.5, 100.5, true},
		{"-5.4", search.Equal, -5.45, -5.35, true},
		{"lt100", search.Less, 100, 100, false},
		{"le100", search.LessOrEq, 100, 100, false},
		{"gt8e-1", search.Greater, 0.8, 0.8, false},
		{"ge0.8", search.GreaterOrEq, 0.8, 0.8, false},
		{"sa0.8", search.StartsAfter, 0.8, 0.8, false},
		{"eb0.8", search.EndsBefore, 0.8, 0.8, false},
		{"ap100", search.Overlaps, 90, 110, false},
		{"ap1", search.Overlaps, 0.5, 1.5, false},
	} {
		got := parse(t, "RiskAssessment", "probability="+c.value).Root.Where[0].(search.Number).Any[0]
		want := search.NumberMatch{Op: c.op, Low: c.low, High: c.high}
		if c.open {
			want.High = math.Nextafter(c.high, math.Inf(-1))
		}
		if got != want {
			t.Errorf("probability=%s = %+v, want %+v", c.value, got, want)
		}
	}
	for _, bad := range []string{"x", "1.", ".5", "1e", "--1", "1|a|b", "NaN", "1e999", "0x1", "1_000", "+1", "Inf"} {
		refusal(t, "RiskAssessment", "probability="+bad)
	}
}

// https://hl7.org/fhir/R4/search.html#quantity
func TestQuantityValues(t *testing.T) {
	ucum := "http://unitsofmeasure.org"
	for _, c := range []struct {
		value        string
		system, code *string
		canonical    bool
	}{
		{"5.4", nil, nil, false},
		{"5.4||mg", nil, pointer("mg"), false},
		{"5.4|" + ucum + "|mg", pointer(ucum), pointer("g"), true},
		{"5.4|" + ucum + "|mm[Hg]", pointer(ucum), pointer("Pa"), true},
		{"5.4|" + ucum + "|%25", pointer(ucum), pointer("%"), false},
		{"5.4|" + ucum + "|Cel", pointer(ucum), pointer("Cel"), false},
		{"5.4|http://a.example|b", pointer("http://a.example"), pointer("b"), false},
	} {
		got := parse(t, "Observation", "value-quantity="+c.value).Root.Where[0].(search.Number).Any[0]
		if !same(got.System, c.system) || !same(got.Code, c.code) || got.Canonical != c.canonical {
			t.Errorf("value-quantity=%s = %v|%v canonical %v, want %v|%v %v", c.value,
				text(got.System), text(got.Code), got.Canonical, text(c.system), text(c.code), c.canonical)
		}
	}
	got := parse(t, "Observation", "value-quantity=5.40e-3|"+ucum+"|g").Root.Where[0].(search.Number).Any[0]
	if got.Low != 0.005395 || got.High != math.Nextafter(0.005405, 0) {
		t.Errorf("5.40e-3 g = [%v, %v], want [0.005395, 0.005405)", got.Low, got.High)
	}
	refusal(t, "Observation", "value-quantity=5.4|mg")
}

func same(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }

func text(s *string) string {
	if s == nil {
		return "any"
	}
	return *s
}

// https://hl7.org/fhir/R4/search.html#token and #escaping
func TestTokenValues(t *testing.T) {
	type match struct{ system, code string }
	for _, c := range []struct {
		typ, query string
		want       []match
	}{
		{"Condition", "code=ha125", []match{{"any", "ha125"}}},
		{"Condition", "code=http://acme.example/codes|HA125", []match{{"http://acme.example/codes", "ha125"}}},
		{"Condition", "code=http://terminology.hl7.org/CodeSystem/x|HA125", []match{{"http://terminology.hl7.org/CodeSystem/x", "HA125"}}},
		{"Condition", "code=HA125", []match{{"any", "HA125"}, {"any", "ha125"}}},
		{"Condition", "code=|x", []match{{"", "x"}}},
		{"Condition", "code=http://acme.example/codes|", []match{{"http://acme.example/codes", "any"}}},
		{"Condition", "code=a,b", []match{{"any", "a"}, {"any", "b"}}},
		{"Condition", `code=a\,b\|c\$d\\e`, []match{{"any", `a,b|c$d\e`}}},
		{"Patient", "gender=male", []match{{"any", "male"}}},
		{"Patient", "gender=MALE", []match{{"any", "MALE"}}},
		{"Patient", "gender=http://hl7.org/fhir/administrative-gender|male", []match{{"", "male"}, {"http://hl7.org/fhir/administrative-gender", "male"}}},
		{"Patient", "active=true", []match{{"any", "true"}}},
		{"Patient", "email=A@x.example", []match{{"any", "A@x.example"}, {"any", "a@x.example"}}},
	} {
		var got []match
		for _, m := range parse(t, c.typ, c.query).Root.Where[0].(search.Token).Any {
			got = append(got, match{text(m.System), text(m.Code)})
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s?%s = %v, want %v", c.typ, c.query, got, c.want)
		}
	}
	for _, bad := range []string{"code=|", "code=a|b|c", `code=a\b`, `code=a\`, "code=a,,b"} {
		refusal(t, "Condition", bad)
	}
	refusal(t, "Patient", "phone=x|555")
	if !parse(t, "Patient", "gender:not=male").Root.Where[0].(search.Token).Not {
		t.Error(":not is lost")
	}
}

// https://hl7.org/fhir/R4/search.html#reference
func TestReferenceValues(t *testing.T) {
	for _, c := range []struct {
		query string
		want  []search.ReferenceMatch
	}{
		{"subject=23", []search.ReferenceMatch{{ID: "23"}}},
		{"patient=23", []search.ReferenceMatch{{Type: "Patient", ID: "23"}}},
		{"subject=Patient/23", []search.ReferenceMatch{{Type: "Patient", ID: "23"}}},
		{"subject=Patient/23/_history/4", []search.ReferenceMatch{{Type: "Patient", ID: "23"}}},
		{"subject:Patient=23", []search.ReferenceMatch{{Type: "Patient", ID: "23"}}},
		{"subject=" + base + "/Patient/23", []search.ReferenceMatch{{Type: "Patient", ID: "23"}, {URL: base + "/Patient/23"}}},
		{"subject=https://else.example/fhir/Patient/23", []search.ReferenceMatch{{URL: "https://else.example/fhir/Patient/23"}}},
		{"subject=urn:uuid:0f0c", []search.ReferenceMatch{{URL: "urn:uuid:0f0c"}}},
		{"subject=1,Patient/2", []search.ReferenceMatch{{ID: "1"}, {Type: "Patient", ID: "2"}}},
	} {
		got := parse(t, "Observation", c.query).Root.Where[0].(search.Reference).Any
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("Observation?%s = %v, want %v", c.query, got, c.want)
		}
	}
	for _, bad := range []string{"subject=Nothing/1", "patient=Group/1", "subject:Patient=Group/1", "subject:Medication=1", "subject=%23p", "subject=a%20b"} {
		refusal(t, "Observation", bad)
	}
	identifier := parse(t, "Observation", "subject:identifier=http://mrn.example|7").Root.Where[0].(search.Token)
	if identifier.Key != search.KeyOf("Observation", "subject:identifier") || *identifier.Any[0].Code != "7" {
		t.Errorf("subject:identifier = %+v", identifier)
	}
}

func TestStringAndURIValues(t *testing.T) {
	for _, c := range []struct {
		query string
		want  search.Clause
	}{
		{"name=Éve", search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Mode: search.Prefix, Value: "eve"}}}},
		{"name:contains=EVE", search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Mode: search.Contains, Value: "eve"}}}},
		{"name:exact=Éve", search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Mode: search.Exact, Value: "Éve"}}}},
		{"_profile:below=http://a.example/", search.URI{Key: search.KeyOf("Resource", "_profile"), Any: []search.URIMatch{{URI: "http://a.example/", Below: true}}}},
		{"name:missing=true", search.Missing{Key: search.KeyOf("Patient", "name"), Kind: "string", Missing: true}},
		{"_id=a,b", search.IDs{IDs: []string{"a", "b"}}},
	} {
		if got := parse(t, "Patient", c.query).Root.Where[0]; !reflect.DeepEqual(got, c.want) {
			t.Errorf("Patient?%s = %+v, want %+v", c.query, got, c.want)
		}
	}
	versioned := parse(t, "ValueSet", "url=http://a.example/v%7C1.0").Root.Where
	if len(versioned) != 2 || versioned[0].(search.URI).Any[0].URI != "http://a.example/v" || *versioned[1].(search.Token).Any[0].Code != "1.0" {
		t.Errorf("url=…|1.0 = %+v, want the url and the version", versioned)
	}
	for _, bad := range []string{"_profile:below=urn:oid:1", "name:missing=yes", "name:text=x", "_id=a/b", "_id:not=a", "name=a,", "birthdate:exact=2000"} {
		refusal(t, "Patient", bad)
	}
}
