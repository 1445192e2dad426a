package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/server/dispatch"
	"tenon/server/ledger"
	writing "tenon/server/record"
	"tenon/test/servertest"
)

// TestExchange: data leave through named Endpoints of the region alone, when a
// subscription is made and when it is delivered, and so do exports; what comes in
// by another way is recorded as imported.
func TestExchange(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		h := &house{servertest.Start(t, channelled(database)), t}
		e, clin := newEndpoint(t), h.as("clin-wang")
		subscribes := func(t *testing.T, status int, rule, address string) *servertest.Answer {
			t.Helper()
			a := h.Expect(t, status, servertest.Request{Token: clin, Method: "POST", Path: "/fhir/Subscription", Body: []byte(to("Patient?", address, `,"payload":"application/fhir+json"`))})
			if !strings.Contains(string(a.Body), rule) {
				t.Errorf("subscribing to %s = %.400s, want %s", address, a.Body, rule)
			}
			return a
		}
		named := fmt.Sprintf(`{"resourceType":"Endpoint","id":"his","status":"active","connectionType":{"system":"http://terminology.hl7.org/CodeSystem/endpoint-connection-type","code":"hl7-fhir-rest"},
			"payloadType":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/endpoint-payload-type","code":"any"}]}],"managingOrganization":{"reference":"Organization/hospital"},"address":%q}`, e.URL+"/in")
		t.Run("R001-148 an address that no Endpoint names", func(t *testing.T) {
			subscribes(t, 422, "exchange-endpoint", e.URL+"/in")
			h.audited(t, "exchange-endpoint", "PractitionerRole/clin-wang")
		})
		t.Run("R001-148 an Endpoint is named by an administrator", func(t *testing.T) {
			h.writes(403, "role-lacks-verb", "clin-wang", "POST", "Endpoint", named)
			h.writes(403, "role-lacks-verb", "mfr-xu", "POST", "Endpoint", named)
		})
		h.operates("Endpoint", "his", named)
		t.Run("R001-148 beside it, or once it is off", func(t *testing.T) {
			for _, address := range []string{e.URL + "/inside", e.URL + "/", e.URL + "/in/../out"} {
				subscribes(t, 422, "exchange-endpoint", address)
			}
			h.operates("Endpoint", "his", strings.Replace(named, `"active"`, `"off"`, 1))
			subscribes(t, 422, "exchange-endpoint", e.URL+"/in")
			h.operates("Endpoint", "his", named)
		})
		lab := strings.NewReplacer(`"his"`, `"lab"`, "/in", "/lab").Replace(named)
		h.operates("Endpoint", "lab", lab)
		h.operates("Endpoint", "lent", strings.NewReplacer(`"his"`, `"lent"`, "/in", "/lent").Replace(named))
		p := h.drafts("A-OUT", channel("hospital", "his", "outbound"), channel("hospital", "lab", "inbound"), channel("maker", "lent", "outbound"))
		p.agreed(t, func(t *testing.T, rule string) {
			if rule == "" {
				h.Expect(t, 204, servertest.Request{Token: clin, Method: "DELETE", Path: "/fhir/" + subscribes(t, 201, "requested", e.URL+"/in/tried").Ref()})
				return
			}
			subscribes(t, 422, rule, e.URL+"/in")
			h.audited(t, rule, "PractitionerRole/clin-wang")
		})
		t.Run("R001-148 named for another purpose, or as another party's", func(t *testing.T) {
			subscribes(t, 422, "exchange-agreement", e.URL+"/lab")
			subscribes(t, 422, "exchange-agreement", e.URL+"/lent")
		})
		made := 0 // events: what waited is told later, one by one
		hears := func(t *testing.T, what string) {
			t.Helper()
			h.Create(t, clin, patient("A"))
			made++
			until(t, what, func() bool { return len(e.heard()) >= made })
		}
		ref := subscribes(t, 201, "requested", e.URL+"/in/patients").Ref()
		until(t, "the subscription is in force", func() bool {
			return strings.Contains(string(h.Expect(t, 200, servertest.Request{Token: clin, Path: "/fhir/" + ref}).Body), `"status":"active"`)
		})
		t.Run("R001-148 the named one is told", func(t *testing.T) { hears(t, "the named endpoint hears") })
		silent := func(t *testing.T, rule string) {
			t.Helper()
			n := len(e.heard())
			h.Create(t, clin, patient("B"))
			made++
			h.audited(t, rule, "PractitionerRole/clin-wang")
			until(t, "the subscription says why", func() bool {
				return strings.Contains(string(h.Expect(t, 200, servertest.Request{Token: clin, Path: "/fhir/" + ref}).Body), `"error"`)
			})
			if now := len(e.heard()); now != n {
				t.Errorf("the endpoint heard %d times more", now-n)
			}
		}
		t.Run("R001-143 a place of the Endpoint abroad", func(t *testing.T) {
			h.operates("Location", "abroad", `{"resourceType":"Location","id":"abroad","address":{"country":"DE"},"endpoint":[{"reference":"Endpoint/his"}]}`)
			subscribes(t, 422, "region-abroad", e.URL+"/in")
			silent(t, "region-abroad")
			h.operates("Location", "abroad", `{"resourceType":"Location","id":"abroad","address":{"country":"中国"},"endpoint":[{"reference":"Endpoint/his"}]}`)
			until(t, "what waited is told", func() bool { return len(e.heard()) >= made })
		})
		t.Run("R001-143 an Endpoint of an organisation whose country nobody knows", func(t *testing.T) {
			h.operates("Organization", "nowhere", `{"resourceType":"Organization","id":"nowhere","active":true,"name":"x"}`)
			h.operates("Endpoint", "other", strings.NewReplacer("Organization/hospital", "Organization/nowhere", `"his"`, `"other"`, "/in", "/other").Replace(named))
			subscribes(t, 422, "region-abroad", e.URL+"/other")
		})
		t.Run("R001-148 the Endpoint is named no more", func(t *testing.T) {
			h.operates("Endpoint", "his", strings.Replace(named, `"active"`, `"suspended"`, 1))
			silent(t, "exchange-endpoint")
			h.operates("Endpoint", "his", named)
			hears(t, "it is told again")
		})
		t.Run("R001-148 the agreement is ended", func(t *testing.T) {
			p.changes("status", "terminated")
			silent(t, "exchange-agreement")
			h.Expect(t, 200, patches(clin, ref, `[{"op":"replace","path":"/status","value":"off"}]`)) // nothing keeps him from that
		})
		t.Run("R001-143 an export for an organisation abroad, or whose country nobody knows", func(t *testing.T) {
			ask := servertest.Request{Token: clin, Method: "GET", Path: "/fhir/$export?_type=Patient", Header: map[string]string{"Prefer": "respond-async"}}
			h.Expect(t, 202, ask)
			for _, address := range []string{`[{"country":"US"}]`, `[{"text":"somewhere"}]`, `[{"country":"CN"},{"country":"US"}]`} {
				h.operates("Organization", "hospital", `{"resourceType":"Organization","id":"hospital","active":true,"name":"x","type":[{"coding":[{"system":"urn:tenon:side","code":"hospital"}]}],"address":`+address+`}`)
				if a := h.Expect(t, 403, ask); !strings.Contains(string(a.Body), "region-abroad") || !strings.Contains(string(a.Body), "R001-143") {
					t.Errorf("$export with %s = %.400s", address, a.Body)
				}
			}
			h.audited(t, "region-abroad", "PractitionerRole/clin-wang")
		})
		t.Run("R001-148 what is imported is recorded so", func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "in.ndjson")
			if err := os.WriteFile(file, []byte(`{"resourceType":"Patient","id":"in-1","name":[{"text":"x"}]}`+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			bundle := filepath.Join(t.TempDir(), "in.json")
			if err := os.WriteFile(bundle, []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"in-2"},"request":{"method":"PUT","url":"Patient/in-2"}}]}`), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := h.App.ImportFiles(t.Context(), app.Import{Organization: "Organization/hospital"}, []string{file, bundle}); err != nil || got.Written != 2 {
				t.Fatalf("ImportFiles = %+v, %v", got, err)
			}
			for _, id := range []string{"in-1", "in-2"} {
				if row := h.audited(t, `"import"`, ""); !strings.Contains(row, "Patient/"+id) {
					t.Errorf("no AuditEvent says that Patient/%s was imported: %s", id, row)
				}
			}
		})
	})
}

// channelled is a server that sends through named Endpoints alone.
func channelled(database string) app.Config {
	return app.Config{Sample: true, Database: database, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}, Feeds: app.Feeds{Backoff: 20 * time.Millisecond}}
}

// TestMESAbroad: nothing goes to an MES whose owner is abroad, nowhere on file, or not
// known; each refusal is audited, and the message is set aside until it is revived.
func TestMESAbroad(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		e := newEndpoint(t)
		c := channelled(database)
		c.MES = app.MES{URL: e.URL + "/mes", Secret: "shared secret of the two sides here", Device: "mes"}
		h := &house{servertest.Start(t, c), t}
		sends := func(t *testing.T, key string) {
			t.Helper()
			if err := h.App.Store.Commit(t.Context(), &writing.Unit{At: time.Now(), Outbox: []dispatch.Message{{Tenant: "main", Sink: "mes", Kind: "job-order", Key: key, Body: []byte(`{"schema":"job-order"}`)}}}); err != nil {
				t.Fatal(err)
			}
		}
		maker := func(address string) {
			h.operates("Organization", "maker", `{"resourceType":"Organization","id":"maker","active":true,"name":"x","type":[{"coding":[{"system":"urn:tenon:side","code":"manufacturer"}]}]`+address+`}`)
		}
		t.Run("R001-143 an MES here is told", func(t *testing.T) {
			sends(t, "here")
			until(t, "the MES hears", func() bool { return len(e.heard()) == 1 })
		})
		for name, address := range map[string]string{"abroad": `,"address":[{"country":"DE"}]`, "without a country": `,"address":[{"text":"somewhere"}]`, "without an address": ""} {
			t.Run("R001-143 an MES whose owner is "+name, func(t *testing.T) {
				maker(address)
				sends(t, name)
				until(t, "the refusal is audited", func() bool {
					return strings.Count(h.audited(t, "region-abroad", "Device/mes"), "Device/mes") > 0 && h.setAside(t, name)
				})
			})
		}
		t.Run("R001-143 an MES that belongs to nobody", func(t *testing.T) {
			maker(`,"address":[{"country":"CN"}]`)
			h.operates("Device", "mes", `{"resourceType":"Device","id":"mes","status":"active"}`)
			sends(t, "nobody")
			until(t, "the message is set aside", func() bool { return h.setAside(t, "nobody") })
		})
		if n := len(e.heard()); n != 1 {
			t.Errorf("the MES heard %d messages, want the one", n)
		}
	})
}

// setAside tells whether a message is a dead letter that says why.
func (h *house) setAside(t *testing.T, key string) bool {
	t.Helper()
	all, err := h.App.Store.DeadLetters(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(m dispatch.Message) bool { return m.Key == key && strings.Contains(m.LastErr, "CN") })
}

// operates writes a resource of the directory as an administrator does.
func (h *house) operates(typ, id, body string) {
	h.t.Helper()
	if _, err := h.App.Recorder.Submit(h.t.Context(), theOperator, &writing.Draft{Door: "cli", Operation: "update", Ops: []writing.Op{{Method: "PUT", Type: typ, ID: id, Body: []byte(body)}}}); err != nil {
		h.t.Fatal(err)
	}
}

// audited waits for audit rows with a word, of a person ("" for anybody), and
// returns them.
func (h *house) audited(t *testing.T, word, person string) string {
	t.Helper()
	found := ""
	until(t, "the audit says "+word, func() bool {
		var b strings.Builder
		if err := h.App.WriteAudit(t.Context(), &b, ledger.AuditFilter{Person: person}, false); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if strings.Contains(line, word) {
				found += line
			}
		}
		return found != ""
	})
	return found
}
