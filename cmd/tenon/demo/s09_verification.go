package demo

// verify is S09: the plan is approved before the first result, and two persons
// sign the same model.
func (s *story) verify() {
	c := s.course
	c.begin(s.des, "S09")
	paper := as("verification-specification", s.file(s.des, "验证规范 specification", "text/plain", []byte("geometry, strength, cleanliness")))
	paper["masterIdentifier"] = obj{"system": "urn:maker:document", "value": "VS-07 rev. 3"}
	specification := s.create(s.des, paper)
	proposed := s.testPlan("verification-plan", "验证方案 verification plan", "thickness")
	add(proposed, "section", obj{"title": "conditions of the design output", "entry": refs(s.design.output)})
	plan := s.create(s.des, proposed)
	c.name(s.des, "S09", output{"verification-specification", specification}, output{"verification-plan", plan}, output{"software", "Device/cad"})
	c.signs(s.rev, "plan-approval", plan)
	f := &s.figures
	thickness := s.create(s.des, s.ofCase(s.result("thickness", f.thickness, f.thickness-f.tolerance, f.thickness+f.tolerance, "mm", "measured in the model")))
	report := as("verification-report", s.report(s.des, "验证报告 verification report", "pass"))
	c.add(s.des, "S09", "verification-report", results(follows(report, plan, specification), "every item of the plan passed", thickness))
	c.signs(s.des, "verification", s.design.model)
	s.refused("S09", refusal{"one-person-verifies-twice", 403, "two-persons", "Task.status"}, signature(s.revSame, s.design.model, "REV", "verification"))
	c.signs(s.rev, "verification", s.design.model)
	if s.socket() {
		s.verifySocket()
	}
	c.complete(s.des, "S09")
}

// testPlan is a plan of verification or validation with one item.
func (s *story) testPlan(document, title, item string, more ...string) obj {
	plan := as(document, s.composition(s.des, title, append([]string{"methods", "acceptance-criteria", "sample-size-rationale"}, more...)...))
	sectionOf(plan, "acceptance-criteria")["section"] = arr{obj{"title": item, "code": code("characteristic", item), "text": narrative("within the tolerance")}}
	return plan
}
