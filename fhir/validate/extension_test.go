package validate_test

import (
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

// simpleExtensions calls visit for the extensions of R4 that have a value of
// one type and stand at a resource.
func simpleExtensions(t *testing.T, visit func(url, resource, property string, modifier bool, value any)) {
	t.Helper()
	for def := range r4.Library().All("StructureDefinition") {
		if def.Of != "Extension" || def.Derivation != "constraint" || !strings.HasPrefix(def.URL, "http://hl7.org/fhir/StructureDefinition/") {
			continue
		}
		n, err := def.Node()
		if err != nil {
			t.Fatal(err)
		}
		contexts := n.Field("context")
		resource := contexts.First().Field("expression").Str()
		anywhere := false
		for c := range contexts.Items() {
			switch c.Field("expression").Str() {
			case "Element", "Resource", "DomainResource", "Basic", "Linkage":
				anywhere = true
			}
		}
		if anywhere || contexts.First().Field("type").Str() != "element" || !r4.Model().IsResource(resource) || n.Field("contextInvariant").Exists() {
			continue
		}
		var value any
		property, modifier := "", false
		for e := range n.Field("snapshot").Field("element").Items() {
			switch e.Field("path").Str() {
			case "Extension":
				modifier = e.Field("isModifier").Bool()
			case "Extension.value[x]":
				code := e.Field("type").First().Field("code").Str()
				typ := r4.Model().Type(code)
				if e.Field("max").Str() == "0" || e.Field("type").Len() != 1 || typ == nil || typ.Name == "Reference" || e.Field("binding").Field("strength").Str() == "required" {
					continue
				}
				property = "value" + strings.ToUpper(code[:1]) + code[1:]
				value = valueOf(&schema.Element{}, schema.TypeRef{Type: typ})
			}
		}
		if value != nil {
			visit(def.URL, resource, property, modifier, value)
		}
	}
}

// TestExtensionsOfR4 puts each simple extension of R4 where it may stand, where
// it may not, among the modifiers, and with another value.
func TestExtensionsOfR4(t *testing.T) {
	n := 0
	simpleExtensions(t, func(url, resource, property string, modifier bool, value any) {
		if resource == "StructureDefinition" || resource == "ValueSet" || resource == "CodeSystem" {
			return // conformance resources have rules of their own about theirs
		}
		n += 3
		t.Run(url[strings.LastIndexByte(url, '/')+1:], func(t *testing.T) {
			at, other := "extension", "modifierExtension"
			if modifier {
				at, other = other, at
			}
			put := func(resource, at string, ext object) string {
				o := least(r4.Model().Type(resource))
				o[at] = []any{ext}
				return write(o)
			}
			right := object{"url": url, property: value}
			fault(t, whole(), put(resource, at, right), "", nil)
			fault(t, whole(), put(resource, other, right), resource+"."+other+"[0] extension-modifier", nil)
			elsewhere := "Basic"
			if resource == "Basic" {
				elsewhere = "Linkage"
			}
			fault(t, whole(), put(elsewhere, at, right), elsewhere+" extension-context", nil)
			wrong := object{"url": url, "valueMoney": object{"value": 1}}
			fault(t, whole(), put(resource, at, wrong), resource+"."+at+"[0].value type-not-allowed", nil)
		})
	})
	atLeast(t, n, 60)
}

// inContext defines an extension with a context of a kind.
func inContext(kind, expression string, more object) *definition.Resource {
	o := object{
		"resourceType": "StructureDefinition", "url": "http://tenon.test/e", "name": "E", "status": "active", "kind": "complex-type",
		"abstract": false, "type": "Extension", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension", "derivation": "constraint",
		"context": []any{object{"type": kind, "expression": expression}},
		"differential": object{"element": []any{
			object{"id": "Extension", "path": "Extension"},
			object{"id": "Extension.url", "path": "Extension.url", "fixedUri": "http://tenon.test/e"},
			object{"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": []any{object{"code": "code"}}},
		}},
	}
	for name, v := range more {
		o[name] = v
	}
	return define(write(o))
}

// TestExtensionContext: where an extension stands against where it may stand.
func TestExtensionContext(t *testing.T) {
	const e = `"extension":[{"url":"http://tenon.test/e","valueCode":"a"}]`
	name := `"name":[{"text":"x",` + e + `}]`
	family := `"name":[{"family":"x","_family":{` + e + `}}]`
	birth := `"birthDate":"2000","_birthDate":{` + e + `}`
	contact := `"contact":[{"name":{"text":"x"},` + e + `}]`
	contactName := `"contact":[{"name":{"text":"x",` + e + `}}]`
	nested := `"extension":[{"url":"http://tenon.test/outer","extension":[{"url":"http://tenon.test/e","valueCode":"a"}]}]`
	for _, tc := range []struct{ kind, context, typ, members, want string }{
		{"element", "Patient", "Patient", e, ""},
		{"element", "Resource", "Patient", e, ""},
		{"element", "DomainResource", "Patient", e, ""},
		{"element", "Element", "Patient", e, ""},
		{"element", "Group", "Patient", e, "Patient extension-context"},
		{"element", "Patient.name", "Patient", e, "Patient extension-context"},
		{"element", "Patient.name", "Patient", name, ""},
		{"element", "HumanName", "Patient", name, ""},
		{"element", "Element", "Patient", name, ""},
		{"element", "Address", "Patient", name, "Patient.name[0] extension-context"},
		{"element", "Patient.contact.name", "Patient", name, "Patient.name[0] extension-context"},
		{"element", "Patient.contact.name", "Patient", contactName, ""},
		{"element", "Patient.name", "Patient", contactName, "Patient.contact[0].name extension-context"},
		{"element", "Patient.contact", "Patient", contact, ""},
		{"element", "BackboneElement", "Patient", contact, ""},
		{"element", "Patient", "Patient", contact, "Patient.contact[0] extension-context"},
		{"element", "HumanName.family", "Patient", family, ""},
		{"element", "Patient.name.family", "Patient", family, ""},
		{"element", "string", "Patient", family, ""},
		{"element", "HumanName.given", "Patient", family, "Patient.name[0].family extension-context"},
		{"element", "code", "Patient", family, "Patient.name[0].family extension-context"},
		{"element", "Patient.birthDate", "Patient", birth, ""},
		{"element", "date", "Patient", birth, ""},
		{"element", "dateTime", "Patient", birth, "Patient.birthDate extension-context"},
		{"element", "Patient", "Patient", birth, "Patient.birthDate extension-context"},
		{"element", "Observation.value[x]", "Observation", `"valueQuantity":{"value":1,` + e + `}`, ""},
		{"element", "Observation.value", "Observation", `"valueQuantity":{"value":1,` + e + `}`, ""},
		{"element", "Quantity", "Observation", `"valueQuantity":{"value":1,` + e + `}`, ""},
		{"element", "Observation.component.value[x]", "Observation", `"valueQuantity":{"value":1,` + e + `}`, "Observation.value extension-context"},
		{"element", "Questionnaire.item", "Questionnaire", `"item":[{"linkId":"1","type":"group","item":[{"linkId":"2","type":"string",` + e + `}]}]`, ""},
		{"element", "Questionnaire.item.code", "Questionnaire", `"item":[{"linkId":"1","type":"group","item":[{"linkId":"2","type":"string","code":[{"code":"x",` + e + `}]}]}]`, ""},
		{"element", "Questionnaire", "Questionnaire", `"item":[{"linkId":"1","type":"string",` + e + `}]`, "Questionnaire.item[0] extension-context"},
		{"element", "Timing.repeat", "ServiceRequest", `"occurrenceTiming":{"repeat":{"count":1,` + e + `}}`, ""},
		{"element", "Timing", "ServiceRequest", `"occurrenceTiming":{"repeat":{"count":1,` + e + `}}`, "ServiceRequest.occurrence.repeat extension-context"},
		{"element", "Patient", "Observation", `"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p",` + e + `}]`, ""},
		{"element", "Observation", "Observation", `"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p",` + e + `}]`, "Observation.contained[0] extension-context"},
		{"extension", "http://tenon.test/outer", "Patient", nested, ""},
		{"extension", "http://tenon.test/another", "Patient", nested, "Patient.extension[0] extension-context"},
		{"extension", "http://tenon.test/outer", "Patient", e, "Patient extension-context"},
		{"fhirpath", "Patient.name", "Patient", name, ""},
		{"fhirpath", "Patient.name.where(use = 'official')", "Patient", name, "Patient.name[0] extension-context"},
		{"fhirpath", "Patient.birthDate", "Patient", birth, ""},
		{"fhirpath", "Patient", "Patient", e, ""},
	} {
		t.Run(tc.context+" "+tc.want, func(t *testing.T) {
			outer := define(`{"resourceType":"StructureDefinition","url":"http://tenon.test/outer","name":"O","status":"active","kind":"complex-type","abstract":false,"type":"Extension","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Extension","derivation":"constraint","context":[{"type":"element","expression":"Patient"}],
				"differential":{"element":[{"id":"Extension","path":"Extension"},{"id":"Extension.value[x]","path":"Extension.value[x]","max":"0"}]}}`)
			fault(t, setOf(inContext(tc.kind, tc.context, nil), outer), with(tc.typ, tc.members), tc.want, nil)
		})
	}
}

// TestExtension: other faults of extensions.
func TestExtension(t *testing.T) {
	const e = `"extension":[{"url":"http://tenon.test/e","valueCode":"a"}]`
	known := []*definition.Resource{inContext("element", "Patient", nil)}
	invariant := []*definition.Resource{inContext("element", "Patient", object{"contextInvariant": []any{"active.exists()"}})}
	complexExt := []*definition.Resource{define(`{"resourceType":"StructureDefinition","url":"http://tenon.test/e","name":"E","status":"active","kind":"complex-type","abstract":false,"type":"Extension","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Extension","derivation":"constraint","context":[{"type":"element","expression":"Patient"}],
		"differential":{"element":[{"id":"Extension","path":"Extension"},
		{"id":"Extension.extension","path":"Extension.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"closed"},"min":1},
		{"id":"Extension.extension:colour","path":"Extension.extension","sliceName":"colour","min":1,"max":"1"},
		{"id":"Extension.extension:colour.url","path":"Extension.extension.url","fixedUri":"colour"},
		{"id":"Extension.extension:colour.value[x]","path":"Extension.extension.value[x]","min":1,"type":[{"code":"code"}]},
		{"id":"Extension.extension:size","path":"Extension.extension","sliceName":"size","min":0,"max":"1"},
		{"id":"Extension.extension:size.url","path":"Extension.extension.url","fixedUri":"size"},
		{"id":"Extension.extension:size.value[x]","path":"Extension.extension.value[x]","min":1,"type":[{"code":"integer"}]},
		{"id":"Extension.url","path":"Extension.url","fixedUri":"http://tenon.test/e"},
		{"id":"Extension.value[x]","path":"Extension.value[x]","max":"0"}]}}`)}
	part := func(parts string) string {
		return with("Patient", `"extension":[{"url":"http://tenon.test/e","extension":[`+parts+`]}]`)
	}
	strict := &validate.Options{UnknownExtension: issue.Error}
	for _, tc := range []struct {
		name  string
		known []*definition.Resource
		src   string
		want  string
		o     *validate.Options
	}{
		{"known", known, with("Patient", e), "", nil},
		{"value of another type", known, with("Patient", `"extension":[{"url":"http://tenon.test/e","valueString":"a"}]`), "Patient.extension[0].value type-not-allowed", nil},
		{"unknown is a warning", nil, with("Patient", e), "", nil},
		{"unknown is an error on demand", nil, with("Patient", e), "Patient.extension[0] extension-unknown", strict},
		{"unknown in a domain that needs none", nil, with("Patient", e), "", &validate.Options{UnknownExtension: issue.Error, ExtensionDomains: []string{"http://tenon.test/"}}},
		{"unknown modifier", nil, with("Patient", `"modifierExtension":[{"url":"http://tenon.test/e","valueCode":"a"}]`), "Patient.modifierExtension[0] extension-unknown", nil},
		{"unknown below a primitive", nil, with("Patient", `"birthDate":"2000","_birthDate":{`+e+`}`), "Patient.birthDate.extension[0] extension-unknown", strict},
		{"unknown of HL7", nil, with("Patient", `"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/no-such","valueCode":"a"}]`), "", strict},
		{"of an element of R5", nil, with("Patient", `"extension":[{"url":"http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.animal","valueCode":"a"}]`), "", strict},
		{"of an example", nil, with("Patient", `"extension":[{"url":"http://example.org/e","valueCode":"a"}]`), "", &validate.Options{UnknownExtension: issue.Error, ExampleURLs: true}},
		{"url that is a name", nil, with("Patient", `"extension":[{"url":"e","valueCode":"a"}]`), "Patient.extension[0] extension-url", nil},
		{"url of a profile", []*definition.Resource{profileOf("p", "Patient", `{"id":"Patient"}`)}, with("Patient", `"extension":[{"url":"`+own+`p","valueCode":"a"}]`), "Patient.extension[0] extension-definition", nil},
		{"context invariant", invariant, with("Patient", e), "Patient.extension[0] extension-context-invariant", nil},
		{"context invariant held", invariant, with("Patient", `"active":true,`+e), "", nil},
		{"parts", complexExt, part(`{"url":"colour","valueCode":"red"},{"url":"size","valueInteger":1}`), "", nil},
		{"part missing", complexExt, part(`{"url":"size","valueInteger":1}`), "Patient.extension[0] slice-min", nil},
		{"part twice", complexExt, part(`{"url":"colour","valueCode":"red"},{"url":"colour","valueCode":"blue"}`), "Patient.extension[0] slice-max", nil},
		{"part of another type", complexExt, part(`{"url":"colour","valueString":"red"}`), "Patient.extension[0].extension[0].value type-not-allowed", nil},
		{"part unknown", complexExt, part(`{"url":"colour","valueCode":"red"},{"url":"weight","valueInteger":1}`), "Patient.extension[0].extension[1] slicing-closed", nil},
		{"value beside parts", complexExt, with("Patient", `"extension":[{"url":"http://tenon.test/e","valueCode":"a"}]`), "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.name == "value beside parts" { // two rules of the definition at once
				if got := errorsOf(t, setOf(tc.known...), tc.src, tc.o); !contains(got, "Patient.extension[0] profile-max") {
					t.Errorf("%s has %q, want Patient.extension[0] profile-max among them", tc.src, got)
				}
				return
			}
			fault(t, setOf(tc.known...), tc.src, tc.want, tc.o)
		})
	}
}
