package validate_test

import (
	"maps"
	"testing"

	"tenon/profiles/r4"
)

// with is the sample of a resource type with members added or replaced; null
// takes one away.
func with(typ, members string) string {
	more := read("{" + members + "}")
	o := least(r4.Model().Type(typ))
	maps.Copy(o, more)
	maps.DeleteFunc(o, func(_ string, v any) bool { return v == nil })
	return write(o)
}

// TestInvariants: each resource breaks one invariant, and only that.
func TestInvariants(t *testing.T) {
	for _, tc := range []struct{ typ, members, want string }{
		// data types
		{"Patient", `"name":[{"text":"x","period":{"start":"2020-02-01","end":"2020-01-01"}}]`, "Patient.name[0].period per-1"},
		{"Patient", `"identifier":[{"value":"x","period":{"start":"2020-01-01T10:00:01Z","end":"2020-01-01T10:00:00Z"}}]`, "Patient.identifier[0].period per-1"},
		{"Patient", `"telecom":[{"value":"1"}]`, "Patient.telecom[0] cpt-2"},
		{"Patient", `"photo":[{"data":"QUJD"}]`, "Patient.photo[0] att-1"},
		{"Observation", `"valueQuantity":{"value":1,"code":"mg"}`, "Observation.value qty-3"},
		{"Observation", `"valueRange":{"low":{"value":2,"system":"http://unitsofmeasure.org","code":"mg"},"high":{"value":1,"system":"http://unitsofmeasure.org","code":"mg"}}`, "Observation.value rng-2"},
		{"Observation", `"valueRatio":{"numerator":{"value":1}}`, "Observation.value rat-1"},
		{"Observation", `"valueRatio":{"denominator":{"value":1}}`, "Observation.value rat-1"},
		{"Condition", `"onsetAge":{"value":-1,"system":"http://unitsofmeasure.org","code":"a"}`, "Condition.onset age-1"},
		{"Condition", `"onsetAge":{"value":1}`, "Condition.onset age-1"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"duration":1}}`, "ServiceRequest.occurrence.repeat tim-1"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"period":1}}`, "ServiceRequest.occurrence.repeat tim-2"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"duration":-1,"durationUnit":"h"}}`, "ServiceRequest.occurrence.repeat tim-4"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"period":-1,"periodUnit":"h"}}`, "ServiceRequest.occurrence.repeat tim-5"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"periodMax":1}}`, "ServiceRequest.occurrence.repeat tim-6"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"durationMax":1}}`, "ServiceRequest.occurrence.repeat tim-7"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"countMax":1}}`, "ServiceRequest.occurrence.repeat tim-8"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"offset":1}}`, "ServiceRequest.occurrence.repeat tim-9"},
		{"ServiceRequest", `"occurrenceTiming":{"repeat":{"timeOfDay":["10:00:00"],"when":["MORN"]}}`, "ServiceRequest.occurrence.repeat tim-10"},
		{"Library", `"dataRequirement":[{"type":"Patient","codeFilter":[{"path":"a","searchParam":"b"}]}]`, "Library.dataRequirement[0].codeFilter[0] drq-1"},
		{"Library", `"dataRequirement":[{"type":"Patient","dateFilter":[{"path":"a","searchParam":"b"}]}]`, "Library.dataRequirement[0].dateFilter[0] drq-2"},
		{"EventDefinition", `"trigger":[{"type":"named-event","name":"x","condition":{"language":"text/fhirpath","expression":"true"}}]`, "EventDefinition.trigger[0] trd-2"},
		{"EventDefinition", `"trigger":[{"type":"named-event","name":"x","condition":{"language":"text/fhirpath"},"data":[{"type":"Patient"}]}]`, "EventDefinition.trigger[0].condition exp-1"},

		// every resource
		{"Patient", `"contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"}}]`, "Patient.contained[0] dom-3"},
		{"Patient", `"managingOrganization":{"reference":"#o"},"contained":[{"resourceType":"Organization","id":"o","name":"x","meta":{"versionId":"1"}}]`, "Patient dom-4"},
		{"Patient", `"managingOrganization":{"reference":"#o"},"contained":[{"resourceType":"Organization","id":"o","name":"x","meta":{"lastUpdated":"2020-01-01T00:00:00Z"}}]`, "Patient dom-4"},
		{"Patient", `"managingOrganization":{"reference":"#o"},"contained":[{"resourceType":"Organization","id":"o","name":"x","meta":{"security":[{"system":"http://x","code":"y"}]}}]`, "Patient dom-5"},

		// single resources
		{"AllergyIntolerance", `"clinicalStatus":null`, "AllergyIntolerance ait-1"},
		{"AllergyIntolerance", `"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/allergyintolerance-verification","code":"entered-in-error"}]}`, "AllergyIntolerance ait-2"},
		{"Appointment", `"start":"2020-01-01T00:00:00Z"`, "Appointment app-2"},
		{"Appointment", `"status":"booked"`, "Appointment app-3"},
		{"Appointment", `"cancelationReason":{"text":"x"}`, "Appointment app-4"},
		{"Appointment", `"participant":[{"status":"accepted"}]`, "Appointment.participant[0] app-1"},
		{"AppointmentResponse", `"actor":null`, "AppointmentResponse apr-1"},
		{"AuditEvent", `"entity":[{"name":"x","query":"QUJD"}]`, "AuditEvent.entity[0] sev-1"},
		{"Bundle", `"total":1`, "Bundle bdl-1"},
		{"Bundle", `"entry":[{"fullUrl":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520","search":{"mode":"match"},"resource":{"resourceType":"Patient","id":"a"}}]`, "Bundle bdl-2"},
		{"Bundle", `"type":"document","identifier":{"system":"http://x","value":"1"},"timestamp":"2020-01-01T00:00:00Z"`, "Bundle bdl-11"},
		{"CapabilityStatement", `"rest":null`, "CapabilityStatement cpb-1"},
		{"CapabilityStatement", `"implementation":null`, "CapabilityStatement cpb-14"},
		{"CapabilityStatement", `"kind":"requirements"`, "CapabilityStatement cpb-16"},
		{"CarePlan", `"activity":[{"detail":{"status":"unknown"},"reference":{"display":"x"}}]`, "CarePlan.activity[0] cpl-3"},
		{"Composition", `"section":[{"title":"x"}]`, "Composition.section[0] cmp-1"},
		{"Composition", `"section":[{"emptyReason":{"text":"x"},"entry":[{"display":"x"}]}]`, "Composition.section[0] cmp-2"},
		{"Condition", `"stage":[{"type":{"text":"x"}}]`, "Condition.stage[0] con-1"},
		{"Condition", `"evidence":[{"id":"a","extension":[{"url":"http://tenon.test/e","valueCode":"x"}]}]`, "Condition.evidence[0] con-2"},
		{"Consent", `"policyRule":null`, "Consent ppc-1"},
		{"FamilyMemberHistory", `"ageString":"x","bornString":"y"`, "FamilyMemberHistory fhs-1"},
		{"FamilyMemberHistory", `"estimatedAge":true`, "FamilyMemberHistory fhs-2"},
		{"Goal", `"target":[{"detailString":"x"}]`, "Goal.target[0] gol-1"},
		{"Group", `"actual":false,"member":[{"entity":{"display":"x"}}]`, "Group grp-1"},
		{"Immunization", `"education":[{"publicationDate":"2020"}]`, "Immunization.education[0] imm-1"},
		{"InsurancePlan", `"name":null`, "InsurancePlan ipn-1"},
		{"Linkage", `"item":[{"type":"source","resource":{"display":"x"}}]`, "Linkage lnk-1"},
		{"List", `"emptyReason":{"text":"x"},"entry":[{"item":{"display":"x"}}]`, "List lst-1"},
		{"List", `"mode":"snapshot","entry":[{"item":{"display":"x"},"deleted":true}]`, "List lst-2"},
		{"List", `"mode":"snapshot","entry":[{"item":{"display":"x"},"date":"2020"}]`, "List lst-3"},
		{"MedicationAdministration", `"dosage":{"text":"x"}`, "MedicationAdministration.dosage mad-1"},
		{"MedicationDispense", `"whenPrepared":"2020-01-02T00:00:00Z","whenHandedOver":"2020-01-01T00:00:00Z"`, "MedicationDispense mdd-1"},
		{"NamingSystem", `"kind":"root","uniqueId":[{"type":"uuid","value":"c757873d-ec9a-4326-a141-556f43239520"}]`, "NamingSystem nsd-1"},
		{"Observation", `"valueString":"x","dataAbsentReason":{"text":"x"}`, "Observation obs-6"},
		{"Observation", `"code":{"coding":[{"system":"http://x","code":"a"}]},"valueString":"x","component":[{"code":{"coding":[{"system":"http://x","code":"a"}]},"valueString":"y"}]`, "Observation obs-7"},
		{"Observation", `"referenceRange":[{"type":{"text":"x"}}]`, "Observation.referenceRange[0] obs-3"},
		{"OperationDefinition", `"parameter":[{"name":"x","use":"in","min":0,"max":"1"}]`, "OperationDefinition.parameter[0] opd-1"},
		{"OperationDefinition", `"parameter":[{"name":"x","use":"in","min":0,"max":"1","type":"code","searchType":"token"}]`, "OperationDefinition.parameter[0] opd-2"},
		{"Organization", `"name":null`, "Organization org-1"},
		{"Organization", `"telecom":[{"system":"phone","value":"1","use":"home"}]`, "Organization.telecom[0] org-3"},
		{"Organization", `"address":[{"text":"x","use":"home"}]`, "Organization.address[0] org-2"},
		{"Parameters", `"parameter":[{"name":"a"}]`, "Parameters.parameter[0] inv-1"},
		{"Parameters", `"parameter":[{"name":"a","valueCode":"x","part":[{"name":"b","valueCode":"y"}]}]`, "Parameters.parameter[0] inv-1"},
		{"Patient", `"contact":[{"gender":"male"}]`, "Patient.contact[0] pat-1"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"group","item":[{"linkId":"2","type":"string"}]},{"linkId":"2","type":"string"}]`, "Questionnaire que-2"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"group"}]`, "Questionnaire.item[0] que-1"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"display","code":[{"system":"http://x","code":"y"}]}]`, "Questionnaire.item[0] que-3"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"display","required":true}]`, "Questionnaire.item[0] que-6"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"display","readOnly":true}]`, "Questionnaire.item[0] que-9"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"date","maxLength":5}]`, "Questionnaire.item[0] que-10"},
		{"Questionnaire", `"item":[{"linkId":"1","type":"string","initial":[{"valueString":"a"},{"valueString":"b"}]}]`, "Questionnaire.item[0] que-13"},
		{"Questionnaire", `"item":[{"linkId":"0","type":"boolean"},{"linkId":"1","type":"string","enableWhen":[{"question":"0","operator":"=","answerBoolean":true},{"question":"0","operator":"=","answerBoolean":false}]}]`, "Questionnaire.item[1] que-12"},
		{"RiskAssessment", `"prediction":[{"probabilityDecimal":101}]`, "RiskAssessment.prediction[0] ras-2"},
		{"SearchParameter", `"xpath":"f:x"`, "SearchParameter spd-1"},
		{"SearchParameter", `"type":"token","chain":["x"]`, "SearchParameter spd-2"},
		{"ServiceRequest", `"orderDetail":[{"text":"x"}]`, "ServiceRequest prr-1"},
		{"ValueSet", `"compose":{"include":[{"version":"1"}]}`, "ValueSet.compose.include[0] vsd-1"},
		{"ValueSet", `"compose":{"include":[{"system":"http://x","concept":[{"code":"a"}],"filter":[{"property":"p","op":"=","value":"v"}]}]}`, "ValueSet.compose.include[0] vsd-3"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			fault(t, setOf(extensionOf("http://tenon.test/e", "Element", "code")), with(tc.typ, tc.members), tc.want, nil)
		})
	}
}
