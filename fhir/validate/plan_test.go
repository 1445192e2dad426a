package validate_test

import (
	"strings"
	"sync"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

func TestPlanOfType(t *testing.T) {
	for _, tc := range []struct{ typ, src, want string }{
		{"Patient", `{"resourceType":"Patient"}`, ""},
		{"Patient", `{"resourceType":"Group"}`, "Group resource-type-mismatch"},
		{"DomainResource", `{"resourceType":"Bundle","type":"batch"}`, "Bundle resource-type-mismatch"},
		{"HumanName", `{"family":"x"}`, ""},
		{"HumanName", `{"famly":"x"}`, "HumanName unknown-property"},
		{"Patient.contact", `{"gender":"x"}`, "Patient.contact.gender binding-required"},
	} {
		plan, err := validate.Compile(r4.Model(), tc.typ)
		if err != nil {
			t.Fatal(err)
		}
		d, err := tree.Parse([]byte(tc.src))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, is := range plan.Validate(d.Root(), nil) {
			got = append(got, is.Path+" "+is.Rule)
		}
		if strings.Join(got, ",") != tc.want {
			t.Errorf("%s as %s has %q, want %q", tc.src, tc.typ, got, tc.want)
		}
	}
	for _, name := range []string{"", "Nope", "string", "xhtml"} {
		if _, err := validate.Compile(r4.Model(), name); issue.As(err) == nil {
			t.Errorf("Compile(%q) = %v, want an issue", name, err)
		}
	}
}

// R4 has no element that repeats a limited number of times; other models may.
func TestCardinalityMax(t *testing.T) {
	m, err := schema.Link(&schema.Definitions{Version: "4.0.1", Types: []schema.TypeDefinition{
		{Name: "string", Kind: schema.Primitive},
		{Name: "Extension", Kind: schema.Complex},
		{Name: "Element", Kind: schema.Complex, Elements: []schema.ElementDefinition{{Name: "id", Types: []schema.TypeDefinedRef{{Code: "string"}}}}},
		{Name: "Pair", Base: "Element", Kind: schema.Complex, Elements: []schema.ElementDefinition{
			{Name: "of", Max: 2, Types: []schema.TypeDefinedRef{{Code: "string"}}},
		}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := validate.Compile(m, "Pair")
	if err != nil {
		t.Fatal(err)
	}
	for src, want := range map[string]string{
		`{"of":["a"]}`: "", `{"of":["a","b"]}`: "", `{"of":["a","b","c"]}`: "Pair.of cardinality-max", `{"of":"a"}`: "Pair.of array-expected",
	} {
		d, err := tree.Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, is := range plan.Validate(d.Root(), nil) {
			got += is.Path + " " + is.Rule
		}
		if got != want {
			t.Errorf("%s has %q, want %q", src, got, want)
		}
	}
}

func TestEveryTypeCompiles(t *testing.T) {
	set := validate.New(r4.Model())
	d, err := tree.Parse([]byte(`{"extension":[{"url":"http://x","valueCode":"a"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append([]string{"Dosage", "ElementDefinition", "Timing.repeat", "Age"}, r4.Model().Resources()...) {
		plan, err := set.Plan(name)
		if err != nil {
			t.Errorf("Plan(%s) = %v", name, err)
			continue
		}
		plan.Validate(d.Root(), nil)
	}
}

func TestMaxIssues(t *testing.T) {
	d, err := tree.Parse([]byte(patient(`"name":[` + strings.Repeat(`{"use":7},`, 500) + `{"use":7}]`)))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := plans.Plan("Patient")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		opt  *validate.Options
		want int
	}{{nil, validate.DefaultMaxIssues}, {&validate.Options{}, validate.DefaultMaxIssues}, {&validate.Options{MaxIssues: 3}, 3}, {&validate.Options{MaxIssues: 10_000}, 501}} {
		if got := len(plan.Validate(d.Root(), tc.opt)); got != tc.want {
			t.Errorf("Validate with %+v gives %d issues, want %d", tc.opt, got, tc.want)
		}
	}
}

// Plans of a fresh set compile while many goroutines use them.
func TestConcurrent(t *testing.T) {
	plan, err := validate.New(r4.Model()).Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Parse([]byte(observation(`"valueQuantity":{"value":1},"contained":[{"resourceType":"Patient","id":"p"}],"subject":{"reference":"#p"}`)))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if found := plan.Validate(d.Root(), nil); len(found) > 0 {
					t.Error(found)
				}
			}
		})
	}
	wg.Wait()
}
