package casewalk

import (
	"fmt"
	"math/rand/v2"
)

// Agree makes the standing agreement that cases rest on.
func (w *World) Agree() error {
	c, err := w.Open(agreementProcess())
	if err != nil {
		return err
	}
	if err := c.Straight(1); err != nil {
		return err
	}
	w.Agreement = c.parts["S05/agreement"].ref
	return nil
}

// Straight carries a case to its end by legal steps only, in an order of the seed.
func (c *Case) Straight(seed uint64) error {
	return c.until(seed, c.ended)
}

// until takes legal steps until the case stands where it should.
func (c *Case) until(seed uint64, there func() bool) error {
	dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // an order, not a secret
	for range 3000 {
		if there() {
			return nil
		}
		if _, err := c.Act(c.Choose(dice, 1)); err != nil {
			return &Disagreement{err, c.trace, c.standing()}
		}
	}
	return fmt.Errorf("the case does not get there: %s, last %v", c.standing(), c.trace[max(0, len(c.trace)-1):])
}
