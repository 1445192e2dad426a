package casework_test

import (
	"slices"
	"time"

	"tenon/server/access"
)

// What the socket process makes beside, or in place of, the documents of an
// implant: the transtibial socket of the same patient.

func mm(v float64) obj { return unit(v, "mm") }

func unit(v float64, code string) obj {
	return obj{"value": v, "unit": code, "system": "http://unitsofmeasure.org", "code": code}
}

func socketPart(code, kind string, value any) obj {
	return obj{"code": concept("urn:tenon:socket-part", code), kind: value}
}

// observed is an Observation of the patient.
func observed(id string, w *world, more obj) obj {
	o := obj{
		"resourceType": "Observation", "id": id, "status": "final", "subject": ref("Patient/p"), "code": obj{"text": id},
		"effectiveDateTime": w.stamp(0),
	}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func sites(level, side string) arr {
	return arr{obj{"coding": arr{obj{"system": "urn:tenon:amputation-level", "code": level}, obj{"system": "urn:tenon:laterality", "code": side}}}}
}

// stl is a document of an STL file.
func stl(id, content string) obj {
	d := document(id, content)
	c := d["content"].(arr)[0].(obj)
	c["attachment"].(obj)["contentType"] = "model/stl"
	c["format"] = obj{"system": "urn:tenon:file-format", "code": "STL"}
	return d
}

// found is what the server finds about a file.
func found(check, of, content string, answer bool) obj {
	o := checked(content, answer)
	o["id"] = "check-" + of + "-" + check
	o["code"] = concept("urn:tenon:check", check)
	o["derivedFrom"] = arr{ref("DocumentReference/" + of)}
	return o
}

func photo(id, view, posture string) obj {
	return obj{
		"resourceType": "Media", "id": id, "status": "completed", "subject": ref("Patient/p"), "type": obj{"coding": arr{obj{"code": "image"}}},
		"meta":      obj{"security": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}},
		"extension": arr{ext("identity-masked", "valueBoolean", true), ext("posture", "valueCodeableConcept", concept("urn:tenon:posture", posture))},
		"view":      concept("urn:tenon:photo-view", view), "content": obj{"contentType": "image/jpeg", "url": "Binary/" + id},
	}
}

func measure(id, code string, value float64, three ...float64) obj {
	o := obj{
		"resourceType": "Observation", "id": id, "status": "final", "subject": ref("Patient/p"),
		"code": concept("urn:tenon:stump-measure", code), "valueQuantity": mm(value),
	}
	parts := arr{}
	for _, v := range three {
		parts = append(parts, socketPart("acquisition", "valueQuantity", mm(v)))
	}
	o["component"] = parts
	return o
}

func landmark(id, kind string, x, y, z float64) obj {
	return obj{
		"resourceType": "Observation", "id": id, "status": "final", "subject": ref("Patient/p"), "code": concept("urn:tenon:landmark-type", kind),
		"derivedFrom": arr{ref("DocumentReference/scan")},
		"component":   arr{socketPart("x", "valueQuantity", mm(x)), socketPart("y", "valueQuantity", mm(y)), socketPart("z", "valueQuantity", mm(z))},
	}
}

// answers is a form of the guide that somebody completed; values by linkId.
func answers(w *world, id, form string, by *access.Context, pairs ...any) obj {
	items := arr{}
	for i := 0; i < len(pairs); i += 2 {
		kind := "valueBoolean"
		switch pairs[i+1].(type) {
		case string:
			kind = "valueString"
		case obj:
			kind = "valueQuantity"
		}
		items = append(items, obj{"linkId": pairs[i], "answer": arr{obj{kind: pairs[i+1]}}})
	}
	return obj{
		"resourceType": "QuestionnaireResponse", "id": id, "questionnaire": "urn:tenon:questionnaire:" + form, "status": "completed", "subject": ref("Patient/p"),
		"authored": w.stamp(0), "author": ref(by.Principal), "item": items,
	}
}

func scanner(safe bool) obj {
	d := obj{"resourceType": "Device", "id": "scanner", "status": "active", "deviceName": arr{obj{"name": "scanner", "type": "user-friendly-name"}}}
	if safe {
		d["safety"] = arr{obj{"coding": arr{obj{"system": "urn:tenon:device-safety", "code": "non-invasive"}}, "text": "white light, no contact"}}
	}
	return d
}

func workScan(w *world) {
	w.must(img,
		obj{
			"resourceType": "Procedure", "id": "acquisition", "status": "completed", "subject": ref("Patient/p"), "performedDateTime": w.stamp(0),
			"code": concept("urn:tenon:acquisition-mode", "direct"), "usedCode": arr{concept("urn:tenon:acquisition-method", "3d-scanner")},
			"usedReference": arr{ref("Device/scanner")}, "bodySite": sites("transtibial", "left"),
		},
		stl("scan", "stump"), found("readable", "scan", "stump", true), found("one-surface", "scan", "stump", true), found("one-opening", "scan", "stump", true),
		photo("photo-1", "sagittal", "sitting"), photo("photo-2", "frontal", "sitting"),
		landmark("landmark-1", "bony-prominence", 1, 2, 30), landmark("landmark-2", "relief-area", 4, 5, 60),
		measure("measure-1", "circumference", 312.4, 312.1, 312.4, 313), measure("measure-2", "length", 151, 151.2, 151, 150.7),
		observed("accuracy", w, obj{"valueQuantity": mm(-0.31)}),
		answers(w, "acquisition-checklist", "acquisition", img, "posture", "seated, knee at 30 degrees", "uncovered", true, "complete", true))
	w.alter("DocumentReference/scan", func(b obj) {
		b["category"], b["date"] = arr{concept("urn:tenon:model-source", "direct")}, w.stamp(0)
		b["content"].([]any)[0].(obj)["attachment"].(obj)["url"] = "Binary/scan"
	})
	w.name("S02", img, output("acquisition", "Procedure/acquisition"), output("image-study", "DocumentReference/scan"),
		output("photograph", "Media/photo-1"), output("photograph", "Media/photo-2"),
		output("landmark", "Observation/landmark-1"), output("landmark", "Observation/landmark-2"),
		output("stump-measure", "Observation/measure-1"), output("stump-measure", "Observation/measure-2"),
		output("scan-accuracy", "Observation/accuracy"), output("acquisition-checklist", "QuestionnaireResponse/acquisition-checklist"))
	w.mustSign(img, "DocumentReference/scan", access.IMG, "acquisition")
	w.mustSign(img, "QuestionnaireResponse/acquisition-checklist", access.IMG, "acquisition")
}

var modelChecks = []string{"smooth", "no-holes", "nothing-missing", "no-distortion", "landmarks-visible", "irrelevant-removed"}

func workScanConfirmation(w *world) {
	check := reported("stump-model-check", passed("model-check", "pass", w), clin)
	for _, c := range modelChecks {
		w.must(clin, observed("model-"+c, w, obj{"code": concept("urn:tenon:model-check", c), "valueCodeableConcept": concept("urn:tenon:verdict", "pass")}))
		with(check, "result", ref("Observation/model-"+c))
	}
	w.must(clin, check, checklist(w),
		observed("rescan", w, obj{"component": arr{socketPart("software", "valueQuantity", mm(312.4)), socketPart("tape", "valueQuantity", mm(312))}}))
	w.name("S03a", clin, output("data-checklist", "QuestionnaireResponse/checklist"), output("stump-model-check", "DiagnosticReport/model-check"), output("scan-check", "Observation/rescan"))
	w.mustSign(clin, "DocumentReference/scan", access.CLIN, "data-confirmation")
	w.mustSign(clin, "QuestionnaireResponse/checklist", access.CLIN, "data-confirmation")
	w.mustSign(clin, "DiagnosticReport/model-check", access.CLIN, "data-confirmation")
}

func ordered(code string, value obj) obj {
	return obj{"code": concept("urn:tenon:parameter", code), "valueCodeableConcept": value}
}

func workSocketOrder(w *world) {
	params := slices.DeleteFunc(slices.Concat(orderedWords(), orderedFigures()), func(p any) bool {
		return is("code", "sterilisation")(p.(obj)) || is("code", "roughness")(p.(obj))
	})
	for _, p := range params {
		switch {
		case is("code", "material")(p.(obj)):
			p.(obj)["valueCodeableConcept"] = concept("urn:tenon:material", "PA")
		case is("code", "use-site")(p.(obj)):
			p.(obj)["valueCodeableConcept"] = sites("transtibial", "left")[0]
		}
	}
	params = append(params, ordered("amputation-level", sites("transtibial", "left")[0].(obj)), ordered("personalisation", obj{"text": "as drawn"}), ordered("colour", obj{"text": "as drawn"}),
		obj{"code": concept("urn:tenon:parameter", "foot-length-override"), "valueQuantity": mm(235)})
	w.must(clin,
		obj{
			"resourceType": "Communication", "id": "foot-request", "status": "completed", "category": arr{concept("urn:tenon:document", "foot-length-request")},
			"subject": ref("Patient/p"), "sender": ref("Patient/p"), "sent": w.stamp(0), "payload": arr{obj{"contentString": "a shorter foot, for my shoes"}},
		},
		obj{
			"resourceType": "DeviceRequest", "id": "order", "status": "active", "intent": "order", "subject": ref("Patient/p"), "codeCodeableConcept": obj{"text": "transtibial socket"},
			"identifier": arr{obj{"system": "urn:hospital:order", "value": "O-8"}},
			"extension": arr{
				ext("device-domain", "valueCode", "lower-limb-prosthesis"), ext("device-category", "valueCode", "custom"),
				ext("custom-reason-statement", "valueString", "no standard socket fits the stump"), ext("contract", "valueReference", ref("Contract/agreement")),
			},
			"requester": ref(clin.Principal), "performer": ref("Organization/maker"), "reasonCode": arr{obj{"text": "walking"}}, "reasonReference": arr{ref("Condition/defect")},
			"basedOn": arr{ref("CarePlan/plan")}, "supportingInfo": arr{ref("DocumentReference/scan")}, "authoredOn": w.stamp(0),
			"occurrencePeriod": obj{"end": w.stamp(60 * 24 * time.Hour)}, "parameter": params,
		})
	w.name("S06", clin, output("order", "DeviceRequest/order"), output("foot-length-request", "Communication/foot-request"))
	w.mustSign(pat, "Communication/foot-request", access.PAT, "special-request")
	w.mustSign(clin, "DeviceRequest/order", access.CLIN, "order")
	w.mustSign(mfr, "DeviceRequest/order", access.MFR, "order")
}

var planes = []string{"frontal-angle", "frontal-offset", "sagittal-angle", "sagittal-offset", "rotation"}

// aligned is the alignment of a transtibial prosthesis.
func aligned(id string, w *world) obj {
	parts := arr{}
	for i, p := range planes {
		code := "deg"
		if i == 1 || i == 3 {
			code = "mm"
		}
		parts = append(parts, socketPart(p, "valueQuantity", unit(5, code)))
	}
	return observed(id, w, obj{"component": parts})
}

// pair is an Observation of two lengths.
func pair(id string, w *world, a string, x float64, b string, y float64) obj {
	return observed(id, w, obj{
		"component": arr{socketPart(a, "valueQuantity", mm(x)), socketPart(b, "valueQuantity", mm(y))},
		"method":    concept("urn:tenon:examination-method", "tape"),
	})
}

func socketMeasure(id, code, of string, value float64) obj {
	o := obj{
		"resourceType": "Observation", "id": id, "status": "final", "subject": ref("Patient/p"), "code": concept("urn:tenon:stump-measure", code),
		"derivedFrom": arr{ref(of)}, "valueQuantity": mm(value),
	}
	if code == "circumference" {
		o["component"] = arr{socketPart("reduction", "valueQuantity", unit(3, "%"))}
	}
	return o
}

func workSocketDesign(w *world) {
	workDesign(w)
	connection := observed("connection", w, obj{"valueQuantity": mm(0.02), "interpretation": arr{concept("urn:tenon:verdict", "pass")}})
	surface := madeWith(as("surface-model", stl("surface", "surface")))
	with(attachment(surface), "extension", ext("length-unit", "valueCode", "mm"))
	w.must(des, surface, found("no-self-intersection", "model", "model 1", true), found("watertight", "model", "model 1", true),
		socketMeasure("socket-1", "circumference", "Observation/measure-1", 303), socketMeasure("socket-2", "length", "Observation/measure-2", 149),
		aligned("design-alignment", w), connection,
		obj{"resourceType": "DeviceDefinition", "id": "adapter", "deviceName": arr{obj{"name": "pyramid adapter", "type": "model-name"}}, "owner": ref("Organization/maker"), "property": arr{property("urn:tenon:socket-property", "interface", "valueCode", arr{obj{"coding": arr{obj{"code": "pyramid"}}}})}})
	w.name("S08", des, output("surface-model", "DocumentReference/surface"), output("socket-measure", "Observation/socket-1"), output("socket-measure", "Observation/socket-2"),
		output("design-alignment", "Observation/design-alignment"), output("connection-check", "Observation/connection"), output("component", "DeviceDefinition/adapter"))
	w.mustSign(clin, "Task/root", access.CLIN, "waive:design-alignment-within")
	w.mustSign(prod, "Task/root", access.PROD, "waive:connection-within")
}

func property(system, code, kind string, value any) obj {
	return obj{"type": concept(system, code), kind: value}
}

func workSocketVerification(w *world) {
	workVerification(w)
	shape := reported("shape-check", passed("shape", "pass", w), des)
	shape["conclusion"] = "largest deviation 2.1 mm, as designed"
	shape["extension"] = arr{ext("compared", "valueReference", ref("DocumentReference/scan")), ext("compared", "valueReference", ref("DocumentReference/model"))}
	w.must(des, shape, pair("socket-dimension", w, "model", 98.2, "physical", 98.3))
	w.name("S09", des, output("shape-check", "DiagnosticReport/shape"), output("socket-dimension", "Observation/socket-dimension"))
	w.mustSign(des, "DiagnosticReport/shape", access.DES, "verification")
}

func workPreProcessing(w *world) {
	build := document("build", "slices")
	target := ref("DocumentReference/model")
	target["extension"] = arr{ext("sha-256", "valueString", digestOf("model 1"))}
	build["relatesTo"] = arr{obj{"code": "transforms", "target": target}}
	build["context"] = obj{"related": arr{ref("Device/printer-polymer")}}
	w.must(prod, build, answers(w, "machining", "machining-check", prod, "layer-thickness", mm(0.1), "print-direction", "upright", "supports", "none", "procedure", true, "mechanical", true))
	w.name("S11a", prod, output("build-file", "DocumentReference/build"), output("machining-check", "QuestionnaireResponse/machining"))
	w.mustSign(prod, "QuestionnaireResponse/machining", access.PROD, "machining-check")
}

func safe(id, substance string, w *world) obj {
	r := passed(id, "pass", w)
	r["extension"] = arr{ext("about-material", "valueReference", ref(substance))}
	return r
}

// readyToPrint names what production takes, and shows that the material is safe.
func readyToPrint(w *world) {
	w.must(prod, safe("safe-pa12", "Substance/pa12-lot", w), safe("safe-lacquer", "Substance/skin-lacquer", w), capability(w))
	task := w.get(w.task("S11"))
	in := task["input"].([]any)
	for _, i := range [][2]string{{"capability-assessment", "DiagnosticReport/capability"}, {"machine", "Device/printer-polymer"}, {"material", "Substance/pa12-lot"}, {"process", "ActivityDefinition/pbf-pa12"}} {
		in = append(in, output(i[0], i[1]))
	}
	task["input"] = append(in, obj{"type": concept("urn:tenon:process-parameter", "process"), "valueCodeableConcept": concept("urn:tenon:am-process", "PBF")})
	task["output"] = arr{output("material-safety", "DiagnosticReport/safe-pa12"), output("material-safety", "DiagnosticReport/safe-lacquer")}
	w.must(prod, task)
}

// done is an operation of production with its parameters.
func done(w *world, code string, parameters ...obj) obj {
	o := operation(w, code)
	o["owner"] = ref(prod.Principal)
	if len(parameters) > 0 {
		list := arr{}
		for _, p := range parameters {
			list = append(list, p)
		}
		o["input"] = list
	}
	return o
}

func processParameter(code, kind string, value any) obj {
	return obj{"type": concept("urn:tenon:process-parameter", code), kind: value}
}

func presence(code, found string) obj {
	return socketPart(code, "valueCodeableConcept", concept("urn:tenon:presence", found))
}

func yesNo(code string, answer bool) obj { return socketPart(code, "valueBoolean", answer) }

func workSocketProduction(w *world) {
	for _, code := range []string{"design-software", "equipment", "raw-material-test"} {
		w.must(prod, done(w, code))
	}
	w.must(prod, done(w, "print", processParameter("recycled-powder-ratio", "valueQuantity", unit(40, "%")), processParameter("powder-reuse-count", "valueQuantity", unit(2, "1")),
		processParameter("layer-thickness", "valueQuantity", mm(0.1)), processParameter("preheat", "valueQuantity", unit(172, "Cel")), processParameter("rotation", "valueQuantity", unit(0, "deg"))))
	w.must(qa, observed("print-inspection", w, obj{"component": arr{presence("warping", "absent"), presence("layer-shift", "absent"), presence("missing-face", "absent")}}))
	w.must(prod, done(w, "support-removal"))
	w.must(prod, done(w, "finishing", processParameter("finish-method", "valueCodeableConcept", concept("urn:tenon:finish-method", "chemical"))))
	w.must(prod, done(w, "colouring", processParameter("coating", "valueReference", ref("Substance/skin-lacquer"))))
	for _, code := range []string{"cleaning", "assembly", "device-test", "packaging", "warehouse-in", "warehouse-out"} {
		w.must(prod, done(w, code))
	}
	socket := device(w)
	for name, value := range (obj{"id": "socket", "lotNumber": "B-0002", "distinctIdentifier": "CMD-2026-0002", "parent": ref("Device/implant")}) {
		socket[name] = value
	}
	ifu := as("ifu", document("ifu", "ifu"))
	attachment(ifu)["contentType"] = "application/pdf"
	foot := obj{
		"resourceType": "Device", "id": "foot", "status": "active", "manufacturer": "示例假肢部件有限公司", "distinctIdentifier": "FT-2026-0003", "lotNumber": "F-0003",
		"deviceName": arr{obj{"name": "prosthetic foot", "type": "model-name"}}, "parent": ref("Device/implant"), "patient": ref("Patient/p"), "owner": ref("Organization/hospital"),
	}
	surface := observed("surface-inspection", w, obj{"component": arr{
		presence("burr", "absent"), presence("damage", "absent"), yesNo("smooth-inner", true), yesNo("smooth-outer", true), yesNo("colour", true),
	}})
	w.must(qa, inspected(w)...)
	w.must(qa, device(w), socket, foot, surface, inspection(w),
		reported("inspection-report", passed("inspection", "pass", w), qa, "Observation/m-thickness", "Observation/m-yield", "Observation/i-look"),
		label("张三", "MR-7"), ifu, history(),
		answers(w, "assembly", "socket-assembly", prod, "joined", true, "fasteners", true, "moving", true, "edges", true))
	w.name("S11", prod, output("device", "Device/implant"), output("device", "Device/socket"), output("component", "Device/foot"),
		output("inspection-report", "DiagnosticReport/inspection"), output("label", "DocumentReference/label"), output("ifu", "DocumentReference/ifu"),
		output("device-history-record", "Composition/history"), output("print-inspection", "Observation/print-inspection"),
		output("surface-inspection", "Observation/surface-inspection"), output("assembly-check", "QuestionnaireResponse/assembly"))
	w.mustSign(prod, "QuestionnaireResponse/assembly", access.PROD, "assembly")
	w.mustSign(prod, "Composition/history", access.PROD, "production-record")
	w.mustSign(qa, "Composition/history", access.QA, "product-release")
	w.mustSign(qa, "Task/root", access.QA, "waive:assembly-transtibial")
}

func workFitting(w *world) {
	fit := passed("fit", "conform", w)
	fit["extension"] = arr{ext("about-device", "valueReference", ref("Device/implant"))}
	w.must(clin, fit)
	w.name("S11b", clin, output("fit-confirmation", "DiagnosticReport/fit"))
	w.mustSign(clin, "DiagnosticReport/fit", access.CLIN, "fit-confirmation")
	w.mustSign(pat, "DiagnosticReport/fit", access.PAT, "fit-confirmation")
}

// items names Observations of a stage under the code that is their id.
func items(w *world, stage string, list ...obj) {
	outputs := arr{}
	for _, o := range list {
		w.must(clin, o)
		code := o["id"].(string)
		if o["code"].(obj)["text"] == nil {
			code = "gait"
		}
		outputs = append(outputs, output(code, "Observation/"+o["id"].(string)))
	}
	w.name(stage, clin, outputs...)
}

func byMethod(id, method string, w *world, more obj) obj {
	o := observed(id, w, more)
	o["method"] = concept("urn:tenon:examination-method", method)
	return o
}

var conforms = obj{"valueCodeableConcept": concept("urn:tenon:verdict", "conform")}

func workSocketJudgement(w *world) {
	gauge := byMethod("inner-diameter", "gauge", w, obj{
		"device": ref("Device/gauge"), "extension": arr{ext("calibration", "valueString", "CAL-2026-17")},
		"component": arr{socketPart("measured", "valueQuantity", mm(98.3)), socketPart("model", "valueQuantity", mm(98.2))},
	})
	workJudgement(w)
	items(w, "S15", byMethod("appearance", "sight", w, conforms), observed("skin-hazard", w, obj{"valueBoolean": false}),
		pair("printed-dimension", w, "measured", 98.3, "model", 98.2), pair("height-difference", w, "sound", 452, "prosthesis", 448),
		pair("foot-length-difference", w, "sound", 245, "prosthesis", 240), observed("shoe-fit", w, obj{"valueBoolean": true}), aligned("alignment", w),
		byMethod("odour", "smell", w, conforms), observed("skin-reaction-risk", w, conforms), gauge)
	w.mustSign(clin, "Task/root", access.CLIN, "waive:alignment-transtibial")
}

var activities = []string{"different-surfaces", "stairs-up", "stairs-down", "cycling", "squatting"}

func workWearing(w *world) {
	workAcceptance(w)
	list := []obj{
		observed("donning", w, conforms),
		observed("sitting", w, obj{"component": arr{socketPart("knee-angle", "valueQuantity", unit(98, "deg")), yesNo("can-sit", true)}}),
		observed("standing", w, obj{"component": arr{socketPart("foot-gap", "valueQuantity", mm(80)), socketPart("load", "valueQuantity", unit(49, "%")), yesNo("stable", true)}}),
		pair("foot-length", w, "sound", 245, "prosthesis", 240), pair("limb-length", w, "sound", 452, "prosthesis", 447),
		observed("stump-skin", w, obj{"component": arr{presence("pressure", "absent"), presence("pain", "absent")}}),
	}
	for _, a := range activities {
		parts := arr{}
		for _, p := range []string{"stance", "swing", "gait", "noise"} {
			parts = append(parts, socketPart(p, "valueCodeableConcept", concept("urn:tenon:normality", "normal")))
		}
		list = append(list, observed("gait-"+a, w, obj{"code": concept("urn:tenon:gait-activity", a), "component": parts}))
	}
	items(w, "S16", list...)
}
