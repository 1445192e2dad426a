package app

import (
	"context"
	"time"
)

// For tests.
var (
	AskNTP    = askNTP
	NTPOffset = ntpOffset
)

// NewTimekeeper is one with a clock and servers of the test.
func NewTimekeeper(o Clock, clock func() time.Time, elapsed func() time.Duration, query func(context.Context, string) (time.Duration, error)) interface {
	Statement(ctx context.Context) (string, error)
} {
	t := newTimekeeper(o)
	t.clock, t.elapsed, t.query = clock, elapsed, query
	return t
}
