package casework_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
)

var mesMachine = &access.Context{Tenant: "main", Kind: access.System, Principal: "Device/mes", Organization: "Organization/maker", Side: access.Manufacturer}

func filing(code string) obj { return concept("urn:tenon:exception-input", code) }

func exceptionTask(id, code string, by *access.Context, more obj) obj {
	b := obj{"resourceType": "Task", "id": id, "status": "requested", "intent": "proposal", "partOf": arr{ref("Task/root")}, "for": ref("Patient/p"),
		"code": concept("urn:tenon:exception", code), "requester": ref(by.Principal), "authoredOn": "2026-03-02T08:00:00Z", "reasonCode": obj{"text": "because"}}
	for k, v := range more {
		b[k] = v
	}
	return b
}

// change is a proposal with its path.
func change(by *access.Context, kind, stage, document string, more ...any) obj {
	input := append(arr{obj{"type": filing("stage"), "valueCode": stage}, obj{"type": filing("document"), "valueReference": ref(document)}}, more...)
	return exceptionTask("x1", "X1", by, obj{"input": input, "reasonCode": obj{"coding": arr{obj{"system": "urn:tenon:change-kind", "code": kind}}, "text": "the defect grew"}})
}

func (w *world) status(ref, status string) obj {
	b := w.get(ref)
	b["status"] = status
	b["statusReason"] = obj{"text": "as decided"}
	return b
}

func (w *world) state(ref string) string {
	w.t.Helper()
	return w.members[ref].Root.Path("businessStatus", "coding", "code").Str()
}

func (w *world) signChange() {
	w.t.Helper()
	w.mustSign(clin, "Task/x1", access.CLIN, "change")
	w.mustSign(des, "Task/x1", access.DES, "change")
	w.mustSign(prod, "Task/x1", access.PROD, "change")
}

func TestChange(t *testing.T) {
	t.Run("R001-134 a change gives its reason and its path", func(t *testing.T) {
		w := stop(t, "S09 working")
		for id, cut := range map[string]func(obj){
			"exception-reason": func(b obj) { delete(b["reasonCode"].(obj), "text") },
			"change-kind":      func(b obj) { delete(b["reasonCode"].(obj), "coding") },
			"change-path":      func(b obj) { b["input"] = b["input"].(arr)[1:] },
			"change-documents": func(b obj) { b["input"] = b["input"].(arr)[:1] },
		} {
			b := change(des, "design-parameter", "S08", "DocumentReference/model")
			cut(b)
			refused(t, w.write(des, b), 422, "", id, "R001-134")
		}
		refused(t, w.write(des2, change(des, "design-parameter", "S08", "DocumentReference/model")), 403, "", "exception-requester")
		early := stop(t, "S04 working")
		refused(t, early.write(clin, change(clin, "design-parameter", "S08", "Consent/consent")), 409, "", "exception-early")
	})
	t.Run("R001-135 one who signs it carries it out", func(t *testing.T) {
		w := stop(t, "S09 working")
		w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
		w.signChange()
		refused(t, w.write(rev, w.status("Task/x1", "completed")), 403, "", "exception-signer")
		w.must(prod, w.status("Task/x1", "completed"))
	})
	t.Run("R001-135 one signature missing is no change, and the stages rest meanwhile", func(t *testing.T) {
		w := stop(t, "S09 working")
		old := w.task("S09")
		w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
		if got := w.state(old); got != "change-pending" {
			t.Errorf("S09 is %q while a change is open, want change-pending", got)
		}
		refused(t, w.write(des, w.set("S09", des, "in-progress", "working")), 409, "", "change-open", "R001-135")
		for i, by := range []*access.Context{clin, des, prod} {
			d := w.write(clin, w.status("Task/x1", "completed"))
			for _, missing := range []string{"CLIN", "DES", "PROD"}[i:] {
				refused(t, d, 422, "", "change-signed-"+missing, "R001-135")
			}
			w.mustSign(by, "Task/x1", by.Roles[0], "change")
		}
		edited := w.status("Task/x1", "completed")
		edited["description"] = "something else"
		refused(t, w.write(clin, edited), 409, "", "exception-elements")
		w.must(clin, w.status("Task/x1", "completed"))
		if got := w.state(old); got != "cancelled" {
			t.Errorf("the old S09 is %q, want cancelled", got)
		}
		anew := w.members[w.task("S08")]
		if anew.Root.Field("reasonReference").Field("reference").Str() != "Task/x1" || anew.Root.Field("relevantHistory").Len() != 3 || w.state(anew.Ref()) != "handed-over" {
			t.Errorf("S08 is not opened anew because of the change with its three signatures: %s", anew.Root.Raw())
		}
	})
	t.Run("R001-135 old signatures do not count for the new revision", func(t *testing.T) {
		w := stop(t, "S09 working")
		w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
		w.signChange()
		n := len(w.signatures)
		w.must(clin, w.status("Task/x1", "completed"))
		w.accept("S08", des, "DES")
		w.must(des, w.set("S08", des, "in-progress", "working"))
		w.name("S08", des, output("design-model", "DocumentReference/model"), output("drawing", "DocumentReference/drawing"),
			output("design-description", "DocumentReference/description"), output("design-definition", "DeviceDefinition/design"),
			output("design-output", "Composition/design-output"), output("analysis", "DiagnosticReport/analysis"))
		d := w.write(des, w.set("S08", des, "completed", "completed"))
		if !strings.Contains(told(d.Refusal), "lacks the signature") && !strings.Contains(told(d.Refusal), "signed anew") {
			t.Errorf("S08 with the old signatures = %s, want them to be asked for anew", told(d.Refusal))
		}
		if len(w.signatures) < n {
			t.Error("a signature over the old revision is gone")
		}
	})
	t.Run("R001-135 a declined change lets work go on", func(t *testing.T) {
		for _, to := range []string{"rejected", "cancelled"} {
			w := stop(t, "S09 working")
			w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
			by := des
			if to == "rejected" {
				by = prod
			}
			bare := w.status("Task/x1", to)
			delete(bare, "statusReason")
			refused(t, w.write(by, bare), 422, "", "reason")
			w.must(by, w.status("Task/x1", to))
			if got := w.state(w.task("S09")); got != "working" {
				t.Errorf("S09 is %q after the change was %s, want working", got, to)
			}
			refused(t, w.write(des, w.status("Task/x1", "completed")), 409, "", "exception-closed")
		}
	})
	t.Run("R001-136 the patient changed: new images, unless the clinician states otherwise", func(t *testing.T) {
		for stage, more := range map[string]arr{"S02": nil, "S04": {obj{"type": filing("images-valid"), "valueBoolean": true}}} {
			w := stop(t, "S09 working")
			w.must(clin, change(clin, "patient-condition", stage, "CarePlan/plan", more...))
			w.signChange()
			before := w.task(stage)
			w.must(clin, w.status("Task/x1", "completed"))
			if w.task(stage) == before {
				t.Errorf("%s was not opened anew", stage)
			}
		}
	})
	t.Run("R001-213 another image format repeats the interaction from data confirmation", func(t *testing.T) {
		w := stop(t, "S09 working")
		w.must(img, change(img, "image-format", "S03a", "ImagingStudy/ct"))
		w.signChange()
		w.must(prod, w.status("Task/x1", "completed"))
		if got := w.state(w.task("S03a")); got != "handed-over" {
			t.Errorf("S03a is %q, want handed-over", got)
		}
		if got := ceiling(w, des.Principal); got != 0 {
			t.Errorf("R001-046 the designer reaches level %d before the data are confirmed anew, want none", got)
		}
	})
	t.Run("R001-218 a new demand after design confirmation is a new case", func(t *testing.T) {
		w := stop(t, "S11 working")
		refused(t, w.write(clin, change(clin, "clinical-requirement", "S06", "DeviceRequest/order")), 409, "", "new-demand", "R001-218")
	})
	t.Run("R001-021 a new member comes by a change, and reads what was open", func(t *testing.T) {
		w := stop(t, "S09 handed-over")
		w.alter("CareTeam/team", func(b obj) { // as if des-liu had never been in it
			var kept arr
			for _, p := range b["participant"].([]any) {
				if p.(obj)["member"].(obj)["reference"] != des2.Principal {
					kept = append(kept, p)
				}
			}
			b["participant"] = kept
		})
		joined := func() obj {
			b := w.get("CareTeam/team")
			b["participant"] = append(b["participant"].([]any), obj{"role": arr{concept("urn:tenon:role", "DES")}, "member": ref(des2.Principal)})
			return b
		}
		refused(t, w.write(clin, joined()), 409, "", "team-by-change")
		x := change(des, "team-member", "S09", "CareTeam/team", obj{"type": filing("member"), "valueReference": ref(des2.Principal)})
		w.must(des, x)
		w.signChange()
		w.must(des, w.status("Task/x1", "completed"))
		w.must(clin, joined())
		refused(t, w.write(des2, w.set("S09", des2, "received", "received")), 409, "", "counter-read", "R001-021")
		w.mustSign(des2, w.task("S09"), access.DES, "counter-read")
		w.must(des2, w.set("S09", des2, "received", "received"))
	})
}

// control is the newest control of the job.
func (w *world) control() (casework.JobControl, string) {
	w.t.Helper()
	var c casework.JobControl
	if err := json.Unmarshal(w.messages[len(w.messages)-1].Body, &c); err != nil {
		w.t.Fatal(err)
	}
	for ref, r := range w.members {
		if r.Root.Path("identifier").First().Field("system").Str() == "urn:tenon:job-control" && r.Root.Path("identifier").First().Field("value").Str() == c.Control {
			return c, ref
		}
	}
	w.t.Fatalf("no Task for the control %s", c.Control)
	return c, ""
}

func acknowledgement(c casework.JobControl, outcome string) obj {
	return obj{"resourceType": "Task", "id": "ack-" + outcome, "status": "completed", "intent": "order", "partOf": arr{ref(c.JobOrder)}, "authoredOn": "2026-03-03T08:00:00Z",
		"code": concept("urn:tenon:job-control", "acknowledged"), "identifier": arr{obj{"system": "urn:tenon:job-control", "value": c.Control}}, "businessStatus": concept("urn:tenon:job-control", outcome)}
}

func TestRunningJob(t *testing.T) {
	proposed := func(t *testing.T) *world {
		w := stop(t, "S11 working")
		w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
		w.signChange()
		return w
	}
	t.Run("R001-135 a change is not carried out while the machine may print", func(t *testing.T) {
		w := proposed(t)
		c, task := w.control()
		if c.Action != "hold" || c.Reason != "change" {
			t.Fatalf("control = %+v, want a hold", c)
		}
		refused(t, w.write(clin, w.status("Task/x1", "completed")), 409, "", "job-stopped", "R001-135")
		refused(t, w.write(prod, acknowledgement(c, "stopped")), 403, "", "control-by-machine")
		refused(t, w.write(mesMachine, acknowledgement(c, "resumed")), 422, "", "control-outcome")
		state := func() string { return w.engine.Report(w.snapshot()).Controls[0].State }
		if r := w.engine.Report(w.snapshot()); state() != "sent" || len(r.Exceptions) != 1 || r.Exceptions[0].Status != "requested" || len(r.Exceptions[0].Unsigned) != 0 {
			t.Errorf("$case tells %+v and %+v, want the hold sent and the change signed", r.Controls, r.Exceptions)
		}
		if out := string(w.engine.Report(w.snapshot()).Parameters()); !strings.Contains(out, `{"name":"control","part":[{"name":"action","valueCode":"hold"}`) || !strings.Contains(out, `{"name":"exception","part":[{"name":"code","valueCode":"X1"}`) {
			t.Errorf("$case lacks control or exception: %s", out)
		}
		w.must(mesMachine, acknowledgement(c, "refused"))
		if state() != "refused" {
			t.Errorf("the control is %s, want refused", state())
		}
		refused(t, w.write(clin, w.status("Task/x1", "completed")), 409, "", "job-stopped")
		w.must(mesMachine, acknowledgement(c, "stopped"))
		if got := w.members[task].Root.Field("status").Str(); got != "completed" {
			t.Errorf("the control is %q after the answer, want completed", got)
		}
		w.must(clin, w.status("Task/x1", "completed"))
		if c, _ := w.control(); c.Action != "cancel" {
			t.Errorf("control = %+v, want the job cancelled", c)
		}
	})
	t.Run("R001-135 PROD stands at the machine when the MES is silent", func(t *testing.T) {
		w := proposed(t)
		_, task := w.control()
		w.mustSign(prod, task, access.PROD, "job-stopped")
		w.must(clin, w.status("Task/x1", "completed"))
	})
	t.Run("R001-135 a declined change resumes the job", func(t *testing.T) {
		w := proposed(t)
		w.must(prod, w.status("Task/x1", "rejected"))
		if c, _ := w.control(); c.Action != "resume" {
			t.Errorf("control = %+v, want it resumed", c)
		}
	})
	t.Run("R001-135 R001-036 a hold that another followed on asks nobody any more", func(t *testing.T) {
		w := proposed(t) // the first hold is never answered: the job goes on
		w.must(prod, w.status("Task/x1", "rejected"))
		again := func(id string) string {
			x := change(des, "design-parameter", "S08", "DocumentReference/model")
			x["id"] = id
			w.must(des, x)
			for _, by := range []*access.Context{clin, des, prod} {
				w.mustSign(by, "Task/"+id, by.Roles[0], "change")
			}
			return "Task/" + id
		}
		x := again("x2")
		_, hold := w.control()
		refused(t, w.write(clin, w.status(x, "completed")), 409, "", "job-stopped")
		w.mustSign(prod, hold, access.PROD, "job-stopped")
		w.must(clin, w.status(x, "completed"))
		w.must(clin, w.status(again("x3"), "completed")) // no job is at work
		w.alter("Consent/consent", func(b obj) { b["status"] = "inactive" })
		w.regrant()
		if got := ceiling(w, prod.Principal); got != 0 {
			t.Errorf("PROD reaches level %d of a case that is closed to the manufacturer, want none: the machine stands", got)
		}
	})
	t.Run("R001-135 a late answer is told, again and again, until it comes", func(t *testing.T) {
		w := proposed(t)
		timer := w.timers[len(w.timers)-1]
		for _, m := range w.timers {
			if m.Kind == "control" {
				timer = m
			}
		}
		w.now = timer.Due.Add(time.Minute)
		d, err := w.engine.Due(w.snapshot(), timer.Kind, timer.Body)
		if err != nil || len(d.Effects) != 3 {
			t.Fatalf("Due = %d effects, %v; want a Communication, its message and the next timer", len(d.Effects), err)
		}
		if got := w.engine.Report(w.snapshot()).Controls[0].State; got != "late" {
			t.Errorf("the control is %s, want late", got)
		}
		c, _ := w.control()
		w.must(mesMachine, acknowledgement(c, "stopped"))
		if d, err := w.engine.Due(w.snapshot(), timer.Kind, timer.Body); err != nil || len(d.Effects) != 0 {
			t.Errorf("Due after the answer = %d effects, %v; want none", len(d.Effects), err)
		}
	})
	t.Run("R001-135 controls are the server's", func(t *testing.T) {
		w := proposed(t)
		_, task := w.control()
		refused(t, w.write(prod, w.status(task, "completed")), 409, "", "control-by-server")
	})
}
