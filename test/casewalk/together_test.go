package casewalk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestTogether: several people act on one case at the same time. Of what excludes
// each other exactly one is done, what does not is done all; nothing is half done
// and no signature is lost.
func TestTogether(t *testing.T) {
	engines(t, func(t *testing.T, database string) {
		w := NewWorld(t, database)
		if err := w.Agree(); err != nil {
			t.Fatal(err)
		}
		c, err := w.Open(implant())
		if err != nil {
			t.Fatal(err)
		}
		c.quiet = true
		s := &together{T: t, Case: c}
		for _, code := range []string{"S01", "S02", "S05", "S03a", "S03b"} {
			s.no(c.bringTo(c.p.stage(code), ""))
		}
		t.Run("two receive one stage", s.twoReceive)
		t.Run("three documents named at once", s.namedAtOnce)
		s.no(c.bringTo(c.p.stage("S06"), completed))
		t.Run("R001-054 two sign while one edits", s.signedAndEdited)
		t.Run("two write over the same version", s.sameVersion)
		t.Run("one completes while one edits", s.completedOrEdited)
		t.Run("R001-035 everybody completes", s.completedOnce)
	})
}

type together struct {
	*testing.T
	*Case
}

func (s *together) no(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// send sends steps together, and tells the model.
func (s *together) send(t *testing.T, steps ...Step) []*Answer {
	t.Helper()
	answers, err := s.Together(steps...)
	if err == nil {
		err = s.settle(steps, answers)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answers {
		if a.Status >= 500 || a.Status == 0 {
			t.Errorf("%s = %d %.300s", steps[i], a.Status, a.Body)
		}
	}
	return answers
}

func told(steps []Step, answers []*Answer) (all string) {
	for i, a := range answers {
		all += fmt.Sprintf("\n  %s = %d", steps[i], a.Status)
		if !ok(a) {
			all += a.told()
		}
	}
	return all
}

// twoReceive: two clinicians receive the stage that they read, by its version.
func (s *together) twoReceive(t *testing.T) {
	task := s.stages["S04"].task
	read, err := s.w.send(s.people["clin-wang"], "GET", task, nil)
	if err != nil {
		t.Fatal(err)
	}
	who := []string{"clin-wang", "clin-zhao"}
	answers, err := s.atOnce(len(who), func(i int) (*Answer, error) {
		by := s.people[who[i]]
		return s.w.send(by, "PATCH", task, moved(by, received), "Content-Type", "application/json-patch+json", "If-Match", read.Header.Get("ETag"))
	})
	if err != nil {
		t.Fatal(err)
	}
	now, err := s.w.send(s.people["clin-wang"], "GET", task, nil)
	if err != nil {
		t.Fatal(err)
	}
	if count(answers) != 1 {
		t.Errorf("%d of two received the stage, want one", count(answers))
	}
	for i, a := range answers {
		if owner := str(decode(now.Body), "owner", "reference"); ok(a) && owner != s.people[who[i]].Ref {
			t.Errorf("%s received the stage, its owner is %s", who[i], owner)
		}
		if !ok(a) && a.Status != 412 {
			t.Errorf("%s = %d %s, want 412", who[i], a.Status, a.told())
		}
	}
	s.stages["S04"].version = ""
	s.no(s.catchUp())
}

// namedAtOnce: nobody's naming takes away another's.
func (s *together) namedAtOnce(t *testing.T) {
	stage := s.p.stage("S04")
	if err := s.bringTo(stage, working); err != nil {
		t.Fatal(err)
	}
	step := func(kind Kind, key string) Step {
		return Step{Kind: kind, Who: "clin-wang", Stage: "S04", Part: "S04/" + key}
	}
	for _, first := range []Step{{Kind: Move, Who: "clin-wang", Stage: "S04", To: working}, step(Make, "condition"), step(Name, "condition"), step(Make, "goal"), step(Make, "risk-assessment"), step(Make, "treatment-plan")} {
		if err := s.must(first); err != nil {
			t.Fatal(err)
		}
	}
	steps := []Step{step(Name, "goal"), step(Name, "risk-assessment"), step(Name, "treatment-plan")}
	answers := s.send(t, steps...)
	task, err := s.w.send(s.people["clin-wang"], "GET", s.stages["S04"].task, nil)
	if err != nil {
		t.Fatal(err)
	}
	var documents []string
	for _, o := range list(decode(task.Body), "output") {
		documents = append(documents, str(o, "type", "coding", "code"))
	}
	slices.Sort(documents)
	if want := []string{"condition", "goal", "risk-assessment", "treatment-plan"}; count(answers) != 3 || !slices.Equal(documents, want) {
		t.Errorf("the stage names %v, want %v:%s", documents, want, told(steps, answers))
	}
	if err := s.bringTo(stage, ""); err != nil {
		t.Fatal(err)
	}
}

// signedAndEdited: each signature that was confirmed stands, over the version that
// it names, and only those over the current one count.
func (s *together) signedAndEdited(t *testing.T) {
	const order = "S06/order"
	stage, target := s.p.stage("S06"), s.parts[order].ref
	want := map[string][]string{}
	for _, who := range []string{"clin-wang", "mfr-xu"} {
		versions, err := s.signatureVersions(who, target)
		if err != nil {
			t.Fatal(err)
		}
		want[who] = versions
	}
	for range 6 {
		steps := []Step{
			s.signStep(stage, stage.Signatures[0]), s.signStep(stage, stage.Signatures[1]), {Kind: Edit, Who: "clin-wang", Stage: "S06", Part: order},
		}
		answers := s.send(t, steps...)
		if count(answers) != 3 {
			t.Errorf("%d of three were done, want all:%s", count(answers), told(steps, answers))
		}
		for i, who := range []string{"clin-wang", "mfr-xu"} {
			if _, version, _ := strings.Cut(str(decode(answers[i].Body), "target", "reference"), "/_history/"); ok(answers[i]) {
				want[who] = append(want[who], version)
			}
			got, err := s.signatureVersions(who, target)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Sort(want[who]); !slices.Equal(got, want[who]) {
				t.Errorf("signatures of %s over the versions %v, confirmed were %v", who, got, want[who])
			}
		}
		seen, err := s.look()
		if err == nil {
			err = s.agree(seen)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if err := s.resign(stage); err != nil {
		t.Fatal(err)
	}
}

// sameVersion: of two who write over the same version one is told so.
func (s *together) sameVersion(t *testing.T) {
	p := s.parts["S06/ethics-approval"]
	answers, err := s.atOnce(4, func(i int) (*Answer, error) {
		body := maps.Clone(s.written["S06/ethics-approval"])
		delete(body, "meta")
		body["language"] = []string{"en", "zh", "fr", "de"}[i]
		return s.w.send(s.people["clin-wang"], "PUT", p.ref, body, "If-Match", `W/"`+p.version+`"`)
	})
	if err != nil {
		t.Fatal(err)
	}
	statuses, before := map[int]int{}, p.version
	for _, a := range answers {
		if statuses[a.Status]++; ok(a) {
			p.version = a.version()
		}
	}
	if p.version == before {
		t.Error("nobody wrote")
	}
	if statuses[200] != 1 || statuses[412] != 3 {
		t.Errorf("four PUT over one version answered %v, want one 200 and three 412", statuses)
	}
}

// completedOrEdited: the order is never edited once the stage is completed.
func (s *together) completedOrEdited(t *testing.T) {
	stage := s.p.stage("S06")
	for range 12 {
		steps := []Step{{Kind: Move, Who: "clin-wang", Stage: "S06", To: completed}, {Kind: Edit, Who: "clin-wang", Stage: "S06", Part: "S06/order"}}
		answers := s.send(t, steps...)
		if count(answers) != 1 {
			t.Fatalf("%d of two were done, want one:%s", count(answers), told(steps, answers))
		}
		if ok(answers[0]) {
			if a := answers[1]; a.Status != 409 {
				t.Errorf("the edit that came too late = %d %s, want 409", a.Status, a.told())
			}
			return
		}
		if a := answers[0]; a.Status != 422 || len(a.Issues) < 2 {
			t.Errorf("completing what was edited meanwhile = %d %s, want 422 for both signatures", a.Status, a.told())
		}
		if err := s.resign(stage); err != nil {
			t.Fatal(err)
		}
	}
	s.no(s.bringTo(stage, ""))
}

// completedOnce: a stage is completed once, and makes its successor once.
func (s *together) completedOnce(t *testing.T) {
	stage := s.p.stage("S07")
	if err := s.bringTo(stage, completed); err != nil {
		t.Fatal(err)
	}
	end := Step{Kind: Move, Who: "des-zhang", Stage: "S07", To: completed}
	steps := []Step{end, end, end}
	answers := s.send(t, steps...)
	if count(answers) != 1 {
		t.Errorf("the stage was completed %d times:%s", count(answers), told(steps, answers))
	}
	for i, a := range answers {
		if !ok(a) && (a.Status != 409 || len(a.Issues) == 0 || a.Issues[0].Rule != "stage-closed") {
			t.Errorf("%s = %d %s, want 409 stage-closed", steps[i], a.Status, a.told())
		}
	}
	found, err := s.w.send(s.people["clin-wang"], "GET", "Task?part-of="+s.root+"&code=urn:tenon:stage|S08", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(list(decode(found.Body), "entry")); n != 1 {
		t.Errorf("%d Tasks of S08, want one", n)
	}
}
