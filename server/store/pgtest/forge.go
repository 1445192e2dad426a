package pgtest

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Copy is the URL of a database that is a copy of another one, to which nobody is
// connected; it goes with the test.
func Copy(t testing.TB, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	from := strings.TrimPrefix(u.Path, "/")
	return Database(t, "copy of "+from, func(ctx context.Context, into string) error {
		s, err := start()
		if err != nil {
			return err
		}
		to, err := url.Parse(into)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(to.Path, "/")
		return errors.Join(s.run(ctx, "DROP DATABASE "+name), s.run(ctx, "CREATE DATABASE "+name+" TEMPLATE "+from))
	})
}

// Forge runs statements on a database behind the server's back, and returns how
// many rows they changed together.
func Forge(t testing.TB, database string, statements ...string) (changed int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range statements {
		tag, err := c.Exec(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		changed += tag.RowsAffected()
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return changed
}
