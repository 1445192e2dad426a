package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tenon/test/standin"
)

// job is what the MES makes.
type job struct {
	order  standin.Order
	device string // Device/x
	// capability is the assessment of the machine for the design: DiagnosticReport/x.
	capability string
}

// produce is S11, with S12 beside it: the MES makes the device and tells of every
// operation, and the samples are retained.
func (s *story) produce() {
	c := s.course
	task := c.take(s.prod, "S11")
	s.job.capability = s.create(s.prod, s.ofCase(s.capability("Device/printer")))
	s.wrongMachine(task)
	c.work(s.prod, "S11")
	s.receiveOrder()
	if s.o.Until == "S11 working" {
		return
	}
	samples := s.dice.IntN(2)
	if samples == 0 {
		s.retain()
	}
	s.stage = "S11"
	s.makeDevice()
	if samples == 1 {
		s.retain()
	}
	s.stage = "S11"
	s.label()
	s.releaseDevice()
	c.complete(s.prod, "S11")
}

// wrongMachine names a machine that is not validated for the product, or a
// material without permission, and is refused; then the right ones are named.
func (s *story) wrongMachine(task string) {
	inputs := func(machine, material string) arr {
		named := arr{}
		for _, in := range items(s.read(s.prod, task), "input") {
			if str(in, "type", "coding", "system") != tenon+"document" {
				named = append(named, in)
			}
		}
		for _, d := range []output{{"capability-assessment", s.job.capability}, {"machine", machine}, {"material", material}, {"process", "ActivityDefinition/lpbf-ti64"}} {
			named = append(named, obj{"type": code("document", d.document), "valueReference": ref(d.ref)})
		}
		return arr{obj{"op": "add", "path": "/input", "value": named}}
	}
	begin := func(name, rule string) {
		s.refused("S11", refusal{name, 409, rule, "Task.status"}, patch(s.prod, task, step(s.prod, "working")))
	}
	s.shuffled(
		func() {
			s.web.expect(200, patch(s.prod, task, inputs("Device/printer-new", "Substance/ti64-lot")))
			begin("machine-not-validated", "G-PRODUCE/machine-validated")
		},
		func() {
			s.web.expect(200, patch(s.prod, task, inputs("Device/printer", "Substance/ti64-lot-unpermitted")))
			begin("material-not-permitted", "G-PRODUCE/material-permitted")
		})
	a := s.web.expect(200, patch(s.prod, task, inputs("Device/printer", "Substance/ti64-lot")))
	s.tell.line("S11", s.prod, "%d %s names machine Device/printer, material Substance/ti64-lot and the process", a.status, s.prod.name)
}

// capability is the assessment that a machine and its process can make this
// design.
func (s *story) capability(machine string) obj {
	deviation := s.create(s.prod, s.ofCase(s.result("geometry", 0.03, 0, 0.05, "mm", "test part, coordinate measuring machine")))
	report := as("capability-assessment", s.report(s.prod, "能力评估 assessment of capability", "pass"))
	report["subject"] = ref(machine)
	add(report, "extension", ext("assessed-design", "valueReference", ref(s.design.definition)))
	for _, assured := range []string{"material-properties", "consistency", "defect-control"} {
		add(report, "extension", obj{"url": tenon + "extension:assurance", "extension": arr{
			obj{"url": "code", "valueCode": assured}, obj{"url": "evidence", "valueString": "process qualification PQ-12"},
		}})
	}
	return results(report, "capable", deviation)
}

// receiveOrder waits for the job order that the open gate sent to the MES.
func (s *story) receiveOrder() {
	select {
	case s.job.order = <-s.mes.Orders():
	case <-time.After(timeout):
		stop(fmt.Errorf("the MES got no job order within %v", timeout))
	}
	o := &s.job.order
	s.tell.line("S11", s.cast.mes, "the MES has the job order %s: %s on %s, lot %s, model %.12s…, due %s", o.JobOrder, o.Name, o.Machine, o.Lot, o.Model.SHA256, o.Due)
	if o.Model.SHA256 != sha(s.design.content) {
		stop(fmt.Errorf("the job order names the model %s, the signed one is %s", o.Model.SHA256, sha(s.design.content)))
	}
}

// makeDevice is what the MES reports: started, eleven operations, an inspection,
// the device, shipped.
func (s *story) makeDevice() {
	s.news("started", nil)
	s.changeDeclined()
	for i, operation := range []string{
		"design-software", "equipment", "raw-material-test", "print", "post-processing", "cleaning",
		"device-test", "packaging", "sterilisation", "warehouse-in", "warehouse-out",
	} {
		message := s.news("operation", obj{"operation": s.operation(operation)})
		if i == 3 {
			s.repeated(message)
		}
	}
	f := &s.figures
	for _, found := range []obj{
		{"characteristic": "thickness", "parameter": "dimension", "value": written(f.thickness), "unit": "mm", "instrument": "micrometer M-04", "resolution": 0.01,
			"lower": tidy(f.thickness - f.tolerance), "upper": tidy(f.thickness + f.tolerance), "method": "micrometer"},
		{"characteristic": "roughness", "parameter": "roughness", "value": written(f.roughness - 0.5), "unit": "um", "upper": f.roughness, "instrument": "profilometer P-02", "method": "profilometer"},
		{"characteristic": "yield-strength", "parameter": "mechanical", "value": written(861), "unit": "MPa", "lower": 800, "instrument": "tensile tester T-01", "method": "tensile test of the coupon"},
	} {
		found["verdict"] = "pass"
		s.news("inspected", obj{"inspection": found})
	}
	s.news("released", obj{"device": obj{
		"name": f.device(), "lot": "B-" + f.serial, "serial": f.serial, "udi": "(01)06900000000014(21)" + f.serial,
		"udiDi": "06900000000014", "udiAidc": "]d20106900000000014" + "21" + f.serial, "code": "CMD-" + f.serial, "manufactured": day(s.now()), "expires": day(s.now().AddDate(5, 0, 0)),
	}})
	s.news("shipped", obj{"shipment": obj{"carrier": "Sample Express", "tracking": "SX" + f.serial}})
}

// written is a measured value as it was written down: 3.00, not 3.
func written(v float64) json.Number { return json.Number(fmt.Sprintf("%.2f", v)) }

func (s *story) operation(name string) obj {
	end := s.now()
	o := obj{"code": name, "start": end.Add(-time.Second).Format(time.RFC3339Nano), "end": end.Format(time.RFC3339Nano), "result": "done"}
	if name == "print" {
		o["machine"] = s.job.order.Serial
		o["parameters"] = arr{
			obj{"code": "laser-power", "value": 280, "unit": "W"},
			obj{"code": "scan-speed", "value": 1200, "unit": "mm/s"},
			obj{"code": "hatch-distance", "value": 140, "unit": "um"},
			obj{"code": "spot-size", "value": 80, "unit": "um"},
			obj{"code": "layer-thickness", "value": 30, "unit": "um"},
			obj{"code": "oxygen", "value": 0.08, "unit": "%"},
			obj{"code": "preheat", "value": 80, "unit": "Cel"},
			obj{"code": "virgin-ratio", "value": 60, "unit": "%"},
			obj{"code": "reuse-count", "value": 3, "unit": "1"},
			obj{"code": "plate-x", "value": 120, "unit": "mm"},
			obj{"code": "plate-y", "value": 85, "unit": "mm"},
			obj{"code": "rotation", "value": 45, "unit": "deg"},
		}
	}
	return o
}

// news sends one message of the MES and returns it.
func (s *story) news(event string, more obj) obj {
	message := s.mes.News(s.job.order, event, s.now(), more)
	status, body, err := s.mes.Send(s.ctx, message)
	must(err)
	a := &answer{request: "POST /adapters/mes/news " + event, status: status, body: body}
	if status != 202 {
		stop(&Unexpected{a.request, "202", fmt.Sprint(status), a.told()})
	}
	s.tell.line("S11", s.cast.mes, "%d news %s: %s of %s", status, message["id"], strings.TrimSpace(event+" "+str(more, "operation", "code")), str(a.json(), "job"))
	return message
}

// repeated sends a message a second time, which counts once, and then another
// message under the same number, which is refused.
func (s *story) repeated(message obj) {
	count := func() int {
		return len(s.find(s.prod, "Task?identifier=urn:tenon:mes-news|"+fmt.Sprint(message["id"])))
	}
	status, body, err := s.mes.Send(s.ctx, message)
	must(err)
	a := &answer{request: "POST /adapters/mes/news again", status: status, body: body}
	if repeat, _ := a.json()["repeat"].(bool); status != 200 || !repeat || count() != 1 {
		stop(&Unexpected{a.request, "200, repeat, one Task", fmt.Sprintf("%d, %d Tasks", status, count()), a.told()})
	}
	s.seen.Refusals = append(s.seen.Refusals, Refusal{Name: "replayed-mes-message", Stage: "S11", Role: "MES", Status: status, Rule: "repeat", Text: "counted once"})
	s.tell.line("S11", s.cast.mes, "%d news %s again: known, counts once (%d Task)", status, message["id"], count())
	other := obj{}
	for k, v := range message {
		other[k] = v
	}
	other["operator"] = "somebody else"
	status, body, err = s.mes.Send(s.ctx, other)
	must(err)
	s.refusedBy("S11", refusal{"mes-number-with-another-body", 409, "idempotency-key", ""}, s.cast.mes,
		&answer{request: "POST /adapters/mes/news with another body", status: status, body: body})
}

// retain is S12: samples of the same lot are kept.
func (s *story) retain() {
	c := s.course
	c.begin(s.prod, "S12")
	samples := c.add(s.prod, "S12", "retained-sample", obj{
		"resourceType": "Specimen", "status": "available", "type": code("sample", "tensile-coupon"), "subject": ref("Substance/ti64-lot"),
		"processing":   arr{obj{"description": "same build and route as the device", "additive": refs("Substance/ti64-lot")}},
		"receivedTime": instant(s.now()), "collection": obj{"quantity": quantity(float64(s.figures.samples), "1")},
	})
	c.signs(s.prod, "retained-sample", samples)
	c.complete(s.prod, "S12")
}
