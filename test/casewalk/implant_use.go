package casewalk

import "strings"

// implantUse are S15 to S19: judgement, acceptance, use, follow-up.
func implantUse() []Stage {
	device, process := append(judged("category", "form", "structure", "function"), judgedDevice()...), judged("code", "process-order", "process-conformity", "process-legality", "process-completeness")
	return []Stage{
		{
			Code: "S15", Owner: "CLIN", After: []string{"S13", "S14"}, Judges: true, Gate: "G-JUDGE", Status: 422,
			Parts: append(append(append([]Part{{Key: "biological-test", Type: "DocumentReference", By: "clin-wang", As: Beside, File: true, Body: func(w *Writer) Obj {
				return w.ofCase(w.filed("test by GB/T 16886.5"))
			}}}, device...), process...),
				Part{
					Key: "device-judgement", Type: "DiagnosticReport", By: "clin-wang", Needs: paths("S15", device), Defects: conformDefects,
					Body: concludes("judgement of the device", paths("S15", device)),
				},
				Part{
					Key: "process-judgement", Type: "DiagnosticReport", By: "clin-wang", Needs: paths("S15", process), Defects: conformDefects,
					Body: concludes("judgement of the process", paths("S15", process)),
				}),
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "judgement-report", Part: "S15/device-judgement"},
				{Role: "CLIN", Purpose: "judgement-report", Part: "S15/process-judgement"},
			},
		},
		{
			Code: "S16", Owner: "CLIN", After: []string{"S15"}, Judges: true, Gate: "G-ACCEPT", Status: 422,
			Parts: []Part{{
				Key: "acceptance-record", Type: "Composition", By: "clin-wang", Body: composed("acceptance record", acceptanceSections...),
				Defects: missing(acceptanceSections),
			}},
			Signatures: []Signature{{Role: "CLIN", Purpose: "device-acceptance", Part: "S16/acceptance-record", Person: "clin-wang"}},
		},
		{
			Code: "S17", Owner: "CLIN", After: []string{"S16"}, Judges: true, Gate: "G-USE", Status: 409,
			Parts: []Part{{
				Key: "conformity-assessment", Type: "DiagnosticReport", By: "clin-wang", Body: reported("conformity assessment", "conform"),
				Defects: conformDefects,
			}},
			Signatures: []Signature{{Role: "CLIN", Purpose: "conformity", Part: "S17/conformity-assessment", Person: "clin-wang"}},
		},
		{
			Code: "S18", Owner: "CLIN", After: []string{"S17"}, Judges: true, Gate: "G-CLOSE", Status: 422,
			Parts: []Part{
				{Key: "use-record", Type: "Procedure", By: "clin-wang", Body: used, Needs: []string{"S11/device"}, Work: true},
				visit("visit-1"), visit("visit-2", "S18/visit-1"),
				finding("shape-change"), finding("tissue-induction"), finding("strength-in-use"),
				{Key: "harm-assessment", Type: "ClinicalImpression", By: "clin-wang", Body: harm},
				{Key: "followup-record", Type: "Composition", By: "clin-wang", Body: composed("follow-up record", "record")},
				{Key: "goal-status", Type: "Goal", By: "clin-wang", As: Beside, Edits: "S04/goal", Body: achieved},
			},
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "followup", Part: "S18/harm-assessment", Person: "clin-wang"},
				{Role: "CLIN", Purpose: "followup", Part: "S18/followup-record", Person: "clin-wang"},
			},
		},
		{
			Code: "S19", Owner: "CLIN", After: []string{"S18"}, Judges: true, Gate: "G-CLOSE", Status: 422,
			Parts: []Part{{Key: "feedback", Type: "Communication", By: "clin-wang", Body: feedback, Needs: []string{"S11/device"}, Defects: feedbackDefects}},
			Signatures: []Signature{
				{Role: "DES", Purpose: "acknowledgement", Part: "S19/feedback"},
				{Role: "PROD", Purpose: "acknowledgement", Part: "S19/feedback"},
			},
		},
	}
}

var (
	conformDefects = []Defect{
		{Name: "nonconform", Spoil: verdict("nonconform")},
		{Name: "preliminary", Spoil: set("status", "preliminary")},
		{Name: "no verdict", Spoil: set("conclusionCode", nil)},
	}
	feedbackDefects = []Defect{
		{Name: "not sent", Clause: []string{"R001-227"}, Spoil: set("sent", nil)},
		{Name: "in preparation", Clause: []string{"R001-227"}, Spoil: set("status", "preparation")},
		{Name: "not to production", Clause: []string{"R001-227"}, Spoil: set("recipient", refs("PractitionerRole/des-zhang"))},
		{Name: "not to design", Clause: []string{"R001-227"}, Spoil: set("recipient", refs("PractitionerRole/prod-zhou"))},
	}
	itemDefects = []Defect{
		{Name: "nonconform", Spoil: set("valueCodeableConcept", coded("verdict", "nonconform"))},
		{Name: "no verdict", Spoil: set("valueCodeableConcept", nil)},
	}
)

func judged(element string, items ...string) []Part {
	var all []Part
	for _, item := range items {
		all = append(all, Part{Key: item, Type: "Observation", By: "clin-wang", As: Beside, Needs: []string{"S11/device"}, Defects: itemDefects, Body: func(w *Writer) Obj {
			o := w.ofCase(Obj{
				"resourceType": "Observation", "status": "final", "subject": ref(w.Patient), "code": text(item), "method": coded("judgement-method", "visual"),
				"focus": refs(w.Refs["S11/device"], w.Refs["S02/image-study"], w.Refs["S04/treatment-plan"], w.Refs["S06/order"], w.Refs["S10/design-scheme"],
					w.Refs["S11/device-history-record"], w.Refs["S11/label"]),
				"performer": refs(w.By), "effectiveDateTime": instant(w.Now), "valueCodeableConcept": coded("verdict", "conform"),
			})
			if element == "category" {
				o["category"] = Arr{coded("judgement", item)}
			} else {
				o["code"] = coded("judgement", item)
			}
			return o
		}})
	}
	return all
}

// judgedDevice is what a person says of the device beside form, structure and
// function: fit, anatomy, cells and the test report.
func judgedDevice() []Part {
	var all []Part
	for _, p := range judged("code", "fit", "anatomy", "cell-response", "biocompatibility", "cytotoxicity") {
		body := p.Body
		switch p.Key {
		case "anatomy": // and the function that the order asks for
			p.Body = func(w *Writer) Obj {
				o := body(w)
				o["code"] = Obj{"coding": Arr{Obj{"system": tenon + "judgement", "code": "anatomy"}, Obj{"system": tenon + "parameter", "code": "anatomical-function"}}}
				return o
			}
		case "biocompatibility":
			p.Needs = append(p.Needs, "S15/biological-test")
			p.Body = func(w *Writer) Obj {
				o := body(w)
				o["derivedFrom"] = refs(w.Refs["S15/biological-test"])
				o["extension"] = append(o["extension"].(Arr), ext("standard-part", "valueString", "GB/T 16886.5"))
				return o
			}
		case "cytotoxicity":
			p.Defects = []Defect{{Name: "cytotoxic", Clause: []string{"R001-196"}, Spoil: set("valueInteger", 3)}}
			p.Body = func(w *Writer) Obj {
				o := body(w)
				delete(o, "valueCodeableConcept")
				o["valueInteger"] = 0
				return o
			}
		}
		all = append(all, p)
	}
	return all
}

func paths(stage string, parts []Part) []string {
	var all []string
	for _, p := range parts {
		all = append(all, stage+"/"+p.Key)
	}
	return all
}

func concludes(title string, results []string) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := w.report(title, "conform")
		items := Arr{}
		for _, r := range results {
			items = append(items, ref(w.Refs[r]))
		}
		o["result"] = items
		return o
	}
}

func used(w *Writer) Obj {
	return Obj{
		"resourceType": "Procedure", "status": "completed", "subject": ref(w.Patient), "code": text("cranioplasty"), "performedDateTime": instant(w.Now),
		"focalDevice": Arr{Obj{"manipulated": ref(w.Refs["S11/device"])}},
	}
}

// visit is one after the use, for as long as the follow-up lasts in a walk.
func visit(key string, needs ...string) Part {
	return Part{Key: key, Document: "visit", Type: "Encounter", By: "clin-wang", Needs: append([]string{"S18/use-record"}, needs...), Body: func(w *Writer) Obj {
		return Obj{
			"resourceType": "Encounter", "status": "finished", "subject": ref(w.Patient),
			"class":  Obj{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
			"period": Obj{"start": instant(w.Now), "end": instant(w.Now)},
		}
	}, Defects: []Defect{{Name: "planned", Clause: []string{"R001-220"}, Spoil: set("status", "planned")}}}
}

func finding(code string) Part {
	return Part{Key: code, Document: "finding", Type: "Observation", By: "clin-wang", Needs: []string{"S11/device"}, Body: func(w *Writer) Obj {
		return Obj{
			"resourceType": "Observation", "status": "final", "code": coded("followup", code), "subject": ref(w.Patient), "device": ref(w.Refs["S11/device"]),
			"effectiveDateTime": instant(w.Now), "valueCodeableConcept": coded("followup-result", "as-expected"),
		}
	}, Defects: []Defect{{Name: "another finding", Clause: []string{"R001-222", "R001-223"}, Spoil: set("code", coded("followup", strings.ToUpper(code)))}}}
}

func harm(w *Writer) Obj {
	return Obj{"resourceType": "ClinicalImpression", "status": "completed", "subject": ref(w.Patient), "date": instant(w.Now), "summary": "no harm found"}
}

// achieved is the goal as it stands after the follow-up.
func achieved(w *Writer) Obj {
	o := goal(w)
	o["achievementStatus"] = foreign("goal-achievement", "achieved")
	return o
}

func feedback(w *Writer) Obj {
	return Obj{
		"resourceType": "Communication", "status": "completed", "subject": ref(w.Patient), "sent": instant(w.Now), "sender": ref(w.By),
		"recipient": refs(w.who("des-zhang"), w.who("prod-zhou")), "about": refs(w.Refs["S11/device"]),
		"payload": Arr{Obj{"contentString": "Healed without complaint; fit as designed."}},
	}
}
