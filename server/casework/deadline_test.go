package casework_test

import (
	"strings"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/casework"
)

// stageTimer is the newest timer of a stage.
func (w *world) stageTimer(stage string) *casework.Message {
	w.t.Helper()
	for i := len(w.timers) - 1; i >= 0; i-- {
		if w.timers[i].Kind == "stage" && strings.Contains(string(w.timers[i].Body), `"about":"`+stage+`"`) {
			return w.timers[i]
		}
	}
	w.t.Fatal("no timer of a stage")
	return nil
}

func TestReminders(t *testing.T) {
	w := stop(t, "S02 handed-over")
	timer := w.stageTimer("S02")
	task := w.members[w.task("S02")].Root
	made, _ := time.Parse(time.RFC3339, task.Field("authoredOn").Str())
	due, _ := time.Parse(time.RFC3339, task.Path("restriction", "period", "end").Str())
	if want := made.Add(due.Sub(made) * 80 / 100); !timer.Due.Equal(want) {
		t.Errorf("R001-214 the first reminder is at %v, want at 80 %% of the time, %v", timer.Due, want)
	}
	at, kinds := []time.Time{due, due.AddDate(0, 0, 1), due.AddDate(0, 0, 2)}, []string{"reminder", "overdue", "overdue"}
	for i := range at {
		w.now = timer.Due
		d, err := w.engine.Due(w.snapshot(), timer.Kind, timer.Body)
		if err != nil || len(d.Effects) != 3 {
			t.Fatalf("R001-214 Due = %d effects, %v; want a Communication, its message and the next timer", len(d.Effects), err)
		}
		if n := resource(d.Effects[0].Create, 1); n.Root.Path("category", "coding", "code").Str() != kinds[i] || n.Root.Field("recipient").Len() == 0 || n.Root.Field("payload").Len() != 2 {
			t.Errorf("R001-214 reminder %d is %s", i, d.Effects[0].Create)
		}
		if timer = d.Effects[2].Message; !timer.Due.Equal(at[i]) {
			t.Errorf("R001-214 the reminder after %d is at %v, want %v", i, timer.Due, at[i])
		}
	}
	done := stop(t, "S03a working")
	if d, err := done.engine.Due(done.snapshot(), timer.Kind, timer.Body); err != nil || len(d.Effects) != 0 {
		t.Errorf("R001-214 Due after S02 is completed = %d effects, %v; want none", len(d.Effects), err)
	}
}

func TestDueDates(t *testing.T) {
	t.Run("R001-214 the agreement gives the time of a stage", func(t *testing.T) {
		w := stop(t, "S06 working")
		w.alter("Contract/agreement", func(b obj) {
			term := b["term"].([]any)[0].(obj)
			term["extension"] = arr{obj{"url": "urn:tenon:extension:completion-time", "extension": arr{part("stage", "valueCode", "S07"),
				part("time", "valueDuration", obj{"value": 36, "unit": "h", "system": "http://unitsofmeasure.org", "code": "h"})}}}
		})
		at := w.now
		w.must(clin, w.set("S06", clin, "completed", "completed"))
		due, _ := time.Parse(time.RFC3339, w.members[w.task("S07")].Root.Path("restriction", "period", "end").Str())
		if !due.Equal(at.Add(36 * time.Hour)) {
			t.Errorf("S07 is due %v after its hand-over, want 36 h", due.Sub(at))
		}
	})
	t.Run("R001-214 what comes after must be done by the need date", func(t *testing.T) {
		w := stop(t, "S07 working")
		w.alter("DeviceRequest/order", func(b obj) { b["occurrencePeriod"] = obj{"end": w.stamp(100 * 24 * time.Hour)} })
		w.must(des, w.set("S07", des, "completed", "completed"))
		at := w.now
		due, _ := time.Parse(time.RFC3339, w.members[w.task("S08")].Root.Path("restriction", "period", "end").Str())
		if left := due.Sub(at); left > 21*24*time.Hour || left < 0 {
			t.Errorf("S08 is due in %v, want within its 21 days", left)
		}
		near := stop(t, "S07 working")
		near.alter("DeviceRequest/order", func(b obj) { b["occurrencePeriod"] = obj{"end": near.stamp(70 * 24 * time.Hour)} })
		near.must(des, near.set("S07", des, "completed", "completed"))
		early, _ := time.Parse(time.RFC3339, near.members[near.task("S08")].Root.Path("restriction", "period", "end").Str())
		if !early.Before(due) {
			t.Errorf("S08 is due at %v for a near need date and at %v for a far one, want it earlier", early, due)
		}
	})
}

func TestDeputy(t *testing.T) {
	leave := func(w *world, deputy *access.Context) obj {
		return exceptionTask("leave", "deputy", des, obj{"owner": ref(deputy.Principal), "restriction": obj{"period": obj{"start": w.stamp(-time.Hour), "end": w.stamp(48 * time.Hour)}}})
	}
	away := func(t *testing.T, point string) *world {
		w := stop(t, point)
		w.alter("CareTeam/team", func(b obj) {
			var kept arr
			for _, p := range b["participant"].([]any) {
				if p.(obj)["member"].(obj)["reference"] != des2.Principal {
					kept = append(kept, p)
				}
			}
			b["participant"] = kept
		})
		return w
	}
	t.Run("R001-021 a deputy acts in his own name, in the period alone", func(t *testing.T) {
		w := away(t, "S09 handed-over")
		refused(t, w.write(des2, w.set("S09", des2, "received", "received")), 403, "", "actor-in-team")
		w.must(des, leave(w, des2))
		w.must(des2, w.set("S09", des2, "received", "received"))
		w.now = w.now.Add(72 * time.Hour)
		refused(t, w.write(des2, w.set("S09", des2, "received", "judged-conform")), 403, "", "actor-in-team")
	})
	t.Run("R001-021 the same role, another person, for a time", func(t *testing.T) {
		w := away(t, "S09 handed-over")
		refused(t, w.write(des, leave(w, prod)), 422, "", "deputy-role")
		refused(t, w.write(des, leave(w, revSame)), 422, "", "deputy-person")
		refused(t, w.write(des, leave(w, clin)), 422, "", "deputy-organization")
		open := leave(w, des2)
		delete(open["restriction"].(obj)["period"].(obj), "end")
		refused(t, w.write(des, open), 422, "", "deputy-period")
		w.alterDirectory("VerificationResult/des-liu", func(b obj) { b["status"] = "val-fail" })
		refused(t, w.write(des, leave(w, des2)), 422, "", "deputy-qualified", "R001-021")
	})
	t.Run("R001-069 what the attending clinician signs in person nobody signs for him", func(t *testing.T) {
		w := stop(t, "S16 working")
		w.must(clin, exceptionTask("leave", "deputy", clin, obj{"owner": ref(clin2.Principal), "restriction": obj{"period": obj{"start": w.stamp(-time.Hour), "end": w.stamp(48 * time.Hour)}}}))
		w.unsign("Composition/acceptance", "device-acceptance", access.CLIN)
		w.mustSign(clin2, "Composition/acceptance", access.CLIN, "device-acceptance")
		refused(t, w.write(clin2, w.set("S16", clin2, "completed", "completed")), 0, "G-ACCEPT", "accepted-by-attending")
	})
}

func TestHandover(t *testing.T) {
	w := stop(t, "S16 working")
	proposal := func(to *access.Context) obj {
		return exceptionTask("hand", "handover", hosp, obj{"owner": ref(to.Principal)})
	}
	refused(t, w.write(hosp, proposal(des)), 422, "", "handover-person", "R001-010")
	w.must(hosp, proposal(clin2))
	if _, refusal := w.sign(clin, "Task/hand", access.CLIN, "handover"); len(refusal) == 0 {
		t.Error("R001-010 the former clinician signs in the place of the next one")
	}
	w.mustSign(hosp, "Task/hand", access.HOSP, "handover")
	w.mustSign(clin2, "Task/hand", access.CLIN, "handover")
	w.must(hosp, w.status("Task/hand", "completed"))
	w.unsign("Composition/acceptance", "device-acceptance", access.CLIN)
	w.mustSign(clin2, "Composition/acceptance", access.CLIN, "device-acceptance")
	w.must(clin2, w.set("S16", clin2, "completed", "completed"))
}

func TestRoleEnded(t *testing.T) {
	w := stop(t, "S09 working")
	w.alterDirectory("PractitionerRole/des-zhang", func(b obj) { b["active"] = false })
	refused(t, w.write(des, w.set("S09", des, "completed", "completed")), 403, "", "actor-role", "R001-035")
	w.must(des2, w.set("S09", des2, "completed", "completed"))
}
