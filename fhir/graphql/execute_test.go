package graphql_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/graphql"
	"tenon/fhir/issue"
)

// https://spec.graphql.org/October2021/#sec-Execution and
// https://hl7.org/fhir/R4/graphql.html
func TestRun(t *testing.T) {
	for _, c := range []struct{ name, on, query, vars, want string }{
		{"aliases", patient, `{ a: id b: id }`, "", `{"a":"example","b":"example"}`},
		{"selections of one field are merged", patient, `{ name { family } ...f } fragment f on Patient { name { given @include(if: false) use } }`, "",
			`{"name":[{"family":"Chalmers","use":"official"},{"use":"usual"},{"family":"Windsor","use":"maiden"}]}`},
		{"fragments on a base", patient, `{ ... on DomainResource { id } ... on Resource { active } ... { birthDate } }`, "", `{"id":"example","active":true}`},
		{"typename", weight, `{ __typename subject { __typename resource { __typename } } code { coding(code: "3141-9") { __typename } } }`, "",
			`{"__typename":"Observation","subject":{"__typename":"Reference","resource":{"__typename":"Patient"}},"code":{"coding":[{"__typename":"Coding"}]}}`},
		{"a filter by value", patient, `{ name(use: official) { family } }`, "", `{"name":[{"family":"Chalmers"}]}`},
		{"a filter by values", patient, `{ name(use: ["usual", "maiden"]) { use } }`, "", `{"name":[{"use":"usual"},{"use":"maiden"}]}`},
		{"filters and places", patient, `{ name(fhirpath: "given.count() > 1", _offset: 1, _count: 1) { use } }`, "", `{"name":[{"use":"maiden"}]}`},
		{"a null argument is none", patient, `query q($u: code) { name(use: $u, _count: 1) { use } }`, "", `{"name":[{"use":"official"}]}`},
		{"defaults", patient, `query q($u: code = "usual", $n: Int!) { name(use: $u, _count: $n) { use } }`, `{"n":3}`, `{"name":[{"use":"usual"}]}`},
		{"first without flatten", patient, `{ name @first { use } }`, "", `{"name":{"use":"official"}}`},
		{"slice without flatten", patient, `{ name @slice(path: "use") @singleton { given @first } }`, "",
			`{"name.official":{"given":"Peter"},"name.usual":{"given":"Jim"},"name.maiden":{"given":"Peter"}}`},
		{"flatten of a flattened", weight, `{ subject @flatten { resource @flatten { name @flatten { family } } } }`, "", `{"family":["Chalmers","Windsor"]}`},
		{"arguments with dashes", "", `{ PatientList(address_city: ["a", "b"], _sort: "name") { id } }`, "", `{"PatientList":[{"id":"example"},{"id":"xds"}]}`},
		{"skip and include", patient, `query q($y: Boolean!) { id @skip(if: $y) active @include(if: $y) ... @skip(if: $y) { name { use } } }`, `{"y":true}`, `{"active":true}`},
		{"types", "", `{ __type(name: "HumanName") { kind name fields { name type { kind ofType { name } } } } t: __type(name: "none") { name } }`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := run(sample(), c.on, c.query, c.vars, graphql.Limits{})
			if err != nil {
				t.Fatalf("%s = %v", c.query, err)
			}
			if c.want == "" {
				if !strings.Contains(got, `"kind":"OBJECT","name":"HumanName"`) || !strings.Contains(got, `{"name":"given","type":{"kind":"LIST","ofType":{"name":"String"}}}`) || !strings.HasSuffix(got, `"t":null}}`) {
					t.Errorf("%s = %s", c.query, got)
				}
				return
			}
			var want any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(data(t, got), want) {
				t.Errorf("%s = %s, want %s", c.query, got, c.want)
			}
		})
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct{ name, on, query, vars string }{
		{"no such field", patient, `{ nonsense }`, ""},
		{"a field of another type", patient, `{ ... on Patient { valueQuantity { value } } }`, ""},
		{"a leaf with fields", patient, `{ id { x } }`, ""},
		{"no leaf without fields", patient, `{ name }`, ""},
		{"an open choice", weight, `{ value { x } }`, ""},
		{"no such fragment", patient, `{ ...f }`, ""},
		{"an unused fragment", patient, `{ id } fragment f on Patient { id }`, ""},
		{"a fragment in itself", patient, `{ ...f } fragment f on Patient { ...g } fragment g on Patient { ...f }`, ""},
		{"a fragment of a type that cannot be", patient, `{ ... on Observation { id } }`, ""},
		{"a fragment of no type", patient, `{ ... on Nonsense { id } }`, ""},
		{"no such directive", patient, `{ id @nonsense }`, ""},
		{"first and slice", patient, `{ name @first @slice(path: "use") { use } }`, ""},
		{"a directive of fields on a fragment", patient, `{ ... @flatten { id } }`, ""},
		{"if is no boolean", patient, `{ id @skip(if: 1) }`, ""},
		{"an undeclared variable", patient, `{ id @skip(if: $x) }`, ""},
		{"an unused variable", patient, `query q($x: Int) { id }`, ""},
		{"a variable without value", patient, `query q($x: Boolean!) { id @skip(if: $x) }`, ""},
		{"a variable of another type", patient, `query q($x: Boolean!) { id @skip(if: $x) }`, `{"x":"yes"}`},
		{"a value of no variable", patient, `{ id }`, `{"x":1}`},
		{"selections in conflict", patient, `{ name(use: usual) { use } name { use } }`, ""},
		{"no such argument", patient, `{ name(nonsense: 1) { use } }`, ""},
		{"a filter on what is no list", patient, `{ active(fhirpath: "true") }`, ""},
		{"a bad path", patient, `{ name(fhirpath: "nonsense(") { use } }`, ""},
		{"a bad count", patient, `{ name(_count: -1) { use } }`, ""},
		{"a reverse search without _reference", patient, `{ ConditionList { id } }`, ""},
		{"_reference by what is none", patient, `{ ConditionList(_reference: code) { id } }`, ""},
		{"no id", "", `{ Patient { id } }`, ""},
		{"an id that is a path", "", `{ Patient(id: "../Device/1") { id } }`, ""},
		{"a subscription", "", `subscription { Patient(id: "1") { id } }`, ""},
		{"two mutations", "", `mutation { PatientDelete(id: "1") { information { id } } b: PatientDelete(id: "2") { information { id } } }`, ""},
		{"a mutation of an instance", patient, `mutation { PatientDelete(id: "1") { information { id } } }`, ""},
		{"a mutation with another type", "", `mutation { PatientCreate(resource: {resourceType: Device}) { location } }`, ""},
		{"too deep", patient, strings.Repeat(`{ contact { organization { resource { ... on Organization `, 12) + "{ id }" + strings.Repeat("}", 36), ""},
		{"a bomb of fragments", patient, `{ ...a } fragment a on Patient { ...b ...b ...b ...b ...b ...b ...b ...b ...b ...b } fragment b on Patient { ...c ...c ...c ...c ...c ...c ...c ...c ...c ...c }
			fragment c on Patient { ...d ...d ...d ...d ...d ...d ...d ...d ...d ...d } fragment d on Patient { id id id id id id id id id id }`, ""},
		{"too many aliases", patient, "{" + strings.Repeat(" a: id", 501) + "}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := sample()
			got, err := run(m, c.on, c.query, c.vars, graphql.Limits{})
			if f := issue.As(err); f == nil || f.Issues[0].Chinese == "" || f.HTTPStatus() >= 500 {
				t.Errorf("%s = %s, %v, want a failure in two languages", c.query, got, err)
			}
			if len(m.changed) > 0 {
				t.Errorf("%s changed %v", c.query, m.changed)
			}
		})
	}
}

// What one request may read and answer is bounded.
func TestRunIsBounded(t *testing.T) {
	m := sample()
	query := `{ PatientList { ConditionList(_reference: patient) { subject { resource { ... on Patient { ConditionList(_reference: patient) { id } } } } } } }`
	if _, err := run(m, "", query, "", graphql.Limits{Reads: 3}); issue.As(err) == nil || len(m.asked) != 3 {
		t.Errorf("with 3 reads: %v after %d reads", err, len(m.asked))
	}
	if _, err := run(sample(), patient, `{ name { given } }`, "", graphql.Limits{Values: 3}); issue.As(err) == nil {
		t.Errorf("with 3 values: %v", err)
	}
	if _, err := run(sample(), patient, `{ name { given } }`, "", graphql.Limits{Output: 10}); issue.As(err) == nil {
		t.Errorf("with 10 bytes: %v", err)
	}
	m = sample()
	if _, err := run(m, weight, `{ subject { resource { id } } performer { resource { id } } encounter { resource { id } } focus { resource { id } } }`, "", graphql.Limits{}); err != nil || !slices.Equal(m.asked, []string{"Patient/example"}) {
		t.Errorf("reads = %v, %v", m.asked, err)
	}
}

// A list that shows a part says so.
func TestListSaysThatItIsCut(t *testing.T) {
	got, err := run(sample(), "", `{ PatientList { id } }`, "", graphql.Limits{})
	if err != nil || !strings.Contains(got, `"extensions":{"resource":{"resourceType":"OperationOutcome"`) || !strings.Contains(got, `"expression":["PatientList"]`) {
		t.Errorf("PatientList = %s, %v, want a warning", got, err)
	}
	if got, _ := run(sample(), "", `{ PatientList(_count: 2) { id } }`, "", graphql.Limits{}); strings.Contains(got, "extensions") {
		t.Errorf("PatientList(_count: 2) = %s, want no warning", got)
	}
}

func TestMutations(t *testing.T) {
	m := sample()
	got, err := run(m, "", `mutation m($city: String) { PatientCreate(resource: {active: true, address: [{city: $city}], gender: other, extension: [{url: "u", valueDecimal: 1.00}]}) { location resource { id gender } information { issue { severity } } } }`, `{"city":"张"}`, graphql.Limits{})
	if want := `POST Patient {"resourceType":"Patient","active":true,"address":[{"city":"张"}],"gender":"other","extension":[{"url":"u","valueDecimal":1.00}]}`; err != nil || !slices.Equal(m.changed, []string{want}) {
		t.Errorf("create = %s, %v, %v, want %s", got, err, m.changed, want)
	}
	if want := `{"data":{"PatientCreate":{"location":"Patient/new/_history/1","resource":{"gender":"other"},"information":{"issue":[{"severity":"information"}]}}}}`; got != want {
		t.Errorf("create = %s, want %s", got, want)
	}
	m = sample()
	if _, err := run(m, "", `mutation m($r: PatientInput!) { PatientUpdate(id: "a", resource: $r) { location } }`, `{"r":{"resourceType":"Patient","id":"a","active":false}}`, graphql.Limits{}); err != nil ||
		!slices.Equal(m.changed, []string{`PUT Patient/a {"resourceType":"Patient","id":"a","active":false}`}) {
		t.Errorf("update = %v, %v", err, m.changed)
	}
	m = sample()
	if _, err := run(m, "", `mutation { PatientDelete(id: "a") { information { issue { code } } } }`, "", graphql.Limits{}); err != nil || !slices.Equal(m.changed, []string{"DELETE Patient/a"}) {
		t.Errorf("delete = %v, %v", err, m.changed)
	}
}

// Introspection answers the question that tools begin with.
func TestIntrospection(t *testing.T) {
	got, err := run(sample(), "", `query IntrospectionQuery { __schema { queryType { name } mutationType { name } subscriptionType { name } types { ...FullType } directives { name locations args { ...InputValue } } } }
		fragment FullType on __Type { kind name description fields(includeDeprecated: true) { name description args { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason } inputFields { ...InputValue }
			interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name } possibleTypes { ...TypeRef } }
		fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue }
		fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`, "", graphql.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Schema struct {
				Types []struct {
					Kind, Name string
					Fields     []struct {
						Name string
						Type ref
						Args []struct{ Type ref }
					}
					PossibleTypes []ref
				}
			} `json:"__schema"`
		}
	}
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, typ := range answer.Data.Schema.Types {
		if known[typ.Name] {
			t.Errorf("%s is there twice", typ.Name)
		}
		known[typ.Name] = true
	}
	for _, name := range []string{"Query", "Mutation", "Patient", "PatientContact", "PatientConnection", "HumanName", "String", "Resource", "__Type"} {
		if !known[name] {
			t.Errorf("no type %s", name)
		}
	}
	for _, typ := range answer.Data.Schema.Types {
		for _, f := range typ.Fields {
			for _, r := range append([]ref{f.Type}, args(f.Args)...) {
				if name := r.named(); !known[name] {
					t.Errorf("%s.%s has the type %q, which is not told", typ.Name, f.Name, name)
				}
			}
		}
	}
	t.Logf("%d types, %d bytes", len(answer.Data.Schema.Types), len(got))
}

type ref struct {
	Name   string
	OfType *ref
}

func (r ref) named() string {
	for r.OfType != nil {
		r = *r.OfType
	}
	return r.Name
}

func args(list []struct{ Type ref }) (types []ref) {
	for _, a := range list {
		types = append(types, a.Type)
	}
	return types
}
