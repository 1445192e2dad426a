package casewalk

import (
	"encoding/base64"
	"slices"
	"time"
)

// The documents of S08 to S14.

func designModel(w *Writer) Obj {
	o := with(as("design-model", file("design model")), producedWith)(w)
	attachment := at(o, "content", "attachment").(Obj)
	attachment["extension"] = append(attachment["extension"].(Arr), ext("length-unit", "valueCode", "mm"))
	o["category"] = Arr{coded("model-purpose", "manufacturing")}
	o["context"] = Obj{"period": Obj{"start": day(w.Now), "end": day(w.Now.AddDate(0, 0, 89))}}
	return o
}

func definition(w *Writer) Obj {
	properties := Arr{}
	for _, name := range orderParameters {
		p := Obj{"type": coded("parameter", name)}
		switch name {
		case "dimension":
			p["valueQuantity"] = Arr{quantity(80, "mm")}
			p["extension"] = Arr{ext("source-image", "valueReference", ref(w.Refs["S02/image-study"])), ext("safety-critical", "valueBoolean", true)}
		case "roughness":
			p["valueQuantity"] = Arr{quantity(8, "um")}
		default:
			p["valueCode"] = Arr{text("as designed: " + name)}
		}
		properties = append(properties, p)
	}
	for _, heading := range []string{"mechanical", "biological", "interface", "stability", "insertion", "manufacturability"} {
		properties = append(properties, Obj{"type": coded("performance", heading), "valueCode": Arr{text("as designed: " + heading)}})
	}
	properties = append(properties, Obj{"type": coded("design-property", "smallest-feature"), "valueQuantity": Arr{quantity(1.5, "mm")}})
	return w.ofCase(Obj{
		"resourceType": "DeviceDefinition", "version": Arr{"1"}, "identifier": Arr{Obj{"system": "urn:maker:design", "value": "D-" + w.Number}},
		"deviceName":   Arr{Obj{"name": "custom cranial plate", "type": "user-friendly-name"}},
		"parentDevice": ref("DeviceDefinition/family-cranial-plate"), "owner": ref("Organization/maker"),
		"shelfLifeStorage": Arr{Obj{
			"type": text("permanent implant"), "period": quantity(5, "a"), "specialPrecautionsForStorage": Arr{text("dry, sealed")},
		}},
		"material": Arr{Obj{"substance": coded("material", "Ti6Al4V")}}, "property": properties,
	})
}

// analysed is the analysis of the design; its results are older than any word
// about them, also when it is written anew.
func analysed(w *Writer) Obj {
	o := tested("analysis", "finite element analysis", "S08/stress")(w)
	o["issued"] = instant(w.Opened)
	return o
}

// dialogue is a word about the analysis: of the designer to the clinician, or back
// (5.3.4).
func dialogue(key, by, kind string) Part {
	const rule = "G-OUTPUT/analysis-discussed"
	row := []string{"R001-118"}
	return Part{Key: key, Type: "Communication", By: by, As: Beside, Needs: []string{"S08/analysis"}, Defects: []Defect{
		{Name: "in error", Rule: rule, Clause: row, Spoil: set("status", "entered-in-error")},
		{Name: "before the results", Rule: rule, Clause: row, Spoil: set("sent", "2020-01-01T08:00:00Z")},
		{Name: "about something else", Rule: rule, Clause: row, Spoil: set("about", Arr{Obj{"display": "the weather"}})},
	}, Body: func(w *Writer) Obj {
		to := w.Attending
		if by != "des-zhang" {
			to = w.who("des-zhang")
		}
		return w.ofCase(Obj{
			"resourceType": "Communication", "status": "completed", "category": Arr{coded("dialogue", kind)}, "subject": ref(w.Patient), "sent": instant(w.Now),
			"about": refs(w.Refs["S08/analysis"]), "sender": ref(w.By), "recipient": refs(to), "payload": Arr{Obj{"contentString": "stress of 210 MPa at most"}},
		})
	}}
}

func confirmationForm(w *Writer) Obj {
	o := as("confirmation-form", composed("design confirmation form", "declaration"))(w)
	o["attester"] = Arr{Obj{"mode": "professional", "party": ref(w.Attending)}, Obj{"mode": "professional", "party": ref(w.who("prod-zhou"))}}
	confirmed := section("confirmed-design")
	confirmed["entry"] = Arr{underDigest(w.Refs["S08/design-model"], w.Sums["S08/design-model"])}
	o["section"] = append(o["section"].(Arr), confirmed)
	return o
}

func device(w *Writer) Obj {
	return w.ofCase(Obj{
		"resourceType": "Device", "status": "active", "lotNumber": "B-" + w.Number,
		"deviceName":         Arr{Obj{"name": "custom cranial plate", "type": "user-friendly-name"}},
		"identifier":         Arr{Obj{"system": "urn:tenon:device-code", "value": "CMD-" + w.Number}},
		"manufactureDate":    day(w.Now),
		"distinctIdentifier": "CMD-" + w.Number, "serialNumber": w.Number, "patient": ref(w.Patient), "owner": ref("Organization/hospital"),
		"definition":     ref(w.Refs["S08/design-definition"]),
		"expirationDate": day(w.Now.AddDate(5, 0, 0)),
		"extension": Arr{Obj{"url": tenon + "extension:label-content", "extension": Arr{
			Obj{"url": "use", "valueString": "repair of a cranial defect"},
			Obj{"url": "site", "valueString": "left parietal bone"},
			Obj{"url": "anatomy-check", "valueBoolean": true},
			Obj{"url": "image-date", "valueDate": w.Imaged[:len(time.DateOnly)]},
			Obj{"url": "design-date", "valueDate": w.Confirmed[:len(time.DateOnly)]},
			Obj{"url": "custom-made", "valueString": "custom-made device"},
		}}, Obj{"url": tenon + "extension:label-usual", "extension": Arr{
			Obj{"url": "storage", "valueString": "dry, sealed"}, Obj{"url": "sterility", "valueString": "sterile, gamma"},
			Obj{"url": "licence", "valueString": "国械注准20203130303"},
		}}},
		"manufacturer": "Sample maker", "udiCarrier": Arr{Obj{
			"deviceIdentifier": "06900000000014", "entryType": "manual", "carrierHRF": "(01)06900000000014(21)" + w.Number,
			"carrierAIDC": base64.StdEncoding.EncodeToString([]byte("]d2010690000000001421" + w.Number)),
		}},
	})
}

func label(w *Writer) Obj {
	o := w.filed("label")
	o["contained"] = Arr{Obj{
		"resourceType": "Patient", "id": "printed", "name": Arr{w.Person["name"].(Arr)[0]}, "identifier": Arr{w.Person["identifier"].(Arr)[0]},
	}}
	o["context"] = Obj{"sourcePatientInfo": ref("#printed")}
	return o
}

func specimen(w *Writer) Obj {
	return Obj{
		"resourceType": "Specimen", "status": "available", "type": coded("sample", "tensile-coupon"), "subject": ref("Substance/ti64-lot"),
		"receivedTime": instant(w.Now), "collection": Obj{"quantity": quantity(2, "1")},
		"processing": Arr{Obj{"additive": refs("Substance/ti64-lot")}},
	}
}

func delivery(w *Writer) Obj {
	return Obj{
		"resourceType": "SupplyDelivery", "status": "completed", "patient": ref(w.Patient), "supplier": ref(w.By),
		"receiver": refs(w.Attending), "identifier": Arr{Obj{"system": "urn:maker:delivery", "value": "DL-" + w.Number}},
		"occurrenceDateTime": instant(w.Now),
		"type":               foreign("supply-item-type", "device"),
		"suppliedItem":       Obj{"quantity": Obj{"value": 1}, "itemReference": ref(w.Refs["S11/device"])},
	}
}

// designOutput lists every file of the design under the digest of its content.
func designOutput(w *Writer) Obj {
	o := as("design-output", composed("design output", outputSections...))(w)
	o["confidentiality"] = "R"
	entries := Arr{}
	for _, path := range []string{"S08/design-model", "S08/drawing", "S08/design-description"} {
		entries = append(entries, underDigest(w.Refs[path], w.Sums[path]))
	}
	sectionOf(o, "output-list")["entry"] = entries
	sectionOf(o, "transfer-method")["extension"] = Arr{ext("transfer-method", "valueCode", "fhir-rest")}
	return o
}

func specification(w *Writer) Obj {
	o := as("verification-specification", file("specification"))(w)
	o["masterIdentifier"] = Obj{"system": "urn:maker:document", "value": "VS-07 rev. 3"}
	return o
}

// testPlan is a plan of verification or validation with one item.
func testPlan(document, item string, sections ...string) func(*Writer) Obj {
	return func(w *Writer) Obj {
		o := as(document, composed(document, sections...))(w)
		criterion := section(item)
		criterion["code"] = coded("characteristic", item)
		sectionOf(o, "acceptance-criteria")["section"] = Arr{criterion}
		return o
	}
}

// verificationPlan refers to the design output whose conditions it verifies (5.3.3.1).
func verificationPlan(w *Writer) Obj {
	o := testPlan("verification-plan", "thickness", planSections...)(w)
	o["section"] = append(o["section"].(Arr), Obj{"title": "conditions of the design output", "entry": refs(w.Refs["S08/design-output"])})
	return o
}

func validation(w *Writer) Obj {
	o := tested("validation-report", "validation report", "S10/strength", "S10/validation-plan")(w)
	o["category"], o["subject"] = Arr{coded("validation-mode", "material-test")}, ref("Device/representative")
	return o
}

func dataFile(w *Writer) Obj {
	o := as("data-file", file("data file"))(w)
	at(o, "content").(Arr)[0].(Obj)["format"] = Obj{"system": "urn:ietf:bcp:13", "code": "text/plain"}
	return o
}

// capability is the assessment that the machine can make the design (6.1).
func capability(w *Writer) Obj {
	o := w.ofCase(tested("capability-assessment", "assessment of capability", "S09/thickness")(w))
	o["subject"] = ref("Device/printer")
	all := append(o["extension"].(Arr), ext("assessed-design", "valueReference", ref(w.Refs["S08/design-definition"])))
	for _, assured := range []string{"material-properties", "consistency", "defect-control"} {
		all = append(all, Obj{"url": tenon + "extension:assurance", "extension": Arr{
			Obj{"url": "code", "valueCode": assured}, Obj{"url": "evidence", "valueString": "PQ-12"},
		}})
	}
	o["extension"] = all
	return o
}

// history names what it takes to make the device again (5.4.3).
func history(w *Writer) Obj {
	o := as("device-history-record", composed("device history record", historySections...))(w)
	sectionOf(o, "images")["entry"] = refs(w.Refs["S02/image-study"])
	sectionOf(o, "model")["entry"] = refs(w.Refs["S08/design-model"])
	sectionOf(o, "machine")["entry"] = refs("Device/printer", "Device/cad", "Substance/ti64-lot", "ActivityDefinition/lpbf-ti64")
	return o
}

// operation is one step of production with operator, time and result; printing
// has its parameters (6.2).
func operation(w *Writer, code string) Obj {
	done := made(w, float64(slices.Index(operationCodes, code))) // in whatever order they are written down
	o := Obj{
		"resourceType": "Task", "status": "completed", "intent": "order", "partOf": refs(w.Tasks["S11"]), "code": coded("operation", code),
		"for": ref(w.Patient), "owner": ref(w.By), "executionPeriod": Obj{"start": done, "end": done},
		"requester": ref(w.By), "output": Arr{Obj{"type": text("result"), "valueString": "done"}},
	}
	if code == "print" {
		o["input"] = Arr{
			setting("laser-power", 280, "W"), setting("scan-speed", 1200, "mm/s"), setting("hatch-distance", 140, "um"), setting("spot-size", 80, "um"),
			setting("layer-thickness", 30, "um"), setting("oxygen", 0.08, "%"), setting("preheat", 80, "Cel"), setting("virgin-ratio", 60, "%"),
			setting("reuse-count", 3, "1"), setting("plate-x", 120, "mm"), setting("plate-y", 85, "mm"), setting("rotation", 45, "deg"),
		}
	}
	return o
}

func setting(code string, value float64, unit string) Obj {
	return Obj{"type": coded("process-parameter", code), "valueQuantity": quantity(value, unit)}
}

// look is what inspection finds without measuring: one answer to every parameter
// of the order but the dimension.
func look(w *Writer) Obj {
	codings := Arr{}
	for _, name := range orderParameters {
		if name != "dimension" && name != "roughness" { // these are measured
			codings = append(codings, Obj{"system": tenon + "parameter", "code": name})
		}
	}
	return w.ofCase(Obj{
		"resourceType": "Observation", "status": "final", "subject": ref(w.Patient), "code": Obj{"coding": codings},
		"effectiveDateTime": instant(w.Now), "performer": refs(w.By), "valueCodeableConcept": coded("verdict", "pass"), "interpretation": Arr{coded("verdict", "pass")},
	})
}

func inspection(w *Writer) Obj {
	o := tested("inspection-report", "inspection report", "S11/inspection")(w)
	o["result"] = refs(w.Refs["S11/inspection"], w.Refs["S11/look"], w.Refs["S11/smoothness"])
	return o
}
