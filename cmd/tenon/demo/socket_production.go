package demo

import (
	"errors"
	"fmt"
	"time"
)

var errOpenSocket = errors.New("the socket around the stump is found open")

const (
	machine = "Device/printer-polymer"
	powder  = "Substance/pa12-lot"
	lacquer = "Substance/skin-lacquer"
)

// preProcess is S11a: the file that the machine works from, and the signed check
// of its parameters.
func (s *story) preProcess() {
	c := s.course
	c.begin(s.prod, "S11a")
	build := s.file(s.prod, "加工数据文件 processing file", "application/octet-stream", []byte("slices of "+sha(s.design.content)))
	target := ref(s.design.model)
	target["extension"] = arr{ext("sha-256", "valueString", sha(s.design.content))}
	build["relatesTo"] = arr{obj{"code": "transforms", "target": target}}
	build["context"] = obj{"related": refs(machine)}
	s.limb.build = s.create(s.prod, build)
	check := s.create(s.prod, s.formAnswers(s.prod, "machining-check", obj{
		"layer-thickness": obj{"valueQuantity": quantity(0.1, "mm")}, "print-direction": obj{"valueString": "upright, brim up"},
		"supports": obj{"valueString": "none: the powder supports"},
	}))
	c.name(s.prod, "S11a", output{"build-file", s.limb.build}, output{"machining-check", check})
	s.refused("S11a", refusal{"parameters-not-signed", 422, "machining-checked", "Task.status"}, patch(s.prod, c.task("S11a"), step(s.prod, "completed")))
	c.signs(s.prod, "machining-check", check)
	c.complete(s.prod, "S11a")
}

// printSocket is S11: print, post-processing, assembly.
func (s *story) printSocket() {
	c := s.course
	task := c.take(s.prod, "S11")
	s.job.capability = s.create(s.prod, s.ofCase(s.capability(machine)))
	s.rightMaterial(task)
	c.answers(s.prod, "machine-capability")
	c.work(s.prod, "S11")
	s.receiveOrder()
	s.news("started", nil)
	for _, name := range []string{"design-software", "equipment", "raw-material-test"} {
		s.news("operation", obj{"operation": s.operationNow(name)})
	}
	print := s.operationNow("print")
	print["machine"] = s.job.order.Serial
	print["parameters"] = arr{
		obj{"code": "layer-thickness", "value": 0.1, "unit": "mm"}, obj{"code": "recycled-powder-ratio", "value": 40, "unit": "%"},
		obj{"code": "powder-reuse-count", "value": 2, "unit": "1"}, obj{"code": "preheat", "value": 172, "unit": "Cel"}, obj{"code": "rotation", "value": 0, "unit": "deg"},
	}
	s.repeated(s.news("operation", obj{"operation": print}))
	inspection := s.create(s.qa, s.observation(s.qa, "打印后检验 inspection after printing", "sight", obj{
		"component": arr{finding("warping", false), finding("layer-shift", false), finding("missing-face", false)},
	}))
	c.name(s.prod, "S11", output{"print-inspection", inspection})
	s.postProcess()
	s.assemble()
	s.releaseSocket()
	c.complete(s.prod, "S11")
}

// rightMaterial names a filament that is out of date for a machine that takes
// powder; then powder, and shows that it is safe.
func (s *story) rightMaterial(task string) {
	inputs := func(material string) arr {
		kept := arr{}
		for _, in := range items(s.read(s.prod, task), "input") {
			if system := str(in, "type", "coding", "system"); system != tenon+"document" && system != tenon+"process-parameter" {
				kept = append(kept, in)
			}
		}
		for _, d := range []output{{"capability-assessment", s.job.capability}, {"machine", machine}, {"material", material}, {"process", "ActivityDefinition/pbf-pa12"}} {
			kept = append(kept, obj{"type": code("document", d.document), "valueReference": ref(d.ref)})
		}
		kept = append(kept, obj{"type": code("process-parameter", "process"), "valueCodeableConcept": code("am-process", "PBF")})
		return arr{obj{"op": "add", "path": "/input", "value": kept}}
	}
	s.web.expect(200, patch(s.prod, task, inputs("Substance/pa6-filament")))
	s.refused("S11", refusal{"filament-for-a-powder-bed", 409, "G-PRODUCE/material-form-suits", "Task.status"}, patch(s.prod, task, step(s.prod, "working")))
	a := s.web.expect(200, patch(s.prod, task, inputs(powder)))
	s.tell.line("S11", s.prod, "%d %s names machine %s, material %s and the process", a.status, s.prod.name, machine, powder)
	var outputs []output
	for _, material := range []string{powder, lacquer} {
		report := s.report(s.qa, "材料安全 safety of the material", "pass")
		report["extension"] = arr{ext("about-material", "valueReference", ref(material))}
		outputs = append(outputs, output{"material-safety", s.create(s.qa, report)})
	}
	s.course.name(s.prod, "S11", outputs...)
}

// operationNow is an operation that begins and ends now.
func (s *story) operationNow(name string) obj {
	at := s.now().Format(time.RFC3339Nano)
	return obj{"code": name, "start": at, "end": at, "result": "done"}
}

// byHand records an operation that no machine reports.
func (s *story) byHand(name string, parameters ...any) {
	at := instant(s.now())
	o := obj{
		"resourceType": "Task", "status": "completed", "intent": "order", "partOf": refs(s.course.task("S11")), "for": ref(s.patient.ref),
		"code": code("operation", name), "owner": ref(s.prod.ref), "requester": ref(s.prod.ref), "authoredOn": at,
		"executionPeriod": obj{"start": at, "end": at}, "output": arr{obj{"type": text("result"), "valueString": "done"}},
	}
	if len(parameters) > 0 {
		o["input"] = arr(parameters)
	}
	s.create(s.prod, o)
}

func parameter(name, kind string, value any) obj {
	return obj{"type": code("process-parameter", name), kind: value}
}

func (s *story) postProcess() {
	s.byHand("support-removal")
	s.byHand("finishing", parameter("finish-method", "valueCodeableConcept", code("finish-method", "chemical")))
	s.byHand("colouring", parameter("coating", "valueReference", ref(lacquer)))
	for _, name := range []string{"cleaning", "assembly", "device-test", "packaging", "warehouse-in", "warehouse-out"} {
		s.news("operation", obj{"operation": s.operationNow(name)})
	}
	f := &s.figures
	s.news("inspected", obj{"inspection": obj{
		"characteristic": "thickness", "parameter": "dimension", "value": wall, "unit": "mm", "instrument": "micrometer M-04", "resolution": 0.01,
		"lower": wall - wallTolerance, "upper": wall + wallTolerance, "verdict": "pass", "method": "micrometer",
	}})
	s.news("inspected", obj{"inspection": obj{
		"characteristic": "yield-strength", "parameter": "mechanical", "value": 46, "unit": "MPa", "lower": 40, "instrument": "tensile tester T-01", "verdict": "pass",
		"method": "tensile test of a bar of the same job",
	}})
	s.news("released", obj{"device": obj{
		"name": f.device(), "lot": "B-" + f.serial, "serial": f.serial, "udi": "(01)06900000000014(21)" + f.serial,
		"udiDi": "06900000000014", "udiAidc": "]d20106900000000014" + "21" + f.serial, "code": "CMD-" + f.serial, "manufactured": day(s.now()), "expires": day(s.now().AddDate(3, 0, 0)),
	}})
	s.news("shipped", obj{"shipment": obj{"carrier": "Sample Express", "tracking": "SX" + f.serial}})
}

// assemble makes one prosthesis of the socket that the MES reported and a foot.
func (s *story) assemble() {
	found := s.find(s.prod, "Device?patient="+s.patient.ref)
	if len(found) != 1 {
		stop(fmt.Errorf("%d devices of the patient, one was made", len(found)))
	}
	s.limb.socket = "Device/" + str(found[0], "id")
	f := &s.figures
	whole := func(name, number string, more obj) string {
		o := s.ofCase(obj{
			"resourceType": "Device", "status": "active", "manufacturer": "示例骨科器械有限公司", "lotNumber": "A-" + number, "distinctIdentifier": number,
			"deviceName": arr{obj{"name": name, "type": "user-friendly-name"}}, "patient": ref(s.patient.ref), "owner": ref("Organization/hospital"),
			"expirationDate": day(s.now().AddDate(3, 0, 0)), "manufactureDate": day(s.now()),
		})
		for k, v := range more {
			o[k] = v
		}
		return s.create(s.prod, o)
	}
	s.job.device = whole("小腿假肢 transtibial prosthesis", "TTP-"+f.serial, obj{"definition": ref(s.design.definition)})
	s.change(s.prod, s.job.device, s.labelled)
	foot := whole("假脚 prosthetic foot", "FT-"+f.serial, obj{"parent": ref(s.job.device)})
	s.course.name(s.prod, "S11", output{"device", s.job.device}, output{"component", foot})
	s.change(s.prod, s.limb.socket, func(o obj) {
		o["owner"], o["definition"] = ref("Organization/hospital"), ref(s.design.definition)
		s.labelled(o)
	})
}

// labelled adds what stands on the label of a device.
func (s *story) labelled(o obj) {
	add(o, "extension", obj{"url": tenon + "extension:label-content", "extension": arr{
		obj{"url": "use", "valueString": "walking"}, obj{"url": "site", "valueString": "左小腿 transtibial, left"}, obj{"url": "anatomy-check", "valueBoolean": true},
		obj{"url": "image-date", "valueDate": s.limb.acquired[:len("2006-01-02")]}, obj{"url": "design-date", "valueDate": s.designDate()},
		obj{"url": "custom-made", "valueString": "定制式医疗器械 custom-made device"},
	}}, obj{"url": tenon + "extension:label-usual", "extension": arr{
		obj{"url": "storage", "valueString": "dry, below 50 °C"}, obj{"url": "sterility", "valueString": "not sterile"}, obj{"url": "licence", "valueString": "国械备20260001"},
	}})
}

// releaseSocket names inspections and papers; the socket is no part of the
// prosthesis until it says so.
func (s *story) releaseSocket() {
	c := s.course
	surface := s.create(s.qa, s.observation(s.qa, "后处理检验 inspection after post-processing", "touch", obj{"component": arr{
		finding("burr", false), finding("damage", false), part("smooth-inner", "valueBoolean", true), part("smooth-outer", "valueBoolean", true), part("colour", "valueBoolean", true),
	}}))
	assembly := s.create(s.prod, s.formAnswers(s.prod, "socket-assembly", nil))
	report := s.create(s.qa, results(as("inspection-report", s.report(s.qa, "检验报告 inspection report", "pass")), "every item passed", s.inspections()...))
	label := s.create(s.prod, s.labelDocument())
	ifu := s.create(s.prod, as("ifu", s.file(s.prod, "使用说明书 instructions for use", "application/pdf", page("don, doff, clean; stop at pain"))))
	history := s.create(s.prod, s.history(map[string]string{
		"build-file": s.limb.build, "process-parameters": "ActivityDefinition/pbf-pa12", "material-lot": powder, "machine": machine,
	}))
	c.name(s.prod, "S11", output{"surface-inspection", surface}, output{"assembly-check", assembly}, output{"inspection-report", report},
		output{"label", label}, output{"ifu", ifu}, output{"device-history-record", history})
	c.signs(s.prod, "assembly", assembly)
	c.signs(s.prod, "production-record", history)
	c.signs(s.qa, "product-release", history)
	c.answers(s.qa, "assembly-transtibial")
	s.refused("S11", refusal{"socket-not-assembled", 422, "G-RELEASE/assembled", "Task.status"}, patch(s.prod, c.task("S11"), step(s.prod, "completed")))
	s.change(s.prod, s.limb.socket, func(o obj) { o["parent"] = ref(s.job.device) })
}

// fit is S11b: the prosthetist and the patient confirm the fit. Nothing is
// delivered before.
func (s *story) fit() {
	c := s.course
	root := s.read(s.logist, c.root)
	s.refused("S11b", refusal{"delivered-before-fit", 409, "G-RECEIVE/fit-confirmed", "Task.status"}, request{as: s.logist, method: "POST", path: "/fhir/Task", body: obj{
		"resourceType": "Task", "status": "in-progress", "intent": "order", "partOf": refs(c.root), "groupIdentifier": root["groupIdentifier"],
		"for": ref(s.patient.ref), "owner": ref(s.logist.ref), "businessStatus": code("substate", "working"), "code": code("stage", "S13"),
	}})
	c.begin(s.fitter, "S11b")
	confirmation := s.report(s.fitter, "适配确认 confirmation of the fit", "conform")
	confirmation["extension"] = arr{ext("about-device", "valueReference", ref(s.job.device))}
	report := c.add(s.fitter, "S11b", "fit-confirmation", confirmation)
	c.signs(s.fitter, "fit-confirmation", report)
	s.refused("S11b", refusal{"fit-not-confirmed-by-patient", 422, "fit-confirmed-by-patient", "Task.status"}, patch(s.fitter, c.task("S11b"), step(s.fitter, "completed")))
	c.signs(s.patient, "fit-confirmation", report)
	c.complete(s.fitter, "S11b")
}
