package search_test

import (
	"reflect"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/search"
)

// https://hl7.org/fhir/R4/search.html#chaining
func TestChains(t *testing.T) {
	got := parse(t, "DiagnosticReport", "subject:Patient.name=peter").Root.Where
	want := []search.Clause{search.Reference{Key: search.KeyOf("DiagnosticReport", "subject"), Target: &search.Alias{
		Types: []string{"Patient"}, Reach: person,
		Where: []search.Clause{search.String{Key: search.KeyOf("Patient", "name"), Any: []search.StringMatch{{Value: "peter"}}}},
	}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("subject:Patient.name = %+v, want %+v", got, want)
	}
	deep := parse(t, "Observation", "patient.general-practitioner:PractitionerRole.practitioner.family:exact=X").Root.Where[0].(search.Reference)
	if types := deep.Target.Where[0].(search.Reference).Target.Where[0].(search.Reference).Target.Types; !reflect.DeepEqual(types, []string{"Practitioner"}) {
		t.Errorf("third link is about %v, want Practitioner", types)
	}
	if alias := parse(t, "Observation", "subject._id=1").Root.Where[0].(search.Reference).Target; len(alias.Types) < 4 {
		t.Errorf("subject._id is about %v, want every type that subject can point to", alias.Types)
	}
	if or, ok := parse(t, "Observation", "subject.identifier=1").Root.Where[0].(search.Or); !ok || len(or.Any) != 4 {
		t.Errorf("ambiguous chain: %+v, want an alternative for Patient, Group, Device and Location", or)
	}
	if f := refusal(t, "Observation", "focus.identifier=1"); !strings.Contains(f.Error(), "focus:") {
		t.Errorf("ambiguous chain: %v, want a hint to name the type", f)
	}
	for _, bad := range []string{"code.name=x", "subject:Medication.code=x", "subject.nothing=x", "subject:Patient.=x", "patient.name:text=x",
		strings.Repeat("has-member:Observation.", 20) + "code=x"} {
		refusal(t, "Observation", bad)
	}
}

// https://hl7.org/fhir/R4/search.html#has
func TestHas(t *testing.T) {
	got := parse(t, "Patient", "_has:Observation:patient:_has:AuditEvent:entity:agent-name=me").Root.Where[0]
	want := search.Has{Key: search.KeyOf("Observation", "patient"), Source: search.Alias{
		Types: []string{"Observation"}, Reach: person,
		Where: []search.Clause{search.Has{Key: search.KeyOf("AuditEvent", "entity"), Source: search.Alias{
			Types: []string{"AuditEvent"}, Reach: person,
			Where: []search.Clause{search.String{Key: search.KeyOf("AuditEvent", "agent-name"), Any: []search.StringMatch{{Value: "me"}}}},
		}}},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("nested _has = %+v, want %+v", got, want)
	}
	for _, bad := range []string{"_has:Observation:patient=x", "_has:Nothing:patient:code=x", "_has:Observation:code:code=x",
		"_has:Observation:encounter:code=x", "_has:Observation:patient:nothing=x", "_has=x"} {
		refusal(t, "Patient", bad)
	}
}

// https://hl7.org/fhir/R4/search.html#include
func TestIncludes(t *testing.T) {
	got := parse(t, "MedicationRequest", "_include=MedicationRequest:patient&_include:iterate=Patient:link:Patient&_revinclude=Provenance:target&_include=MedicationRequest:*").Include
	want := []search.Include{
		{Source: "MedicationRequest", Key: search.KeyOf("MedicationRequest", "patient"), Reach: person},
		{Source: "Patient", Key: search.KeyOf("Patient", "link"), Target: "Patient", Iterate: true, Reach: person},
		{Source: "Provenance", Key: search.KeyOf("Provenance", "target"), Reverse: true, Reach: person},
		{Source: "MedicationRequest", Any: true, Reach: person},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("includes = %+v, want %+v", got, want)
	}
	for _, bad := range []string{"_include=Patient:link", "_include=MedicationRequest", "_include=MedicationRequest:status", "_include=MedicationRequest:patient:Device",
		"_include:recurse=MedicationRequest:patient", "_include=A:b:c:d", "_include=MedicationRequest:patient&_summary=text", "_revinclude=Provenance"} {
		refusal(t, "MedicationRequest", bad)
	}
}

// https://hl7.org/fhir/R4/search.html#return
func TestControls(t *testing.T) {
	plan, told, err := newRegistry(t).Parse(request("Patient", "_count=5&_sort=-_lastUpdated,family,birthdate&_total=estimate&_elements=name,gender", true))
	if err != nil {
		t.Fatal(err)
	}
	sort := []search.Sort{{By: "_lastUpdated", Desc: true}, {Key: search.KeyOf("Patient", "family:sort"), Kind: "string"}, {Key: search.KeyOf("Patient", "birthdate"), Kind: "date"}}
	if plan.Count != 5 || !plan.Total || !reflect.DeepEqual(plan.Sort, sort) {
		t.Errorf("plan = %+v, want count 5, total, sort %v", plan, sort)
	}
	if !reflect.DeepEqual(told.Elements, []string{"name", "gender"}) || told.Total != "estimate" {
		t.Errorf("told = %+v", told)
	}
	for _, q := range []string{"_count=0", "_summary=count"} {
		if plan := parse(t, "Patient", q); plan.Count != 0 || !plan.Total {
			t.Errorf("%s: count %d, total %v, want 0 and the total", q, plan.Count, plan.Total)
		}
	}
	if plan := parse(t, "Patient", ""); plan.Count != 50 || plan.Total {
		t.Errorf("default page = %d, total %v, want 50, none", plan.Count, plan.Total)
	}
	plan, told, _ = newRegistry(t).Parse(request("Patient", "_count=100000", true))
	if plan.Count != 1000 || len(told.Warnings) != 1 {
		t.Errorf("_count=100000: count %d, %d warnings, want 1000 and a word about it", plan.Count, len(told.Warnings))
	}
	for _, bad := range []string{"_count=-1", "_count=x", "_count=1&_count=2", "_sort=nothing", "_sort=name.given", "_total=maybe", "_summary=yes",
		"_elements=nothing", "_elements=name&_summary=true", "_contained=true", "_cursor=x", "_cursor=", "_sort:asc=name", "_count:x=1"} {
		refusal(t, "Patient", bad)
	}
}

// What is not served is refused under either handling; what is not known only
// under strict. https://hl7.org/fhir/R4/search.html#errors
func TestHandling(t *testing.T) {
	r := newRegistry(t)
	plan, told, err := r.Parse(request("Patient", "colour=blue&name=eve&birthdate=", false))
	if err != nil || len(plan.Root.Where) != 1 || len(told.Warnings) != 2 {
		t.Fatalf("lenient: %+v, %+v, %v, want one clause and two warnings", plan, told, err)
	}
	if w := told.Warnings[0]; w.Severity != "warning" || w.Path != "colour" || w.Chinese == "" {
		t.Errorf("warning = %+v, want it to name colour in both languages", w)
	}
	if self := search.EncodeQuery(told.Self); self != "name=eve" {
		t.Errorf("self = %q, want what was understood: name=eve", self)
	}
	for _, c := range []struct{ typ, query, param string }{
		{"Patient", "colour=blue", "colour"},
		{"Patient", "name=", "name"},
	} {
		if f := refusal(t, c.typ, c.query); f.HTTPStatus() != 400 || f.Issues[0].Path != c.param {
			t.Errorf("strict %s: %d at %q, want 400 at %s", c.query, f.HTTPStatus(), f.Issues[0].Path, c.param)
		}
	}
	for _, c := range []struct{ typ, query string }{
		{"Location", "near=1"}, {"Location", "near=91|2"}, {"Location", "near=1|2|3|kg"}, {"Patient", "_text=(x"}, {"Patient", "_score=x"}, {"Patient", "_contained=true"}, {"Patient", "_contained=both"}, {"Patient", "_containedType=container"},
		{"Patient", "_list=$current-allergies"}, {"Patient", "_type=Patient"}, {"Patient", "_query=x"}, {"Observation", "code:in=http://x"}, {"Observation", "code:below=x"}, {"Patient", "identifier:of-type=a|b"}, {"Patient", "gender:of-type=a|b|c"},
	} {
		_, _, err := r.Parse(request(c.typ, c.query, false))
		if err == nil {
			t.Errorf("lenient %s?%s passes in silence, want 400 not-supported", c.typ, c.query)
		}
	}
	if _, _, err := r.Parse(search.Request{Type: "Nothing"}); err == nil {
		t.Error("an unknown type is accepted")
	}
}

// Every alias carries the reach: design law 4.
func TestEveryAliasHasReach(t *testing.T) {
	query := "subject:Patient.general-practitioner:Practitioner.name=a&_has:Provenance:target:agent:Practitioner.name=b&has-member:Observation.code=c" +
		"&subject._id=1&_include=Observation:*&_include:iterate=Patient:link&_revinclude=Provenance:target&_revinclude:iterate=Provenance:*"
	seen := 0
	count := func(p access.Predicate) {
		if !reflect.DeepEqual(p, person) {
			t.Errorf("reach = %#v, want the caller's", p)
		}
		seen++
	}
	visit(parse(t, "Observation", query), count)
	if seen != 7+4 {
		t.Errorf("%d aliases and includes were seen, want 7 and 4", seen)
	}
	for name, reach := range map[string]func(string) access.Predicate{"no function": nil, "nil predicate": func(string) access.Predicate { return nil }} {
		q := request("Observation", query, true)
		q.Reach = reach
		plan, _, err := newRegistry(t).Parse(q)
		if err != nil {
			t.Fatal(err)
		}
		visit(plan, func(p access.Predicate) {
			if !reflect.DeepEqual(p, access.Nothing{}) {
				t.Errorf("%s: reach = %#v, want Nothing", name, p)
			}
		})
	}
}

// Types of different reach each keep their own.
func TestReachByType(t *testing.T) {
	q := request("Observation", "_include=Observation:subject", true)
	q.Reach = func(typ string) access.Predicate {
		if typ == "Patient" {
			return person
		}
		return access.Nothing{}
	}
	plan, _, err := newRegistry(t).Parse(q)
	if err != nil {
		t.Fatal(err)
	}
	want := access.AnyOf{
		access.AllOf{access.TypeIn{"Device", "Group", "Location"}, access.Nothing{}},
		access.AllOf{access.TypeIn{"Patient"}, person},
	}
	if !reflect.DeepEqual(plan.Include[0].Reach, want) {
		t.Errorf("reach = %#v, want %#v", plan.Include[0].Reach, want)
	}
}

func visit(p *search.Plan, each func(access.Predicate)) {
	visitAlias(p.Root, each)
	for _, i := range p.Include {
		each(i.Reach)
	}
}

func visitAlias(a search.Alias, each func(access.Predicate)) {
	each(a.Reach)
	for _, c := range a.Where {
		switch c := c.(type) {
		case search.Has:
			visitAlias(c.Source, each)
		case search.Reference:
			if c.Target != nil {
				visitAlias(*c.Target, each)
			}
		}
	}
}

func TestCursor(t *testing.T) {
	r := newRegistry(t)
	_, told, err := r.Parse(request("Patient", "name=eve&_sort=family&_count=2", true))
	if err != nil {
		t.Fatal(err)
	}
	place := &search.Cursor{Values: []string{"quinones"}, Row: 42}
	next := search.EncodeQuery(told.Page(place))
	if strings.Contains(next, "quinones") {
		t.Errorf("the link %q shows the sort value", next)
	}
	plan, told, err := r.Parse(request("Patient", next, true))
	if err != nil || !reflect.DeepEqual(plan.After, place) {
		t.Fatalf("After = %+v, %v, want %+v", plan, err, place)
	}
	if self := search.EncodeQuery(told.Here()); self != next {
		t.Errorf("self of the page = %q, want %q", self, next)
	}
	other := request("Patient", next, true)
	other.Principal = "PractitionerRole/2"
	if _, _, err := r.Parse(other); err == nil {
		t.Error("another caller can use the link")
	}
	if _, _, err := r.Parse(request("Patient", strings.Replace(next, "eve", "eva", 1), true)); err == nil {
		t.Error("the link works for another query")
	}
	token := next[strings.Index(next, "_cursor=")+8:]
	for _, bad := range []string{token[:len(token)-2], token + "AA", "AAAA", strings.Repeat("A", 10000), "%"} {
		q := request("Patient", "name=eve&_sort=family&_count=2", true)
		q.Params = append(q.Params, search.Param{Name: "_cursor", Value: bad})
		if _, _, err := r.Parse(q); err == nil {
			t.Errorf("the cursor %.20q… is accepted", bad)
		}
	}
}

func TestParseQuery(t *testing.T) {
	got, err := search.ParseQuery("?name=A%20b+c&x=%7C&&flag")
	want := []search.Param{{Name: "name", Value: "A b c"}, {Name: "x", Value: "|"}, {Name: "flag"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ParseQuery = %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"a=%", "a=%zz", "%=b", strings.Repeat("a=b&", 300)} {
		if _, err := search.ParseQuery(bad); err == nil {
			t.Errorf("ParseQuery(%.20q) is accepted", bad)
		}
	}
	if got := search.EncodeQuery(want[:2]); got != "name=A+b+c&x=%7C" {
		t.Errorf("EncodeQuery = %q", got)
	}
}
