package store_test

import (
	"path/filepath"
	"testing"

	"tenon/server/store"
	"tenon/server/store/storetest"
)

func openLite(t *testing.T) *store.Store {
	t.Helper()
	return openURL(t, "sqlite://"+filepath.ToSlash(t.TempDir()))
}

func openURL(t testing.TB, url string) *store.Store {
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

func TestSQLite(t *testing.T) { storetest.Run(t, openLite) }
