package casewalk

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// The documents that a socket has of its own.

// stump is amputation level and side.
func stump() Obj {
	return Obj{"text": "transtibial, left", "coding": Arr{
		Obj{"system": tenon + "amputation-level", "code": "transtibial"}, Obj{"system": tenon + "laterality", "code": "left"},
	}}
}

// part3 is a component of an Observation; kind is the name of its value[x].
func part3(name, kind string, value any) Obj {
	return Obj{"code": coded("socket-part", name), kind: value}
}

func long(name string, mm float64) Obj { return part3(name, "valueQuantity", quantity(mm, "mm")) }

func found(name, presence string) Obj {
	return part3(name, "valueCodeableConcept", coded("presence", presence))
}

func seenBy(w *Writer, method string, more Obj) Obj {
	o := Obj{
		"resourceType": "Observation", "status": "final", "subject": ref(w.Patient), "performer": refs(w.By), "effectiveDateTime": instant(w.Now),
		"method": coded("examination-method", method),
	}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func seen3(of, method, kind string, value any) func(*Writer) Obj {
	return func(w *Writer) Obj { return seenBy(w, method, Obj{"code": text(of), kind: value}) }
}

func parts3(of, method string, parts ...any) func(*Writer) Obj {
	return func(w *Writer) Obj { return seenBy(w, method, Obj{"code": text(of), "component": Arr(parts)}) }
}

func compared(method, one string, a float64, other string, b float64) func(*Writer) Obj {
	return parts3("compared", method, long(one, a), long(other, b))
}

func refsOf(w *Writer, paths []string) Arr {
	all := Arr{}
	for _, p := range paths {
		all = append(all, ref(w.Refs[p]))
	}
	return all
}

// answered is a completed form of the guide; what is not given is true.
func answered(form string, answers Obj) func(*Writer) Obj {
	return func(w *Writer) Obj {
		questionnaire, items := w.Forms[form], Arr{}
		for _, item := range list(questionnaire, "item") {
			link := str(item, "linkId")
			answer := Obj{"valueBoolean": true}
			if given, ok := answers[link].(Obj); ok {
				answer = given
			}
			items = append(items, Obj{"linkId": link, "text": str(item, "text"), "answer": Arr{answer}})
		}
		return Obj{
			"resourceType": "QuestionnaireResponse", "questionnaire": str(questionnaire, "url") + "|" + str(questionnaire, "version"), "status": "completed",
			"subject": ref(w.Patient), "authored": instant(w.Now), "author": ref(w.By), "item": items,
		}
	}
}

func alsoPhotographs(_ *Writer, o Obj) {
	p := o["provision"].(Obj)
	p["purpose"] = append(p["purpose"].(Arr), Obj{"system": tenon + "consent-purpose", "code": "photography"})
}

func scanner(*Writer) Obj {
	safety := coded("device-safety", "non-invasive")
	safety["text"] = "white light, no contact"
	return Obj{
		"resourceType": "Device", "status": "active", "deviceName": Arr{Obj{"name": "structured light scanner", "type": "user-friendly-name"}},
		"type": coded("device", "scanner"), "owner": ref("Organization/hospital"), "safety": Arr{safety},
	}
}

func stl(o Obj) {
	at(o, "content").(Arr)[0].(Obj)["format"] = Obj{"system": tenon + "file-format", "code": "STL"}
}

func scanned(w *Writer) Obj {
	o := w.filed("model of the stump")
	o["category"], o["date"] = Arr{coded("model-source", "direct")}, instant(w.Now)
	stl(o)
	return o
}

func acquisition(w *Writer) Obj {
	return Obj{
		"resourceType": "Procedure", "status": "completed", "subject": ref(w.Patient), "code": coded("acquisition-mode", "direct"),
		"usedCode": Arr{coded("acquisition-method", "3d-scanner")}, "usedReference": refs(w.Refs["S02/scanner"]),
		"bodySite": Arr{stump()}, "performedDateTime": instant(w.Now), "performer": Arr{Obj{"actor": ref(w.By)}},
	}
}

func photograph(view string) func(*Writer) Obj {
	return func(w *Writer) Obj {
		return Obj{
			"resourceType": "Media", "status": "completed", "subject": ref(w.Patient), "createdDateTime": instant(w.Now),
			"meta":      Obj{"security": Arr{Obj{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}}},
			"type":      foreign("media-type", "image"),
			"extension": Arr{ext("identity-masked", "valueBoolean", true), ext("posture", "valueCodeableConcept", coded("posture", "sitting"))},
			"view":      coded("photo-view", view), "operator": ref(w.By), "content": Obj{"contentType": "image/jpeg", "data": "/9j/4AAQ"},
		}
	}
}

func landmark(kind string) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := seenBy(w, "software", Obj{
			"code": coded("landmark-type", kind), "derivedFrom": refs(w.Refs["S02/image-study"]), "component": Arr{long("x", 12.5), long("y", 31), long("z", -40.2)},
		})
		delete(o, "method")
		return o
	}
}

func measured(of string, value float64, three ...float64) func(*Writer) Obj {
	return func(w *Writer) Obj {
		parts := Arr{}
		for _, v := range three {
			parts = append(parts, long("acquisition", v))
		}
		return seenBy(w, "tape", Obj{"code": coded("stump-measure", of), "valueQuantity": quantity(value, "mm"), "component": parts})
	}
}

func ofStump(_ *Writer, o Obj) {
	o["code"], o["bodySite"] = text("transtibial amputation, left"), Arr{stump()}
}

// socketDemands are what the order of a socket must state.
var socketDemands = []string{
	"amputation-level", "use-site", "use-purpose", "material", "structure", "mechanical", "dimension", "surface-treatment", "post-processing", "cleaning",
	"packaging", "supply-mode",
}

// socketParameters are what the order of a socket states.
var socketParameters = []string{
	"amputation-level", "use-site", "use-purpose", "material", "structure", "mechanical", "dimension", "surface-treatment", "surgical-tool",
	"post-processing", "cleaning", "packaging", "supply-mode", "personalisation", "colour",
}

func orderOfSocket(_ *Writer, o Obj) {
	o["extension"].(Arr)[0] = ext("device-domain", "valueCode", "lower-limb-prosthesis")
	o["reasonCode"] = Arr{text("walking with a prosthesis")}
	parameters := Arr{}
	for _, p := range list(o, "parameter") {
		switch name := str(p, "code", "coding", "code"); {
		case !slices.Contains(socketParameters, name):
			continue
		case name == "use-site":
			p["valueCodeableConcept"] = stump()
		case name == "material":
			p["valueCodeableConcept"] = coded("material", "PA")
		}
		parameters = append(parameters, p)
	}
	parameters = append(parameters, Obj{"code": coded("parameter", "amputation-level"), "valueCodeableConcept": stump()})
	for _, name := range []string{"personalisation", "colour"} {
		parameters = append(parameters, Obj{"code": coded("parameter", name), "valueCodeableConcept": text("as drawn: " + name)})
	}
	o["parameter"] = parameters
}

func treated(w *Writer, o Obj) {
	for _, s := range list(o, "section") {
		if str(s, "code", "coding", "code") == "surgical-plan" {
			s["title"], s["code"] = "treatment-plan", coded("section", "treatment-plan")
		}
		if str(s, "code", "coding", "code") == "scan-parameters" {
			s["entry"] = refs(w.Refs["S02/acquisition"])
		}
	}
}

func formatted(_ *Writer, o Obj) { stl(o) }

func property(system, name, kind string, values ...any) Obj {
	return Obj{"type": coded(system, name), kind: Arr(values)}
}

func pyramid() Obj {
	return Obj{"coding": Arr{Obj{"system": "urn:tenon:sample:interface", "code": "pyramid"}}}
}

func definedSocket(w *Writer, o Obj) {
	o["parentDevice"] = ref("DeviceDefinition/family-transtibial-socket")
	o["material"] = Arr{Obj{"substance": coded("material", "PA")}}
	properties := Arr{}
	for _, p := range list(o, "property") {
		if str(p, "type", "coding", "system") != tenon+"parameter" {
			properties = append(properties, p)
		}
	}
	for _, name := range socketParameters {
		p := property("parameter", name, "valueCode", text("as designed: "+name))
		if name == "dimension" {
			p = property("parameter", name, "valueQuantity", quantity(80, "mm"))
			p["extension"] = Arr{ext("source-image", "valueReference", ref(w.Refs["S02/image-study"])), ext("safety-critical", "valueBoolean", true)}
		}
		properties = append(properties, p)
	}
	for _, zone := range []string{"load-bearing", "relief", "suspension"} {
		properties = append(properties, property("socket-zone", zone, "valueQuantity", quantity(1.5, "mm")))
	}
	thickness := property("socket-property", "thickness", "valueQuantity", quantity(3, "mm"))
	thickness["extension"] = Arr{ext("rationale", "valueString", "PA12; 80 kg, moderate activity")}
	o["property"] = append(properties, thickness, property("socket-property", "interface", "valueCode", pyramid()))
}

var socketOutputSections = []string{
	"brim-design", "dimension-design", "biomechanical-zones", "thickness-design", "topology-design", "alignment-connection", "personalisation",
}

func socketSections(w *Writer, o Obj) {
	for _, name := range socketOutputSections {
		o["section"] = append(o["section"].(Arr), section(name))
	}
	sectionOf(o, "brim-design")["entry"] = refs(w.Refs["S02/image-study"])
	files := sectionOf(o, "output-list")
	files["entry"] = append(files["entry"].(Arr), underDigest(w.Refs["S08/surface-model"], w.Sums["S08/surface-model"]))
}

func designedMeasure(of string, value float64) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := seenBy(w, "software", Obj{"code": coded("stump-measure", of), "derivedFrom": refs(w.Refs["S02/measure-"+of]), "valueQuantity": quantity(value, "mm")})
		if of == "circumference" {
			o["component"] = Arr{part3("reduction", "valueQuantity", quantity(3, "%"))}
		}
		return o
	}
}

func aligned(w *Writer) Obj {
	degrees := func(name string, value float64) Obj { return part3(name, "valueQuantity", quantity(value, "deg")) }
	return seenBy(w, "instrument", Obj{"code": text("alignment"), "component": Arr{
		degrees("frontal-angle", 4.5), long("frontal-offset", 11), degrees("sagittal-angle", 5), long("sagittal-offset", 14), degrees("rotation", 6),
	}})
}

func surfaceModel(w *Writer) Obj {
	o := with(as("surface-model", file("surface model")), producedWith)(w)
	stl(o)
	a := at(o, "content", "attachment").(Obj)
	a["extension"] = append(a["extension"].(Arr), ext("length-unit", "valueCode", "mm"))
	return o
}

func adapter(w *Writer) Obj {
	return w.ofCase(Obj{
		"resourceType": "DeviceDefinition", "deviceName": Arr{Obj{"name": "pyramid adapter", "type": "model-name"}}, "owner": ref("Organization/maker"),
		"property": Arr{property("socket-property", "interface", "valueCode", pyramid())},
	})
}

func buildFile(w *Writer) Obj {
	o := w.filed("processing file")
	o["relatesTo"] = Arr{Obj{"code": "transforms", "target": underDigest(w.Refs["S08/design-model"], w.Sums["S08/design-model"])}}
	o["context"] = Obj{"related": refs("Device/printer-polymer")}
	return o
}

func safe(material string) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := w.report("safety of the material", "pass")
		o["extension"] = Arr{ext("about-material", "valueReference", ref(material))}
		return o
	}
}

// made is when the step of production with this number was done: steps keep
// their times however often they are written.
func made(w *Writer, step float64) string {
	again := time.Duration(w.Generation) * 20 * time.Minute
	return instant(w.Opened.Add(again%(2*time.Hour) - 3*time.Hour + time.Duration(step*float64(time.Minute))))
}

func socketOperation(w *Writer, i int, code string) Obj {
	o := Obj{
		"resourceType": "Task", "status": "completed", "intent": "order", "partOf": refs(w.Tasks["S11"]), "code": coded("operation", code),
		"for": ref(w.Patient), "owner": ref(w.By), "requester": ref(w.By), "authoredOn": instant(w.Now),
		"executionPeriod": Obj{"start": made(w, float64(i)), "end": made(w, float64(i))}, "output": Arr{Obj{"type": text("result"), "valueString": "done"}},
	}
	switch code {
	case "print":
		o["input"] = Arr{
			setting("layer-thickness", 0.1, "mm"), setting("preheat", 172, "Cel"), setting("rotation", 0, "deg"),
			setting("recycled-powder-ratio", 40, "%"), setting("powder-reuse-count", 2, "1"),
		}
	case "finishing":
		o["input"] = Arr{Obj{"type": coded("process-parameter", "finish-method"), "valueCodeableConcept": coded("finish-method", "chemical")}}
	case "colouring":
		o["input"] = Arr{Obj{"type": coded("process-parameter", "coating"), "valueReference": ref("Substance/skin-lacquer")}}
	}
	return o
}

func printed(w *Writer) Obj {
	return seenBy(w, "sight", Obj{
		"code": text("inspection after printing"), "effectiveDateTime": made(w, 3.5),
		"component": Arr{found("warping", "absent"), found("layer-shift", "absent"), found("missing-face", "absent")},
	})
}

func surfaced(w *Writer) Obj {
	yes := func(name string) Obj { return part3(name, "valueBoolean", true) }
	return seenBy(w, "touch", Obj{
		"code": text("inspection after post-processing"), "effectiveDateTime": made(w, 7.5),
		"component": Arr{found("burr", "absent"), found("damage", "absent"), yes("smooth-inner"), yes("smooth-outer"), yes("colour")},
	})
}

// wholeDevice is a Device of the patient.
func wholeDevice(w *Writer, name, number string) Obj {
	o := device(w)
	o["deviceName"] = Arr{Obj{"name": name, "type": "user-friendly-name"}}
	o["identifier"] = Arr{Obj{"system": tenon + "device-code", "value": number}}
	o["distinctIdentifier"], o["serialNumber"], o["lotNumber"] = number, number, "B-"+number
	carrier := o["udiCarrier"].(Arr)[0].(Obj)
	carrier["carrierHRF"] = "(01)06900000000014(21)" + number
	carrier["carrierAIDC"] = base64.StdEncoding.EncodeToString([]byte("]d2010690000000001421" + number))
	return o
}

func prosthesis(w *Writer) Obj {
	return wholeDevice(w, "transtibial prosthesis", strings.ReplaceAll(w.Number, "W", "TTP"))
}

func socketDevice(w *Writer) Obj {
	o := wholeDevice(w, "transtibial socket", w.Number)
	o["parent"] = ref(w.Refs["S11/device"])
	return o
}

func foot(w *Writer) Obj {
	o := wholeDevice(w, "prosthetic foot", strings.ReplaceAll(w.Number, "W", "FT"))
	o["parent"] = ref(w.Refs["S11/device"])
	return o
}

// socketHistory names what it takes to make the socket again (001 5.4.3).
func socketHistory(w *Writer) Obj {
	o := as("device-history-record", composed("device history record", historySections...))(w)
	sectionOf(o, "images")["entry"] = refs(w.Refs["S02/image-study"])
	sectionOf(o, "model")["entry"] = refs(w.Refs["S08/design-model"])
	sectionOf(o, "build-file")["entry"] = refs(w.Refs["S11a/build-file"])
	sectionOf(o, "machine")["entry"] = refs("Device/printer-polymer", "Device/cad", "Substance/pa12-lot", "ActivityDefinition/pbf-pa12")
	return o
}

// inspected answers every parameter of the order at once.
func inspected(w *Writer) Obj {
	codings := Arr{}
	for _, name := range socketParameters {
		codings = append(codings, Obj{"system": tenon + "parameter", "code": name})
	}
	return w.ofCase(Obj{
		"resourceType": "Observation", "status": "final", "subject": ref(w.Patient), "code": Obj{"coding": codings}, "device": ref(w.Refs["S11/socket"]),
		"effectiveDateTime": instant(w.Now), "performer": refs(w.By), "valueCodeableConcept": coded("verdict", "pass"), "interpretation": Arr{coded("verdict", "pass")},
	})
}

func gauged(w *Writer) Obj {
	return seenBy(w, "gauge", Obj{
		"code": text("inner diameter"), "component": Arr{long("measured", 98.3), long("model", 98.2)}, "extension": Arr{ext("calibration", "valueString", "CAL-2026-17")},
		"device": ref(w.Refs["S02/scanner"]),
	})
}

func followsSocket(w *Writer, o Obj) {
	o["instantiatesCanonical"] = Arr{"urn:hospital:plan:followup-transtibial-socket"}
	for i, code := range []string{"stump-change", "skin-condition", "socket-fit"} {
		list(o, "activity")[i]["detail"].(Obj)["code"] = coded("followup", code)
	}
}

// foundOfStump is what follow-up finds at the stump.
func foundOfStump(code string) Part {
	p := finding("tissue-induction")
	body := p.Body
	p.Body = func(w *Writer) Obj {
		o := body(w)
		o["code"] = coded("followup", code)
		return o
	}
	p.Defects = nil
	return p
}
