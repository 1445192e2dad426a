package casework_test

import (
	"slices"
	"sync"
	"testing"

	"tenon/fhir/tree"
)

// socketScript is the walk through the socket process. What an implant's walk
// does as well is the same function; socketAmends adds what a socket has more.
var socketScript = []step{
	{"S01", clin, "CLIN", workConsent}, {"S02", img, "IMG", workScan}, {"S03a", clin, "CLIN", workScanConfirmation},
	{"S05", hosp, "HOSP", workAgreement}, {"S03b", des, "DES", workReview}, {"S04", clin, "CLIN", workPlan},
	{"S06", clin, "CLIN", workSocketOrder}, {"S07", des, "DES", workInput}, {"S08", des, "DES", workSocketDesign},
	{"S09", des, "DES", workSocketVerification}, {"S10", des, "DES", workDesignConfirmation},
	{"S11a", prod, "PROD", workPreProcessing}, {"S11", prod, "PROD", workSocketProduction}, {"S11b", clin, "CLIN", workFitting},
	{"S13", logist, "LOG", workDelivery}, {"S14", mfr, "MFR", workData}, {"S15", clin, "CLIN", workSocketJudgement},
	{"S16", clin, "CLIN", workWearing}, {"S17", clin, "CLIN", workRelease}, {"S18", clin, "CLIN", workFollowUp},
	{"S19", clin, "CLIN", workFeedback},
}

// more appends to a list of a document.
func more(name string, items ...any) func(b obj) {
	return func(b obj) {
		list, _ := b[name].(arr)
		b[name] = append(slices.Clone(list), items...)
	}
}

func filled(codes ...string) []any {
	return composition("", clin, codes...)["section"].(arr)
}

// treated puts the treatment plan where an implant has a surgical plan; a socket
// is neither disinfected nor sterilised.
func treated(b obj) {
	b["section"] = slices.DeleteFunc(b["section"].(arr), func(s any) bool {
		return is("code", "disinfection")(s.(obj)) || is("code", "sterilisation")(s.(obj))
	})
	for _, s := range b["section"].(arr) {
		switch {
		case is("code", "surgical-plan")(s.(obj)):
			s.(obj)["code"] = concept("urn:tenon:section", "treatment-plan")
		case is("code", "patient-data")(s.(obj)) && s.(obj)["entry"] != nil:
			s.(obj)["entry"] = arr{ref("DocumentReference/scan")}
		case is("code", "scan-parameters")(s.(obj)) && s.(obj)["entry"] != nil:
			s.(obj)["entry"] = arr{ref("Procedure/acquisition")}
		}
	}
}

var socketAmends = map[string]func(b obj){
	"Consent/consent": func(b obj) {
		p := b["provision"].(obj)
		p["purpose"] = append(p["purpose"].(arr), obj{"code": "photography"})
	},
	"Condition/defect":   func(b obj) { b["bodySite"] = sites("transtibial", "left") },
	"Composition/input":  treated,
	"Composition/scheme": treated,
	"CarePlan/plan":      func(b obj) { b["supportingInfo"] = arr{ref("DocumentReference/scan")} },
	"DocumentReference/model": func(b obj) {
		c := b["content"].(arr)[0].(obj)
		a := c["attachment"].(obj)
		a["contentType"] = "model/stl"
		more("extension", ext("length-unit", "valueCode", "mm"))(a)
		c["format"] = obj{"system": "urn:tenon:file-format", "code": "STL"}
	},
	"Composition/design-output": func(b obj) {
		more("section", filled("dimension-design", "biomechanical-zones", "thickness-design", "topology-design", "alignment-connection", "personalisation")...)(b)
		for _, s := range b["section"].(arr) {
			if is("code", "output-list")(s.(obj)) {
				more("entry", fileEntry("surface", "surface"))(s.(obj))
			}
		}
		brim := filled("brim-design")[0].(obj)
		brim["entry"] = arr{ref("DocumentReference/scan")}
		more("section", brim)(b)
	},
	"DeviceDefinition/design": func(b obj) {
		b["deviceName"] = arr{obj{"name": "transtibial socket", "type": "user-friendly-name"}}
		b["parentDevice"] = ref("DeviceDefinition/family-transtibial-socket")
		for _, code := range []string{"amputation-level", "personalisation", "colour", "foot-length-override"} {
			more("property", property("urn:tenon:parameter", code, "valueCode", arr{obj{"text": "as designed"}}))(b)
		}
		for _, zone := range []string{"load-bearing", "relief", "suspension"} {
			more("property", property("urn:tenon:socket-zone", zone, "valueQuantity", arr{mm(1.5)}))(b)
		}
		thickness := property("urn:tenon:socket-property", "thickness", "valueQuantity", arr{mm(4)})
		thickness["extension"] = arr{ext("rationale", "valueString", "PA12 by powder bed fusion, 90 kg")}
		more("property", thickness, property("urn:tenon:socket-property", "interface", "valueCode", arr{obj{"coding": arr{obj{"code": "pyramid"}}}}))(b)
	},
	"DiagnosticReport/capability": func(b obj) { b["subject"] = ref("Device/printer-polymer") },
	"Observation/i-look": func(b obj) {
		for _, code := range []string{"amputation-level", "personalisation", "colour", "foot-length-override"} {
			more("coding", obj{"system": "urn:tenon:parameter", "code": code})(b["code"].(obj))
		}
	},
	"Composition/history": func(b obj) {
		for i, r := range map[int]string{0: "DocumentReference/scan", 2: "DocumentReference/build", 3: "ActivityDefinition/pbf-pa12", 4: "Substance/pa12-lot", 5: "Device/printer-polymer"} {
			b["section"].(arr)[i].(obj)["entry"] = arr{ref(r)}
		}
	},
	"DiagnosticReport/device-judgement": func(b obj) {
		for _, id := range []string{"appearance", "skin-hazard", "printed-dimension", "height-difference", "foot-length-difference", "shoe-fit", "alignment", "odour", "skin-reaction-risk", "inner-diameter"} {
			more("result", ref("Observation/"+id))(b)
		}
	},
}

// socket is the process of a lower-limb socket.
var socket = &process{plan: "socket", script: socketScript, stops: socketStops, removals: socketRemovals, ready: waiveCapability}

// socketStops are the stops of its walk, as stops are those of the implant.
var socketStops = sync.OnceValue(func() map[string]*world {
	t := &recorder{}
	w := openSocket(t)
	all := map[string]*world{}
	for _, step := range socketScript {
		all[step.stage+" handed-over"] = w.at(t)
		w.accept(step.stage, step.owner, step.role)
		switch step.stage {
		case "S02":
			w.lay(scanner(true), img.Principal)
			task := w.get(w.task("S02"))
			in, _ := task["input"].([]any)
			task["input"] = append(in, output("scanner", "Device/scanner"))
			w.must(img, task)
		case "S11":
			readyToPrint(w)
		}
		all[step.stage+" accepted"] = w.at(t)
		waiveCapability(w, step.stage)
		w.must(step.owner, w.set(step.stage, step.owner, "in-progress", "working"))
		step.work(w)
		all[step.stage+" working"] = w.at(t)
		w.must(step.owner, w.set(step.stage, step.owner, "completed", "completed"))
	}
	all["closed"] = w
	return all
})

const socketSettings = `{"resourceType":"Parameters","parameter":[
	{"name":"case-number","valueString":"P-2026-001"},{"name":"subject","valueReference":{"reference":"Patient/p"}},
	{"name":"followup-visits","valueInteger":2},
	{"name":"followup-duration","valueDuration":{"value":5,"unit":"min","system":"http://unitsofmeasure.org","code":"min"}},
	{"name":"image-age","valueDuration":{"value":30,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`

func openSocket(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, "socket")
	w.amend = socketAmends
	doc, err := tree.Parse([]byte(socketSettings))
	if err != nil {
		t.Fatal(err)
	}
	w.open(doc.Root(), clin)
	w.lay(obj{
		"resourceType": "Patient", "id": "p", "name": arr{obj{"text": "张三"}}, "gender": "male", "birthDate": "1980-05-06",
		"identifier": arr{obj{"type": hl7("v2-0203", "MR"), "system": "urn:hospital:mr", "value": "MR-7"}},
	}, clin.Principal)
	return w
}

func TestSocketCase(t *testing.T) {
	w := socketStops()["closed"].at(t)
	if got := w.members["Task/root"].Root.Field("status").Str(); got != "completed" {
		t.Errorf("R003-001 after S19 the case is %q, want completed", got)
	}
	if r := w.engine.Report(w.snapshot()); r.Plan != "urn:tenon:plan:socket|1.0.0" || len(r.Stages) != len(socketScript) {
		t.Errorf("Report = %s with %d stages, want the socket plan with %d", r.Plan, len(r.Stages), len(socketScript))
	}
	if len(w.messages) != 1 || w.messages[0].Kind != "job-order" {
		t.Errorf("messages = %v, want one job order", w.messages)
	}
	for _, r := range w.members {
		if r.Type == "Task" && r.Author == "server" {
			judge(t, r.Root.Raw())
		}
	}
}

func TestSocketConditionsBlock(t *testing.T) { socket.everyConditionBlocks(t) }
func TestSocketGatesOpen(t *testing.T)       { socket.gatesOpen(t) }
func TestSocketSignaturesBlock(t *testing.T) { socket.everySignatureBlocks(t) }
func TestSocketOutputsBlock(t *testing.T)    { socket.everyOutputBlocks(t) }
