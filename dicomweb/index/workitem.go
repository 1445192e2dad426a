package index

import (
	"context"

	"tenon/server/access"
)

// Workitem is the door row of a work item (Unified Procedure Step).
type Workitem struct {
	UID         string
	Resource    string // id of its Task, on which reach is judged
	Patient     string // "Patient/x"
	State       string // SCHEDULED, IN PROGRESS, COMPLETED, CANCELED
	Scheduled   string // start, YYYYMMDDHHMMSS…
	Transaction string // UID that locks it; known to its performer only
	Body        []byte // data set, coded by the door
	Version     int64  // of the Task; only read
}

// Subscriber is a subscription of a principal under one AE title. Workitem is the
// UID of a work item or of a global subscription.
type Subscriber struct {
	Principal, Title, Workitem string
	Locked                     bool
	Filter                     string // of a filtered global subscription: a query
}

// WorkitemQuery is what the columns of a work item must be; "" and nil: anything.
type WorkitemQuery struct {
	UIDs     []string
	State    string
	From, To string // Scheduled, as text: From <= Scheduled, and Scheduled begins with To or is less
}

// Workitems is the list of work items.
type Workitems interface {
	// Workitems gives those in reach by scheduled start and UID, behind a place and
	// at most n.
	Workitems(ctx context.Context, reach access.Predicate, of WorkitemQuery, behind [2]string, n int) ([]*Workitem, error)
	// Subscribe keeps a subscription; Unsubscribe drops it, and tells whether it was
	// there.
	Subscribe(ctx context.Context, s *Subscriber) error
	Unsubscribe(ctx context.Context, s *Subscriber) (bool, error)
	// Subscriptions are those of a principal under one title.
	Subscriptions(ctx context.Context, principal, title string) ([]*Subscriber, error)
}
