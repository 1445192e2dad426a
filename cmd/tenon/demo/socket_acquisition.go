package demo

import (
	"bytes"
	"fmt"

	"tenon/mesh"
	"tenon/mesh/sample"
)

// stump is the scanned surface: a real one, or one of the seed.
func (s *story) stump() *mesh.Mesh {
	if s.o.Scan == "" {
		return sample.Stump(s.figures.mesh, sample.LimbOptions{})
	}
	m, err := mesh.ReadSTL(bytes.NewReader(readFile(s.o.Scan)), mesh.Limits{})
	must(err)
	return m
}

func binarySTL(m *mesh.Mesh) []byte {
	var b bytes.Buffer
	must(mesh.WriteBinary(&b, m))
	return b.Bytes()
}

// acquire is S02: the stump is scanned, measured three times and photographed with
// harmless equipment.
func (s *story) acquire() {
	c := s.course
	task := c.take(s.img, "S02")
	s.harmless(task)
	s.scanModel()
	outputs := append([]output{{"image-study", s.study.ref}, {"acquisition", s.acquisition()}}, s.photographs()...)
	outputs = append(outputs, s.marks()...)
	outputs = append(outputs, s.measured()...)
	accuracy := s.create(s.img, s.observation(s.img, "轮廓误差 error of the contour", "software", obj{"valueQuantity": quantity(0.62, "mm")}))
	checklist := s.create(s.img, s.formAnswers(s.img, "acquisition", obj{"posture": obj{"valueString": "seated, knee flexed 30°"}}))
	s.study.request = s.create(s.clin, s.ofCase(s.examination()))
	c.name(s.img, "S02", append(outputs, output{"scan-accuracy", accuracy}, output{"acquisition-checklist", checklist})...)
	c.signs(s.img, "acquisition", s.study.ref, checklist)
	s.refused("S02", refusal{"scan-not-accurate", 422, "contour-accuracy", "Task.status"}, patch(s.img, task, step(s.img, "completed")))
	s.change(s.img, accuracy, func(o obj) { o["valueQuantity"] = quantity(-0.28, "mm") })
	s.notTheMedian(task)
	s.stumpBeforeDisclosure()
	s.inspectedBy(s.img, s.limb.scan)
	c.complete(s.img, "S02")
}

// harmless names equipment that says nothing of its safety, and is refused; then
// it says so.
func (s *story) harmless(task string) {
	s.limb.scanner = s.create(s.img, obj{
		"resourceType": "Device", "status": "active", "deviceName": arr{obj{"name": "structured light scanner", "type": "user-friendly-name"}},
		"type": code("device", "scanner"), "owner": ref("Organization/hospital"),
	})
	s.course.list(s.img, "S02", "input", []output{{"scanner", s.limb.scanner}})
	s.refused("S02", refusal{"equipment-without-safety", 422, "equipment-harmless", "Task.status"}, patch(s.img, task, step(s.img, "working")))
	s.change(s.img, s.limb.scanner, func(o obj) {
		safety := code("device-safety", "non-invasive")
		safety["text"] = "white light, no contact; harmless to operator and patient"
		o["safety"] = arr{safety}
	})
	s.course.work(s.img, "S02")
}

func (s *story) scanModel() {
	s.limb.scan = binarySTL(s.stump())
	doc := s.ofCase(s.document("残肢模型 model of the stump", s.upload(s.img, stl, s.limb.scan), stl, s.limb.scan))
	doc["category"] = arr{code("model-source", "direct")}
	doc["date"] = instant(s.now())
	doc["content"].(arr)[0].(obj)["format"] = obj{"system": tenon + "file-format", "code": "STL"}
	s.study.ref = s.create(s.img, doc)
	s.design.model = s.study.ref // what inspected looks for
}

func (s *story) acquisition() string {
	s.limb.acquired = instant(s.now())
	return s.create(s.img, obj{
		"resourceType": "Procedure", "status": "completed", "subject": ref(s.patient.ref), "code": code("acquisition-mode", "direct"),
		"usedCode": arr{code("acquisition-method", "3d-scanner")}, "usedReference": refs(s.limb.scanner),
		"bodySite": arr{site()}, "performedDateTime": s.limb.acquired, "performer": arr{obj{"actor": ref(s.img.ref)}},
	})
}

// photographs are sagittal and frontal, seated; face and identity are masked.
func (s *story) photographs() []output {
	var all []output
	for _, view := range []string{"sagittal", "frontal"} {
		picture := s.upload(s.img, "image/jpeg", []byte("\xff\xd8\xff\xe0 "+view+" "+s.figures.number))
		all = append(all, output{"photograph", s.create(s.img, obj{
			"resourceType": "Media", "status": "completed", "subject": ref(s.patient.ref), "createdDateTime": instant(s.now()),
			"meta":      obj{"security": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}},
			"type":      obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/media-type", "code": "image"}}},
			"extension": arr{ext("identity-masked", "valueBoolean", true), ext("posture", "valueCodeableConcept", code("posture", "sitting"))},
			"view":      code("photo-view", view), "operator": ref(s.img.ref), "content": obj{"contentType": "image/jpeg", "url": picture},
		})})
	}
	return all
}

// marks are landmarks, located in the model.
func (s *story) marks() []output {
	var all []output
	for i, kind := range []string{"bony-prominence", "relief-area"} {
		o := s.observation(s.img, "", "", obj{
			"code": code("landmark-type", kind), "derivedFrom": refs(s.study.ref),
			"component": arr{length("x", 12.5), length("y", float64(30+i)), length("z", -40.2)},
		})
		at := s.create(s.img, o)
		s.limb.landmarks = append(s.limb.landmarks, at)
		all = append(all, output{"landmark", at})
	}
	return all
}

func (s *story) measure(of string, value float64, three ...float64) obj {
	components := arr{}
	for _, v := range three {
		components = append(components, length("acquisition", v))
	}
	return s.observation(s.img, "", "tape", obj{"code": code("stump-measure", of), "valueQuantity": quantity(value, "mm"), "component": components})
}

// measured are the measures of the stump, each the median of three.
func (s *story) measured() []output {
	var all []output
	for _, m := range []obj{s.measure("circumference", 312.4, 312.1, 312.4, 313), s.measure("length", 151, 151.2, 150.7, 151)} {
		at := s.create(s.img, m)
		s.limb.measures = append(s.limb.measures, at)
		all = append(all, output{"stump-measure", at})
	}
	return all
}

// notTheMedian states the mean of the three in place of the median.
func (s *story) notTheMedian(task string) {
	at := s.limb.measures[0]
	state := func(v float64) { s.change(s.img, at, func(o obj) { o["valueQuantity"] = quantity(v, "mm") }) }
	state(312.5)
	s.refused("S02", refusal{"not-the-median-of-three", 422, "measured-thrice", "Task.status"}, patch(s.img, task, step(s.img, "completed")))
	state(312.4)
}

// stumpBeforeDisclosure shows that the manufacturer's people see neither scan nor
// photographs before the gate opens.
func (s *story) stumpBeforeDisclosure() {
	for name, path := range map[string]string{
		"image-before-disclosure": s.study.ref, "case-before-disclosure": s.course.root + "/$case", "patient-before-disclosure": s.patient.ref,
	} {
		s.refused("S02", refusal{name, 404, "not-found", ""}, request{as: s.des, method: "GET", path: "/fhir/" + path})
	}
}

// confirmScan is S03a: the model is judged, and measured again with a tape.
func (s *story) confirmScan() {
	c := s.course
	c.begin(s.clin, "S03a")
	report := as("stump-model-check", s.report(s.clin, "残肢模型检验 check of the stump model", "pass"))
	results := arr{}
	for _, item := range []string{"smooth", "no-holes", "nothing-missing", "no-distortion", "landmarks-visible", "irrelevant-removed"} {
		o := s.ofCase(s.observation(s.clin, "", "sight", obj{"code": code("model-check", item), "valueCodeableConcept": code("verdict", "pass")}))
		results = append(results, ref(s.create(s.clin, o)))
	}
	report["result"] = results
	check := s.create(s.clin, report)
	again := s.create(s.clin, s.observation(s.clin, "复测 measured again", "tape", obj{"component": arr{length("software", 312.4), length("tape", 313.1)}}))
	c.name(s.clin, "S03a", output{"stump-model-check", check}, output{"scan-check", again}, output{"data-checklist", s.create(s.clin, s.checklist())})
	c.signs(s.clin, "data-confirmation", s.study.ref, check, c.outputs("S03a")["data-checklist"])
	s.refused("S03a", refusal{"tape-and-software-differ", 422, "accuracy-measured-again", "Task.status"}, patch(s.clin, c.task("S03a"), step(s.clin, "completed")))
	s.corrected(s.clin, again, arr{length("software", 312.4), length("tape", 312.1)})
	s.tell.note("S03a", "scan of %d bytes: %s", len(s.limb.scan), fmt.Sprint(s.study.ref))
	c.complete(s.clin, "S03a")
}
