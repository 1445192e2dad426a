package casewalk

import "time"

// The documents of S08 to S14.

func designModel(w *Writer) Obj {
	o := w.filed("design model")
	o["category"] = Arr{coded("model-purpose", "manufacturing")}
	o["context"] = Obj{"period": Obj{"start": day(w.Now), "end": day(w.Now.AddDate(0, 3, 0))}}
	return o
}

func definition(w *Writer) Obj {
	properties := Arr{}
	for _, name := range orderParameters {
		p := Obj{"type": coded("parameter", name)}
		switch name {
		case "dimension":
			p["valueQuantity"] = Arr{quantity(80, "mm")}
		case "roughness":
			p["valueQuantity"] = Arr{quantity(8, "um")}
		default:
			p["valueCode"] = Arr{text("as designed: " + name)}
		}
		properties = append(properties, p)
	}
	return w.ofCase(Obj{
		"resourceType": "DeviceDefinition", "extension": Arr{ext("safety-critical", "valueString", "none")},
		"deviceName":   Arr{Obj{"name": "custom cranial plate", "type": "user-friendly-name"}},
		"parentDevice": ref("DeviceDefinition/family-cranial-plate"), "owner": ref("Organization/maker"),
		"shelfLifeStorage": Arr{Obj{
			"type": text("permanent implant"), "period": quantity(5, "a"), "specialPrecautionsForStorage": Arr{text("dry, sealed")},
		}},
		"material": Arr{Obj{"substance": coded("material", "Ti6Al4V")}}, "property": properties,
	})
}

func confirmationForm(w *Writer) Obj {
	o := w.composition("design confirmation form", "declaration")
	confirmed := section("confirmed-design")
	entry := ref(w.Refs["S08/design-model"])
	entry["extension"] = Arr{ext("sha-256", "valueString", w.Sums["S08/design-model"])}
	confirmed["entry"] = Arr{entry}
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
		}}},
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
	}
}

func delivery(w *Writer) Obj {
	return Obj{
		"resourceType": "SupplyDelivery", "status": "completed", "patient": ref(w.Patient), "supplier": ref(w.By),
		"type":         foreign("supply-item-type", "device"),
		"suppliedItem": Obj{"quantity": Obj{"value": 1}, "itemReference": ref(w.Refs["S11/device"])},
	}
}
