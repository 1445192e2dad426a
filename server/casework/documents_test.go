package casework_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tenon/server/access"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func withID(t testing.TB, body, id string) obj {
	t.Helper()
	var b obj
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		t.Fatal(err)
	}
	b["id"] = id
	return b
}

func (w *world) stamp(d time.Duration) string { return w.now.Add(d).UTC().Format(time.RFC3339) }

var orderParameters = []string{
	"use-site", "use-purpose", "structure", "surface-treatment",
	"post-processing", "cleaning", "packaging", "sterilisation", "supply-mode", "resection-extent", "reconstruction-extent", "anatomical-function",
}

// figured is a concept of two systems: which parameter, and which of its kind.
func figured(parameter, characteristic string) obj {
	return obj{"coding": arr{obj{"system": "urn:tenon:parameter", "code": parameter}, obj{"system": "urn:tenon:characteristic", "code": characteristic}}}
}

// orderedFigures are the requirements of the order that have a figure.
func orderedFigures() arr {
	return arr{
		obj{"code": figured("dimension", "thickness"), "valueRange": obj{"low": quantity("2.9", "mm"), "high": quantity("3.1", "mm")},
			"extension": arr{ext("key-dimension", "valueBoolean", true), ext("nominal", "valueQuantity", quantity("3.0", "mm"))}},
		obj{"code": concept("urn:tenon:parameter", "roughness"), "valueQuantity": quantity("6.3", "um")},
		obj{"code": figured("mechanical", "yield-strength"), "valueQuantity": quantity("800", "MPa")},
	}
}

// inspected are the measured values of the device: what inspection found.
func inspected(w *world) []obj {
	of := func(id string, code obj, value, unit, low, high string) obj {
		return obj{"device": obj{"display": "instrument"}, "referenceRange": arr{obj{"low": quantity(low, unit), "high": quantity(high, unit)}}, "resourceType": "Observation", "id": id, "status": "final", "subject": ref("Device/implant"), "code": code, "effectiveDateTime": w.stamp(0),
			"method": obj{"text": "measured"}, "valueQuantity": quantity(value, unit), "interpretation": arr{concept("urn:tenon:verdict", "pass")}}
	}
	thickness := of("m-thickness", figured("dimension", "thickness"), "3.02", "mm", "2.9", "3.1")
	thickness["extension"] = arr{ext("resolution", "valueQuantity", quantity("0.01", "mm"))}
	return []obj{thickness, of("m-roughness", concept("urn:tenon:characteristic", "roughness"), "5.8", "um", "0", "8"), of("m-yield", figured("mechanical", "yield-strength"), "861", "MPa", "800", "1200")}
}

// composition is a Composition with filled sections.
func composition(id string, author *access.Context, codes ...string) obj {
	sections := arr{}
	for _, c := range codes {
		sections = append(sections, obj{"code": concept("urn:tenon:section", c), "text": narrative(c)})
	}
	return obj{"resourceType": "Composition", "id": id, "status": "final", "subject": ref("Patient/p"), "date": "2026-03-01", "title": id,
		"author": arr{ref(author.Principal)}, "section": sections}
}

func narrative(says string) obj {
	return obj{"status": "generated", "div": `<div xmlns="http://www.w3.org/1999/xhtml">` + says + "</div>"}
}

// as says what a document is: its type, or the code of a report.
func as(code string, b obj) obj {
	element := "type"
	if b["resourceType"] == "DiagnosticReport" {
		element = "code"
	}
	b[element] = concept("urn:tenon:document", code)
	return b
}

// with adds an item to a list of a resource.
func with(b obj, list string, items ...any) obj {
	old, _ := b[list].(arr)
	b[list] = append(old, items...)
	return b
}

// document is a DocumentReference of the patient with one file.
func document(id, content string) obj {
	return obj{"resourceType": "DocumentReference", "id": id, "status": "current", "subject": ref("Patient/p"),
		"securityLabel": arr{concept("urn:tenon:data-level", "L4")}, "content": arr{obj{"attachment": file(content)}}}
}

// passed is a final report with that conclusion.
func passed(id, verdict string, w *world) obj {
	return obj{"resourceType": "DiagnosticReport", "id": id, "status": "final", "subject": ref("Patient/p"), "category": arr{obj{"text": "test"}},
		"code": obj{"text": id}, "issued": w.stamp(0), "conclusionCode": arr{concept("urn:tenon:verdict", verdict)}}
}

// reported is a report with the results that it rests on.
func reported(code string, b obj, by *access.Context, results ...string) obj {
	for _, r := range results {
		with(b, "result", ref(r))
	}
	b["performer"], b["conclusion"] = arr{ref(by.Principal)}, "as required"
	return as(code, b)
}

func follows(b obj, refs ...string) obj {
	for _, r := range refs {
		with(b, "extension", ext("follows", "valueReference", ref(r)))
	}
	return b
}

// result is a result of a test that passed: a thickness in mm.
func result(id string, w *world, codes ...obj) obj {
	codings := arr{obj{"system": "urn:tenon:characteristic", "code": "thickness"}}
	for _, c := range codes {
		codings = append(codings, c["coding"].(arr)...)
	}
	return obj{"resourceType": "Observation", "id": id, "status": "final", "extension": arr{ext("resolution", "valueQuantity", mm(0.01))}, "subject": ref("Patient/p"),
		"code": obj{"coding": codings}, "effectiveDateTime": w.stamp(0), "valueQuantity": mm(3.02), "method": obj{"text": "micrometer"}, "device": obj{"display": "micrometer M-04"},
		"interpretation": arr{concept("urn:tenon:verdict", "pass")}, "referenceRange": arr{obj{"low": mm(2.9), "high": mm(3.1)}}}
}

// madeWith says which software made a file.
func madeWith(b obj) obj {
	return with(b, "extension", obj{"url": "urn:tenon:extension:produced-with", "extension": arr{
		part("device", "valueReference", ref("Device/cad")), part("version", "valueString", "5.2.0")}})
}

func attachment(b obj) obj { return b["content"].(arr)[0].(obj)["attachment"].(obj) }

func model(content string, w *world) obj {
	m := madeWith(as("design-model", document("model", content)))
	attachment(m)["contentType"] = "model/stl"
	with(attachment(m), "extension", ext("length-unit", "valueCode", "mm"))
	m["category"] = arr{concept("urn:tenon:model-purpose", "manufacturing")}
	m["context"] = obj{"period": obj{"start": "2026-03-01", "end": w.stamp(90 * 24 * time.Hour)}}
	return m
}

func checked(content string, result bool) obj {
	return obj{"resourceType": "Observation", "id": "watertight", "status": "final", "code": concept("urn:tenon:check", "watertight"),
		"extension": arr{ext("sha-256", "valueString", digestOf(content))}, "derivedFrom": arr{ref("DocumentReference/model")}, "valueBoolean": result}
}

func workDesign(w *world) {
	w.must(des, model("model 1", w), madeWith(as("drawing", document("drawing", "drawing"))), as("design-description", document("description", "description")),
		checked("model 1", true), modelMeasure("box-x", 80), modelMeasure("box-y", 60), modelMeasure("box-z", 3), analysis(w), result("strain", w), definitionOfDesign(), designOutput(),
		about(w, "analysis-told", "comment", des, clin))
	w.must(clin, about(w, "analysis-answered", "approve", clin, des))
	w.name("S08", des, output("design-model", "DocumentReference/model"), output("drawing", "DocumentReference/drawing"),
		output("design-description", "DocumentReference/description"), output("design-definition", "DeviceDefinition/design"),
		output("design-output", "Composition/design-output"), output("analysis", "DiagnosticReport/analysis"))
	w.mustSign(des, "Composition/design-output", access.DES, "design-output")
	w.mustSign(des, "DeviceDefinition/design", access.DES, "design-output")
	w.mustSign(rev, "Composition/design-output", access.REV, "output-review")
	w.mustSign(clin, "Composition/design-output", access.CLIN, "feasibility")
	w.mustSign(prod, "Composition/design-output", access.PROD, "feasibility")
	w.mustSign(clin, "DiagnosticReport/analysis", access.CLIN, "analysis-approval")
	w.mustSign(prod, "Task/root", access.PROD, "waive:machine-fit")
}

// modelMeasure is what the job measures of the model.
func modelMeasure(code string, value float64) obj {
	return obj{"resourceType": "Observation", "id": code, "status": "final", "code": concept("urn:tenon:measure", code), "subject": ref("Patient/p"),
		"extension": arr{ext("sha-256", "valueString", digestOf("model 1"))}, "derivedFrom": arr{ref("DocumentReference/model")}, "valueQuantity": mm(value)}
}

func analysis(w *world) obj {
	return with(madeWith(reported("analysis", passed("analysis", "pass", w), des, "Observation/strain")), "extension", ext("iteration", "valuePositiveInt", 1))
}

// about is a word of the dialogue about the analysis.
func about(w *world, id, kind string, from, to *access.Context) obj {
	return obj{"resourceType": "Communication", "id": id, "status": "completed", "category": arr{concept("urn:tenon:dialogue", kind)}, "subject": ref("Patient/p"), "sent": w.stamp(0),
		"about": arr{ref("DiagnosticReport/analysis")}, "sender": ref(from.Principal), "recipient": arr{ref(to.Principal)}, "payload": arr{obj{"contentString": "stress of 210 MPa at most"}}}
}

// definitionOfDesign answers every parameter of the order.
func definitionOfDesign() obj {
	properties := arr{}
	for _, code := range append([]string{"material", "surgical-tool", "roughness", "mechanical", "dimension"}, orderParameters...) {
		p := obj{"type": concept("urn:tenon:parameter", code), "valueCode": arr{obj{"text": "as designed"}}}
		if code == "dimension" {
			p = obj{"type": concept("urn:tenon:parameter", code), "valueQuantity": arr{mm(3)}, "extension": arr{ext("source-image", "valueReference", ref("ImagingStudy/ct"))}}
		}
		properties = append(properties, p)
	}
	for _, heading := range []string{"mechanical", "biological", "interface", "stability", "insertion", "manufacturability"} {
		properties = append(properties, obj{"type": concept("urn:tenon:performance", heading), "valueCode": arr{obj{"text": "as designed"}}})
	}
	properties = append(properties, obj{"type": concept("urn:tenon:design-property", "smallest-feature"), "valueQuantity": arr{mm(2.5)}})
	return obj{"resourceType": "DeviceDefinition", "id": "design", "extension": arr{ext("safety-critical", "valueString", "none")},
		"identifier": arr{obj{"system": "urn:maker:design", "value": "D-1"}}, "version": arr{"1"}, "owner": ref("Organization/maker"),
		"deviceName": arr{obj{"name": "cranial plate", "type": "user-friendly-name"}}, "parentDevice": ref("DeviceDefinition/family-cranial-plate"),
		"shelfLifeStorage": arr{obj{"type": obj{"text": "permanent implant"}, "period": unit(5, "a"), "specialPrecautionsForStorage": arr{obj{"text": "dry"}}}},
		"material":         arr{obj{"substance": concept("urn:tenon:material", "Ti6Al4V")}}, "property": properties}
}

func designOutput() obj {
	output := as("design-output", composition("design-output", des, "clinical-need", "design-parameters", "manufacturing-parameters", "output-list", "transfer-method",
		"verification-conditions", "performance", "patient-specific"))
	output["confidentiality"] = "R"
	for _, s := range output["section"].(arr) {
		switch s := s.(obj); {
		case is("code", "output-list")(s):
			s["entry"] = arr{fileEntry("model", "model 1"), fileEntry("drawing", "drawing"), fileEntry("description", "description")}
		case is("code", "transfer-method")(s):
			s["extension"] = arr{ext("transfer-method", "valueCode", "fhir-rest")}
		}
	}
	return output
}

// fileEntry refers to a document under the digest of its file.
func fileEntry(id, content string) obj {
	return obj{"extension": arr{ext("sha-256", "valueString", digestOf(content))}, "reference": "DocumentReference/" + id}
}

// testPlan is a plan with one item.
func testPlan(code, id string, sections ...string) obj {
	plan := as(code, composition(id, des, append([]string{"methods", "acceptance-criteria", "sample-size-rationale"}, sections...)...))
	plan["section"].(arr)[1].(obj)["section"] = arr{obj{"title": "thickness", "code": concept("urn:tenon:characteristic", "thickness"), "text": narrative("3 mm")}}
	return plan
}

func specification() obj {
	s := as("verification-specification", document("specification", "specification"))
	s["masterIdentifier"] = obj{"system": "urn:maker:document", "value": "VS-07 rev. 3"}
	return s
}

func workVerification(w *world) {
	w.must(des, specification(), with(testPlan("verification-plan", "v-plan"), "section", obj{"title": "conditions of the design output", "entry": arr{ref("Composition/design-output")}}))
	w.name("S09", des, output("verification-specification", "DocumentReference/specification"), output("verification-plan", "Composition/v-plan"), output("software", "Device/cad"))
	w.mustSign(rev, "Composition/v-plan", access.REV, "plan-approval")
	w.must(des, result("v-thickness", w), follows(reported("verification-report", passed("v-report", "pass", w), des, "Observation/v-thickness"), "Composition/v-plan", "DocumentReference/specification"))
	w.name("S09", des, output("verification-report", "DiagnosticReport/v-report"))
	w.mustSign(des, "DocumentReference/model", access.DES, "verification")
	w.mustSign(rev, "DocumentReference/model", access.REV, "verification")
}

// form is the design confirmation form over a model file.
func form(content string) obj {
	f := as("confirmation-form", composition("form", des, "declaration"))
	f["attester"] = arr{obj{"mode": "professional", "party": ref(clin.Principal)}, obj{"mode": "professional", "party": ref(prod.Principal)}}
	f["section"] = append(f["section"].(arr), obj{"code": concept("urn:tenon:section", "confirmed-design"), "text": narrative("the model"),
		"entry": arr{obj{"extension": arr{ext("sha-256", "valueString", digestOf(content))}, "reference": "DocumentReference/model"}}})
	return f
}

func workDesignConfirmation(w *world) {
	report := follows(reported("validation-report", passed("val-report", "pass", w), des, "Observation/val-thickness"), "Composition/val-plan")
	report["category"], report["subject"] = arr{concept("urn:tenon:validation-mode", "material-test")}, ref("Device/representative")
	w.must(des, testPlan("validation-plan", "val-plan", "representative-product"), result("val-thickness", w), report,
		as("design-scheme", composition("scheme", des, "patient-data", "surgical-plan", "flow-chart", "material", "structural-features", "custom-requirements", "matching-devices",
			"packaging", "post-processing-cleaning", "disinfection", "sterilisation", "delivery-mode", "technical-requirements")),
		form("model 1"))
	w.name("S10", des, output("validation-plan", "Composition/val-plan"), output("validation-report", "DiagnosticReport/val-report"),
		output("design-scheme", "Composition/scheme"), output("confirmation-form", "Composition/form"))
	w.mustSign(des, "Composition/scheme", access.DES, "design-scheme")
	w.mustSign(clin, "Composition/form", access.CLIN, "design-confirmation")
	w.mustSign(prod, "Composition/form", access.PROD, "design-confirmation")
}

func workSamples(w *world) {
	w.must(prod, obj{"resourceType": "Specimen", "id": "coupon", "status": "available", "type": concept("urn:tenon:sample", "tensile-coupon"),
		"subject": ref("Substance/ti64-lot"), "receivedTime": w.stamp(0), "collection": obj{"quantity": unit(2, "1")}, "processing": arr{obj{"additive": arr{ref("Substance/ti64-lot")}}}})
	w.name("S12", prod, output("retained-sample", "Specimen/coupon"))
	w.mustSign(prod, "Specimen/coupon", access.PROD, "retained-sample")
}

// addInputs names machine, material and process for production.
func addInputs(task obj) obj {
	in := task["input"].([]any)
	for _, i := range [][2]string{{"capability-assessment", "DiagnosticReport/capability"}, {"machine", "Device/printer"}, {"material", "Substance/ti64-lot"}, {"process", "ActivityDefinition/lpbf-ti64"}} {
		in = append(in, output(i[0], i[1]))
	}
	task["input"] = in
	return task
}

var operationCodes = []string{"design-software", "equipment", "print", "post-processing", "raw-material-test", "device-test", "cleaning", "packaging", "sterilisation", "warehouse-in", "warehouse-out"}

// capability is the assessment of the printer for the design.
func capability(w *world) obj {
	r := reported("capability-assessment", passed("capability", "pass", w), prod, "Observation/v-thickness")
	r["subject"] = ref("Device/printer")
	with(r, "extension", ext("assessed-design", "valueReference", ref("DeviceDefinition/design")))
	for _, code := range []string{"material-properties", "consistency", "defect-control"} {
		with(r, "extension", obj{"url": "urn:tenon:extension:assurance", "extension": arr{part("code", "valueCode", code), part("evidence", "valueString", "PQ-12")}})
	}
	return r
}

// printParameters are what the process asks to record of printing.
func printParameters() arr {
	list := arr{}
	for code, v := range map[string][2]any{
		"laser-power": {280, "W"}, "scan-speed": {1200, "mm/s"}, "hatch-distance": {140, "um"}, "spot-size": {80, "um"}, "layer-thickness": {30, "um"}, "oxygen": {0.08, "%"},
		"preheat": {80, "Cel"}, "virgin-ratio": {60, "%"}, "reuse-count": {3, "1"}, "plate-x": {120, "mm"}, "plate-y": {85, "mm"}, "rotation": {45, "deg"},
	} {
		q := unit(0, v[1].(string))
		q["value"] = v[0]
		list = append(list, obj{"type": concept("urn:tenon:process-parameter", code), "valueQuantity": q})
	}
	return list
}

// inspection is what else than the thickness was inspected: one look for all.
func inspection(w *world) obj {
	codings := arr{}
	for _, code := range append([]string{"material", "surgical-tool"}, orderParameters...) {
		if code != "dimension" && code != "roughness" && code != "mechanical" {
			codings = append(codings, obj{"system": "urn:tenon:parameter", "code": code})
		}
	}
	return obj{"resourceType": "Observation", "id": "i-look", "status": "final", "subject": ref("Patient/p"), "code": obj{"coding": codings}, "effectiveDateTime": w.stamp(0),
		"valueCodeableConcept": concept("urn:tenon:verdict", "pass"), "interpretation": arr{concept("urn:tenon:verdict", "pass")}}
}

func operation(w *world, code string) obj {
	o := operationTask(w, code)
	if code == "print" {
		o["input"] = printParameters()
	}
	o["requester"], o["output"] = obj{"display": "operator 7"}, arr{obj{"type": obj{"text": "result"}, "valueString": "done"}}
	return o
}

func operationTask(w *world, code string) obj {
	return obj{"resourceType": "Task", "id": "op-" + code, "status": "completed", "intent": "order", "partOf": arr{ref(w.task("S11"))},
		"code": concept("urn:tenon:operation", code), "executionPeriod": obj{"start": w.stamp(0), "end": w.stamp(0)}}
}

func part(url, kind string, value any) obj { return obj{"url": url, kind: value} }

func device(w *world) obj {
	return obj{"resourceType": "Device", "id": "implant", "status": "active", "lotNumber": "B-0001", "distinctIdentifier": "CMD-2026-0001",
		"udiCarrier":   arr{obj{"deviceIdentifier": "06900000000014", "carrierHRF": "(01)06900000000014(21)0001", "carrierAIDC": "XWQyMDEwNjkwMDAwMDAwMDAxNDIxMDAwMQ=="}},
		"manufacturer": "Maker", "manufactureDate": "2026-03-01", "deviceName": arr{obj{"name": "cranial plate", "type": "user-friendly-name"}}, "patient": ref("Patient/p"), "owner": ref("Organization/hospital"),
		"expirationDate": "2031-01-01", "definition": ref("DeviceDefinition/design"),
		"extension": arr{obj{"url": "urn:tenon:extension:label-content", "extension": arr{
			part("use", "valueString", "repair of a cranial defect"), part("site", "valueString", "left parietal"), part("anatomy-check", "valueBoolean", true),
			part("image-date", "valueDate", "2026-03-01"), part("design-date", "valueDate", "2026-03-01"), part("custom-made", "valueString", "custom-made")}},
			obj{"url": "urn:tenon:extension:label-usual", "extension": arr{part("storage", "valueString", "dry"), part("sterility", "valueString", "gamma"), part("licence", "valueString", "X-1")}}}}
}

func label(name, number string) obj {
	l := as("label", document("label", "label"))
	l["contained"] = arr{obj{"resourceType": "Patient", "id": "printed", "name": arr{obj{"text": name}}, "identifier": arr{obj{"system": "urn:hospital:mr", "value": number}}}}
	l["context"] = obj{"sourcePatientInfo": ref("#printed")}
	return l
}

func workProduction(w *world) {
	for _, code := range operationCodes {
		w.must(prod, operation(w, code))
	}
	ifu := as("ifu", document("ifu", "ifu"))
	attachment(ifu)["contentType"] = "application/pdf"
	w.must(qa, append(inspected(w), inspection(w), device(w), reported("inspection-report", passed("inspection", "pass", w), qa,
		"Observation/m-thickness", "Observation/m-roughness", "Observation/m-yield", "Observation/i-look"), label("张三", "MR-7"), ifu, history())...)
	w.name("S11", prod, output("device", "Device/implant"), output("inspection-report", "DiagnosticReport/inspection"), output("label", "DocumentReference/label"),
		output("ifu", "DocumentReference/ifu"), output("device-history-record", "Composition/history"))
	w.mustSign(prod, "Composition/history", access.PROD, "production-record")
	w.mustSign(qa, "Composition/history", access.QA, "product-release")
}

func history() obj {
	h := as("device-history-record", composition("history", prod, "images", "model", "build-file", "process-parameters", "material-lot", "machine", "software", "procedures",
		"operations", "inspection", "retained-samples", "label-ifu"))
	for i, r := range []string{"ImagingStudy/ct", "DocumentReference/model", "", "ActivityDefinition/lpbf-ti64", "Substance/ti64-lot", "Device/printer", "Device/cad"} {
		if r != "" {
			h["section"].(arr)[i].(obj)["entry"] = arr{ref(r)}
		}
	}
	return h
}

func handOver(w *world, code string, by *access.Context) obj {
	return obj{"resourceType": "Provenance", "id": "custody-" + code, "target": arr{ref("SupplyDelivery/delivery")}, "occurredDateTime": w.stamp(0),
		"recorded": w.stamp(0), "activity": concept("urn:tenon:custody", code), "agent": arr{obj{"who": ref(by.Principal)}}}
}

func workDelivery(w *world) {
	w.must(logist, obj{"resourceType": "SupplyDelivery", "id": "delivery", "status": "completed", "patient": ref("Patient/p"), "supplier": ref(logist.Principal),
		"identifier": arr{obj{"system": "urn:maker:delivery", "value": "DL-1"}}, "occurrenceDateTime": w.stamp(0), "receiver": arr{ref(clin.Principal)},
		"suppliedItem": obj{"quantity": obj{"value": 1}, "itemReference": ref("Device/implant")}})
	for code, by := range map[string]*access.Context{"dispatched": logist} {
		w.must(by, handOver(w, code, by))
	}
	w.must(logist, handOver(w, "carried", logist))
	w.must(agent, handOver(w, "hospital-received", agent))
	w.must(clin, handOver(w, "doctor-received", clin))
	w.name("S13", logist, output("delivery-list", "SupplyDelivery/delivery"))
	w.mustSign(logist, "SupplyDelivery/delivery", access.LOG, "dispatch")
	w.mustSign(agent, "SupplyDelivery/delivery", access.AGENT, "receipt")
}

func workData(w *world) {
	file := as("data-file", document("data-file", "data"))
	file["content"].(arr)[0].(obj)["format"] = obj{"system": "urn:ietf:bcp:13", "code": "text/plain"}
	w.must(mfr, as("data-delivery", composition("data", mfr, "format", "properties", "precautions", "operating-steps")), file)
	w.name("S14", mfr, output("data-delivery", "Composition/data"), output("data-file", "DocumentReference/data-file"))
	w.mustSign(clin, "Composition/data", access.CLIN, "data-receipt")
}

// judged is the clinician's verdict on one thing, about everything that the
// judgement rests on.
func judged(id, element, code string) obj {
	o := obj{"resourceType": "Observation", "id": id, "status": "final", "subject": ref("Device/implant"), "code": obj{"text": id},
		"focus":             arr{ref("ImagingStudy/ct"), ref("CarePlan/plan"), ref("DeviceRequest/order"), ref("Composition/scheme"), ref("Composition/history"), ref("DocumentReference/label")},
		"effectiveDateTime": "2026-03-01T08:00:00Z",
		"performer":         arr{ref(clin.Principal)}, "method": concept("urn:tenon:judgement-method", "visual"), "valueCodeableConcept": concept("urn:tenon:verdict", "conform")}
	if element == "category" {
		o["category"] = arr{concept("urn:tenon:judgement", code)}
	} else {
		o["code"] = concept("urn:tenon:judgement", code)
	}
	if code == "process-legality" {
		for _, part := range []string{"ethics", "consent", "material", "software"} {
			with(o, "component", obj{"code": concept("urn:tenon:legality", part), "valueCodeableConcept": concept("urn:tenon:verdict", "conform")})
		}
	}
	return o
}

// deviceJudgements are what the clinician says of the device.
func deviceJudgements() []obj {
	all := []obj{judged("j-form", "category", "form"), judged("j-structure", "category", "structure"), judged("j-function", "category", "function")}
	for i, code := range []string{"fit", "biocompatibility", "cell-response"} {
		o := judged("j-"+code, "code", code)
		o["category"] = arr{concept("urn:tenon:judgement", []string{"form", "function", "function"}[i])}
		if code == "biocompatibility" {
			o["method"] = concept("urn:tenon:judgement-method", "test-report")
			o["extension"] = arr{ext("standard-part", "valueString", "GB/T 16886.5")}
			o["derivedFrom"] = arr{ref("DocumentReference/biotest")}
		}
		all = append(all, o)
	}
	anatomy := judged("j-anatomy", "code", "anatomy")
	with(anatomy["code"].(obj), "coding", obj{"system": "urn:tenon:parameter", "code": "anatomical-function"})
	all = append(all, anatomy)
	grade := judged("j-cytotoxicity", "code", "cytotoxicity")
	delete(grade, "valueCodeableConcept")
	grade["valueInteger"] = 0
	return append(all, grade)
}

func workJudgement(w *world) {
	bodies := append([]obj{document("biotest", "no cytotoxicity")}, deviceJudgements()...)
	if w.plan.ID != "implant" {
		bodies = bodies[:len(bodies)-1] // a grade of cytotoxicity is of implants
	}
	results := map[string]arr{}
	for _, o := range bodies[1:] {
		results["device-judgement"] = append(results["device-judgement"], ref("Observation/"+o["id"].(string)))
	}
	for _, c := range []string{"process-order", "process-conformity", "process-legality", "process-completeness"} {
		bodies = append(bodies, judged("j-"+c, "code", c))
		results["process-judgement"] = append(results["process-judgement"], ref("Observation/j-"+c))
	}
	for _, id := range []string{"device-judgement", "process-judgement"} {
		report := reported(id, passed(id, "conform", w), clin)
		report["result"] = results[id]
		bodies = append(bodies, report)
	}
	w.must(clin, bodies...)
	for _, id := range []string{"device-judgement", "process-judgement"} {
		w.name("S15", clin, output(id, "DiagnosticReport/"+id))
		w.mustSign(clin, "DiagnosticReport/"+id, access.CLIN, "judgement-report")
	}
	if w.plan.ID == "implant" {
		w.mustSign(clin, "Task/root", access.CLIN, "waive:strength-computed")
	}
}

// acceptance lists what is accepted, each in the version that was seen.
func acceptance(w *world) obj {
	record := as("acceptance-record", composition("acceptance", clin, "device", "images", "plan", "requirements", "design", "production-record", "label"))
	for i, docs := range [][]string{w.named("S11", "device"), w.named("S02", "image-study"), w.named("S04", "treatment-plan"), w.named("S06", "order"), w.named("S10", "design-scheme"),
		w.named("S11", "device-history-record"), append(w.named("S11", "label"), w.named("S11", "ifu")...)} {
		section := record["section"].(arr)[i].(obj)
		section["extension"] = arr{ext("acceptance-decision", "valueCode", "accepted")}
		for _, d := range docs {
			with(section, "entry", ref(sprintf("%s/_history/%d", d, w.members[d].Version)))
		}
	}
	return record
}

// named are the documents that a stage names.
func (w *world) named(stage, document string) []string {
	var refs []string
	for out := range w.members[w.task(stage)].Root.Field("output").Items() {
		if out.Path("type", "coding", "code").Str() == document {
			refs = append(refs, out.Path("valueReference", "reference").Str())
		}
	}
	return refs
}

func workAcceptance(w *world) {
	w.must(clin, acceptance(w))
	w.name("S16", clin, output("acceptance-record", "Composition/acceptance"))
	w.mustSign(clin, "Composition/acceptance", access.CLIN, "device-acceptance")
}

func workRelease(w *world) {
	w.must(clin, reported("conformity-assessment", passed("conformity", "conform", w), clin), followUpPlan(w),
		obj{"resourceType": "DocumentReference", "id": "contingency", "status": "current", "subject": ref("Patient/p"), "content": arr{obj{"attachment": file("when the device fails")}}})
	w.name("S17", clin, output("conformity-assessment", "DiagnosticReport/conformity"), output("followup-plan", "CarePlan/followup"), output("contingency-plan", "DocumentReference/contingency"))
	w.mustSign(clin, "DiagnosticReport/conformity", access.CLIN, "conformity")
	w.mustSign(clin, "CarePlan/followup", access.CLIN, "followup")
}

// lookedAt is what follow-up looks at, by the process.
func lookedAt(w *world) []string {
	if w.plan.ID == "socket" {
		return []string{"stump-change", "skin-condition", "socket-fit"}
	}
	return []string{"shape-change", "tissue-induction", "strength-in-use"}
}

// followUpPlan asks for everything at two visits within the time of the case.
func followUpPlan(w *world) obj {
	reference := "urn:hospital:plan:followup-cranial-plate|1"
	if w.plan.ID == "socket" {
		reference = "urn:hospital:plan:followup-transtibial-socket|1"
	}
	activities := arr{}
	for _, code := range lookedAt(w) {
		activities = append(activities, obj{"detail": obj{"code": concept("urn:tenon:followup", code), "status": "scheduled", "performer": arr{ref(clin.Principal)},
			"scheduledTiming": obj{"repeat": obj{"count": 2}}}})
	}
	return obj{"resourceType": "CarePlan", "id": "followup", "status": "active", "intent": "plan", "category": arr{concept("urn:tenon:document", "followup-plan")},
		"subject": ref("Patient/p"), "author": ref(clin.Principal), "instantiatesCanonical": arr{reference}, "activity": activities,
		"period": obj{"start": w.stamp(0), "end": w.stamp(28 * 24 * time.Hour)}}
}

func visit(id string, w *world, from, to time.Duration) obj {
	return obj{"resourceType": "Encounter", "id": id, "status": "finished", "class": obj{"code": "AMB"}, "subject": ref("Patient/p"),
		"participant": arr{obj{"individual": ref(clin.Principal)}}, "period": obj{"start": w.stamp(from), "end": w.stamp(to)}}
}

func finding(w *world, code string) obj {
	result := "as-expected"
	switch code {
	case "shape-change":
		result = "none"
	case "strength-in-use":
		result = "intact"
	}
	o := obj{"resourceType": "Observation", "id": "f-" + code, "status": "final", "subject": ref("Patient/p"), "code": concept("urn:tenon:followup", code),
		"effectiveDateTime": w.stamp(0), "performer": arr{ref(clin.Principal)}, "valueCodeableConcept": concept("urn:tenon:followup-result", result)}
	if code == "shape-change" {
		o["derivedFrom"] = arr{ref("ImagingStudy/after")}
	}
	return o
}

// harmless is the assessment that the device did no harm.
func harmless(w *world) obj {
	return obj{"resourceType": "ClinicalImpression", "id": "harm", "status": "completed", "subject": ref("Patient/p"), "date": w.stamp(0), "assessor": ref(clin.Principal),
		"summary": "no harm found", "finding": arr{obj{"itemCodeableConcept": concept("urn:tenon:harm", "none")}}}
}

// use is the record of the use, and what is reported of it.
func use(w *world) []obj {
	return []obj{
		{"resourceType": "Procedure", "id": "use", "status": "completed", "code": obj{"text": "cranioplasty"}, "subject": ref("Patient/p"), "performedDateTime": w.stamp(0),
			"performer": arr{obj{"actor": ref(clin.Principal), "onBehalfOf": ref("Organization/hospital")}}, "focalDevice": arr{obj{"manipulated": ref("Device/implant")}}},
		{"resourceType": "DeviceUseStatement", "id": "usage", "status": "active", "subject": ref("Patient/p"), "timingDateTime": w.stamp(0), "recordedOn": w.stamp(0),
			"source": ref(clin.Principal), "device": ref("Device/implant"), "bodySite": obj{"text": "left parietal"}},
	}
}

// followUpRecord lists what follow-up brought.
func followUpRecord(w *world) obj {
	record := as("followup-record", composition("followup", clin, "use", "visits", "findings", "harm", "effect"))
	entries := []arr{{ref("Procedure/use")}, {ref("Encounter/visit-1"), ref("Encounter/visit-2")}, {}, {ref("ClinicalImpression/harm")}, {ref("Goal/goal")}}
	for _, code := range lookedAt(w) {
		entries[2] = append(entries[2], ref("Observation/f-"+code))
	}
	for i := range entries {
		record["section"].(arr)[i].(obj)["entry"] = entries[i]
	}
	return record
}

func workFollowUp(w *world) {
	w.must(clin, use(w)...)
	w.now = w.now.Add(30 * 24 * time.Hour)
	goal := w.get("Goal/goal")
	goal["achievementStatus"] = concept("s", "achieved")
	w.must(img, obj{"resourceType": "ImagingStudy", "id": "after", "status": "available", "subject": ref("Patient/p"), "started": w.stamp(-time.Hour), "numberOfInstances": 90})
	outputs := []any{output("use-record", "Procedure/use"), output("usage-report", "DeviceUseStatement/usage"), output("visit", "Encounter/visit-1"), output("visit", "Encounter/visit-2"),
		output("harm-assessment", "ClinicalImpression/harm"), output("followup-record", "Composition/followup")}
	for _, code := range lookedAt(w) {
		w.must(clin, finding(w, code))
		outputs = append(outputs, output("finding", "Observation/f-"+code))
	}
	w.must(clin, visit("visit-1", w, -10*24*time.Hour, -10*24*time.Hour+time.Hour), visit("visit-2", w, -time.Hour, 0), goal, harmless(w), followUpRecord(w))
	w.name("S18", clin, outputs...)
	w.mustSign(clin, "ClinicalImpression/harm", access.CLIN, "followup")
	w.mustSign(clin, "Composition/followup", access.CLIN, "followup")
}

func workFeedback(w *world) {
	w.must(clin, obj{"resourceType": "Communication", "id": "feedback", "status": "completed", "category": arr{concept("urn:tenon:document", "feedback")}, "subject": ref("Patient/p"),
		"sent": w.stamp(0), "sender": ref(clin.Principal), "about": arr{ref("Device/implant"), ref("Composition/followup")},
		"recipient": arr{ref(des.Principal), ref(prod.Principal)}, "payload": arr{obj{"contentString": "well healed"}}})
	w.name("S19", clin, output("feedback", "Communication/feedback"))
	w.mustSign(des, "Communication/feedback", access.DES, "acknowledgement")
	w.mustSign(prod, "Communication/feedback", access.PROD, "acknowledgement")
}
