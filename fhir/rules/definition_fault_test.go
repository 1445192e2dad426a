package rules_test

import (
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/rules"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

const (
	animals = `{"resourceType":"CodeSystem","url":"urn:test:animals","status":"active","content":"complete","caseSensitive":true,"hierarchyMeaning":"is-a",
		"property":[{"code":"legs","type":"integer"},{"code":"notSelectable","type":"boolean"},{"code":"of","type":"code"}],
		"filter":[{"code":"kind","operator":["=","in"],"value":"a word"}],
		"concept":[{"code":"dog","display":"Dog"},{"code":"cat","display":"Cat"}]}`
	animalSet = `{"resourceType":"ValueSet","url":"urn:test:animal-set","status":"active","compose":{"include":[{"system":"urn:test:animals"}]}}`
	more      = `{"resourceType":"CodeSystem","url":"urn:test:more","status":"active","content":"supplement","supplements":"urn:test:animals","concept":[{"code":"dog"}]}`
	weight    = `{"resourceType":"StructureDefinition","url":"urn:test:weight","name":"W","status":"draft","kind":"resource","abstract":false,"type":"Observation",
		"baseDefinition":"http://hl7.org/fhir/StructureDefinition/Observation","derivation":"constraint","differential":{"element":[{"path":"Observation.code","min":1}]}}`
)

func structure(typ, base, elements string) string {
	return `{"resourceType":"StructureDefinition","url":"urn:test:p","name":"P","status":"draft","kind":"` + kindOf(typ) + `","abstract":false,"type":"` + typ +
		`","baseDefinition":"` + base + `","derivation":"constraint","differential":{"element":[` + elements + `]}}`
}

func kindOf(typ string) string {
	if typ == "Extension" {
		return "complex-type"
	}
	return "resource"
}

const observation = "http://hl7.org/fhir/StructureDefinition/Observation"

func include(members string) string {
	return `{"resourceType":"ValueSet","url":"urn:test:vs","status":"draft","compose":{"include":[{` + members + `}]}}`
}

func codeSystem(members string) string {
	return `{"resourceType":"CodeSystem","url":"urn:test:cs","status":"draft",` + members + `}`
}

func searchParameter(members string) string {
	return `{"resourceType":"SearchParameter","url":"urn:test:sp","name":"S","status":"draft","description":"d","code":"s",` + members + `}`
}

func mapping(element string) string {
	return `{"resourceType":"ConceptMap","status":"draft","group":[{"source":"urn:test:animals","target":"urn:test:animals","element":[` + element + `]}]}`
}

func rest(members string) string {
	return `{"resourceType":"CapabilityStatement","status":"draft","date":"2026","kind":"requirements","fhirVersion":"4.0.1","format":["json"],"rest":[{"mode":"server","resource":[{"type":"Patient",` + members + `}]}]}`
}

func operation(members string) string {
	return `{"resourceType":"OperationDefinition","name":"O","status":"draft","kind":"operation","code":"o","system":true,"type":false,"instance":false,` + members + `}`
}

const named = "http://hl7.org/fhir/SearchParameter/Organization-name"

// definitionFaults are resources with one fault each; no rule means none.
var definitionFaults = []struct {
	name, text, rule, path string
	severity               issue.Severity
}{
	{"search: sound", searchParameter(`"type":"string","base":["Patient","Person"],"expression":"Patient.name.family | Person.name.family"`), "", "", ""},
	{"search: a resource that is no base", searchParameter(`"type":"string","base":["Patient"],"expression":"Organization.name"`), "search-expression", "SearchParameter.expression", issue.Error},
	{"search: a part of a union for no base", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient.name.family | (Practitioner.name.family)"`), "search-expression", "SearchParameter.expression", issue.Error},
	{"search: an element that is not there", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient.name.colour"`), "expression", "SearchParameter.expression", issue.Error},
	{"search: no FHIRPath", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient..name"`), "expression", "SearchParameter.expression", issue.Error},
	{"search: a union in parentheses", searchParameter(`"type":"string","base":["Patient"],"expression":"(Patient.name | (Practitioner.name)).family"`), "search-expression", "SearchParameter.expression", issue.Error},
	{"search: a union within", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient.name.where((given | Practitioner.name.given).exists()).family"`), "", "", ""},
	{"search: a name in a string is none", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient.name.where(family = 'Organization | Group').given"`), "", "", ""},
	{"search: another type than it derives from", searchParameter(`"type":"token","base":["Organization"],"expression":"Organization.name","derivedFrom":"` + named + `"`), "search-derived-type", "SearchParameter", issue.Error},
	{"search: another base than it derives from", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient.name.family","derivedFrom":"` + named + `"`), "search-derived-base", "SearchParameter", issue.Error},
	{"search: derived from what is not known", searchParameter(`"type":"string","base":["Patient"],"expression":"Patient.name","derivedFrom":"urn:none"`), "definition-unknown", "SearchParameter.derivedFrom", issue.Warning},
	{"search: one component", searchParameter(`"type":"composite","base":["Patient"],"expression":"Patient","component":[{"definition":"` + named + `","expression":"name"}]`), "search-composite", "SearchParameter", issue.Error},
	{"search: components without composite", searchParameter(`"type":"token","base":["Patient"],"expression":"Patient.id","component":[{"definition":"` + named + `","expression":"name"}]`), "search-component", "SearchParameter.component[0]", issue.Error},
	{"search: a composite of composites", searchParameter(`"type":"composite","base":["Observation"],"expression":"Observation","component":[{"definition":"http://hl7.org/fhir/SearchParameter/clinical-code","expression":"code"},{"definition":"http://hl7.org/fhir/SearchParameter/Observation-code-value-date","expression":"value"}]`), "search-composite", "SearchParameter.component[1].definition", issue.Error},
	{"search: targets of a token", searchParameter(`"type":"token","base":["Patient"],"expression":"Patient.gender","target":["Patient"]`), "search-target", "SearchParameter.target[0]", issue.Warning},
	{"search: a modifier of another type", searchParameter(`"type":"token","base":["Patient"],"expression":"Patient.gender","modifier":["missing","exact"]`), "search-modifier", "SearchParameter.modifier[1]", issue.Warning},

	{"set: sound", include(`"system":"urn:test:animals","concept":[{"code":"dog","display":"Dog"}]`), "", "", ""},
	{"set: a code that is not there", include(`"system":"urn:test:animals","concept":[{"code":"dog"},{"code":"cow"}]`), "code-unknown", "ValueSet.compose.include[0].concept[1].code", issue.Error},
	{"set: an unknown system", include(`"system":"urn:test:plants","concept":[{"code":"oak"}]`), "system-unknown", "ValueSet.compose.include[0].system", issue.Warning},
	{"set: a value set as system", include(`"system":"urn:test:animal-set"`), "system-kind", "ValueSet.compose.include[0].system", issue.Error},
	{"set: a code system as value set", include(`"valueSet":["urn:test:animals"]`), "valueset-kind", "ValueSet.compose.include[0].valueSet[0]", issue.Error},
	{"set: an unknown value set", include(`"valueSet":["urn:test:animal-set","urn:none"]`), "valueset-unknown", "ValueSet.compose.include[0].valueSet[1]", issue.Warning},
	{"set: itself", include(`"valueSet":["urn:test:vs"]`), "valueset-circle", "ValueSet.compose.include[0].valueSet[0]", issue.Error},
	{"set: a code twice", include(`"system":"urn:test:animals","concept":[{"code":"dog"},{"code":"dog"}]`), "code-twice", "ValueSet.compose.include[0].concept[1].code", issue.Warning},
	{"set: a wrong display", include(`"system":"urn:test:animals","concept":[{"code":"dog","display":"Wolf"}]`), "display", "ValueSet.compose.include[0].concept[0].display", issue.Warning},
	{"set: sound filters", include(`"system":"urn:test:animals","filter":[{"property":"concept","op":"is-a","value":"dog"},{"property":"legs","op":"=","value":"4"},{"property":"notSelectable","op":"=","value":"false"},{"property":"kind","op":"in","value":"a,b"},{"property":"legs","op":"exists","value":"true"}]`), "", "", ""},
	{"set: a filter by no property", include(`"system":"urn:test:animals","filter":[{"property":"wings","op":"=","value":"2"}]`), "filter-property", "ValueSet.compose.include[0].filter[0].property", issue.Warning},
	{"set: a filter's operator", include(`"system":"urn:test:animals","filter":[{"property":"kind","op":"regex","value":"a"}]`), "filter-op", "ValueSet.compose.include[0].filter[0].op", issue.Error},
	{"set: a hierarchy of numbers", include(`"system":"urn:test:animals","filter":[{"property":"legs","op":"is-a","value":"4"}]`), "filter-op", "ValueSet.compose.include[0].filter[0].op", issue.Error},
	{"set: no truth value", include(`"system":"urn:test:animals","filter":[{"property":"notSelectable","op":"=","value":"1"}]`), "filter-value", "ValueSet.compose.include[0].filter[0].value", issue.Error},
	{"set: no number", include(`"system":"urn:test:animals","filter":[{"property":"legs","op":"in","value":"4,many"}]`), "filter-value", "ValueSet.compose.include[0].filter[0].value", issue.Error},
	{"set: exists has no such value", include(`"system":"urn:test:animals","filter":[{"property":"legs","op":"exists","value":"4"}]`), "filter-value", "ValueSet.compose.include[0].filter[0].value", issue.Error},
	{"set: below a code that is not there", include(`"system":"urn:test:animals","filter":[{"property":"concept","op":"is-a","value":"cow"}]`), "code-unknown", "ValueSet.compose.include[0].filter[0].value", issue.Error},

	{"system: sound", codeSystem(`"content":"complete","count":2,"caseSensitive":true,"property":[{"code":"parent","type":"code"}],"concept":[{"code":"a"},{"code":"A","property":[{"code":"parent","valueCode":"a"}]}]`), "", "", ""},
	{"system: a code twice, deep", codeSystem(`"content":"complete","concept":[{"code":"a","concept":[{"code":"b"}]},{"code":"b"}]`), "code-twice", "CodeSystem.concept[1].code", issue.Error},
	{"system: a code twice but for case", codeSystem(`"content":"complete","caseSensitive":false,"concept":[{"code":"a"},{"code":"A"}]`), "code-twice", "CodeSystem.concept[1].code", issue.Error},
	{"system: a count that is wrong", codeSystem(`"content":"complete","count":3,"concept":[{"code":"a","concept":[{"code":"b"}]}]`), "count", "CodeSystem.count", issue.Error},
	{"system: a fragment counts the whole", codeSystem(`"content":"fragment","count":3,"concept":[{"code":"a"}]`), "", "", ""},
	{"system: a fragment larger than the whole", codeSystem(`"content":"fragment","count":1,"concept":[{"code":"a"},{"code":"b"}]`), "count", "CodeSystem.count", issue.Error},
	{"system: concepts that are not present", codeSystem(`"content":"not-present","concept":[{"code":"a"}]`), "content", "CodeSystem.content", issue.Error},
	{"system: complete and empty", codeSystem(`"content":"complete"`), "content", "CodeSystem.content", issue.Warning},
	{"system: a property that is not declared", codeSystem(`"content":"complete","concept":[{"code":"a","property":[{"code":"size","valueInteger":1}]}]`), "property-undeclared", "CodeSystem.concept[0].property[0].code", issue.Warning},
	{"system: a property of another type", codeSystem(`"content":"complete","property":[{"code":"size","type":"integer"}],"concept":[{"code":"a","property":[{"code":"size","valueString":"1"}]}]`), "property-type", "CodeSystem.concept[0].property[0].value", issue.Error},
	{"system: a parent that is not there", codeSystem(`"content":"complete","property":[{"code":"parent","type":"code"}],"concept":[{"code":"a","property":[{"code":"parent","valueCode":"b"}]}]`), "code-unknown", "CodeSystem.concept[0].property[0].value", issue.Error},
	{"system: a property declared twice", codeSystem(`"content":"not-present","property":[{"code":"x","type":"code"},{"code":"x","type":"string"}]`), "property-twice", "CodeSystem.property[1].code", issue.Warning},
	{"system: a supplement to nothing", codeSystem(`"content":"supplement","concept":[{"code":"a"}]`), "supplement", "CodeSystem", issue.Error},
	{"system: supplements without being one", codeSystem(`"content":"complete","supplements":"urn:test:animals","concept":[{"code":"dog"}]`), "supplement", "CodeSystem.supplements", issue.Error},
	{"system: a supplement of a code that is not there", codeSystem(`"content":"supplement","supplements":"urn:test:animals","concept":[{"code":"dog"},{"code":"cow"}]`), "code-unknown", "CodeSystem.concept[1].code", issue.Error},
	{"system: a supplement to the unknown", codeSystem(`"content":"supplement","supplements":"urn:none","concept":[{"code":"dog"}]`), "definition-unknown", "CodeSystem.supplements", issue.Warning},
	{"system: not all codes", codeSystem(`"content":"complete","valueSet":"urn:test:animal-set","concept":[{"code":"a"}]`), "all-codes", "CodeSystem.valueSet", issue.Warning},

	{"map: sound", mapping(`{"code":"dog","target":[{"code":"cat","equivalence":"disjoint"}]},{"code":"cat","target":[{"equivalence":"unmatched"}]}`), "", "", ""},
	{"map: a source that is not there", mapping(`{"code":"cow","target":[{"code":"cat","equivalence":"equal"}]}`), "code-unknown", "ConceptMap.group[0].element[0].code", issue.Error},
	{"map: a target that is not there", mapping(`{"code":"dog","target":[{"code":"cow","equivalence":"equal"}]}`), "code-unknown", "ConceptMap.group[0].element[0].target[0].code", issue.Error},
	{"map: unmatched with a match", mapping(`{"code":"dog","target":[{"code":"cat","equivalence":"unmatched"}]}`), "equivalence", "ConceptMap.group[0].element[0].target[0]", issue.Warning},
	{"map: a match without a code", mapping(`{"code":"dog","target":[{"equivalence":"equal"}]}`), "equivalence", "ConceptMap.group[0].element[0].target[0]", issue.Warning},
	{"map: a code twice", mapping(`{"code":"dog"},{"code":"dog"}`), "code-twice", "ConceptMap.group[0].element[1].code", issue.Warning},

	{"capability: sound", rest(`"profile":"http://hl7.org/fhir/StructureDefinition/Patient","searchParam":[{"name":"name","type":"string","definition":"http://hl7.org/fhir/SearchParameter/Patient-name"},{"name":"_id","type":"token","definition":"http://hl7.org/fhir/SearchParameter/Resource-id"}]`), "", "", ""},
	{"capability: another type of parameter", rest(`"searchParam":[{"name":"name","type":"token","definition":"http://hl7.org/fhir/SearchParameter/Patient-name"}]`), "search-type", "CapabilityStatement.rest[0].resource[0].searchParam[0]", issue.Error},
	{"capability: a parameter of another resource", rest(`"searchParam":[{"name":"name","type":"string","definition":"` + named + `"}]`), "search-base", "CapabilityStatement.rest[0].resource[0].searchParam[0]", issue.Error},
	{"capability: an unknown parameter", rest(`"searchParam":[{"name":"name","type":"string","definition":"urn:none"}]`), "definition-unknown", "CapabilityStatement.rest[0].resource[0].searchParam[0].definition", issue.Warning},
	{"capability: a profile of another type", rest(`"supportedProfile":["urn:test:weight"]`), "profile-type", "CapabilityStatement.rest[0].resource[0].supportedProfile[0]", issue.Error},

	{"operation: sound", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"1","type":"string"},{"name":"a","use":"out","min":0,"max":"*","type":"Patient"}],"overload":[{"parameterName":["a"]}]`), "", "", ""},
	{"operation: a parameter twice", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"1","type":"string"},{"name":"a","use":"in","min":0,"max":"1","type":"string"}]`), "operation-parameter", "OperationDefinition.parameter[1].name", issue.Error},
	{"operation: a most that is none", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"many","type":"string"}]`), "operation-max", "OperationDefinition.parameter[0].max", issue.Error},
	{"operation: no type", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"1","type":"Pig"}]`), "operation-type", "OperationDefinition.parameter[0].type", issue.Error},
	{"operation: min above max, in a part", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"1","part":[{"name":"b","use":"in","min":2,"max":"1","type":"code"}]}]`), "operation-cardinality", "OperationDefinition.parameter[0].part[0]", issue.Error},
	{"operation: type and parts", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"1","type":"string","part":[{"name":"b","use":"in","min":0,"max":"1","type":"code"}]}]`), "operation-part", "OperationDefinition.parameter[0]", issue.Error},
	{"operation: an overload of nothing", operation(`"parameter":[{"name":"a","use":"in","min":0,"max":"1","type":"string"}],"overload":[{"parameterName":["b"]}]`), "operation-overload", "OperationDefinition.overload[0].parameterName[0]", issue.Error},

	{"profile: sound", structure("Observation", observation, `{"path":"Observation.code","min":1,"constraint":[{"key":"k","severity":"error","human":"h","expression":"coding.exists()"}],"binding":{"strength":"required","valueSet":"urn:test:animal-set"}}`), "", "", ""},
	{"profile: on what is not known", structure("Observation", "urn:none", `{"path":"Observation.colour"}`), "base-unknown", "StructureDefinition", issue.Warning},
	{"profile: a constraint on an element that is not there", structure("Observation", observation, `{"path":"Observation.code","constraint":[{"key":"k","severity":"error","human":"h","expression":"shade.exists()"}]}`), "expression", "StructureDefinition.differential.element[0].constraint[0].expression", issue.Error},
	{"profile: a constraint in a backbone", structure("Observation", observation, `{"path":"Observation.component","constraint":[{"key":"k","severity":"error","human":"h","expression":"value.exists() and colour.exists()"}]}`), "expression", "StructureDefinition.differential.element[0].constraint[0].expression", issue.Error},
	{"profile: a constraint without expression", structure("Observation", observation, `{"path":"Observation.code","constraint":[{"key":"k","severity":"error","human":"h"}]}`), "constraint-expression", "StructureDefinition.differential.element[0].constraint[0]", issue.Warning},
	{"profile: a discriminator that leads nowhere", structure("Observation", observation, `{"path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":"coding.kind"}],"rules":"open"}}`), "expression", "StructureDefinition.differential.element[0].slicing.discriminator[0].path", issue.Error},
	{"profile: an unknown value set", structure("Observation", observation, `{"path":"Observation.code","binding":{"strength":"required","valueSet":"urn:none"}}`), "valueset-unknown", "StructureDefinition.differential.element[0].binding.valueSet", issue.Warning},
	{"profile: a binding of a date", structure("Observation", observation, `{"path":"Observation.issued","binding":{"strength":"required","valueSet":"urn:test:animal-set"}}`), "binding-type", "StructureDefinition.differential.element[0]", issue.Error},
	{"profile: an unknown target", structure("Observation", observation, `{"path":"Observation.subject","type":[{"code":"Reference","targetProfile":["urn:none"]}]}`), "definition-unknown", "StructureDefinition.differential.element[0].type[0].targetProfile[0]", issue.Warning},
	{"profile: a snapshot that was not made anew", strings.Replace(structure("Observation", observation, `{"path":"Observation.code","min":1},{"path":"Observation.code.text","min":1}`), `"differential"`, `"snapshot":{"element":[{"id":"Observation","path":"Observation"},{"id":"Observation.code","path":"Observation.code"}]},"differential"`, 1), "snapshot-stale", "StructureDefinition.differential.element[1]", issue.Error},
	{"guide: a profile of another type for all", `{"resourceType":"ImplementationGuide","url":"urn:test:ig","name":"G","status":"draft","packageId":"g","fhirVersion":["4.0.1"],"global":[{"type":"Patient","profile":"urn:test:weight"}]}`, "profile-type", "ImplementationGuide.global[0].profile", issue.Error},
	{"guide: a grouping twice", `{"resourceType":"ImplementationGuide","url":"urn:test:ig","name":"G","status":"draft","packageId":"g","fhirVersion":["4.0.1"],"definition":{"grouping":[{"id":"a","name":"A"},{"id":"a","name":"B"}],"resource":[]}}`, "grouping-twice", "ImplementationGuide.definition.grouping[1].id", issue.Error},
	{"compartment: sound", `{"resourceType":"CompartmentDefinition","url":"urn:test:c","name":"C","status":"draft","code":"Patient","search":true,"resource":[{"code":"Observation","param":["subject","performer"]},{"code":"Patient","param":["{def}"]}]}`, "", "", ""},
	{"compartment: a type twice", `{"resourceType":"CompartmentDefinition","url":"urn:test:c","name":"C","status":"draft","code":"Patient","search":true,"resource":[{"code":"Observation"},{"code":"Observation"}]}`, "compartment-twice", "CompartmentDefinition.resource[1].code", issue.Error},
	{"compartment: no such parameter", `{"resourceType":"CompartmentDefinition","url":"urn:test:c","name":"C","status":"draft","code":"Patient","search":true,"resource":[{"code":"Observation","param":["subject","owner"]}]}`, "compartment-param", "CompartmentDefinition.resource[0].param[1]", issue.Warning},
	{"profile: with a context", strings.Replace(structure("Observation", observation, `{"path":"Observation.code","min":1}`), `"kind"`, `"context":[{"type":"element","expression":"Patient"}],"kind"`, 1), "context-type", "StructureDefinition.context[0]", issue.Error},
	{"profile: a sliced root", structure("Observation", observation, `{"path":"Observation","slicing":{"discriminator":[{"type":"value","path":"code"}],"rules":"open"}}`), "slicing-root", "StructureDefinition.differential.element[0].slicing", issue.Error},
	{"profile: a target that is no resource", structure("Observation", observation, `{"path":"Observation.focus","type":[{"code":"Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Quantity"]}]}`), "target-kind", "StructureDefinition.differential.element[0].type[0].targetProfile[0]", issue.Error},
	{"profile: a code system as value set", structure("Observation", observation, `{"path":"Observation.code","binding":{"strength":"required","valueSet":"urn:test:animals"}}`), "valueset-kind", "StructureDefinition.differential.element[0].binding.valueSet", issue.Error},
	{"set: codes of a supplement", include(`"system":"urn:test:more","concept":[{"code":"dog"}]`), "system-kind", "ValueSet.compose.include[0].system", issue.Error},
	{"extension: no url", structure("Extension", "http://hl7.org/fhir/StructureDefinition/Extension", `{"path":"Extension.value[x]","type":[{"code":"string"}]}`), "extension-url", "StructureDefinition", issue.Error},
	{"extension: another url", structure("Extension", "http://hl7.org/fhir/StructureDefinition/Extension", `{"path":"Extension.url","fixedUri":"urn:test:q"}`), "extension-url", "StructureDefinition", issue.Error},
	{"extension: anywhere", strings.Replace(structure("Extension", "http://hl7.org/fhir/StructureDefinition/Extension", `{"path":"Extension.url","fixedUri":"urn:test:p"}`), `"kind"`, `"context":[{"type":"element","expression":"Element"}],"kind"`, 1), "context-element", "StructureDefinition.context[0]", issue.Warning},
	{"extension: in a kind of resources of R5", strings.Replace(structure("Extension", "http://hl7.org/fhir/StructureDefinition/Extension", `{"path":"Extension.url","fixedUri":"urn:test:p"}`), `"kind"`, `"context":[{"type":"element","expression":"CanonicalResource"}],"kind"`, 1), "", "", ""},
	{"extension: in no element", strings.Replace(structure("Extension", "http://hl7.org/fhir/StructureDefinition/Extension", `{"path":"Extension.url","fixedUri":"urn:test:p"}`), `"kind"`, `"context":[{"type":"element","expression":"Patient.contact.colour"}],"kind"`, 1), "context-unknown", "StructureDefinition.context[0].expression", issue.Error},
	{"extension: where no FHIRPath leads", strings.Replace(structure("Extension", "http://hl7.org/fhir/StructureDefinition/Extension", `{"path":"Extension.url","fixedUri":"urn:test:p"}`), `"kind"`, `"context":[{"type":"fhirpath","expression":"Patient..name"}],"kind"`, 1), "expression", "StructureDefinition.context[0].expression", issue.Error},
}

func TestDefinitionFaults(t *testing.T) {
	lib := r4.Library()
	for _, text := range []string{animals, animalSet, more, weight} {
		res, err := definition.Read([]byte(text), "")
		if err != nil {
			t.Fatal(err)
		}
		lib = lib.With(res)
	}
	terms := terminology.New(lib, terminology.Options{})
	for _, c := range definitionFaults {
		t.Run(c.name, func(t *testing.T) {
			doc, err := tree.Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			found := judge(doc.Root(), lib, terms)
			if c.rule == "" {
				if len(found) > 0 {
					t.Errorf("found %v, want nothing", found)
				}
				return
			}
			if len(found) != 1 {
				t.Fatalf("found %v, want one issue: %s at %s", found, c.rule, c.path)
			}
			is := found[0]
			if is.Rule != c.rule || is.Path != c.path || is.Severity != c.severity || is.Text == "" || is.Chinese == "" {
				t.Errorf("found %s %s at %s, want %s %s at %s", is.Severity, is.Rule, is.Path, c.severity, c.rule, c.path)
			}
		})
	}
}

// TestDefinitionsTogether: faults that show at two places.
func TestDefinitionsTogether(t *testing.T) {
	for _, c := range []struct{ name, text, rules, paths string }{
		{"a path that is none", structure("Observation", observation, `{"path":"Observation.valueBla"}`), "snapshot choice-type", "StructureDefinition StructureDefinition.differential.element[0]"},
		{"siblings out of order", structure("Observation", observation, `{"path":"Observation.method"},{"path":"Observation.code"}`), "snapshot element-order", "StructureDefinition StructureDefinition.differential.element[0]"},
		{"an operator that the description of SNOMED CT lacks", include(`"system":"http://snomed.info/sct","filter":[{"property":"concept","op":"descendent-of","value":"404684003"}]`), "system-unknown filter-op:warning", "ValueSet.compose.include[0].system ValueSet.compose.include[0].filter[0].op"},
		{"another type than its base", structure("Patient", observation, `{"path":"Patient.name"}`), "definition-type snapshot path-root", "StructureDefinition.type StructureDefinition StructureDefinition.differential.element[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, err := tree.Parse([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var rule, path []string
			for _, is := range judge(doc.Root(), r4.Library(), published()) {
				name := is.Rule
				if name == "filter-op" {
					name += ":" + string(is.Severity)
				}
				rule, path = append(rule, name), append(path, is.Path)
			}
			if strings.Join(rule, " ") != c.rules || strings.Join(path, " ") != c.paths {
				t.Errorf("found %v at %v, want %s at %s", rule, path, c.rules, c.paths)
			}
		})
	}
}

func TestExpression(t *testing.T) {
	for _, c := range []struct{ text, rule string }{
		{`{"language":"text/fhirpath","expression":"%p-inactive"}`, ""},
		{`{"language":"text/fhirpath","expression":"answers().sum() + %weight"}`, ""}, // functions of whoever evaluates it
		{`{"language":"text/fhirpath","expression":"$ and %p"}`, "expression"},
		{`{"language":"text/fhirpath","expression":"a..b"}`, "expression"},
		{`{"language":"text/cql","expression":"$ and"}`, ""},
	} {
		doc, err := tree.Parse([]byte(c.text))
		if err != nil {
			t.Fatal(err)
		}
		rule := ""
		rules.Of("Expression")(&rules.Context{Model: r4.Model(), Report: func(_ string, is issue.Issue) { rule += is.Rule }}, doc.Root())
		if rule != c.rule {
			t.Errorf("Expression %s = %q, want %q", c.text, rule, c.rule)
		}
	}
}
