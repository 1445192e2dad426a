package demo

// beforeDisclosure shows that the manufacturer's people see nothing of the case
// before the clinician confirmed the data and the agreement is in force: neither
// by FHIR nor by DICOMweb. What is out of reach reads as absent.
func (s *story) beforeDisclosure() {
	get := func(path string) request { return request{as: s.des, method: "GET", path: path} }
	absent := func(name string) refusal { return refusal{name, 404, "not-found", ""} }
	sketch := s.sketch()
	s.shuffled(
		func() { s.refused(s.stage, absent("design-before-disclosure"), get("/fhir/"+sketch)) },
		func() { s.refused(s.stage, absent("case-before-disclosure"), get("/fhir/"+s.course.root+"/$case")) },
		func() { s.refused(s.stage, absent("image-before-disclosure"), get("/fhir/"+s.study.ref)) },
		func() { s.refused(s.stage, absent("patient-before-disclosure"), get("/fhir/"+s.patient.ref)) },
		func() {
			s.refused(s.stage, absent("dicom-before-disclosure"), s.dicom(s.des, "/metadata", "application/dicom+json"))
		},
		s.findsNothing)
}

// sketch is a drawing of what the clinician has in mind.
func (s *story) sketch() string {
	return s.create(s.clin, s.ofCase(s.file(s.clin, "设计草图 sketch of the design", "image/svg+xml", s.drawing())))
}

// findsNothing searches where a read would tell more.
func (s *story) findsNothing() {
	if found := s.find(s.des, "ImagingStudy?identifier=urn:dicom:uid|urn:oid:"+s.study.uid); len(found) > 0 {
		stop(&Unexpected{"the designer's search", "nothing", "a study before its disclosure", ""})
	}
	a := s.web.send(request{
		as: s.des, method: "GET", path: "/dicomweb/studies?StudyInstanceUID=" + s.study.uid,
		header: map[string]string{"Accept": "application/dicom+json"},
	})
	var studies []obj
	if a.status != 204 {
		decode(a, &studies)
	}
	if len(studies) > 0 {
		stop(&Unexpected{a.request, "no study", "one before its disclosure", ""})
	}
	s.tell.line(s.stage, s.des, "%d %s searches for the images by FHIR and QIDO-RS and finds 0", a.status, s.des.name)
}

// confirm is S03a: the clinician answers the checklist and signs it and every
// study. With the agreement in force this opens the case to the manufacturer.
func (s *story) confirm() {
	c := s.course
	c.begin(s.clin, "S03a")
	c.add(s.clin, "S03a", "data-checklist", s.checklist())
	done := c.outputs("S03a")
	c.signs(s.clin, "data-confirmation", s.study.ref, done["data-checklist"])
	c.complete(s.clin, "S03a")
}

// checklist answers every item of the questionnaire as the server publishes it.
func (s *story) checklist() obj {
	answers := arr{}
	questionnaire := s.find(s.clin, "Questionnaire?url=urn:tenon:questionnaire:data-confirmation")[0]
	for _, item := range items(questionnaire, "item") {
		answers = append(answers, obj{"linkId": str(item, "linkId"), "text": str(item, "text"), "answer": arr{obj{"valueBoolean": true}}})
	}
	return obj{
		"resourceType": "QuestionnaireResponse", "questionnaire": str(questionnaire, "url") + "|" + str(questionnaire, "version"),
		"status": "completed", "subject": ref(s.patient.ref), "authored": instant(s.now()), "author": ref(s.clin.ref), "item": answers,
	}
}

// outputs are the documents that the Task of a stage names, by type.
func (c *course) outputs(stage string) map[string]string {
	all := map[string]string{}
	for _, o := range items(c.s.read(c.reader, c.task(stage)), "output") {
		all[str(o, "type", "coding", "code")] = str(o, "valueReference", "reference")
	}
	return all
}

// named are all the documents that a stage names under a code.
func (c *course) named(stage, document string) []string {
	var all []string
	for _, o := range items(c.s.read(c.reader, c.task(stage)), "output") {
		if str(o, "type", "coding", "code") == document {
			all = append(all, str(o, "valueReference", "reference"))
		}
	}
	return all
}

// review is S03b: designer and production manager each reply.
func (s *story) review() {
	c := s.course
	c.head("S03b")
	s.disclosed()
	c.begin(s.des, "S03b")
	found := obj{"url": tenon + "extension:data-finding", "extension": arr{}}
	for _, index := range []string{"resolution", "precision", "site"} {
		add(found, "extension", obj{"url": index, "valueCode": "conform"})
	}
	designer := s.create(s.des, add(s.reply(s.des, "accepted", "Resolution, precision and site are fit for the design."), "extension", found))
	answer := pick(s.dice, []string{"accepted", "accepted-with-conditions"})
	producer := s.create(s.prod, s.reply(s.prod, answer, "Within the build volume; support structures to be agreed."))
	c.name(s.des, "S03b", output{"designer-reply", designer}, output{"producer-reply", producer})
	c.signs(s.des, "data-review", designer)
	c.signs(s.prod, "data-review", producer)
	s.answersIf(s.des, "S03b", "image-quality")
	c.complete(s.des, "S03b")
}

// reply answers the clinician in writing (clause 4.5.2).
func (s *story) reply(by *person, result, says string) obj {
	return s.ofCase(obj{
		"resourceType": "Communication", "status": "completed", "subject": ref(s.patient.ref), "sent": instant(s.now()),
		"sender": ref(by.ref), "recipient": refs(s.clin.ref), "topic": code("reply", result), "payload": arr{obj{"contentString": says}},
	})
}

// disclosed shows that the gate opened for those whom the agreement names, and
// for nobody else of the same company.
func (s *story) disclosed() {
	a := s.web.expect(200, request{as: s.des, method: "GET", path: "/fhir/" + s.study.ref})
	s.tell.line("S03b", s.des, "%d %s reads %s now", a.status, s.des.name, s.study.ref)
	if s.study.uid != "" {
		b := s.web.expect(200, s.dicom(s.des, "/metadata", "application/dicom+json"))
		s.tell.line("S03b", s.des, "%d and by DICOMweb", b.status)
	}
	s.refused("S03b", refusal{"colleague-outside-the-team", 404, "not-found", ""},
		request{as: s.desOutside, method: "GET", path: "/fhir/" + s.study.ref})
}
