package fhirpath_test

import (
	"testing"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// TestResolve: https://hl7.org/fhir/R4/fhirpath.html#functions
func TestResolve(t *testing.T) {
	doc, _ := parsed(t, "testdata/patient.json")
	table(t, doc.Root(), [][2]string{
		{"generalPractitioner.where(resolve() is Practitioner).reference", "Practitioner/9"},
		{"generalPractitioner.where(resolve() is Organization).count()", "3"}, // URL, contained, type element
		{"generalPractitioner.where(resolve().is(Organization)).count()", "3"},
		{"generalPractitioner.where(resolve() is Resource).count()", "4"},
		{"generalPractitioner.where((resolve() is Patient).not()).count()", "4"}, // two are unknown
		{"generalPractitioner.select(resolve() is Practitioner)", "true ; false ; false ; false"},
		{"managingOrganization.resolve().name", "Hospital"},
		{"managingOrganization.resolve().partOf.resolve().name", "Group"},
		{"generalPractitioner[0].resolve().exists()", "false"}, // nobody resolves it
		{"'#org'.resolve().name", ""},                          // a text has no container
		{"generalPractitioner.where(resolve() is Nonsense)", "error"},
	})
	env := *r4Env
	fetched := 0
	ctx := &fhirpath.Context{Resolve: func(reference string) (tree.Node, bool) {
		fetched++
		d, err := tree.Parse([]byte(`{"resourceType":"Practitioner","id":"9","name":[{"family":"` + reference + `"}]}`))
		return d.Root(), err == nil
	}}
	e := fhirpath.MustCompile("generalPractitioner.where(resolve() is Practitioner).resolve().name.family", &env)
	c, err := e.Eval(ctx, doc.Root())
	want := "Practitioner/9 ; urn:uuid:7a0a5a2c-0d1f-4d6c-9a39-1f7c9e6e0f10"
	if result(c) != want || err != nil {
		t.Errorf("with a resolver: %q, %v, want %q", result(c), err, want)
	}
	if fetched != 3 { // the uuid for its type, then both
		t.Errorf("%d references were fetched, want 3: a type that the reference tells is not fetched", fetched)
	}
}

// TestResolveInBundle: entries are found by fullUrl.
func TestResolveInBundle(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Bundle","type":"collection","entry":[
		{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"urn:uuid:2"},
			"performer":[{"reference":"Practitioner/5"},{"reference":"http://h/fhir/Organization/6"}]}},
		{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Patient","id":"two"}},
		{"fullUrl":"http://h/fhir/Practitioner/5","resource":{"resourceType":"Practitioner","id":"5","active":true}},
		{"resource":{"resourceType":"Organization","id":"6","name":"O"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		{"entry.resource.ofType(Observation).subject.where(resolve() is Patient).count()", "1"},
		{"entry.resource.ofType(Observation).subject.resolve().id", "two"},
		{"entry.resource.ofType(Observation).performer.resolve().id", "5 ; 6"},
		{"Bundle.entry[1].resource", ""},
		{"Bundle.entry[1].resource.id", "two"},
		{"entry.resource.where($this is Patient).id", "two"},
	})
}

// TestResolveByType: where the URL names no resource type, Reference.type does.
func TestResolveByType(t *testing.T) {
	doc, err := tree.Parse([]byte(`{"resourceType":"Task","for":{"reference":"http://example.org/Codes/7","type":"Patient"},
		"owner":{"reference":"Practitioner/7","type":"Patient"}}`))
	if err != nil {
		t.Fatal(err)
	}
	table(t, doc.Root(), [][2]string{
		{"for.where(resolve() is Patient).exists()", "true"},
		{"owner.where(resolve() is Patient).exists()", "false"}, // the reference is what is followed
		{"owner.where(resolve() is Practitioner).exists()", "true"},
	})
}

func TestReferenceType(t *testing.T) {
	for reference, want := range map[string]string{
		"Patient/7": "Patient", "http://h/x/Patient/7": "Patient", "Patient/7/_history/2": "Patient",
		"https://h/fhir/Patient/7?x=/Device/9": "Patient", "#x": "", "urn:uuid:1": "", "Nonsense/7": "", "7": "", "": "",
		"http://h/Questionnaire/q|1.0": "Questionnaire",
	} {
		if got := fhirpath.ReferenceType(r4Env, reference); got != want {
			t.Errorf("ReferenceType(%q) = %q, want %q", reference, got, want)
		}
	}
}
