package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"tenon/server/access"
	"tenon/server/store"
)

// consents keeps the forms in which patients withhold data: those that this server
// commits at once, those of others within a second. What is not heard of yet
// withholds (access.Consents), so that nothing is shown by being late.
type consents struct {
	store *store.Store
	mu    sync.Mutex // one look at a time, so that an older one never replaces a newer
	known access.Consents
}

// consentTurn is how often others' are looked for, settleConsents how long an
// answer waits for its own.
const (
	consentTurn    = time.Second
	settleConsents = 2 * time.Second
)

func consentsOf(ctx context.Context, s *store.Store, clock func() time.Time) (*consents, error) {
	c := &consents{store: s, known: access.Consents{Clock: clock}}
	// A database without a schema is told by who needs it.
	if s.Ready(ctx) != nil {
		return c, nil
	}
	return c, c.look(ctx)
}

func (c *consents) look(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	forms, err := c.store.Forms(ctx, c.known.Known())
	if err == nil {
		c.known.Know(forms)
	}
	return err
}

// settle looks after a commit of this server. What fails is made up for by the next
// turn.
func (c *consents) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleConsents)
	defer cancel()
	_ = c.look(ctx)
}

// run looks again and again until the context ends.
func (c *consents) run(ctx context.Context, log *slog.Logger) {
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(consentTurn):
		}
		err := c.look(ctx)
		if err != nil && !failed && !errors.Is(err, context.Canceled) {
			log.Error("the forms of consent cannot be read; new ones withhold everything until they are", "error", err)
		}
		failed = err != nil
	}
}
