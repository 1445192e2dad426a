package casewalk

import "time"

// The documents of S01 to S06.

func careTeam(w *Writer) Obj {
	members := Arr{}
	for _, p := range cast {
		if !p.Out || w.Joined {
			members = append(members, Obj{"role": Arr{coded("role", p.Role)}, "member": ref(w.who(p.ID))})
		}
	}
	return Obj{"resourceType": "CareTeam", "status": "active", "name": "Team of " + w.Number, "subject": ref(w.Patient), "participant": members}
}

func consent(w *Writer) Obj {
	purpose := func(c string) Obj { return Obj{"system": tenon + "consent-purpose", "code": c} }
	when := w.Now.Format(time.RFC3339)
	return Obj{
		"resourceType": "Consent", "status": "active", "patient": ref(w.Patient), "dateTime": when,
		"scope":        foreign("consentscope", "treatment"),
		"category":     Arr{Obj{"coding": Arr{Obj{"system": "http://loinc.org", "code": "59284-0"}}}},
		"performer":    refs(w.Patient),
		"organization": refs("Organization/hospital"),
		"sourceAttachment": Obj{
			"extension": Arr{ext("sha-256", "valueString", w.Sum)}, "contentType": w.Kind, "url": w.File, "title": "consent",
		},
		"policyRule":   text("Explained: examination, use of the data for the device, recipients, follow-up."),
		"verification": Arr{Obj{"verified": true, "verifiedWith": ref(w.Patient), "verificationDate": when}},
		"provision": Obj{
			"type":    "permit",
			"purpose": Arr{purpose("examination"), purpose("custom-device-treatment"), purpose("follow-up")},
			"actor":   Arr{Obj{"reference": ref(w.Refs["S01/care-team"]), "role": foreign("v3-ParticipationType", "IRCP")}},
		},
	}
}

func checklist(w *Writer) Obj {
	answers := Arr{}
	for _, id := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		answers = append(answers, Obj{"linkId": id, "answer": Arr{Obj{"valueBoolean": true}}})
	}
	return Obj{
		"resourceType": "QuestionnaireResponse", "questionnaire": "urn:tenon:questionnaire:data-confirmation|1.1.0", "status": "completed",
		"subject": ref(w.Patient), "authored": instant(w.Now), "author": ref(w.By), "item": answers,
	}
}

// reply is that of production; a designer's tells of the three indices of 9.3.4.
func reply(w *Writer) Obj {
	return w.ofCase(answer(w))
}

func designerReply(w *Writer) Obj {
	found := Arr{}
	for _, index := range []string{"resolution", "precision", "site"} {
		found = append(found, Obj{"url": index, "valueCode": "conform"})
	}
	o := w.ofCase(answer(w))
	o["extension"] = append(o["extension"].(Arr), Obj{"url": tenon + "extension:data-finding", "extension": found})
	return o
}

func answer(w *Writer) Obj {
	return Obj{
		"resourceType": "Communication", "status": "completed", "subject": ref(w.Patient), "sent": instant(w.Now), "sender": ref(w.By),
		"recipient": refs(w.Attending), "topic": coded("reply", "accepted"),
		"payload": Arr{Obj{"contentString": "Resolution, precision and site are fit for the design."}},
	}
}

// lesion is the site of the defect, with its side.
func lesion() Obj {
	return Obj{"text": "left parietal bone", "coding": Arr{
		Obj{"system": tenon + "body-site", "code": "SKULL"}, Obj{"system": tenon + "laterality", "code": "left"},
	}}
}

// examination is what imaging is asked for (4.3), within which limits (5.3.2 b):
// after the consent and before the images, also when it is written anew.
func examination(w *Writer) Obj {
	when := w.Imaged
	if when == "" {
		when = w.Now.Format(time.RFC3339)
	}
	return w.ofCase(Obj{
		"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": ref(w.Patient), "requester": ref(w.By),
		"code":       Obj{"coding": Arr{Obj{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}}},
		"authoredOn": when, "bodySite": Arr{lesion()},
		"extension": Arr{Obj{"url": tenon + "extension:protocol", "extension": Arr{
			Obj{"url": "slice-thickness", "valueQuantity": quantity(1, "mm")}, Obj{"url": "pixel-spacing", "valueQuantity": quantity(0.7, "mm")},
			Obj{"url": "kernel", "valueString": "BONE"}, Obj{"url": "algorithm", "valueString": "none"}, Obj{"url": "grey-value", "valueString": "HU"},
		}}},
	})
}

func condition(w *Writer) Obj {
	return Obj{
		"resourceType": "Condition", "subject": ref(w.Patient), "code": text("cranial defect"), "bodySite": Arr{lesion()},
		"clinicalStatus": foreign("condition-clinical", "active"),
	}
}

func goal(w *Writer) Obj {
	return Obj{"resourceType": "Goal", "lifecycleStatus": "active", "subject": ref(w.Patient), "description": text("closed skull, protected brain")}
}

func risk(w *Writer) Obj {
	return Obj{
		"resourceType": "RiskAssessment", "status": "final", "subject": ref(w.Patient), "condition": ref(w.Refs["S04/condition"]),
		"prediction": Arr{Obj{"outcome": text("infection")}, Obj{"outcome": text("loosening")}},
	}
}

func carePlan(w *Writer) Obj {
	return Obj{
		"resourceType": "CarePlan", "status": "active", "intent": "plan", "title": "Cranioplasty", "subject": ref(w.Patient),
		"created": instant(w.Now), "description": "Cranioplasty with a custom plate",
		"author": ref(w.Attending), "addresses": refs(w.Refs["S04/condition"]), "supportingInfo": refs(w.Refs["S02/image-study"]),
		"goal": refs(w.Refs["S04/goal"]),
	}
}

// orderParameters are what every order states (5.2.2).
var orderParameters = []string{
	"use-site", "use-purpose", "material", "structure", "mechanical", "dimension", "surface-treatment", "roughness", "surgical-tool",
	"post-processing", "cleaning", "packaging", "sterilisation", "supply-mode", "resection-extent", "reconstruction-extent", "anatomical-function",
}

// orderedCodes are the requirements of the order that are words of a list.
var orderedCodes = map[string]string{
	"material": "Ti6Al4V", "surgical-tool": "none", "structure": "solid", "surface-treatment": "blast", "post-processing": "heat-treatment",
	"sterilisation": "sterile-gamma", "supply-mode": "set",
}

func order(w *Writer) Obj {
	parameters := Arr{}
	for _, name := range orderParameters {
		p := Obj{"code": coded("parameter", name)}
		switch name {
		case "use-site":
			p["valueCodeableConcept"] = lesion()
		case "mechanical":
			p["extension"] = Arr{ext("not-applicable", "valueString", "the plate carries no load")}
		case "dimension":
			p["extension"] = Arr{ext("key-dimension", "valueBoolean", true), ext("nominal", "valueQuantity", quantity(80, "mm"))}
			p["valueRange"] = Obj{"low": quantity(79.5, "mm"), "high": quantity(80.5, "mm")}
		case "roughness":
			p["valueQuantity"] = quantity(8, "um")
		default:
			p["valueCodeableConcept"] = text("as drawn: " + name)
			if code := orderedCodes[name]; code != "" {
				p["valueCodeableConcept"] = coded(name, code)
			}
		}
		parameters = append(parameters, p)
	}
	o := Obj{
		"resourceType": "DeviceRequest", "status": "active", "intent": "order", "subject": ref(w.Patient),
		"identifier": Arr{Obj{"system": "urn:hospital:order", "value": "O-" + w.Number}},
		"extension": Arr{
			ext("device-domain", "valueCode", "bone"), ext("device-category", "valueCode", "custom"),
			ext("custom-reason-statement", "valueString", "No plate on the market fits the defect."),
			ext("contract", "valueReference", ref(w.Agreement)),
		},
		"codeCodeableConcept": text("custom cranial plate"), "parameter": parameters,
		"requester": ref(w.Attending), "performer": ref("Organization/maker"), "reasonCode": Arr{text("repair of a cranial defect")},
		"reasonReference": refs(w.Refs["S04/condition"]), "basedOn": refs(w.Refs["S04/treatment-plan"]),
		"supportingInfo": refs(w.Refs["S02/image-study"]), "authoredOn": instant(w.Now),
		"occurrencePeriod": Obj{"start": day(w.Now), "end": day(w.Now.AddDate(0, 2, 0))},
	}
	if w.Prior != "" {
		o["priorRequest"] = refs(w.Prior)
	}
	return o
}

func ethics(w *Writer) Obj {
	o := w.filed("ethics approval")
	o["type"], o["masterIdentifier"], o["date"] = coded("document", "ethics-approval"), Obj{"value": "EC-" + w.Number}, instant(w.Now)
	o["authenticator"] = ref("Organization/hospital")
	o["context"] = Obj{"period": Obj{"start": day(w.Now.AddDate(0, -1, 0)), "end": day(w.Now.AddDate(1, 0, 0))}}
	return o
}

// designInput is complete in every section (5.3.2).
func designInput(w *Writer) Obj {
	o := w.composition("design input", inputSections...)
	o["type"], o["identifier"] = coded("document", "design-input"), Obj{"system": "urn:maker:input", "value": "DI-" + w.Number}
	o["attester"] = Arr{Obj{"mode": "professional", "party": ref(w.who("rev-huang"))}}
	for name, part := range map[string]string{
		"patient-data": "S02/image-study", "surgical-plan": "S04/treatment-plan", "scan-parameters": "S02/examination-request", "conversion-efficiency": "S07/conversion",
	} {
		sectionOf(o, name)["entry"] = refs(w.Refs[part])
	}
	handling := Arr{}
	for _, name := range []string{"acquire", "send", "store", "confirm"} {
		handling = append(handling, Obj{"code": coded("data-handling", name), "text": section(name)["text"]})
	}
	sectionOf(o, "data-handling")["section"] = handling
	return o
}

// conversion is how well the data were received and converted.
func conversion(w *Writer) Obj {
	part := func(name string, value float64, unit string) Obj {
		return Obj{"code": coded("conversion", name), "valueQuantity": quantity(value, unit)}
	}
	return w.ofCase(Obj{
		"resourceType": "Observation", "status": "final", "code": coded("conversion", "efficiency"), "subject": ref(w.Patient),
		"focus": refs(w.Refs["S02/image-study"]), "component": Arr{part("reception-duration", 9, "s"), part("conversion-duration", 21, "s"), part("success-rate", 100, "%")},
	})
}
