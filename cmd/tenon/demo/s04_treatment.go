package demo

// treatment is what S04 brings.
type treatment struct{ condition, goal, risk, plan string }

// treat is S04: the treatment plan and what it rests on, in one transaction.
// References between the entries are rewritten by the server.
// https://hl7.org/fhir/R4/http.html#transaction
func (s *story) treat() {
	c := s.course
	c.begin(s.clin, "S04")
	s.plan = s.treatmentPlan()
	c.name(s.clin, "S04", output{"condition", s.plan.condition}, output{"goal", s.plan.goal},
		output{"risk-assessment", s.plan.risk}, output{"treatment-plan", s.plan.plan})
	c.signs(s.clin, "treatment-plan", s.plan.plan)
	s.bothComplete("S04")
}

const (
	urnCondition = "urn:uuid:0b0f4d0c-95a1-4d4c-9a4f-0d2f8f1b7a01"
	urnGoal      = "urn:uuid:0b0f4d0c-95a1-4d4c-9a4f-0d2f8f1b7a02"
	urnRisk      = "urn:uuid:0b0f4d0c-95a1-4d4c-9a4f-0d2f8f1b7a03"
	urnPlan      = "urn:uuid:0b0f4d0c-95a1-4d4c-9a4f-0d2f8f1b7a04"
)

func (s *story) treatmentPlan() treatment {
	patient := ref(s.patient.ref)
	made := s.transaction(s.clin,
		entry{urnCondition, obj{
			"resourceType": "Condition", "subject": patient, "code": text(s.medical().condition), "bodySite": arr{s.medical().site},
			"clinicalStatus": obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}}},
		}},
		entry{urnGoal, obj{"resourceType": "Goal", "lifecycleStatus": "active", "subject": patient, "description": text(s.medical().goal),
			"target": arr{obj{"measure": text(s.medical().measure), "detailString": s.medical().target}},
		}},
		entry{urnRisk, obj{
			"resourceType": "RiskAssessment", "status": "final", "subject": patient, "condition": ref(urnCondition),
			"prediction": s.medical().risks,
		}},
		entry{urnPlan, obj{
			"resourceType": "CarePlan", "status": "active", "intent": "plan", "title": s.medical().plan, "subject": patient, "author": ref(s.clin.ref),
			"created": instant(s.now()), "description": s.medical().plan + ": " + s.figures.device(),
			"addresses": refs(urnCondition), "supportingInfo": refs(s.study.ref), "goal": refs(urnGoal),
		}},
	)
	return treatment{made[0], made[1], made[2], made[3]}
}

// medical is what the case is about, in the words of the treatment plan.
type medical struct {
	condition, goal, plan string
	measure, target       string // by which the goal is judged
	method                string // of examination, as DICOM codes it
	site                  obj
	risks                 arr
}

func (s *story) medical() medical {
	if s.socket() {
		return s.medicalOfStump()
	}
	return medical{
		condition: "颅骨缺损 cranial defect", site: s.lesion(),
		goal: "颅骨封闭 closed skull, protected brain", plan: "Cranioplasty", measure: "残留间隙 gap that remains", target: "< 1 mm", method: "CT",
		risks: arr{obj{"outcome": text("infection")}, obj{"outcome": text("loosening")}},
	}
}

// lesion is the site of the defect, with its side.
func (s *story) lesion() obj {
	side := s.figures.side
	return obj{"text": side[0] + " " + side[1], "coding": arr{
		obj{"system": tenon + "body-site", "code": "SKULL"}, obj{"system": tenon + "laterality", "code": side[2]},
	}}
}

// entry is one resource of a transaction.
type entry struct {
	fullURL  string
	resource obj
}

// transaction creates several resources at once, or none.
func (s *story) transaction(by *person, entries ...entry) []string {
	list := arr{}
	for _, e := range entries {
		list = append(list, obj{"fullUrl": e.fullURL, "resource": e.resource, "request": obj{"method": "POST", "url": str(e.resource, "resourceType")}})
	}
	a := s.web.expect(200, request{as: by, method: "POST", path: "/fhir", body: obj{"resourceType": "Bundle", "type": "transaction", "entry": list}})
	var made []string
	for _, e := range items(a.json(), "entry") {
		made = append(made, refOf(str(e, "response", "location")))
	}
	if len(made) != len(entries) {
		stop(&Unexpected{a.request, "as many entries as were sent", string(a.body), ""})
	}
	s.tell.line(s.stage, by, "%d %s creates in one transaction: %s", a.status, by.name, joined(made))
	return made
}

// bothComplete lets two clinicians complete one stage at the same moment: one
// wins, the other is told that the stage is closed.
func (s *story) bothComplete(stage string) {
	c := s.course
	task := c.look()[stage].task
	answers := s.atOnce(patch(s.clin, task, step(s.clin, "completed")), patch(s.clin2, task, step(s.clin2, "completed")))
	winner, loser, late := s.clin, s.clin2, 1
	if answers[0].status != 200 {
		winner, loser, late = s.clin2, s.clin, 0
	}
	if answers[1-late].status != 200 {
		stop(&Unexpected{answers[1-late].request, "200 for one of two", answers[1-late].told(), answers[late].told()})
	}
	s.refusedBy(stage, refusal{"two-at-once", 409, "stage-closed", "Task.status"}, loser, answers[late])
	c.completed(winner, stage, answers[1-late])
}
