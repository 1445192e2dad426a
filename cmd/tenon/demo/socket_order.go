package demo

// socketParameters are what the order of a socket states (clause 5.2.2 of 001, and
// 003 clause 1).
var socketParameters = []string{
	"amputation-level", "use-site", "use-purpose", "material", "structure", "mechanical", "dimension", "surface-treatment",
	"surgical-tool", "post-processing", "cleaning", "packaging", "supply-mode", "personalisation", "colour",
}

// orderSocket is S06. The level of the order must be that of the stump that was
// scanned.
func (s *story) orderSocket() {
	c := s.course
	c.begin(s.clin, "S06")
	s.order = s.create(s.clin, s.socketOrder("transfemoral"))
	c.name(s.clin, "S06", output{"order", s.order})
	s.refused("S06", refusal{"order-of-another-level", 422, "G-ORDER/order-level", "Task.status"}, patch(s.clin, c.task("S06"), step(s.clin, "completed")))
	s.change(s.clin, s.order, func(o obj) { o["parameter"] = s.socketOrder(level)["parameter"] })
	c.signs(s.clin, "order", s.order)
	s.refused("S06", refusal{"order-signed-by-one", 422, "G-ORDER/order-signed-by-manufacturer", "Task.status"}, patch(s.clin, c.task("S06"), step(s.clin, "completed")))
	c.signs(s.mfr, "order", s.order)
	c.complete(s.clin, "S06")
}

func (s *story) socketOrder(at string) obj {
	o := s.orderResource()
	o["extension"].(arr)[0] = ext("device-domain", "valueCode", "lower-limb-prosthesis")
	o["extension"].(arr)[2] = ext("custom-reason-statement", "valueString", "No standard socket fits the stump.")
	o["reasonCode"] = arr{text("walking with a prosthesis")}
	parameters := arr{}
	for _, name := range socketParameters {
		p := s.parameter(name)
		switch name {
		case "amputation-level":
			where := site()
			where["coding"].(arr)[0].(obj)["code"] = at
			p["valueCodeableConcept"] = where
		case "material":
			p["valueCodeableConcept"] = code("material", "PA")
		case "mechanical":
			p["valueQuantity"] = quantity(40, "MPa")
		case "colour":
			p["valueCodeableConcept"] = text("天蓝 sky blue")
		}
		parameters = append(parameters, p)
	}
	o["parameter"] = parameters
	return o
}
