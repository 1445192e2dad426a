package store_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tenon/migrations"
	"tenon/server/record"
	"tenon/server/store"
)

var update = flag.Bool("update", false, "write the golden files of the schema")

// TestSchema compares what the migrations add up to with the committed schema.
func TestSchema(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			got, err := open(t).Schema(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			file := map[string]string{"SQLite": "sqlite", "PostgreSQL": "postgres"}[name]
			golden := filepath.Join("..", "..", "migrations", file+".schema.sql")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the schema is not the committed one: run go test ./server/store -run TestSchema -update and look at the difference")
			}
		})
	}
}

func TestMigrate(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"SQLite": liteURL, "PostgreSQL": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), store.Options{URL: url(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "migrate") {
				t.Errorf("Ready() before Migrate = %v, want what to do", err)
			}
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if err := s.Migrate(t.Context()); err != nil {
						t.Errorf("Migrate() of several at once = %v", err)
					}
				})
			}
			wg.Wait()
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("Ready() = %v", err)
			}
		})
	}
}

// TestAuditIsIndexed: the audit of a database that is brought up to date is found by
// whom it speaks of, whatever a client wrote into it.
func TestAuditIsIndexed(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			rows := []record.Audit{auditOf("x"), auditOf("Patient?\x00&a\nb=\\u0000"), auditOf("y")}
			rows[1].Patient, rows[2].Principal = "Patient/one", "PractitionerRole/other"
			if err := s.Audit(t.Context(), rows); err != nil {
				t.Fatal(err)
			}
			steps, err := migrations.Of(map[string]string{"SQLite": "sqlite", "PostgreSQL": "postgres"}[name])
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(t.Context(), "DROP TABLE audit_about", "DROP TABLE audit_export"); err != nil {
				t.Fatal(err)
			}
			for _, step := range steps {
				if strings.HasSuffix(step.Name, "_audit_about") {
					if err := s.Run(t.Context(), strings.Split(strings.TrimSuffix(step.SQL, ";\n"), ";\n")...); err != nil {
						t.Fatal(err)
					}
				}
			}
			for about, want := range map[string]int{"Patient/one": 1, "PractitionerRole/other": 1, "Patient/two": 0} {
				if got, err := s.AuditBatches(t.Context(), record.AuditRange{About: about, Limit: 9}); err != nil || len(got) != want {
					t.Errorf("%d batches of %s, %v, want %d", len(got), about, err, want)
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "sqlite://", "sqlite://host/dir", "mysql://x/y", "::", "/tmp/x", "postgres://127.0.0.1:1/none?connect_timeout=1"} {
		if s, err := store.Open(t.Context(), store.Options{URL: url}); err == nil {
			t.Errorf("Open(%q) is taken", url)
			_ = s.Close()
		}
	}
}

// TestEpoch: a server does not use a schema that a newer one has made unfit for it.
func TestEpoch(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"SQLite": liteURL, "PostgreSQL": emptyPostgres} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), store.Options{URL: url(t)})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := errors.Join(s.Migrate(t.Context()), s.Ready(t.Context())); err != nil {
				t.Errorf("twin: the own epoch = %v", err)
			}
			if err := s.RaiseEpoch(t.Context(), migrations.Epoch+1); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{"Migrate": s.Migrate(t.Context()), "Ready": s.Ready(t.Context())} {
				if !errors.Is(err, store.ErrNewer) {
					t.Errorf("%s() = %v, want ErrNewer", what, err)
				}
			}
		})
	}
}
