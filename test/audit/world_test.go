package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"tenon/server/access"
	"tenon/server/app"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m.Run)) }

func onEngines(t *testing.T, test func(t *testing.T, database string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, pgtest.Database(t, "empty", nil))
	})
}

// world is two hospitals and a maker: a clinician and an auditor of each, a
// security administrator, three patients and a mother.
type world struct {
	*servertest.Server
}

func newWorld(t *testing.T, database string) *world {
	w := &world{servertest.Start(t, app.Config{Database: database})}
	put := func(typ, id, body string) string {
		return fmt.Sprintf(`{"resource":{"resourceType":%q,"id":%q%s},"request":{"method":"PUT","url":"%s/%s"}}`, typ, id, body, typ, id)
	}
	var all []string
	for _, o := range []string{"h0 hospital", "h1 hospital", "m0 manufacturer"} {
		id, side, _ := strings.Cut(o, " ")
		all = append(all, put("Organization", id, fmt.Sprintf(`,"active":true,"name":"House %s","type":[{"coding":[{"system":"urn:tenon:side","code":%q}]}]`, id, side)))
	}
	for _, p := range []string{"clin0 h0 CLIN", "clin1 h1 CLIN", "des m0 DES", "aud0 h0 AUD", "aud1 h1 AUD", "audm m0 AUD", "sec h0 SEC", "admin h0 ADMIN"} {
		f := strings.Fields(p)
		all = append(all, put("Practitioner", f[0], `,"active":true,"name":[{"text":"Name `+f[0]+`"}]`), put("PractitionerRole", f[0], fmt.Sprintf(
			`,"active":true,"practitioner":{"reference":"Practitioner/%s"},"organization":{"reference":"Organization/%s"},"code":[{"coding":[{"system":"urn:tenon:role","code":%q}]}]`, f[0], f[1], f[2])))
	}
	w.transact(t, "", all...)
	w.transact(t, "Organization/h0", put("Patient", "p1", `,"gender":"female"`), put("Patient", "p2", `,"gender":"male"`),
		put("RelatedPerson", "mother", `,"active":true,"patient":{"reference":"Patient/p1"}`),
		put("RelatedPerson", "aunt", `,"active":true,"patient":{"reference":"Patient/p1"},"period":{"end":"2020-01-01"}`),
		put("Task", "case1", `,"status":"requested","intent":"order","for":{"reference":"Patient/p1"}`))
	w.transact(t, "Organization/h1", put("Patient", "p3", `,"gender":"female"`))
	grants := []casework.Grant{{Principal: "RelatedPerson/mother", Ceiling: 5}, {Principal: "RelatedPerson/aunt", Ceiling: 5}, {Principal: "PractitionerRole/des", Ceiling: 5}}
	err := w.App.Store.Commit(t.Context(), &record.Unit{Tenant: "main", Cases: []string{"case1"}, Grants: []record.CaseGrants{{Case: "case1", Grants: grants}},
		Members: []record.Member{{Case: "case1", Type: "Patient", ID: "p1"}, {Case: "case1", Type: "Task", ID: "case1"}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) transact(t *testing.T, org string, entries ...string) {
	t.Helper()
	who := &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator", Organization: org}
	body := `{"resourceType":"Bundle","type":"transaction","entry":[` + strings.Join(entries, ",") + `]}`
	if _, err := w.App.Recorder.Transaction(context.WithoutCancel(t.Context()), who, []byte(body), record.Bundled{}); err != nil {
		t.Fatalf("%v in %.500s", err, body)
	}
}

func (w *world) as(t *testing.T, id string) string {
	t.Helper()
	principal := "PractitionerRole/" + id
	if strings.Contains(id, "/") {
		principal = id
	}
	return w.Token(t, principal)
}

// get expects a status of GET path and returns the body.
func (w *world) get(t *testing.T, status int, token, path string) []byte {
	t.Helper()
	return w.Expect(t, status, servertest.Request{Token: token, Path: path}).Body
}

// found is a searchset.
type found struct {
	Total *int
	Link  []struct{ Relation, URL string }
	Entry []struct {
		FullURL  string
		Resource json.RawMessage
	}
}

func (f *found) link(relation string) string {
	for _, l := range f.Link {
		if l.Relation == relation {
			_, path, _ := strings.Cut(l.URL, "/fhir/")
			return "/fhir/" + path
		}
	}
	return ""
}

func (w *world) search(t *testing.T, token, path string) *found {
	t.Helper()
	var f found
	if err := json.Unmarshal(w.get(t, 200, token, path), &f); err != nil {
		t.Fatal(err)
	}
	return &f
}
