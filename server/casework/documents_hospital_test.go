package casework_test

import (
	"slices"
	"time"

	"tenon/server/access"
)

// What the walk writes in S01 to S07: documents that follow their profiles.

// stored is a file whose bytes the case holds under that url.
func stored(content string) obj {
	f := file(content)
	f["url"] = "Binary/" + digestOf(content)[:8]
	return f
}

// hl7 is a concept of a code system of HL7.
func hl7(system, code string) obj {
	return concept("http://terminology.hl7.org/CodeSystem/"+system, code)
}

func workConsent(w *world) {
	participants := arr{}
	for _, c := range team {
		participants = append(participants, obj{"role": arr{concept("urn:tenon:role", string(c.Roles[0]))}, "member": ref(c.Principal)})
	}
	w.must(clin,
		obj{"resourceType": "CareTeam", "id": "team", "status": "active", "subject": ref("Patient/p"), "participant": participants},
		obj{"resourceType": "Consent", "id": "consent", "status": "active", "patient": ref("Patient/p"), "dateTime": w.stamp(0),
			"scope": hl7("consentscope", "treatment"), "category": arr{concept("http://loinc.org", "59284-0")}, "performer": arr{ref("Patient/p")}, "organization": arr{ref("Organization/hospital")},
			"policyRule":       obj{"text": "explained: examination, use of the data, recipients, follow-up; version 3"},
			"sourceAttachment": stored("I agree"),
			"verification":     arr{obj{"verified": true, "verificationDate": w.stamp(0)}},
			"provision": obj{"type": "permit", "purpose": purposes("examination", "custom-device-treatment", "follow-up"),
				"actor": arr{obj{"role": hl7("v3-ParticipationType", "IRCP"), "reference": ref("CareTeam/team")}}}},
	)
	w.name("S01", clin, output("consent", "Consent/consent"), output("care-team", "CareTeam/team"))
	w.mustSign(pat, "Consent/consent", access.PAT, "consent")
	w.mustSign(clin, "Consent/consent", access.CLIN, "informing")
}

func purposes(codes ...string) arr {
	list := arr{}
	for _, c := range codes {
		list = append(list, obj{"system": "urn:tenon:consent-purpose", "code": c})
	}
	return list
}

// lesion is the site of the defect, with its side.
func lesion() obj {
	return obj{"coding": arr{obj{"system": "urn:tenon:body-site", "code": "SKULL"}, obj{"system": "urn:tenon:laterality", "code": "left"}}, "text": "left parietal bone"}
}

// examination is what the clinician asks of imaging.
func examination(w *world) obj {
	return obj{"resourceType": "ServiceRequest", "id": "examination", "status": "active", "intent": "order", "subject": ref("Patient/p"),
		"code": concept("http://dicom.nema.org/resources/ontology/DCM", "CT"), "authoredOn": w.stamp(0), "requester": ref(clin.Principal), "bodySite": arr{lesion()},
		"extension": arr{obj{"url": "urn:tenon:extension:protocol", "extension": arr{
			part("slice-thickness", "valueQuantity", mm(1)), part("pixel-spacing", "valueQuantity", mm(0.6)), part("kernel", "valueString", "BONE"),
			part("algorithm", "valueString", "none"), part("grey-value", "valueString", "HU, rescale given; bone window")}}}}
}

func workImaging(w *world) {
	w.must(clin, examination(w))
	w.must(img, obj{"resourceType": "ImagingStudy", "id": "ct", "status": "available", "subject": ref("Patient/p"), "started": w.stamp(0), "numberOfInstances": 108,
		"identifier": arr{obj{"system": "urn:dicom:uid", "value": "urn:oid:2.25.17.1"}}, "modality": arr{obj{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}}})
	w.name("S02", img, output("examination-request", "ServiceRequest/examination"), output("image-study", "ImagingStudy/ct"))
	w.mustSign(img, "ImagingStudy/ct", access.IMG, "acquisition")
	w.mustSign(clin, "Task/root", access.CLIN, "waive:protocol-limits")
}

// checklist is the form of data confirmation, every item answered.
func checklist(w *world) obj {
	items := arr{}
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		items = append(items, obj{"linkId": id, "answer": arr{obj{"valueBoolean": true}}})
	}
	return obj{"resourceType": "QuestionnaireResponse", "id": "checklist", "status": "completed", "subject": ref("Patient/p"),
		"questionnaire": "urn:tenon:questionnaire:data-confirmation|1.1.0", "authored": w.stamp(0), "author": ref(clin.Principal), "item": items}
}

func workConfirmation(w *world) {
	w.must(clin, checklist(w))
	w.name("S03a", clin, output("data-checklist", "QuestionnaireResponse/checklist"))
	w.mustSign(clin, "ImagingStudy/ct", access.CLIN, "data-confirmation")
	w.mustSign(clin, "QuestionnaireResponse/checklist", access.CLIN, "data-confirmation")
}

// answered is what a term says beside its text, by topic.
var answered = map[string]obj{
	"data-format":       {"valueCoding": obj{"system": "urn:tenon:file-format", "code": "STL"}},
	"transfer-method":   {"valueCoding": obj{"system": "urn:tenon:transfer-method", "code": "fhir-rest"}},
	"platform":          {"valueUri": "https://tenon.example/fhir"},
	"confirmation-form": {"valueCoding": obj{"system": "urn:tenon:confirmation-form", "code": "electronic"}},
	"image-age":         {"valueQuantity": unit(90, "d")},
	"terms":             {"valueUri": "urn:tenon:terms|1.0.0"},
}

// storage is how both parties keep what they have.
func storage() arr {
	all := arr{}
	for party, custodian := range map[string]*access.Context{"hospital": hosp, "maker": mfr} {
		all = append(all, obj{"url": "urn:tenon:extension:storage", "extension": arr{part("party", "valueReference", ref("Organization/"+party)), part("custodian", "valueReference", ref(custodian.Principal)), part("method", "valueString", "own database, encrypted"),
			part("place", "valueString", "Shanghai"), part("country", "valueCode", "CN"), part("format", "valueCode", "DICOM"), part("format", "valueCode", "STL")}})
	}
	return all
}

// topics are what an agreement covers.
var topics = []string{"order", "design-requirements", "acceptance-standard", "acceptance-list", "delivery", "rights", "obligations", "liabilities", "data-format",
	"transfer-method", "platform", "confirmation-form", "terms", "completion-time", "storage", "image-age"}

// contract is the standing agreement, executed.
func contract(w *world) obj {
	parties, terms := arr{}, arr{}
	for _, c := range team {
		parties = append(parties, obj{"reference": arr{ref(c.Principal)}, "role": concept("urn:tenon:role", string(c.Roles[0]))})
	}
	parties = append(parties, obj{"reference": arr{ref("Device/mes")}, "role": concept("urn:tenon:role", "MES")})
	for i, topic := range topics {
		offer := obj{"text": "offer"}
		if i == 0 {
			offer["party"] = parties
		}
		if a := answered[topic]; a != nil {
			offer["answer"] = arr{a}
		}
		term := obj{"topicCodeableConcept": concept("urn:tenon:topic", topic), "text": "as agreed", "offer": offer}
		switch topic {
		case "completion-time":
			term["extension"] = completionTimes(w)
		case "storage":
			term["extension"] = storage()
		}
		terms = append(terms, term)
	}
	return obj{"resourceType": "Contract", "id": "agreement", "status": "executed", "subject": arr{ref("Organization/hospital"), ref("Organization/maker")},
		"identifier": arr{obj{"system": "urn:hospital:agreement", "value": "A-7"}}, "applies": obj{"start": "2026-01-01", "end": "2027-12-31"}, "term": terms}
}

// completionTimes are those of every stage of the plan (clause 9.3.7).
func completionTimes(w *world) arr {
	times := arr{}
	for a := range w.plan.Root.Field("action").Items() {
		days := a.Path("timingDuration", "value").Text()
		times = append(times, obj{"url": "urn:tenon:extension:completion-time", "extension": arr{
			part("stage", "valueCode", a.Field("id").Str()), part("time", "valueDuration", obj{"value": number(days), "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"})}})
	}
	return times
}

// workAgreement joins an agreement that both parties signed in the case of the
// plan agreement.
func workAgreement(w *world) {
	w.must(hosp, contract(w))
	w.name("S05", hosp, output("agreement", "Contract/agreement"))
	w.mustSign(hosp, "Contract/agreement", access.HOSP, "agreement")
	mfrSigns := w.signatures[len(w.signatures)-1]
	mfrSigns.Role, mfrSigns.Signer, mfrSigns.Person = access.MFR, mfr.Principal, mfr.Person
	w.signatures = append(w.signatures, mfrSigns)
}

// reply answers the clinician in writing.
func reply(w *world, id, code string, by *access.Context) obj {
	return obj{"resourceType": "Communication", "id": id, "status": "completed", "subject": ref("Patient/p"), "topic": concept("urn:tenon:reply", code),
		"sent": w.stamp(0), "sender": ref(by.Principal), "recipient": arr{ref(clin.Principal)}, "payload": arr{obj{"contentString": "resolution, precision and site are fit"}}}
}

// finding is what the designer found of the three indices.
func dataFinding(b obj, resolution, precision, site string) obj {
	return with(b, "extension", obj{"url": "urn:tenon:extension:data-finding", "extension": arr{
		part("resolution", "valueCode", resolution), part("precision", "valueCode", precision), part("site", "valueCode", site)}})
}

func workReview(w *world) {
	w.must(des, dataFinding(reply(w, "reply-des", "accepted", des), "conform", "conform", "conform"))
	w.must(prod, reply(w, "reply-prod", "accepted-with-conditions", prod))
	w.name("S03b", des, output("designer-reply", "Communication/reply-des"), output("producer-reply", "Communication/reply-prod"))
	w.mustSign(des, "Communication/reply-des", access.DES, "data-review")
	w.mustSign(prod, "Communication/reply-prod", access.PROD, "data-review")
	w.mustSign(des, "Task/root", access.DES, "waive:image-quality")
}

func workPlan(w *world) {
	w.must(clin,
		obj{"resourceType": "Condition", "id": "defect", "subject": ref("Patient/p"), "clinicalStatus": hl7("condition-clinical", "active"),
			"code": obj{"text": "cranial defect"}, "bodySite": arr{lesion()}},
		obj{"resourceType": "Goal", "id": "goal", "lifecycleStatus": "active", "subject": ref("Patient/p"), "description": obj{"text": "closed skull"},
			"target": arr{obj{"measure": obj{"text": "gap"}, "detailQuantity": mm(1)}}},
		obj{"resourceType": "RiskAssessment", "id": "risk", "status": "final", "subject": ref("Patient/p"), "prediction": arr{obj{"outcome": obj{"text": "infection"}}}},
		obj{"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan", "subject": ref("Patient/p"), "author": ref(clin.Principal), "created": w.stamp(0),
			"description": "cranioplasty with a custom plate",
			"addresses":   arr{ref("Condition/defect")}, "supportingInfo": arr{ref("ImagingStudy/ct")}, "goal": arr{ref("Goal/goal")}},
	)
	w.name("S04", clin, output("treatment-plan", "CarePlan/plan"), output("goal", "Goal/goal"), output("risk-assessment", "RiskAssessment/risk"), output("condition", "Condition/defect"))
	w.mustSign(clin, "CarePlan/plan", access.CLIN, "treatment-plan")
}

// orderedWords are the requirements of the order that have no figure.
func orderedWords() arr {
	list := arr{
		obj{"code": concept("urn:tenon:parameter", "material"), "valueCodeableConcept": concept("urn:tenon:material", "Ti6Al4V")},
		obj{"code": concept("urn:tenon:parameter", "surgical-tool"), "valueCodeableConcept": concept("urn:tenon:surgical-tool", "none")},
	}
	coded := map[string]obj{
		"use-site": lesion(), "structure": concept("urn:tenon:structure", "solid"), "surface-treatment": concept("urn:tenon:surface-treatment", "polish"),
		"post-processing": concept("urn:tenon:post-processing", "support-removal"), "sterilisation": concept("urn:tenon:sterilisation", "sterile-gamma"),
		"supply-mode": concept("urn:tenon:supply-mode", "single"),
	}
	for _, code := range orderParameters {
		value := coded[code]
		if value == nil {
			value = obj{"text": "as drawn"}
		}
		list = append(list, obj{"code": concept("urn:tenon:parameter", code), "valueCodeableConcept": value})
	}
	return list
}

func ethics() obj {
	paper := stored("ethics approval")
	return as("ethics-approval", obj{"resourceType": "DocumentReference", "id": "ethics", "status": "current", "content": arr{obj{"attachment": paper}},
		"masterIdentifier": obj{"value": "EC-2026-7"}, "date": "2026-02-01T00:00:00Z", "authenticator": ref("Organization/hospital"), "description": "custom cranial plates",
		"context": obj{"period": obj{"start": "2026-01-01", "end": "2027-01-01"}}})
}

func workOrder(w *world) {
	w.must(clin, ethics(),
		obj{"resourceType": "DeviceRequest", "id": "order", "status": "active", "intent": "order", "subject": ref("Patient/p"), "codeCodeableConcept": obj{"text": "cranial plate"},
			"identifier": arr{obj{"system": "urn:hospital:order", "value": "O-7"}},
			"extension": arr{ext("device-domain", "valueCode", "bone"), ext("device-category", "valueCode", "custom"),
				ext("custom-reason-statement", "valueString", "no marketed plate fits the defect"), ext("contract", "valueReference", ref("Contract/agreement"))},
			"requester": ref(clin.Principal), "performer": ref("Organization/maker"), "reasonCode": arr{obj{"text": "repair"}}, "reasonReference": arr{ref("Condition/defect")},
			"basedOn": arr{ref("CarePlan/plan")}, "supportingInfo": arr{ref("ImagingStudy/ct")}, "authoredOn": w.stamp(0),
			"occurrencePeriod": obj{"end": w.stamp(60 * 24 * time.Hour)}, "parameter": slices.Concat(orderedWords(), orderedFigures())},
	)
	w.name("S06", clin, output("order", "DeviceRequest/order"), output("ethics-approval", "DocumentReference/ethics"))
	w.mustSign(clin, "DeviceRequest/order", access.CLIN, "order")
	w.mustSign(mfr, "DeviceRequest/order", access.MFR, "order")
}

// designInput is complete in every section.
func designInput() obj {
	input := as("design-input", composition("input", des, "patient-data", "surgical-plan", "structure-form", "mechanical", "biocompatibility", "scan-requirement",
		"scan-parameters", "data-handling", "conversion-efficiency"))
	input["identifier"] = obj{"system": "urn:maker:input", "value": "DI-1"}
	input["attester"] = arr{obj{"mode": "professional", "party": ref(rev.Principal)}}
	entries := map[string]string{
		"patient-data": "ImagingStudy/ct", "surgical-plan": "CarePlan/plan", "scan-parameters": "ServiceRequest/examination", "conversion-efficiency": "Observation/conversion",
	}
	for _, s := range input["section"].(arr) {
		name := s.(obj)["code"].(obj)["coding"].(arr)[0].(obj)["code"].(string)
		if to := entries[name]; to != "" {
			s.(obj)["entry"] = arr{ref(to)}
		}
		if name == "data-handling" {
			for _, part := range []string{"acquire", "send", "store", "confirm"} {
				with(s.(obj), "section", obj{"code": concept("urn:tenon:data-handling", part), "text": narrative(part)})
			}
		}
	}
	return input
}

// conversion is how well the data were received and converted.
func conversion() obj {
	part := func(code string, value obj) obj {
		return obj{"code": concept("urn:tenon:conversion", code), "valueQuantity": value}
	}
	return obj{"resourceType": "Observation", "id": "conversion", "status": "final", "code": concept("urn:tenon:conversion", "efficiency"), "subject": ref("Patient/p"),
		"focus": arr{ref("ImagingStudy/ct")}, "component": arr{part("reception-duration", unit(12, "s")), part("conversion-duration", unit(31, "s")), part("success-rate", unit(100, "%"))}}
}

func workInput(w *world) {
	w.must(des, conversion(), designInput())
	w.name("S07", des, output("design-input", "Composition/input"))
	w.mustSign(des, "Composition/input", access.DES, "design-input")
	w.mustSign(rev, "Composition/input", access.REV, "input-review")
}
