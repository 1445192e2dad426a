package validate_test

// completions are members that invariants ask for where cardinalities don't, by
// type.
var completions = map[string]string{
	"Age":                     `{"value":1,"system":"http://unitsofmeasure.org","code":"a"}`,
	"Expression":              `{"language":"text/fhirpath","expression":"true"}`,
	"AllergyIntolerance":      `{"clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical","code":"active"}]}}`,
	"Appointment.participant": `{"actor":{"display":"x"}}`,
	"AppointmentResponse":     `{"actor":{"display":"x"}}`,
	"Bundle":                  `{"type":"collection"}`,
	"CapabilityStatement":     `{"description":"x","fhirVersion":"4.0.1","rest":[{"mode":"server"}],"implementation":{"description":"x"}}`,
	"CodeableConcept":         `{"text":"x"}`,
	"Consent":                 `{"policyRule":{"text":"x"}}`,
	"EventDefinition":         `{"trigger":[{"type":"named-event","name":"x"}]}`,
	"ImmunizationRecommendation.recommendation": `{"vaccineCode":[{"text":"x"}]}`,
	"InsurancePlan":           `{"name":"x"}`,
	"Linkage":                 `{"item":[{"type":"source","resource":{"display":"x"}},{"type":"alternate","resource":{"display":"y"}}]}`,
	"Organization":            `{"name":"x"}`,
	"ContactPoint":            `{"system":"phone","value":"1"}`,
	"Ratio":                   `{"numerator":{"value":1},"denominator":{"value":2}}`,
	"RelatedArtifact":         `{"label":"x"}`,
	"Patient.contact":         `{"gender":"male","name":{"text":"x"}}`,
	"StructureDefinition":     `{"kind":"resource","type":"Patient","derivation":"constraint","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","differential":{"element":[{"id":"Patient","path":"Patient"}]}}`,
	"TerminologyCapabilities": `{"description":"x","implementation":{"description":"x"}}`,
}
