package app

import (
	"context"
	"errors"
	"time"

	"tenon/profiles/r4"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
	"tenon/server/store"
)

// Index is the database opened for its index rows; a server may run on it at the
// same time.
type Index struct {
	*revision.Keeper
	store *store.Store
}

// OpenIndex opens and migrates the database, and nothing else; to look at it
// only, it changes nothing.
func OpenIndex(ctx context.Context, c Config, only bool) (*Index, error) {
	ready := (*store.Store).Migrate
	if only {
		ready = (*store.Store).Ready
	}
	s, err := c.openStore(ctx, ready)
	if err != nil {
		return nil, err
	}
	x := &Index{store: s}
	if x.Keeper, err = keeperOn(ctx, c, s, only); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return x, nil
}

func keeperOn(ctx context.Context, c Config, s *store.Store, only bool) (*revision.Keeper, error) {
	base := c.BaseURL
	if base == "" {
		base = "http://" + c.Listen + "/fhir"
	}
	model, err := search.NewRegistry(r4.Model(), search.WithBase(base))
	if err != nil {
		return nil, err
	}
	return revision.New(ctx, revision.Options{Base: r4.Library(), Model: r4.Model(), Search: model, Store: s, ReadOnly: only})
}

// Audit writes that the rows of something were made anew.
func (x *Index) Audit(ctx context.Context, what string) error {
	return x.store.Audit(ctx, []record.Audit{{
		At: time.Now(), Principal: "operator", Door: "cli", Action: "E", Operation: "reindex", Entity: what, Outcome: 200,
	}})
}

// Close closes the database.
func (x *Index) Close() error { return x.store.Close() }
