package smart

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tenon/oauth"
	"tenon/test/servertest"
)

// TestAttackTable holds attacks.csv true: each of the 44 attacks stands there once
// and names tests that are there, with a text that the test's file holds; what none
// of them tries is said.
func TestAttackTable(t *testing.T) {
	rows := table(t, "attacks.csv")
	if len(rows) != 44 {
		t.Errorf("%d attacks, want 44", len(rows))
	}
	for i, row := range rows {
		if len(row) != 4 || row[0] != strconv.Itoa(i+1) || row[1] == "" || row[2] == "" && row[3] == "" {
			t.Errorf("row %v is not number, attack, tests, owed", row)
			continue
		}
		for _, one := range strings.Split(row[2], "; ") {
			if one == "" {
				continue
			}
			file, rest, _ := strings.Cut(one, ":")
			name, seen, _ := strings.Cut(rest, " ")
			text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(file))) //nolint:gosec // of the table
			switch {
			case err != nil:
				t.Errorf("attack %s: %v", row[0], err)
			case !strings.Contains(string(text), "func "+name+"(") && !strings.Contains(string(text), ") "+name+"("):
				t.Errorf("attack %s: %s has no %s", row[0], file, name)
			case seen == "" || !strings.Contains(string(text), seen):
				t.Errorf("attack %s: %s does not hold %q", row[0], file, seen)
			}
		}
	}
}

// TestAttackByApp: an app with the scopes of one patient learns nothing of another
// and moves nothing there.
func TestAttackByApp(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.app(t, "chart", oauth.MethodNone, "launch/patient", "patient/*.cruds")
		token := h.tokens(t, "chart", "launch/patient patient/*.cruds", h.a).text("access_token")
		tellsNothing := func(t *testing.T, path string) {
			t.Helper()
			a := h.Send(t, servertest.Request{Token: token, Path: path})
			var b struct {
				Total *int
				Entry []json.RawMessage
			}
			_ = json.Unmarshal(a.Body, &b)
			if a.Status >= 500 || strings.Contains(string(a.Body), "李乙\"") || strings.Contains(string(a.Body), `"reference":"`+h.b) || strings.Contains(string(a.Body), strings.TrimPrefix(h.other, "Observation/")) {
				t.Errorf("%s = %d %.400s tells of the other patient", path, a.Status, a.Body)
			}
		}
		count := func(t *testing.T, token, query string) int {
			t.Helper()
			return len(strings.Fields(h.found(t, token, query)))
		}
		t.Run("attack 3 the next page of another's search", func(t *testing.T) {
			a := h.Expect(t, 200, servertest.Request{Token: h.token, Path: "/fhir/Observation?_count=1"})
			var b struct {
				Link []struct{ Relation, URL string }
			}
			_ = json.Unmarshal(a.Body, &b)
			next := ""
			for _, l := range b.Link {
				if l.Relation == "next" {
					next = strings.TrimPrefix(l.URL, h.URL)
				}
			}
			if next == "" {
				t.Fatalf("no next link: %s", a.Body)
			}
			tellsNothing(t, next)
			h.Expect(t, 200, servertest.Request{Token: h.token, Path: next}) // twin
		})
		t.Run("attacks 6 7 8 9 questions about what is hidden", func(t *testing.T) {
			for _, q := range []string{"Patient?_sort=name", "Patient?_sort=-birthdate&_count=1", "Patient?birthdate:missing=false", "Patient?name:contains=" + url.QueryEscape("李") + "&_total=accurate",
				"Patient?_filter=" + url.QueryEscape(`name co "李"`), "Patient?_query=all", "Observation?_sort=subject"} {
				tellsNothing(t, "/fhir/"+q)
			}
			same(t, "contains", count(t, token, "Patient?name:contains="+url.QueryEscape("李")), 0)
			same(t, "twin: contains", count(t, h.token, "Patient?name:contains="+url.QueryEscape("李")), 1)
			same(t, "missing", count(t, token, "Patient?birthdate:missing=false"), 1)
			same(t, "filter", count(t, token, "Patient?_filter="+url.QueryEscape(`name co "李"`)), 0)
			a := h.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/Patient?_summary=count"})
			same(t, "count", strings.Contains(string(a.Body), `"total":1`), true)
		})
		t.Run("attack 15 a resource that moves to another patient", func(t *testing.T) {
			moved := func(to string) []byte {
				body := string(observation(to, "exam"))
				return []byte(strings.Replace(body, "{", `{"id":"`+strings.TrimPrefix(h.exam, "Observation/")+`",`, 1))
			}
			same(t, "PUT", h.status(t, token, "PUT", h.exam, moved(h.b)), 403)
			same(t, "twin: PUT", h.status(t, token, "PUT", h.exam, moved(h.a)), 200)
		})
		t.Run("attack 24 a link to another record widens nothing", func(t *testing.T) {
			linked := `{"resourceType":"Patient","id":"` + strings.TrimPrefix(h.a, "Patient/") + `","name":[{"text":"王甲"}],"birthDate":"1980-05-17","link":[{"other":{"reference":"` + h.b + `"},"type":"seealso"}]}`
			same(t, "linked", h.status(t, h.token, "PUT", h.a, []byte(linked)), 200)
			same(t, "the other record", h.status(t, token, "GET", h.b, nil), 404)
			same(t, "its data", h.status(t, token, "GET", h.other, nil), 404)
			same(t, "an unknown one reads the same", h.status(t, token, "GET", "Patient/none", nil), 404)
			same(t, "twin: the own", h.status(t, token, "GET", h.a, nil), 200)
		})
		t.Run("attack 25 a logical identifier is no patient", func(t *testing.T) {
			body := strings.Replace(string(observation(h.a, "exam")), `"reference":"`+h.a+`"`, `"identifier":{"system":"urn:his","value":"李乙"}`, 1)
			same(t, "POST", h.status(t, token, "POST", "Observation", []byte(body)), 403)
		})
		t.Run("attack 26 a scope in disguise", func(t *testing.T) {
			for _, scope := range []string{"patient%2F*.rs", "patient%252F*.rs", "Patient/*.rs", "patient//*.rs", "patient/*.RS", "user/*.cruds"} {
				p := h.browser(t).get(t, h.ask("chart", scope, nil))
				if p.location == nil || p.location.Query().Get("error") != "invalid_scope" {
					t.Errorf("%s: %d %v, want invalid_scope", scope, p.status, p.location)
				}
			}
		})
		t.Run("attack 39 what a browser calls itself is text", func(t *testing.T) {
			b := h.browser(t)
			b.agent = `<script>alert(1)</script>`
			b.get(t, "/oauth/account")
			p := b.signIn(t, "wang")
			same(t, "escaped", strings.Contains(p.body, "&lt;script&gt;") && !strings.Contains(p.body, "<script"), true)
		})
		t.Run("attack 42 a cache keeps callers apart", func(t *testing.T) {
			a := h.Expect(t, 200, servertest.Request{Token: token, Path: "/fhir/" + h.a})
			same(t, "Vary", strings.Contains(strings.Join(a.Header.Values("Vary"), ","), "Authorization"), true)
			a = h.Send(t, servertest.Request{Path: "/oauth/account"})
			same(t, "pages are kept by nobody", a.Header.Get("Cache-Control"), "no-store")
		})
	})
}
