package casewalk

import "time"

// implantMaker are S07 to S10: the design.
func implantMaker() []Stage {
	return []Stage{
		{
			Code: "S07", Owner: "DES", After: []string{"S06"}, Judges: true, Gate: "G-INPUT", Status: 422,
			Parts: []Part{
				{Key: "conversion", Type: "Observation", By: "des-zhang", As: Beside, Body: conversion},
				{
					Key: "design-input", Type: "Composition", By: "des-zhang", Body: designInput, Defects: missing(inputSections),
					Needs: []string{"S07/conversion", "S02/examination-request"},
				},
			},
			Signatures: []Signature{
				{Role: "DES", Purpose: "design-input", Part: "S07/design-input"},
				{Role: "REV", Purpose: "input-review", Part: "S07/design-input", Other: "DES"},
			},
		},
		{
			Code: "S08", Owner: "DES", After: []string{"S07"}, Judges: true, Gate: "G-OUTPUT", Status: 422,
			Parts: []Part{
				{Key: "design-model", Type: "DocumentReference", By: "des-zhang", Body: designModel, File: true, Sealed: true, Defects: modelDefects},
				{Key: "drawing", Type: "DocumentReference", By: "des-zhang", Body: with(as("drawing", file("drawing")), producedWith), File: true, Defects: unlabelled},
				{Key: "design-description", Type: "DocumentReference", By: "des-zhang", Body: as("design-description", file("description")), File: true, Defects: unlabelled},
				{Key: "design-definition", Type: "DeviceDefinition", By: "des-zhang", Body: definition, Defects: definitionDefects()},
				{
					Key: "design-output", Type: "Composition", By: "des-zhang", Body: designOutput, Defects: missing(outputSections),
					Needs: []string{"S08/design-model", "S08/drawing", "S08/design-description"},
				},
				result("stress", "des-zhang", "ultimate-strength", 210, "MPa"),
				{
					Key: "analysis", Type: "DiagnosticReport", By: "des-zhang", Needs: []string{"S08/stress"},
					Body: with(analysed, producedWith, ext("iteration", "valuePositiveInt", 2)),
				},
				dialogue("analysis-told", "des-zhang", "comment"), dialogue("analysis-answered", "clin-wang", "approve"),
			},
			Signatures: []Signature{
				{Role: "DES", Purpose: "design-output", Part: "S08/design-output"},
				{Role: "DES", Purpose: "design-output", Part: "S08/design-definition"},
				{Role: "REV", Purpose: "output-review", Part: "S08/design-output", Other: "DES"},
				{Role: "CLIN", Purpose: "feasibility", Part: "S08/design-output"},
				{Role: "PROD", Purpose: "feasibility", Part: "S08/design-output"},
				{Role: "CLIN", Purpose: "analysis-approval", Part: "S08/analysis"},
			},
			Waivers: []Waiver{{Condition: "machine-fit", Role: "PROD"}},
		},
		{
			Code: "S09", Owner: "DES", After: []string{"S08"}, Judges: true, Gate: "G-VERIFY", Status: 422,
			Parts: []Part{
				{Key: "verification-specification", Type: "DocumentReference", By: "des-zhang", Body: specification, File: true},
				{Key: "verification-plan", Type: "Composition", By: "des-zhang", Needs: []string{"S08/design-output"}, Body: verificationPlan, Defects: missing(planSections)},
				{Key: "software", Type: "Device", By: "des-zhang", Given: "Device/cad"},
				result("thickness", "des-zhang", "thickness", 3, "mm"),
				{
					Key: "verification-report", Type: "DiagnosticReport", By: "des-zhang", Defects: passDefects,
					Needs: []string{"S09/thickness", "S09/verification-plan", "S09/verification-specification"},
					Body:  tested("verification-report", "verification report", "S09/thickness", "S09/verification-plan", "S09/verification-specification"),
				},
			},
			Signatures: []Signature{
				{Role: "REV", Purpose: "plan-approval", Part: "S09/verification-plan"},
				{Role: "DES", Purpose: "verification", Part: "S08/design-model"},
				{Role: "REV", Purpose: "verification", Part: "S08/design-model", Other: "DES"},
			},
			Orders: []Order{{Part: "S09/verification-report", Role: "REV", Purpose: "plan-approval", Signed: "S09/verification-plan"}},
		},
		{
			Code: "S10", Owner: "DES", After: []string{"S09"}, Judges: true, Gate: "G-CONFIRM", Status: 422,
			Parts: []Part{
				{Key: "validation-plan", Type: "Composition", By: "des-zhang", Body: testPlan("validation-plan", "ultimate-strength", append(planSections, "representative-product")...), Defects: missing(planSections)},
				result("strength", "des-zhang", "ultimate-strength", 940, "MPa"),
				{
					Key: "validation-report", Type: "DiagnosticReport", By: "des-zhang", Body: validation, Defects: validationDefects,
					Needs: []string{"S10/strength", "S10/validation-plan"},
				},
				{Key: "design-scheme", Type: "Composition", By: "des-zhang", Body: as("design-scheme", composed("design scheme", schemeSections...)), Defects: missing(schemeSections)},
				{Key: "confirmation-form", Type: "Composition", By: "des-zhang", Body: confirmationForm, Needs: []string{"S08/design-model"}, Defects: formDefects},
			},
			Signatures: []Signature{
				{Role: "DES", Purpose: "design-scheme", Part: "S10/design-scheme"},
				{Role: "CLIN", Purpose: "design-confirmation", Part: "S10/confirmation-form"},
				{Role: "PROD", Purpose: "design-confirmation", Part: "S10/confirmation-form"},
			},
		},
	}
}

var (
	inputSections = []string{
		"patient-data", "surgical-plan", "structure-form", "mechanical", "biocompatibility", "scan-requirement", "scan-parameters", "data-handling",
		"conversion-efficiency",
	}
	outputSections = []string{
		"clinical-need", "design-parameters", "manufacturing-parameters", "output-list", "transfer-method", "verification-conditions", "performance",
		"patient-specific",
	}
	planSections   = []string{"methods", "acceptance-criteria", "sample-size-rationale"}
	schemeSections = []string{
		"patient-data", "surgical-plan", "flow-chart", "material", "structural-features", "custom-requirements", "matching-devices", "packaging",
		"post-processing-cleaning", "disinfection", "sterilisation", "delivery-mode", "technical-requirements",
	}
	historySections = []string{
		"images", "model", "build-file", "process-parameters", "material-lot", "machine", "software", "procedures", "operations", "inspection",
		"retained-samples", "label-ifu",
	}
	deliverySections   = []string{"format", "properties", "precautions", "operating-steps"}
	acceptanceSections = []string{"device", "images", "plan", "requirements", "design", "production-record", "label"}
)

// implantMade are S11 to S14: production and delivery.
func implantMade() []Stage {
	return []Stage{
		{
			Code: "S11", Owner: "PROD", After: []string{"S10"}, Judges: true, Gate: "G-RELEASE", Status: 422, WorkStatus: 409,
			WorkNeeds: []string{"S11/machine", "S11/material", "S11/process", "S11/capability-assessment"}, EndParts: []string{"S12/retained-sample"}, EndStages: []string{"S12"},
			Parts: append([]Part{
				{Key: "machine", Type: "Device", By: "prod-zhou", As: Input, Given: "Device/printer", Wrong: []Wrong{
					{Ref: "Device/printer-new", Rule: "G-PRODUCE/machine-validated", Clause: []string{"R001-028"}},
					{Ref: "Device/cad", Rule: "G-PRODUCE/machine-validated", Clause: []string{"R001-026"}},
				}},
				{Key: "material", Type: "Substance", By: "prod-zhou", As: Input, Given: "Substance/ti64-lot", Wrong: []Wrong{
					{Ref: "Substance/ti64-lot-unpermitted", Rule: "G-PRODUCE/material-permitted", Clause: []string{"R001-024"}},
				}},
				{Key: "process", Type: "ActivityDefinition", By: "prod-zhou", As: Input, Given: "ActivityDefinition/lpbf-ti64"},
				{
					Key: "capability-assessment", Type: "DiagnosticReport", By: "prod-zhou", As: Input, Body: capability,
					Needs: []string{"S08/design-definition", "S09/thickness"},
				},
				{
					Key: "device", Type: "Device", By: "prod-zhou", Body: device, Defects: deviceDefects,
					Needs: []string{"S08/design-definition", "S10/confirmation-form"},
				},
				result("inspection", "qa-wu", "thickness", 80, "mm", "S11/device"), result("smoothness", "qa-wu", "roughness", 7.5, "um", "S11/device"),
				{Key: "look", Type: "Observation", By: "qa-wu", As: Beside, Body: look, Defects: lookDefects()},
				{
					Key: "inspection-report", Type: "DiagnosticReport", By: "qa-wu", Needs: []string{"S11/inspection", "S11/look", "S11/smoothness"}, Defects: passDefects,
					Body: inspection,
				},
				{Key: "label", Type: "DocumentReference", By: "prod-zhou", Body: as("label", label), File: true},
				{Key: "ifu", Type: "DocumentReference", By: "prod-zhou", Body: as("ifu", file("instructions for use")), File: true},
				{Key: "device-history-record", Type: "Composition", By: "prod-zhou", Body: history, Needs: []string{"S02/image-study", "S08/design-model"}, Defects: historyDefects()},
			}, operations()...),
			Signatures: []Signature{
				{Role: "PROD", Purpose: "production-record", Part: "S11/device-history-record"},
				{Role: "QA", Purpose: "product-release", Part: "S11/device-history-record"},
			},
		},
		{
			Code: "S12", Owner: "PROD", After: []string{"S10"}, Judges: true, Status: 422,
			Parts:      []Part{{Key: "retained-sample", Type: "Specimen", By: "prod-zhou", Body: specimen, Defects: sampleDefects}},
			Signatures: []Signature{{Role: "PROD", Purpose: "retained-sample", Part: "S12/retained-sample"}},
		},
		{
			Code: "S13", Owner: "LOG", Also: []string{"MFR"}, After: []string{"S11", "S12"}, Gate: "G-RECEIVE", Status: 422,
			Parts: []Part{
				{Key: "delivery-list", Type: "SupplyDelivery", By: "log-ma", Body: delivery, Needs: []string{"S11/device"}, Defects: deliveryDefects},
				custodian("dispatched", "log-ma"), custodian("carried", "log-ma", "S13/dispatched"),
				custodian("hospital-received", "agent-sun", "S13/carried"), custodian("doctor-received", "clin-wang", "S13/hospital-received"),
			},
			Signatures: []Signature{
				{Role: "LOG|MFR", Purpose: "dispatch", Part: "S13/delivery-list"},
				{Role: "CLIN|AGENT", Purpose: "receipt", Part: "S13/delivery-list"},
			},
		},
		{
			Code: "S14", Owner: "MFR", Also: []string{"LOG"}, After: []string{"S11", "S12"}, Gate: "G-RECEIVE", Status: 422,
			Parts: []Part{
				{Key: "data-delivery", Type: "Composition", By: "mfr-xu", Body: as("data-delivery", composed("data delivery", deliverySections...)), Defects: missing(deliverySections)},
				{Key: "data-file", Type: "DocumentReference", By: "mfr-xu", Body: dataFile, File: true},
			},
			Signatures: []Signature{{Role: "CLIN", Purpose: "data-receipt", Part: "S14/data-delivery"}},
		},
	}
}

// operationCodes are the controlled items of production and the store (6.2) in
// the order of their times.
var operationCodes = []string{
	"design-software", "equipment", "raw-material-test", "print", "post-processing", "cleaning", "device-test", "packaging", "sterilisation",
	"warehouse-in", "warehouse-out",
}

func operations() []Part {
	follows := map[string][]string{
		"post-processing": {"S11/operation-print"}, "cleaning": {"S11/operation-post-processing"}, "packaging": {"S11/operation-cleaning"},
		"sterilisation": {"S11/operation-cleaning"}, "warehouse-in": {"S11/operation-packaging", "S11/operation-sterilisation"}, "warehouse-out": {"S11/operation-warehouse-in"},
	}
	var all []Part
	for _, code := range operationCodes {
		all = append(all, Part{Key: "operation-" + code, Type: "Task", By: "prod-zhou", As: Beside, Work: true, Needs: follows[code], Defects: operationDefects(code), Body: func(w *Writer) Obj {
			return operation(w, code)
		}})
	}
	return all
}

func custodian(code, by string, after ...string) Part {
	return Part{Key: code, Type: "Provenance", By: by, As: Beside, Last: true, Rule: "G-RECEIVE/custody-unbroken", Clause: []string{"R001-171"}, Decoys: decoys, Needs: append([]string{"S13/delivery-list!"}, after...), Body: func(w *Writer) Obj {
		return Obj{
			"resourceType": "Provenance", "target": refs(w.Refs["S13/delivery-list"]), "occurredDateTime": instant(w.Now.Add(-time.Millisecond)), "recorded": instant(w.Now), // the server's clock shows whole milliseconds
			"activity": coded("custody", code), "agent": Arr{Obj{"who": ref(w.By)}},
		}
	}}
}
