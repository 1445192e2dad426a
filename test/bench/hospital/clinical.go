package hospital

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Bundle is the transaction of the i-th patient: PerPatient resources that refer
// to each other by urn:uuid, as those of Synthea do.
func (h *Hospital) Bundle(i int) []byte {
	r := h.random(4, uint64(i))
	b := &bundle{b: make([]byte, 0, PerPatient*1100)}
	day := h.Visit(i)
	patient := full(i, 0)
	b.post("Patient", patient, h.patient(i))
	var encounters [4]string
	for k := range encounters {
		encounters[k] = full(i, 1+k)
		b.post("Encounter", encounters[k], encounter(r, patient, day.AddDate(0, 0, 3*k)))
	}
	for k := range Observations {
		b.post("Observation", "", h.Observation(i*Observations+k, patient, encounters[k%4], day.AddDate(0, 0, 3*(k%4))))
	}
	for k := range 3 {
		b.post("Condition", full(i, 5+k), condition(r, patient, encounters[k], day))
	}
	for k := range 4 {
		b.post("MedicationRequest", full(i, 8+k), medication(r, patient, encounters[k], day))
	}
	for k := range 2 {
		b.post("Procedure", "", procedure(r, patient, encounters[k], day))
		b.post("DiagnosticReport", "", report(r, patient, encounters[k], day))
		claim := full(i, 12+k)
		b.post("Claim", claim, Claim(r, patient, day))
		b.post("ExplanationOfBenefit", "", Benefit(r, patient, claim, day))
	}
	return b.bytes()
}

// full is the full URL of the k-th thing of the i-th patient.
func full(i, k int) string { return fmt.Sprintf("urn:uuid:%08x-0000-4000-8000-%012x", i, k) }

func doctor(r *rand.Rand) string {
	return fmt.Sprintf("Practitioner/practitioner-%d", r.IntN(Practitioners))
}

func encounter(r *rand.Rand, patient string, at time.Time) []byte {
	at = at.Add(time.Duration(8*3600+r.IntN(8*3600)) * time.Second)
	return fmt.Appendf(nil, `{"resourceType":"Encounter","status":"finished","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":%q},`+
		`"type":[{"coding":[{"system":"urn:hospital:visit","code":"v%d"}],"text":"门诊 visit"}],"subject":{"reference":%q},`+
		`"participant":[{"individual":{"reference":%q}}],"period":{"start":%q,"end":%q},"location":[{"location":{"reference":"Location/ward-%d"}}],"serviceProvider":{"reference":"Organization/house"}}`,
		[]string{"AMB", "IMP", "EMER"}[r.IntN(3)], r.IntN(20), patient, doctor(r), at.Format(time.RFC3339), at.Add(time.Hour).Format(time.RFC3339), r.IntN(Wards))
}

var diagnoses = [][2]string{
	{"I10", "Essential hypertension 原发性高血压"}, {"E11.9", "Type 2 diabetes 2型糖尿病"}, {"J18.9", "Pneumonia 肺炎"}, {"S02.0", "Fracture of vault of skull 颅骨骨折"}, {"M17.1", "Gonarthrosis 膝关节病"},
	{"C41.0", "Malignant neoplasm of bones of skull 颅骨恶性肿瘤"}, {"K21.0", "Reflux 胃食管反流"}, {"N18.3", "Chronic kidney disease 慢性肾病"},
}

func condition(r *rand.Rand, patient, encounter string, at time.Time) []byte {
	d := diagnoses[r.IntN(len(diagnoses))]
	return fmt.Appendf(nil, `{"resourceType":"Condition","clinicalStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"active"}]},`+
		`"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status","code":"confirmed"}]},`+
		`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-category","code":"encounter-diagnosis"}]}],`+
		`"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10","code":%q}],"text":%q},"subject":{"reference":%q},"encounter":{"reference":%q},"onsetDateTime":%q,"recordedDate":%q}`,
		d[0], d[1], patient, encounter, at.AddDate(0, 0, -r.IntN(2000)).Format("2006-01-02"), at.Format("2006-01-02"))
}

func medication(r *rand.Rand, patient, encounter string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"resourceType":"MedicationRequest","status":"active","intent":"order","medicationCodeableConcept":{"coding":[{"system":"urn:hospital:drug","code":"d%03d"}],"text":"药品 drug %[1]d"},`+
		`"subject":{"reference":%q},"encounter":{"reference":%q},"authoredOn":%q,"requester":{"reference":%q},`+
		`"dosageInstruction":[{"sequence":1,"text":"每日两次 twice a day","timing":{"repeat":{"frequency":2,"period":1,"periodUnit":"d"}},"doseAndRate":[{"doseQuantity":{"value":%d,"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"}}]}]}`,
		r.IntN(300), patient, encounter, at.Format("2006-01-02"), doctor(r), 5*(1+r.IntN(40)))
}

func procedure(r *rand.Rand, patient, encounter string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"resourceType":"Procedure","status":"completed","code":{"coding":[{"system":"urn:hospital:procedure","code":"p%02d"}],"text":"操作 procedure %[1]d"},`+
		`"subject":{"reference":%q},"encounter":{"reference":%q},"performedPeriod":{"start":%q,"end":%q},"performer":[{"actor":{"reference":%q}}]}`,
		r.IntN(60), patient, encounter, at.Add(9*time.Hour).Format(time.RFC3339), at.Add(10*time.Hour).Format(time.RFC3339), doctor(r))
}

func report(r *rand.Rand, patient, encounter string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"resourceType":"DiagnosticReport","status":"final","category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}],`+
		`"code":{"coding":[{"system":%q,"code":"58410-2"}],"text":"CBC panel 血常规"},"subject":{"reference":%q},"encounter":{"reference":%q},"effectiveDateTime":%q,"issued":%q,"performer":[{"reference":%q}],"conclusion":"未见明显异常 no abnormality %d"}`,
		LOINC, patient, encounter, at.Format("2006-01-02"), at.Add(30*time.Hour).Format(time.RFC3339), doctor(r), r.IntN(1000))
}
