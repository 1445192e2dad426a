package demo

import "time"

// placeOrder is S06: the clinician orders, and both parties sign the same version.
func (s *story) placeOrder() {
	c := s.course
	c.begin(s.clin, "S06")
	ethics := s.file(s.clin, "伦理批件 ethics approval", "text/plain", []byte("approved: "+s.figures.number))
	ethics["context"] = obj{"period": obj{"start": day(s.now().AddDate(0, -1, 0)), "end": day(s.now().AddDate(1, 0, 0))}}
	approval := s.create(s.clin, ethics)
	s.order = s.create(s.clin, s.orderResource())
	c.name(s.clin, "S06", output{"order", s.order}, output{"ethics-approval", approval})
	c.signs(s.clin, "order", s.order)
	s.refused("S06", refusal{"order-signed-by-one", 422, "G-ORDER/order-signed-by-manufacturer", "Task.status"},
		patch(s.clin, c.task("S06"), step(s.clin, "completed")))
	s.refused("S06", refusal{"signature-by-wrong-role", 403, "signature-role", "Task.status"}, signature(s.prod, s.order, "PROD", "order"))
	c.signs(s.mfr, "order", s.order)
	c.complete(s.clin, "S06")
}

// orderParameters are what every order states (clause 5.2.2).
var orderParameters = []string{
	"use-site", "use-purpose", "material", "structure", "mechanical", "dimension", "surface-treatment", "roughness",
	"surgical-tool", "post-processing", "cleaning", "packaging", "sterilisation", "supply-mode",
}

func (s *story) orderResource() obj {
	f := &s.figures
	parameters := arr{}
	for _, name := range orderParameters {
		p := obj{"code": code("parameter", name)}
		switch name {
		case "material":
			p["valueCodeableConcept"] = code("material", "Ti6Al4V")
		case "surgical-tool":
			p["valueCodeableConcept"] = code("surgical-tool", "none")
		case "use-site":
			p["valueCodeableConcept"] = text(f.side[0] + " " + f.side[1])
		case "dimension":
			p["valueRange"] = obj{"low": quantity(f.width-f.tolerance, "mm"), "high": quantity(f.width+f.tolerance, "mm")}
		case "roughness":
			p["valueQuantity"] = quantity(f.roughness, "um")
		default:
			p["valueCodeableConcept"] = text("as drawn: " + name)
		}
		parameters = append(parameters, p)
	}
	return obj{
		"resourceType": "DeviceRequest", "status": "active", "intent": "order", "subject": ref(s.patient.ref),
		"extension": arr{
			ext("device-domain", "valueCode", "bone"), ext("device-category", "valueCode", "custom"),
			ext("custom-reason-statement", "valueString", "No plate on the market fits the defect."),
			ext("contract", "valueReference", ref(s.agreement)),
		},
		"codeCodeableConcept": text(f.device()), "parameter": parameters,
		"requester": ref(s.clin.ref), "performer": ref("Organization/maker"),
		"reasonCode": arr{text("repair of a cranial defect")}, "reasonReference": refs(s.plan.condition),
		"basedOn": refs(s.plan.plan), "supportingInfo": refs(s.study.ref),
		"authoredOn": instant(s.now()), "occurrencePeriod": obj{"start": day(s.now()), "end": day(s.now().Add(60 * 24 * time.Hour))},
	}
}
