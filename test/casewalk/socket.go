package casewalk

import (
	"slices"
	"strings"
)

// socket is the process of a lower-limb prosthetic socket (source 003), as the
// description and the public protocol have it: what is not said here is as for
// an implant.
func socket() *Process {
	shared := implant()
	like := func(code string, change func(s *Stage)) Stage {
		s := *shared.stage(code)
		s.Parts = slices.Clone(s.Parts)
		s.Signatures, s.Waivers = slices.Clone(s.Signatures), slices.Clone(s.Waivers)
		if change != nil {
			change(&s)
		}
		return s
	}
	return &Process{
		Plan: "socket", Opener: "clin-wang", Settings: func(patient, number string) Arr {
			all := Arr{}
			for _, p := range implantSettings(patient, number) {
				if str(p, "name") != "retained-samples" {
					all = append(all, p)
				}
			}
			return all
		},
		Stages: []Stage{
			like("S01", func(s *Stage) {
				s.redo("consent", alsoPhotographs)
			}),
			acquisitionStage(), like("S05", nil), like("S03a", checkedModel), like("S03b", nil),
			like("S04", func(s *Stage) { s.redo("condition", ofStump) }), like("S06", orderedSocket),
			like("S07", func(s *Stage) {
				part := s.redo("design-input", treated)
				part.Needs = []string{"S07/conversion", "S02/acquisition"}
				part.Defects = missing(sectionsOf(inputSections))
			}),
			like("S08", designedSocket), like("S09", verifiedSocket),
			like("S10", func(s *Stage) {
				part := s.redo("design-scheme", nil)
				sections := sectionsOf(schemeSections)
				part.Body, part.Defects = as("design-scheme", composed("design scheme", sections...)), missing(sections)
			}),
			preProcessing(), like("S11", madeSocket), fitting(),
			like("S13", func(s *Stage) { s.After = []string{"S11b"} }), like("S14", func(s *Stage) { s.After = []string{"S11"} }),
			like("S15", judgedSocket), like("S16", worn),
			like("S17", func(s *Stage) { s.redo("followup-plan", followsSocket) }),
			like("S18", func(s *Stage) {
				s.redo("usage-report", func(_ *Writer, o Obj) { o["bodySite"] = stump() })
				for i, code := range []string{"stump-change", "skin-condition", "socket-fit"} {
					old := []string{"shape-change", "tissue-induction", "strength-in-use"}[i]
					part := s.redo(old, nil)
					key := part.Key
					*part = foundOfStump(code)
					part.Key = key // what the record lists goes by it
				}
			}),
			like("S19", nil),
		},
	}
}

// redo wraps the writing of a part.
func (s *Stage) redo(key string, change func(*Writer, Obj)) *Part {
	for i := range s.Parts {
		p := &s.Parts[i]
		if p.Key != key {
			continue
		}
		if before := p.Body; change != nil {
			p.Body = func(w *Writer) Obj {
				o := before(w)
				change(w, o)
				return o
			}
		}
		return p
	}
	panic("no part " + key) // of our own tables
}

func (s *Stage) drop(keys ...string) {
	s.Parts = slices.DeleteFunc(s.Parts, func(p Part) bool { return slices.Contains(keys, p.Key) })
}

// sectionsOf are those of an implant without what a socket does not have.
func sectionsOf(implants []string) []string {
	var all []string
	for _, name := range implants {
		switch name {
		case "disinfection", "sterilisation":
		case "surgical-plan":
			all = append(all, "treatment-plan")
		default:
			all = append(all, name)
		}
	}
	return all
}

// acquisitionStage is S02: scan, landmarks, measures, photographs.
func acquisitionStage() Stage {
	const scan = "S02/image-study"
	output := func(key, document, kind string, body func(*Writer) Obj, needs ...string) Part {
		return Part{Key: key, Document: document, Type: kind, By: "img-li", Body: body, Needs: needs}
	}
	median := output("measure-circumference", "stump-measure", "Observation", measured("circumference", 312.4, 312.1, 312.4, 313))
	median.Defects = []Defect{{Name: "the mean", Rule: "measured-thrice", Clause: []string{"R003-021"}, Spoil: set("valueQuantity", quantity(312.5, "mm"))}}
	accuracy := output("scan-accuracy", "scan-accuracy", "Observation", seen3("error of the contour", "software", "valueQuantity", quantity(-0.28, "mm")))
	accuracy.Defects = []Defect{{Name: "0.62 mm", Rule: "contour-accuracy", Spoil: set("valueQuantity", quantity(0.62, "mm"))}}
	prominence, relief := output("landmark-prominence", "landmark", "Observation", landmark("bony-prominence"), scan), output("landmark-relief", "landmark", "Observation", landmark("relief-area"), scan)
	prominence.Or, relief.Or = relief.Key, prominence.Key
	length := output("measure-length", "stump-measure", "Observation", measured("length", 151, 151.2, 150.7, 151))
	median.Or, length.Or = length.Key, median.Key
	return Stage{
		Code: "S02", Owner: "IMG", Also: []string{"CLIN"}, After: []string{"S01"}, Status: 422, WorkNeeds: []string{"S02/scanner"}, WorkStatus: 422,
		Parts: []Part{
			{Key: "scanner", Type: "Device", By: "img-li", As: Input, Body: scanner},
			{Key: "image-study", Type: "DocumentReference", By: "img-li", File: true, Body: scanned},
			output("acquisition", "", "Procedure", acquisition, "S02/scanner"),
			output("photograph-sagittal", "photograph", "Media", photograph("sagittal")), output("photograph-frontal", "photograph", "Media", photograph("frontal")),
			prominence, relief, median, length, accuracy,
			profiled(output("acquisition-checklist", "", "QuestionnaireResponse", answered("acquisition", Obj{"posture": Obj{"valueString": "seated, knee flexed 30°"}})), []string{"R003-012"},
				lacking("author"), lacking("authored"), Defect{Name: "not complete", Spoil: refusedAnswer("complete")}, Defect{Name: "covered", Spoil: refusedAnswer("uncovered")}),
		},
		Signatures: []Signature{{Role: "IMG", Purpose: "acquisition", Part: scan}, {Role: "IMG", Purpose: "acquisition", Part: "S02/acquisition-checklist"}},
	}
}

// checkedModel is S03a: the model of the stump is judged, and measured again.
func checkedModel(s *Stage) {
	var items []string
	for _, item := range []string{"smooth", "no-holes", "nothing-missing", "no-distortion", "landmarks-visible", "irrelevant-removed"} {
		s.Parts = append(s.Parts, Part{Key: item, Type: "Observation", By: "clin-wang", As: Beside, Body: func(w *Writer) Obj {
			return w.ofCase(seenBy(w, "sight", Obj{"code": coded("model-check", item), "valueCodeableConcept": coded("verdict", "pass")}))
		}})
		items = append(items, "S03a/"+item)
	}
	s.Parts = append(s.Parts, Part{Key: "stump-model-check", Type: "DiagnosticReport", By: "clin-wang", Needs: items, Defects: append([]Defect{{Name: "failed", Rule: "stump-model-checked", Spoil: verdict("fail")}},
		ofProfile("stump-model-check", []string{"R003-077"}, lacking("performer"), lacking("issued"), lacking("conclusionCode"))...), Body: func(w *Writer) Obj {
		o := as("stump-model-check", func(w *Writer) Obj { return w.report("check of the stump model", "pass") })(w)
		o["result"] = refsOf(w, items)
		return o
	}}, Part{Key: "scan-check", Type: "Observation", By: "clin-wang", Body: func(w *Writer) Obj {
		return seenBy(w, "tape", Obj{"code": text("measured again"), "component": Arr{long("software", 312.4), long("tape", 312.1)}})
	}, Defects: []Defect{{Name: "the tape says otherwise", Rule: "accuracy-measured-again", Spoil: set("component", Arr{long("software", 312.4), long("tape", 313.1)})}}})
	s.Signatures = append(s.Signatures, Signature{Role: "CLIN", Purpose: "data-confirmation", Part: "S03a/stump-model-check"})
}

func orderedSocket(s *Stage) {
	s.drop("ethics-approval")
	part := s.redo("order", orderOfSocket)
	part.Defects = slices.DeleteFunc(slices.Clone(part.Defects), func(d Defect) bool {
		name, is := strings.CutPrefix(d.Name, "no parameter ")
		return is && !slices.Contains(socketDemands, name) || d.Name == "no domain"
	})
	part.Defects = append(part.Defects, Defect{Name: "of another level", Rule: "G-ORDER/order-level", Spoil: func(o Obj) {
		for _, p := range list(o, "parameter") {
			if str(p, "code", "coding", "code") == "amputation-level" {
				list(p, "valueCodeableConcept", "coding")[0]["code"] = "transfemoral"
			}
		}
	}})
}

// designedSocket is S08.
func designedSocket(s *Stage) {
	by := func(key, document, kind string, body func(*Writer) Obj, needs ...string) Part {
		return Part{Key: key, Document: document, Type: kind, By: "des-zhang", Body: body, Needs: needs}
	}
	s.redo("design-model", formatted)
	part := s.redo("design-definition", definedSocket)
	part.Defects = slices.DeleteFunc(slices.Clone(part.Defects), func(d Defect) bool {
		name, is := strings.CutPrefix(d.Name, "untraced ")
		return is && !slices.Contains(socketDemands, name)
	})
	part = s.redo("design-output", socketSections)
	part.Needs = append(slices.Clone(part.Needs), "S08/surface-model")
	part.Defects = append(slices.Clone(part.Defects), missing(socketOutputSections[:1])...) // the others are asked for at verification (003 5.2.4)
	part.Defects = append(part.Defects, Defect{Name: "does not list the surface model", Rule: "G-OUTPUT/output-list-files", Spoil: func(o Obj) {
		files := sectionOf(o, "output-list")
		entry := files["entry"].(Arr)
		files["entry"] = entry[:len(entry)-1]
	}})
	surface := by("surface-model", "", "DocumentReference", surfaceModel)
	surface.File = true
	surface = profiled(surface, []string{"R003-023", "R003-034", "R001-104", "R001-111", "R001-121"}, lacking("type"), Defect{Name: "without its software", Spoil: unextended("produced-with")})
	s.Parts = append(s.Parts, surface,
		by("measure-circumference", "socket-measure", "Observation", designedMeasure("circumference", 303), "S02/measure-circumference"),
		by("measure-length", "socket-measure", "Observation", designedMeasure("length", 149), "S02/measure-length"),
		by("design-alignment", "", "Observation", aligned), profiled(by("component", "", "DeviceDefinition", adapter), []string{"R003-029"}, lacking("deviceName"), lacking("property")),
		by("connection-check", "", "Observation", func(w *Writer) Obj {
			return seenBy(w, "software", Obj{"code": text("connection"), "valueQuantity": quantity(0.02, "mm"), "interpretation": Arr{coded("verdict", "pass")}})
		}))
	s.Waivers = append(s.Waivers, Waiver{Condition: "design-alignment-within", Role: "CLIN"}, Waiver{Condition: "connection-within", Role: "PROD"})
}

func verifiedSocket(s *Stage) {
	s.Parts = append(s.Parts, Part{Key: "shape-check", Type: "DiagnosticReport", By: "des-zhang", Defects: append(slices.Clone(passDefects[:1]), ofProfile("shape-check", []string{"R003-079"}, lacking("performer"), lacking("issued"), lacking("conclusion"))...), Body: func(w *Writer) Obj {
		o := as("shape-check", func(w *Writer) Obj { return w.report("comparison of socket and stump", "pass") })(w)
		o["conclusion"] = "reduction 3 %, relief over the fibular head"
		o["extension"] = Arr{ext("compared", "valueReference", ref(w.Refs["S02/image-study"])), ext("compared", "valueReference", ref(w.Refs["S08/design-model"]))}
		return o
	}}, Part{Key: "socket-dimension", Type: "Observation", By: "des-zhang", Body: func(w *Writer) Obj {
		return seenBy(w, "calliper", Obj{"code": text("dimension"), "component": Arr{long("model", 98.2), long("physical", 98.3)}})
	}})
	s.Signatures = append(s.Signatures, Signature{Role: "DES", Purpose: "verification", Part: "S09/shape-check"})
}

// preProcessing is S11a: the build file and the signed check of its parameters.
func preProcessing() Stage {
	return Stage{
		Code: "S11a", Owner: "PROD", After: []string{"S10"}, Judges: true, Status: 422,
		Parts: []Part{
			{Key: "build-file", Type: "DocumentReference", By: "prod-zhou", File: true, Body: buildFile},
			profiled(Part{Key: "machining-check", Type: "QuestionnaireResponse", By: "prod-zhou", Body: answered("machining-check", Obj{
				"layer-thickness": Obj{"valueQuantity": quantity(0.1, "mm")}, "print-direction": Obj{"valueString": "upright, brim up"},
				"supports": Obj{"valueString": "none: the powder supports"},
			})}, []string{"R003-084"}, lacking("author"), Defect{Name: "no procedure", Spoil: refusedAnswer("procedure")}, Defect{Name: "mechanical unfit", Spoil: refusedAnswer("mechanical")}),
		},
		Signatures: []Signature{{Role: "PROD", Purpose: "machining-check", Part: "S11a/machining-check"}},
	}
}

// fitting is S11b: prosthetist and patient confirm the fit.
func fitting() Stage {
	return Stage{
		Code: "S11b", Owner: "CLIN", After: []string{"S11"}, Judges: true, Status: 422,
		Parts: []Part{{Key: "fit-confirmation", Type: "DiagnosticReport", By: "clin-wang", Defects: conformDefects, Body: func(w *Writer) Obj {
			o := w.report("confirmation of the fit", "conform")
			o["extension"] = Arr{ext("about-device", "valueReference", ref(w.Refs["S11/device"]))}
			return o
		}}},
		Signatures: []Signature{
			{Role: "CLIN", Purpose: "fit-confirmation", Part: "S11b/fit-confirmation"}, {Role: "PAT", Purpose: "fit-confirmation", Part: "S11b/fit-confirmation"},
		},
	}
}

// profiled adds what the profile of a document asks for, by its defects.
func profiled(p Part, clause []string, defects ...Defect) Part {
	p.Defects = append(slices.Clone(p.Defects), ofProfile(p.Key, clause, defects...)...)
	return p
}

func ofProfile(document string, clause []string, defects ...Defect) []Defect {
	for i := range defects {
		defects[i].Rule, defects[i].Clause = "profile-"+document, clause
	}
	return defects
}

func lacking(element string) Defect { return Defect{Name: "no " + element, Spoil: set(element, nil)} }

// refusedAnswer answers no.
func refusedAnswer(link string) func(Obj) {
	return func(o Obj) {
		for _, item := range list(o, "item") {
			if str(item, "linkId") == link {
				item["answer"] = Arr{Obj{"valueBoolean": false}}
			}
		}
	}
}
