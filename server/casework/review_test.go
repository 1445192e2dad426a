package casework_test

import (
	"slices"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/casework"
)

// undecided are the open Tasks of an exception.
func (w *world) undecided(code string) []string {
	var refs []string
	for ref, r := range w.members {
		if r.Type == "Task" && r.Root.Path("code", "coding", "code").Str() == code && r.Root.Field("status").Str() == "in-progress" {
			refs = append(refs, ref)
		}
	}
	slices.Sort(refs)
	return refs
}

func (w *world) brought(task string, outputs ...any) {
	w.t.Helper()
	b := w.get(task)
	b["output"] = outputs
	w.must(clin, b)
}

func TestReview(t *testing.T) {
	worse := func(w *world) {
		b := w.get("Condition/defect")
		b["severity"] = obj{"text": "grew"}
		w.must(clin, b)
	}
	t.Run("R001-136 a changed condition raises a review, and production waits for it", func(t *testing.T) {
		w := stop(t, "S11 accepted")
		worse(w)
		x := w.undecided("review")
		if len(x) != 1 || w.members[x[0]].Root.Field("reasonReference").Field("reference").Str() != "Condition/defect" {
			t.Fatalf("reviews = %v, want one because of the Condition", x)
		}
		if n := w.members[w.notice("review")].Root; !strings.Contains(string(n.Raw()), clin.Principal) || !strings.Contains(string(n.Raw()), des.Principal) {
			t.Errorf("the clinician and the designer are not told: %s", n.Raw())
		}
		worse(w)
		b := w.get("Condition/defect")
		b["severity"] = obj{"text": "grew more"}
		w.must(clin, b)
		if again := w.undecided("review"); len(again) != 1 {
			t.Errorf("reviews after a second change = %v, want the open one alone", again)
		}
		refused(t, w.write(prod, w.set("S11", prod, "in-progress", "working")), 409, "", "review-open", "R001-136")
		refused(t, w.write(clin, w.status(x[0], "completed")), 422, "", "review-finding", "R001-136")
		w.brought(x[0], obj{"type": filing("finding"), "valueString": "the design still fits"})
		refused(t, w.write(clin, w.status(x[0], "completed")), 422, "", "change-review-signed-CLIN", "R001-136")
		refused(t, w.write(clin, exceptionTask("own", "review", clin, nil)), 409, "", "exception-by-server")
		w.mustSign(clin, x[0], access.CLIN, "change-review")
		w.must(clin, w.status(x[0], "completed"))
		w.mustSign(prod, "Task/root", access.PROD, "waive:machine-capability")
		w.must(prod, w.set("S11", prod, "in-progress", "working"))
	})
	t.Run("R001-045 a corrected identity holds production until it is confirmed", func(t *testing.T) {
		for name, change := range map[string]func(b obj){
			"name":       func(b obj) { b["name"] = arr{obj{"text": "李四"}} },
			"identifier": func(b obj) { b["identifier"] = arr{obj{"system": "urn:his", "value": "other"}} },
			"birthDate":  func(b obj) { b["birthDate"] = "1970-01-01" },
			"link":       func(b obj) { b["link"] = arr{obj{"other": ref("Patient/q"), "type": "replaces"}} },
		} {
			w := stop(t, "S11 accepted")
			b := w.get("Patient/p")
			change(b)
			w.must(clin, b)
			x := w.undecided("review")
			if len(x) != 1 || w.members[x[0]].Root.Field("reasonReference").Field("reference").Str() != "Patient/p" {
				t.Fatalf("%s: reviews = %v, want one because of the Patient", name, x)
			}
			refused(t, w.write(prod, w.set("S11", prod, "in-progress", "working")), 409, "", "review-open", "R001-136")
		}
		w := stop(t, "S11 accepted")
		b := w.get("Patient/p")
		b["telecom"] = arr{obj{"system": "phone", "value": "1"}}
		w.must(clin, b)
		if got := w.undecided("review"); len(got) != 0 {
			t.Errorf("a new telephone raises %v, want no review", got)
		}
	})
	t.Run("R001-136 new images raise a review until the device is used", func(t *testing.T) {
		study := obj{"resourceType": "ImagingStudy", "id": "ct-2", "status": "available", "subject": ref("Patient/p"), "started": "2026-03-01T08:00:00Z"}
		w := stop(t, "S09 working")
		w.must(clin, study)
		if got := w.undecided("review"); len(got) != 1 {
			t.Errorf("reviews = %v, want one because of the study", got)
		}
		for _, point := range []string{"S04 working", "S18 working"} {
			w := stop(t, point)
			w.must(clin, study)
			if got := w.undecided("review"); len(got) != 0 {
				t.Errorf("%s: reviews = %v, want none", point, got)
			}
		}
	})
}

func TestHazard(t *testing.T) {
	t.Run("R003-051 skin that the socket hurts opens a nonconformity", func(t *testing.T) {
		w := socketStop(t, "S15 working")
		b := w.get("Observation/skin-hazard")
		b["valueBoolean"] = true
		w.must(clin, b)
		w.quarantined(t, "Observation/skin-hazard")
		b = w.get("Observation/skin-hazard")
		b["note"] = arr{obj{"text": "left side"}}
		w.must(clin, b)
		if got := w.undecided("X2"); len(got) != 1 {
			t.Errorf("nonconformities after a remark = %v, want one", got)
		}
	})
	t.Run("R003-076 pressure or pain after doffing opens a nonconformity", func(t *testing.T) {
		for _, part := range []string{"pressure", "pain"} {
			w := socketStop(t, "S16 working")
			b := w.get("Observation/stump-skin")
			for _, c := range b["component"].([]any) {
				if is("code", part)(c.(obj)) {
					c.(obj)["valueCodeableConcept"] = concept("urn:tenon:presence", "present")
				}
			}
			w.must(clin, b)
			w.quarantined(t, "Observation/stump-skin")
		}
	})
}

// quarantined expects the problem that the server wrote, and what follows from it.
func (w *world) quarantined(t *testing.T, shows string) {
	t.Helper()
	x := w.undecided("X2")
	if len(x) != 1 {
		t.Fatalf("nonconformities = %v, want one", x)
	}
	problem := w.members[w.members[x[0]].Root.Field("reasonReference").Field("reference").Str()].Root
	if problem.Field("resourceType").Str() != "DetectedIssue" || !strings.Contains(string(problem.Raw()), shows) || !strings.Contains(string(problem.Raw()), `"implicated":[{"reference":"Device/implant"}]`) {
		t.Errorf("the problem is %s, want a DetectedIssue of the prosthesis because of %s", problem.Raw(), shows)
	}
	if got := w.members["Device/implant"].Root.Field("status").Str(); got != "inactive" {
		t.Errorf("the prosthesis is %q, want inactive", got)
	}
	_ = w.notice("nonconformity")
}

func TestClosedAccount(t *testing.T) {
	shut := func(w *world, organization string, active bool) {
		w.alterDirectory("Organization/"+organization, func(b obj) { b["active"] = active })
		d, err := w.engine.Due(w.snapshot(), "account", []byte(`{"case":"root","about":"Organization/`+organization+`","from":"2026-03-01T08:00:00Z"}`))
		if err != nil {
			w.t.Fatal(err)
		}
		w.commit(w.at(w.t), d)
	}
	for _, organization := range []string{"hospital", "maker"} {
		t.Run("R001-009 "+organization+" closed: the case rests, the job is held, and goes on when it is open again", func(t *testing.T) {
			w := stop(t, "S11 working")
			shut(w, organization, false)
			if c, _ := w.control(); c.Action != "hold" || c.Reason != "account" || w.state(w.task("S11")) != "change-pending" {
				t.Fatalf("control = %+v, S11 is %s; want a hold", c, w.state(w.task("S11")))
			}
			_ = w.notice("account")
			shut(w, organization, true)
			if c, _ := w.control(); c.Action != "resume" || w.state(w.task("S11")) != "working" {
				t.Errorf("control = %+v, S11 is %s; want it resumed", c, w.state(w.task("S11")))
			}
		})
	}
	t.Run("R001-009 nothing is ordered from a closed manufacturer, and the case is cancelled without his signature", func(t *testing.T) {
		w := stop(t, "S06 working")
		shut(w, "maker", false)
		refused(t, w.write(clin, w.set("S06", clin, "in-progress", "working")), 409, "", "manufacturer-closed", "R001-009")
		w.mustSign(clin, "Task/root", access.CLIN, "cancel")
		w.must(clin, w.status("Task/root", "cancelled"))
	})
	t.Run("R001-009 a device that is in the hospital is judged and used all the same", func(t *testing.T) {
		w := stop(t, "S16 working")
		shut(w, "maker", false)
		w.must(clin, w.set("S16", clin, "completed", "completed"))
	})
}

func TestDeviceTypeEnded(t *testing.T) {
	const family = "DeviceDefinition/family-cranial-plate"
	ended := func(t *testing.T, point string) *world {
		w := stop(t, point)
		w.knows(family)
		w.alterDirectory(family, func(b obj) {
			b["extension"] = arr{obj{"url": "urn:tenon:extension:use-termination", "extension": arr{part("date", "valueDateTime", "2026-03-01T08:00:00Z"), part("decision", "valueReference", ref("Composition/x"))}}}
		})
		return w
	}
	due := func(w *world) {
		d, err := w.engine.Due(w.snapshot(), "type", []byte(`{"case":"root","about":"`+family+`","from":"2026-03-01T08:00:00Z"}`))
		if err != nil {
			w.t.Fatal(err)
		}
		w.commit(w.at(w.t), d)
	}
	t.Run("R001-147 a new order of the type is refused", func(t *testing.T) {
		w := ended(t, "S06 working")
		w.alter("DeviceRequest/order", func(b obj) {
			b["extension"] = append(b["extension"].([]any), ext("device-type", "valueReference", ref(family)))
		})
		refused(t, w.write(clin, w.set("S06", clin, "completed", "completed")), 409, "", "type-ended", "R001-147")
	})
	t.Run("R001-147 an open case rests and is reviewed", func(t *testing.T) {
		w := ended(t, "S11 working")
		due(w)
		if c, _ := w.control(); c.Action != "hold" || c.Reason != "type" {
			t.Fatalf("control = %+v, want a hold", c)
		}
		if n := w.members[w.notice("type-ended")].Root; !strings.Contains(string(n.Raw()), qa.Principal) {
			t.Errorf("the holders are not told: %s", n.Raw())
		}
		due(w)
		x := w.undecided("X5")
		if len(x) != 1 {
			t.Fatalf("reviews = %v, want one however often it is told", x)
		}
		refused(t, w.write(prod, w.set("S11", prod, "in-progress", "working")), 409, "", "type-review-open", "R001-147")
		d := w.write(clin, w.status(x[0], "completed"))
		for _, id := range []string{"type-decision", "type-review-signed-CLIN", "type-review-signed-QA"} {
			refused(t, d, 422, "", id, "R001-147")
		}
	})
	decided := func(t *testing.T, outputs ...any) *world {
		w := ended(t, "S11 working")
		due(w)
		c, _ := w.control()
		w.must(mesMachine, acknowledgement(c, "stopped"))
		x := w.undecided("X5")[0]
		w.brought(x, outputs...)
		w.mustSign(clin, x, access.CLIN, "type-review")
		w.mustSign(qa, x, access.QA, "type-review")
		w.must(clin, w.status(x, "completed"))
		return w
	}
	t.Run("R001-147 a case that is let go on goes on", func(t *testing.T) {
		w := decided(t, obj{"type": filing("decision"), "valueCode": "continue"}, obj{"type": filing("finding"), "valueString": "the risk does not concern this size"})
		if c, _ := w.control(); c.Action != "resume" || w.state(w.task("S11")) != "working" {
			t.Errorf("control = %+v, S11 is %s; want it resumed", c, w.state(w.task("S11")))
		}
	})
	t.Run("R001-147 a case that is ended is cancelled, its device is never used", func(t *testing.T) {
		w := decided(t, obj{"type": filing("decision"), "valueCode": "end"}, obj{"type": filing("disposition"), "valueCode": "destroy"})
		if got := w.members["Task/root"].Root.Field("status").Str(); got != "cancelled" || !hasEnd(w, "Device/implant", "destroy") {
			t.Errorf("the case is %q and the device is not ended", got)
		}
	})
	t.Run("R001-147 who holds a used device is told", func(t *testing.T) {
		w := ended(t, "S18 working")
		due(w)
		if len(w.undecided("X5")) != 0 || w.notice("type-ended") == "" {
			t.Error("a used device is reviewed, or nobody is told")
		}
	})
}

// knows puts a resource of the sample into the directory.
func (w *world) knows(ref string) {
	w.directory = slices.DeleteFunc(slices.Clone(w.directory), func(r casework.Resource) bool { return r.Ref() == ref })
	w.directory = append(w.directory, samplePool(ref))
	delete(w.members, ref)
}

func samplePool(ref string) casework.Resource {
	for _, r := range samples() {
		if r.Ref() == ref {
			return r
		}
	}
	panic("no " + ref)
}
