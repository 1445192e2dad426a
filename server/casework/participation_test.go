package casework_test

import (
	"testing"
	"time"

	"tenon/server/access"
)

// asks is the clinician's request to take part in follow-up.
func asks(w *world, who *access.Context, from, to time.Duration) obj {
	return obj{
		"resourceType": "Task", "id": "invited", "status": "requested", "intent": "order", "code": concept("urn:tenon:document", "participation"), "for": ref("Patient/p"),
		"requester": ref(clin.Principal), "owner": ref(who.Principal), "reasonCode": obj{"text": "screw"}, "restriction": obj{"period": obj{"start": w.stamp(from), "end": w.stamp(to)}},
	}
}

// withoutAgreement is follow-up when the agreement has ended: the manufacturer's
// people see the case no more.
func withoutAgreement(t *testing.T, point string) *world {
	w := stop(t, point)
	put("Contract/agreement", "status", "terminated")(w)
	w.regrant()
	return w
}

func TestParticipation(t *testing.T) {
	t.Run("R001-225 the request opens the case for reading, until its end", func(t *testing.T) {
		w := withoutAgreement(t, "S18 working")
		if got := ceiling(w, des.Principal); got != 0 {
			t.Fatalf("before: level %d, want none", got)
		}
		set := len(w.timers)
		w.must(clin, asks(w, des, time.Hour, 48*time.Hour))
		if got := ceiling(w, des.Principal); got != 0 || len(w.timers) != set+2 {
			t.Errorf("before it begins: level %d, %d timers more; want none, and those of begin and end", got, len(w.timers)-set)
		}
		begin, end := w.timers[set], w.timers[set+1]
		w.now = begin.Due
		d, err := w.engine.Due(w.snapshot(), begin.Kind, begin.Body)
		if w.grants = d.Grants; err != nil || ceiling(w, des.Principal) != 4 || len(d.Effects) != 2 {
			t.Fatalf("when it begins: level %d, %d effects, %v; want 4 and a notice", ceiling(w, des.Principal), len(d.Effects), err)
		}
		if got := ceiling(w, prod.Principal); got != 0 {
			t.Errorf("who was not asked reaches level %d", got)
		}
		refused(t, w.write(des, obj{"resourceType": "Communication", "id": "c", "status": "completed"}), 403, "", "participation-reads", "R001-225")
		answer := w.get("Task/invited")
		answer["restriction"] = obj{"period": obj{"start": w.stamp(0), "end": w.stamp(9000 * time.Hour)}}
		refused(t, w.write(des, answer), 403, "", "participation-asked", "R001-225")
		w.now = end.Due
		d, err = w.engine.Due(w.snapshot(), end.Kind, end.Body)
		if w.grants = d.Grants; err != nil || ceiling(w, des.Principal) != 0 {
			t.Errorf("when it ends: level %d, %v; want none", ceiling(w, des.Principal), err)
		}
	})
	t.Run("R001-225 answered, it is recorded and closed", func(t *testing.T) {
		w := withoutAgreement(t, "S18 working")
		w.must(clin, asks(w, prod, -time.Hour, 48*time.Hour))
		if got := ceiling(w, prod.Principal); got != 4 {
			t.Fatalf("asked: level %d, want 4", got)
		}
		answer := w.get("Task/invited")
		answer["status"], answer["note"] = "completed", arr{obj{"text": "the rim fits"}}
		w.must(prod, answer)
		if got := ceiling(w, prod.Principal); got != 0 {
			t.Errorf("answered: level %d, want none", got)
		}
	})
	t.Run("R001-225 the clinician alone asks", func(t *testing.T) {
		w := stop(t, "S18 working")
		refused(t, w.write(des, asks(w, prod, 0, time.Hour)), 403, "", "participation-asked", "R001-225")
		refused(t, w.write(clin2, asks(w, prod, 0, time.Hour)), 403, "", "participation-asked", "R001-225")
	})
	for name, c := range map[string]struct {
		point string
		do    removal
		who   *access.Context
	}{
		"R001-225 not before follow-up":           {"S08 working", nil, des},
		"R001-225 not without consent":            {"S18 working", put("Consent/consent", "status", "inactive"), des},
		"R001-225 not to who is not of the team":  {"S18 working", cut("CareTeam/team", "participant", member(des)), des},
		"R001-225 not to another role":            {"S18 working", nil, qa},
		"R001-225 not for another's name":         {"S18 working", func(w *world) { w.alter("Task/invited", func(b obj) { b["requester"] = ref(clin2.Principal) }) }, des},
		"R001-225 not without an end":             {"S18 working", func(w *world) { w.alter("Task/invited", func(b obj) { b["restriction"] = obj{} }) }, des},
		"R001-225 not once it was answered or so": {"S18 working", put("Task/invited", "status", "cancelled"), des},
	} {
		t.Run(name, func(t *testing.T) {
			w := withoutAgreement(t, c.point)
			w.must(clin, asks(w, c.who, -time.Hour, time.Hour))
			if got := ceiling(w, c.who.Principal); c.do != nil && got != 4 {
				t.Fatalf("asked: level %d, want 4", got)
			}
			if c.do != nil {
				c.do(w)
				w.regrant()
			}
			if got := ceiling(w, c.who.Principal); got != 0 {
				t.Errorf("level %d, want none", got)
			}
		})
	}
}
