package validate_test

import (
	"slices"
	"testing"

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
