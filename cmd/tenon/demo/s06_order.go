package demo

import (
	"math"
	"time"
)

// placeOrder is S06: the clinician orders, and both parties sign the same version.
func (s *story) placeOrder() {
	c := s.course
	c.begin(s.clin, "S06")
	ethics := s.file(s.clin, "伦理批件 ethics approval", "text/plain", []byte("approved: "+s.figures.number))
	ethics["masterIdentifier"], ethics["date"] = obj{"value": "EC-" + s.figures.number}, instant(s.now().AddDate(0, -1, 0))
	ethics["authenticator"] = ref("Organization/hospital")
	ethics["context"] = obj{"period": obj{"start": day(s.now().AddDate(0, -1, 0)), "end": day(s.now().AddDate(1, 0, 0))}}
	approval := s.create(s.clin, as("ethics-approval", ethics))
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
	"resection-extent", "reconstruction-extent", "anatomical-function",
}

// orderedCodes are the requirements that are words of a list.
var orderedCodes = map[string]string{
	"material": "Ti6Al4V", "structure": "solid", "surface-treatment": "polish", "surgical-tool": "none",
	"post-processing": "support-removal", "sterilisation": "sterile-gamma", "supply-mode": "single",
}

// parameter is one requirement of the order.
func (s *story) parameter(name string) obj {
	f := &s.figures
	p := obj{"code": code("parameter", name)}
	switch name {
	case "use-site":
		p["valueCodeableConcept"] = s.medical().site
	case "dimension":
		p["code"] = figured("dimension", "thickness")
		p["extension"] = arr{ext("key-dimension", "valueBoolean", true), ext("nominal", "valueQuantity", quantity(f.thickness, "mm"))}
		p["valueRange"] = obj{"low": quantity(tidy(f.thickness-f.tolerance), "mm"), "high": quantity(tidy(f.thickness+f.tolerance), "mm")}
	case "mechanical":
		p["code"] = figured("mechanical", "yield-strength")
		p["valueQuantity"] = quantity(800, "MPa")
	case "roughness":
		p["valueQuantity"] = quantity(f.roughness, "um")
	default:
		p["valueCodeableConcept"] = text("as drawn: " + name)
		if c := orderedCodes[name]; c != "" {
			p["valueCodeableConcept"] = code(name, c)
		}
	}
	return p
}

func (s *story) orderResource() obj {
	f := &s.figures
	parameters := arr{}
	for _, name := range orderParameters {
		parameters = append(parameters, s.parameter(name))
	}
	return obj{
		"resourceType": "DeviceRequest", "status": "active", "intent": "order", "subject": ref(s.patient.ref),
		"identifier": arr{obj{"system": tenon + "sample:order", "value": "O-" + f.number}},
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

// figured is the code of a requirement that has a figure: which parameter, and
// which of its kind, by which a measured value is found again.
func figured(parameter, characteristic string) obj {
	return obj{"coding": arr{obj{"system": tenon + "parameter", "code": parameter}, obj{"system": tenon + "characteristic", "code": characteristic}}}
}

// tidy takes the noise of binary fractions off a figure in hundredths.
func tidy(v float64) float64 { return math.Round(v*100) / 100 }
