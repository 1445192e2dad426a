package demo

import "time"

// agree makes the standing agreement of hospital and manufacturer, in a case of
// its own without a patient. It names who may act on both sides, and the MES.
func (s *story) agree() {
	s.stage = "S05"
	s.tell.chapter("", "Before any case: the agreement", "协议")
	c := s.open(s.hosp, "agreement", obj{"name": "case-number", "valueString": "A-" + s.figures.number})
	s.course = c
	task := c.task("S05")
	c.move(s.hosp, task, "received")
	c.move(s.hosp, task, "accepted")
	c.work(s.hosp, "S05")
	s.agreement = c.add(s.hosp, "S05", "agreement", s.contract())
	s.prove(c)
	c.signs(s.hosp, "agreement", s.agreement)
	c.signs(s.mfr, "agreement", s.agreement)
	c.complete(s.hosp, "S05")
}

// prove brings the evidence of both parties (clauses 4.1.4 to 4.1.6.1), which the
// hospital reviews.
func (s *story) prove(c *course) {
	var named []output
	for _, e := range []struct{ document, of, number string }{
		{"institution-eligibility", "hospital", "PDY-2024-1"}, {"qms-certificate", "maker", "QMS-13485-1"}, {"capability-statement", "maker", "CS-1"},
		{"production-licence", "maker", "鄂药监械生产许20240001号"}, {"production-experience", "maker", "PE-1"}, {"facility", "maker", "F-1"},
		{"licence", "hospital", "L-H-1"}, {"licence", "maker", "L-M-1"}, {"registration-certificate", "maker", "国械注准20243130939"},
	} {
		content := []byte(e.document + " " + e.number)
		doc := paper(e.document, s.upload(s.hosp, "text/plain", content), "text/plain", content)
		doc["type"], doc["masterIdentifier"] = code("evidence", e.document), obj{"value": e.number}
		doc["authenticator"], doc["custodian"] = obj{"display": "药品监督管理局 NMPA"}, ref("Organization/"+e.of)
		doc["context"] = obj{"period": obj{"start": "2024-06-01", "end": day(s.now().AddDate(3, 0, 0))}}
		named = append(named, output{e.document, s.create(s.hosp, s.ofCase(doc))})
	}
	c.name(s.hosp, "S05", named...)
	s.refused("S05", refusal{"evidence-not-reviewed", 422, "experience-confirmed", "Task.status"}, patch(s.hosp, c.task("S05"), step(s.hosp, "completed")))
	for _, e := range named {
		if e.document == "production-experience" || e.document == "registration-certificate" {
			c.signs(s.hosp, "evidence-review", e.ref)
		}
	}
}

// topics are what an agreement must cover (clause 5.2.1), and what is agreed
// before data travel (4.4, 4.5.3, 5.4.1, 9.3.7).
var topics = []string{
	"order", "design-requirements", "acceptance-standard", "acceptance-list", "delivery", "rights", "obligations", "liabilities",
	"data-format", "transfer-method", "platform", "confirmation-form", "terms", "completion-time", "storage", "image-age",
}

// agreed is what a term says beside its text, by topic.
func (s *story) agreed(topic string) arr {
	coding := func(system string, codes ...string) arr {
		list := arr{}
		for _, c := range codes {
			list = append(list, obj{"valueCoding": obj{"system": tenon + system, "code": c}})
		}
		return list
	}
	switch topic {
	case "data-format":
		return coding("file-format", "DICOM", "STL", "PDF")
	case "transfer-method":
		return coding("transfer-method", "fhir-rest", "dicomweb")
	case "platform":
		return arr{obj{"valueUri": s.server.root + "/fhir"}}
	case "confirmation-form":
		return coding("confirmation-form", "electronic")
	case "terms":
		return arr{obj{"valueUri": "urn:tenon:terms|1.0.0"}}
	case "image-age":
		return arr{obj{"valueQuantity": quantity(s.imageAge(), "d")}}
	}
	return nil
}

// completionTimes are the agreed days of some stages; the plan's own hold for the
// others (clause 9.3.7).
func completionTimes() arr {
	times := arr{}
	for _, t := range []struct {
		stage string
		days  float64
	}{{"S08", 14}, {"S11", 21}, {"S13", 7}} {
		times = append(times, obj{"url": tenon + "extension:completion-time", "extension": arr{
			obj{"url": "stage", "valueCode": t.stage}, obj{"url": "time", "valueDuration": quantity(t.days, "d")},
		}})
	}
	return times
}

// storage is how each party keeps its data (clause 5.4.1).
func storage() arr {
	all := arr{}
	for _, party := range [][3]string{{"hospital", "上海 Shanghai", "hosp-chen"}, {"maker", "苏州 Suzhou", "mfr-xu"}} {
		all = append(all, obj{"url": tenon + "extension:storage", "extension": arr{
			obj{"url": "party", "valueReference": ref("Organization/" + party[0])}, obj{"url": "method", "valueString": "own database, encrypted, daily copy"},
			obj{"url": "custodian", "valueReference": ref("PractitionerRole/" + party[2])}, obj{"url": "place", "valueString": party[1]}, obj{"url": "country", "valueCode": "CN"}, obj{"url": "format", "valueCode": "DICOM"}, obj{"url": "format", "valueCode": "STL"},
		}})
	}
	return all
}

func (s *story) contract() obj {
	parties, terms := arr{}, arr{}
	for _, p := range append(s.team(), s.cast.mes) {
		parties = append(parties, obj{"reference": refs(p.ref), "role": code("role", p.role)})
	}
	for i, topic := range topics {
		offer := obj{"text": "as agreed"}
		if i == 0 {
			offer["party"] = parties
		}
		if a := s.agreed(topic); a != nil {
			offer["answer"] = a
		}
		term := obj{"topicCodeableConcept": code("topic", topic), "text": "As agreed on " + topic + ".", "offer": offer}
		switch topic {
		case "completion-time":
			term["extension"] = completionTimes()
		case "storage":
			term["extension"] = storage()
		}
		terms = append(terms, term)
	}
	now := s.now()
	return obj{
		"resourceType": "Contract", "status": "executed", "identifier": arr{obj{"system": tenon + "sample:agreement", "value": "A-" + s.figures.number}}, "title": "Custom devices: standing agreement",
		"subject": refs("Organization/hospital", "Organization/maker"),
		"applies": obj{"start": day(now.AddDate(0, -1, 0)), "end": day(now.AddDate(2, 0, 0))}, "term": terms,
		"signer": arr{signatory(s.hosp, now), signatory(s.mfr, now)},
	}
}

// signatory claims that somebody signs. R4 wants it here; what counts is $sign.
func signatory(p *person, at time.Time) obj {
	kind := obj{"system": "urn:tenon:role", "code": p.role}
	return obj{"type": kind, "party": ref(p.ref), "signature": arr{obj{"type": arr{kind}, "when": instant(at), "who": ref(p.ref)}}}
}

// joinAgreement makes the signed agreement part of the case. The signatures that
// were made in its own case count here too.
func (s *story) joinAgreement() {
	c := s.course
	c.begin(s.hosp, "S05")
	c.name(s.hosp, "S05", output{"agreement", s.agreement})
	c.complete(s.hosp, "S05")
}
