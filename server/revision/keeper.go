package revision

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/schema"
	"tenon/server/search"
)

// interval is how often a Keeper looks for a new number, so that a change on
// another server holds here within a second.
const interval = 400 * time.Millisecond

// Options are what a Keeper works with; Base may be nil, Log and Random too.
type Options struct {
	Base   *definition.Library // what is embedded
	Model  *schema.Model
	Search *search.Registry // parameters of the model
	Store  Store
	Log    *slog.Logger
	// ReadOnly writes nothing: for who looks at a database without serving it.
	ReadOnly bool
	Random   io.Reader // of the name under which this Keeper works, crypto/rand
}

// Keeper holds the current Revision of one database.
type Keeper struct {
	o       Options
	current atomic.Pointer[Revision]
	holder  string
	wake    chan struct{}
	busy    chan struct{} // full while index rows are being made

	mu sync.Mutex // held by who makes the next revision
}

// New loads what the database holds.
func New(ctx context.Context, o Options) (*Keeper, error) {
	if o.Model == nil || o.Search == nil || o.Store == nil {
		return nil, errors.New("revision: Model, Search and Store are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	k := &Keeper{o: o, wake: make(chan struct{}, 1), busy: make(chan struct{}, 1)}
	var name [12]byte
	if _, err := io.ReadFull(o.Random, name[:]); err != nil {
		return nil, fmt.Errorf("revision: %w", err)
	}
	k.holder = hex.EncodeToString(name[:])
	if !o.ReadOnly {
		if err := o.Store.Adopt(ctx, search.Format); err != nil {
			return nil, err
		}
	}
	return k, k.Refresh(ctx)
}

// Current is the Revision in force. Take it once for one request.
func (k *Keeper) Current() *Revision { return k.current.Load() }

// Refresh makes the current Revision be that of the database. It costs one
// small read when nothing has changed.
func (k *Keeper) Refresh(ctx context.Context) error {
	if same, err := k.same(ctx); same || err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if same, err := k.same(ctx); same || err != nil { // another made it meanwhile
		return err
	}
	held, err := k.o.Store.Held(ctx, Types)
	if err != nil {
		return err
	}
	next, err := k.next(ctx, held)
	if err != nil {
		return err
	}
	k.current.Store(next)
	if next.Building() {
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
	return nil
}

func (k *Keeper) same(ctx context.Context) (bool, error) {
	now := k.current.Load()
	if now == nil {
		return false, nil
	}
	number, err := k.o.Store.Definitions(ctx)
	return err == nil && number == now.Number, err
}

// Pauses between two attempts to make index rows: while another server is at
// it, and after a failure.
const (
	patience = 2 * time.Second
	backOff  = 30 * time.Second
)

// Run follows the database until ctx ends, and makes the index rows that lack.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var again time.Time // when to look for work next
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
			again = time.Time{}
		case <-tick.C:
			if err := k.Refresh(ctx); err != nil && ctx.Err() == nil {
				k.o.Log.Error("definitions are not followed", "error", err)
			}
		}
		if !k.Current().Building() || time.Now().Before(again) {
			continue
		}
		again = time.Now().Add(patience)
		if err := k.Complete(ctx); err != nil && ctx.Err() == nil {
			again = time.Now().Add(backOff)
			k.o.Log.Error("index rows are not complete", "error", err)
		}
	}
}
