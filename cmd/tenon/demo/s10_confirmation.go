package demo

// confirmDesign is S10: clinician and production manager sign the confirmation
// form, which names the model and the SHA-256 of its file.
func (s *story) confirmDesign() {
	c := s.course
	c.begin(s.des, "S10")
	plan := s.create(s.des, s.testPlan("validation-plan", "确认方案 validation plan", "ultimate-strength", "representative-product"))
	report := s.create(s.des, s.validation(plan))
	scheme := s.create(s.des, as("design-scheme", s.composition(s.des, "设计方案 design scheme", "patient-data", "surgical-plan", "flow-chart", "material",
		"structural-features", "custom-requirements", "matching-devices", "packaging", "post-processing-cleaning", "disinfection",
		"sterilisation", "delivery-mode", "technical-requirements")))
	form := s.create(s.des, s.confirmationForm())
	c.name(s.des, "S10", output{"validation-plan", plan}, output{"validation-report", report}, output{"design-scheme", scheme}, output{"confirmation-form", form})
	c.signs(s.des, "design-scheme", scheme)
	s.shuffled(s.productionTooEarly, func() { c.signs(s.clin, "design-confirmation", form) })
	c.signs(s.prod, "design-confirmation", form)
	s.changedFile()
	c.complete(s.des, "S10")
}

// validation is the report of a mechanical test on the representative product.
func (s *story) validation(plan string) obj {
	strength := s.create(s.des, s.ofCase(s.result("ultimate-strength", 940, 860, 1200, "MPa", "tensile test")))
	report := follows(as("validation-report", s.report(s.des, "确认报告 validation report", "pass")), plan)
	report["category"], report["subject"] = arr{code("validation-mode", "material-test")}, ref("Device/representative")
	return results(report, "fit for its use", strength)
}

func (s *story) confirmationForm() obj {
	form := as("confirmation-form", s.composition(s.des, "设计确认表 design confirmation form", "declaration"))
	form["attester"] = arr{obj{"mode": "professional", "party": ref(s.clin.ref)}, obj{"mode": "professional", "party": ref(s.prod.ref)}}
	confirmed := section("confirmed-design", "The design as stored under the SHA-256 below.")
	confirmed["entry"] = arr{underDigest(s.design.model, s.design.content)}
	form["section"] = append(form["section"].(arr), confirmed)
	return form
}

// productionTooEarly makes the Task of production by hand before the design is
// confirmed. Only the server makes Tasks of stages, and it names what is missing.
func (s *story) productionTooEarly() {
	root := s.read(s.prod, s.course.root)
	s.refused("S10", refusal{"production-before-confirmation", 409, "G-PRODUCE/design-confirmed", "Task.status"},
		request{as: s.prod, method: "POST", path: "/fhir/Task", body: obj{
			"resourceType": "Task", "status": "in-progress", "intent": "order", "partOf": refs(s.course.root),
			"groupIdentifier": root["groupIdentifier"], "for": ref(s.patient.ref), "owner": ref(s.prod.ref),
			"businessStatus": code("substate", "working"), "code": code("stage", "S11"),
		}})
}

// changedFile exchanges the file under the signed design: first by naming another
// one in the document, then by overwriting the stored content. Then the old
// content is put back, and the signatures hold again.
func (s *story) changedFile() {
	c := s.course
	d := &s.design
	other := append(append([]byte(nil), d.content...), 0)
	doc := s.read(s.des, d.model)
	doc["content"] = s.document("设计模型 design model", s.upload(s.des, stl, other), stl, other)["content"]
	s.refused("S10", refusal{"changed-design-after-signature", 409, "document-sealed", "Task.status"},
		request{as: s.des, method: "PUT", path: "/fhir/" + d.model, body: doc})

	put := func(content []byte) *answer {
		return s.web.expect(200, request{as: s.des, method: "PUT", path: "/fhir/" + d.binary, raw: content, contentType: stl})
	}
	a := put(other)
	s.tell.line("S10", s.des, "%d %s overwrites the content of %s: version %s", a.status, s.des.name, d.binary, a.version())
	s.refused("S10", refusal{"changed-file-under-old-signature", 422, "G-CONFIRM/model-intact", "Task.status"},
		patch(s.des, c.task("S10"), step(s.des, "completed")))
	a = put(d.content)
	s.tell.line("S10", s.des, "%d %s puts the signed content back: version %s", a.status, s.des.name, a.version())
}
