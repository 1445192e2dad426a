package demo

import "time"

// followUp is S18: use, visits, findings, what the patient says, and the harm
// assessment.
func (s *story) followUp() {
	c := s.course
	c.begin(s.clin, "S18")
	s.used = s.now()
	use := s.create(s.clin, obj{
		"resourceType": "Procedure", "status": "completed", "subject": ref(s.patient.ref), "code": text(s.medical().plan),
		"performedDateTime": instant(s.used), "focalDevice": arr{obj{"manipulated": ref(s.job.device)}},
	})
	outputs := []output{{"use-record", use}}
	outputs = append(outputs, s.visits()...)
	s.answerQuestions()
	for _, finding := range s.findings() {
		outputs = append(outputs, output{"finding", s.create(s.clin, obj{
			"resourceType": "Observation", "status": "final", "code": code("followup", finding),
			"subject": ref(s.patient.ref), "device": ref(s.job.device), "effectiveDateTime": instant(s.now()), "valueCodeableConcept": code("followup-result", "as-expected"),
		})})
	}
	harm := s.create(s.clin, obj{"resourceType": "ClinicalImpression", "status": "completed", "subject": ref(s.patient.ref), "date": instant(s.now()), "summary": "no harm found"})
	record := s.create(s.clin, s.composition(s.clin, "随访记录 follow-up record", "record"))
	c.name(s.clin, "S18", append(outputs, output{"harm-assessment", harm}, output{"followup-record", record})...)
	s.change(s.clin, s.plan.goal, func(o obj) {
		o["achievementStatus"] = obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/goal-achievement", "code": "achieved"}}}
	})
	c.signs(s.clin, "followup", harm, record)
	c.complete(s.clin, "S18")
}

// findings are what is looked for at the visits.
func (s *story) findings() []string {
	if s.socket() {
		return []string{"stump-change", "skin-condition", "socket-fit"}
	}
	return []string{"shape-change", "tissue-induction", "strength-in-use"}
}

// visits are made over the duration that the case asks for: seconds here.
func (s *story) visits() []output {
	var all []output
	whole := time.Duration(s.figures.duration) * time.Second
	for i := range s.figures.visits {
		began := s.now()
		time.Sleep(time.Until(s.used.Add(whole * time.Duration(i+1) / time.Duration(s.figures.visits))))
		visit := s.create(s.clin, obj{
			"resourceType": "Encounter", "status": "finished", "subject": ref(s.patient.ref),
			"class":  obj{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
			"period": obj{"start": instant(began), "end": instant(s.now())},
		})
		all = append(all, output{"visit", visit})
		if i == 0 && s.figures.visits > 1 {
			s.closedTooEarly()
		}
	}
	return all
}

// closedTooEarly tries to end the follow-up after the first visit.
func (s *story) closedTooEarly() {
	s.refused("S18", refusal{"followup-closed-too-early", 422, "G-CLOSE/visits-made", "Task.status"},
		patch(s.clin, s.course.task("S18"), step(s.clin, "completed")))
}

// answerQuestions is the patient's part, with the own token: the questionnaire as
// the server publishes it. Nobody else answers for the patient, and the patient
// changes nothing else.
func (s *story) answerQuestions() {
	questionnaire := s.find(s.patient, "Questionnaire?url=urn:tenon:questionnaire:follow-up")[0]
	answers := arr{}
	for _, item := range items(questionnaire, "item") {
		if required, _ := item["required"].(bool); !required {
			continue
		}
		if a := s.answerTo(item); a != nil {
			answers = append(answers, obj{"linkId": str(item, "linkId"), "answer": arr{a}})
		}
	}
	s.create(s.patient, s.ofCase(obj{
		"resourceType": "QuestionnaireResponse", "status": "completed", "subject": ref(s.patient.ref), "author": ref(s.patient.ref),
		"questionnaire": str(questionnaire, "url") + "|" + str(questionnaire, "version"), "authored": instant(s.now()), "item": answers,
	}))
	s.refused("S18", refusal{"patient-edits-the-order", 403, "role-lacks-verb", ""},
		patch(s.patient, s.order, arr{obj{"op": "replace", "path": "/status", "value": "revoked"}}))
	s.refused("S18", refusal{"another-patient-reads", 404, "not-found", ""}, request{as: s.stranger, method: "GET", path: "/fhir/" + s.patient.ref})
}

func (s *story) answerTo(item obj) obj {
	switch str(item, "type") {
	case "choice":
		options := items(item, "answerOption")
		return obj{"valueCoding": pick(s.dice, options[:2])["valueCoding"]}
	case "boolean":
		return obj{"valueBoolean": false}
	case "integer":
		return obj{"valueInteger": 8}
	case "decimal":
		return obj{"valueDecimal": 36.6}
	case "quantity":
		return obj{"valueQuantity": quantity(36.6, "Cel")}
	case "date":
		return obj{"valueDate": day(s.now())}
	}
	return nil
}

// feedBack is S19: what follow-up found goes to those who made the device; with
// their acknowledgement the case is closed.
func (s *story) feedBack() {
	c := s.course
	c.begin(s.clin, "S19")
	feedback := c.add(s.clin, "S19", "feedback", obj{
		"resourceType": "Communication", "status": "completed", "subject": ref(s.patient.ref), "sent": instant(s.now()),
		"sender": ref(s.clin.ref), "recipient": refs(s.des.ref, s.prod.ref), "about": refs(s.job.device),
		"payload": arr{obj{"contentString": "Healed without complaint; fit as designed."}},
	})
	c.signs(s.des, "acknowledgement", feedback)
	c.signs(s.prod, "acknowledgement", feedback)
	c.complete(s.clin, "S19")
}
