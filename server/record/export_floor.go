package record

import (
	"context"
	"fmt"
	"time"
)

// floors is a store with a time below which nothing is written any more, so that
// an export can say up to when it is complete.
type floors interface {
	Floor(ctx context.Context) (time.Time, error)
}

// floor is that time; zero where there is none. A server whose clock is behind
// that of the one that raised it dates its versions by it.
func (r *Recorder) floor(ctx context.Context) (at time.Time, err error) {
	if s, ok := r.o.Store.(floors); ok {
		if at, err = s.Floor(ctx); err != nil {
			return at, fmt.Errorf("record: floor: %w", err)
		}
	}
	return at, nil
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
