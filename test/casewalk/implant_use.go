package casewalk

import (
	"maps"
	"slices"
	"time"
)

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
					Body: concludes("device-judgement", "judgement of the device", paths("S15", device)),
				},
				Part{
					Key: "process-judgement", Type: "DiagnosticReport", By: "clin-wang", Needs: paths("S15", process), Defects: conformDefects,
					Body: concludes("process-judgement", "judgement of the process", paths("S15", process)),
				}),
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "judgement-report", Part: "S15/device-judgement", Person: attendance},
				{Role: "CLIN", Purpose: "judgement-report", Part: "S15/process-judgement", Person: attendance},
			},
		},
		{
			Code: "S16", Owner: "CLIN", After: []string{"S15"}, Judges: true, Gate: "G-ACCEPT", Status: 422,
			Parts: []Part{{
				Key: "acceptance-record", Type: "Composition", By: "clin-wang", Body: accepts, Needs: slices.Collect(maps.Values(acceptedObjects)),
				Defects: append(missing(acceptanceSections), acceptanceDefects...),
			}},
			Signatures: []Signature{{Role: "CLIN", Purpose: "device-acceptance", Part: "S16/acceptance-record", Person: attendance}},
		},
		{
			Code: "S17", Owner: "CLIN", After: []string{"S16"}, Judges: true, Gate: "G-USE", Status: 409,
			Parts: []Part{{
				Key: "conformity-assessment", Type: "DiagnosticReport", By: "clin-wang", Body: concludes("conformity-assessment", "conformity assessment", nil),
				Defects: conformDefects,
			}, {Key: "followup-plan", Type: "CarePlan", By: "clin-wang", Body: followUpPlan, Defects: followUpPlanDefects},
				{Key: "contingency-plan", Type: "DocumentReference", By: "clin-wang", Body: as("contingency-plan", file("contingency plan")), File: true}},
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "conformity", Part: "S17/conformity-assessment", Person: attendance},
				{Role: "CLIN", Purpose: "followup", Part: "S17/followup-plan"},
			},
		},
		{
			Code: "S18", Owner: "CLIN", After: []string{"S17"}, Judges: true, Gate: "G-CLOSE", Status: 422,
			Parts: []Part{
				{Key: "use-record", Type: "Procedure", By: "clin-wang", Body: used, Needs: []string{"S11/device"}, Defects: []Defect{
					{Name: "planned", Spoil: set("status", "preparation")},
					{Name: "after the visits", Clause: []string{"R001-220"}, Spoil: func(o Obj) { o["performedDateTime"] = instant(time.Now()) }},
				}},
				{Key: "usage-report", Type: "DeviceUseStatement", By: "clin-wang", Body: usage, Needs: []string{"S11/device"}},
				visit("visit-1"), visit("visit-2", "S18/visit-1"),
				finding("shape-change"), finding("tissue-induction"), finding("strength-in-use"),
				{Key: "harm-assessment", Type: "ClinicalImpression", By: "clin-wang", Body: harm, Defects: harmDefects},
				{Key: "followup-record", Type: "Composition", By: "clin-wang", Body: followUpRecord, Needs: followUpEntries, Defects: missing(followUpSections)},
				{Key: "goal-status", Type: "Goal", By: "clin-wang", As: Beside, Edits: "S04/goal", Body: achieved},
			},
			Signatures: []Signature{
				{Role: "CLIN", Purpose: "followup", Part: "S18/harm-assessment"},
				{Role: "CLIN", Purpose: "followup", Part: "S18/followup-record", Person: attendance},
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
		{Name: "no verdict", Clause: []string{"R001-182"}, Spoil: set("valueCodeableConcept", nil)},
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
			if item == "process-legality" {
				parts := Arr{}
				for _, of := range []string{"ethics", "consent", "material", "software"} {
					parts = append(parts, Obj{"code": coded("legality", of), "valueCodeableConcept": coded("verdict", "conform")})
				}
				o["component"] = parts
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

func concludes(document, title string, results []string) func(*Writer) Obj {
	return as(document, func(w *Writer) Obj {
		o := w.report(title, "conform")
		o["conclusion"] = "fit for use on this patient"
		items := Arr{}
		for _, r := range results {
			items = append(items, ref(w.Refs[r]))
		}
		if len(items) > 0 {
			o["result"] = items
		}
		return o
	})
}

// acceptedObjects are what stands behind each section of the acceptance record.
var acceptedObjects = map[string]string{
	"device": "S11/device", "images": "S02/image-study", "plan": "S04/treatment-plan", "requirements": "S06/order", "design": "S10/design-scheme",
	"production-record": "S11/device-history-record", "label": "S11/label",
}

// accepts lists the objects of acceptance, each in a version, and decides on each.
func accepts(w *Writer) Obj {
	o := as("acceptance-record", composed("acceptance record", acceptanceSections...))(w)
	for _, s := range list(o, "section") {
		name := str(s, "title")
		s["entry"] = refs(w.version(acceptedObjects[name]))
		if name == "label" {
			s["entry"] = append(s["entry"].(Arr), ref(w.version("S11/ifu")))
		}
		s["extension"] = Arr{ext("acceptance-decision", "valueCode", "accepted")}
	}
	return o
}

var acceptanceDefects = []Defect{
	{Name: "rejected", Clause: []string{"R001-206"}, Spoil: func(o Obj) {
		list(o, "section")[0]["extension"] = Arr{ext("acceptance-decision", "valueCode", "rejected")}
	}},
	{Name: "nothing listed", Clause: []string{"R001-206"}, Spoil: func(o Obj) { delete(list(o, "section")[1], "entry") }},
}

// followUpPlan asks for what the reference plan of the product asks for, and at
// as many visits as the case.
func followUpPlan(w *Writer) Obj {
	activities := Arr{}
	for _, code := range []string{"shape-change", "tissue-induction", "strength-in-use"} {
		activities = append(activities, Obj{"detail": Obj{
			"code": coded("followup", code), "status": "scheduled", "performer": refs(w.By), "scheduledTiming": Obj{"repeat": Obj{"count": 2}},
		}})
	}
	return Obj{
		"resourceType": "CarePlan", "status": "active", "intent": "plan", "category": Arr{coded("document", "followup-plan")}, "subject": ref(w.Patient), "author": ref(w.By),
		"instantiatesCanonical": Arr{"urn:hospital:plan:followup-cranial-plate"}, "activity": activities,
		"period": Obj{"start": instant(w.Now), "end": instant(w.Now.Add(20 * time.Millisecond))},
	}
}

var followUpPlanDefects = []Defect{
	{Name: "less than the reference", Clause: []string{"R001-219"}, Spoil: func(o Obj) { o["activity"] = o["activity"].(Arr)[1:] }},
	{Name: "another's", Personal: true, Clause: []string{"R001-224"}, Spoil: set("author", ref("PractitionerRole/clin-zhao"))},
	{Name: "no end", Clause: []string{"R001-220"}, Spoil: func(o Obj) { delete(o["period"].(Obj), "end") }},
}

func usage(w *Writer) Obj {
	return Obj{
		"resourceType": "DeviceUseStatement", "status": "active", "subject": ref(w.Patient), "timingDateTime": instant(w.Now), "recordedOn": instant(w.Now),
		"source": ref(w.By), "device": ref(w.Refs["S11/device"]), "bodySite": text("left parietal"),
	}
}

var (
	followUpSections = []string{"use", "visits", "findings", "harm", "effect"}
	followUpEntries  = []string{
		"S18/use-record", "S18/visit-1", "S18/visit-2", "S18/shape-change", "S18/tissue-induction", "S18/strength-in-use", "S18/harm-assessment", "S04/goal",
	}
)

// followUpRecord lists what follow-up brought.
func followUpRecord(w *Writer) Obj {
	o := as("followup-record", composed("follow-up record", followUpSections...))(w)
	for i, s := range list(o, "section") {
		entries := Arr{}
		for _, path := range followUpEntries[[]int{0, 1, 3, 6, 7}[i]:[]int{1, 3, 6, 7, 8}[i]] {
			entries = append(entries, ref(w.Refs[path]))
		}
		s["entry"] = entries
	}
	return o
}

var harmDefects = []Defect{
	{Name: "no finding", Clause: []string{"R001-221"}, Spoil: set("finding", nil)},
	{Name: "harm without a record of it", Clause: []string{"R001-221"}, Spoil: set("finding", Arr{Obj{"itemCodeableConcept": coded("harm", "severe")}})},
	{Name: "not said", Clause: []string{"R001-221", "R001-219"}, Spoil: set("finding", nil)},
}

func used(w *Writer) Obj {
	when := w.Used
	if when == "" {
		when = instant(w.Now)
	}
	return Obj{
		"resourceType": "Procedure", "status": "completed", "subject": ref(w.Patient), "code": text("cranioplasty"), "performedDateTime": when,
		"performer":   Arr{Obj{"actor": ref(w.By), "onBehalfOf": ref("Organization/hospital")}},
		"focalDevice": Arr{Obj{"manipulated": ref(w.Refs["S11/device"])}},
	}
}

// visit is one after the use, for as long as the follow-up lasts in a walk.
func visit(key string, needs ...string) Part {
	return Part{Key: key, Document: "visit", Type: "Encounter", By: "clin-wang", Needs: append([]string{"S18/use-record"}, needs...), Body: func(w *Writer) Obj {
		return Obj{
			"resourceType": "Encounter", "status": "finished", "subject": ref(w.Patient),
			"class":       Obj{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
			"participant": Arr{Obj{"individual": ref(w.By)}},
			"period":      Obj{"start": instant(w.Now), "end": instant(w.Now)},
		}
	}, Defects: []Defect{{Name: "planned", Clause: []string{"R001-220"}, Spoil: set("status", "planned")}}}
}

func finding(code string) Part {
	return Part{Key: code, Document: "finding", Type: "Observation", By: "clin-wang", Needs: []string{"S11/device"}, Body: func(w *Writer) Obj {
		o := Obj{
			"resourceType": "Observation", "status": "final", "code": coded("followup", code), "subject": ref(w.Patient), "device": ref(w.Refs["S11/device"]),
			"effectiveDateTime": instant(w.Now), "performer": refs(w.By),
			"valueCodeableConcept": coded("followup-result", map[string]string{"shape-change": "none", "tissue-induction": "as-expected", "strength-in-use": "intact"}[code]),
		}
		if code == "shape-change" {
			o["extension"] = Arr{ext("not-applicable", "valueString", "no image without complaint")}
		}
		return o
	}, Defects: []Defect{{Name: "another finding", Clause: []string{"R001-222", "R001-223"}, Spoil: set("code", coded("followup", "skin-condition"))}}}
}

func harm(w *Writer) Obj {
	return Obj{
		"resourceType": "ClinicalImpression", "status": "completed", "subject": ref(w.Patient), "date": instant(w.Now), "assessor": ref(w.By), "summary": "no harm found",
		"finding": Arr{Obj{"itemCodeableConcept": coded("harm", "none")}},
	}
}

// achieved is the goal as it stands after the follow-up.
func achieved(w *Writer) Obj {
	o := goal(w)
	o["achievementStatus"] = foreign("goal-achievement", "achieved")
	return o
}

func feedback(w *Writer) Obj {
	return Obj{
		"resourceType": "Communication", "status": "completed", "category": Arr{coded("document", "feedback")}, "subject": ref(w.Patient), "sent": instant(w.Now), "sender": ref(w.By),
		"recipient": refs(w.who("des-zhang"), w.who("prod-zhou")), "about": refs(w.Refs["S11/device"]),
		"payload": Arr{Obj{"contentString": "Healed without complaint; fit as designed."}},
	}
}
