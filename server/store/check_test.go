package store_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"tenon/server/store"
)

// TestCheckStray has index rows that belong to nothing, as a faulty restore
// leaves them.
func TestCheckStray(t *testing.T) {
	url := liteURL(t)
	s, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(strings.TrimPrefix(url, "sqlite://"), "tenon.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for range 2 {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO group_row VALUES (99, 1, 0, 0, 0, 0, 0, 0, 0, 'x', '', '', 1)"); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.CheckStray(t.Context())
	if want := []string{"group_row: 2 of no resource"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("CheckStray() = %q, %v, want %q", got, err, want)
	}
}
