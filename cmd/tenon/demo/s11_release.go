package demo

import (
	"bytes"
	"fmt"
)

// label completes the Device that the MES reported: for whom, of whom, and what
// stands on its label.
func (s *story) label() {
	found := s.find(s.prod, "Device?patient="+s.patient.ref)
	if len(found) != 1 {
		stop(fmt.Errorf("%d devices of the patient, one was made", len(found)))
	}
	s.job.device = "Device/" + str(found[0], "id")
	s.refused("S11", refusal{"device-of-another-patient", 422, "other-patient", ""},
		patch(s.prod, s.course.task("S11"), arr{obj{"op": "add", "path": "/output", "value": arr{
			obj{"type": code("document", "device"), "valueReference": ref(s.strangersDevice())},
		}}}))
	a := s.change(s.prod, s.job.device, func(o obj) {
		o["owner"], o["definition"] = ref("Organization/hospital"), ref(s.design.definition)
		extensions, _ := o["extension"].(arr)
		o["extension"] = append(extensions, obj{"url": tenon + "extension:label-content", "extension": arr{
			obj{"url": "use", "valueString": "repair of a cranial defect"},
			obj{"url": "site", "valueString": s.figures.side[0] + " " + s.figures.side[1]},
			obj{"url": "anatomy-check", "valueBoolean": true},
			obj{"url": "image-date", "valueDate": s.study.started[:len("2006-01-02")]},
			obj{"url": "design-date", "valueDate": s.designDate()},
			obj{"url": "custom-made", "valueString": "定制式医疗器械 custom-made device"},
		}}, obj{"url": tenon + "extension:label-usual", "extension": arr{
			obj{"url": "storage", "valueString": "dry, sealed"}, obj{"url": "sterility", "valueString": "sterile, gamma"},
			obj{"url": "licence", "valueString": "国械注准20203130303"},
		}})
	})
	s.tell.line("S11", s.prod, "%d %s labels %s for %s: version %s", a.status, s.prod.name, s.job.device, s.patient.name, a.version())
}

// strangersDevice is a device of the other patient, which the same manufacturer
// made.
func (s *story) strangersDevice() string {
	return s.create(s.prod, obj{
		"resourceType": "Device", "status": "active", "lotNumber": "B-0", "distinctIdentifier": "CMD-0", "patient": ref(s.stranger.ref),
		"deviceName": arr{obj{"name": "another patient's plate", "type": "user-friendly-name"}},
	})
}

// designDate is the date of the confirmation form, as it is written there.
func (s *story) designDate() string {
	return str(s.read(s.prod, s.course.outputs("S10")["confirmation-form"]), "date")[:len("2006-01-02")]
}

// releaseDevice names inspection, label, instructions and history record, which
// production and quality sign.
func (s *story) releaseDevice() {
	c := s.course
	inspection := results(as("inspection-report", s.report(s.qa, "检验报告 inspection report", "pass")), "every item passed", s.inspections()...)
	report := s.create(s.qa, inspection)
	label := s.create(s.prod, s.labelDocument())
	ifu := s.create(s.prod, as("ifu", s.file(s.prod, "使用说明书 instructions for use", "application/pdf", page("single use; check the anatomy before use"))))
	history := s.create(s.prod, s.history(map[string]string{
		"process-parameters": "ActivityDefinition/lpbf-ti64", "material-lot": "Substance/ti64-lot", "machine": "Device/printer",
	}))
	c.name(s.prod, "S11", output{"device", s.job.device}, output{"inspection-report", report}, output{"label", label}, output{"ifu", ifu}, output{"device-history-record", history})
	c.signs(s.prod, "production-record", history)
	s.refused("S11", refusal{"released-without-quality", 422, "G-RELEASE/released-by-quality", "Task.status"},
		patch(s.prod, c.task("S11"), step(s.prod, "completed")))
	c.signs(s.qa, "product-release", history)
	s.exchanged()
}

// labelDocument is the printed label; the name on it must be the patient's.
func (s *story) labelDocument() obj {
	patient := s.patients[s.patient.ref]
	doc := as("label", s.file(s.prod, "标签 label", "text/plain", []byte(s.patient.name+" "+s.figures.serial)))
	doc["contained"] = arr{obj{
		"resourceType": "Patient", "id": "printed",
		"name": arr{first(patient["name"])}, "identifier": arr{first(patient["identifier"])},
	}}
	doc["context"] = obj{"sourcePatientInfo": ref("#printed")}
	return doc
}

// history names what it takes to make the device again: images, model, software
// and what production took.
func (s *story) history(took map[string]string) obj {
	o := as("device-history-record", s.composition(s.prod, "产品历史记录 device history record", "images", "model", "build-file",
		"process-parameters", "material-lot", "machine", "software", "procedures", "operations", "inspection", "retained-samples", "label-ifu"))
	took["images"], took["model"], took["software"] = s.study.ref, s.design.model, "Device/cad"
	for section, of := range took {
		sectionOf(o, section)["entry"] = refs(of)
	}
	return o
}

// inspections are what was measured on the made device, which the MES reported,
// and one look at everything else that the order asks for.
func (s *story) inspections() (list []string) {
	names, codings := orderParameters, arr{}
	if s.socket() {
		names = socketParameters
	}
	for _, name := range names {
		if name != "dimension" && name != "roughness" && name != "mechanical" {
			codings = append(codings, obj{"system": tenon + "parameter", "code": name})
		}
	}
	list = append(list, s.create(s.qa, s.ofCase(obj{
		"resourceType": "Observation", "status": "final", "subject": ref(s.patient.ref), "code": obj{"coding": codings}, "effectiveDateTime": instant(s.now()),
		"valueCodeableConcept": code("verdict", "pass"), "interpretation": arr{code("verdict", "pass")},
	})))
	for _, o := range s.find(s.qa, "Observation?code=urn:tenon:parameter|dimension,urn:tenon:parameter|roughness,urn:tenon:parameter|mechanical") {
		list = append(list, "Observation/"+str(o, "id"))
	}
	return list
}

// page is a PDF of one page with one line of ASCII.
// https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf
func page(says string) []byte {
	var b bytes.Buffer
	var at []int
	object := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	b.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>")
	line := "BT /F 12 Tf 72 770 Td (" + says + ") Tj ET"
	object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(line), line))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, o := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}
