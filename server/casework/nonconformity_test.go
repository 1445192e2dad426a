package casework_test

import (
	"strings"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
)

func problem(id string) obj {
	return obj{"resourceType": "DetectedIssue", "id": id, "status": "preliminary", "patient": ref("Patient/p"), "implicated": arr{ref("Device/implant")}, "detail": "a crack"}
}

// exception is the one open or closed Task of an exception.
func (w *world) exception(code string) string { return w.coded("Task", "code", code) }

// notice is the one Communication of a kind.
func (w *world) notice(kind string) string { return w.coded("Communication", "category", kind) }

// coded is the member of a type that bears a code in an element.
func (w *world) coded(typ, element, code string) string {
	w.t.Helper()
	for ref, r := range w.members {
		if r.Type == typ && r.Root.Path(element, "coding", "code").Str() == code {
			return ref
		}
	}
	w.t.Fatalf("no %s of %s", typ, code)
	return ""
}

// settleProblem does what a nonconformity asks for, up to the signatures.
func (w *world) settleProblem(disposition string) string {
	w.t.Helper()
	x := w.exception("X2")
	n := w.notice("nonconformity")
	w.mustSign(des, n, access.DES, "acknowledgement")
	w.mustSign(prod, n, access.PROD, "acknowledgement")
	b := w.get(x)
	b["output"] = arr{obj{"type": filing("cause"), "valueString": "a pore"}, obj{"type": filing("disposition"), "valueCode": disposition}}
	w.must(qa, b)
	w.mustSign(clin, x, access.CLIN, "nonconformity-closing")
	w.mustSign(qa, x, access.QA, "nonconformity-closing")
	return x
}

func TestNonconformity(t *testing.T) {
	t.Run("R001-215 a problem puts the device in quarantine at once", func(t *testing.T) {
		w := stop(t, "S15 working")
		w.must(clin, problem("crack"))
		if got := w.members["Device/implant"].Root.Field("status").Str(); got != "inactive" {
			t.Errorf("the device is %q, want inactive", got)
		}
		if got := w.state(w.task("S15")); got != "nonconformity" {
			t.Errorf("S15 is %q, want nonconformity", got)
		}
		back := w.get("Device/implant")
		back["status"] = "active"
		refused(t, w.write(clin, back), 409, "", "device-quarantined", "R001-215")
		refused(t, w.write(clin, w.set("S15", clin, "in-progress", "working")), 409, "", "nonconformity-open", "R001-215")
		refused(t, w.write(clin, exceptionTask("own", "X2", clin, nil)), 409, "", "exception-by-server")
	})
	t.Run("R001-216 DES and PROD are told, acknowledge, and are told again when they do not", func(t *testing.T) {
		w := stop(t, "S15 working")
		w.must(clin, problem("crack"))
		n := w.members[w.notice("nonconformity")].Root
		if n.Field("recipient").Len() < 2 || len(w.notices) == 0 {
			t.Errorf("the notice %s has no recipients or left no message", n.Raw())
		}
		x := w.exception("X2")
		d := w.write(clin, w.status(x, "completed"))
		for _, id := range []string{"nonconformity-acknowledged-DES", "nonconformity-acknowledged-PROD", "nonconformity-cause", "nonconformity-disposition", "nonconformity-closing-signed-CLIN", "nonconformity-closing-signed-QA"} {
			refused(t, d, 422, "", id)
		}
		var timer *casework.Message
		for _, m := range w.timers {
			if m.Kind == "acknowledgement" {
				timer = m
			}
		}
		if timer == nil || timer.Due.Sub(w.now) > 24*time.Hour {
			t.Fatalf("timer = %+v, want one within 24 h", timer)
		}
		w.now = timer.Due
		if d, err := w.engine.Due(w.snapshot(), timer.Kind, timer.Body); err != nil || len(d.Effects) != 3 {
			t.Errorf("Due = %d effects, %v; want them told again", len(d.Effects), err)
		}
	})
	t.Run("R001-215 reworked, it comes back through judgement alone", func(t *testing.T) {
		w := stop(t, "S16 working")
		w.must(clin, problem("crack"))
		w.must(clin, w.status(w.settleProblem("rework"), "completed"))
		if got := w.state(w.task("S15")); got != "handed-over" {
			t.Errorf("S15 is %q, want it opened anew", got)
		}
		if got := w.members["Device/implant"].Root.Field("status").Str(); got != "active" {
			t.Errorf("the device is %q after rework, want active, and not released", got)
		}
		use := obj{"resourceType": "Procedure", "id": "use", "status": "completed", "subject": ref("Patient/p"), "focalDevice": arr{obj{"manipulated": ref("Device/implant")}}}
		refused(t, w.write(clin, use), 409, "G-USE", "released-for-use")
	})
	t.Run("R001-158 made anew, it has another batch number, and the old one is never used", func(t *testing.T) {
		w := stop(t, "S15 working")
		w.must(clin, problem("crack"))
		w.must(clin, w.status(w.settleProblem("remake"), "completed"))
		if got := w.state(w.task("S11")); got != "handed-over" {
			t.Fatalf("S11 is %q, want it opened anew", got)
		}
		back := w.get("Device/implant")
		back["status"] = "active"
		refused(t, w.write(prod, back), 409, "", "device-ended", "R001-152")
		delete(back, "extension")
		refused(t, w.write(dev, back), 409, "", "device-end-by-server")
		use := obj{"resourceType": "Procedure", "id": "use", "status": "completed", "subject": ref("Patient/p"), "focalDevice": arr{obj{"manipulated": ref("Device/implant")}}}
		refused(t, w.write(clin, use), 409, "G-USE", "device-superseded")
		w.accept("S11", prod, "PROD")
		w.must(prod, addInputs(w.get(w.task("S11"))))
		w.mustSign(prod, "Task/root", access.PROD, "waive:machine-capability")
		w.must(prod, w.set("S11", prod, "in-progress", "working"))
		same := device(w)
		same["id"] = "implant-2"
		w.must(prod, same)
		w.name("S11", prod, output("device", "Device/implant-2"))
		refused(t, w.write(prod, w.set("S11", prod, "completed", "completed")), 422, "", "new-batch-number", "R001-158")
		w.lay(use, clin.Principal) // as if the old one had been used before: the new one still can be changed
		w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
	})
	t.Run("R001-217 once it was released, the handling follows the contingency plan", func(t *testing.T) {
		w := stop(t, "S18 working")
		w.must(clin, problem("crack"))
		w.settleProblem("retain")
		refused(t, w.write(clin, w.status(w.exception("X2"), "completed")), 422, "", "nonconformity-handled", "R001-217")
	})
	t.Run("R001-215 redesigned, it files a change", func(t *testing.T) {
		w := stop(t, "S15 working")
		w.must(clin, problem("crack"))
		w.must(clin, w.status(w.settleProblem("redesign"), "completed"))
		if got := w.state(w.task("S15")); got != "change-pending" {
			t.Errorf("S15 is %q while the change is open, want change-pending", got)
		}
		refused(t, w.write(clin, w.set("S15", clin, "in-progress", "working")), 409, "", "change-open", "R001-135")
		if x := w.members[w.exception("X1")].Root; x.Field("status").Str() != "requested" || x.Field("reasonReference").Field("reference").Str() != w.exception("X2") {
			t.Errorf("the change is %s, want it filed because of the nonconformity", x.Raw())
		}
	})
	t.Run("R001-153 a device stays the patient's", func(t *testing.T) {
		w := stop(t, "S15 working")
		b := w.get("Device/implant")
		b["patient"] = ref(other)
		refused(t, w.write(dev, b), 409, "", "device-patient-fixed", "R001-153")
	})
}

func TestWithdrawal(t *testing.T) {
	filed := func(t *testing.T) *world {
		w := stop(t, "S15 working")
		w.must(clin, exceptionTask("x3", "X3", clin, obj{"focus": ref("Device/implant")}))
		return w
	}
	t.Run("R001-152 an unused device is withdrawn with evidence, for good", func(t *testing.T) {
		w := filed(t)
		if got := w.members["Device/implant"].Root.Field("status").Str(); got != "inactive" {
			t.Errorf("the device is %q while it is withdrawn, want inactive", got)
		}
		refused(t, w.write(clin, w.set("S15", clin, "completed", "completed")), 409, "", "withdrawal-open", "R001-152")
		d := w.write(clin, w.status("Task/x3", "completed"))
		for _, id := range []string{"withdrawal-disposition", "withdrawal-evidence", "withdrawal-signed-CLIN", "withdrawal-signed-QA"} {
			refused(t, d, 422, "", id, "R001-152")
		}
		w.withdraw()
		refused(t, w.write(clin, w.set("S15", clin, "completed", "completed")), 409, "", "device-ended", "R001-152")
	})
	t.Run("R001-152 taken back, the device is as before", func(t *testing.T) {
		w := filed(t)
		w.must(clin, w.status("Task/x3", "cancelled"))
		if got := w.members["Device/implant"].Root.Field("status").Str(); got != "active" {
			t.Errorf("the device is %q, want active", got)
		}
	})
	t.Run("R001-152 a used device is not withdrawn", func(t *testing.T) {
		w := stop(t, "S18 working")
		refused(t, w.write(clin, exceptionTask("x3", "X3", clin, obj{"focus": ref("Device/implant")})), 409, "", "device-used")
	})
}

// withdraw ends the withdrawal Task/x3: the device is destroyed, with evidence.
func (w *world) withdraw() {
	w.t.Helper()
	b := w.get("Task/x3")
	b["output"] = arr{obj{"type": filing("disposition"), "valueCode": "destroy"}, obj{"type": filing("evidence"), "valueReference": ref("DocumentReference/label")}}
	w.must(qa, b)
	w.mustSign(clin, "Task/x3", access.CLIN, "withdrawal")
	w.mustSign(qa, "Task/x3", access.QA, "withdrawal")
	w.must(clin, w.status("Task/x3", "completed"))
}

func TestLostGround(t *testing.T) {
	t.Run("R001-036 a consent withdrawn in production: held at the MES, and the hospital decides", func(t *testing.T) {
		w := stop(t, "S11 working")
		consent := w.get("Consent/consent")
		consent["status"] = "inactive"
		w.must(clin, consent)
		c, task := w.control()
		if c.Action != "hold" || c.Reason != "consent" {
			t.Errorf("control = %+v, want a hold", c)
		}
		x := w.exception("stop")
		b := w.get(x)
		b["output"] = arr{obj{"type": filing("disposition"), "valueCode": "destroy"}}
		w.must(hosp, b)
		d := w.write(hosp, w.status(x, "completed"))
		refused(t, d, 422, "", "case-ending-signed-HOSP")
		refused(t, d, 422, "", "job-stopped")
		w.mustSign(hosp, x, access.HOSP, "case-ending")
		w.mustSign(prod, task, access.PROD, "job-stopped")
		w.must(hosp, w.status(x, "completed"))
		if got := w.members["Task/root"].Root.Field("status").Str(); got != "cancelled" {
			t.Errorf("the case is %q, want cancelled", got)
		}
		if raw := string(w.members["Device/implant"].Root.Raw()); !strings.Contains(raw, `"url":"urn:tenon:extension:ended","valueCode":"destroy"`) {
			t.Errorf("the device does not bear its end: %s", w.members["Device/implant"].Root.Raw())
		}
	})
	t.Run("R001-036 a consent withdrawn: the manufacturer writes its documents no more", func(t *testing.T) {
		w := stop(t, "S08 working")
		model := w.get("DocumentReference/model")
		model["description"] = "another"
		w.must(des, model)
		consent := w.get("Consent/consent")
		consent["status"] = "inactive"
		w.must(clin, consent)
		model["description"] = "a third"
		refused(t, w.write(des, model), 409, "", "consent-in-force", "R001-036")
	})
	t.Run("R001-153 the patient died: nothing is made any more", func(t *testing.T) {
		w := stop(t, "S09 working")
		p := w.get("Patient/p")
		p["deceasedBoolean"] = true
		w.must(clin, p)
		refused(t, w.write(des, w.set("S09", des, "in-progress", "working")), 409, "", "patient-deceased")
		late := stop(t, "S18 working")
		p["deceasedBoolean"] = true
		late.must(clin, p)
		if got := late.state(late.task("S18")); got != "working" {
			t.Errorf("S18 is %q, want follow-up to be written to its end", got)
		}
	})
	t.Run("R001-009 the account of the hospital is closed: its cases rest", func(t *testing.T) {
		w := stop(t, "S09 working")
		w.alterDirectory("Organization/hospital", func(b obj) { b["active"] = false })
		refused(t, w.write(des, w.set("S09", des, "completed", "completed")), 0, "", "hospital-closed")
		refused(t, stopClosed(t).write(clin, stopClosed(t).set("S15", clin, "completed", "completed")), 403, "", "organisation-closed", "R001-009")
	})
}

func stopClosed(t *testing.T) *world {
	w := stop(t, "S15 working")
	w.alterDirectory("Organization/hospital", func(b obj) { b["active"] = false })
	return w
}
