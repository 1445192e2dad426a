package rest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tenon/profiles/r4"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/revision"
	"tenon/server/store"
)

// indexed is a house whose definitions change, and their keeper.
func indexed(t *testing.T, url string) (*house, *revision.Keeper) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	k, err := revision.New(t.Context(), revision.Options{Base: r4.Library(), Model: r4.Model(), Search: reg, Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return houseOn(t, url, func(ro *record.Options, do *rest.Options) {
		ro.Definitions, do.Definitions, do.Index = late{k}, k.Current, k
	}), k
}

// late is a Keeper that completes nothing before an answer leaves.
type late struct{ *revision.Keeper }

func (l late) Settle(ctx context.Context, _ int) error { return l.Refresh(ctx) }

func TestIndexStatus(t *testing.T) {
	h, keeper := indexed(t, "sqlite://"+t.TempDir())
	ask := func(as, method, path, body string, status int, want ...string) string {
		t.Helper()
		a := do(h, method, path, body, "As: "+as, fhirJSON)
		got := a.Body.String()
		if a.Code != status {
			t.Fatalf("%s %s as %s = %d %s, want %d", method, path, as, a.Code, got, status)
		}
		for _, w := range want {
			if none, not := strings.CutPrefix(w, "!"); strings.Contains(got, none) == not {
				t.Errorf("%s as %s = %s, want %s", path, as, got, w)
			}
		}
		_, id, _ := strings.Cut(a.Header().Get("Location"), "SearchParameter/")
		id, _, _ = strings.Cut(id, "/")
		return id
	}
	ask("", "POST", "/fhir/Patient", `{"resourceType":"Patient","name":[{"use":"nickname","given":["Lao"]}]}`, 201)
	id := ask("", "POST", "/fhir/SearchParameter", `{"resourceType":"SearchParameter","url":"http://tenon.test/nick","name":"nick","status":"active","description":"d",`+
		`"code":"nick","base":["Patient"],"type":"string","expression":"Patient.name.where(use = 'nickname').given"}`, 201)
	at := "/fhir/SearchParameter/" + id + "/$status"
	ask("", "GET", at, "", 200, `"name":"state","valueCode":"waiting"`, `"valueUri":"http://tenon.test/nick"`, "!percent")
	ask("", "GET", "/fhir/Patient?nick=lao", "", 400, "still being made")
	if err := keeper.Complete(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask("", "GET", at, "", 200, `"valueCode":"complete"`, `"name":"percent","valueInteger":100`, `"name":"processed","valueDecimal":1`, `"name":"finished"`)
	ask("", "GET", "/fhir/Patient?nick=lao", "", 200, `"Lao"`)
	ask("", "GET", "/fhir/SearchParameter/$status", "", 200, `"valueString":"index"`, "SearchParameter/"+id)

	t.Run("others are not told how many resources there are", func(t *testing.T) {
		ask("clin", "GET", at, "", 200, `"valueCode":"complete"`, "!processed", "!total")
		ask("clin", "GET", "/fhir/SearchParameter/$status", "", 403)
	})
	t.Run("what is not there, or not in reach", func(t *testing.T) {
		ask("", "GET", "/fhir/SearchParameter/none/$status", "", 404)
		ask("nobody", "GET", at, "", http.StatusUnauthorized)
	})
	ask("", "DELETE", "/fhir/SearchParameter/"+id, "", 204)
	ask("", "GET", at, "", http.StatusGone)
}
