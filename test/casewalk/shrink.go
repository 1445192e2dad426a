package casewalk

import (
	"errors"
	"time"
)

// Shrink drops steps from a trace as long as the rest still ends in a
// disagreement, each time in a new case of the same server. What cannot be
// provoked again is returned as it is.
func (w *World) Shrink(p *Process, d *Disagreement, limit time.Duration) *Disagreement {
	end := time.Now().Add(limit)
	best := d
	if again := w.replay(p, d.Trace); again != nil {
		best = again
	} else {
		return d
	}
	for size := len(best.Trace) / 2; size > 0 && time.Now().Before(end); {
		shorter := w.drop(p, best, size, end)
		if len(shorter.Trace) == len(best.Trace) {
			size /= 2
		}
		best = shorter
		size = min(size, len(best.Trace)/2)
	}
	return best
}

// drop tries to leave out runs of a size, from the end on.
func (w *World) drop(p *Process, d *Disagreement, size int, end time.Time) *Disagreement {
	for from := len(d.Trace) - 1 - size; from >= 0 && time.Now().Before(end); from -= size {
		if from+size >= len(d.Trace) {
			continue
		}
		rest := append(append([]Step(nil), d.Trace[:from]...), d.Trace[from+size:]...)
		if again := w.replay(p, rest); again != nil {
			d = again
		}
	}
	return d
}

// replay carries steps out in a new case and returns the disagreement that they
// end in, nil for none. Steps without an object there are left out.
func (w *World) replay(p *Process, steps []Step) *Disagreement {
	c, err := w.Open(p)
	if err != nil {
		return nil
	}
	for _, s := range steps {
		if _, err := c.Act(s); err != nil {
			return &Disagreement{err, c.trace, c.standing()}
		}
	}
	return nil
}

// Shrunk shrinks the first disagreement of a walk and words the others shortly.
func (w *World) Shrunk(p *Process, err error, limit time.Duration) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var all []error
	for i, e := range joined.Unwrap() {
		var d *Disagreement
		if !errors.As(e, &d) {
			all = append(all, e)
			continue
		}
		if i == 0 && !w.final {
			d = w.Shrink(p, d, limit)
		} else {
			d = &Disagreement{d.Err, d.Trace[max(0, len(d.Trace)-8):], d.Where}
		}
		all = append(all, d)
	}
	return errors.Join(all...)
}
