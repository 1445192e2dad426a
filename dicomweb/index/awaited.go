package index

import (
	"context"
	"time"
)

// Awaited is a study that a DIMSE peer was told to send here for a patient and a
// case, by one pull.
type Awaited struct {
	Study, Pull   string
	Patient, Task string // "Patient/x", "Task/x"; "": not named
}

// Awaiting is what every server of a tenant knows of pulls that go on, since what a
// peer sends may arrive at any of them.
type Awaiting interface {
	// Await notes a study until a time, or renews it for the same pull; false: it is
	// awaited by another pull now.
	Await(ctx context.Context, a *Awaited, now, until time.Time) (bool, error)
	// AwaitedNow finds the pull that a study is awaited by; nil: there is none.
	AwaitedNow(ctx context.Context, study string, now time.Time) (*Awaited, error)
	// AwaitNoMore ends it.
	AwaitNoMore(ctx context.Context, a *Awaited) error
}
