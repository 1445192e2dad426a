package smart

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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
		t.Run("attack 25 a contained resource is no patient", func(t *testing.T) {
			// The contained one says that it is the patient in context; the subject is it, or
			// the other patient beside it.
			inside := `"contained":[{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:his","value":"王甲"}]}],"status"`
			twin := strings.Replace(string(observation(h.a, "exam")), `"status"`, inside, 1)
			twin = strings.Replace(twin, `"text":"x"`, `"text":"x","extension":[{"url":"http://example.org/about","valueReference":{"reference":"#p"}}]`, 1)
			for name, subject := range map[string]string{"as the subject": "#p", "beside another subject": h.b} {
				same(t, name, h.status(t, token, "POST", "Observation", []byte(strings.Replace(twin, h.a, subject, 1))), 403)
			}
			same(t, "twin: about the patient in context", h.status(t, token, "POST", "Observation", []byte(twin)), 201)
			hidden := h.Create(t, h.token, strings.Replace(twin, h.a, h.b, 1))
			same(t, "nor is one read for what it contains", h.status(t, token, "GET", hidden, nil), 404)
			tellsNothing(t, "/fhir/Observation?patient.identifier="+url.QueryEscape("urn:his|李乙"))
		})
		t.Run("attacks 21 23 what is of another patient by whatever element", func(t *testing.T) {
			for name, body := range map[string]string{
				"attack 21 a Binary by its securityContext": `{"resourceType":"Binary","contentType":"text/plain","securityContext":{"reference":"PATIENT"},"data":"Z2VoZWlt"}`,
				"attack 23 a Device":                        `{"resourceType":"Device","deviceName":[{"name":"x","type":"user-friendly-name"}],"patient":{"reference":"PATIENT"}}`,
			} {
				theirs := h.Create(t, h.token, strings.Replace(body, "PATIENT", h.b, 1))
				own := h.Create(t, h.token, strings.Replace(body, "PATIENT", h.a, 1))
				typ, _, _ := strings.Cut(theirs, "/")
				for _, path := range []string{theirs, theirs + "/_history", theirs + "/_history/1", theirs + "/$bytes"} {
					same(t, name+" "+path, h.status(t, token, "GET", path, nil), 404)
				}
				same(t, name+" deleted", h.status(t, token, "DELETE", theirs, nil) == 204 && h.status(t, h.token, "GET", theirs, nil) != 200, false)
				if typ == "Binary" { // which an app of one patient reads of nobody
					same(t, name+" twin", h.status(t, h.token, "GET", theirs, nil), 200)
					continue
				}
				same(t, name+" twin", h.status(t, token, "GET", own, nil), 200)
				same(t, name+" found", h.found(t, token, typ), own)
			}
			same(t, "attack 23 the audit", slices.Contains([]int{403, 404}, h.status(t, token, "GET", "AuditEvent", nil)) || h.found(t, token, "AuditEvent") == "", true)
		})
		t.Run("attack 19 $member-match is served to nobody", func(t *testing.T) {
			body := []byte(`{"resourceType":"Parameters","parameter":[{"name":"MemberPatient","resource":{"resourceType":"Patient","name":[{"text":"李乙"}],"birthDate":"1980-05-17"}}]}`)
			mine, none := h.status(t, token, "POST", "Patient/$member-match", body), h.status(t, token, "POST", "Patient/$member-match", []byte(strings.ReplaceAll(string(body), "李乙", "nobody")))
			same(t, "refused", slices.Contains([]int{400, 403, 404, 405, 501}, mine), true)
			same(t, "whoever is asked for", mine, none)
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
