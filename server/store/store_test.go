package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"tenon/server/store"
	"tenon/server/store/pgtest"
	"tenon/server/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// engines opens an empty, migrated store on each engine.
var engines = map[string]func(t testing.TB) *store.Store{
	"SQLite":     func(t testing.TB) *store.Store { return open(t, liteURL(t)) },
	"PostgreSQL": func(t testing.TB) *store.Store { return open(t, postgresURL(t)) },
}

func liteURL(t testing.TB) string { return "sqlite://" + filepath.ToSlash(t.TempDir()) }

func postgresURL(t testing.TB) string {
	t.Helper()
	return pgtest.Database(t, "store", func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, store.Options{URL: url})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(ctx)
	})
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) *store.Store { return open(t) })
		})
	}
}
