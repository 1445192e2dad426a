package search_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"tenon/server/search"
)

func TestIndexTokens(t *testing.T) {
	rows := index(t, `{"resourceType":"Patient","active":true,"gender":"male","deceasedDateTime":"2020",
		"meta":{"tag":[{"system":"urn:t","code":"Ü"}]},
		"identifier":[{"system":"http://mrn.example","value":"AB1"},{"value":"x"},{"system":"urn:tenon:news","value":"M-7"},{"system":"only"}],
		"telecom":[{"system":"phone","value":"+1 555"},{"system":"email","value":"Me@X.example"}],
		"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"zh-CN"},{"code":"Q"}]}},{"language":{"text":"Dothraki"}}]}`)
	wantTokens(t, rows, "Patient", map[string][]string{
		"active": {"|true"}, "gender": {"|male"}, "deceased": {"|true"},
		"identifier": {"http://mrn.example|ab1", "|x", "urn:tenon:news|M-7", "only|"},
		"telecom":    {"|+1 555", "|me@x.example"}, "phone": {"|+1 555"}, "email": {"|me@x.example"},
		"language": {"urn:ietf:bcp:47|zh-CN", "|q", "|"},
	})
	if got := tokensOf(rows, search.KeyOf("Resource", "_tag")); !slices.Equal(got, []string{"urn:t|ü"}) {
		t.Errorf("_tag = %v", got)
	}
	alive := index(t, `{"resourceType":"Patient","deceasedBoolean":false}`)
	wantTokens(t, alive, "Patient", map[string][]string{"deceased": {"|false"}})
	wantTokens(t, index(t, `{"resourceType":"Patient"}`), "Patient", map[string][]string{"deceased": {"|false"}, "gender": nil})
}

func wantTokens(t *testing.T, rows search.Rows, typ string, want map[string][]string) {
	t.Helper()
	for code, tokens := range want {
		if got := tokensOf(rows, search.KeyOf(typ, code)); !slices.Equal(got, tokens) {
			t.Errorf("%s.%s = %q, want %q", typ, code, got, tokens)
		}
	}
}

func tokensOf(rows search.Rows, key search.Key) (out []string) {
	for _, r := range rows.Tokens {
		if r.Key == key {
			out = append(out, r.System+"|"+r.Code)
		}
	}
	return out
}

func TestIndexStrings(t *testing.T) {
	rows := index(t, `{"resourceType":"Patient","name":[
		{"family":"Carreño Quiñones","given":["Peter","James"],"prefix":["Mr"],"suffix":["MD"],"text":"Peter C."},
		{"family":"张","given":["三"]},{"family":"Smith-Jones"}],
		"address":[{"use":"home","line":["12 Main-St"],"city":"Pleasant","district":"D","state":"Vic","postalCode":"3999","country":"AU","text":"all"}]}`)
	want := map[string][]string{
		"family": {"carreno quinones", "quinones", "张", "smithjones", "smith jones", "jones"},
		"given":  {"peter", "james", "三"},
		"name": {"peter c", "peter", "james", "mr", "md", "carreno quinones", "quinones",
			"三", "张", "张三", "smithjones", "smith jones", "jones"},
		"address":            {"all", "12 mainst", "12 main st", "pleasant", "d", "vic", "3999", "au"},
		"address-city":       {"pleasant"},
		"address-postalcode": {"3999"},
		"name:sort":          {"carreno quinones peter james", "张 三", "smithjones"},
		"family:sort":        {"carreno quinones", "张", "smithjones"},
	}
	for code, texts := range want {
		var got []string
		for _, r := range rows.Strings {
			if r.Key == search.KeyOf("Patient", code) {
				got = append(got, r.Normalised)
			}
		}
		if !slices.Equal(got, texts) {
			t.Errorf("Patient.%s = %q, want %q", code, got, texts)
		}
	}
	for _, r := range rows.Strings {
		if r.Normalised == "quinones" && r.Exact != "Carreño Quiñones" {
			t.Errorf("a part is exactly %q, want the whole family name", r.Exact)
		}
	}
}

// https://hl7.org/fhir/R4/search.html#date
func TestIndexDates(t *testing.T) {
	day := func(s string) int64 { return micro(s + "T00:00:00Z") }
	for _, c := range []struct {
		name, body, typ, code string
		low, high             int64
	}{
		{"date", `"birthDate":"1970-03"`, "Patient", "birthdate", day("1970-03-01"), day("1970-04-01") - 1},
		{"dateTime", `"effectiveDateTime":"2020-01-01T08:00:00+08:00"`, "Observation", "date", day("2020-01-01"), day("2020-01-01") + 999_999},
		{"instant", `"effectiveInstant":"2020-01-01T00:00:00.5Z"`, "Observation", "date", day("2020-01-01") + 500_000, day("2020-01-01") + 500_000},
		{"period", `"effectivePeriod":{"start":"2020","end":"2021-02"}`, "Observation", "date", day("2020-01-01"), day("2021-03-01") - 1},
		{"open start", `"effectivePeriod":{"end":"2021"}`, "Observation", "date", math.MinInt64, day("2022-01-01") - 1},
		{"open end", `"effectivePeriod":{"start":"2021"}`, "Observation", "date", day("2021-01-01"), math.MaxInt64},
		{"timing events", `"effectiveTiming":{"event":["2020-05","2020-02"]}`, "Observation", "date", day("2020-02-01"), day("2020-06-01") - 1},
		{"timing bounds", `"effectiveTiming":{"repeat":{"boundsPeriod":{"start":"2013-01-31","end":"2013-03-24"}}}`, "Observation", "date", day("2013-01-31"), day("2013-03-25") - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := index(t, `{"resourceType":"`+c.typ+`",`+c.body+`}`)
			want := search.DateRow{Key: search.KeyOf(c.typ, c.code), Low: c.low, High: c.high}
			if !slices.Contains(rows.Dates, want) {
				t.Errorf("rows = %v, want %v", rows.Dates, want)
			}
		})
	}
	if rows := index(t, `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"http://x","valueCode":"y"}]}}`); len(rows.Dates) != 0 {
		t.Errorf("a date with nothing but extensions has rows %v", rows.Dates)
	}
}

func TestIndexQuantities(t *testing.T) {
	ucum := "http://unitsofmeasure.org"
	numbers := func(value string) (out []search.NumberRow) {
		for _, r := range index(t, `{"resourceType":"Observation",`+value+`}`).Numbers {
			if r.Key == search.KeyOf("Observation", "value-quantity") {
				r.Key = 0
				out = append(out, r)
			}
		}
		return out
	}
	inf := math.Inf(1)
	for _, c := range []struct {
		value string
		want  []search.NumberRow
	}{
		{`"valueQuantity":{"value":5.40,"unit":"milligram","system":"` + ucum + `","code":"mg"}`, []search.NumberRow{
			{Low: 5.4, High: 5.4, System: ucum, Code: "mg"}, {Low: 5.4, High: 5.4, Code: "milligram"},
			{Low: 0.0054, High: 0.0054, System: ucum, Code: "g", Canonical: true}}},
		{`"valueQuantity":{"value":0.0054,"unit":"g","system":"` + ucum + `","code":"g"}`, []search.NumberRow{
			{Low: 0.0054, High: 0.0054, System: ucum, Code: "g"}, {Low: 0.0054, High: 0.0054, System: ucum, Code: "g", Canonical: true}}},
		{`"valueQuantity":{"value":5,"comparator":"<"}`, []search.NumberRow{{Low: -inf, High: math.Nextafter(5, 0)}}},
		{`"valueQuantity":{"value":5,"comparator":">="}`, []search.NumberRow{{Low: 5, High: inf}}},
		{`"valueQuantity":{"unit":"mg"}`, nil},
		{`"valueQuantity":{"value":37.2,"system":"` + ucum + `","code":"Cel"}`, []search.NumberRow{{Low: 37.2, High: 37.2, System: ucum, Code: "Cel"}}},
	} {
		if got := numbers(c.value); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s = %+v, want %+v", c.value, got, c.want)
		}
	}
	chance := index(t, `{"resourceType":"RiskAssessment","prediction":[{"probabilityRange":{"low":{"value":1},"high":{"value":2}}},{"probabilityDecimal":0.50}]}`).Numbers
	key := search.KeyOf("RiskAssessment", "probability")
	if want := (search.NumberRow{Key: key, Low: 0.5, High: 0.5}); !slices.Contains(chance, want) {
		t.Errorf("probability = %+v, want %+v among them", chance, want)
	}
	invoice := index(t, `{"resourceType":"Invoice","totalGross":{"value":12.50,"currency":"CNY"}}`).Numbers
	if want := (search.NumberRow{Key: search.KeyOf("Invoice", "totalgross"), Low: 12.5, High: 12.5, System: "urn:iso:std:iso:4217", Code: "CNY"}); !slices.Contains(invoice, want) {
		t.Errorf("totalgross = %+v, want %+v", invoice, want)
	}
}

func TestIndexReferences(t *testing.T) {
	rows := index(t, `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],
		"subject":{"reference":"`+base+`/Patient/1/_history/3","identifier":{"system":"http://mrn.example","value":"M7"}},
		"performer":[{"reference":"https://else.example/fhir/Practitioner/9"},{"reference":"urn:uuid:1"},{"reference":"#p"},
			{"type":"Organization","identifier":{"value":"org"}},{"display":"nobody"}],
		"encounter":{"reference":"Encounter/e"}}`)
	refs := func(code string) (out []search.ReferenceRow) {
		for _, r := range rows.References {
			if r.Key == search.KeyOf("Observation", code) {
				r.Key = 0
				out = append(out, r)
			}
		}
		return out
	}
	for code, want := range map[string][]search.ReferenceRow{
		"subject":   {{Type: "Patient", ID: "1"}},
		"patient":   {{Type: "Patient", ID: "1"}},
		"performer": {{URL: "https://else.example/fhir/Practitioner/9"}, {URL: "urn:uuid:1"}, {URL: "#p"}, {URL: "|org"}},
		"encounter": {{Type: "Encounter", ID: "e"}},
		"device":    nil,
	} {
		if got := refs(code); !reflect.DeepEqual(got, want) {
			t.Errorf("Observation.%s = %+v, want %+v", code, got, want)
		}
	}
	wantTokens(t, rows, "Observation", map[string][]string{"subject:identifier": {"http://mrn.example|m7"}, "performer:identifier": {"|org"}})

	contained := index(t, `{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"},{"resourceType":"Device","id":"d"}],"subject":{"reference":"#p"}}`)
	if want := (search.ReferenceRow{Key: search.KeyOf("Observation", "patient"), URL: "#p"}); !slices.Contains(contained.References, want) {
		t.Errorf("contained patient = %+v, want %+v", contained.References, want)
	}
	device := index(t, `{"resourceType":"Observation","subject":{"reference":"Device/1"}}`)
	for _, r := range device.References {
		if r.Key == search.KeyOf("Observation", "patient") {
			t.Errorf("a device is indexed as the patient: %+v", r)
		}
	}
	bundle := index(t, `{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Composition","id":"c"}},{"resource":{"resourceType":"Composition","id":"d"}}]}`)
	if want := []search.ReferenceRow{{Key: search.KeyOf("Bundle", "composition"), Type: "Composition", ID: "c"}}; !reflect.DeepEqual(bundle.References, want) {
		t.Errorf("Bundle.composition = %+v, want %+v", bundle.References, want)
	}
}

func TestIndexCanonicalAndURI(t *testing.T) {
	rows := index(t, `{"resourceType":"QuestionnaireResponse","meta":{"profile":["http://p.example/P|2"],"source":"urn:src"},"questionnaire":"http://q.example/Q|1.0"}`)
	key := search.KeyOf("QuestionnaireResponse", "questionnaire")
	if want := []search.ReferenceRow{{Key: key, URL: "http://q.example/Q"}, {Key: key, URL: "http://q.example/Q|1.0"}}; !reflect.DeepEqual(rows.References, want) {
		t.Errorf("questionnaire = %+v, want %+v", rows.References, want)
	}
	profile, source := search.KeyOf("Resource", "_profile"), search.KeyOf("Resource", "_source")
	for _, want := range []search.URIRow{{profile, "http://p.example/P|2"}, {profile, "http://p.example/P"}, {source, "urn:src"}} {
		if !slices.Contains(rows.URIs, want) {
			t.Errorf("uris = %+v, want %+v", rows.URIs, want)
		}
	}
}

// Amounts that are equal are equal floats, whatever unit they are written in:
// "more than 5.4 mg" must not find 0.0054 g.
func TestEqualAmountsMeet(t *testing.T) {
	canonical := func(value, code string) float64 {
		rows := index(t, `{"resourceType":"Observation","valueQuantity":{"value":`+value+`,"system":"http://unitsofmeasure.org","code":"`+code+`"}}`)
		for _, r := range rows.Numbers {
			if r.Key == search.KeyOf("Observation", "value-quantity") && r.Canonical {
				return r.Low
			}
		}
		t.Fatalf("%s %s has no canonical row: %v", value, code, rows.Numbers)
		return 0
	}
	for _, group := range [][][2]string{
		{{"5.4", "mg"}, {"0.0054", "g"}, {"5.4e-6", "kg"}, {"5400", "ug"}},
		{{"1", "[lb_av]"}, {"453.59237", "g"}},
		{{"-0.3", "L"}, {"-300", "mL"}, {"-3", "dL"}},
		{{"90", "min"}, {"1.5", "h"}, {"5400", "s"}},
		{{"2.54", "cm"}, {"1", "[in_i]"}},
		{{"0.1", "[in_i]"}, {"2.54", "mm"}},
		{{"123456789012345678901234567890", "mg"}, {"123456789012345678901234567.890", "g"}},
	} {
		for _, other := range group[1:] {
			if a, b := canonical(group[0][0], group[0][1]), canonical(other[0], other[1]); a != b {
				t.Errorf("%v is %v, %v is %v, want the same", group[0], a, other, b)
			}
		}
	}
	match := parse(t, "Observation", "value-quantity=gt5.4|http://unitsofmeasure.org|mg").Root.Where[0].(search.Number).Any[0]
	if at := canonical("0.0054", "g"); at != match.High {
		t.Errorf("0.0054 g is %v, the query ends at %v", at, match.High)
	}
}
