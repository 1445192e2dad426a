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
		"performer":         arr{obj{"actor": ref(s.clin.ref), "onBehalfOf": ref("Organization/hospital")}},
		"performedDateTime": instant(s.used), "focalDevice": arr{obj{"manipulated": ref(s.job.device)}},
	})
	report := s.create(s.clin, obj{
		"resourceType": "DeviceUseStatement", "status": "active", "subject": ref(s.patient.ref), "timingDateTime": instant(s.used), "recordedOn": instant(s.now()),
		"source": ref(s.clin.ref), "device": ref(s.job.device), "bodySite": text(s.figures.side[1]),
	})
	outputs := append([]output{{"use-record", use}, {"usage-report", report}}, s.visits()...)
	outputs = append(outputs, output{"patient-report", s.answerQuestions()}, output{"participation", s.invite()})
	for _, finding := range s.findings() {
		outputs = append(outputs, output{"finding", s.create(s.clin, s.found(finding))})
	}
	harm := s.create(s.clin, obj{
		"resourceType": "ClinicalImpression", "status": "completed", "subject": ref(s.patient.ref), "date": instant(s.now()), "assessor": ref(s.clin.ref),
		"summary": "no harm found", "finding": arr{obj{"itemCodeableConcept": code("harm", "none")}},
	})
	outputs = append(outputs, output{"harm-assessment", harm})
	record := s.create(s.clin, s.followUpRecord(outputs))
	c.name(s.clin, "S18", append(outputs, output{"followup-record", record})...)
	s.change(s.clin, s.plan.goal, func(o obj) {
		o["achievementStatus"] = obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/goal-achievement", "code": "achieved"}}}
	})
	c.signs(s.clin, "followup", harm, record)
	c.complete(s.clin, "S18")
}

// planFollowUp is what the clinician plans before the device is used: as much as
// the reference plan of the product family asks for, and first too little.
func (s *story) planFollowUp() {
	reference := "urn:hospital:plan:followup-cranial-plate|1"
	if s.socket() {
		reference = "urn:hospital:plan:followup-transtibial-socket|1"
	}
	activities := arr{}
	for _, finding := range s.findings() {
		activities = append(activities, obj{"detail": obj{
			"code": code("followup", finding), "status": "scheduled", "performer": refs(s.clin.ref),
			"scheduledTiming": obj{"repeat": obj{"count": s.figures.visits}},
		}})
	}
	plan := obj{
		"resourceType": "CarePlan", "status": "active", "intent": "plan", "category": arr{code("document", "followup-plan")}, "subject": ref(s.patient.ref),
		"author": ref(s.clin.ref), "instantiatesCanonical": arr{reference}, "activity": activities[1:],
		"period": obj{"start": instant(s.now()), "end": instant(s.now().Add(time.Duration(s.figures.duration) * time.Second))},
	}
	at := s.course.add(s.clin, "S17", "followup-plan", plan)
	s.course.signs(s.clin, "followup", at)
	s.refused("S17", refusal{"followup-below-reference", 409, "G-USE/followup-like-type", "Task.status"},
		patch(s.clin, s.course.task("S17"), step(s.clin, "completed")))
	s.change(s.clin, at, func(o obj) { o["activity"] = activities })
	s.course.signs(s.clin, "followup", at)
}

// invite asks the designer to look at the device in use, for a week (clause 10.1.4).
func (s *story) invite() string {
	return s.create(s.clin, s.ofCase(obj{
		"resourceType": "Task", "status": "completed", "intent": "order", "code": code("document", "participation"), "for": ref(s.patient.ref),
		"requester": ref(s.clin.ref), "owner": ref(s.des.ref), "reasonCode": text("fit of the rim after two weeks"), "note": arr{obj{"text": "seen together at the last visit"}},
		"restriction": obj{"period": obj{"start": instant(s.now()), "end": instant(s.now().Add(7 * 24 * time.Hour))}},
	}))
}

// found is one finding. The plate was not imaged anew, and the record says why.
func (s *story) found(finding string) obj {
	o := obj{
		"resourceType": "Observation", "status": "final", "code": code("followup", finding), "subject": ref(s.patient.ref), "device": ref(s.job.device),
		"effectiveDateTime": instant(s.now()), "performer": refs(s.clin.ref),
	}
	result := "as-expected"
	switch finding {
	case "shape-change":
		result = "none"
		add(o, "extension", ext("not-applicable", "valueString", "examined by hand; no CT without complaint, to spare radiation"))
	case "strength-in-use":
		result = "intact"
	}
	o["valueCodeableConcept"] = code("followup-result", result)
	return o
}

// followUpRecord lists all that follow-up brought.
func (s *story) followUpRecord(brought []output) obj {
	record := as("followup-record", s.composition(s.clin, "随访记录 follow-up record"))
	list := arr{}
	for _, of := range [][2]string{{"use", "use-record"}, {"visits", "visit"}, {"findings", "finding"}, {"harm", "harm-assessment"}} {
		entries := arr{}
		for _, o := range brought {
			if o.document == of[1] {
				entries = append(entries, ref(o.ref))
			}
		}
		list = append(list, obj{"title": of[0], "code": code("section", of[0]), "entry": entries})
	}
	record["section"] = append(list, obj{"title": "effect", "code": code("section", "effect"), "entry": refs(s.plan.goal)})
	return record
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
			"class":       obj{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
			"participant": arr{obj{"individual": ref(s.clin.ref)}},
			"period":      obj{"start": instant(began), "end": instant(s.now())},
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
func (s *story) answerQuestions() string {
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
	answered := s.create(s.patient, s.ofCase(obj{
		"resourceType": "QuestionnaireResponse", "status": "completed", "subject": ref(s.patient.ref), "author": ref(s.patient.ref),
		"questionnaire": str(questionnaire, "url") + "|" + str(questionnaire, "version"), "authored": instant(s.now()), "item": answers,
	}))
	s.refused("S18", refusal{"patient-edits-the-order", 403, "role-lacks-verb", ""},
		patch(s.patient, s.order, arr{obj{"op": "replace", "path": "/status", "value": "revoked"}}))
	s.refused("S18", refusal{"another-patient-reads", 404, "not-found", ""}, request{as: s.stranger, method: "GET", path: "/fhir/" + s.patient.ref})
	return answered
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
		"resourceType": "Communication", "status": "completed", "category": arr{code("document", "feedback")}, "subject": ref(s.patient.ref), "sent": instant(s.now()),
		"sender": ref(s.clin.ref), "recipient": refs(s.des.ref, s.prod.ref), "about": refs(s.job.device),
		"payload": arr{obj{"contentString": "Healed without complaint; fit as designed."}},
	})
	c.signs(s.des, "acknowledgement", feedback)
	c.signs(s.prod, "acknowledgement", feedback)
	c.complete(s.clin, "S19")
}
