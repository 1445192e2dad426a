package record_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/blob"
)

var operator = &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}

// defining is a server whose definitions change, over a database that others
// may use too.
type defining struct {
	*server
	keeper *revision.Keeper
}

func newDefining(t *testing.T, url string, v record.Validation) *defining {
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
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	k, err := revision.New(t.Context(), revision.Options{Base: r4.Library(), Model: r4.Model(), Search: reg, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); k.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done; _ = s.Close(); _ = blobs.Close() })
	r, err := record.New(record.Options{Store: s, Blobs: blobs, Model: r4.Model(), Definitions: k, Validation: v,
		Engine: casework.NewEngine(), BaseURL: "http://tenon.test/fhir"})
	if err != nil {
		t.Fatal(err)
	}
	return &defining{&server{r, s, t}, k}
}

func liteURL(t *testing.T) string {
	return "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "db"))
}

// found are the ids that a query finds, or the rule of its refusal.
func (s *server) found(typ, query string) string {
	s.t.Helper()
	params, err := search.ParseQuery(query)
	if err != nil {
		s.t.Fatal(err)
	}
	page, _, err := s.Search(context.Background(), operator, typ, params, true)
	if f := issue.As(err); f != nil {
		return f.Issues[0].Rule
	}
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for _, h := range page.Hits {
		ids = append(ids, h.ID)
	}
	return strings.Join(ids, " ")
}

const nickname = `{"resourceType":"SearchParameter","url":"http://tenon.test/nick","name":"nick","status":"active","description":"nickname",` +
	`"code":"nick","base":["Patient"],"type":"string","expression":"Patient.name.where(use = 'nickname').given"}`

func patientNamed(nick string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","name":[{"use":"nickname","given":[%q]}]}`, nick)
}

func TestPostedSearchParameter(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	old := s.must(clin, post(patientNamed("Lao"))).ID
	if got := s.found("Patient", "nick=lao"); got != "search-unknown-parameter" {
		t.Fatalf("before it is posted: %s", got)
	}
	sp := s.must(operator, post(nickname))
	fresh := s.must(clin, post(patientNamed("Laozi"))).ID
	s.must(clin, post(patientNamed("Zhuang")))
	if got, want := s.found("Patient", "nick=lao&_sort=_id"), old+" "+fresh; got != want && got != fresh+" "+old {
		t.Errorf("found %q, want %q", got, want)
	}

	t.Run("changed, it finds what it says now", func(t *testing.T) {
		body := strings.Replace(nickname, "'nickname'", "'usual'", 1)
		body = strings.Replace(body, `{"resourceType":"SearchParameter",`, `{"resourceType":"SearchParameter","id":"`+sp.ID+`",`, 1)
		s.must(operator, put("SearchParameter", sp.ID, body))
		if got := s.found("Patient", "nick=lao"); got != "" {
			t.Errorf("found %q, want nothing", got)
		}
	})
	t.Run("deleted, it is unknown", func(t *testing.T) {
		s.must(operator, record.Op{Method: "DELETE", Type: "SearchParameter", ID: sp.ID})
		if got := s.found("Patient", "nick=lao"); got != "search-unknown-parameter" {
			t.Errorf("found %q", got)
		}
	})
}

func TestRefusedDefinitions(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	for name, tt := range map[string]struct {
		who        *access.Context
		body, rule string
		status     int
	}{
		"a broken expression":            {operator, strings.Replace(nickname, ".given", ".given.where(", 1), "", 422},
		"an element that does not exist": {operator, strings.Replace(nickname, "'nickname').given", "'nickname').given.foo", 1), "", 422},
		"an expression of another type":  {operator, strings.Replace(nickname, "Patient.name.where", "Person.name.where", 1), "", 422},
		"a base that is no type":         {operator, strings.Replace(nickname, `["Patient"]`, `["Patent"]`, 1), "", 422},
		"a clinician":                    {clin, nickname, "role-lacks-verb", 403},
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := s.store.Definitions(t.Context())
			_, f := s.do(tt.who, post(tt.body))
			if status(f) != tt.status || tt.rule != "" && rule(f) != tt.rule {
				t.Errorf("got %d %s (%v), want %d %s", status(f), rule(f), f, tt.status, tt.rule)
			}
			if after, _ := s.store.Definitions(t.Context()); after != before {
				t.Errorf("the revision went from %d to %d", before, after)
			}
			if got := s.found("Patient", "nick=x"); got != "search-unknown-parameter" {
				t.Errorf("the parameter answers: %q", got)
			}
		})
	}
	t.Run("a code that R4 has is stored and not used", func(t *testing.T) {
		res, f := s.do(operator, post(strings.Replace(nickname, `"code":"nick"`, `"code":"name"`, 1)))
		if f != nil || !slices.ContainsFunc(res[0].Warnings, func(is issue.Issue) bool { return is.Rule == search.TakenRule }) {
			t.Fatalf("got %v, %v", res, f)
		}
		s.must(clin, post(`{"resourceType":"Patient","name":[{"family":"Wang"}]}`))
		if got := s.found("Patient", "name=wang"); got == "" {
			t.Error("R4's own parameter finds nothing")
		}
	})
}

// TestTwoServers has two recorders on one database: what one is told the other
// knows within a second, and never commits under what it knew before.
func TestTwoServers(t *testing.T) {
	for engine, open := range map[string]func(*testing.T) string{"SQLite": liteURL, "PostgreSQL": postgresURL} {
		t.Run(engine, func(t *testing.T) {
			url := open(t)
			a, b := newDefining(t, url, record.Validation{}), newDefining(t, url, record.Validation{})
			a.must(operator, post(nickname))
			id := b.must(clin, post(patientNamed("Lao"))).ID // B has not looked yet, its commit does
			if got := a.found("Patient", "nick=lao"); got != id {
				t.Errorf("A finds %q of what B wrote, want %q", got, id)
			}
			deadline := time.Now().Add(time.Second)
			for b.found("Patient", "nick=lao") != id {
				if time.Now().After(deadline) {
					t.Fatalf("B finds %q after a second, want %q", b.found("Patient", "nick=lao"), id)
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}
