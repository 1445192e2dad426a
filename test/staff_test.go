package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestStaff is the life of an account by the hands of an administrator: created,
// changed, suspended, at work again, removed; each step is audited, and what the
// account may do follows within seconds, also where a token was given out before.
func TestStaff(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		h := &house{servertest.Start(t, app.Config{Sample: true, Database: database}), t}
		h.employ("adm-gao", "adm-gao", "hospital", "ADMIN")
		admin := h.as("adm-gao")
		person := h.Create(t, admin, `{"resourceType":"Practitioner","active":true,"name":[{"text":"新"}]}`)
		account := func(active bool, roles ...string) string {
			var codes []string
			for _, r := range roles {
				codes = append(codes, fmt.Sprintf(`{"coding":[{"system":"urn:tenon:role","code":%q}]}`, r))
			}
			return fmt.Sprintf(`"resourceType":"PractitionerRole","active":%v,"practitioner":{"reference":%q},"organization":{"reference":"Organization/hospital"},"code":[%s]}`, active, person, strings.Join(codes, ","))
		}
		role := h.Create(t, admin, "{"+account(true, "CLIN"))
		id := strings.TrimPrefix(role, "PractitionerRole/")
		token := h.Token(t, role)
		patient := `{"resourceType":"Patient","name":[{"text":"甲"}],"active":true}`
		may := func() int {
			return h.Send(t, servertest.Request{Token: token, Method: "POST", Path: "/fhir/Patient", Body: []byte(patient)}).Status
		}
		becomes := func(t *testing.T, want int) {
			t.Helper()
			inTime(t, 10*time.Second, fmt.Sprintf("a write of the account is answered %d", want), func() bool { return may() == want })
		}
		change := func(t *testing.T, body string) {
			t.Helper()
			h.writes(200, "", "adm-gao", "PUT", role, fmt.Sprintf(`{"id":%q,`, id)+body)
		}
		t.Run("R000-009 created", func(t *testing.T) { becomes(t, 201) })
		t.Run("R000-009 changed", func(t *testing.T) {
			change(t, account(true, "ETH"))
			becomes(t, 403)
			change(t, account(true, "CLIN"))
			becomes(t, 201)
		})
		t.Run("R000-009 suspended: its token is refused within 10 s", func(t *testing.T) {
			change(t, account(false, "CLIN"))
			becomes(t, 401)
		})
		t.Run("R000-009 at work again", func(t *testing.T) {
			change(t, account(true, "CLIN"))
			becomes(t, 201)
		})
		t.Run("R000-009 nobody else keeps accounts", func(t *testing.T) {
			for _, who := range []string{"clin-wang", "hosp-chen", "mfr-xu"} {
				h.writes(403, "", who, "PUT", role, fmt.Sprintf(`{"id":%q,`, id)+account(true, "CLIN", "ADMIN"))
			}
		})
		t.Run("R000-009 removed: its token is refused within 10 s", func(t *testing.T) {
			h.Expect(t, 204, servertest.Request{Token: admin, Method: "DELETE", Path: "/fhir/" + role})
			becomes(t, 401)
		})
		t.Run("R000-009 each step is audited", func(t *testing.T) {
			rows := h.audited(t, role, "PractitionerRole/adm-gao")
			for action, want := range map[string]int{`"action":"C"`: 1, `"action":"U"`: 4, `"action":"D"`: 1} {
				if got := strings.Count(rows, action); got < want {
					t.Errorf("%d rows of %s, want %d: %s", got, action, want, rows)
				}
			}
		})
	})
}
