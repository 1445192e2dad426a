package casewalk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Tally is what a walk saw.
type Tally struct {
	Plan             string
	Seed             uint64
	Steps            int
	Allowed, Refused int
	Followed         int // of them the model had no opinion on
	Cases, Ended     int
	Kinds            map[Kind]int
	Took             time.Duration
}

func (t *Tally) String() string {
	return fmt.Sprintf("%s, seed %d: %d steps in %d cases (%d ended): %d allowed, %d refused, %d open, %v",
		t.Plan, t.Seed, t.Steps, t.Cases, t.Ended, t.Allowed, t.Refused, t.Followed, t.Took.Round(time.Second))
}

// Disagreement is a step that the server answered otherwise than the model.
type Disagreement struct {
	Err   error
	Trace []Step // from the opening of the case
	Where string
}

func (d *Disagreement) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n%s\ntrace of %d steps:\n", d.Err, d.Where, len(d.Trace))
	for i, s := range d.Trace {
		fmt.Fprintf(&b, "%4d %s\n", i+1, s)
	}
	return b.String()
}

// open is how many cases are walked through beside each other.
const open = 3

// leadsOn is how often a step is one of the straight way.
const leadsOn = 0.62

// wholeWalk is a walk that ends with accounts that are closed and open again.
const wholeWalk = 300

// Walk takes random steps through cases of a process. The error
// joins every *Disagreement, not yet shrunk, or is what kept the walk from going on.
func (w *World) Walk(p *Process, seed uint64, steps int) (*Tally, error) {
	began := time.Now()
	w.final = false
	t := &Tally{Plan: p.Plan, Seed: seed, Kinds: map[Kind]int{}}
	dice := rand.New(rand.NewPCG(seed, uint64(len(p.Stages)))) //nolint:gosec // a walk, not a secret
	cases := make([]*Case, open)
	var found []error
	defer func() { t.Took = time.Since(began) }()
	for t.Steps < steps && (w.Until.IsZero() || time.Now().Before(w.Until)) {
		i := dice.IntN(open)
		if cases[i] == nil || cases[i].over || (cases[i].ended() || cases[i].stuck()) && dice.IntN(12) == 0 {
			c, err := w.after(p, cases[i])
			if err != nil {
				return t, err
			}
			cases[i] = c
			t.Cases++
		}
		c := cases[i]
		if err := t.step(c, c.Choose(dice, leadsOn)); err != nil {
			d := &Disagreement{err, c.trace, c.standing()}
			if found = append(found, d); w.Tell != nil {
				w.Tell(d)
			}
			if cases[i] = nil; len(found) == w.Enough {
				break
			}
		}
	}
	for _, organisation := range []string{"maker", "hospital"} {
		if steps < wholeWalk || family[p.Plan] == "" {
			break // it waits for seconds, and short walks do not get as far
		}
		if err := w.closing(t, dice, cases, organisation); err != nil {
			found = append(found, err)
		}
	}
	if err := w.terminate(p, t, dice, cases); err != nil {
		found = append(found, err)
	}
	return t, errors.Join(found...)
}

func (t *Tally) step(c *Case, s Step) error {
	v := c.Predict(s)
	before := c.ended()
	clock := c.allowed
	sent, err := c.Act(s)
	if err != nil || !sent {
		return err
	}
	t.Steps++
	t.Kinds[s.Kind]++
	if len(v.Reasons) == 0 && v.Open {
		t.Followed++
	}
	if c.allowed > clock {
		t.Allowed++
	} else {
		t.Refused++
	}
	if !before && c.ended() {
		t.Ended++
	}
	return nil
}

// after is the case that follows on one: that of a new demand, or a new one.
func (w *World) after(p *Process, c *Case) (*Case, error) {
	if c == nil || c.next == nil {
		return w.Open(p)
	}
	seen, err := c.next.look()
	if err != nil {
		return nil, err
	}
	return c.next, c.next.agree(seen)
}
