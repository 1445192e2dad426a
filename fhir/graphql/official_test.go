package graphql_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/graphql"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

var schema = sync.OnceValue(func() *graphql.Schema { return graphql.NewSchema(r4.Model()) })

// memory is a source of a few resources.
type memory struct {
	resources map[string]string
	page      func(typ string, params []graphql.Param, total bool) *graphql.Page
	asked     []string // what was read and searched
	changed   []string
}

func node(body string) tree.Node {
	d, err := tree.Parse([]byte(body))
	if err != nil {
		panic(body + err.Error())
	}
	return d.Root()
}

func (m *memory) Read(_ context.Context, reference string) (tree.Node, error) {
	m.asked = append(m.asked, reference)
	if body, ok := m.resources[reference]; ok {
		return node(body), nil
	}
	return tree.Node{}, issue.Errorf(issue.NotFound, "There is no %s.", reference)
}

func (m *memory) Search(_ context.Context, typ string, params []graphql.Param, total bool) (*graphql.Page, error) {
	query := typ
	for _, p := range params {
		query += " " + p.Name + "=" + p.Value
	}
	m.asked = append(m.asked, query)
	return m.page(typ, params, total), nil
}

func (m *memory) Parameters(typ string) []graphql.Parameter {
	return []graphql.Parameter{{"active", "token"}, {"address-city", "string"}, {"name", "string"}, {"_id", "token"}, {"patient", "reference"}, {"code", "token"}}
}

func (m *memory) Create(_ context.Context, typ string, body []byte) (tree.Node, string, error) {
	m.changed = append(m.changed, "POST "+typ+" "+string(body))
	return node(string(body)), typ + "/new/_history/1", nil
}

func (m *memory) Update(_ context.Context, typ, id string, body []byte) (tree.Node, string, error) {
	m.changed = append(m.changed, "PUT "+typ+"/"+id+" "+string(body))
	return node(string(body)), typ + "/" + id + "/_history/2", nil
}

func (m *memory) Delete(_ context.Context, typ, id string) error {
	m.changed = append(m.changed, "DELETE "+typ+"/"+id)
	return nil
}

// The resources that the official cases ask, as far as they ask.
const (
	patient = `{"resourceType":"Patient","id":"example","active":true,"identifier":[{"use":"usual","system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345"}],
		"name":[{"use":"official","family":"Chalmers","given":["Peter","James"]},{"use":"usual","given":["Jim"]},{"use":"maiden","family":"Windsor","given":["Peter","James"],"period":{"end":"2002"}}]}`
	weight = `{"resourceType":"Observation","id":"example","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"29463-7"},{"system":"http://loinc.org","code":"3141-9"},
		{"system":"http://snomed.info/sct","code":"27113001"},{"system":"http://acme.org/devices/clinical-codes","code":"body-weight"}]},
		"subject":{"reference":"Patient/example"},"valueQuantity":{"value":185,"unit":"lbs"}}`
	dispense = `{"resourceType":"MedicationDispense","id":"meddisp008","authorizingPrescription":[{"reference":"MedicationRequest/medrx0309"}]}`
	glossy   = `{"resourceType":"Patient","id":"glossy","extension":[{"url":"http://example.org/StructureDefinition/trials","valueCode":"renal"}]}`
	apgar    = `{"resourceType":"Observation","id":"20minute-apgar-score","contained":[{"resourceType":"Patient","id":"newborn","birthDate":"2016-05-18",
		"_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"2016-05-18T10:28:45Z"}]}}],"subject":{"reference":"#newborn"}}`
	list = `{"resourceType":"List","id":"long","entry":[{"item":{"reference":"Patient/a"}},{"item":{"reference":"Patient/b"}},{"item":{"reference":"Patient/c"}},{"item":{"reference":"Patient/d"}},{"item":{"reference":"Patient/e"}},
		{"item":{"reference":"Patient/1"}},{"item":{"reference":"Patient/2"}},{"item":{"reference":"Patient/3"}},{"item":{"reference":"Patient/4"}},{"item":{"reference":"Patient/5"}},{"item":{"reference":"Patient/6"}}]}`
	codes = `"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"},{"system":"http://loinc.org","code":"3141-9"},{"system":"http://snomed.info/sct","code":"27113001"},{"system":"http://acme.org/devices/clinical-codes","code":"body-weight"}]}`
	names = `"name":[{"given":["Peter","James"],"family":"Chalmers"},{"given":["Jim"]},{"given":["Peter","James"],"family":"Windsor"}]`
	ident = `"identifier":[{"system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345"}]`
	flat  = `"system":["urn:oid:1.2.36.146.595.217.0.1"],"value":["12345"],"active":true`
	flat1 = `"system":"urn:oid:1.2.36.146.595.217.0.1","value":"12345","active":true`
)

// official are the 29 cases of FHIR/fhir-test-cases (2dee8a0), r4/graphql; a
// want of "$error" is theirs. In "extension-simple" they expect a list of two
// subjects, each with a part; two selections of one field are merged, says
// https://spec.graphql.org/October2021/#sec-Field-Selection-Merging, so that one
// subject has both parts here.
var official = []struct{ name, on, query, want string }{
	{"simple", patient, `{ identifier { system value } active name { text given family } }`, `{` + ident + `,"active":true,` + names + `}`},
	{"filter-fhirpath", patient, `{ identifier { system value } active name(fhirpath: "family.exists()") { text given family } }`,
		`{` + ident + `,"active":true,"name":[{"given":["Peter","James"],"family":"Chalmers"},{"given":["Peter","James"],"family":"Windsor"}]}`},
	{"using wrong field", patient, `{ identifier { system value something } active name { text given family } }`, `$error`},
	{"polymorphic", weight, `{ subject{reference} valueQuantity {value unit} }`, `{"subject":{"reference":"Patient/example"},"valueQuantity":{"value":185,"unit":"lbs"}}`},
	{"reference", weight, `{ id subject { reference, resource {active} } code {coding {system code} } }`,
		`{"id":"example","subject":{"reference":"Patient/example","resource":{"active":true}},` + codes + `}`},
	{"reference-type-in", weight, `{ id subject { reference, resource(type : Patient) {active} } code {coding {system code} } }`,
		`{"id":"example","subject":{"reference":"Patient/example","resource":{"active":true}},` + codes + `}`},
	{"reference-type-out", weight, `{ id subject { reference, resource(type : Group) {active} } code {coding {system code} } }`,
		`{"id":"example","subject":{"reference":"Patient/example"},` + codes + `}`},
	{"reference-broken", dispense, `{ # broken
		authorizingPrescription { reference, resource {id} } }`, `$error`},
	{"reference-optional", dispense, `{ authorizingPrescription { reference, resource(optional : true) {id} } }`, `{"authorizingPrescription":[{"reference":"MedicationRequest/medrx0309"}]}`},
	{"reference-fragment-type", weight, `{ id subject { reference, resource { ...on Patient {active} } } code {coding {system code} } }`,
		`{"id":"example","subject":{"reference":"Patient/example","resource":{"active":true}},` + codes + `}`},
	{"extension-complex", glossy, `{ id extension { url, valueCode } }`, `{"id":"glossy","extension":[{"url":"http://example.org/StructureDefinition/trials","valueCode":"renal"}]}`},
	{"extension-complex-in", glossy, `{ id extension(url : "http://example.org/StructureDefinition/trials") { url, valueCode } }`,
		`{"id":"glossy","extension":[{"url":"http://example.org/StructureDefinition/trials","valueCode":"renal"}]}`},
	{"extension-complex-out", glossy, `{ id extension(url : "http://example.org/StructureDefinition/trialsX") { url, valueCode } }`, `{"id":"glossy"}`},
	{"extension-simple", apgar, `{ subject { resource { birthDate } } subject { resource { _birthDate { extension {valueDateTime} } } } }`,
		`{"subject":{"resource":{"birthDate":"2016-05-18","_birthDate":{"extension":[{"valueDateTime":"2016-05-18T10:28:45Z"}]}}}}`},
	{"search-single", "", `{ Patient(id: example) { id, active } }`, `{"Patient":{"id":"example","active":true}}`},
	{"search-simple", "", `{ PatientList(active : true) { id, active } }`, `{"PatientList":[{"id":"example","active":true},{"id":"xds","active":true}]}`},
	{"search-full", "", `{ PatientConnection (active : true) { count offset pagesize edges { mode, score, resource { id, active } } first previous next last } }`,
		`{"PatientConnection":{"count":50,"offset":0,"pagesize":50,"edges":[{"resource":{"id":"example","active":true}},{"mode":"match","resource":{"id":"xds","active":true}}],"next":"77c97e03-8a6c-415f-a63d-11c80cf73f:50"}}`},
	{"reference-reverse", patient, `{ id ConditionList(_reference: patient) { id } }`, `{"id":"example","ConditionList":[{"id":"example"}]}`},
	{"directive-skip", patient, `{ identifier @skip(if: true) { system value } active name { text given family } }`, `{"active":true,` + names + `}`},
	{"directive-include", patient, `{ identifier @include(if: true) { system value } active name { text given family } }`, `{` + ident + `,"active":true,` + names + `}`},
	{"directive-variable", patient, `query test($var : Boolean) { identifier @include(if: $var) { system value } active name { text given family } }`, `{` + ident + `,"active":true,` + names + `}`},
	{"flatten", patient, `{ identifier @flatten { system value } active name @flatten { text given family } }`,
		`{` + flat + `,"given":["Peter","James","Jim","Peter","James"],"family":["Chalmers","Windsor"]}`},
	{"flatten-first", patient, `{ identifier @flatten { system value } active name @flatten { text given @first family } }`,
		`{` + flat + `,"given":["Peter","Jim","Peter"],"family":["Chalmers","Windsor"]}`},
	{"flatten-singleton1", patient, `{ identifier @flatten { system @singleton value @singleton } active name @flatten { text given family } }`,
		`{` + flat1 + `,"given":["Peter","James","Jim","Peter","James"],"family":["Chalmers","Windsor"]}`},
	{"flatten-singleton2", patient, `{ identifier @flatten { system @singleton value @singleton } active name @flatten { text given family @singleton } }`, `$error`},
	{"flatten-singleton3", patient, `{ identifier @flatten { system @singleton value @singleton } active name @flatten @first { text given family @singleton } }`,
		`{` + flat1 + `,"given":["Peter","James"],"family":"Chalmers"}`},
	{"flatten-slice1", patient, `{ identifier @flatten { system value } active name @flatten @slice(path: "use") { given family @singleton } }`,
		`{` + flat + `,"given.official":["Peter","James"],"family.official":"Chalmers","given.usual":["Jim"],"given.maiden":["Peter","James"],"family.maiden":"Windsor"}`},
	{"flatten-slice2", patient, `{ identifier @flatten { system value } active name @flatten @slice(path: "$index") { given family @singleton } }`,
		`{` + flat + `,"given.0":["Peter","James"],"family.0":"Chalmers","given.1":["Jim"],"given.2":["Peter","James"],"family.2":"Windsor"}`},
	{"list-sub", list, `{ entry(_count: 5, _offset: 5) { deleted item { reference } } }`,
		`{"entry":[{"item":{"reference":"Patient/1"}},{"item":{"reference":"Patient/2"}},{"item":{"reference":"Patient/3"}},{"item":{"reference":"Patient/4"}},{"item":{"reference":"Patient/5"}}]}`},
}

// run answers a query; vars are the variables as JSON.
func run(m *memory, on, query, vars string, limits graphql.Limits) (string, error) {
	q := graphql.Request{Query: query}
	if on != "" {
		q.Instance = node(on)
	}
	if vars != "" {
		q.Variables = node(vars)
	}
	got, err := schema().Run(context.Background(), graphql.Env{Source: m, Writer: m, Limits: limits, Now: time.Unix(0, 0)}, q)
	return string(got), err
}

func sample() *memory {
	number := func(n int64) *int64 { return &n }
	return &memory{
		resources: map[string]string{"Patient/example": patient},
		page: func(typ string, _ []graphql.Param, total bool) *graphql.Page {
			if typ == "Condition" {
				return &graphql.Page{Hits: []graphql.Hit{{Resource: node(`{"resourceType":"Condition","id":"example","subject":{"reference":"Patient/example"}}`), Mode: "match"}}}
			}
			p := &graphql.Page{Next: "77c97e03-8a6c-415f-a63d-11c80cf73f:50", Offset: number(0), Hits: []graphql.Hit{
				{Resource: node(patient)}, {Resource: node(`{"resourceType":"Patient","id":"xds","active":true}`), Mode: "match"}}}
			if total {
				p.Total = number(50)
			}
			return p
		},
	}
}

// data is the data of an answer.
func data(t *testing.T, answer string) any {
	t.Helper()
	var got struct {
		Data any `json:"data"`
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return got.Data
}

func TestOfficialCases(t *testing.T) {
	for _, c := range official {
		t.Run(c.name, func(t *testing.T) {
			vars := ""
			if strings.Contains(c.query, "$var") {
				vars = `{"var":true}`
			}
			got, err := run(sample(), c.on, c.query, vars, graphql.Limits{})
			if c.want == "$error" {
				if issue.As(err) == nil {
					t.Errorf("%s = %s, %v, want an error", c.query, got, err)
				}
				return
			}
			var want any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if err != nil || !reflect.DeepEqual(data(t, got), want) {
				t.Errorf("%s = %s, %v, want %s", c.query, got, err, c.want)
			}
		})
	}
	if n := len(official); n != 29 {
		t.Errorf("%d cases, want 29", n)
	}
}

// parsed are documents that must parse: the forms of the official
// r4/graphql/parser-tests.gql.
var parsed = []string{
	"{ id firstName lastName }", "{ field }", "{ user(id: 4) { name } }", "# a comment\n{ # another\n user(id: 4) { name } }",
	"query q($size: Int) { user(id: 4) { pic(size: $size) } }", "{ user(id: 4) { small: pic(size: 64) big: pic(size: 1024) } }",
	"{ picture(width: 200, height: 100) }", "query w { user(id: 4) { friends(first: 10) { ...f } } } fragment f on User { id ...g } fragment g on User { pic(size: 50) }",
	`query T { profiles(handles: ["zuck", "cocacola"]) { handle ... on User { friends { count } } ... on Page { likers { count } } } }`,
	"query i($e: Boolean) { user(handle: \"z\") { id ... @include(if: $e) { firstName } } }", "mutation { like(id: 12345) { story { count } } }",
	"{ nearest(location: { lon: 12.43, lat: -53.211 }) }", "{ user() { name } }", "\ufeff{ a }",
	"query ($a: [Int!]! = [1, 2], $b: X = {c: D}) @d { a(s: \"\"\"\n  block\n    \\\"\"\" more\n  \"\"\", n: null, t: true, e: EN, f: 1e3, g: -0.5) }",
	`{ a(s: "\u00e9 \uD83D\uDE00 \n\t\\\"") }`,
}

func TestParse(t *testing.T) {
	for _, src := range parsed {
		if _, err := graphql.Parse(src, graphql.Limits{}); err != nil {
			t.Errorf("Parse(%s) = %v", src, err)
		}
	}
	for _, src := range []string{
		"", "{", "}", "{}", "{ a", "{ a { } }", "{ a(b) }", "{ a(b:) }", "{ a(b: $) }", "{ a(b: 01) }", "{ a(b: 1.) }", "{ a(b: 1a) }", "{ a(b: .5) }", "{ a(b: \"x) }",
		"{ a(b: \"x\ny\") }", `{ a(b: "\q") }`, `{ a(b: "\uD83D") }`, `{ a(b: "\uZZZZ") }`, "{ a(b: 1, b: 2) }", "{ a @d @d }", "query { a } query { b }", "query a { a } query a { b }", "{ a } query b { b }",
		"fragment on on X { a }", "fragment f on X { a }", "fragment f X { a } { a }", "{ ...f } fragment f on X { a } fragment f on X { b }", "query ($a: Int, $a: Int) { a }", "query ($a Int) { a }",
		"query ($a: Int = $b) { a }", "type X { a: Int }", "{ a ; b }", "{ a(b: [1) }", "{ a(b: {c 1}) }", "query a b { c }", "{ a } x", "{ a(b: \"\"\"x) }", "{ é }", "{ a \xff }", "query () { a ",
		"{ a" + strings.Repeat("{a", 100) + strings.Repeat("}", 101), "{ a(b: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + ") }", "{" + strings.Repeat(" a", 30_000) + "}", "{ a } #" + strings.Repeat("x", 1<<18),
	} {
		if _, err := graphql.Parse(src, graphql.Limits{}); issue.As(err) == nil {
			t.Errorf("Parse(%.60s) = %v, want a failure", src, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, src := range parsed {
		f.Add(src)
	}
	for _, c := range official {
		f.Add(c.query)
	}
	f.Fuzz(func(t *testing.T, src string) {
		d, err := graphql.Parse(src, graphql.Limits{})
		if (err == nil) == (d == nil) {
			t.Fatalf("Parse(%q) = %v, %v", src, d, err)
		}
		if err != nil && issue.As(err) == nil {
			t.Fatalf("Parse(%q) = %v, want a failure", src, err)
		}
		if got, err := run(sample(), patient, src, "", graphql.Limits{Fields: 200}); err == nil && !json.Valid([]byte(got)) {
			t.Fatalf("Run(%q) = %s", src, got)
		}
	})
}
