package casewalk

import "slices"

// implant is the process of a custom implant (source 001), as the description
// and the public protocol have it.
func implant() *Process {
	return &Process{
		Plan: "implant", Opener: "clin-wang", Settings: implantSettings,
		Stages: slices.Concat(implantHospital(), implantMaker(), implantMade(), implantUse()),
	}
}

// implantSettings are the figures that are fixed when the case is opened.
// The duration is short: a walk sees many cases end.
func implantSettings(patient, number string) Arr {
	return Arr{
		Obj{"name": "subject", "valueReference": ref(patient)},
		Obj{"name": "case-number", "valueString": number},
		Obj{"name": "retained-samples", "valueInteger": 2},
		Obj{"name": "followup-visits", "valueInteger": 2},
		Obj{"name": "followup-duration", "valueDuration": quantity(0.02, "s")},
		Obj{"name": "image-age", "valueDuration": quantity(90, "d")},
	}
}

// implantHospital are S01 to S06.
func implantHospital() []Stage {
	return []Stage{
		{
			Code: "S01", Owner: "CLIN", Gate: "G-CONSENT", Status: 409,
			Parts: []Part{
				{Key: "care-team", Type: "CareTeam", By: "clin-wang", Body: careTeam},
				{Key: "consent", Type: "Consent", By: "clin-wang", Body: consent, File: true, Needs: []string{"S01/care-team"}, Defects: consentDefects},
				{Key: "consent-form", Type: "DocumentReference", By: "clin-wang", Body: file("consent form"), File: true, Optional: true},
			},
			Signatures: []Signature{{Role: "PAT", Purpose: "consent", Part: "S01/consent"}, {Role: "CLIN", Purpose: "informing", Part: "S01/consent"}},
		},
		{
			Code: "S02", Owner: "IMG", Also: []string{"CLIN"}, After: []string{"S01"}, Status: 422,
			Parts: []Part{
				{Key: "examination-request", Type: "ServiceRequest", By: "clin-wang", Body: examination, Defects: examinationDefects},
				{Key: "image-study", Type: "ImagingStudy", By: "img-li", Needs: []string{"S02/examination-request"}},
			},
			Signatures: []Signature{{Role: "IMG", Purpose: "acquisition", Part: "S02/image-study"}},
			Waivers:    []Waiver{{Condition: "protocol-limits", Role: "CLIN"}},
		},
		{
			Code: "S05", Owner: "HOSP", After: []string{"S01"}, Status: 422, Opens: true,
			Parts: []Part{{Key: "agreement", Type: "Contract", By: "hosp-chen", Given: "agreement"}},
		},
		{
			Code: "S03a", Owner: "CLIN", After: []string{"S02"}, Judges: true, Gate: "G-DISCLOSE", Status: 422, Opens: true,
			Parts: []Part{{Key: "data-checklist", Type: "QuestionnaireResponse", By: "clin-wang", Body: checklist, Defects: checklistDefects}},
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "data-confirmation", Part: "S02/image-study"},
				{Role: "CLIN", Purpose: "data-confirmation", Part: "S03a/data-checklist"},
			},
		},
		{
			Code: "S03b", Owner: "DES", Also: []string{"PROD"}, After: []string{"S03a", "S05"}, Judges: true, Status: 422,
			Parts: []Part{
				{Key: "designer-reply", Type: "Communication", By: "des-zhang", Body: designerReply, Defects: replyDefects},
				{Key: "producer-reply", Type: "Communication", By: "prod-zhou", Body: reply, Defects: replyDefects},
			},
			Signatures: []Signature{
				{Role: "DES", Purpose: "data-review", Part: "S03b/designer-reply"},
				{Role: "PROD", Purpose: "data-review", Part: "S03b/producer-reply"},
			},
			Waivers: []Waiver{{Condition: "image-quality", Role: "DES"}},
		},
		{
			Code: "S04", Owner: "CLIN", After: []string{"S03a"}, Judges: true, Status: 422,
			Parts: []Part{
				{Key: "condition", Type: "Condition", By: "clin-wang", Body: condition},
				{Key: "goal", Type: "Goal", By: "clin-wang", Body: goal},
				{Key: "risk-assessment", Type: "RiskAssessment", By: "clin-wang", Body: risk, Needs: []string{"S04/condition"}, Defects: riskDefects},
				{
					Key: "treatment-plan", Type: "CarePlan", By: "clin-wang", Body: carePlan, Defects: planDefects,
					Needs: []string{"S04/condition", "S04/goal", "S02/image-study"},
				},
			},
			Signatures: []Signature{{Role: "CLIN", Purpose: "treatment-plan", Part: "S04/treatment-plan"}},
		},
		{
			Code: "S06", Owner: "CLIN", After: []string{"S03b", "S04", "S05"}, Judges: true, Gate: "G-ORDER", Status: 422,
			Parts: []Part{
				{
					Key: "order", Type: "DeviceRequest", By: "clin-wang", Body: order, Sealed: true, Defects: orderDefects(),
					Needs: []string{"S04/condition", "S04/treatment-plan", "S02/image-study"},
				},
				{Key: "ethics-approval", Type: "DocumentReference", By: "clin-wang", Body: ethics, File: true, Defects: ethicsDefects},
			},
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "order", Part: "S06/order", Person: attendance},
				{Role: "MFR", Purpose: "order", Part: "S06/order"},
			},
		},
	}
}
