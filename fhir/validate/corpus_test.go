package validate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
)

// exceptions are the official examples that really break a rule of R4, with
// the path and rule of their first issue.
var exceptions = map[string]string{
	// A narrative of white space only: txt-2 is an error in R4.
	"ActivityDefinition-blood-tubes-supply":        "ActivityDefinition.text.div txt-2",
	"ActivityDefinition-heart-valve-replacement":   "ActivityDefinition.text.div txt-2",
	"EventDefinition-example":                      "EventDefinition.text.div txt-2",
	"Questionnaire-zika-virus-exposure-assessment": "Questionnaire.text.div txt-2",
	// Literal references to a type that the element may not point to.
	"DeviceMetric-example":        "DeviceMetric.parent reference-target",
	"DeviceUseStatement-example":  "DeviceUseStatement.reasonReference[0] reference-target",
	"MedicationRequest-medrx0301": "MedicationRequest.dispenseRequest.performer reference-target",
	"Observation-clinical-gender": "Observation.performer[0] reference-target",
	// Points to contained resources that are not there.
	"PlanDefinition-example-cardiology-os": "PlanDefinition.contained[11].item[0].answerValueSet reference-unresolved",
	// Items without the linkId that is 1..1.
	"Questionnaire-qs1": "Questionnaire.item[0].item[0] cardinality-min",
	// An id of more than 64 characters, and the guide that refers to it, which
	// moreover lacks its name and status.
	"SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject": "SearchParameter.id primitive-id",
	"ImplementationGuide-fhir": "ImplementationGuide.manifest.resource[11904].reference reference-format",
	"ig-r4":                    "ImplementationGuide.manifest.resource[11904].reference reference-format",
	// Base is 1..* and missing.
	"SearchParameter-codesystem-extensions-CodeSystem-author":    "SearchParameter cardinality-min",
	"SearchParameter-codesystem-extensions-CodeSystem-effective": "SearchParameter cardinality-min",
	"SearchParameter-codesystem-extensions-CodeSystem-end":       "SearchParameter cardinality-min",
	"SearchParameter-codesystem-extensions-CodeSystem-keyword":   "SearchParameter cardinality-min",
	"SearchParameter-codesystem-extensions-CodeSystem-workflow":  "SearchParameter cardinality-min",
	"SearchParameter-valueset-extensions-ValueSet-author":        "SearchParameter cardinality-min",
	"SearchParameter-valueset-extensions-ValueSet-effective":     "SearchParameter cardinality-min",
	"SearchParameter-valueset-extensions-ValueSet-end":           "SearchParameter cardinality-min",
	"SearchParameter-valueset-extensions-ValueSet-keyword":       "SearchParameter cardinality-min",
	"SearchParameter-valueset-extensions-ValueSet-workflow":      "SearchParameter cardinality-min",
}

// TestExamples judges every resource of the npm package
// hl7.fhir.r4.examples@4.0.1 whose unpacked folder TENON_FHIR_EXAMPLES names.
func TestExamples(t *testing.T) {
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" {
		t.Skip("TENON_FHIR_EXAMPLES does not name an unpacked folder of hl7.fhir.r4.examples@4.0.1")
	}
	plan, err := validate.New(r4.Model()).Plan("Resource")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*-*.json"))
	if len(files) < 5000 {
		t.Fatalf("%d files in %s, want the whole package", len(files), dir)
	}
	var d tree.Doc
	valid := 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Parse(src, tree.Limits{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		if !d.Root().Field("resourceType").Exists() {
			continue
		}
		issues := plan.Validate(d.Root(), nil)
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		switch rule, known := exceptions[name]; {
		case len(issues) == 0 && !known:
			valid++
		case len(issues) == 0:
			t.Errorf("%s has no issue, want %s", name, rule)
		case !known || issues[0].Path+" "+issues[0].Rule != rule:
			for _, is := range issues[:min(len(issues), 3)] {
				t.Errorf("%s: %v", name, is)
			}
		}
	}
	t.Logf("%d resources are valid, %d break a rule as listed", valid, len(exceptions))
}
