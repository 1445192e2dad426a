package validate_test

import (
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/validate"
)

// slicings are profiles, each with what discriminates in another way.
var slicings = map[string]func() []*definition.Resource{
	// by a value two steps down, fixed there
	"value": func() []*definition.Resource {
		return []*definition.Resource{profileOf("value", "Patient", `{"id":"Patient"},
			{"id":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
			{"id":"Patient.identifier:mrn","min":1,"max":"1"},
			{"id":"Patient.identifier:mrn.system","min":1,"fixedUri":"http://t/mrn"},
			{"id":"Patient.identifier:mrn.value","min":1},
			{"id":"Patient.identifier:tax","min":0,"max":"2"},
			{"id":"Patient.identifier:tax.system","min":1,"fixedUri":"http://t/tax"}`)}
	},
	"closed": func() []*definition.Resource {
		return []*definition.Resource{profileOf("closed", "Patient", `{"id":"Patient"},
			{"id":"Patient.telecom","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"closed"}},
			{"id":"Patient.telecom:phone","max":"1"},{"id":"Patient.telecom:phone.system","min":1,"fixedCode":"phone"},
			{"id":"Patient.telecom:mail","max":"1"},{"id":"Patient.telecom:mail.system","min":1,"fixedCode":"email"}`)}
	},
	"ordered": func() []*definition.Resource {
		return []*definition.Resource{profileOf("ordered", "Patient", `{"id":"Patient"},
			{"id":"Patient.telecom","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"openAtEnd","ordered":true}},
			{"id":"Patient.telecom:phone","max":"1"},{"id":"Patient.telecom:phone.system","min":1,"fixedCode":"phone"},
			{"id":"Patient.telecom:mail","max":"1"},{"id":"Patient.telecom:mail.system","min":1,"fixedCode":"email"}`)}
	},
	// by a pattern of the whole value
	"pattern": func() []*definition.Resource {
		return []*definition.Resource{profileOf("pattern", "Observation", `{"id":"Observation"},
			{"id":"Observation.category","slicing":{"discriminator":[{"type":"pattern","path":"$this"}],"rules":"open"},"min":1},
			{"id":"Observation.category:lab","min":1,"max":"1","patternCodeableConcept":{"coding":[{"system":"http://t/cat","code":"lab"}]}}`)}
	},
	// by a value below a pattern: coding.code of a patternCodeableConcept
	"below": func() []*definition.Resource {
		return []*definition.Resource{profileOf("below", "Observation", `{"id":"Observation"},
			{"id":"Observation.component","slicing":{"discriminator":[{"type":"value","path":"code.coding.code"}],"rules":"open"}},
			{"id":"Observation.component:a","min":1,"max":"1"},
			{"id":"Observation.component:a.code","patternCodeableConcept":{"coding":[{"code":"a"}]}},
			{"id":"Observation.component:a.value[x]","min":1,"type":[{"code":"Quantity"}]},
			{"id":"Observation.component:b","min":0,"max":"1"},
			{"id":"Observation.component:b.code","patternCodeableConcept":{"coding":[{"code":"b"}]}}`)}
	},
	"exists": func() []*definition.Resource {
		return []*definition.Resource{profileOf("exists", "Patient", `{"id":"Patient"},
			{"id":"Patient.name","slicing":{"discriminator":[{"type":"exists","path":"period"}],"rules":"open"}},
			{"id":"Patient.name:current","min":1,"max":"1"},{"id":"Patient.name:current.period","max":"0"},{"id":"Patient.name:current.family","min":1},
			{"id":"Patient.name:former","max":"1"},{"id":"Patient.name:former.period","min":1}`)}
	},
	"type": func() []*definition.Resource {
		return []*definition.Resource{profileOf("type", "Observation", `{"id":"Observation"},
			{"id":"Observation.value[x]","slicing":{"discriminator":[{"type":"type","path":"$this"}],"rules":"closed"}},
			{"id":"Observation.value[x]:valueQuantity","min":0,"max":"1","type":[{"code":"Quantity"}]},{"id":"Observation.value[x]:valueQuantity.code","min":1},
			{"id":"Observation.value[x]:valueString","min":0,"max":"1","type":[{"code":"string"}]}`)}
	},
	"resource": func() []*definition.Resource {
		return []*definition.Resource{profileOf("resource", "Bundle", `{"id":"Bundle"},
			{"id":"Bundle.entry","slicing":{"discriminator":[{"type":"type","path":"resource"}],"rules":"open"}},
			{"id":"Bundle.entry:patient","min":1,"max":"1"},{"id":"Bundle.entry:patient.resource","min":1,"type":[{"code":"Patient"}]},
			{"id":"Bundle.entry:device","max":"1"},{"id":"Bundle.entry:device.resource","min":1,"type":[{"code":"Device"}]}`)}
	},
	"profile": func() []*definition.Resource {
		return []*definition.Resource{
			profileOf("named", "Patient", `{"id":"Patient"},{"id":"Patient.name","min":1}`),
			profileOf("profile", "Bundle", `{"id":"Bundle"},
			{"id":"Bundle.entry","slicing":{"discriminator":[{"type":"profile","path":"resource"}],"rules":"open"}},
			{"id":"Bundle.entry:named","min":1,"max":"1"},{"id":"Bundle.entry:named.resource","min":1,"type":[{"code":"Patient","profile":["`+own+`named"]}]}`)}
	},
	"resolve": func() []*definition.Resource {
		return []*definition.Resource{profileOf("resolve", "Observation", `{"id":"Observation"},
			{"id":"Observation.performer","slicing":{"discriminator":[{"type":"type","path":"resolve()"}],"rules":"open"}},
			{"id":"Observation.performer:org","min":1,"max":"1","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Organization"]}]}`)}
	},
	"extension": func() []*definition.Resource {
		return []*definition.Resource{
			extensionOf("http://tenon.test/colour", "Patient", "code"), extensionOf("http://tenon.test/size", "Patient", "code"),
			profileOf("extension", "Patient", `{"id":"Patient"},
			{"id":"Patient.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"}},
			{"id":"Patient.extension:colour","min":1,"max":"1","type":[{"code":"Extension","profile":["http://tenon.test/colour"]}]}`)}
	},
	"byExtension": func() []*definition.Resource {
		return []*definition.Resource{
			extensionOf("http://tenon.test/colour", "Element", "code"),
			profileOf("byExtension", "Patient", `{"id":"Patient"},
			{"id":"Patient.name","slicing":{"discriminator":[{"type":"exists","path":"extension('http://tenon.test/colour')"}],"rules":"open"}},
			{"id":"Patient.name:coloured","min":1,"max":"1"},
			{"id":"Patient.name:coloured.extension","slicing":{"discriminator":[{"type":"value","path":"url"}],"rules":"open"},"min":1},
			{"id":"Patient.name:coloured.extension:colour","min":1,"max":"1","type":[{"code":"Extension","profile":["http://tenon.test/colour"]}]}`)}
	},
	"binding": func() []*definition.Resource {
		return []*definition.Resource{
			define(`{"resourceType":"CodeSystem","url":"http://t/cs","status":"active","content":"complete","concept":[{"code":"x"},{"code":"y"}]}`),
			define(`{"resourceType":"ValueSet","url":"http://t/vs","status":"active","compose":{"include":[{"system":"http://t/cs","concept":[{"code":"x"}]}]}}`),
			profileOf("binding", "Observation", `{"id":"Observation"},
			{"id":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"$this"}],"rules":"open"}},
			{"id":"Observation.category:bound","min":1,"max":"1","binding":{"strength":"required","valueSet":"http://t/vs"}}`)}
	},
	"reslice": func() []*definition.Resource {
		first := profileOf("first", "Patient", `{"id":"Patient"},
			{"id":"Patient.telecom","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
			{"id":"Patient.telecom:phone","min":1,"max":"3"},{"id":"Patient.telecom:phone.system","min":1,"fixedCode":"phone"}`)
		return []*definition.Resource{first, derived("reslice", "Patient", own+"first", `{"id":"Patient"},
			{"id":"Patient.telecom:phone","slicing":{"discriminator":[{"type":"value","path":"use"}],"rules":"open"}},
			{"id":"Patient.telecom:phone/home","min":1,"max":"1"},{"id":"Patient.telecom:phone/home.use","min":1,"fixedCode":"home"}`)}
	},
	// nothing tells the slice: it can't be judged
	"undecided": func() []*definition.Resource {
		return []*definition.Resource{profileOf("undecided", "Patient", `{"id":"Patient"},
			{"id":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"},"min":1},
			{"id":"Patient.identifier:mrn","min":1,"max":"1"}`)}
	},
	// what is said of all values and what of a slice alone
	"checked": func() []*definition.Resource {
		return []*definition.Resource{profileOf("checked", "Patient", `{"id":"Patient"},
			{"id":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"},"constraint":[{"key":"all-1","severity":"error","human":"x","expression":"value.exists()"}]},
			{"id":"Patient.identifier:mrn","min":0,"max":"1","constraint":[{"key":"mrn-1","severity":"error","human":"x","expression":"value.length() = 8"}]},
			{"id":"Patient.identifier:mrn.system","min":1,"fixedUri":"http://t/mrn"}`)}
	},
	// a discriminator of a later version
	"position": func() []*definition.Resource {
		return []*definition.Resource{profileOf("position", "Patient", `{"id":"Patient"},
			{"id":"Patient.identifier","slicing":{"discriminator":[{"type":"position","path":"$this"}],"rules":"open"},"min":1},
			{"id":"Patient.identifier:first","min":1,"max":"1"},{"id":"Patient.identifier:first.value","min":1}`)}
	},
	// extensions without a discriminator differ by url
	"implied": func() []*definition.Resource {
		return []*definition.Resource{
			extensionOf("http://tenon.test/colour", "Patient", "code"),
			profileOf("implied", "Patient", `{"id":"Patient"},
			{"id":"Patient.extension","slicing":{"rules":"open"}},
			{"id":"Patient.extension:colour","min":0,"max":"1","type":[{"code":"Extension","profile":["http://tenon.test/colour"]}]}`)}
	},
	"throughProfile": func() []*definition.Resource {
		return []*definition.Resource{
			profileOf("mrn", "Identifier", `{"id":"Identifier"},{"id":"Identifier.system","min":1,"fixedUri":"http://t/mrn"}`),
			profileOf("throughProfile", "Patient", `{"id":"Patient"},
			{"id":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
			{"id":"Patient.identifier:mrn","min":1,"max":"1","type":[{"code":"Identifier","profile":["`+own+`mrn"]}]}`)}
	},
}

// TestSlicing: each document breaks one rule of a slicing, or none.
func TestSlicing(t *testing.T) {
	sets := map[string]*validate.Set{}
	for _, tc := range []struct{ profile, members, want string }{
		{"value", `"identifier":[{"system":"http://t/mrn","value":"1"}]`, ""},
		{"value", `"identifier":[{"system":"http://t/other","value":"1"},{"system":"http://t/mrn","value":"1"}]`, ""},
		{"value", `"identifier":[{"system":"http://t/other","value":"1"}]`, "Patient slice-min"},
		{"value", `"identifier":[{"value":"1"}]`, "Patient slice-min"},
		{"value", `"identifier":[{"system":"http://t/mrn","value":"1"},{"system":"http://t/mrn","value":"2"}]`, "Patient slice-max"},
		{"value", `"identifier":[{"system":"http://t/tax","value":"1"},{"system":"http://t/mrn"}]`, "Patient.identifier[1] profile-min"},
		{"value", `"identifier":[{"system":"http://t/mrn","value":"1"},{"system":"http://t/tax"},{"system":"http://t/tax"}]`, ""},
		{"value", `"identifier":[{"system":"http://t/mrn","value":"1"},{"system":"http://t/tax"},{"system":"http://t/tax"},{"system":"http://t/tax"}]`, "Patient slice-max"},
		{"value", `"identifier":[{"_system":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]},"value":"1"}]`, "Patient slice-min"},

		{"closed", `"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@b"}]`, ""},
		{"closed", ``, ""},
		{"closed", `"telecom":[{"system":"fax","value":"1"}]`, "Patient.telecom[0] slicing-closed"},
		{"closed", `"telecom":[{"system":"phone","value":"1"},{"use":"home"}]`, "Patient.telecom[1] slicing-closed"},
		{"closed", `"telecom":[{"system":"phone","value":"1"},{"system":"phone","value":"2"}]`, "Patient slice-max"},

		{"ordered", `"telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a"},{"system":"fax","value":"1"}]`, ""},
		{"ordered", `"telecom":[{"system":"email","value":"a"},{"system":"phone","value":"1"}]`, "Patient.telecom[1] slicing-order"},
		{"ordered", `"telecom":[{"system":"fax","value":"1"},{"system":"phone","value":"1"}]`, "Patient.telecom[1] slicing-order"},
		{"ordered", `"telecom":[{"system":"email","value":"a"},{"system":"fax","value":"1"}]`, ""},

		{"pattern", `"category":[{"coding":[{"system":"http://t/cat","code":"lab"}]}]`, ""},
		{"pattern", `"category":[{"text":"x"},{"coding":[{"system":"http://t/x","code":"y"},{"system":"http://t/cat","code":"lab","display":"Lab"}],"text":"t"}]`, ""},
		{"pattern", `"category":[{"coding":[{"system":"http://t/cat","code":"x"}]}]`, "Observation slice-min"},
		{"pattern", `"category":[{"coding":[{"system":"http://t/x","code":"lab"}]}]`, "Observation slice-min"},
		{"pattern", `"category":[{"coding":[{"system":"http://t/cat","code":"lab"}]},{"coding":[{"system":"http://t/cat","code":"lab"}]}]`, "Observation slice-max"},

		{"below", `"component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}}]`, ""},
		{"below", `"component":[{"code":{"coding":[{"code":"x"},{"code":"a"}]},"valueQuantity":{"value":1}}]`, ""},
		{"below", `"component":[{"code":{"coding":[{"code":"a"}]}}]`, "Observation.component[0] profile-min"},
		{"below", `"component":[{"code":{"coding":[{"code":"a"}]},"valueString":"x"}]`, "Observation.component[0].value type-not-allowed"},
		{"below", `"component":[{"code":{"coding":[{"code":"b"}]}}]`, "Observation slice-min"},
		{"below", `"component":[{"code":{"coding":[{"code":"a"}]},"valueQuantity":{"value":1}},{"code":{"coding":[{"code":"b"}]}},{"code":{"coding":[{"code":"b"}]}}]`, "Observation slice-max"},
		{"below", `"component":[{"code":{"coding":[{"code":"a"},{"code":"b"}]},"valueQuantity":{"value":1}}]`, "Observation.component[0] slice-ambiguous"},

		{"exists", `"name":[{"family":"a"}]`, ""},
		{"exists", `"name":[{"family":"a"},{"text":"x","period":{"end":"2020"}}]`, ""},
		{"exists", `"name":[{"text":"x","period":{"end":"2020"}}]`, "Patient slice-min"},
		{"exists", `"name":[{"text":"x"}]`, "Patient.name[0] profile-min"},
		{"exists", `"name":[{"family":"a"},{"family":"b"}]`, "Patient slice-max"},

		{"type", `"valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"g"}`, ""},
		{"type", `"valueString":"x"`, ""},
		{"type", ``, ""},
		{"type", `"valueQuantity":{"value":1}`, "Observation.value profile-min"},
		{"type", `"valueBoolean":true`, "Observation.value slicing-closed"},

		{"resource", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Patient"}}]`, ""},
		{"resource", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Device"}}]`, "Bundle slice-min"},
		{"resource", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Patient"}},{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":{"resourceType":"Patient"}}]`, "Bundle slice-max"},
		{"resource", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Basic","code":{"text":"x"}}},{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239521","resource":{"resourceType":"Patient"}}]`, ""},

		{"profile", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Patient","name":[{"text":"x"}]}}]`, ""},
		{"profile", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","resource":{"resourceType":"Patient"}}]`, "Bundle slice-min"},

		{"resolve", `"performer":[{"reference":"#o"}],"contained":[{"resourceType":"Organization","id":"o","name":"x"}]`, ""},
		{"resolve", `"performer":[{"reference":"#p"}],"contained":[{"resourceType":"Patient","id":"p"}]`, "Observation slice-min"},
		{"resolve", `"performer":[{"reference":"#o"},{"reference":"#o"}],"contained":[{"resourceType":"Organization","id":"o","name":"x"}]`, "Observation slice-max"},
		{"resolve", `"performer":[{"reference":"Organization/1"}]`, ""},

		{"extension", `"extension":[{"url":"http://tenon.test/colour","valueCode":"red"}]`, ""},
		{"extension", `"extension":[{"url":"http://tenon.test/size","valueCode":"big"},{"url":"http://tenon.test/colour","valueCode":"red"}]`, ""},
		{"extension", `"extension":[{"url":"http://tenon.test/size","valueCode":"big"}]`, "Patient slice-min"},
		{"extension", `"extension":[{"url":"http://tenon.test/colour","valueCode":"red"},{"url":"http://tenon.test/colour","valueCode":"blue"}]`, "Patient slice-max"},

		{"byExtension", `"name":[{"text":"x","extension":[{"url":"http://tenon.test/colour","valueCode":"red"}]},{"text":"y"}]`, ""},
		{"byExtension", `"name":[{"text":"y"}]`, "Patient slice-min"},
		{"byExtension", `"name":[{"text":"x","extension":[{"url":"http://tenon.test/colour","valueCode":"red"}]},{"text":"y","extension":[{"url":"http://tenon.test/colour","valueCode":"red"}]}]`, "Patient slice-max"},

		{"binding", `"category":[{"coding":[{"system":"http://t/cs","code":"x"}]}]`, ""},
		{"binding", `"category":[{"coding":[{"system":"http://t/cs","code":"y"}]},{"coding":[{"system":"http://t/cs","code":"x"}]}]`, ""},
		{"binding", `"category":[{"coding":[{"system":"http://t/cs","code":"y"}]}]`, "Observation slice-min"},
		{"binding", `"category":[{"coding":[{"system":"http://t/cs","code":"x"}]},{"coding":[{"system":"http://t/cs","code":"x"}]}]`, "Observation slice-max"},

		{"reslice", `"telecom":[{"system":"phone","use":"home","value":"1"}]`, ""},
		{"reslice", `"telecom":[{"system":"phone","use":"work","value":"1"}]`, "Patient slice-min"},
		{"reslice", `"telecom":[{"system":"phone","use":"home","value":"1"},{"system":"phone","use":"home","value":"2"}]`, "Patient slice-max"},
		{"reslice", `"telecom":[{"system":"phone","use":"home","value":"1"},{"system":"email","use":"home","value":"2"}]`, ""},

		{"undecided", `"identifier":[{"value":"1"},{"value":"2"}]`, ""},
		{"checked", `"identifier":[{"system":"http://t/mrn","value":"12345678"},{"system":"http://t/x","value":"1"}]`, ""},
		{"checked", `"identifier":[{"system":"http://t/mrn","value":"1"}]`, "Patient.identifier[0] mrn-1"},
		{"checked", `"identifier":[{"system":"http://t/x"}]`, "Patient.identifier[0] all-1"},
		{"position", `"identifier":[{"system":"http://t/x"}]`, ""},
		{"implied", `"extension":[{"url":"http://tenon.test/colour","valueCode":"red"}]`, ""},
		{"implied", `"extension":[{"url":"http://tenon.test/colour","valueCode":"red"},{"url":"http://tenon.test/colour","valueCode":"red"}]`, "Patient slice-max"},

		{"throughProfile", `"identifier":[{"system":"http://t/mrn","value":"1"}]`, ""},
		{"throughProfile", `"identifier":[{"system":"http://t/x","value":"1"}]`, "Patient slice-min"},
		{"throughProfile", `"identifier":[{"system":"http://t/mrn","value":"1"},{"system":"http://t/mrn","value":"2"}]`, "Patient slice-max"},
	} {
		t.Run(tc.profile+" "+strings.TrimSpace(tc.want), func(t *testing.T) {
			s := sets[tc.profile]
			if s == nil {
				s = setOf(slicings[tc.profile]()...)
				sets[tc.profile] = s
			}
			typ := "Patient"
			switch tc.profile {
			case "pattern", "below", "type", "resolve", "binding":
				typ = "Observation"
			case "resource", "profile":
				typ = "Bundle"
			}
			fault(t, s, claim(with(typ, tc.members), tc.profile), tc.want, nil)
		})
	}
}
