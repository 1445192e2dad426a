package casewalk

import "time"

// The documents of S01 to S06.

func careTeam(w *Writer) Obj {
	members := Arr{}
	for _, p := range cast {
		if !p.Out {
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

func reply(w *Writer) Obj {
	return w.ofCase(Obj{
		"resourceType": "Communication", "status": "completed", "subject": ref(w.Patient), "sent": instant(w.Now), "sender": ref(w.By),
		"recipient": refs(w.who("clin-wang")), "topic": coded("reply", "accepted"),
		"payload": Arr{Obj{"contentString": "Resolution, precision and site are fit for the design."}},
	})
}

func condition(w *Writer) Obj {
	return Obj{
		"resourceType": "Condition", "subject": ref(w.Patient), "code": text("cranial defect"), "bodySite": Arr{text("left parietal bone")},
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
		"author": ref(w.who("clin-wang")), "addresses": refs(w.Refs["S04/condition"]), "supportingInfo": refs(w.Refs["S02/image-study"]),
		"goal": refs(w.Refs["S04/goal"]),
	}
}

// orderParameters are what every order states (5.2.2).
var orderParameters = []string{
	"use-site", "use-purpose", "material", "structure", "mechanical", "dimension", "surface-treatment", "roughness", "surgical-tool",
	"post-processing", "cleaning", "packaging", "sterilisation", "supply-mode",
}

func order(w *Writer) Obj {
	parameters := Arr{}
	for _, name := range orderParameters {
		p := Obj{"code": coded("parameter", name)}
		switch name {
		case "material":
			p["valueCodeableConcept"] = coded("material", "Ti6Al4V")
		case "surgical-tool":
			p["valueCodeableConcept"] = coded("surgical-tool", "none")
		case "dimension":
			p["valueRange"] = Obj{"low": quantity(79.5, "mm"), "high": quantity(80.5, "mm")}
		case "roughness":
			p["valueQuantity"] = quantity(8, "um")
		default:
			p["valueCodeableConcept"] = text("as drawn: " + name)
		}
		parameters = append(parameters, p)
	}
	return Obj{
		"resourceType": "DeviceRequest", "status": "active", "intent": "order", "subject": ref(w.Patient),
		"extension": Arr{
			ext("device-domain", "valueCode", "bone"), ext("device-category", "valueCode", "custom"),
			ext("custom-reason-statement", "valueString", "No plate on the market fits the defect."),
			ext("contract", "valueReference", ref(w.Agreement)),
		},
		"codeCodeableConcept": text("custom cranial plate"), "parameter": parameters,
		"requester": ref(w.who("clin-wang")), "performer": ref("Organization/maker"), "reasonCode": Arr{text("repair of a cranial defect")},
		"reasonReference": refs(w.Refs["S04/condition"]), "basedOn": refs(w.Refs["S04/treatment-plan"]),
		"supportingInfo": refs(w.Refs["S02/image-study"]), "authoredOn": instant(w.Now),
		"occurrencePeriod": Obj{"start": day(w.Now), "end": day(w.Now.AddDate(0, 2, 0))},
	}
}

func ethics(w *Writer) Obj {
	o := w.filed("ethics approval")
	o["context"] = Obj{"period": Obj{"start": day(w.Now.AddDate(0, -1, 0)), "end": day(w.Now.AddDate(1, 0, 0))}}
	return o
}
