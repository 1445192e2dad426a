package casework_test

import (
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
)

// The exceptions of a socket are those of an implant, over its own stages.

func socketStop(t testing.TB, point string) *world {
	t.Helper()
	w := socketStops()[point]
	if w == nil {
		t.Fatalf("the walk of a socket has no point %q", point)
	}
	return w.at(t)
}

func TestSocketChange(t *testing.T) {
	for kind, want := range map[string]struct{ from, document string }{
		"design-parameter": {"S08", "DocumentReference/model"}, "machine": {"S11a", "DocumentReference/build"},
		"material": {"S09", "DocumentReference/model"}, "image-format": {"S03a", "DocumentReference/scan"}, "patient-condition": {"S02", "DocumentReference/scan"},
	} {
		t.Run("R001-135 R001-134 "+kind+" opens anew from "+want.from, func(t *testing.T) {
			w := socketStop(t, "S11 working")
			old := w.task(want.from)
			w.must(des, change(des, kind, want.from, "DocumentReference/model"))
			if c, _ := w.control(); c.Action != "hold" || w.state(w.task("S11")) != "change-pending" {
				t.Fatalf("control = %+v and S11 is %s, want a hold while the change is open", c, w.state(w.task("S11")))
			}
			refused(t, w.write(prod, w.set("S11", prod, "in-progress", "working")), 409, "", "change-open", "R001-135")
			w.signChange()
			refused(t, w.write(clin, w.status("Task/x1", "completed")), 409, "", "job-stopped", "R001-135")
			c, _ := w.control()
			w.must(mesMachine, acknowledgement(c, "stopped"))
			w.must(clin, w.status("Task/x1", "completed"))
			if c, _ := w.control(); c.Action != "cancel" {
				t.Errorf("control = %+v, want the job cancelled", c)
			}
			if anew := w.task(want.from); anew == old || w.state(anew) != "handed-over" {
				t.Errorf("%s is %s (%s), want it opened anew", want.from, anew, w.state(anew))
			}
			if raw := string(w.members["Device/implant"].Root.Raw()); kind != "machine" && !hasEnd(w, "Device/implant", "superseded") {
				t.Errorf("what was made by then may still be used: %s", raw)
			}
		})
	}
	t.Run("R001-218 a new demand after design confirmation is a new case", func(t *testing.T) {
		w := socketStop(t, "S11 working")
		refused(t, w.write(clin, change(clin, "clinical-requirement", "S06", "DeviceRequest/order")), 409, "", "new-demand", "R001-218")
	})
}

// hasEnd tells whether a device bears its end.
func hasEnd(w *world, device, as string) bool {
	for ext := range w.members[device].Root.Field("extension").Items() {
		if ext.Field("url").Str() == "urn:tenon:extension:ended" && ext.Field("valueCode").Str() == as {
			return true
		}
	}
	return false
}

func TestSocketNonconformity(t *testing.T) {
	t.Run("R001-215 rework comes back through judgement alone", func(t *testing.T) {
		w := socketStop(t, "S16 working")
		w.must(clin, problem("crack"))
		if w.members["Device/implant"].Root.Field("status").Str() != "inactive" || w.state(w.task("S16")) != "nonconformity" {
			t.Errorf("the prosthesis is in use, or S16 is %s", w.state(w.task("S16")))
		}
		w.must(clin, w.status(w.settleProblem("rework"), "completed"))
		if got := w.state(w.task("S15")); got != "handed-over" {
			t.Errorf("S15 is %q, want it opened anew", got)
		}
	})
	t.Run("R001-215 made anew, the old one is never used", func(t *testing.T) {
		w := socketStop(t, "S15 working")
		w.must(clin, problem("crack"))
		w.must(clin, w.status(w.settleProblem("remake"), "completed"))
		back := w.get("Device/implant")
		back["status"] = "active"
		refused(t, w.write(prod, back), 409, "", "device-ended", "R001-152")
		if got := w.state(w.task("S11")); got != "handed-over" {
			t.Errorf("S11 is %q, want it opened anew", got)
		}
	})
}

func TestSocketWithdrawal(t *testing.T) {
	w := socketStop(t, "S15 working")
	w.must(clin, exceptionTask("x3", "X3", clin, obj{"focus": ref("Device/implant")}))
	refused(t, w.write(clin, w.status("Task/x3", "completed")), 422, "", "withdrawal-evidence", "R001-152")
	w.withdraw()
	if !hasEnd(w, "Device/implant", "destroy") {
		t.Errorf("R001-152 the withdrawn prosthesis may be used again")
	}
}

func TestSocketLostGround(t *testing.T) {
	w := socketStop(t, "S11 working")
	consent := w.get("Consent/consent")
	consent["status"] = "inactive"
	w.must(clin, consent)
	c, task := w.control()
	if c.Action != "hold" || c.Reason != "consent" {
		t.Errorf("R001-036 control = %+v, want a hold", c)
	}
	x := w.exception("stop")
	b := w.get(x)
	b["output"] = arr{obj{"type": filing("disposition"), "valueCode": "destroy"}}
	w.must(hosp, b)
	w.mustSign(hosp, x, access.HOSP, "case-ending")
	w.mustSign(prod, task, access.PROD, "job-stopped")
	w.must(hosp, w.status(x, "completed"))
	if got := w.members["Task/root"].Root.Field("status").Str(); got != "cancelled" {
		t.Errorf("R001-036 the case is %q, want cancelled", got)
	}
}

func TestSocketPeople(t *testing.T) {
	t.Run("R001-021 deputy", func(t *testing.T) {
		w := socketStop(t, "S09 handed-over")
		w.must(des, exceptionTask("leave", "deputy", des, obj{"owner": ref(des2.Principal), "restriction": obj{"period": obj{"start": w.stamp(-time.Hour), "end": w.stamp(48 * time.Hour)}}}))
		w.must(des2, w.set("S09", des2, "received", "received"))
	})
	t.Run("R001-010 handover", func(t *testing.T) {
		w := socketStop(t, "S16 working")
		w.must(hosp, exceptionTask("hand", "handover", hosp, obj{"owner": ref(clin2.Principal)}))
		w.mustSign(hosp, "Task/hand", access.HOSP, "handover")
		w.mustSign(clin2, "Task/hand", access.CLIN, "handover")
		w.must(hosp, w.status("Task/hand", "completed"))
		refused(t, w.write(clin, w.set("S16", clin, "completed", "completed")), 0, "G-ACCEPT", "accepted-by-attending")
	})
}

func TestSocketReminders(t *testing.T) {
	for _, stage := range []string{"S02", "S11a", "S11b", "S18"} {
		w := socketStop(t, stage+" handed-over")
		timer := w.stageTimer(stage)
		w.now = timer.Due
		d, err := w.engine.Due(w.snapshot(), timer.Kind, timer.Body)
		if err != nil || len(d.Effects) != 3 {
			t.Fatalf("R001-214 Due of %s = %d effects, %v; want a Communication, its message and the next timer", stage, len(d.Effects), err)
		}
	}
	w := socketStop(t, "S11 working")
	w.must(des, change(des, "design-parameter", "S08", "DocumentReference/model"))
	var late *casework.Message
	for _, m := range w.timers {
		if m.Kind == "control" {
			late = m
		}
	}
	if late == nil || late.Due.Sub(w.now) > 15*time.Minute {
		t.Fatalf("R001-135 the timer of the hold = %+v, want one within 15 min", late)
	}
}
