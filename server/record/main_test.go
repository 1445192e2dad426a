package record_test

import (
	"context"
	"os"
	"testing"

	"tenon/server/store"
	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

func postgresURL(t *testing.T) string {
	t.Helper()
	return pgtest.Database(t, "record", func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, store.Options{URL: url})
		if err != nil {
			return err
		}
		defer s.Close()
		return s.Migrate(ctx)
	})
}
