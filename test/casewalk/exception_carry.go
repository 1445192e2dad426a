package casewalk

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func exceptionInput(code, kind string, value any) Obj {
	return Obj{"type": coded("exception-input", code), kind: value}
}

// except carries a step of an exception flow out.
func (c *Case) except(by *Person, s Step) (*Answer, error) {
	switch s.Kind {
	case File:
		return c.w.send(by, "POST", "Task", c.filing(by, s))
	case Found:
		return c.w.send(by, "POST", "DetectedIssue", Obj{
			"resourceType": "DetectedIssue", "status": "preliminary", "patient": ref(c.patient.Ref), "implicated": refs(c.parts["S11/device"].ref), "detail": "a crack at the rim",
		})
	case Revoke:
		w := c.writer(by)
		if err := c.upload(by, Step{Part: "S01/consent"}, &Part{Key: "consent"}, w); err != nil {
			return nil, err
		}
		_, part := c.p.part("S01/consent")
		o := part.Body(w)
		o["status"], o["id"] = "inactive", c.parts["S01/consent"].ref[len("Consent/"):]
		return c.w.send(by, "PUT", c.parts["S01/consent"].ref, o)
	case Bring:
		return c.bringOut(by, s)
	case Agree:
		return c.signature(by, c.x.task, s.Role, s.Purpose, "")
	case Settle:
		change := Arr{Obj{"op": "replace", "path": "/status", "value": s.To}}
		if s.To != "completed" {
			change = append(change, Obj{"op": "add", "path": "/statusReason", "value": text("as decided")})
		}
		return c.w.send(by, "PATCH", c.x.task, encode(change), "Content-Type", "application/json-patch+json")
	case Stands:
		target, err := c.newestOf("Task?code=urn:tenon:job-control|hold&status=requested&part-of=" + c.stages["S11"].task)
		if err != nil {
			return nil, err
		}
		return c.signature(by, target, "PROD", "job-stopped", "")
	case Note:
		target, err := c.newestOf("Communication?category=urn:tenon:notice|nonconformity&case=" + c.root)
		if err != nil {
			return nil, err
		}
		return c.signature(by, target, s.Role, "acknowledgement", "")
	case Leave, Back, Join, Counter, Die:
		return c.besides(by, s)
	case Demand:
		c.demands = fmt.Sprintf("W-%06d", c.w.number())
		return c.w.send(by, "POST", "PlanDefinition/"+c.p.Plan+"/$apply", Obj{"resourceType": "Parameters", "parameter": Arr{
			Obj{"name": "case-number", "valueString": c.demands}, Obj{"name": "prior-request", "valueReference": ref(c.parts["S06/order"].ref)},
			Obj{"name": "image-age", "valueDuration": quantity(90, "d")},
		}})
	}
	return nil, fmt.Errorf("unknown step %q", s.Kind)
}

// filing is the Task of an exception.
func (c *Case) filing(by *Person, s Step) Obj {
	o := Obj{
		"resourceType": "Task", "status": "requested", "intent": "proposal", "code": coded("exception", s.Purpose), "partOf": refs(c.root), "for": ref(c.patient.Ref),
		"requester": ref(by.Ref), "authoredOn": instant(time.Now()), "reasonCode": text("as found"),
	}
	switch s.Purpose {
	case changed:
		kind, inputs := s.To, Arr{}
		if kind == "images-valid" {
			kind = "patient-condition"
			inputs = append(inputs, exceptionInput("images-valid", "valueBoolean", true))
		}
		if s.To == "team-member" {
			inputs = append(inputs, exceptionInput("member", "valueReference", ref(c.people[newcomer].Ref)))
		}
		if s.Defect != "no path" {
			stage := c.from(s.To)
			if stage == "" {
				stage = s.Stage
			}
			inputs = append(inputs, exceptionInput("stage", "valueCode", stage), exceptionInput("document", "valueReference", ref(c.parts[s.Part].ref)))
		}
		if len(inputs) > 0 {
			o["input"] = inputs
		}
		reason := coded("change-kind", kind)
		if o["reasonCode"] = reason; s.Defect != "no reason" {
			reason["text"] = "a thinner rim"
		}
	case withdrawn:
		o["focus"] = ref(c.parts["S11/device"].ref)
	case handedTo:
		o["owner"] = ref(c.people[s.To].Ref)
	}
	return o
}

// bringOut writes the outputs of the open exception.
func (c *Case) bringOut(by *Person, s Step) (*Answer, error) {
	outputs := Arr{}
	switch c.x.code {
	case unfit:
		outputs = append(outputs, exceptionInput("cause", "valueString", "a pore"), exceptionInput("disposition", "valueCode", s.To))
		if c.done("S17") {
			handled, err := c.w.create(by, c.writer(by).ofCase(Obj{
				"resourceType": "Communication", "status": "completed", "subject": ref(c.patient.Ref), "about": refs(c.parts["S17/contingency-plan"].ref), "sender": ref(by.Ref),
				"sent": instant(time.Now()), "payload": Arr{Obj{"contentString": "handled by the contingency plan"}},
			}))
			if err != nil {
				return nil, err
			}
			outputs = append(outputs, exceptionInput("handling", "valueReference", ref(handled)))
		}
	case withdrawn:
		outputs = append(outputs, exceptionInput("disposition", "valueCode", s.To), exceptionInput("evidence", "valueReference", ref(c.parts["S11/label"].ref)))
	case ending:
		outputs = append(outputs, exceptionInput("disposition", "valueCode", s.To))
	case typeReview:
		outputs = append(outputs, exceptionInput("decision", "valueCode", s.To))
		if s.To == "continue" {
			outputs = append(outputs, exceptionInput("finding", "valueString", "the patient needs this device"))
		} else if c.made { // also one that was made before its stage was opened anew
			outputs = append(outputs, exceptionInput("disposition", "valueCode", "destroy"))
		}
	case reviewed:
		outputs = append(outputs, exceptionInput("finding", "valueString", "the device still fits"))
	}
	return c.w.send(by, "PATCH", c.x.task, encode(Arr{Obj{"op": "add", "path": "/output", "value": outputs}}), "Content-Type", "application/json-patch+json")
}

// newestOf is the resource that was written last of a search.
func (c *Case) newestOf(search string) (string, error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", search+"&_sort=-_lastUpdated&_count=1", nil)
	if err != nil {
		return "", err
	}
	for _, e := range list(decode(a.Body), "entry") {
		return str(e, "resource", "resourceType") + "/" + str(e, "resource", "id"), nil
	}
	return "", fmt.Errorf("%s finds nothing: %d", search, a.Status)
}

// excepted tells the model what an allowed step of an exception flow did.
func (c *Case) excepted(by *Person, s Step, a *Answer) error {
	switch s.Kind {
	case File:
		x := &exceptionState{code: s.Purpose, kind: s.To, task: a.Ref(), by: s.Who}
		if s.Purpose == changed {
			x.from, x.documents = c.from(s.To), []string{s.Part}
		}
		if s.Purpose == handedTo {
			x.heir = s.To
		}
		c.begins(x)
	case Found:
		return c.foundUnfit()
	case Revoke:
		p := c.parts["S01/consent"]
		p.version, p.defect, c.revoked = a.version(), "revoked", true
		c.hold()
		if c.produced() {
			return c.opened(ending)
		}
	case Bring:
		c.x.brought = s.To
	case Agree:
		c.marks = append(c.marks, mark{by: by, role: s.Role, purpose: s.Purpose, target: c.x.task, at: c.clock})
	case Note:
		c.marks = append(c.marks, mark{by: by, role: s.Role, purpose: "acknowledgement", target: c.x.task, version: "notice", at: c.clock})
	case Stands:
		c.machine = false
	case Settle:
		return c.settled(s)
	case Leave, Back, Join, Counter, Die:
		return c.besidesTaken(s, a)
	case Demand:
		c.w.Flows["X4 opened"]++
		c.followed = true
		c.next = c.follower(a)
	}
	return nil
}

// opened finds the exception that the server filed.
func (c *Case) opened(code string) error {
	task, err := c.newestOf("Task?code=urn:tenon:exception|" + code + "&status=requested,in-progress&part-of=" + c.root)
	if err != nil {
		return err
	}
	c.begins(&exceptionState{code: code, task: task})
	return nil
}

// foundUnfit: the device is inactive at once, and a nonconformity is open.
func (c *Case) foundUnfit() error {
	if err := c.opened(unfit); err != nil {
		return err
	}
	return c.deviceIs("inactive")
}

// deviceIs reads the device and what state it is in.
func (c *Case) deviceIs(state string) error {
	p := c.parts["S11/device"]
	a, err := c.w.send(c.people[c.p.Opener], "GET", p.ref, nil)
	if err != nil {
		return err
	}
	if p.version = a.version(); str(decode(a.Body), "status") != state {
		return fmt.Errorf("%s is %q, the model has %q", p.ref, str(decode(a.Body), "status"), state)
	}
	return nil
}

// settled is what an exception brings when it ends.
func (c *Case) settled(s Step) error {
	x := c.x
	c.w.Flows[strings.Join(strings.Fields(x.code+" "+x.kind+" "+x.brought+" "+s.To), " ")]++
	if s.To != "completed" {
		c.ends()
		return nil
	}
	switch x.code {
	case changed:
		if x.from == "" {
			c.unsign(x)
			break
		}
		c.prior(x.from)
		c.x = nil
		c.anew(x.from)
	case withdrawn:
		c.over = true
		c.ends()
		return c.deviceIs("inactive")
	case ending:
		c.over = true
	case typeReview:
		c.over = x.brought == "end"
	case handedTo:
		c.attending = x.heir
	case unfit:
		return c.disposed(x)
	}
	c.ends()
	return nil
}

// unsign: signatures over the documents that a change names count no more.
func (c *Case) unsign(x *exceptionState) {
	c.admitted = c.admitted || x.kind == "team-member"
	for _, path := range x.documents {
		c.marks = slices.DeleteFunc(c.marks, func(k mark) bool { return k.target == c.parts[path].ref })
	}
}

// anew opens a stage anew; files of documents that are gone are forgotten.
func (c *Case) anew(from string) {
	c.reopen(from)
	if c.parts["S18/use-record"] == nil {
		c.used = ""
	}
	for path := range c.written {
		if c.parts[path] == nil {
			delete(c.written, path)
			delete(c.files, path)
			delete(c.sums, path)
		}
	}
}

// prior keeps the order that is replaced.
func (c *Case) prior(from string) {
	for _, code := range c.p.onward(from) {
		if p := c.parts["S06/order"]; code == "S06" && p != nil {
			c.Prior = p.ref
		}
	}
}

// disposed is what becomes of an unfit device.
func (c *Case) disposed(x *exceptionState) error {
	switch x.brought {
	case "rework":
		c.x = nil
		c.anew("S15")
		c.ends()
		return c.deviceIs("active")
	case "remake":
		err := c.deviceIs("inactive")
		c.x = nil
		c.anew("S11")
		c.ends()
		return err
	case "redesign":
		err := c.deviceIs("inactive")
		c.x = nil
		c.hold()
		if again := c.opened(changed); again != nil {
			return again
		}
		c.x.kind, c.x.from = "design-parameter", "S08"
		return errors.Join(err, c.heldAnew())
	}
	c.over = true
	c.ends()
	return c.deviceIs("inactive")
}

// follower is the case that a new demand opened.
func (c *Case) follower(a *Answer) *Case {
	n := &Case{
		w: c.w, began: time.Now(), number: c.demands, sums: map[string]string{}, files: map[string][3]string{}, written: map[string]Obj{},
		patient: c.patient, person: c.person, Prior: c.parts["S06/order"].ref, quiet: c.quiet,
	}
	n.Model = newModel(c.p, maps.Clone(c.people))
	n.root, n.attending = a.Ref(), c.attending
	n.stages[c.p.Stages[0].Code].state = handedOver
	return n
}

// neverUsed: of a case that ended before its time, the device is not used.
func (c *Case) neverUsed(ok bool) error {
	if !ok || c.parts["S11/device"] == nil {
		return nil
	}
	a, err := c.w.send(c.people[c.p.Opener], "POST", "Procedure", used(c.writer(c.people[c.p.Opener])))
	if err == nil && a.Status != 409 {
		err = fmt.Errorf("the use of a device that is never used = %d %.300s, want 409", a.Status, a.told())
	}
	return err
}

// heldAnew: “from the moment of filing all stages rest: those at work are
// on-hold/change-pending”, also when the server files the change.
func (c *Case) heldAnew() error {
	seen, err := c.look()
	if err != nil {
		return err
	}
	for code, st := range c.stages {
		if st.state == onChange && seen[code].state == working {
			st.state = working
			c.w.Known["a stage is at work although the disposition redesign filed a change"]++
		}
	}
	return nil
}
