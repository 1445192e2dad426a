package feed

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/revision"
)

// Record is what the feed needs of the recorder.
type Record interface {
	Submit(ctx context.Context, who *access.Context, d *record.Draft) (*record.Outcome, error)
	// Outlet refuses an address that data may not be sent to.
	Outlet(ctx context.Context, who *access.Context, entity, address string) error
	Disclose(ctx context.Context, who *access.Context, operation string, refs []record.VersionRef) ([]*record.Version, error)
}

// Options of an Engine. What stands before Poll is needed; the zero values of the
// rest work.
type Options struct {
	Store       Store
	Definitions func() *revision.Revision
	// Resolve says who acts by an authority now; an issue where that is nobody any
	// more, or what was granted to the app has ended.
	Resolve func(ctx context.Context, by access.Authority) (*access.Context, error)
	// Alive refuses an access.Context.Session that has ended; nil: none ever does.
	Alive  func(ctx context.Context, session string) error
	Client *http.Client // guarded: it dials no address that is refused
	// Permit refuses endpoints that Client would never dial.
	Permit    func(*url.URL) error
	Key       []byte // 32 bytes that seal the headers of channels
	BaseURL   string // of the FHIR door
	SocketURL string // where websockets connect
	Random    io.Reader
	Clock     func() time.Time
	Log       *slog.Logger

	Poll      time.Duration // 1 s: how often it looks when nobody wakes it
	Lease     time.Duration // 90 s: what one delivery may take before another server repeats it
	Backoff   time.Duration // 1 s: wait after the first failure, doubled each time
	Longest   time.Duration // 1 h: the longest of these waits
	Patience  time.Duration // 10 days: how long an endpoint is tried that never answers
	Retention time.Duration // 30 days: how long events are kept
	Keep      int64         // 10,000: how many events of one subscription are kept
	Most      int           // 50: subscriptions of one subscriber
	Workers   int           // 24: deliveries at once
	Slow      int           // 8: deliveries at once to endpoints that fail
	MaxBody   int           // 1 MiB: of one resource in a notification; a larger one is named alone
}

// Engine matches and delivers. Several may run on one database.
type Engine struct {
	o      Options
	holder string
	vault  *vault
	record Record

	wake    chan struct{} // the feed may have grown
	send    chan struct{} // something is due
	healthy chan struct{} // slots of workers
	slow    chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed when events are new, for websockets
	parsed  map[string]*parsedSpec
	busy    map[string]int // deliveries under way by subscriber

	hold            time.Duration
	committed, seen int64 // position that this server committed, and up to where it looked
}

// New returns an Engine that is not running.
func New(o Options) (*Engine, error) {
	if o.Store == nil || o.Definitions == nil || o.Resolve == nil || o.Client == nil || o.Permit == nil || o.Random == nil || o.Clock == nil {
		return nil, errors.New("feed: Store, Definitions, Resolve, Client, Permit, Random and Clock are needed")
	}
	o.defaults()
	v, err := newVault(o.Key, o.Random)
	if err != nil {
		return nil, err
	}
	name := make([]byte, 16)
	if _, err := io.ReadFull(o.Random, name); err != nil {
		return nil, err
	}
	return &Engine{
		o: o, vault: v, holder: hex.EncodeToString(name), wake: make(chan struct{}, 1), send: make(chan struct{}, 1),
		healthy: make(chan struct{}, o.Workers), slow: make(chan struct{}, o.Slow), changed: make(chan struct{}),
		parsed: map[string]*parsedSpec{}, busy: map[string]int{}, hold: hold, committed: -1,
	}, nil
}

func (o *Options) defaults() {
	for _, d := range []struct {
		at    *time.Duration
		value time.Duration
	}{
		{&o.Poll, time.Second}, {&o.Lease, 90 * time.Second}, {&o.Backoff, time.Second}, {&o.Longest, time.Hour},
		{&o.Patience, 10 * 24 * time.Hour}, {&o.Retention, 30 * 24 * time.Hour},
	} {
		if *d.at <= 0 {
			*d.at = d.value
		}
	}
	for _, n := range []struct {
		at    *int
		value int
	}{{&o.Most, 50}, {&o.Workers, 24}, {&o.Slow, 8}, {&o.MaxBody, 1 << 20}} {
		if *n.at <= 0 {
			*n.at = n.value
		}
	}
	if o.Keep <= 0 {
		o.Keep = 10_000
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Use gives the engine the recorder, which in turn asks the engine what to admit.
func (e *Engine) Use(r Record) { e.record = r }

// Wake tells that the log has grown.
func (e *Engine) Wake() { poke(e.wake) }

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run matches and delivers until the context ends, and waits for the deliveries
// under way.
func (e *Engine) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { e.matching(ctx) })
	all.Go(func() { e.sending(ctx) })
	all.Go(func() { e.tending(ctx) })
	all.Wait()
}

func (e *Engine) matching(ctx context.Context) {
	tick := time.NewTicker(e.o.Poll)
	defer tick.Stop()
	defer e.leave(ctx)
	for {
		for ctx.Err() == nil {
			more, err := e.Turn(ctx)
			if err != nil && ctx.Err() == nil && !errors.Is(err, ErrLost) {
				e.o.Log.Error("subscriptions are not matched", "error", err)
			}
			if err != nil || !more {
				break
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.wake:
		}
	}
}

// leave lets another server match at once.
func (e *Engine) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	if err := e.o.Store.LeaveFeed(ctx, e.holder); err != nil {
		e.o.Log.Error("the feed is not left", "error", err)
	}
}

// tidy is how often what is old is swept, mend how often the resources are made
// to say the status of their subscription.
const (
	tidy = time.Hour
	mend = 10 * time.Second
)

func (e *Engine) tending(ctx context.Context) {
	sweep, show := time.NewTicker(tidy), time.NewTicker(mend)
	defer sweep.Stop()
	defer show.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-sweep.C:
			now := e.o.Clock()
			err = errors.Join(e.o.Store.DropEvents(ctx, now.Add(-e.o.Retention)), e.o.Store.DropChannelSecrets(ctx, "", nil, now.Add(-24*time.Hour)))
		case <-show.C:
			err = e.mend(ctx)
		}
		if err != nil && ctx.Err() == nil {
			e.o.Log.Error("subscriptions are not tended", "error", err)
		}
	}
}

// mend shows the status of subscriptions whose resource may say another one,
// because a server was killed between the two.
func (e *Engine) mend(ctx context.Context) error {
	rows, err := e.o.Store.Subscriptions(ctx, nil)
	if err != nil {
		return err
	}
	var errs []error
	for i := range rows {
		if rows[i].Shown != rows[i].Status {
			errs = append(errs, e.show(ctx, rows[i].ID, rows[i].Status, rows[i].Reason))
		}
	}
	return errors.Join(errs...)
}

// news is closed at the next change of any subscription.
func (e *Engine) news() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

func (e *Engine) announce() {
	e.mu.Lock()
	close(e.changed)
	e.changed = make(chan struct{})
	e.mu.Unlock()
	poke(e.send)
}
