package demo

// input is S07: the designer compiles the design input, a reviewer of higher
// grade signs it.
func (s *story) input() {
	c := s.course
	c.begin(s.des, "S07")
	doc := c.add(s.des, "S07", "design-input", s.designInput())
	s.shuffled(
		func() {
			s.refused("S07", refusal{"signature-by-wrong-role", 403, "signature-role", "Task.status"}, signature(s.clin, doc, "CLIN", "design-input"))
		},
		func() {
			wrong := *s.des
			wrong.secret += "?"
			s.refused("S07", refusal{"wrong-signing-secret", 403, "sign-secret", ""}, signature(&wrong, doc, "DES", "design-input"))
		})
	c.signs(s.des, "design-input", doc)
	s.refused("S07", refusal{"designer-reviews-own-design", 403, "two-persons", "Task.status"}, signature(s.revSame, doc, "REV", "input-review"))
	c.signs(s.rev, "input-review", doc)
	s.changedDocument(doc)
	c.complete(s.des, "S07")
}

// designInput is complete in every section (clause 5.3.2).
func (s *story) designInput() obj {
	o := as("design-input", s.composition(s.des, "设计输入 design input",
		"patient-data", "surgical-plan", "structure-form", "mechanical", "biocompatibility", "scan-requirement",
		"scan-parameters", "data-handling", "conversion-efficiency"))
	o["identifier"] = obj{"system": tenon + "sample:input", "value": "DI-" + s.figures.number}
	o["attester"] = arr{obj{"mode": "professional", "party": ref(s.rev.ref)}}
	sectionOf(o, "patient-data")["entry"] = refs(s.study.ref)
	for _, plan := range s.sections([]string{"surgical-plan"}) {
		sectionOf(o, plan)["entry"] = refs(s.plan.plan)
	}
	sectionOf(o, "scan-parameters")["entry"] = refs(s.study.request)
	sectionOf(o, "conversion-efficiency")["entry"] = refs(s.create(s.des, s.ofCase(s.conversion())))
	for _, part := range []string{"acquire", "send", "store", "confirm"} {
		add(sectionOf(o, "data-handling"), "section", obj{"code": code("data-handling", part), "text": narrative("as agreed: " + part)})
	}
	return o
}

// conversion is how well the data were received and converted.
func (s *story) conversion() obj {
	part := func(name string, value float64, unit string) obj {
		return obj{"code": code("conversion", name), "valueQuantity": quantity(value, unit)}
	}
	return obj{
		"resourceType": "Observation", "status": "final", "code": code("conversion", "efficiency"), "subject": ref(s.patient.ref),
		"focus": refs(s.study.ref), "performer": refs(s.des.ref), "effectiveDateTime": instant(s.now()),
		"component": arr{part("reception-duration", 12.5, "s"), part("conversion-duration", 31, "s"), part("success-rate", 100, "%")},
	}
}

// changedDocument edits a document after both signed it: the old signatures do
// not count for the new version, and both sign anew.
func (s *story) changedDocument(doc string) {
	c := s.course
	a := s.change(s.des, doc, func(o obj) { o["title"] = str(o, "title") + ", second edition" })
	s.tell.line("S07", s.des, "%d %s edits %s after it was signed: version %s", a.status, s.des.name, doc, a.version())
	s.refused("S07", refusal{"changed-document-under-old-signature", 422, "G-INPUT/input-signed-by-designer", "Task.status"},
		patch(s.des, c.task("S07"), step(s.des, "completed")))
	s.refused("S07", refusal{"signed-version-is-not-current", 412, "sign-version", ""},
		signature(s.rev, doc, "REV", "input-review", obj{"name": "version", "valueString": "1"}))
	c.signs(s.des, "design-input", doc)
	c.signs(s.rev, "input-review", doc)
}
