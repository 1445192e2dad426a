package casewalk

import (
	"fmt"
	"slices"
	"strings"
)

// order is one in which the stages of a process can be done one by one: a stage
// that another needs for its end comes before it.
func (p *Process) order() (all []*Stage) {
	done := map[string]bool{}
	var visit func(s *Stage)
	visit = func(s *Stage) {
		if done[s.Code] {
			return
		}
		done[s.Code] = true
		for _, before := range append(append([]string(nil), s.After...), s.EndStages...) {
			visit(p.stage(before))
		}
		all = append(all, s)
	}
	for i := range p.Stages {
		visit(&p.Stages[i])
	}
	return all
}

// bringTo takes the legal steps of one stage until the step that is asked for is
// the next; "" stands for the end of the stage.
func (c *Case) bringTo(s *Stage, to string) error {
	for range 400 {
		if c.stages[s.Code].state == completed {
			return nil
		}
		steps := c.lead(s)
		if len(steps) == 0 {
			return fmt.Errorf("%s does not go on: %s", s.Code, c.standing())
		}
		if to != "" && steps[0].Kind == Move && steps[0].To == to {
			return nil
		}
		if _, err := c.Act(steps[0]); err != nil {
			return &Disagreement{err, c.trace, c.standing()}
		}
	}
	return fmt.Errorf("%s does not end: %s", s.Code, c.standing())
}

// resign signs what was written anew, and writes anew what must follow on a
// signature; the defect of the part stays. What is asked for but is not yet
// signed of except stays so.
func (c *Case) resign(s *Stage, except ...Signature) error {
	for _, k := range s.Signatures {
		if c.signedPart(k) != nil && (k.Other == "" || c.distinct(k)) || slices.Contains(except, k) {
			continue
		}
		if err := c.must(c.signStep(s, k)); err != nil {
			return err
		}
	}
	for _, step := range c.stale(s) {
		if err := c.must(step); err != nil {
			return err
		}
	}
	return nil
}

func (c *Case) signStep(s *Stage, k Signature) Step {
	who := c.first(roles(k.Role)[len(roles(k.Role))-1])
	if k.Person != "" {
		who = k.Person
	}
	return Step{Kind: Sign, Who: who, Stage: s.Code, Part: k.Part, Purpose: k.Purpose, Role: c.people[who].Role}
}

// must takes a step that has to be allowed.
func (c *Case) must(s Step) error {
	before := c.allowed
	sent, err := c.Act(s)
	if err == nil && (!sent || c.allowed == before) {
		err = fmt.Errorf("%s was not allowed: %s", s, c.standing())
	}
	return err
}

// newest is the newest write of the whole server that the opener sees; what the
// server finds by itself about a model does not count.
func (c *Case) newest() (string, error) {
	a, err := c.w.send(c.people[c.p.Opener], "GET", "_history?_count=40", nil)
	if err != nil {
		return "", err
	}
	for _, e := range list(decode(a.Body), "entry") {
		if derived := str(e, "resource", "derivedFrom", "reference"); strings.HasPrefix(str(e, "resource", "performer", "reference"), "PractitionerRole/") ||
			derived == "" || !slices.Contains([]string{c.refOf("S08/design-model"), c.refOf("S08/surface-model"), c.refOf("S02/image-study")}, derived) {
			return str(e, "fullUrl") + " " + str(e, "response", "etag"), nil
		}
	}
	return "", nil
}

func (c *Case) refOf(path string) string {
	if p := c.parts[path]; p != nil {
		return p.ref
	}
	return ""
}

// Refused sends a step that has to be refused and sees that nothing was written.
func (c *Case) Refused(s Step) (*Answer, error) {
	before, err := c.newest()
	if err != nil {
		return nil, err
	}
	a, err := c.carry(s)
	if err != nil {
		return nil, err
	}
	if a.Status < 300 {
		return nil, fmt.Errorf("%s = %d, want a refusal\n%s", s, a.Status, c.standing())
	}
	after, err := c.newest()
	if err != nil {
		return nil, err
	}
	if before != after {
		return nil, fmt.Errorf("%s was refused with %d, but wrote %s", s, a.Status, after)
	}
	seen, err := c.look()
	if err == nil {
		err = c.agree(seen)
	}
	return a, err
}
