package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/store"
)

// DeadLetters is the database opened for messages that were set aside; a server
// may run on it at the same time.
type DeadLetters struct{ store *store.Store }

// OpenDeadLetters opens the database, and nothing else; it migrates nothing.
func OpenDeadLetters(ctx context.Context, c Config) (*DeadLetters, error) {
	s, err := c.openStore(ctx, (*store.Store).Ready)
	if err != nil {
		return nil, err
	}
	return &DeadLetters{s}, nil
}

// mostDead bounds a list.
const mostDead = 10_000

// List gives the newest ones first.
func (d *DeadLetters) List(ctx context.Context) ([]dispatch.Message, error) {
	return d.store.DeadLetters(ctx, mostDead)
}

// Revive makes one due again; a running server delivers it within a second. It is
// audited.
func (d *DeadLetters) Revive(ctx context.Context, id int64) error {
	all, err := d.List(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(m dispatch.Message) bool { return m.ID == id })
	if at < 0 {
		return fmt.Errorf("there is no dead letter %d", id)
	}
	if err := d.store.Audit(ctx, []record.Audit{{
		At: time.Now().UTC().Truncate(time.Millisecond), Action: "U", Operation: "revive", Entity: fmt.Sprintf("outbox/%d", id),
		Principal: operator, Outcome: 200, Door: "cli", Case: all[at].Case,
	}}); err != nil {
		return err
	}
	return d.store.Revive(ctx, id)
}

// Close closes the database.
func (d *DeadLetters) Close() error { return d.store.Close() }
