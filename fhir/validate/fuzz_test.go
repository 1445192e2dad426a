package validate_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
)

// FuzzValidate: whatever JSON comes, a walk ends, says the same twice, stops at
// its limit, and every issue names a rule, a place and a text in two languages.
func FuzzValidate(f *testing.F) {
	for _, seed := range []string{
		patient(`"name":[{"given":["a",null],"_given":[null,{"id":"x"}]}],"gender":"male","birthDate":"2020-02-30"`),
		observation(`"valueQuantity":{"value":1.0},"subject":{"reference":"#x"},"effectiveDateTime":"2020-01-01T00:00:60Z"`),
		narrative(div + `<p style="a:url(x)">a &amp; <b>c</b><!-- d --><img src="x"/></p></div>`),
		patient(`"contained":[{"resourceType":"Group","id":"g"}],"extension":[{"url":"x","valueBase64Binary":"QUI="}]`),
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Parameters","parameter":[{"part":[]}]}}]}`,
	} {
		f.Add([]byte(seed))
	}
	plan, err := plans.Plan("Resource")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var d tree.Doc
		if d.Parse(src, tree.Limits{Bytes: 1 << 14}) != nil {
			return
		}
		found := plan.Validate(d.Root(), &validate.Options{MaxIssues: 5})
		if !slices.Equal(found, plan.Validate(d.Root(), &validate.Options{MaxIssues: 5})) {
			t.Fatalf("%s: two walks differ", src)
		}
		if len(found) > 5 {
			t.Fatalf("%s: %d issues, want at most 5", src, len(found))
		}
		for _, is := range found {
			if is.Rule == "" || is.Path == "" || is.Text == "" || is.Chinese == "" {
				t.Fatalf("%s: incomplete issue %+v", src, is)
			}
		}
	})
}

// FuzzProfile: whatever definition is posted and whatever resource is judged by
// it, the walk ends without a crash, within its bounds, and says the same twice.
func FuzzProfile(f *testing.F) {
	for name, make := range slicings {
		defs := make()
		body, err := defs[len(defs)-1].Bytes()
		if err != nil {
			f.Fatal(err)
		}
		typ := defs[len(defs)-1].Of
		f.Add(body, []byte(with(typ, `"id":"`+strings.ToLower(name)+`"`)))
	}
	body, err := inContext("fhirpath", "Patient.name", object{"contextInvariant": []any{"exists()"}}).Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body, []byte(with("Patient", `"name":[{"text":"x","extension":[{"url":"http://tenon.test/e","valueCode":"a"}]}]`)))
	f.Fuzz(func(t *testing.T, profile, src []byte) {
		var d tree.Doc
		if len(profile) > 1<<14 || d.Parse(src, tree.Limits{Bytes: 1 << 13}) != nil {
			return
		}
		def, err := definition.Read(profile, "")
		if err != nil {
			return
		}
		plan, err := setOf(def).Plan("Resource")
		if err != nil {
			t.Fatal(err)
		}
		o := &validate.Options{Now: now, MaxIssues: 5, Profiles: []string{def.URL}}
		found := plan.Validate(d.Root(), o)
		if !slices.Equal(found, plan.Validate(d.Root(), o)) {
			t.Fatalf("%s\n%s: two walks differ", profile, src)
		}
		for _, is := range found {
			if is.Rule == "" || is.Text == "" || is.Chinese == "" || is.Severity == "" {
				t.Fatalf("%s: incomplete issue %+v", src, is)
			}
		}
	})
}
