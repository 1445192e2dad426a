package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/server/access"
	"tenon/server/app"
	write "tenon/server/record"
	"tenon/test/servertest"
)

// TestSubscriptionRefused: what cannot be subscribed to, and who may not.
func TestSubscriptionRefused(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		e := newEndpoint(l.T)
		for name, body := range map[string]string{
			"unknown parameter": to("Patient?nonsense=1", e.URL, ""),
			"unknown type":      to("Nonsense?a=b", e.URL, ""),
			"bad value":         to("Patient?birthdate=yesterday", e.URL, ""),
			"include":           to("Patient?_revinclude=Observation:patient", e.URL, ""),
			"own kind":          to("Subscription?", e.URL, ""),
			"audit":             to("AuditEvent?", e.URL, ""),
			"private address":   to("Patient?", "https://192.168.1.1/in", ""),
			"metadata address":  to("Patient?", "http://169.254.169.254/latest/meta-data", ""),
			"plain http":        to("Patient?", "http://example.org/in", ""),
			"active from birth": strings.Replace(to("Patient?", e.URL, ""), "requested", "active", 1),
			"channel":           strings.Replace(to("Patient?", "mailto:x@example.org", ""), "rest-hook", "email", 1),
			"topic":             about("http://example.org/topic", "", "empty", `"type":"websocket"`, ""),
			"kept elsewhere":    to("Patient?", e.URL, `,"header":["X: urn:tenon:secret:6f2b6d0e-4c3c-4d8e-9d0f-000000000001"]`),
		} {
			a := l.Send(l.T, servertest.Request{Token: l.clin, Method: "POST", Path: "/fhir/Subscription", Body: []byte(body)})
			if a.Status != 422 && a.Status != 400 {
				l.Errorf("%s = %d %.300s, want 422 or 400", name, a.Status, a.Body)
			}
		}
		bundle := `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":` + to("Patient?", "https://10.0.0.1/", "") + `,"request":{"method":"POST","url":"Subscription"}}]}`
		if a := l.Send(l.T, servertest.Request{Token: l.clin, Method: "POST", Path: "/fhir", Body: []byte(bundle)}); a.Status != 422 && a.Status != 400 {
			l.Errorf("in a transaction = %d, want a refusal", a.Status)
		}
		ref := l.active(l.clin, to("Patient?", e.URL, ""))
		change := func(token, patch string) int {
			return l.Send(l.T, servertest.Request{Token: token, Method: "PATCH", Path: "/fhir/" + ref, Body: []byte(patch), Header: map[string]string{"Content-Type": "application/json-patch+json"}}).Status
		}
		if got := change(l.clin, `[{"op":"replace","path":"/channel/endpoint","value":"https://127.1.2.3.nip.example/"},{"op":"replace","path":"/criteria","value":"Patient?nonsense=1"}]`); got != 422 {
			l.Errorf("a patch to bad criteria = %d, want 422", got)
		}
		colleague := l.Token(l.T, "PractitionerRole/hosp-chen")
		if got := change(colleague, `[{"op":"replace","path":"/channel/endpoint","value":"`+e.URL+`/mine"}]`); got != 403 {
			l.Errorf("a colleague's change of the endpoint = %d, want 403", got)
		}
		if got := change(colleague, `[{"op":"replace","path":"/status","value":"off"},{"op":"replace","path":"/channel/endpoint","value":"`+e.URL+`/mine"}]`); got != 403 {
			l.Errorf("a colleague's change under off = %d, want 403", got)
		}
		if got := change(colleague, `[{"op":"replace","path":"/status","value":"off"}]`); got != 200 {
			l.Errorf("a colleague's off = %d, want 200", got)
		}
		if got := change(l.rival, `[{"op":"replace","path":"/status","value":"off"}]`); got != 404 {
			l.Errorf("a stranger's off = %d, want 404", got)
		}
		if a := l.Send(l.T, servertest.Request{Token: colleague, Path: "/fhir/" + ref + "/$events"}); a.Status != 403 {
			l.Errorf("a colleague's $events = %d, want 403", a.Status)
		}
	})
}

// TestSubscriptionReach: what is told is what the subscriber may see when it is
// told; who is no longer active hears nothing.
func TestSubscriptionReach(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		mine, other := newEndpoint(l.T), newEndpoint(l.T)
		l.active(l.clin, about("urn:tenon:topic:resource", "Patient?", "full-resource", fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, mine.URL), ""))
		theirs := l.active(l.rival, about("urn:tenon:topic:resource", "Patient?", "full-resource", fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, other.URL), ""))
		machine := l.active(l.machine, to("Patient?", other.URL+"/machine", `,"payload":"application/fhir+json"`))
		one := l.Create(l.T, l.clin, patient("Geheim"))
		until(l.T, "the own hospital hears", func() bool { return len(mine.heard()) == 2 })
		id := strings.TrimPrefix(one, "Patient/")
		l.Expect(l.T, 204, servertest.Request{Token: l.clin, Method: "DELETE", Path: "/fhir/" + one})
		until(l.T, "and hears of the deletion", func() bool { return len(mine.heard()) == 3 })
		for _, h := range other.heard() {
			if strings.Contains(string(h.body), id) || strings.Contains(string(h.body), "Geheim") || h.path == "/machine" {
				l.Errorf("a stranger heard %s %s", h.path, h.body)
			}
		}
		if a := l.Expect(l.T, 200, servertest.Request{Token: l.rival, Path: "/fhir/" + theirs + "/$status"}); !strings.Contains(string(a.Body), `"events-since-subscription-start","valueString":"0"`) {
			l.Errorf("a stranger's $status counts what is out of reach: %s", a.Body)
		}
		if l.status(l.machine, machine) != "active" {
			l.Error("a machine does not read its own subscription")
		}
		// what waits for an endpoint that fails is judged when it is told
		mine.fails(500)
		l.Create(l.T, l.clin, patient("Later"))
		tries := func() int { mine.mu.Lock(); defer mine.mu.Unlock(); return mine.asked }
		until(l.T, "the endpoint is tried", func() bool { return tries() >= 5 })
		l.dismiss("PractitionerRole/clin-wang")
		until(l.T, "the try under way was the last", func() bool { before := tries(); time.Sleep(time.Second); return tries() == before })
		mine.fails(0)
		time.Sleep(1500 * time.Millisecond)
		if n := len(mine.heard()); n != 3 {
			l.Errorf("an inactive subscriber heard %d notifications, want the 3 of before: %s", n, mine.heard()[n-1].body)
		}
	})
}

// dismiss ends a role.
func (l *listeners) dismiss(role string) {
	l.Helper()
	operate(l.T, l.App, "PATCH", role, `{"active":false}`)
}

// TestSubscriptionSuperseded: a version that matched is told although the next
// one, written at once, does not match; and the other way round.
func TestSubscriptionSuperseded(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		e := newEndpoint(l.T)
		l.active(l.clin, about("urn:tenon:topic:resource", "Patient?gender=female", "full-resource", fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, e.URL), ""))
		// in one transaction after another, faster than the log is sequenced
		ref := l.Create(l.T, l.clin, `{"resourceType":"Patient","gender":"female"}`)
		id := strings.TrimPrefix(ref, "Patient/")
		for _, gender := range []string{"male", "female", "other", "female", "male"} {
			l.Expect(l.T, 200, servertest.Request{Token: l.clin, Method: "PUT", Path: "/fhir/" + ref, Body: []byte(`{"resourceType":"Patient","id":"` + id + `","gender":"` + gender + `"}`)})
		}
		l.Expect(l.T, 204, servertest.Request{Token: l.clin, Method: "DELETE", Path: "/fhir/" + ref}) // of a male: no event
		last := l.Create(l.T, l.clin, `{"resourceType":"Patient","gender":"female"}`)
		l.Expect(l.T, 204, servertest.Request{Token: l.clin, Method: "DELETE", Path: "/fhir/" + last})
		var told []string
		until(l.T, "five events are told", func() bool {
			told = nil
			for _, h := range e.heard() {
				root := nodeOf(l.T, h.body)
				for entry := range root.Field("entry").Items() {
					if typ := entry.Path("resource", "resourceType").Str(); typ == "Patient" {
						told = append(told, "v"+entry.Path("resource", "meta", "versionId").Str()+" "+entry.Path("resource", "gender").Str())
					} else if typ == "" {
						told = append(told, entry.Path("request", "method").Str())
					}
				}
			}
			return len(told) >= 5
		})
		if want := "[v1 female v3 female v5 female v1 female DELETE]"; fmt.Sprint(told) != want {
			l.Errorf("told %v, want %v", told, want)
		}
		// the probe leaves nothing behind
		found := nodeOf(l.T, l.Expect(l.T, 200, servertest.Request{Token: l.clin, Path: "/fhir/Patient?gender=female"}).Body)
		if n := found.Field("entry").Len(); n != 0 {
			l.Errorf("a search finds %d deleted patients", n)
		}
	})
}

// operate changes a resource as the operator does, who has no token.
func operate(t *testing.T, a *app.App, method, ref, body string) {
	t.Helper()
	typ, id, _ := strings.Cut(ref, "/")
	_, err := a.Recorder.Submit(t.Context(), &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"},
		&write.Draft{Door: "cli", Operation: "test", Ops: []write.Op{{Method: method, Type: typ, ID: id, Format: write.MergePatch, Body: []byte(body)}}})
	if err != nil {
		t.Fatal(err)
	}
}
