package validate_test

import (
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/validate"
)

const (
	colours   = `{"resourceType":"CodeSystem","url":"http://t/colours","status":"active","content":"complete","caseSensitive":true,"concept":[{"code":"red","display":"Red"},{"code":"blue","display":"Blue"},{"code":"old","display":"Old","property":[{"code":"status","valueCode":"retired"}]}]}`
	warm      = `{"resourceType":"ValueSet","url":"http://t/warm","status":"active","compose":{"include":[{"system":"http://t/colours","concept":[{"code":"red"}]}]}}`
	anyColour = `{"resourceType":"ValueSet","url":"http://t/any","status":"active","compose":{"include":[{"system":"http://t/colours"}]}}`
	grams     = `{"resourceType":"ValueSet","url":"http://t/grams","status":"active","compose":{"include":[{"system":"http://unitsofmeasure.org","concept":[{"code":"g"},{"code":"kg"}]}]}}`
	withExtra = `{"id":"Observation.code","binding":{"strength":"example","valueSet":"http://t/any","extension":[{"url":"http://hl7.org/fhir/tools/StructureDefinition/additional-binding","extension":[{"url":"purpose","valueCode":"required"},{"url":"valueSet","valueCanonical":"http://t/warm"}]}]}}`
	withMax   = `{"id":"Observation.code","binding":{"strength":"extensible","valueSet":"http://t/warm","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet","valueCanonical":"http://t/any"}]}}`
)

func coding(system, code string) string {
	return `{"coding":[{"system":"` + system + `","code":"` + code + `"}]}`
}

// TestBinding: each document breaks one binding of a profile, or none; what is
// only warned of is told by "warning".
func TestBinding(t *testing.T) {
	code := `{"id":"Observation.code","binding":{"strength":"required","valueSet":"http://t/warm"}}`
	extensible := `{"id":"Observation.code","binding":{"strength":"extensible","valueSet":"http://t/warm"}}`
	quantity := `{"id":"Observation.value[x]","type":[{"code":"Quantity"}],"binding":{"strength":"required","valueSet":"http://t/grams"}}`
	text := `{"id":"Observation.value[x]","type":[{"code":"string"}],"binding":{"strength":"required","valueSet":"http://t/warm"}}`
	uri := `{"id":"Observation.implicitRules","binding":{"strength":"required","valueSet":"http://t/warm"}}`
	label := `{"id":"Observation.meta.security","binding":{"strength":"required","valueSet":"http://t/warm"}}`
	contained := `{"id":"Observation.code","binding":{"strength":"required","valueSet":"http://t/nowhere"}}`
	for _, tc := range []struct{ name, element, members, want, warning string }{
		{"required held", code, `"code":` + coding("http://t/colours", "red"), "", ""},
		{"required broken", code, `"code":` + coding("http://t/colours", "blue"), "Observation.code binding-required", ""},
		{"required by another system", code, `"code":` + coding("http://t/other", "red"), "Observation.code binding-required", ""},
		{"required without a system", code, `"code":{"coding":[{"code":"blue"}]}`, "Observation.code binding-required", ""},
		{"required with text only", code, `"code":{"text":"red"}`, "Observation.code binding-required", ""},
		{"required by one of two", code, `"code":{"coding":[{"system":"http://t/x","code":"y"},{"system":"http://t/colours","code":"red"}]}`, "", ""},
		{"required by none of two", code, `"code":{"coding":[{"system":"http://t/x","code":"y"},{"system":"http://t/colours","code":"blue"}]}`, "Observation.code binding-required", ""},
		{"required and absent with a reason", code, `"code":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}`, "", ""},

		{"extensible held", extensible, `"code":` + coding("http://t/colours", "red"), "", ""},
		{"extensible not held", extensible, `"code":` + coding("http://t/colours", "blue"), "", "Observation.code binding-extensible"},
		{"extensible with text only", extensible, `"code":{"text":"x"}`, "", ""},

		{"units held", quantity, `"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"kg"}`, "", ""},
		{"units broken", quantity, `"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"mg"}`, "Observation.value binding-required", ""},
		{"units of another system", quantity, `"valueQuantity":{"value":1,"system":"http://t/units","code":"kg"}`, "Observation.value binding-required", ""},

		{"string held", text, `"valueString":"red"`, "", ""},
		{"string broken", text, `"valueString":"blue"`, "Observation.value binding-required", ""},
		{"uri broken", uri, `"implicitRules":"http://t/x"`, "Observation.implicitRules binding-required", ""},
		{"Coding held", label, `"meta":{"profile":["` + own + `p"],"security":[{"system":"http://t/colours","code":"red"}]}`, "", ""},
		{"Coding broken", label, `"meta":{"profile":["` + own + `p"],"security":[{"system":"http://t/colours","code":"blue"}]}`, "Observation.meta.security[0] binding-required", ""},

		{"value set that is not there", contained, `"code":` + coding("http://t/colours", "red"), "", "Observation.code binding-unjudged"},

		{"additional binding held", withExtra, `"code":` + coding("http://t/colours", "red"), "", ""},
		{"additional binding broken", withExtra, `"code":` + coding("http://t/colours", "blue"), "Observation.code binding-required", ""},
		{"maximum held", withMax, `"code":` + coding("http://t/colours", "blue"), "", "Observation.code binding-extensible"},
		{"maximum broken", withMax, `"code":` + coding("http://t/x", "y"), "Observation.code binding-max", "Observation.code binding-extensible"},

		{"code that the system has not", extensible, `"code":` + coding("http://t/colours", "green"), "Observation.code.coding[0].code code-unknown", "Observation.code binding-extensible"},
		{"display that the code has not", extensible, `"code":{"coding":[{"system":"http://t/colours","code":"red","display":"Blue"}]}`, "Observation.code.coding[0].display display-wrong", ""},
		{"display right", extensible, `"code":{"coding":[{"system":"http://t/colours","code":"red","display":"Red"}]}`, "", ""},
		{"system that is not there", extensible, `"code":{"coding":[{"system":"http://t/colours","code":"red"},{"system":"http://t/unknown","code":"y"}]}`, "", "Observation.code.coding[1].system code-system-unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := setOf(define(colours), define(warm), define(anyColour), define(grams), profileOf("p", "Observation", `{"id":"Observation"},`+tc.element))
			src := with("Observation", tc.members)
			if read(src)["meta"] == nil {
				src = claim(src, "p")
			}
			fault(t, s, src, tc.want, nil)
			if got := warningsOf(t, s, src); tc.warning != "" && !contains(got, tc.warning) {
				t.Errorf("%s warns of %q, want %q", src, got, tc.warning)
			} else if tc.warning == "" && contains(got, "Observation.code binding-extensible") {
				t.Errorf("%s warns of %q, want nothing", src, got)
			}
		})
	}
	t.Run("the weight of a wrong display is an option", func(t *testing.T) {
		s := setOf(define(colours))
		src := with("Observation", `"code":{"coding":[{"system":"http://t/colours","code":"red","display":"Blue"}]}`)
		fault(t, s, src, "", &validate.Options{WrongDisplay: issue.Warning})
	})
}

// TestBaseBinding: bindings of the base that are more than a list of codes.
func TestBaseBinding(t *testing.T) {
	for _, tc := range []struct{ typ, members, want string }{
		{"Patient", `"language":"xx-yy-zz-no"`, "Patient.language binding-max"},
		{"Patient", `"language":"de-CH"`, ""},
		{"Patient", `"language":"zh-Hans-CN"`, ""},
		{"Patient", `"communication":[{"language":{"coding":[{"system":"urn:ietf:bcp:47","code":"de"}]}}]`, ""},
		{"Patient", `"photo":[{"contentType":"image/png","url":"http://t/x.png"}]`, ""},
		{"Patient", `"photo":[{"contentType":"image","url":"http://t/x.png"}]`, "Patient.photo[0].contentType binding-required"},
		{"Patient", `"photo":[{"contentType":"text/plain; charset=utf-8","url":"http://t/x"}]`, ""},
		{"CapabilityStatement", `"format":["json"]`, ""},
		{"CapabilityStatement", `"format":["text plain"]`, "CapabilityStatement.format[0] binding-required"},
		{"Condition", `"onsetAge":{"value":3,"system":"http://unitsofmeasure.org","code":"a"}`, ""},
	} {
		t.Run(tc.typ+" "+tc.members, func(t *testing.T) { fault(t, whole(), with(tc.typ, tc.members), tc.want, nil) })
	}
}
