package demo

// deliver is S13: the device goes from hand to hand, and every hand-over is a
// Provenance of the delivery list.
func (s *story) deliver() {
	c := s.course
	c.begin(s.logist, "S13")
	delivery := c.add(s.logist, "S13", "delivery-list", obj{
		"resourceType": "SupplyDelivery", "status": "completed", "patient": ref(s.patient.ref), "supplier": ref(s.logist.ref), "receiver": refs(s.clin.ref),
		"identifier": arr{obj{"system": "urn:maker:delivery", "value": "DL-" + s.figures.serial}}, "occurrenceDateTime": instant(s.now()),
		"type":         obj{"coding": arr{obj{"system": "http://terminology.hl7.org/CodeSystem/supply-item-type", "code": "device"}}},
		"suppliedItem": obj{"quantity": obj{"value": 1}, "itemReference": ref(s.job.device)},
	})
	for i, taken := range []struct {
		code string
		by   *person
	}{{"dispatched", s.logist}, {"carried", s.logist}, {"hospital-received", s.agent}, {"doctor-received", s.clin}} {
		if i == 3 {
			s.custodyBroken()
		}
		at := instant(s.now())
		s.create(taken.by, obj{
			"resourceType": "Provenance", "target": refs(delivery), "occurredDateTime": at, "recorded": at,
			"activity": code("custody", taken.code), "agent": arr{obj{"who": ref(taken.by.ref)}},
		})
	}
	c.signs(s.logist, "dispatch", delivery)
	c.signs(s.agent, "receipt", delivery)
	c.complete(s.logist, "S13")
}

// custodyBroken tries to end the delivery before the doctor has the device.
func (s *story) custodyBroken() {
	s.refused("S13", refusal{"custody-broken", 422, "G-RECEIVE/custody-unbroken", "Task.status"},
		patch(s.logist, s.course.task("S13"), step(s.logist, "completed")))
}

// deliverData is S14: the data of the device go to the clinician.
func (s *story) deliverData() {
	c := s.course
	c.begin(s.mfr, "S14")
	table := as("data-file", s.file(s.mfr, "数据文件 data file", "text/csv", []byte("property,value\nmaterial,Ti6Al4V\n")))
	table["content"].(arr)[0].(obj)["format"] = obj{"system": "urn:ietf:bcp:13", "code": "text/csv"}
	file := s.create(s.mfr, table)
	data := s.create(s.mfr, as("data-delivery", s.composition(s.mfr, "数据交付单 delivery of data", "format", "properties", "precautions", "operating-steps")))
	c.name(s.mfr, "S14", output{"data-delivery", data}, output{"data-file", file})
	c.signs(s.clin, "data-receipt", data)
	c.complete(s.mfr, "S14")
}
