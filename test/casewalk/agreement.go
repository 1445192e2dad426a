package casewalk

// agreementProcess is the agreement of hospital and manufacturer (5.2.1): a case
// without a patient.
func agreementProcess() *Process {
	return &Process{
		Plan: "agreement", Opener: "hosp-chen",
		Stages: []Stage{{
			Code: "S05", Owner: "HOSP", Status: 422,
			Parts: append(evidence(), Part{Key: "agreement", Type: "Contract", By: "hosp-chen", Body: contract, Sealed: true, Defects: contractDefects()}),
			Signatures: []Signature{
				{Role: "HOSP", Purpose: "evidence-review", Part: "S05/registration-certificate"},
				{Role: "HOSP", Purpose: "evidence-review", Part: "S05/production-experience"},
				{Role: "HOSP", Purpose: "agreement", Part: "S05/agreement"},
				{Role: "MFR", Purpose: "agreement", Part: "S05/agreement"},
			},
		}},
	}
}

// evidence is what both parties have on file (4.1.4 to 4.1.6.1).
func evidence() []Part {
	var all []Part
	for _, e := range []struct{ key, kind, of, number, clause string }{
		{"institution-eligibility", "", "hospital", "PDY-1", "R001-015"}, {"qms-certificate", "", "maker", "QMS-1", "R001-017"},
		{"capability-statement", "", "maker", "CS-1", "R001-017"}, {"registration-certificate", "", "maker", "国械注准20243130939", "R001-019"},
		{"production-licence", "", "maker", "PL-1", "R001-019"}, {"production-experience", "", "maker", "PE-1", "R001-020"},
		{"licence-of-hospital", "licence", "hospital", "L-1", "R001-022"}, {"licence-of-maker", "licence", "maker", "L-2", "R001-022"},
		{"facility", "", "maker", "F-1", "R001-023"},
	} {
		kind := e.kind
		if kind == "" {
			kind = e.key
		}
		defects := []Defect{{Name: "another kind", Clause: []string{e.clause}, Spoil: set("type", coded("evidence", "home-authority-certificate"))}}
		if kind != "facility" && e.clause != "R001-020" && kind != "capability-statement" { // what is not dated does not expire
			defects = append(defects, Defect{Name: "expired", Clause: []string{e.clause}, Spoil: set("context", Obj{"period": Obj{"start": "2020-01-01", "end": "2021-01-01"}})})
		}
		all = append(all, Part{Key: e.key, Document: kind, Type: "DocumentReference", By: "hosp-chen", File: true, Defects: defects, Body: func(w *Writer) Obj {
			o := w.filed(kind)
			delete(o, "subject")
			o["type"], o["masterIdentifier"] = coded("evidence", kind), Obj{"value": e.number}
			o["authenticator"], o["custodian"] = Obj{"display": "authority"}, ref("Organization/"+e.of)
			o["context"] = Obj{"period": Obj{"start": day(w.Now.AddDate(-1, 0, 0)), "end": day(w.Now.AddDate(2, 0, 0))}}
			return o
		}})
	}
	return all
}

// topics are what an agreement covers (5.2.1), and what is agreed before data
// travel (4.4.1, 4.4.2, 4.5.3, 4.1.6.4, 9.3.7, 5.4.1).
var topics = []string{
	"order", "design-requirements", "acceptance-standard", "acceptance-list", "delivery", "rights", "obligations", "liabilities",
	"data-format", "transfer-method", "platform", "confirmation-form", "terms", "completion-time", "storage", "image-age",
}

// topicClauses are the rows that name one topic alone.
var topicClauses = map[string]string{
	"platform": "R001-043", "confirmation-form": "R001-048", "terms": "R001-034", "completion-time": "R001-214", "storage": "R001-140", "image-age": "R001-214",
}

// agreed is what a term says beside its text.
var agreed = map[string]Obj{
	"data-format":       {"valueCoding": Obj{"system": tenon + "file-format", "code": "STL"}},
	"transfer-method":   {"valueCoding": Obj{"system": tenon + "transfer-method", "code": "fhir-rest"}},
	"platform":          {"valueUri": "https://tenon.example/fhir"},
	"confirmation-form": {"valueCoding": Obj{"system": tenon + "confirmation-form", "code": "electronic"}},
	"image-age":         {"valueQuantity": quantity(90, "d")},
	"terms":             {"valueUri": "urn:tenon:terms|1.0.0"},
}

func contract(w *Writer) Obj {
	parties, terms := Arr{}, Arr{}
	for _, p := range cast {
		parties = append(parties, Obj{"reference": refs(w.who(p.ID)), "role": coded("role", p.Role)})
	}
	parties = append(parties, Obj{"reference": refs("Device/mes"), "role": coded("role", "MES")})
	for i, topic := range topics {
		offer := Obj{"text": "as agreed"}
		if i == 0 {
			offer["party"] = parties
		}
		if a := agreed[topic]; a != nil {
			offer["answer"] = Arr{a}
		}
		term := Obj{"topicCodeableConcept": coded("topic", topic), "text": "As agreed on " + topic + ".", "offer": offer}
		if topic == "completion-time" {
			term["extension"] = Arr{Obj{"url": tenon + "extension:completion-time", "extension": Arr{
				Obj{"url": "stage", "valueCode": "S08"}, Obj{"url": "time", "valueDuration": quantity(14, "d")},
			}}}
		}
		if topic == "storage" {
			term["extension"] = Arr{w.storage("hospital", "hosp-chen"), w.storage("maker", "mfr-xu")}
		}
		terms = append(terms, term)
	}
	signer := func(id string) Obj {
		kind := Obj{"system": "urn:tenon:role", "code": w.Cast[id].Role}
		return Obj{"type": kind, "party": ref(w.who(id)), "signature": Arr{Obj{"type": Arr{kind}, "when": instant(w.Now), "who": ref(w.who(id))}}}
	}
	return Obj{
		"resourceType": "Contract", "status": "executed", "identifier": Arr{Obj{"system": "urn:hospital:agreement", "value": w.Number}}, "title": "Custom devices: standing agreement",
		"subject": refs("Organization/hospital", "Organization/maker"),
		"applies": Obj{"start": day(w.Now.AddDate(0, -1, 0)), "end": day(w.Now.AddDate(2, 0, 0))},
		"term":    terms, "signer": Arr{signer("hosp-chen"), signer("mfr-xu")},
	}
}

// storage is how a party keeps its data (5.4.1, 5.4.4).
func (w *Writer) storage(party, custodian string) Obj {
	return Obj{"url": tenon + "extension:storage", "extension": Arr{
		ext0("party", "valueReference", ref("Organization/"+party)), ext0("custodian", "valueReference", ref(w.who(custodian))), ext0("method", "valueString", "own database"), ext0("place", "valueString", "Shanghai"),
		ext0("country", "valueCode", "CN"), ext0("format", "valueCode", "DICOM"),
	}}
}

func ext0(name, element string, value any) Obj { return Obj{"url": name, element: value} }

func contractDefects() []Defect {
	all := []Defect{
		{Name: "negotiable", Clause: []string{"R001-054"}, Spoil: set("status", "negotiable")},
		{Name: "without an end", Spoil: set("applies", Obj{"start": "2020-01-01"})},
		{Name: "over", Clause: []string{"R001-016"}, Spoil: set("applies", Obj{"start": "2020-01-01", "end": "2021-01-01"})},
		{Name: "one party", Clause: []string{"R001-016"}, Spoil: set("subject", refs("Organization/hospital"))},
		{Name: "nobody named", Clause: []string{"R001-055"}, Spoil: func(o Obj) { delete(at(o, "term", "offer").(Obj), "party") }},
	}
	for i, topic := range topics {
		rows := []string{"R001-056", "R001-057"}
		if i >= 8 { // agreed before data travel
			rows = []string{"R001-041", "R001-055"}
			if own := topicClauses[topic]; own != "" {
				rows = []string{own}
			}
		}
		all = append(all, Defect{Name: "nothing on " + topic, Clause: rows, Spoil: func(o Obj) {
			kept := Arr{}
			for _, term := range list(o, "term") {
				if str(term, "topicCodeableConcept", "coding", "code") != topic {
					kept = append(kept, term)
				}
			}
			if topic == topics[0] { // the persons stand in the first term
				at(kept[0], "offer").(Obj)["party"] = at(o, "term", "offer", "party")
			}
			o["term"] = kept
		}})
	}
	return all
}
