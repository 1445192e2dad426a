package validate_test

import (
	"testing"

	"tenon/fhir/validate"
)

// TestContainer: faults of resources within resources, and of what holds them.
func TestContainer(t *testing.T) {
	named := profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`)
	s := setOf(named,
		profileOf("entries", "Bundle", `{"id":"Bundle"},{"id":"Bundle.entry","min":1},{"id":"Bundle.entry.resource","min":1,"type":[{"code":"Patient","profile":["`+own+`named"]}]}`),
		profileOf("parameters", "Parameters", `{"id":"Parameters"},{"id":"Parameters.parameter","slicing":{"discriminator":[{"type":"value","path":"name"}],"rules":"closed"}},
			{"id":"Parameters.parameter:subject","min":1,"max":"1"},{"id":"Parameters.parameter:subject.name","fixedString":"subject"},
			{"id":"Parameters.parameter:subject.resource","min":1,"type":[{"code":"Patient","profile":["`+own+`named"]}]}`),
		profileOf("holder", "Observation", `{"id":"Observation"},{"id":"Observation.contained","max":"1"}`),
		profileOf("holds", "Observation", `{"id":"Observation"},{"id":"Observation.contained","type":[{"code":"Patient","profile":["`+own+`named"]}]}`),
	)
	const urn = `"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520",`
	bundle := func(resource string) string { return with("Bundle", `"entry":[{`+urn+`"resource":`+resource+`}]`) }
	group := `{"resourceType":"Group","id":"g","type":"person","actual":true}`
	claims := `"meta":{"profile":["` + own + `named"]}`
	for _, tc := range []struct{ name, src, want string }{
		{"claim of an entry", bundle(`{"resourceType":"Patient",` + claims + `}`), "Bundle.entry[0].resource profile-min"},
		{"claim of an entry held", bundle(`{"resourceType":"Patient",` + claims + `,"name":[{"text":"x"}]}`), ""},
		{"claim of a contained", with("Observation", `"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p",`+claims+`}]`), "Observation.contained[0] profile-min"},
		{"claim of a parameter", with("Parameters", `"parameter":[{"name":"a","resource":{"resourceType":"Patient",`+claims+`}}]`), "Parameters.parameter[0].resource profile-min"},
		{"claim of a part", with("Parameters", `"parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Patient",`+claims+`}}]}]`), "Parameters.parameter[0].part[0].resource profile-min"},

		{"profile of entries", claim(bundle(`{"resourceType":"Patient","id":"p"}`), "entries"), "Bundle.entry[0].resource profile-min"},
		{"profile of entries held", claim(bundle(`{"resourceType":"Patient","id":"p","name":[{"text":"x"}]}`), "entries"), ""},
		{"type of entries", claim(bundle(group), "entries"), "Bundle.entry[0].resource type-not-allowed"},
		{"entry missing", claim(with("Bundle", ``), "entries"), "Bundle profile-min"},

		{"profile of a parameter", claim(with("Parameters", `"parameter":[{"name":"subject","resource":{"resourceType":"Patient"}}]`), "parameters"), "Parameters.parameter[0].resource profile-min"},
		{"profile of a parameter held", claim(with("Parameters", `"parameter":[{"name":"subject","resource":{"resourceType":"Patient","name":[{"text":"x"}]}}]`), "parameters"), ""},
		{"type of a parameter", claim(with("Parameters", `"parameter":[{"name":"subject","resource":`+group+`}]`), "parameters"), "Parameters.parameter[0].resource type-not-allowed"},
		{"parameter that is not wanted", claim(with("Parameters", `"parameter":[{"name":"subject","resource":{"resourceType":"Patient","name":[{"text":"x"}]}},{"name":"x","valueCode":"y"}]`), "parameters"), "Parameters.parameter[1] slicing-closed"},

		{"one contained", claim(with("Observation", `"subject":{"reference":"#g"},"contained":[`+group+`]`), "holder"), ""},
		{"two contained", claim(with("Observation", `"subject":{"reference":"#g"},"performer":[{"reference":"#p"}],"contained":[`+group+`,{"resourceType":"Patient","id":"p"}]`), "holder"), "Observation profile-max"},
		{"contained of a type", claim(with("Observation", `"subject":{"reference":"#g"},"contained":[`+group+`]`), "holds"), "Observation.contained[0] type-not-allowed"},
		{"contained of a profile", claim(with("Observation", `"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p"}]`), "holds"), "Observation.contained[0] profile-min"},

		{"contained and not referred to", with("Observation", `"contained":[`+group+`]`), "Observation.contained[0] dom-3"},
		{"contained and referred to by another contained", with("Observation", `"subject":{"reference":"#p"},"contained":[{"resourceType":"Organization","id":"o","name":"x"},{"resourceType":"Patient","id":"p","managingOrganization":{"reference":"#o"}}]`), ""},
		{"contained that refers to its container", with("Patient", `"contained":[{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"subject":{"reference":"#"}}]`), ""},
		{"contained and referred to by a canonical", with("QuestionnaireResponse", `"status":"in-progress","questionnaire":"#q","contained":[{"resourceType":"Questionnaire","id":"q","status":"draft"}]`), ""},
		{"contained by an id that is taken", with("Observation", `"subject":{"reference":"#g"},"contained":[`+group+`,{"resourceType":"Group","id":"g","type":"animal","actual":true}]`), "Observation.contained[1] contained-id-duplicate"},
		{"contained in contained", with("Observation", `"subject":{"reference":"#g"},"contained":[{"resourceType":"Group","id":"g","type":"person","actual":true,"contained":[{"resourceType":"Patient","id":"p"}]}]`), "Observation.contained[0].contained[0] dom-2"},
		{"fault of a contained", with("Observation", `"subject":{"reference":"#g"},"contained":[{"resourceType":"Group","id":"g","type":"person"}]`), "Observation.contained[0] cardinality-min"},
		{"invariant of a contained", with("Observation", `"subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","telecom":[{"value":"1"}]}]`), "Observation.contained[0].telecom[0] cpt-2"},
		{"invariant of an entry", bundle(`{"resourceType":"Organization"}`), "Bundle.entry[0].resource org-1"},
		{"invariant with %resource in an entry", bundle(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://t/c","code":"a"}]},"valueString":"x","component":[{"code":{"coding":[{"system":"http://t/c","code":"a"}]}}]}`), "Bundle.entry[0].resource obs-7"},
		{"fragment out of its entry", with("Bundle", `"entry":[{`+urn+`"resource":{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o","name":"x"}],"managingOrganization":{"reference":"#o"}}},{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":{"resourceType":"Patient","managingOrganization":{"reference":"#o"}}}]`), "Bundle.entry[1].resource.managingOrganization reference-unresolved"},

		{"vital sign without a claim", with("Observation", `"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020-01-01","valueQuantity":{"value":70,"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}]`), ""},
		{"vital sign in another unit", with("Observation", `"code":{"coding":[{"system":"http://loinc.org","code":"29463-7"}]},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2020-01-01","valueQuantity":{"value":70,"unit":"m","system":"http://unitsofmeasure.org","code":"m"},"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}]}]`), "Observation.value.code binding-required"},
	} {
		t.Run(tc.name, func(t *testing.T) { fault(t, s, tc.src, tc.want, nil) })
	}
	t.Run("contained resources are not judged on demand", func(t *testing.T) {
		fault(t, s, with("Observation", `"contained":[{"resourceType":"Group","id":"a_b"}]`), "", &validate.Options{Contained: validate.IgnoreContained})
	})
}

// TestOptionProfiles: profiles that the caller asks for.
func TestOptionProfiles(t *testing.T) {
	s := setOf(profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`))
	for _, tc := range []struct{ typ, profile, want string }{
		{"Patient", own + "named", "Patient profile-min"},
		{"Group", own + "named", "Group profile-type"},
		{"Patient", "http://hl7.org/fhir/StructureDefinition/Patient", ""},
		{"Patient", "http://hl7.org/fhir/StructureDefinition/Group", "Patient profile-type"},
		{"Patient", "http://tenon.test/nowhere", "Patient profile-unknown"},
	} {
		fault(t, s, with(tc.typ, ``), tc.want, &validate.Options{Profiles: []string{tc.profile}})
	}
}
