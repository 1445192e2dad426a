package rules

// https://hl7.org/fhir/R4/element.html

import (
	"bytes"
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// elementIDs wants the ids of elements unique within their resource. Those of
// a StructureDefinition name the same element in two views; those of an
// ImplementationGuide's groupings have a rule of their own.
func elementIDs(c *Context, n tree.Node) {
	if bytes.Count(n.Raw(), []byte(`"id"`)) < 2 {
		return
	}
	switch text(n, "resourceType") {
	case "StructureDefinition", "ImplementationGuide":
		return
	}
	ids := &elementIDScope{c: c, seen: map[string]bool{}}
	ids.members(n, c.Model.Type(text(n, "resourceType")), nil)
}

type elementIDScope struct {
	c        *Context
	seen     map[string]bool
	reported int
}

// members looks through an object; resources within are a scope of their own,
// with a rule of their own.
func (s *elementIDScope) members(n tree.Node, t *schema.Type, at *place) {
	for name, v := range n.Fields() {
		name, typ := typed(t, strings.TrimPrefix(name, "_"))
		if v.Kind() == tree.Object {
			s.object(v, typ, at.child(name))
			continue
		}
		if v.Kind() != tree.Array || name == "contained" {
			continue
		}
		i := 0
		for item := range v.Items() {
			if item.Kind() == tree.Object {
				s.object(item, typ, at.item(name, i))
			}
			i++
		}
	}
}

func (s *elementIDScope) object(n tree.Node, t *schema.Type, at *place) {
	if n.Field("resourceType").Exists() || s.reported >= maxReported {
		return
	}
	if id := text(n, "id"); id != "" {
		if s.seen[id] {
			s.reported++
			s.c.fail(at.String(), issue.BusinessRule, "element-id-twice",
				fmt.Sprintf("the id %s stands on another element of this resource too: each id must be unique", issue.Quote(id)),
				fmt.Sprintf("id %s 在本资源的其他元素上已使用，须唯一", issue.Quote(id)))
		}
		s.seen[id] = true
	}
	s.members(n, t, at)
}

// resources are the types that elementIDs judges.
// https://hl7.org/fhir/R4/resourcelist.html
var resources = set(`
	Account ActivityDefinition AdverseEvent AllergyIntolerance Appointment AppointmentResponse AuditEvent
	Basic Binary BiologicallyDerivedProduct BodyStructure Bundle CapabilityStatement CarePlan CareTeam
	CatalogEntry ChargeItem ChargeItemDefinition Claim ClaimResponse ClinicalImpression CodeSystem
	Communication CommunicationRequest CompartmentDefinition Composition ConceptMap Condition Consent
	Contract Coverage CoverageEligibilityRequest CoverageEligibilityResponse DetectedIssue Device
	DeviceDefinition DeviceMetric DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest
	DocumentReference EffectEvidenceSynthesis Encounter Endpoint EnrollmentRequest EnrollmentResponse
	EpisodeOfCare EventDefinition Evidence EvidenceVariable ExampleScenario ExplanationOfBenefit
	FamilyMemberHistory Flag Goal GraphDefinition Group GuidanceResponse HealthcareService ImagingStudy
	Immunization ImmunizationEvaluation ImmunizationRecommendation ImplementationGuide InsurancePlan
	Invoice Library Linkage List Location Measure MeasureReport Media Medication MedicationAdministration
	MedicationDispense MedicationKnowledge MedicationRequest MedicationStatement MedicinalProduct
	MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication
	MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured
	MedicinalProductPackaged MedicinalProductPharmaceutical MedicinalProductUndesirableEffect
	MessageDefinition MessageHeader MolecularSequence NamingSystem NutritionOrder Observation
	ObservationDefinition OperationDefinition OperationOutcome Organization OrganizationAffiliation
	Parameters Patient PaymentNotice PaymentReconciliation Person PlanDefinition Practitioner
	PractitionerRole Procedure Provenance Questionnaire QuestionnaireResponse RelatedPerson RequestGroup
	ResearchDefinition ResearchElementDefinition ResearchStudy ResearchSubject RiskAssessment
	RiskEvidenceSynthesis Schedule SearchParameter ServiceRequest Slot Specimen SpecimenDefinition
	StructureDefinition StructureMap Subscription Substance SubstanceNucleicAcid SubstancePolymer
	SubstanceProtein SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification
	SupplyDelivery SupplyRequest Task TerminologyCapabilities TestReport TestScript ValueSet
	VerificationResult VisionPrescription
`)

func set(names string) map[string]bool {
	m := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		m[name] = true
	}
	return m
}
