package demo

import (
	"slices"

	"tenon/mesh/sample"
)

// designSocket is S08: a socket around the scanned stump.
func (s *story) designSocket() {
	c := s.course
	c.begin(s.des, "S08")
	d := &s.design
	d.content = binarySTL(sample.Socket(s.stump(), wall))
	d.binary = s.upload(s.des, stl, d.content)
	d.model = s.create(s.des, s.socketModel(d.binary, d.content))
	surface := s.create(s.des, s.surfaceModel())
	drawing := s.create(s.des, madeWith(as("drawing", s.file(s.des, "图纸 drawing", "image/svg+xml", s.drawing()))))
	description := s.create(s.des, as("design-description", s.file(s.des, "设计说明 description", "text/plain", []byte(s.says("design-parameters")))))
	d.definition = s.create(s.des, s.ofCase(s.socketDefinition()))
	d.output = s.create(s.des, s.socketOutput(surface, drawing, description))
	analysis := s.create(s.des, s.analysis())
	c.name(s.des, "S08", append(s.designedParts(), output{"design-model", d.model}, output{"surface-model", surface}, output{"drawing", drawing},
		output{"design-description", description}, output{"design-definition", d.definition}, output{"design-output", d.output}, output{"analysis", analysis})...)
	if !s.inspected(d.content) {
		stop(errOpenSocket)
	}
	c.signs(s.des, "design-output", d.output)
	c.signs(s.des, "design-output", d.definition)
	c.signs(s.rev, "output-review", d.output)
	s.shuffled(func() { c.signs(s.clin, "feasibility", d.output) }, func() { c.signs(s.prod, "feasibility", d.output) })
	s.discussed(analysis)
	c.signs(s.clin, "analysis-approval", analysis)
	c.answers(s.prod, "machine-fit")
	s.refused("S08", refusal{"limits-not-loaded", 422, "G-OUTPUT/design-alignment-within", "Task.status"}, patch(s.des, c.task("S08"), step(s.des, "completed")))
	s.tell.line("S08", s.des, "%s", c.why("S08", "G-OUTPUT/design-alignment-within"))
	c.answers(s.clin, "design-alignment-within")
	c.answers(s.prod, "connection-within")
	c.complete(s.des, "S08")
}

// The wall of the socket, in mm.
const (
	wall          = 3
	wallTolerance = 0.2
)

// socketModel is the model for manufacturing, with its format.
func (s *story) socketModel(binary string, content []byte) obj {
	doc := s.modelDocument(binary, content)
	doc["content"].(arr)[0].(obj)["format"] = obj{"system": tenon + "file-format", "code": "STL"}
	return doc
}

// surfaceModel is the surface that the socket has before its wall.
func (s *story) surfaceModel() obj {
	doc := madeWith(as("surface-model", s.file(s.des, "曲面模型 surface model", stl, s.limb.scan)))
	content := doc["content"].(arr)[0].(obj)
	content["format"] = obj{"system": tenon + "file-format", "code": "STL"}
	add(content["attachment"].(obj), "extension", ext("length-unit", "valueCode", "mm"))
	return doc
}

func property(system, name, kind string, values ...any) obj {
	return obj{"type": code(system, name), kind: arr(values)}
}

// socketDefinition answers the order, and states zones, thickness and interface.
func (s *story) socketDefinition() obj {
	o := s.definition()
	o["parentDevice"] = ref("DeviceDefinition/family-transtibial-socket")
	o["shelfLifeStorage"] = arr{obj{"type": text("in daily use"), "period": quantity(3, "a"), "specialPrecautionsForStorage": arr{text("dry, below 50 °C")}}}
	o["material"] = arr{obj{"substance": code("material", "PA")}}
	properties := o["property"].(arr)
	for _, name := range socketParameters {
		if !slices.Contains(orderParameters, name) {
			properties = append(properties, property("parameter", name, "valueCode", text("as designed: "+name)))
		}
	}
	for _, zone := range []string{"load-bearing", "relief", "suspension"} {
		properties = append(properties, property("socket-zone", zone, "valueQuantity", quantity(1.5, "mm")))
	}
	thickness := property("socket-property", "thickness", "valueQuantity", quantity(wall, "mm"))
	thickness["extension"] = arr{ext("rationale", "valueString", "PA12 by powder bed fusion; 80 kg, moderate activity")}
	o["property"] = append(properties, thickness, property("socket-property", "interface", "valueCode", interfaceCode("pyramid")))
	return o
}

// interfaceCode is the code of an interface, which is one of the maker's.
func interfaceCode(code string) obj {
	return obj{"coding": arr{obj{"system": "urn:tenon:sample:interface", "code": code}}}
}

// socketOutput is the design output with the parts that 003 clause 5.2 asks for.
func (s *story) socketOutput(surface, drawing, description string) obj {
	o := s.designOutput([]any{
		underDigest(s.design.model, s.design.content), underDigest(surface, s.limb.scan), underDigest(drawing, s.drawing()), underDigest(description, []byte(s.says("design-parameters"))),
	})
	for _, name := range []string{"dimension-design", "biomechanical-zones", "thickness-design", "topology-design", "alignment-connection", "personalisation"} {
		add(o, "section", section(name, s.says(name)))
	}
	brim := section("brim-design", "The brim follows the contour of the stump.")
	brim["entry"] = refs(s.study.ref)
	return add(o, "section", brim)
}

// alignment is the alignment of a transtibial prosthesis.
func (s *story) alignment(by *person, of string) obj {
	return s.observation(by, of, "instrument", obj{"component": arr{
		part("frontal-angle", "valueQuantity", quantity(4.5, "deg")), length("frontal-offset", 11), part("sagittal-angle", "valueQuantity", quantity(5, "deg")),
		length("sagittal-offset", 14), part("rotation", "valueQuantity", quantity(6, "deg")),
	}})
}

// designedParts are the measures of the socket, alignment and connection.
func (s *story) designedParts() []output {
	circumference := s.observation(s.des, "", "software", obj{
		"code": code("stump-measure", "circumference"), "derivedFrom": refs(s.limb.measures[0]), "valueQuantity": quantity(303, "mm"),
		"component": arr{part("reduction", "valueQuantity", quantity(3, "%"))},
	})
	long := s.observation(s.des, "", "software", obj{
		"code": code("stump-measure", "length"), "derivedFrom": refs(s.limb.measures[1]), "valueQuantity": quantity(149, "mm"),
	})
	adapter := s.create(s.des, s.ofCase(obj{
		"resourceType": "DeviceDefinition", "deviceName": arr{obj{"name": "pyramid adapter", "type": "model-name"}}, "owner": ref("Organization/maker"),
		"property": arr{property("socket-property", "interface", "valueCode", interfaceCode("pyramid"))},
	}))
	connection := s.observation(s.des, "连接尺寸 connection", "software", obj{"valueQuantity": quantity(0.02, "mm"), "interpretation": arr{code("verdict", "pass")}})
	return []output{
		{"socket-measure", s.create(s.des, circumference)}, {"socket-measure", s.create(s.des, long)},
		{"design-alignment", s.create(s.des, s.alignment(s.des, "设计对线 alignment as designed"))},
		{"component", adapter}, {"connection-check", s.create(s.des, connection)},
	}
}

// verifySocket adds to S09 the comparison with the stump and the measured
// dimensions.
func (s *story) verifySocket() {
	c := s.course
	shape := as("shape-check", s.report(s.des, "形状比对 comparison of socket and stump", "pass"))
	shape["conclusion"] = "deviation as designed: reduction 3 %, relief over the fibular head"
	shape["extension"] = arr{ext("compared", "valueReference", ref(s.study.ref)), ext("compared", "valueReference", ref(s.design.model))}
	report := c.add(s.des, "S09", "shape-check", shape)
	c.add(s.des, "S09", "socket-dimension", s.observation(s.des, "尺寸 dimension", "calliper", obj{"component": arr{length("model", 98.2), length("physical", 98.3)}}))
	c.signs(s.des, "verification", report)
}
