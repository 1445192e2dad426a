package demo

import (
	"bytes"
	"fmt"
	"time"

	"tenon/mesh"
	"tenon/mesh/sample"
)

// design is what S08 brings.
type design struct {
	model      string // DocumentReference/x
	first      string // Binary/x that was tried first
	binary     string // Binary/x of the model
	content    []byte
	definition string // DeviceDefinition/x
	output     string // Composition/x
}

const stl = "model/stl"

// designIt is S08: model, drawing, description and definition of the design. The
// server checks the surface of the model by itself.
func (s *story) designIt() {
	c := s.course
	c.begin(s.des, "S08")
	s.openModel()
	s.closedModel()
	d := &s.design
	d.definition = s.create(s.des, s.ofCase(s.definition()))
	drawing := s.create(s.des, madeWith(as("drawing", s.file(s.des, "图纸 drawing", "image/svg+xml", s.drawing()))))
	description := s.create(s.des, as("design-description", s.file(s.des, "设计说明 description", "text/plain", []byte(s.says("design-parameters")))))
	listed := []any{underDigest(d.model, d.content), underDigest(drawing, s.drawing()), underDigest(description, []byte(s.says("design-parameters")))}
	d.output = s.create(s.des, s.designOutput(append(listed, s.keepAnatomy()...)))
	s.forMachine()
	analysis := s.create(s.des, s.analysis())
	c.name(s.des, "S08", output{"drawing", drawing}, output{"design-description", description}, output{"design-definition", d.definition},
		output{"design-output", d.output}, output{"analysis", analysis})
	c.signs(s.des, "design-output", d.output)
	c.signs(s.des, "design-output", d.definition)
	s.refused("S08", refusal{"designer-reviews-own-design", 403, "two-persons", "Task.status"}, signature(s.revSame, d.output, "REV", "output-review"))
	c.signs(s.rev, "output-review", d.output)
	s.shuffled(func() { c.signs(s.clin, "feasibility", d.output) }, func() { c.signs(s.prod, "feasibility", d.output) })
	s.discussed(analysis)
	c.signs(s.clin, "analysis-approval", analysis)
	s.refused("S08", refusal{"design-of-another-patient", 404, "not-found", ""}, request{as: s.stranger, method: "GET", path: "/fhir/" + d.model})
	c.complete(s.des, "S08")
}

// plate is a plate of the ordered size as a binary STL; open leaves out that many
// quads of its surface.
func (s *story) plate(open int) []byte {
	f := &s.figures
	var b bytes.Buffer
	must(mesh.WriteBinary(&b, sample.Plate(f.mesh, sample.Options{
		Width: f.width, Depth: f.depth, Thickness: f.thickness, Slots: f.slots, OpenQuads: open,
	})))
	return b.Bytes()
}

// modelDocument says that a file is the model for manufacturing, and until when
// it may be produced. The extension case lets what the check finds join the case.
func (s *story) modelDocument(binary string, content []byte) obj {
	doc := madeWith(as("design-model", s.ofCase(s.document("设计模型 design model", binary, stl, content))))
	add(attachment(doc), "extension", ext("length-unit", "valueCode", "mm"))
	doc["category"] = arr{code("model-purpose", "manufacturing")}
	doc["context"] = obj{"period": obj{"start": day(s.now()), "end": day(s.now().Add(90 * 24 * time.Hour))}}
	return doc
}

// openModel names a model with a hole, finds what the server found, and sees
// that the gate stays closed. A real file of --model is tried here first.
func (s *story) openModel() {
	c := s.course
	content := s.plate(3)
	if s.o.Model != "" {
		content = readFile(s.o.Model)
	}
	binary := s.upload(s.des, stl, content)
	s.design.first = binary
	s.design.model = s.create(s.des, s.modelDocument(binary, content))
	c.name(s.des, "S08", output{"design-model", s.design.model})
	if s.inspected(content) {
		s.design.binary, s.design.content = binary, content
		return
	}
	s.refused("S08", refusal{"stl-with-a-hole", 422, "G-OUTPUT/model-watertight", "Task.status"},
		patch(s.des, c.task("S08"), step(s.des, "completed")))
	s.tell.line("S08", s.des, "%s", c.why("S08", "G-OUTPUT/model-watertight"))
}

// closedModel replaces the file by one whose surface is closed.
func (s *story) closedModel() {
	d := &s.design
	if d.content != nil {
		return // the file of --model is closed
	}
	d.content = s.plate(0)
	d.binary = s.upload(s.des, stl, d.content)
	a := s.change(s.des, d.model, func(o obj) {
		o["content"] = s.modelDocument(d.binary, d.content)["content"]
	})
	s.tell.line("S08", s.des, "%d %s replaces the file of %s: version %s", a.status, s.des.name, d.model, a.version())
	if !s.inspected(d.content) {
		stop(fmt.Errorf("the closed plate is found open"))
	}
}

// keepAnatomy keeps an open file of --model, such as a scanned skull, as what the
// plate was designed on.
func (s *story) keepAnatomy() []any {
	if s.o.Model == "" || s.design.first == s.design.binary {
		return nil
	}
	doc := as("design-description", s.document("解剖模型 anatomy that the plate was designed on", s.design.first, stl, s.contents[s.design.first]))
	doc["category"] = arr{code("model-purpose", "surgical-model")}
	return []any{underDigest(s.course.add(s.des, "S08", "design-description", doc), s.contents[s.design.first])}
}

// forMachine names the machine that the design is meant for: what the server
// measured of the model is held against what it can make.
func (s *story) forMachine() {
	task := s.course.task("S08")
	a := s.web.expect(200, patch(s.des, task, arr{obj{"op": "add", "path": "/input/-", "value": obj{
		"type": code("document", "machine"), "valueReference": ref("Device/printer"),
	}}}))
	s.tell.line("S08", s.des, "%d %s names Device/printer: the model is held against its build volume and smallest feature", a.status, s.des.name)
}

// inspected waits for the check of the file that runs after the commit, and tells
// whether the surface is closed.
func (s *story) inspected(content []byte) bool { return s.inspectedBy(s.des, content) }

func (s *story) inspectedBy(by *person, content []byte) bool {
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		for _, o := range s.find(by, "Observation?code=urn:tenon:check|watertight&derived-from="+s.design.model) {
			for _, e := range items(o, "extension") {
				if str(e, "valueString") != sha(content) {
					continue
				}
				closed, _ := o["valueBoolean"].(bool)
				s.tell.note(s.stage, "the server checked %d bytes of STL: watertight %v (%s) %s", len(content), closed, "Observation/"+str(o, "id"), str(o, "note", "text"))
				return closed
			}
		}
	}
	stop(fmt.Errorf("no check of %s after %v", s.design.model, timeout))
	return false
}

// why is how $case words an unmet condition.
func (c *course) why(code, rule string) string {
	for _, p := range c.look()[code].unmet {
		if p.rule == rule {
			return "$case says: " + p.String() + " " + p.chinese
		}
	}
	return "$case has no unmet " + rule
}

// definition answers every parameter of the order by a property of the same code.
func (s *story) definition() obj {
	f := &s.figures
	properties := arr{}
	for _, name := range orderParameters {
		p := obj{"type": code("parameter", name)}
		switch name {
		case "dimension":
			p["valueQuantity"] = arr{quantity(f.width, "mm"), quantity(f.depth, "mm"), quantity(f.thickness, "mm")}
			p["extension"] = arr{ext("source-image", "valueReference", ref(s.study.ref)), ext("safety-critical", "valueBoolean", true)}
		case "roughness":
			p["valueQuantity"] = arr{quantity(f.roughness, "um")}
		default:
			p["valueCode"] = arr{text("as designed: " + name)}
		}
		properties = append(properties, p)
	}
	for _, heading := range []string{"mechanical", "biological", "interface", "stability", "insertion", "manufacturability"} {
		properties = append(properties, obj{"type": code("performance", heading), "valueCode": arr{text("as designed: " + heading)}})
	}
	properties = append(properties, obj{"type": code("design-property", "smallest-feature"), "valueQuantity": arr{quantity(1.5, "mm")}})
	return obj{
		"resourceType": "DeviceDefinition", "version": arr{"1"},
		"identifier":   arr{obj{"system": "urn:maker:design", "value": "D-" + f.serial}},
		"deviceName":   arr{obj{"name": f.device(), "type": "user-friendly-name"}},
		"parentDevice": ref("DeviceDefinition/family-cranial-plate"), "owner": ref("Organization/maker"),
		"shelfLifeStorage": arr{obj{"type": text("permanent implant"), "period": quantity(5, "a"), "specialPrecautionsForStorage": arr{text("dry, sealed")}}},
		"material":         arr{obj{"substance": code("material", "Ti6Al4V")}}, "property": properties,
	}
}

func (s *story) drawing() []byte {
	f := &s.figures
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%.1fmm" height="%.1fmm"><title>%s</title></svg>`, f.width, f.depth, f.number)
}

// designOutput lists every file of the design under the digest of its content.
func (s *story) designOutput(files []any) obj {
	o := as("design-output", s.composition(s.des, "设计输出 design output", "clinical-need", "design-parameters", "manufacturing-parameters",
		"output-list", "transfer-method", "verification-conditions", "performance", "patient-specific"))
	o["confidentiality"] = "R"
	sectionOf(o, "output-list")["entry"] = files
	sectionOf(o, "transfer-method")["extension"] = arr{ext("transfer-method", "valueCode", "fhir-rest")}
	return o
}

// analysis is the calculation of the plate under load, with the software that
// made it.
func (s *story) analysis() obj {
	stress := s.create(s.des, s.ofCase(s.result("ultimate-strength", 210, 0, 860, "MPa", "finite element analysis, 50 N on the middle")))
	report := madeWith(as("analysis", s.report(s.des, "力学分析 finite element analysis", "pass")))
	return results(add(report, "extension", ext("iteration", "valuePositiveInt", 2)), "stress far below the strength of the material", stress)
}

// discussed tells the clinician what was calculated, and lets him answer. Without
// it his approval does not open the gate.
func (s *story) discussed(analysis string) {
	s.refused("S08", refusal{"analysis-not-discussed", 422, "G-OUTPUT/analysis-discussed", "Task.status"}, patch(s.des, s.course.task("S08"), step(s.des, "completed")))
	s.speaks(s.des, s.clin, analysis, "comment", "峰值应力 210 MPa，强度 860 MPa Largest stress 210 MPa, strength 860 MPa; second iteration, ribs thickened.")
	s.speaks(s.clin, s.des, analysis, "approve", "同意 The loads are those that I expect.")
}

// speaks sends a word of the dialogue about a document.
func (s *story) speaks(from, to *person, about, kind, words string) {
	s.create(from, s.ofCase(obj{
		"resourceType": "Communication", "status": "completed", "category": arr{code("dialogue", kind)}, "subject": ref(s.patient.ref), "sent": instant(s.now()),
		"about": refs(about), "sender": ref(from.ref), "recipient": refs(to.ref), "payload": arr{obj{"contentString": words}},
	}))
}

// result is one result of a test that passed.
func (s *story) result(characteristic string, value, low, high float64, unit, method string) obj {
	return obj{
		"resourceType": "Observation", "status": "final", "subject": ref(s.patient.ref), "code": code("characteristic", characteristic),
		"effectiveDateTime": instant(s.now()), "valueQuantity": quantity(value, unit), "method": text(method),
		"interpretation": arr{code("verdict", "pass")}, "referenceRange": arr{obj{"low": quantity(low, unit), "high": quantity(high, unit)}},
	}
}

func attachment(doc obj) obj { return doc["content"].(arr)[0].(obj)["attachment"].(obj) }
