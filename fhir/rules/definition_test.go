package rules_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/rules"
	"tenon/fhir/snapshot"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

var published = sync.OnceValue(func() *terminology.Server {
	return terminology.New(r4.Library(), terminology.Options{})
})

// judge applies the rule of a resource's type, as the validator does.
func judge(n tree.Node, lib *definition.Library, terms *terminology.Server) []issue.Issue {
	typ := n.Field("resourceType").Str()
	var found []issue.Issue
	rules.Of(typ)(&rules.Context{
		Model: r4.Model(), Library: lib, Terminology: terms, Root: n, Resource: n,
		Differential: func(sd tree.Node) ([]byte, []issue.Issue) { return snapshot.Check(sd, lib) },
		Report:       func(sub string, is issue.Issue) { is.Path = typ + sub; found = append(found, is) },
	}, n)
	return found
}

// faultyHere are the published definitions that break a rule, with the rules:
// each fault was looked at and is real.
var faultyHere = map[string]string{
	"CapabilityStatement/base":                                     "search-type", // _source is a uri
	"CapabilityStatement/knowledge-repository":                     "search-type", // version is a token
	"CapabilityStatement/measure-processor":                        "search-type",
	"CapabilityStatement/terminology-server":                       "search-type",
	"CodeSystem/v3-CodeSystem":                                     "property-type", // inactive, declared boolean, as code
	"ConceptMap/101":                                               "code-unknown",  // temp is TMP there
	"ConceptMap/cm-administrative-gender-v3":                       "code-unknown",
	"StructureDefinition/ExplanationOfBenefit":                     "valueset-kind", // priority is bound to a code system
	"StructureDefinition/ChargeItemDefinition":                     "expression",    // a constraint on name, which it has not
	"StructureDefinition/allergyintolerance-substanceExposureRisk": "expression",    // a constraint on the resource, put on the extension
	"StructureDefinition/codesystem-history":                       "snapshot cardinality-empty max-widened slices-min",
	"StructureDefinition/familymemberhistory-genetic":              "snapshot slicing-missing",
	"ValueSet/image-reference-type":                                "code-unknown", // codes that DICOM's system has not here
	"ValueSet/ucum-common":                                         "code-unknown", // blanks in annotations
}

// TestCorpus: the definitions of R4 and HL7 Terminology break no rule, but for
// those above and the sc-* maps, which list several codes as one.
func TestCorpus(t *testing.T) {
	count := 0
	for _, typ := range []string{"StructureDefinition", "SearchParameter", "ValueSet", "CodeSystem", "ConceptMap", "CapabilityStatement", "OperationDefinition", "CompartmentDefinition"} {
		for res := range r4.Library().All(typ) {
			n, err := res.Node()
			if err != nil {
				t.Fatal(err)
			}
			count++
			allowed := faultyHere[typ+"/"+res.ID]
			if typ == "ConceptMap" && strings.HasPrefix(res.ID, "sc-") {
				allowed = "code-unknown"
			}
			for _, is := range judge(n, r4.Library(), published()) {
				if is.Severity == issue.Error && !slices.Contains(strings.Fields(allowed), is.Rule) {
					t.Errorf("%s/%s: %s", typ, res.ID, is)
				}
				if is.Chinese == "" || is.Text == "" || is.Rule == "" {
					t.Errorf("%s/%s: %+v has no rule or text in both languages", typ, res.ID, is)
				}
			}
		}
	}
	if count < 5000 {
		t.Errorf("%d definitions judged, want all of the library", count)
	}
}
