package r4_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/schema"
	"tenon/profiles/r4"
)

// The expectations are read from https://hl7.org/fhir/R4, not from the file.

func TestElements(t *testing.T) {
	m := r4.Model()
	for _, tc := range []struct{ typ, property, want string }{
		{"Patient", "birthDate", "Patient.birthDate 0..1 date"},
		{"Patient", "name", "Patient.name 0..-1 HumanName"},
		{"Patient", "id", "Resource.id 0..1 id"},
		{"Patient", "contained", "DomainResource.contained 0..-1 Resource"},
		{"Patient", "text", "DomainResource.text 0..1 Narrative"},
		{"Patient", "contact", "Patient.contact 0..-1 BackboneElement→Patient.contact"},
		{"Patient", "deceasedBoolean", "Patient.deceased[x] 0..1 boolean"},
		{"Patient", "deceasedDateTime", "Patient.deceased[x] 0..1 dateTime"},
		{"Patient", "deceasedString", ""},
		{"Patient", "deceased", ""},
		{"Patient", "_birthDate", ""},
		{"Patient", "value", ""},
		{"Patient.contact", "modifierExtension", "BackboneElement.modifierExtension 0..-1 Extension"},
		{"Patient.contact", "id", "Element.id 0..1 string"},
		{"Bundle", "contained", ""},
		{"Bundle.entry", "resource", "Bundle.entry.resource 0..1 Resource"},
		{"Bundle.entry", "link", "Bundle.entry.link 0..-1 Bundle.link"},
		{"Parameters.parameter", "part", "Parameters.parameter.part 0..-1 Parameters.parameter"},
		{"Questionnaire.item", "item", "Questionnaire.item.item 0..-1 Questionnaire.item"},
		{"Observation", "status", "Observation.status 1..1 code"},
		{"Observation", "valueQuantity", "Observation.value[x] 0..1 Quantity"},
		{"Observation.component", "referenceRange", "Observation.component.referenceRange 0..-1 Observation.referenceRange"},
		{"Extension", "url", "Extension.url 1..1 uri"},
		{"Extension", "valueBase64Binary", "Extension.value[x] 0..1 base64Binary"},
		{"Extension", "valueMeta", "Extension.value[x] 0..1 Meta"},
		{"Narrative", "div", "Narrative.div 1..1 xhtml"},
		{"Age", "comparator", "Quantity.comparator 0..1 code"},
		{"Timing.repeat", "count", "Timing.repeat.count 0..1 positiveInt"},
		{"Timing.repeat", "boundsRange", "Timing.repeat.bounds[x] 0..1 Range"},
		{"Task.input", "valueReference", "Task.input.value[x] 1..1 Reference"},
		{"Element", "extension", "Element.extension 0..-1 Extension"},
		{"string", "id", "Element.id 0..1 string"},
		{"string", "value", ""},
		{"ElementDefinition", "fixedUrl", "ElementDefinition.fixed[x] 0..1 url"},
		{"CapabilityStatement", "url", "CapabilityStatement.url 0..1 uri"},
	} {
		t.Run(tc.typ+"."+tc.property, func(t *testing.T) {
			typ := m.Type(tc.typ)
			if typ == nil {
				t.Fatalf("Type(%q) = nil", tc.typ)
			}
			if got := describe(typ.Element(tc.property)); got != tc.want {
				t.Errorf("Element(%q) = %q, want %q", tc.property, got, tc.want)
			}
		})
	}
}

func describe(e *schema.Element) string {
	if e == nil {
		return ""
	}
	s := fmt.Sprintf("%s %d..%d %s", e.Path, e.Min, e.Max, e.Types[0].Code)
	if e.Type.Kind == schema.Backbone && e.Type.Name != e.Types[0].Code {
		s += "→" + e.Type.Name
	}
	return s
}

func TestChoice(t *testing.T) {
	e := r4.Model().Type("Observation").Choice("value")
	var properties []string
	for _, r := range e.Types {
		properties = append(properties, r.JSONName)
	}
	want := []string{"valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange",
		"valueRatio", "valueSampledData", "valueTime", "valueDateTime", "valuePeriod"}
	if !e.Choice || e.Type != nil || e.Property != "" || !slices.Equal(properties, want) {
		t.Errorf("Choice(value) = %+v, want the choice of %v", e, want)
	}
	if got := r4.Model().Type("Patient").Choice("name"); got == nil || got.Choice {
		t.Errorf("Choice(name) = %+v, want the plain element", got)
	}
}

func TestTypes(t *testing.T) {
	m := r4.Model()
	for _, tc := range []struct {
		name, is string
		kind     schema.Kind
		abstract bool
	}{
		{"Patient", "DomainResource", schema.Resource, false},
		{"Bundle", "Resource", schema.Resource, false},
		{"DomainResource", "Resource", schema.Resource, true},
		{"code", "string", schema.Primitive, false},
		{"positiveInt", "integer", schema.Primitive, false},
		{"canonical", "uri", schema.Primitive, false},
		{"xhtml", "Element", schema.Primitive, false},
		{"Duration", "Quantity", schema.Complex, false},
		{"Dosage", "BackboneElement", schema.Complex, false},
		{"Element", "Element", schema.Complex, true},
		{"Dosage.doseAndRate", "Element", schema.Backbone, false},
		{"Task.restriction", "BackboneElement", schema.Backbone, false},
	} {
		typ := m.Type(tc.name)
		if typ == nil || !typ.Is(tc.is) || typ.Kind != tc.kind || typ.Abstract != tc.abstract {
			t.Errorf("Type(%q) = %+v, want a %v that is a %s", tc.name, typ, tc.kind, tc.is)
		}
	}
	for _, name := range []string{"", "Nope", "patient", "SimpleQuantity", "vitalsigns", "FiveWs", "MetadataResource", "Patient.name"} {
		if typ := m.Type(name); typ != nil {
			t.Errorf("Type(%q) = %v, want nil", name, typ.Name)
		}
	}
	if m.Type("Bundle").Is("DomainResource") {
		t.Error("Bundle is a DomainResource")
	}
}

// Bindings "limited to" a wider value set, and those of the types that are
// quantities of one kind. https://hl7.org/fhir/R4/resource.html#Resource,
// https://hl7.org/fhir/R4/datatypes.html#quantity
func TestBindings(t *testing.T) {
	const set = "http://hl7.org/fhir/ValueSet/"
	m := r4.Model()
	for _, tc := range []struct {
		name string
		got  *schema.Binding
		want schema.Binding
	}{
		{"Patient.language", m.Type("Patient").Element("language").Binding, schema.Binding{Strength: "preferred", ValueSet: set + "languages", Max: set + "all-languages"}},
		{"Attachment.language", m.Type("Attachment").Element("language").Binding, schema.Binding{Strength: "preferred", ValueSet: set + "languages", Max: set + "all-languages"}},
		{"Patient.gender", m.Type("Patient").Element("gender").Binding, schema.Binding{Strength: "required", ValueSet: set + "administrative-gender|4.0.1"}},
		{"Age", m.Type("Age").Binding, schema.Binding{Strength: "extensible", ValueSet: set + "age-units", Max: set + "all-time-units"}},
		{"Duration", m.Type("Duration").Binding, schema.Binding{Strength: "extensible", ValueSet: set + "duration-units", Max: set + "all-time-units"}},
		{"Distance", m.Type("Distance").Binding, schema.Binding{Strength: "extensible", ValueSet: set + "distance-units", Max: set + "all-distance-units"}},
	} {
		if tc.got == nil || *tc.got != tc.want {
			t.Errorf("%s is bound by %+v, want %+v", tc.name, tc.got, tc.want)
		}
	}
	for _, name := range []string{"Quantity", "Count", "Patient", "code"} {
		if b := m.Type(name).Binding; b != nil {
			t.Errorf("%s is bound by %+v", name, b)
		}
	}
	for canonical, want := range map[string]bool{
		"http://hl7.org/fhir/StructureDefinition/Patient|4.0.1": true, "http://hl7.org/fhir/StructureDefinition/Age": true,
		"http://hl7.org/fhir/StructureDefinition/vitalsigns": false, "http://hl7.org/fhir/StructureDefinition/SimpleQuantity": false,
	} {
		if got := m.Defined(canonical) != nil; got != want {
			t.Errorf("Defined(%s) = %v, want %v", canonical, got, want)
		}
	}
}

// The resource types are the codes of the value set resource-types.
func TestResources(t *testing.T) {
	m := r4.Model()
	codes, ok := m.Codes("http://hl7.org/fhir/ValueSet/resource-types|4.0.1")
	want := slices.DeleteFunc(slices.Sorted(slices.Values(codes)), func(c string) bool {
		return c == "Resource" || c == "DomainResource"
	})
	if !ok || len(want) != 146 || !slices.Equal(m.Resources(), want) {
		t.Errorf("Resources() = %v, want %v", m.Resources(), want)
	}
	if !m.IsResource("Device") || m.IsResource("DomainResource") || m.IsResource("HumanName") {
		t.Error("IsResource is wrong")
	}
}

func TestReferenceTargets(t *testing.T) {
	m := r4.Model()
	for _, tc := range []struct{ typ, property, want string }{
		{"Patient", "generalPractitioner", "Organization Practitioner PractitionerRole"},
		{"Task", "focus", ""},
		{"Observation", "subject", "Patient Group Device Location"},
	} {
		got := m.Type(tc.typ).Element(tc.property).Types[0].TargetTypes
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%s.%s may point to %v, want %s", tc.typ, tc.property, got, tc.want)
		}
	}
}

func TestInvariants(t *testing.T) {
	m := r4.Model()
	keys := func(list []schema.Invariant) string {
		var s []string
		for _, i := range list {
			s = append(s, i.Key)
		}
		return strings.Join(s, " ")
	}
	for _, tc := range []struct{ what, got, want string }{
		{"Element", keys(m.Type("Element").Invariants), "ele-1"},
		{"Extension", keys(m.Type("Extension").Invariants), "ext-1"},
		{"DomainResource", keys(m.Type("DomainResource").Invariants), "dom-2 dom-3 dom-4 dom-5 dom-6"},
		{"Patient", keys(m.Type("Patient").Invariants), ""},
		{"Patient.contact", keys(m.Type("Patient").Element("contact").Invariants), "pat-1"},
		{"Observation", keys(m.Type("Observation").Invariants), "obs-6 obs-7"},
		{"Reference", keys(m.Type("Reference").Invariants), "ref-1"},
	} {
		if tc.got != tc.want {
			t.Errorf("invariants of %s = %q, want %q", tc.what, tc.got, tc.want)
		}
	}
}

func TestSearchParameters(t *testing.T) {
	byURL := map[string]schema.SearchParameter{}
	seen := map[string]bool{}
	for _, p := range r4.Model().SearchParameters() {
		byURL[p.URL] = p
		for _, base := range p.Base {
			if key := base + " " + p.Code; seen[key] {
				t.Errorf("%s is defined twice", key)
			} else {
				seen[key] = true
			}
			if r4.Model().Type(base) == nil {
				t.Errorf("%s has the unknown base %s", p.URL, base)
			}
		}
	}
	if n := len(byURL); n < 1370 || n > 1400 {
		t.Errorf("%d search parameters, want nearly 1400", n)
	}
	const url = "http://hl7.org/fhir/SearchParameter/"
	if p := byURL[url+"clinical-patient"]; p.Type != "reference" || !slices.Contains(p.Base, "Procedure") || p.Code != "patient" {
		t.Errorf("clinical-patient = %+v", p)
	}
	if p := byURL[url+"Observation-code-value-quantity"]; len(p.Components) != 2 || p.Components[1].Definition != url+"Observation-value-quantity" || p.MultipleOr {
		t.Errorf("code-value-quantity = %+v", p)
	}
	for _, code := range []string{"_id", "_lastUpdated", "_tag", "_profile", "_security", "_source"} {
		if !seen["Resource "+code] {
			t.Errorf("no search parameter %s", code)
		}
	}
}

func TestCompartments(t *testing.T) {
	m := r4.Model()
	for _, tc := range []struct{ compartment, resource, want string }{
		{"Patient", "Observation", "subject performer"},
		{"Patient", "Patient", "link"},
		{"Patient", "Task", ""},
		{"Device", "DeviceRequest", "device subject requester performer"},
	} {
		if got := strings.Join(m.Compartment(tc.compartment)[tc.resource], " "); got != tc.want {
			t.Errorf("Compartment(%s)[%s] = %q, want %q", tc.compartment, tc.resource, got, tc.want)
		}
	}
	if m.Compartment("Group") != nil {
		t.Error("there is no compartment Group")
	}
}

func TestCodes(t *testing.T) {
	m := r4.Model()
	got, ok := m.Codes("http://hl7.org/fhir/ValueSet/administrative-gender")
	if !ok || !slices.Equal(got, []string{"male", "female", "other", "unknown"}) {
		t.Errorf("Codes(administrative-gender) = %v, %v", got, ok)
	}
	if _, ok := m.Codes("http://hl7.org/fhir/ValueSet/mimetypes|4.0.1"); ok {
		t.Error("MIME types can be listed")
	}
	const clinical = "http://terminology.hl7.org/CodeSystem/condition-clinical"
	if vs := "http://hl7.org/fhir/ValueSet/condition-clinical|4.0.1"; !m.HasCode(vs, clinical, "relapse") ||
		m.HasCode(vs, clinical, "gone") || m.HasCode(vs, "http://else", "relapse") || m.HasCode("http://none", clinical, "relapse") {
		t.Error("HasCode(condition-clinical) is wrong")
	}
	if s := m.Systems("http://hl7.org/fhir/ValueSet/condition-clinical"); len(s) != 1 || s[0].URL != clinical {
		t.Errorf("Systems = %v", s)
	}
}

func BenchmarkDecode(b *testing.B) {
	file, err := os.ReadFile("definitions.json.gz")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schema.Decode(strings.NewReader(string(file))); err != nil {
			b.Fatal(err)
		}
	}
}
