package casewalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"tenon/server/access"
	writing "tenon/server/record"
)

// shut closes or opens the account of an organisation, as an operator does who
// has no door over HTTP for it.
func (w *World) shut(organisation string, active bool) error {
	if !active {
		a, err := w.send(w.Cast["clin-wang"], "GET", "Organization/"+organisation, nil)
		if err != nil {
			return err
		}
		w.organisation = a
	}
	o := decode(w.organisation.Body)
	o["active"] = active
	delete(o, "meta")
	body, err := json.Marshal(o)
	if err != nil {
		return err
	}
	_, err = w.Server.App.Recorder.Submit(w.ctx, &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"},
		&writing.Draft{Door: "cli", Operation: "update", Ops: []writing.Op{{Method: "PUT", Type: "Organization", ID: organisation, Body: body}}})
	return err
}

// closing walks the open cases while an organisation is closed, and after it is
// active again: nobody of it acts, and its cases rest.
func (w *World) closing(t *Tally, dice *rand.Rand, cases []*Case, organisation string) error {
	if err := w.shut(organisation, false); err != nil {
		return fmt.Errorf("close %s: %w", organisation, err)
	}
	w.Flows["account closed: "+organisation]++
	time.Sleep(1100 * time.Millisecond) // a token is remembered for a second
	var all []error
	found := func(c *Case, err error) {
		if err == nil {
			return
		}
		d := &Disagreement{err, c.trace, c.standing()}
		if all = append(all, d); w.Tell != nil {
			w.Tell(d)
		}
		c.over = true
	}
	for i, c := range cases {
		if c == nil || c.over || c.x != nil || c.revoked || c.dead || c.patient == nil {
			cases[i] = nil // it is left: two things at a time are not walked
			continue
		}
		c.closed = organisation
		c.hold()
		found(c, c.whileClosed(t, dice))
	}
	if err := w.shut(organisation, true); err != nil {
		return fmt.Errorf("open %s: %w", organisation, err)
	}
	time.Sleep(1100 * time.Millisecond)
	for _, c := range cases {
		if c == nil || c.over {
			continue
		}
		c.closed = ""
		c.hold()
		found(c, c.comesTo(15*time.Second))
	}
	return errors.Join(all...)
}

// whileClosed takes steps of which the description says what becomes of them.
func (c *Case) whileClosed(t *Tally, dice *rand.Rand) error {
	if c.closed == "maker" { // who reads the case is of the hospital
		if err := c.comesTo(15 * time.Second); err != nil {
			return err
		}
	}
	for range 12 {
		s := c.near(dice)
		step := Step{Kind: Move, Who: c.anybody(dice), Stage: s.Code, To: pick(dice, []string{received, judgedOK, accepted, working, completed})}
		switch dice.IntN(4) {
		case 0:
			step = Step{Kind: Read, Who: c.anybody(dice)}
		case 1:
			step.Who = c.first(s.Owner)
		}
		if c.Predict(step).Absent {
			continue
		}
		if err := t.step(c, step); err != nil {
			return err
		}
	}
	return nil
}

// comesTo waits until the case stands as the model says: what a change of an
// account brings follows it.
func (c *Case) comesTo(limit time.Duration) (err error) {
	for began := time.Now(); time.Since(began) < limit; time.Sleep(100 * time.Millisecond) {
		var seen map[string]stageSeen
		if seen, err = c.look(); err == nil {
			err = c.agree(seen)
		}
		if err == nil {
			err = c.compareTasks()
		}
		if err == nil {
			return nil
		}
	}
	return fmt.Errorf("%v after the account changed: %w", limit, err)
}
