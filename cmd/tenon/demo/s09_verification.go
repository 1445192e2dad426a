package demo

// verify is S09: the plan is approved before the first result, and two persons
// sign the same model.
func (s *story) verify() {
	c := s.course
	c.begin(s.des, "S09")
	specification := s.create(s.des, s.file(s.des, "验证规范 specification", "text/plain", []byte("geometry, strength, cleanliness")))
	plan := s.create(s.des, s.composition(s.des, "验证方案 verification plan", "methods", "acceptance-criteria", "sample-size-rationale"))
	c.name(s.des, "S09", output{"verification-specification", specification}, output{"verification-plan", plan}, output{"software", "Device/cad"})
	c.signs(s.rev, "plan-approval", plan)
	c.add(s.des, "S09", "verification-report", s.report(s.des, "验证报告 verification report", "pass"))
	c.signs(s.des, "verification", s.design.model)
	s.refused("S09", refusal{"one-person-verifies-twice", 403, "two-persons", "Task.status"}, signature(s.revSame, s.design.model, "REV", "verification"))
	c.signs(s.rev, "verification", s.design.model)
	c.complete(s.des, "S09")
}
