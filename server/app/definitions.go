package app

import (
	"context"
	"time"

	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/store"
)

// Definitions is the database opened for loading definitions into it; a server
// may run on it at the same time and takes over what is loaded within a second.
type Definitions struct {
	*revision.Loader
	Store *store.Store
}

// OpenDefinitions opens and migrates the database, and nothing else.
func OpenDefinitions(ctx context.Context, c Config) (*Definitions, error) {
	s, err := c.openStore(ctx, (*store.Store).Migrate)
	if err != nil {
		return nil, err
	}
	return &Definitions{Loader: &revision.Loader{Store: s}, Store: s}, nil
}

// Close closes the database.
func (d *Definitions) Close() error { return d.Store.Close() }

// Held lists what is in force.
func (d *Definitions) Held(ctx context.Context) (*revision.Held, error) {
	return d.Store.Held(ctx, []string{})
}

// Audit writes the audit of what was done: an operation such as package-add on
// something such as name#version.
func (d *Definitions) Audit(ctx context.Context, action, operation, entity string) error {
	return d.Store.Audit(ctx, []record.Audit{{
		At: time.Now(), Principal: "operator", Door: "cli", Action: action, Operation: operation, Entity: entity, Outcome: 200,
	}})
}
