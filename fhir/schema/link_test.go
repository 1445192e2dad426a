package schema_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"tenon/fhir/schema"
)

// small is a model of three types; each case breaks one thing in it.
func small() *schema.Definitions {
	return &schema.Definitions{
		Version:    "4.0.1",
		Invariants: []schema.Invariant{{Key: "k-1", Severity: "error", Human: "h", Expression: "a < b"}},
		Types: []schema.TypeDefinition{
			{Name: "string", Kind: schema.Primitive},
			{Name: "Base", Kind: schema.Resource, Abstract: true, Elements: []schema.ElementDefinition{
				{Name: "a", Choice: true, Types: []schema.TypeDefinedRef{{Code: "string"}, {Code: "Base"}}},
			}},
			{Name: "Thing", Base: "Base", Kind: schema.Resource, Invariants: []int{0}, Elements: []schema.ElementDefinition{
				{Name: "part", Max: -1, Backbone: true, Types: []schema.TypeDefinedRef{{Code: "Base"}}, Bound: schema.Bound{Strength: "required", ValueSet: "http://v|1"}},
				{Name: "same", Content: "Thing.part"},
			}},
			{Name: "Thing.part", Base: "Base", Kind: schema.Backbone},
		},
		ValueSets: []schema.ValueSet{{URL: "http://v", Systems: []schema.System{{URL: "s1", Codes: []string{"x"}}, {URL: "s2", Codes: []string{"y"}}}}},
	}
}

func TestEncodeDecode(t *testing.T) {
	var first, second bytes.Buffer
	if err := schema.Encode(&first, small()); err != nil {
		t.Fatal(err)
	}
	if err := schema.Encode(&second, small()); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Errorf("Encode is not deterministic (%v)", err)
	}
	m, err := schema.Decode(&first)
	if err != nil {
		t.Fatal(err)
	}
	thing := m.Type("Thing")
	if e := thing.Element("aString"); e == nil || e.Type != m.Type("string") || e.Property != "aString" || !e.Choice || e.Max != 1 || e.Path != "Base.a[x]" {
		t.Errorf("Element(aString) = %+v", e)
	}
	if e := thing.Element("same"); e == nil || e.Type != m.Type("Thing.part") || e.Type != thing.Element("part").Type {
		t.Errorf("Element(same) = %+v, want the type Thing.part", e)
	}
	if e := thing.Element("part"); e.Binding == nil || e.Binding.Strength != "required" || e.Max != -1 {
		t.Errorf("Element(part) = %+v", e)
	}
	if len(thing.Invariants) != 1 || thing.Invariants[0].Expression != "a < b" {
		t.Errorf("Invariants = %v", thing.Invariants)
	}
	if codes, ok := m.Codes("http://v|2"); !ok || strings.Join(codes, "") != "xy" {
		t.Errorf("Codes = %v, %v", codes, ok)
	}
	if got := strings.Join(m.Resources(), ""); got != "Thing" || m.Version() != "4.0.1" {
		t.Errorf("Resources() = %v of version %s", got, m.Version())
	}
}

func TestLinkRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		spoil      func(*schema.Definitions)
	}{
		{"unknown base", "unknown base", func(d *schema.Definitions) { d.Types[2].Base = "No" }},
		{"base after", "before its base", func(d *schema.Definitions) { d.Types[1], d.Types[2] = d.Types[2], d.Types[1] }},
		{"unknown type", "unknown type No", func(d *schema.Definitions) { d.Types[1].Elements[0].Types[0].Code = "No" }},
		{"unknown content", "unknown type Thing.no", func(d *schema.Definitions) { d.Types[2].Elements[1].Content = "Thing.no" }},
		{"no type", "0 types", func(d *schema.Definitions) { d.Types[2].Elements[1].Content = "" }},
		{"no such invariant", "no invariant 7", func(d *schema.Definitions) { d.Types[2].Invariants[0] = 7 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := small()
			tc.spoil(d)
			if _, err := schema.Link(d); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Link = %v, want an error with %q", err, tc.want)
			}
		})
	}
	for _, file := range []string{"", "no gzip", "\x1f\x8b\x08\x00"} {
		if _, err := schema.Decode(strings.NewReader(file)); err == nil {
			t.Errorf("Decode(%q) succeeds", file)
		}
	}
}

// What Decode reads from the compact form is what Encode was given: the model
// of the one is the model of the other, field by field.
func TestDecodeReadsEverything(t *testing.T) {
	defs := small()
	defs.Types[2].Elements[0].Min, defs.Types[2].Elements[0].Modifier, defs.Types[2].Elements[0].Summary = 1, true, true
	defs.Types[2].Elements[0].Invariants = []int{0}
	defs.Types[2].Elements[0].Max, defs.Types[2].Bound = -1, schema.Bound{Strength: "extensible", ValueSet: "http://t", Max: "http://m"}
	defs.Types[2].Elements[0].Bound.Max = "http://w"
	defs.Types[1].Elements[0].Types[1].Profiles, defs.Types[1].Elements[0].Types[1].Targets = []string{"p"}, []string{"Thing"}
	defs.Search = []schema.SearchParameter{{
		URL: "u", Code: "c", Type: "token", Expression: "a \u2264 \"b\"", Usage: "phonetic", Base: []string{"Thing"}, Target: []string{"Thing"},
		Comparators: []string{"eq"}, Modifiers: []string{"exact"}, Components: []schema.Component{{Definition: "d", Expression: "e"}}, MultipleAnd: true,
	}}
	defs.Compartments = map[string]map[string][]string{"Patient": {"Thing": {"c"}}}
	var file bytes.Buffer
	if err := schema.Encode(&file, defs); err != nil {
		t.Fatal(err)
	}
	got, err := schema.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := schema.Link(defs)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Decode(Encode(x)) = %+v, want %+v", got, want)
	}
}

// What a type binds, all that derive from it do, unless they bind anew.
func TestTypeBinding(t *testing.T) {
	defs := small()
	defs.Types[1].Bound = schema.Bound{Strength: "extensible", ValueSet: "http://b", Max: "http://m"}
	defs.Types[3].Bound = schema.Bound{Strength: "required", ValueSet: "http://p"}
	m, err := schema.Link(defs)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"string": "", "Base": "extensible http://b http://m", "Thing": "extensible http://b http://m", "Thing.part": "required http://p ",
	} {
		got := ""
		if b := m.Type(name).Binding; b != nil {
			got = b.Strength + " " + b.ValueSet + " " + b.Max
		}
		if got != want {
			t.Errorf("Type(%s).Binding = %q, want %q", name, got, want)
		}
	}
	if b := m.Type("Thing").Element("part").Binding; b == nil || b.ValueSet != "http://v|1" || b.Max != "" {
		t.Errorf("the element's own binding is %+v", b)
	}
}

func TestDefined(t *testing.T) {
	m, err := schema.Link(small())
	if err != nil {
		t.Fatal(err)
	}
	const base = "http://hl7.org/fhir/StructureDefinition/"
	for canonical, want := range map[string]string{
		base + "Thing": "Thing", base + "string": "string", base + "Base": "Base",
		base + "Thing|4.0.1": "Thing", base + "Thing|4.0": "Thing", base + "Thing|4": "Thing",
		base + "Thing|5.0.0": "", base + "Thing|4.0.10": "", base + "Thing|": "", base + "Thing|4.": "",
		base + "Thing.part": "", base + "thing": "", base: "", "": "", "Thing": "", "http://x/StructureDefinition/Thing": "",
		base + "Thing/x": "",
	} {
		got := ""
		if typ := m.Defined(canonical); typ != nil {
			got = typ.Name
		}
		if got != want {
			t.Errorf("Defined(%q) = %q, want %q", canonical, got, want)
		}
	}
}
