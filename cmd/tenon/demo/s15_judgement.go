package demo

import (
	"fmt"
	"slices"
	"strings"
)

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
	paper := s.create(s.clin, s.ofCase(s.file(s.clin, "生物学检验报告 report of the biological test", "application/pdf", page("GB/T 16886.5: grade 0"))))
	device := s.judgement("器械判定 judgement of the device", "device-judgement", s.judgedDevice(paper)...)
	process := s.judgement("过程判定 judgement of the process", "process-judgement", s.judgedProcess()...)
	c.name(s.clin, "S15", output{"device-judgement", device}, output{"process-judgement", process})
	c.signs(s.clin, "judgement-report", device, process)
	if s.socket() {
		s.answerAlignment()
	} else {
		c.answers(s.clin, "strength-computed")
		s.overruled()
	}
	c.complete(s.clin, "S15")
	s.computed("conform")
}

// overruled: the clinician says conform, and the server finds the thickness out of
// its tolerance: the inspection is set wrong, and right again.
func (s *story) overruled() {
	measured := s.find(s.qa, "Observation?code=urn:tenon:characteristic|thickness&code=urn:tenon:parameter|dimension")
	ref := "Observation/" + str(measured[len(measured)-1], "id")
	set := func(value float64) {
		s.change(s.qa, ref, func(o obj) { o["valueQuantity"].(obj)["value"] = written(value) })
	}
	set(s.figures.thickness + s.figures.tolerance + 0.1)
	s.computed("nonconform")
	s.refused("S15", refusal{"conform-over-computed-nonconform", 422, "G-JUDGE/accuracy-computed", "Task.status"},
		patch(s.clin, s.course.task("S15"), step(s.clin, "completed")))
	set(s.figures.thickness)
}

// computed asks the server for its own judgement.
func (s *story) computed(want string) {
	a := s.web.expect(200, request{as: s.clin, method: "GET", path: "/fhir/" + s.course.root + "/$judge"})
	counts := map[string]int{}
	verdict := ""
	for _, p := range items(a.json(), "parameter") {
		switch str(p, "name") {
		case "verdict":
			verdict = str(p, "valueCode")
		case "question":
			for _, part := range items(p, "part") {
				if str(part, "name") == "verdict" {
					counts[str(part, "valueCode")]++
				}
			}
		case "stale":
			if stale, _ := p["valueBoolean"].(bool); stale {
				stop(fmt.Errorf("the verdict is stale: %s", a.body))
			}
		}
	}
	if verdict != want {
		stop(&Unexpected{"GET $judge", want, verdict, string(a.body)})
	}
	s.tell.note("S15", "$judge computes %s: %d questions conform, %d nonconform, %d not evaluated", verdict, counts["conform"], counts["nonconform"], counts["not-evaluated"])
}

// unjudged tries to take the stage over without a signed judgement of the stages
// before it.
func (s *story) unjudged() {
	task := s.course.task("S15")
	s.course.move(s.clin, task, "received")
	s.refused("S15", refusal{"predecessors-not-judged", 422, "predecessor-judged", "Task.status"}, patch(s.clin, task, step(s.clin, "judged-conform")))
	s.refused("S15", refusal{"accepted-unjudged", 409, "judged-first", "Task.status"}, patch(s.clin, task, step(s.clin, "accepted")))
}

// judgedDevice are what the clinician judges: what figures cannot say of form,
// structure and function, and the grade of cytotoxicity of the test report.
func (s *story) judgedDevice(paper string) []obj {
	var all []obj
	for _, j := range [][2]string{{"form", "fit"}, {"structure", "anatomy"}, {"function", "cell-response"}, {"function", "biocompatibility"}, {"function", "cytotoxicity"}} {
		o := s.judged(j[1])
		o["category"] = arr{code("judgement", j[0])}
		switch j[1] {
		case "biocompatibility":
			o["method"], o["derivedFrom"] = code("judgement-method", "test-report"), refs(paper)
			add(o, "extension", ext("standard-part", "valueString", "GB/T 16886.5"))
		case "anatomy": // and the function that the order asks for
			add(o["code"].(obj), "coding", obj{"system": tenon + "parameter", "code": "anatomical-function"})
		case "cytotoxicity":
			if s.socket() {
				continue
			}
			delete(o, "valueCodeableConcept")
			o["method"], o["valueInteger"] = code("judgement-method", "test-report"), 0
		}
		all = append(all, o)
	}
	return all
}

// judgedProcess is the clinician's view of the process; the server has its own,
// computed from the record, and refuses a conform that it does not find.
func (s *story) judgedProcess() []obj {
	var all []obj
	for _, part := range []string{"process-order", "process-conformity", "process-legality", "process-completeness"} {
		o := s.judged(part)
		if part == "process-legality" {
			for _, of := range []string{"ethics", "consent", "material", "software"} {
				add(o, "component", obj{"code": code("legality", of), "valueCodeableConcept": code("verdict", "conform")})
			}
		}
		all = append(all, o)
	}
	return all
}

// judged is the clinician's verdict on one thing, about all that is judged.
func (s *story) judged(part string) obj {
	c := s.course
	return s.ofCase(obj{
		"resourceType": "Observation", "status": "final", "subject": ref(s.patient.ref), "code": code("judgement", part), "method": code("judgement-method", "visual"),
		"focus": refs(slices.DeleteFunc([]string{s.job.device, s.study.ref, s.plan.plan, s.order, c.outputs("S10")["design-scheme"], c.outputs("S11")["device-history-record"], c.outputs("S11")["label"]},
			func(r string) bool { return r == "" })...),
		"performer": refs(s.clin.ref), "effectiveDateTime": instant(s.now()), "valueCodeableConcept": code("verdict", "conform"),
	})
}

// judgement makes a report of these Observations, in a transaction. No Task names
// the Observations, so they carry the extension of the case.
func (s *story) judgement(title, document string, judged ...obj) string {
	report := results(as(document, s.report(s.clin, title, "conform")), "fit for use on this patient")
	var entries []entry
	single := arr{}
	for i, o := range judged {
		url := fmt.Sprintf("%s%02d", urnCondition[:len(urnCondition)-2], 10+i)
		entries = append(entries, entry{url, o})
		single = append(single, ref(url))
	}
	report["result"] = append(single, s.limb.judged[map[string]string{"device-judgement": "category", "process-judgement": "code"}[document]]...)
	made := s.transaction(s.clin, append(entries, entry{urnPlan, report})...)
	return made[len(made)-1]
}

// accept is S16: the clinician accepts the device and what it rests on.
func (s *story) accept() {
	c := s.course
	c.begin(s.clin, "S16")
	record := c.add(s.clin, "S16", "acceptance-record", s.accepted())
	s.refused("S16", refusal{"agent-accepts", 403, "signature-role", "Task.status"}, signature(s.agent, record, "AGENT", "device-acceptance"))
	c.signs(s.clin, "device-acceptance", record)
	if s.socket() {
		s.wear()
	}
	c.complete(s.clin, "S16")
}

// accepted lists the seven objects of acceptance, each in the version that the
// clinician sees, and decides on each.
func (s *story) accepted() obj {
	record := as("acceptance-record", s.composition(s.clin, "验收记录 acceptance record"))
	list := arr{}
	for _, o := range []struct{ section, stage, documents string }{
		{"device", "S11", "device"}, {"images", "S02", "image-study"}, {"plan", "S04", "treatment-plan"}, {"requirements", "S06", "order"}, {"design", "S10", "design-scheme"},
		{"production-record", "S11", "device-history-record"}, {"label", "S11", "label ifu"},
	} {
		entries := arr{}
		for _, document := range strings.Fields(o.documents) {
			for _, at := range s.course.named(o.stage, document) {
				entries = append(entries, ref(at+"/_history/"+str(s.read(s.clin, at), "meta", "versionId")))
			}
		}
		list = append(list, obj{"title": o.section, "code": code("section", o.section), "entry": entries, "extension": arr{ext("acceptance-decision", "valueCode", "accepted")}})
	}
	record["section"] = list
	return record
}

// release is S17: the conformity assessment, and the right device for the right
// patient in the right hospital.
func (s *story) release() {
	c := s.course
	c.begin(s.clin, "S17")
	assessed := as("conformity-assessment", s.report(s.clin, "符合性评价 conformity assessment", "conform"))
	assessed["conclusion"] = "fit for use on this patient"
	assessment := c.add(s.clin, "S17", "conformity-assessment", assessed)
	c.add(s.clin, "S17", "contingency-plan", s.file(s.clin, "应急预案 contingency plan", "text/plain", []byte("If the plate loosens or the wound opens: stop its use, antibiotics, CT, revision within a day.\n")))
	c.signs(s.clin, "conformity", assessment)
	s.planFollowUp()
	c.complete(s.clin, "S17")
}

// exchanged tries to give the device to another patient just before it leaves the maker.
func (s *story) exchanged() {
	o := s.read(s.prod, s.job.device)
	o["patient"] = ref(s.stranger.ref)
	s.refused("S11", refusal{"another-patients-device", 409, "device-patient-fixed", "Task.status"},
		request{as: s.prod, method: "PUT", path: "/fhir/" + s.job.device, body: o})
}
