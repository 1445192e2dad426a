package rest_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"tenon/profiles/r4"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/store"
	"tenon/server/store/blob"
	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

// house is the door over a recorder and a real database.
type house struct {
	http.Handler
	store *store.Store
	clock func() time.Time
	// meanwhile runs before each commit, when the unit has been prepared.
	meanwhile func(u *record.Unit)
}

// hooked is the store of a house.
type hooked struct {
	*store.Store
	h *house
}

func (s hooked) Commit(ctx context.Context, u *record.Unit) error {
	if s.h.meanwhile != nil {
		s.h.meanwhile(u)
	}
	return s.Store.Commit(ctx, u)
}

// onEngines runs a test over SQLite and over PostgreSQL.
func onEngines(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, houseOn(t, "sqlite://"+filepath.Join(t.TempDir(), "db"))) })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, houseOn(t, pgtest.Database(t, "rest", func(ctx context.Context, url string) error {
			s, err := store.Open(ctx, store.Options{URL: url})
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Migrate(ctx)
		})))
	})
}

func houseOn(t *testing.T, url string, changes ...func(*record.Options, *rest.Options)) *house {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = blobs.Close() })
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{store: s}
	clock := func() time.Time {
		if h.clock != nil {
			return h.clock()
		}
		return time.Now()
	}
	ro := record.Options{Store: hooked{s, h}, Blobs: blobs, Model: r4.Model(), Registry: reg, Engine: casework.NewEngine(), BaseURL: base, Clock: clock}
	do := rest.Options{Registry: reg, Model: r4.Model(), BaseURL: base}
	for _, change := range changes {
		change(&ro, &do)
	}
	r, err := record.New(ro)
	if err != nil {
		t.Fatal(err)
	}
	do.Record = r
	d, err := rest.New(do)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	d.Register(e.Group("/fhir", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			rest.SetWho(c, people[c.Request().Header.Get("As")])
			return next(c)
		}
	}))
	h.Handler = e
	return h
}
