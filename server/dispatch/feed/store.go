package feed

import (
	"context"
	"errors"
	"time"

	"tenon/server/access"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
	"tenon/server/search"
)

// ErrLost says that another server has taken the feed meanwhile.
var ErrLost = errors.New("feed: another server has taken the feed")

// Store is what the feed needs of the database.
type Store interface {
	// TakeFeed makes holder the one that matches until a moment, and returns the
	// index of the first leaf to match; ok is false while another one holds it.
	TakeFeed(ctx context.Context, holder string, until time.Time) (position int64, ok bool, err error)
	// LeaveFeed ends what TakeFeed began.
	LeaveFeed(ctx context.Context, holder string) error
	// FeedLeaves are sequenced version leaves from an index on, in order: of these
	// types, or of all where there are none. next is the index behind all that was
	// looked at; at most limit leaves come back.
	FeedLeaves(ctx context.Context, from int64, types []string, limit int) (leaves []Leaf, next int64, err error)
	// CommitTurn writes what was matched, in one transaction that is durable.
	// ErrLost where the turn's holder does not hold the feed at its From any more.
	CommitTurn(ctx context.Context, t *Turn) error

	// Versions are versions whoever asks, without their bodies or with them; one
	// that is not there is left out.
	Versions(ctx context.Context, bodies bool, refs ...record.VersionRef) ([]record.Version, error)
	// Heads are the numbers of the current versions of Type/id.
	Heads(ctx context.Context, refs []record.VersionRef) (map[string]int64, error)
	// Read returns the current version in reach, which may be Deleted.
	Read(ctx context.Context, reach access.Predicate, typ, id string) (*record.Version, error)
	Search(ctx context.Context, plan *search.Plan) (*search.Page, error)
	// MatchesAs tells whether a resource would be found by the plan if an old
	// version, with these rows, were the current one.
	MatchesAs(ctx context.Context, plan *search.Plan, v *record.Version, rows search.Rows) (bool, error)

	// Subscriptions are all that are stored; ids limits them where it is not nil.
	Subscriptions(ctx context.Context, ids []string) ([]Row, error)
	// Warrant is that of a subscription; without a Grant where it has none.
	Warrant(ctx context.Context, id string) (Warrant, error)
	// SubscriptionsOf counts those of a subscriber that are not off.
	SubscriptionsOf(ctx context.Context, subscriber string) (int, error)
	// LeaseDue leases subscriptions that are due, those that fail or the others,
	// for what the function says each may take.
	LeaseDue(ctx context.Context, failing bool, limit int, lease time.Duration) ([]Row, error)
	// Settle writes what became of a delivery and ends the lease.
	Settle(ctx context.Context, s *Settlement) error
	// Delivered notes up to which event a websocket was told.
	Delivered(ctx context.Context, id string, upTo int64) error
	// Shown notes which status the resource says.
	Shown(ctx context.Context, id, status string) error
	// Resume makes a subscription due now.
	Resume(ctx context.Context, id string) error
	// DeadLetter leaves a trace for the operator.
	DeadLetter(ctx context.Context, id string, number int64, reason string) error
	// Events are the kept events of a subscription with numbers from since up to
	// until, at most limit.
	Events(ctx context.Context, id string, since, until int64, limit int) ([]subscription.Event, error)
	// DropEvents deletes events that are older.
	DropEvents(ctx context.Context, before time.Time) error

	// PutChannelSecret keeps a sealed value for a subscription.
	PutChannelSecret(ctx context.Context, id, subscription string, sealed []byte) error
	// ChannelSecrets are the sealed values of a subscription by their ids.
	ChannelSecrets(ctx context.Context, subscription string) (map[string][]byte, error)
	// DropChannelSecrets deletes those of a subscription that are older and not
	// kept; those of subscriptions that are not there where subscription is "".
	DropChannelSecrets(ctx context.Context, subscription string, keep []string, before time.Time) error
	PutBinding(ctx context.Context, hash [32]byte, b Binding) error
	// TakeBinding returns a binding once; nil where there is none in time.
	TakeBinding(ctx context.Context, hash [32]byte) (*Binding, error)
}

// Leaf is a sequenced version.
type Leaf struct {
	Index int64
	record.VersionRef
}

// Row is a subscription as the database has it.
type Row struct {
	ID         string
	Version    int64 // of Body
	Subscriber string
	Status     string
	Shown      string
	Reason     string
	Body       []byte
	Last       int64
	Delivered  int64
	Failing    time.Time // zero: it does not
	Attempts   int
	Warrant    Warrant
}

// Turn is what one turn of matching commits: the feed goes from From to To.
type Turn struct {
	Holder   string
	From, To int64
	Steps    []Step
	Keep     int64 // events that are kept of one subscription
}

// Step is one thing of a turn, in their order: a subscription that was written
// (Put) or is gone (Drop), or an event of one.
type Step struct {
	Put   *Row
	Drop  string
	For   string // with Event
	Event subscription.Event
	Due   bool // the event is to be sent now
}

// Settlement is what became of a delivery of what version said.
type Settlement struct {
	ID        string
	Version   int64
	Status    string
	Reason    string
	Delivered int64
	Attempts  int
	Failing   time.Time
	Next      time.Time // when the next thing is due; what is pending is due at once where AtOnce is
	AtOnce    bool
}

// Binding is what a token lets a websocket hear.
type Binding struct {
	Principal     string
	Session       string // of who asked for it; what is bound ends with that
	Subscriptions []string
	Expires       time.Time
}
