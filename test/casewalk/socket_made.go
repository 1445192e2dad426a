package casewalk

import "slices"

// socketOperations are the steps of production and the store in their order (003
// clause 5.3, 5.4).
var socketOperations = []string{
	"design-software", "equipment", "raw-material-test", "print", "support-removal", "finishing", "colouring", "cleaning", "assembly", "device-test",
	"packaging", "warehouse-in", "warehouse-out",
}

// madeSocket is S11: print, post-processing, assembly.
func madeSocket(s *Stage) {
	s.After, s.EndParts, s.EndStages = []string{"S11a"}, nil, nil
	s.WorkNeeds = []string{"S11/machine", "S11/material", "S11/process", "S11/capability-assessment", "S11/safety-powder"}
	beside := func(key, kind string, body func(*Writer) Obj) Part {
		return Part{Key: key, Type: kind, By: "qa-wu", Body: body}
	}
	given := func(key, kind, target string) Part {
		return Part{Key: key, Type: kind, By: "prod-zhou", As: Input, Given: target}
	}
	s.drop("machine", "material", "process", "look", "smoothness", "inspection", "inspection-report", "device", "device-history-record")
	s.Parts = slices.DeleteFunc(s.Parts, func(p Part) bool { return p.Type == "Task" })
	s.redo("capability-assessment", func(_ *Writer, o Obj) { o["subject"] = ref("Device/printer-polymer") })
	filament := given("material", "Substance", "Substance/pa12-lot")
	filament.Wrong = []Wrong{{Ref: "Substance/pa6-filament", Rule: "G-PRODUCE/material-form-suits"}}
	s.Parts = append(s.Parts,
		given("machine", "Device", "Device/printer-polymer"), filament, given("process", "ActivityDefinition", "ActivityDefinition/pbf-pa12"),
		beside("safety-powder", "DiagnosticReport", safe("Substance/pa12-lot")), beside("safety-lacquer", "DiagnosticReport", safe("Substance/skin-lacquer")),
		beside("print-inspection", "Observation", printed), beside("surface-inspection", "Observation", surfaced),
		Part{Key: "socket", Document: "device", Type: "Device", By: "prod-zhou", Body: socketDevice, Needs: []string{"S11/device"}, Defects: []Defect{
			{Name: "not assembled", Rule: "G-RELEASE/assembled", Spoil: set("parent", nil)},
		}},
		Part{Key: "device", Type: "Device", By: "prod-zhou", Body: prosthesis, Needs: []string{"S08/design-definition", "S10/confirmation-form"}},
		profiled(Part{Key: "component", Type: "Device", By: "prod-zhou", Body: foot, Needs: []string{"S11/device"}}, []string{"R003-004"}, lacking("manufacturer"), lacking("deviceName")),
		profiled(Part{Key: "assembly-check", Type: "QuestionnaireResponse", By: "prod-zhou", Body: answered("socket-assembly", nil)}, []string{"R003-064", "R003-065"}, lacking("author"), lacking("authored")),
		Part{Key: "inspection", Type: "Observation", By: "qa-wu", As: Beside, Body: inspected, Needs: []string{"S11/socket"}},
		Part{Key: "inspection-report", Type: "DiagnosticReport", By: "qa-wu", Needs: []string{"S11/inspection"}, Defects: passDefects, Body: tested("inspection-report", "inspection report", "S11/inspection")},
		Part{Key: "device-history-record", Type: "Composition", By: "prod-zhou", Body: socketHistory, Needs: []string{"S11a/build-file"}, Defects: historyDefects()})
	for i := range s.Parts {
		if key := s.Parts[i].Key; key == "safety-powder" || key == "safety-lacquer" {
			s.Parts[i].Document = "material-safety"
		}
	}
	for i, code := range socketOperations {
		s.Parts = append(s.Parts, Part{Key: "operation-" + code, Type: "Task", By: "prod-zhou", As: Beside, Work: true, Defects: socketOperationDefects(code), Body: func(w *Writer) Obj { return socketOperation(w, i, code) }})
	}
	s.Signatures = append(s.Signatures, Signature{Role: "PROD", Purpose: "assembly", Part: "S11/assembly-check"})
	s.Waivers = append(s.Waivers, Waiver{Condition: "machine-capability", Role: "PROD", Work: true, Status: 409}, Waiver{Condition: "assembly-transtibial", Role: "QA"})
}

// judgedSocket is S15: the items of 003 clauses 5.4 and 6.
func judgedSocket(s *Stage) {
	s.drop("cytotoxicity")
	var items []string
	item := func(key string, body func(*Writer) Obj, defects ...Defect) {
		s.Parts = append(s.Parts, Part{Key: key, Type: "Observation", By: "clin-wang", Body: body, Needs: []string{"S11/device"}, Defects: defects})
		items = append(items, "S15/"+key)
	}
	conform := []string{"valueCodeableConcept"}
	said := func(of, method string) func(*Writer) Obj {
		return seen3(of, method, conform[0], coded("verdict", "conform"))
	}
	item("appearance", said("appearance", "sight"))
	item("odour", said("odour", "smell"))
	item("skin-reaction-risk", said("skin reaction", "touch"))
	item("skin-hazard", seen3("hazard to the skin", "touch", "valueBoolean", false), Defect{Name: "there is one", Unfit: true, Spoil: set("valueBoolean", true)})
	item("shoe-fit", seen3("shoe", "sight", "valueBoolean", true), Defect{Name: "no shoe fits", Spoil: set("valueBoolean", false)})
	item("printed-dimension", compared("calliper", "measured", 98.4, "model", 98.2),
		Defect{Name: "0.9 mm off", Spoil: set("component", Arr{long("measured", 99.1), long("model", 98.2)})})
	item("inner-diameter", gauged)
	item("height-difference", compared("tape", "sound", 452, "prosthesis", 448),
		Defect{Name: "11 mm short", Rule: "G-JUDGE/height-within", Spoil: set("component", Arr{long("sound", 452), long("prosthesis", 441)})})
	item("foot-length-difference", compared("tape", "sound", 245, "prosthesis", 240))
	item("alignment", aligned)
	part := s.redo("device-judgement", func(w *Writer, o Obj) {
		kept := Arr{}
		for _, r := range o["result"].(Arr) {
			if str(r, "reference") != "" {
				kept = append(kept, r)
			}
		}
		o["result"] = append(kept, refsOf(w, items)...)
	})
	part.Needs = append(slices.DeleteFunc(slices.Clone(part.Needs), func(n string) bool { return n == "S15/cytotoxicity" }), items...)
	s.Waivers = append(s.Waivers, Waiver{Condition: "alignment-transtibial", Role: "CLIN"})
}

// worn is S16: the tests of wearing (003 clause 5.5).
func worn(s *Stage) {
	part := s.redo("acceptance-record", func(w *Writer, o Obj) {
		device := sectionOf(o, "device")
		device["entry"] = append(device["entry"].(Arr), ref(w.version("S11/socket")))
	})
	part.Needs = append(slices.Clone(part.Needs), "S11/socket")
	item := func(key, document string, body func(*Writer) Obj, defects ...Defect) {
		s.Parts = append(s.Parts, Part{Key: key, Document: document, Type: "Observation", By: "clin-wang", Body: body, Defects: defects})
	}
	item("donning", "", seen3("donning and doffing", "interview", "valueCodeableConcept", coded("verdict", "conform")))
	item("sitting", "", parts3("sitting", "instrument", part3("knee-angle", "valueQuantity", quantity(98, "deg")), part3("can-sit", "valueBoolean", true)))
	stand := func(load float64) Arr {
		return Arr{long("foot-gap", 80), part3("load", "valueQuantity", quantity(load, "%")), part3("stable", "valueBoolean", true)}
	}
	item("standing", "", parts3("standing", "instrument", stand(49)...), Defect{Name: "41 % on the prosthesis", Rule: "G-ACCEPT/loads-equally", Spoil: set("component", stand(41))})
	item("foot-length", "", compared("tape", "sound", 245, "prosthesis", 240))
	item("limb-length", "", compared("tape", "sound", 452, "prosthesis", 447), Defect{Name: "12 mm short", Spoil: set("component", Arr{long("sound", 452), long("prosthesis", 440)})})
	item("stump-skin", "", parts3("skin of the stump", "sight", found("pressure", "absent"), found("pain", "absent")))
	for _, activity := range []string{"different-surfaces", "stairs-up", "stairs-down", "cycling", "squatting"} {
		item("gait-"+activity, "gait", func(w *Writer) Obj {
			all := Arr{}
			for _, p := range []string{"stance", "swing", "gait", "noise"} {
				all = append(all, part3(p, "valueCodeableConcept", coded("normality", "normal")))
			}
			return seenBy(w, "sight", Obj{"code": coded("gait-activity", activity), "component": all})
		})
	}
}

// socketOperationDefects: what the general process asks of an operation binds a
// socket too (001 6.2.3).
func socketOperationDefects(code string) []Defect {
	var all []Defect
	for _, d := range operationDefects(code) {
		if d.Name == "no operator" || d.Name == "no result" {
			all = append(all, d)
		}
	}
	if code == "print" {
		all = append(all, Defect{Name: "a parameter outside its window", Rule: "G-RELEASE/process-recorded", Spoil: func(o Obj) {
			list(o, "input")[0]["valueQuantity"] = quantity(9, "mm")
		}})
	}
	return all
}
