package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"tenon/oauth"
	"tenon/server/dispatch"
	"tenon/server/ledger"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/store/reserve"
)

// Options says which database to open. Only URL is needed.
type Options struct {
	// URL is sqlite:///path/of/a/directory or postgres://user:secret@host/name.
	URL string
	// Tenant is whose rows reads and commits touch; "main" where it is empty.
	Tenant string
	// Clock tells the time of what the store itself dates; time.Now if nil.
	Clock record.Clock
	// Random gives the secrets of audit batches; crypto/rand if nil.
	Random io.Reader
	// Readers is the number of connections that read; 0 chooses by engine.
	Readers int
	// SearchTime is how long one search may run; 0 is 30 seconds.
	SearchTime time.Duration
	// Reserve is the file that takes audit rows while the database is full;
	// without one reads are refused then.
	Reserve string
	// Mask leaves elements out of what is shown in part; without it what a caller
	// may see in part only is an error.
	Mask Mask
}

// searchTime is more than any search of ours took, and less than people wait.
const searchTime = 30 * time.Second

// Store is one tenant's view of an open database. It is safe for concurrent
// use.
type Store struct {
	engine engine
	o      Options
	tenant int64 // 0 until it is known
	mu     sync.Mutex
	plans  planBodies
	many   many

	reserve *reserve.File // nil: none
}

var (
	_ record.Store     = (*Store)(nil)
	_ ledger.Store     = (*Store)(nil)
	_ dispatch.Store   = (*Store)(nil)
	_ oauth.Store      = (*Store)(nil)
	_ revision.Loading = (*Store)(nil)
)

// Open connects to the database; on SQLite it makes the directory and the files
// when they are not there. Call Migrate before anything else.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Tenant == "" {
		o.Tenant = "main"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.SearchTime <= 0 {
		o.SearchTime = searchTime
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("store: the database URL cannot be parsed: want sqlite:///directory or postgres://…")
	}
	var e engine
	switch u.Scheme {
	case "sqlite":
		dir := u.Path
		if u.Opaque != "" {
			dir = u.Opaque
		}
		if dir == "" || u.Host != "" {
			return nil, fmt.Errorf("store: %q names no directory: want sqlite:///directory", o.URL)
		}
		e, err = openLite(ctx, filepath.FromSlash(dir), &o)
	case "postgres", "postgresql":
		e, err = openPostgres(ctx, &o)
	default:
		return nil, fmt.Errorf("store: unknown scheme %q of the database URL: want sqlite or postgres", u.Scheme)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{engine: e, o: o}
	if err := s.openReserve(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return s, nil
}

// Tenant is the same database as another tenant sees it.
func (s *Store) Tenant(name string) *Store {
	o := s.o
	o.Tenant = name
	return &Store{engine: s.engine, o: o, reserve: s.reserve}
}

// Close waits for what is being written and closes all connections. The views
// that Tenant gave are closed with it.
func (s *Store) Close() error {
	err := s.engine.close()
	if s.reserve != nil {
		err = errors.Join(err, s.reserve.Close())
	}
	return err
}

// Migrate brings the schema to the newest version under a lock. It is forward
// only, and does nothing when the schema is there.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.engine.migrate(ctx); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// Ready tells whether the database answers and has the schema that this server
// needs; a newer one is fine.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.engine.ready(ctx); err != nil {
		return fmt.Errorf("store: not ready: %w", err)
	}
	return nil
}

// tenantID is the number of the tenant, which the first write of a new one
// makes. A read of a tenant that has written nothing gets 0, which no row has.
func (s *Store) tenantID(ctx context.Context, make bool) (int64, error) {
	if s.o.Tenant == "main" {
		return mainTenant, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tenant != 0 {
		return s.tenant, nil
	}
	find := func(q querier) error {
		_, err := one(ctx, q, "SELECT tenant FROM tenant WHERE name = ?", []any{s.o.Tenant}, &s.tenant)
		return err
	}
	if err := s.engine.read(ctx, short, find); err != nil || s.tenant != 0 || !make {
		return s.tenant, err
	}
	err := s.engine.update(ctx, func(q querier) error {
		if _, err := q.exec(ctx, "INSERT INTO tenant (name) VALUES (?) ON CONFLICT (name) DO NOTHING", []any{s.o.Tenant}); err != nil {
			return err
		}
		return find(q)
	})
	return s.tenant, err
}

const mainTenant = 1

// micros and moment are the form of times in the database.
func micros(t time.Time) int64 { return t.UnixMicro() }

func moment(us int64) time.Time { return time.UnixMicro(us).UTC() }
