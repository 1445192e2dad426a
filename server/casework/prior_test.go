package casework_test

import (
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
)

// afterDemand makes the case one of a new demand (X4), voiced d from now.
func afterDemand(d time.Duration) removal {
	return func(w *world) {
		w.alter("Task/root", func(b obj) {
			b["basedOn"] = arr{ref("DeviceRequest/earlier")}
			b["input"] = append(b["input"].([]any), obj{"type": concept("urn:tenon:task-link", "demand"), "valueDateTime": w.stamp(d)})
		})
	}
}

// ownOrder makes the order itself the one that the case goes beyond.
func ownOrder(w *world) {
	w.alter("Task/root", func(b obj) { b["basedOn"] = arr{ref("DeviceRequest/order")} })
}

// demanded applies the plan with prior-request, and what the test changes of it.
func demanded(t *testing.T, prior *casework.Snapshot, w *world, actor *access.Context, params ...string) ([]casework.Created, *issue.Failure) {
	t.Helper()
	doc, err := tree.Parse([]byte(`{"resourceType":"Parameters","parameter":[` + strings.Join(append(params, `{"name":"case-number","valueString":"C-2026-002"}`), ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	created, err := w.engine.Open(casework.Opening{Plan: w.plan, Params: doc.Root(), Actor: actor, Now: w.now, Prior: prior, Directory: w.directory})
	if f := issue.As(err); f != nil || err == nil {
		return created, f
	}
	t.Fatal(err)
	return nil, nil
}

const (
	priorOrder = `{"name":"prior-request","valueReference":{"reference":"DeviceRequest/order"}}`
	imageAge   = `{"name":"image-age","valueDuration":{"value":60,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}`
)

func TestNewDemand(t *testing.T) {
	w := stop(t, "S15 working")
	t.Run("R001-218 the new case names the earlier order, and takes patient and agreed figures over", func(t *testing.T) {
		created, f := demanded(t, w.snapshot(), w, clin, priorOrder, imageAge)
		if f != nil {
			t.Fatalf("$apply = %v", f)
		}
		root := string(created[0].Body)
		for _, want := range []string{`"basedOn":[{"reference":"DeviceRequest/order"}]`, `"for":{"reference":"Patient/p"}`, `"code":"demand"`, `"valueDateTime":"` + w.now.Format("2006-01-02T15:04:05")} {
			if !strings.Contains(root, want) {
				t.Errorf("the root Task lacks %s: %s", want, root)
			}
		}
		for _, figure := range []string{"retained-samples", "followup-visits", "followup-duration", "image-age"} {
			if strings.Count(root, `"code":"`+figure+`"`) != 1 {
				t.Errorf("the root Task does not state %s once: %s", figure, root)
			}
		}
	})
	t.Run("R001-214 how old images may be is agreed anew", func(t *testing.T) {
		if _, f := demanded(t, w.snapshot(), w, clin, priorOrder); f == nil || f.HTTPStatus() != 422 || !strings.Contains(f.Issues[0].Text, "image-age") {
			t.Errorf("$apply without image-age = %v, want 422", f)
		}
	})
	early, open := stop(t, "S09 working"), stop(t, "S15 working")
	open.must(clin, problem("crack"))
	cancelled := stop(t, "S09 working")
	cancelled.alter("Task/root", func(b obj) { b["status"] = "cancelled" })
	far := *clin
	far.Organization = "Organization/elsewhere"
	closed := stop(t, "S15 working")
	closed.alterDirectory("Organization/hospital", func(b obj) { b["active"] = false })
	agreement := newWorld(t, "agreement")
	for name, c := range map[string]struct {
		prior  *casework.Snapshot
		w      *world
		actor  *access.Context
		more   string
		status int
		rule   string
	}{
		"R001-218 before the form is signed it is a change":        {early.snapshot(), w, clin, priorOrder, 409, "prior-early"},
		"R001-218 an open nonconformity comes first":               {open.snapshot(), w, clin, priorOrder, 409, "prior-unsettled"},
		"R001-218 after a case that was cancelled":                 {cancelled.snapshot(), w, clin, priorOrder, 0, ""},
		"R001-218 the order of no case":                            {nil, w, clin, priorOrder, 422, "prior-order"},
		"R001-218 another order":                                   {w.snapshot(), w, clin, strings.Replace(priorOrder, "order\"}}", "other\"}}", 1), 422, "prior-order"},
		"R001-153 another patient":                                 {w.snapshot(), w, clin, priorOrder + `,{"name":"subject","valueReference":{"reference":"Patient/q"}}`, 422, "prior-patient"},
		"R001-153 another hospital":                                {w.snapshot(), w, &far, priorOrder, 409, "prior-hospital"},
		"R001-218 another process":                                 {w.snapshot(), agreement, hosp, priorOrder, 422, "prior-plan"},
		"R001-218 a demand of tomorrow":                            {w.snapshot(), w, clin, priorOrder + `,{"name":"demand","valueDateTime":"` + w.stamp(24*time.Hour) + `"}`, 422, "parameter-value"},
		"R001-218 a demand of before the first case":               {w.snapshot(), w, clin, priorOrder + `,{"name":"demand","valueDateTime":"2020-01-01"}`, 422, "parameter-value"},
		"R001-218 a demand without an earlier order":               {nil, w, clin, `{"name":"demand","valueDateTime":"2026-03-01"}`, 422, "parameter-required"},
		"R001-009 the account of the hospital is closed":           {closed.snapshot(), closed, clin, priorOrder, 403, "organisation-closed"},
		"R001-009 the account is closed for a first case likewise": {nil, closed, clin, `{"name":"subject","valueReference":{"reference":"Patient/p"}}`, 403, "organisation-closed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, f := demanded(t, c.prior, c.w, c.actor, c.more, imageAge)
			switch {
			case c.rule == "" && f != nil:
				t.Errorf("$apply = %v, want it opened", f)
			case c.rule != "" && (f == nil || f.HTTPStatus() != c.status || f.Issues[0].Rule != c.rule):
				t.Errorf("$apply = %v, want %d %s", f, c.status, c.rule)
			}
		})
	}
}

// A new demand is worked on with images, plan and order of its own; the same case
// completes with them, and what was signed before counts for the agreement alone.
func TestNewDemandAnew(t *testing.T) {
	for stage, fresh := range map[string]func(w *world){
		"S02": nil, "S04": func(w *world) { put("CarePlan/plan", "created", w.stamp(time.Minute))(w) },
		"S06": func(w *world) { put("DeviceRequest/order", "priorRequest", arr{ref("DeviceRequest/earlier")})(w) },
	} {
		t.Run("R001-218 "+stage+" of a date after the demand", func(t *testing.T) {
			w := stop(t, stage+" working")
			afterDemand(-90 * 24 * time.Hour)(w)
			if fresh != nil {
				fresh(w)
			}
			owner := map[string]*access.Context{"S02": img}[stage]
			if owner == nil {
				owner = clin
			}
			w.must(owner, w.set(stage, owner, "completed", "completed"))
		})
	}
	t.Run("R001-218 an order that replaced one of the same case follows too", func(t *testing.T) {
		w := stop(t, "S06 working")
		afterDemand(-90 * 24 * time.Hour)(w)
		w.lay(obj{"resourceType": "DeviceRequest", "id": "first", "status": "revoked", "intent": "order", "subject": ref("Patient/p"), "priorRequest": arr{ref("DeviceRequest/earlier")}}, clin.Principal)
		put("DeviceRequest/order", "priorRequest", arr{ref("DeviceRequest/first")})(w)
		w.must(clin, w.set("S06", clin, "completed", "completed"))
	})
	t.Run("R001-218 what was signed before the demand is signed anew, but for consent and agreement", func(t *testing.T) {
		w := stop(t, "S06 working")
		afterDemand(time.Second)(w)
		d := w.write(clin, w.set("S06", clin, "completed", "completed"))
		for _, id := range []string{"order-signed-by-clinician", "order-signed-by-manufacturer"} {
			refused(t, d, 422, "G-ORDER", id)
		}
		for _, u := range d.Refusal {
			if u.Condition == "agreement-signed" || strings.HasPrefix(u.Condition, "consent") {
				t.Errorf("%s is asked for anew: %s", u.Condition, u.Text)
			}
		}
	})
	t.Run("R001-218 the earlier order is fixed when the case is opened", func(t *testing.T) {
		w := stop(t, "S06 working")
		b := w.get("Task/root")
		b["basedOn"] = arr{ref("DeviceRequest/earlier")}
		refused(t, w.write(clin, b), 409, "", "case-elements")
	})
}
