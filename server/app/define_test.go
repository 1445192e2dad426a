package app_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/app"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

func TestSameDefinition(t *testing.T) {
	const embedded = `{"resourceType":"CodeSystem","id":"x","version":"1.0.0","concept":[{"code":"a"}]}`
	doc, err := tree.Parse([]byte(embedded))
	if err != nil {
		t.Fatal(err)
	}
	for stored, want := range map[string]bool{
		embedded: true,
		`{"resourceType":"CodeSystem","id":"x","meta":{"versionId":"3"},"version":"1.0.0","concept":[{"code":"a"}]}`: true,
		`{"resourceType":"CodeSystem","id":"x","version":"1.0.0","concept":[{"code":"a"},{"code":"b"}]}`:             false,
		`{"resourceType":"CodeSystem","id":"x","version":"1.0.0"}`:                                                   false,
		`{"resourceType":"CodeSystem","id":"x","version":"1.0.0","concept":[{"code":"a"}],"title":"X"}`:              false,
		`{`: false,
	} {
		if got := app.SameDefinition([]byte(stored), doc.Root()); got != want {
			t.Errorf("SameDefinition(%s) = %v, want %v", stored, got, want)
		}
	}
}

// the guides of two versions of a server; what is loaded is told by its titles.
func guideOf(titles ...string) [][]byte {
	var all [][]byte
	for i, title := range titles {
		all = append(all, fmt.Appendf(nil, `{"resourceType":"CodeSystem","id":"g%d","url":"urn:test:g%d","version":"1","status":"active","content":"complete","title":%q,"concept":[{"code":"a"}]}`, i, i, title))
	}
	return all
}

// starts opens a server with a guide and closes it; it tells the titles that the
// database then holds, each with its version.
func starts(t *testing.T, c app.Config, guide [][]byte) string {
	t.Helper()
	a, err := app.OpenGuide(t.Context(), c, guide)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	return titles(t, a)
}

func titles(t *testing.T, a *app.App) string {
	t.Helper()
	var all []string
	err := a.Store.Bodies(t.Context(), []string{"CodeSystem"}, func(p revision.Posted, body []byte) error {
		doc, err := tree.Parse(body)
		all = append(all, fmt.Sprintf("%s/%d", doc.Root().Field("title").Str(), p.Version))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func onBoth(t *testing.T, test func(t *testing.T, c app.Config)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: "sqlite"}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: pgtest.Database(t, "empty", nil)})
	})
}

// TestGuide starts servers one after the other on one database.
func TestGuide(t *testing.T) {
	before, after := guideOf("a", "b"), guideOf("a", "c")
	onBoth(t, func(t *testing.T, c app.Config) {
		for _, step := range []struct {
			name, want string
			guide      [][]byte
			dev        bool
		}{
			{"the first start loads it", "a/1 b/1", before, false},
			{"the second finds it", "a/1 b/1", before, false},
			{"a changed guide is loaded", "a/1 c/2", after, false},
			{"a server of before does not bring the old one back", "a/1 c/2", before, false},
			{"the new one goes on", "a/1 c/2", after, false},
			{"who develops goes back and forth", "a/1 b/3", before, true},
			{"and back", "a/1 c/4", after, true},
		} {
			c.Dev = step.dev
			if got := starts(t, c, step.guide); got != step.want {
				t.Errorf("%s: the database holds %s, want %s", step.name, got, step.want)
			}
		}
	})
}

// TestGuideIsRestored: what somebody else wrote over a definition of the guide
// does not outlive the next start.
func TestGuideIsRestored(t *testing.T) {
	guide := guideOf("a", "b")
	onBoth(t, func(t *testing.T, c app.Config) {
		for range 2 {
			starts(t, c, guide)
		}
		a, err := app.OpenGuide(t.Context(), c, guide)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Recorder.Submit(t.Context(), &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}, &record.Draft{Door: "cli", Operation: "update", Ops: []record.Op{
			{Method: "PUT", Type: "CodeSystem", ID: "g0", Body: guideOf("mine")[0]}, {Method: "DELETE", Type: "CodeSystem", ID: "g1"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := titles(t, a); got != "mine/2" {
			t.Fatalf("the database holds %s, want mine/2", got)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if got := starts(t, c, guide); got != "a/3 b/3" {
			t.Errorf("after the next start the database holds %s, want a/3 b/3", got)
		}
	})
}

// TestGuideByTwoServers: servers that start at the same moment load a guide once.
func TestGuideByTwoServers(t *testing.T) {
	c := app.Config{Listen: "127.0.0.1:0", Data: t.TempDir(), Database: pgtest.Database(t, "empty", nil)}
	starts(t, c, guideOf("a", "b", "c", "d"))
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() {
			a, err := app.OpenGuide(t.Context(), c, guideOf("a", "x", "y", "z"))
			if err != nil {
				t.Error(err)
				return
			}
			if got := titles(t, a); got != "a/1 x/2 y/2 z/2" {
				t.Errorf("a server that is open finds %s, want a/1 x/2 y/2 z/2", got)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}
