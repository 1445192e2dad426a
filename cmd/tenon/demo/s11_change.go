package demo

import (
	"fmt"
	"time"

	"tenon/test/standin"
)

// changeDeclined is a change that is proposed while the machine runs: the MES is
// told to hold the job, and answers; production declines; the job goes on.
func (s *story) changeDeclined() {
	c := s.course
	filed := func(code, kind string, value any) obj { return obj{"type": kindOf(code), kind: value} }
	a := s.web.expect(201, request{as: s.des, method: "POST", path: "/fhir/Task", body: obj{
		"resourceType": "Task", "status": "requested", "intent": "proposal", "code": code("exception", "X1"), "partOf": arr{ref(c.root)},
		"for": ref(s.patient.ref), "requester": ref(s.des.ref), "authoredOn": s.now().Format(time.RFC3339Nano),
		"reasonCode": obj{"coding": arr{obj{"system": tenon + "change-kind", "code": "design-parameter"}}, "text": "a thinner rim was asked for"},
		"input":      arr{filed("stage", "valueCode", "S08"), filed("document", "valueReference", ref(s.design.model))},
	}})
	change := a.ref()
	s.tell.line("S11", s.des, "%d %s proposes the change %s: %s is %s", a.status, s.des.name, change, c.task("S11"), c.look()["S11"].state)
	s.refused("S11", refusal{"change-not-signed", 422, "change-signed-CLIN", "Task.status"}, patch(s.clin, change, decide("completed")))
	for _, by := range []*person{s.clin, s.des, s.prod} {
		c.sign(by, change, "change")
	}
	s.refused("S11", refusal{"change-while-printing", 409, "job-stopped", "Task.status"}, patch(s.clin, change, decide("completed")))
	s.answer("hold", "stopped")
	a = s.web.expect(200, patch(s.prod, change, decide("rejected")))
	s.tell.line("S11", s.prod, "%d %s declines the change all the same", a.status, s.prod.name)
	s.answer("resume", "resumed")
	if state := c.look()["S11"].state; state != "working" {
		stop(fmt.Errorf("S11 is %s after the change was declined, want working", state))
	}
}

func kindOf(input string) obj { return code("exception-input", input) }

func decide(status string) arr {
	return arr{obj{"op": "replace", "path": "/status", "value": status}, obj{"op": "add", "path": "/statusReason", "value": obj{"text": "as decided"}}}
}

// answer waits for a control of the job and answers it.
func (s *story) answer(action, outcome string) {
	var told standin.Control
	select {
	case told = <-s.mes.Controls():
	case <-time.After(timeout):
		stop(fmt.Errorf("the MES was not told to %s within %v", action, timeout))
	}
	if told.Action != action || told.JobOrder != s.job.order.JobOrder {
		stop(fmt.Errorf("the MES was told %+v, want %s of %s", told, action, s.job.order.JobOrder))
	}
	message := s.mes.Answer(told, outcome, s.now())
	for _, want := range []int{202, 200} { // a repeat counts once
		status, body, err := s.mes.Send(s.ctx, message)
		must(err)
		if status != want {
			stop(&Unexpected{"POST /adapters/mes/news acknowledged", fmt.Sprint(want), fmt.Sprint(status), string(body)})
		}
	}
	controls := s.find(s.prod, "Task?identifier="+tenon+"job-control|"+told.Control+"&status=completed&code="+tenon+"job-control|"+action)
	if len(controls) != 1 {
		stop(fmt.Errorf("the control %s is not answered in the case", told.Control))
	}
	s.tell.line("S11", s.cast.mes, "202 the MES was told to %s the job (%s) and answers: %s", action, told.Control, outcome)
}
