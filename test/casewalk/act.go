package casewalk

import (
	"fmt"
	"strings"
	"time"
)

// Act carries a step out and tells the model what came of it. The error is a
// disagreement.
func (c *Case) Act(s Step) (sent bool, err error) {
	v := c.Predict(s)
	if v.Absent {
		return false, nil
	}
	c.clock++
	c.trace = append(c.trace, s)
	a, err := c.carry(s)
	if err != nil {
		return true, err
	}
	ok := a.Status >= 200 && a.Status < 300
	if err := c.weigh(s, v, a, ok); err != nil {
		return true, err
	}
	if ok {
		c.allowed++
		if err := c.took(s, a); err != nil {
			return true, err
		}
	}
	return true, c.after(s, v, ok)
}

// weigh compares the answer with the verdict.
func (c *Case) weigh(s Step, v Verdict, a *Answer, ok bool) error {
	told := func() string { return fmt.Sprintf("%d %.1500s", a.Status, a.told()) }
	switch {
	case len(v.Reasons) > 0 && ok:
		if k := c.known(s); k != "" {
			c.w.Known[k]++
			return nil
		}
		return fmt.Errorf("%s\n  the model: %s\n  the server: %s", s, v.String(), told())
	case len(v.Reasons) > 0:
		if !v.statuses()[a.Status] {
			return fmt.Errorf("%s\n  the model: %s\n  the server refuses with another status: %s", s, v.String(), told())
		}
		return named(s, v, a)
	case !v.Open && !ok:
		return fmt.Errorf("%s\n  the model: %s\n  the server: %s", s, v.String(), told())
	case a.Status >= 500:
		return fmt.Errorf("%s\n  the server: %s", s, told())
	}
	return nil
}

// named: every refusal says why in both languages, and where the protocol names
// the rules, all of them are there.
func named(s Step, v Verdict, a *Answer) error {
	if strings.HasSuffix(s.Part, "/image-study") {
		return nil // STOW-RS answers in its own form
	}
	found := map[string]bool{}
	for _, i := range a.Issues {
		found[i.Rule] = true
		if i.Text == "" || i.Chinese == "" && a.Status != 404 && a.Status != 401 {
			return fmt.Errorf("%s\n  the refusal %q says why in one language only: %q %q", s, i.Rule, i.Text, i.Chinese)
		}
	}
	if len(a.Issues) == 0 {
		return fmt.Errorf("%s\n  the refusal %d has no OperationOutcome: %.300s", s, a.Status, a.Body)
	}
	if len(v.Reasons) == 1 && v.Reasons[0].Rule != "" && !found[v.Reasons[0].Rule] {
		return fmt.Errorf("%s\n  the model: %s, rule %s\n  the server: %d %s", s, v.String(), v.Reasons[0].Rule, a.Status, a.told())
	}
	return nil
}

func (a *Answer) told() string {
	if len(a.Issues) == 0 {
		return string(a.Body)
	}
	out := ""
	for _, i := range a.Issues {
		out += fmt.Sprintf("\n      %s %s %v", i.Rule, i.Text, i.Clause)
	}
	return out
}

// oftenEnough: $case is read after each of so many refusals too.
const oftenEnough = 8

// after holds $case and the Tasks against the model: after a refusal nothing is
// changed, after an allowed step only what the step says.
func (c *Case) after(s Step, v Verdict, ok bool) error {
	if c.quiet && s.To != completed { // the next Tasks are named then
		return nil
	}
	if s.Kind == Read {
		return nil
	}
	if c.over {
		return c.neverUsed(ok)
	}
	if c.closed == "hospital" {
		return nil // nobody of it reads the case
	}
	var err error
	if ok || c.clock%oftenEnough == 0 { // a refusal that changed a Task or the document is seen by these
		var seen map[string]stageSeen
		if seen, err = c.look(); err == nil {
			err = c.agree(seen)
		}
	}
	if err == nil {
		err = c.compareTasks()
	}
	if err == nil && !ok && s.Part != "" {
		err = c.unchanged(s.Part)
	}
	if err != nil {
		return fmt.Errorf("after %s (allowed %v; the model: %s)\n  %w", s, ok, v.String(), err)
	}
	return nil
}

// unchanged compares a document with the version that the model knows.
func (c *Case) unchanged(path string) error {
	p := c.parts[path]
	if p == nil {
		return nil
	}
	a, err := c.w.send(c.people[c.p.Opener], "GET", p.ref, nil)
	if err != nil || a.Status != 200 {
		return err
	}
	if a.version() != p.version {
		return fmt.Errorf("%s (%s) is at version %s, the model has %s", path, p.ref, a.version(), p.version)
	}
	return nil
}

// took tells the model what an allowed step did.
func (c *Case) took(s Step, a *Answer) error {
	by := c.people[s.Who]
	switch s.Kind {
	case Move, Put:
		c.tookMove(s, a)
	case Judge:
		c.sign(by, s, c.stages[s.Pred].task, c.stages[s.Pred].version)
	case Take:
		c.sign(by, s, c.stages[s.Stage].task, c.stages[s.Stage].version)
	case Sign:
		c.sign(by, s, c.parts[s.Part].ref, c.parts[s.Part].version)
	case Waive:
		c.marks = append(c.marks, mark{by, by.Role, "waive:" + s.Purpose, c.root, "", c.clock})
	case Make, Edit:
		if err := c.tookWrite(s, a); err != nil {
			return err
		}
	case Name:
		c.parts[s.Part].named = true
		c.stages[s.Stage].version = a.version()
	case Read, Use, Forge, Foreign, Outdate:
	default:
		if err := c.excepted(by, s, a); err != nil {
			return err
		}
	}
	return c.upset(s)
}

// upset is what a write brings beside itself: a consent that is not signed stops
// the case, a changed condition is reviewed.
func (c *Case) upset(s Step) error {
	if consent := c.parts["S01/consent"]; consent != nil {
		before := c.revoked
		c.revoked = c.done("S01") && (consent.defect != "" || c.signed("PAT", "consent", consent.ref, consent.version, "") == nil)
		if before != c.revoked {
			return c.consentTurned()
		}
	}
	if p := c.parts[s.Part]; p != nil && p.named && c.x == nil && (s.Kind == Edit || s.Kind == Name) {
		if _, part := c.p.part(s.Part); part.defect(p.defect).Unfit {
			return c.foundUnfit()
		}
	}
	if s.Kind == Edit && s.Part == "S04/condition" && c.done("S06") && !c.done("S17") && c.x == nil {
		return c.opened(reviewed)
	}
	return nil
}

// consentTurned: without a consent the case rests, and production that began is
// the hospital's to decide on until the consent is in force again.
func (c *Case) consentTurned() error {
	switch {
	case !c.revoked:
		c.park()
		if c.x != nil && c.x.code == ending {
			c.x = nil
		}
	case c.produced() && c.x == nil:
		c.hold()
		return c.opened(ending)
	}
	c.hold()
	return nil
}

func (c *Case) sign(by *Person, s Step, target, version string) {
	role := s.Role
	if role == "" {
		role = by.Role
	}
	c.marks = append(c.marks, mark{by, role, s.Purpose, target, version, c.clock})
}

func (c *Case) tookMove(s Step, a *Answer) {
	st := c.stages[s.Stage]
	if st.state == onChange && s.Stage == "S11" {
		c.machine = false // it goes on
	}
	st.state, st.version, st.parked = s.To, a.version(), false
	switch s.To {
	case received:
		st.received = c.clock
	case completed:
		for _, code := range c.successors() {
			c.stages[code].state = handedOver
		}
	}
}

func (c *Case) tookWrite(s Step, a *Answer) error {
	_, part := c.p.part(s.Part)
	path := s.Part
	if part.Edits != "" {
		path = part.Edits
		c.parts[s.Part] = &partState{ref: c.parts[path].ref, version: a.version(), written: c.clock}
	}
	p := c.parts[path]
	if p == nil {
		p = &partState{ref: a.Ref()}
		c.parts[path] = p
	}
	p.version, p.defect, p.written = a.version(), s.Defect, c.clock
	c.written[path] = decode(a.Body)
	c.made = c.made || path == "S11/device"
	if s.Kind == Make && path == "S18/use-record" {
		c.used = str(decode(a.Body), "performedDateTime")
	}
	if part.File && s.Kind == Make {
		c.sums[path], c.files[path] = c.stored[1], c.stored
	}
	if part.Type == "DocumentReference" && (part.Key == "design-model" || part.Key == "image-study") {
		return c.inspected(p.ref, c.sums[path])
	}
	return nil
}

// inspected waits for the check that the server makes of a model by itself.
func (c *Case) inspected(model, sum string) error {
	des := c.w.Cast[c.p.Opener]
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
		a, err := c.w.send(des, "GET", "Observation?code=urn:tenon:check|watertight&derived-from="+model, nil)
		if err != nil {
			return err
		}
		for _, e := range list(decode(a.Body), "entry") {
			for _, x := range list(at(e, "resource"), "extension") {
				if str(x, "valueString") == sum {
					return nil
				}
			}
		}
	}
	return fmt.Errorf("the server has not checked %s after 30 s", model)
}
