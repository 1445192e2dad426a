package demo

// judge is S15: the clinician judges form, structure and function of the device,
// and four parts of the process.
func (s *story) judge() {
	c := s.course
	c.head("S15")
	s.unjudged()
	c.begin(s.clin, "S15")
	if s.socket() {
		s.judgeItems()
	}
	device := s.judgement("器械判定 judgement of the device", "category", "form", "structure", "function")
	process := s.judgement("过程判定 judgement of the process", "code", "process-order", "process-conformity", "process-legality", "process-completeness")
	c.name(s.clin, "S15", output{"device-judgement", device}, output{"process-judgement", process})
	c.signs(s.clin, "judgement-report", device, process)
	if s.socket() {
		s.answerAlignment()
	}
	c.complete(s.clin, "S15")
}

// unjudged tries to take the stage over without a signed judgement of the stages
// before it.
func (s *story) unjudged() {
	task := s.course.task("S15")
	s.course.move(s.clin, task, "received")
	s.refused("S15", refusal{"predecessors-not-judged", 422, "predecessor-judged", "Task.status"}, patch(s.clin, task, step(s.clin, "judged-conform")))
	s.refused("S15", refusal{"accepted-unjudged", 409, "judged-first", "Task.status"}, patch(s.clin, task, step(s.clin, "accepted")))
}

// judgement makes a report with one Observation for each part, in a transaction.
// No Task names the Observations, so they carry the extension of the case.
func (s *story) judgement(title, element string, parts ...string) string {
	report := s.report(s.clin, title, "conform")
	var entries []entry
	results := arr{}
	for i, part := range parts {
		url := urnCondition[:len(urnCondition)-2] + []string{"10", "11", "12", "13"}[i]
		o := s.ofCase(obj{
			"resourceType": "Observation", "status": "final", "subject": ref(s.patient.ref), "focus": refs(s.job.device), "code": text(part),
			"performer": refs(s.clin.ref), "effectiveDateTime": instant(s.now()), "valueCodeableConcept": code("verdict", "conform"),
		})
		if element == "category" {
			o["category"] = arr{code("judgement", part)}
		} else {
			o["code"] = code("judgement", part)
		}
		entries = append(entries, entry{url, o})
		results = append(results, ref(url))
	}
	report["result"] = append(results, s.limb.judged[element]...)
	made := s.transaction(s.clin, append(entries, entry{urnPlan, report})...)
	return made[len(made)-1]
}

// accept is S16: the clinician accepts the device and what it rests on.
func (s *story) accept() {
	c := s.course
	c.begin(s.clin, "S16")
	record := c.add(s.clin, "S16", "acceptance-record", s.composition(s.clin, "验收记录 acceptance record",
		"device", "images", "plan", "requirements", "design", "production-record", "label"))
	s.refused("S16", refusal{"agent-accepts", 403, "signature-role", "Task.status"}, signature(s.agent, record, "AGENT", "device-acceptance"))
	c.signs(s.clin, "device-acceptance", record)
	if s.socket() {
		s.wear()
	}
	c.complete(s.clin, "S16")
}

// release is S17: the conformity assessment, and the right device for the right
// patient in the right hospital.
func (s *story) release() {
	c := s.course
	c.begin(s.clin, "S17")
	assessment := c.add(s.clin, "S17", "conformity-assessment", s.report(s.clin, "符合性评价 conformity assessment", "conform"))
	c.signs(s.clin, "conformity", assessment)
	s.exchanged()
	c.complete(s.clin, "S17")
}

// exchanged gives the device to another patient just before its release.
func (s *story) exchanged() {
	give := func(to *person) *answer {
		return s.change(s.prod, s.job.device, func(o obj) { o["patient"] = ref(to.ref) })
	}
	a := give(s.stranger)
	s.tell.line("S17", s.prod, "%d %s makes %s the device of %s", a.status, s.prod.name, s.job.device, s.stranger.ref)
	s.refused("S17", refusal{"another-patients-device", 409, "G-USE/right-patient", "Task.status"},
		patch(s.clin, s.course.task("S17"), step(s.clin, "completed")))
	a = give(s.patient)
	s.tell.line("S17", s.prod, "%d %s gives it back to %s", a.status, s.prod.name, s.patient.ref)
}
