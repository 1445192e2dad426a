package test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// heard is one request that an endpoint got.
type heard struct {
	method, path string
	header       http.Header
	body         []byte
}

// endpoint is a subscriber's server: it keeps what it hears, and can be made to
// fail.
type endpoint struct {
	*httptest.Server
	mu     sync.Mutex
	all    []heard
	status int // 0: 200
	asked  int
}

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.asked++
		if e.status != 0 {
			w.WriteHeader(e.status)
			return
		}
		e.all = append(e.all, heard{r.Method, r.URL.Path, r.Header, body})
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) fails(status int) {
	e.mu.Lock()
	e.status = status
	e.mu.Unlock()
}

func (e *endpoint) heard() []heard {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]heard(nil), e.all...)
}

// until waits for a condition; it fails the test after thirty seconds.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	inTime(t, 30*time.Second, what, ok)
}

func inTime(t *testing.T, most time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("in %v it did not come to this: %s", most, what)
}

// listeners is a server with people, on one engine.
type listeners struct {
	*servertest.Server
	*testing.T
	clin, rival, machine string // tokens
}

func onBothServers(t *testing.T, test func(l *listeners)) {
	t.Helper()
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Sample: true, Outbound: app.Outbound{Allow: []string{"127.0.0.0/8"}}, Exchange: app.Exchange{Endpoints: "any"}, Feeds: app.Feeds{Backoff: 20 * time.Millisecond}}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			w := newTownOf(t, c)
			test(&listeners{w.Server, t, w.token["clin"], w.token["rival"], w.token["machine"]})
		})
	}
}

// newTownOf is a town without its victim.
func newTownOf(t *testing.T, c app.Config) *town {
	t.Helper()
	w := &town{token: map[string]string{}}
	w.capture(t, func() { w.Server = servertest.Start(t, c) })
	w.people(t)
	return w
}

// status is what the resource of a subscription says.
func (l *listeners) status(token, ref string) string {
	return l.field(token, ref, "status")
}

func (l *listeners) field(token, ref string, names ...string) string {
	l.Helper()
	a := l.Expect(l.T, 200, servertest.Request{Token: token, Path: "/fhir/" + ref})
	return nodeOf(l.T, a.Body).Path(names...).Str()
}

func nodeOf(t *testing.T, body []byte) tree.Node {
	t.Helper()
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
	return d.Root()
}

// active creates a subscription and waits until it is in force.
func (l *listeners) active(token, body string) string {
	l.Helper()
	ref := l.Create(l.T, token, body)
	until(l.T, ref+" is active", func() bool { return l.status(token, ref) == "active" })
	return ref
}

// to is a Subscription with criteria of R4.
func to(criteria, endpoint, more string) string {
	return fmt.Sprintf(`{"resourceType":"Subscription","status":"requested","reason":"test","criteria":%q,"channel":{"type":"rest-hook","endpoint":%q%s}}`, criteria, endpoint, more)
}

const backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"

// about is a Subscription to a topic in the form of the backport.
func about(topic, filter, content, channel, more string) string {
	filters := ""
	if filter != "" {
		filters = fmt.Sprintf(`,"_criteria":{"extension":[{"url":"%sbackport-filter-criteria","valueString":%q}]}`, backport, filter)
	}
	return fmt.Sprintf(`{"resourceType":"Subscription","meta":{"profile":["%sbackport-subscription"]},"status":"requested","reason":"test","criteria":%q%s,
		"channel":{%s,"payload":"application/fhir+json","_payload":{"extension":[{"url":"%sbackport-payload-content","valueCode":%q}]}%s}}`,
		backport, topic, filters, channel, backport, content, more)
}

func patient(family string) string {
	return fmt.Sprintf(`{"resourceType":"Patient","active":true,"name":[{"family":%q}]}`, family)
}

// parameter is the value of a parameter of the status in a notification.
func parameter(status tree.Node, name string) string {
	for p := range status.Field("parameter").Items() {
		if p.Field("name").Str() == name {
			for key, v := range p.Fields() {
				if strings.HasPrefix(key, "value") {
					return v.Str()
				}
			}
		}
	}
	return ""
}

// numbers are those of the events that a notification tells of.
func numbers(status tree.Node) (all []string) {
	for p := range status.Field("parameter").Items() {
		if p.Field("name").Str() != "notification-event" {
			continue
		}
		for part := range p.Field("part").Items() {
			if part.Field("name").Str() == "event-number" {
				all = append(all, part.Field("valueString").Str())
			}
		}
	}
	return all
}

// TestSubscriptionCriteria: https://hl7.org/fhir/R4/subscription.html, with an
// endpoint that listens.
func TestSubscriptionCriteria(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		e, bare := newEndpoint(l.T), newEndpoint(l.T)
		ref := l.active(l.clin, to("Patient?family=zhang", e.URL+"/in", `,"payload":"application/fhir+json","header":["Authorization: Bearer geheim-4711"]`))
		l.active(l.clin, to("Patient?active=true", bare.URL+"/ping", ""))
		one := l.Create(l.T, l.clin, patient("Zhang"))
		l.Create(l.T, l.clin, patient("Wang"))
		l.Create(l.T, l.rival, patient("Zhang")) // of another hospital
		l.Expect(l.T, 200, servertest.Request{Token: l.clin, Method: "PUT", Path: "/fhir/" + one,
			Body: []byte(strings.Replace(patient("Zhang"), `{"resourceType"`, `{"id":"`+strings.TrimPrefix(one, "Patient/")+`","gender":"male","resourceType"`, 1))})
		until(l.T, "both changes are told", func() bool { return len(e.heard()) >= 2 && len(bare.heard()) >= 3 })
		time.Sleep(300 * time.Millisecond)
		got := e.heard()
		if len(got) != 2 {
			l.Fatalf("the endpoint heard %d requests, want 2", len(got))
		}
		for i, h := range got {
			if h.method != "PUT" || h.path != "/in/"+one || h.header.Get("Content-Type") != "application/fhir+json" || h.header.Get("Authorization") != "Bearer geheim-4711" {
				l.Errorf("request %d = %s %s %v", i, h.method, h.path, h.header)
			}
			if v := nodeOf(l.T, h.body).Path("meta", "versionId").Str(); v != fmt.Sprint(i+1) {
				l.Errorf("request %d carries version %s, want %d", i, v, i+1)
			}
		}
		if all := bare.heard(); len(all) != 3 || all[0].method != "POST" || all[0].path != "/ping" || len(all[0].body) != 0 {
			l.Errorf("without payload: %+v, want 3 empty POST", all)
		}
		l.Run("secrets stay", func(t *testing.T) {
			for _, path := range []string{"/fhir/" + ref, "/fhir/" + ref + "/_history", "/fhir/" + ref + "/_history/1", "/fhir/Subscription", "/fhir/" + ref + "/$bytes", "/fhir/Subscription/$status"} {
				if a := l.Expect(t, 200, servertest.Request{Token: l.clin, Path: path}); strings.Contains(string(a.Body), "geheim") {
					t.Errorf("%s shows the header's value", path)
				}
			}
			// what was read can be put back: the value is kept
			body := l.Expect(t, 200, servertest.Request{Token: l.clin, Path: "/fhir/" + ref}).Body
			l.Expect(t, 200, servertest.Request{Token: l.clin, Method: "PUT", Path: "/fhir/" + ref, Body: body})
			before := len(e.heard())
			l.Create(t, l.clin, patient("Zhang"))
			until(t, "the endpoint hears of it", func() bool { return len(e.heard()) == before+1 })
			if h := e.heard()[before]; h.header.Get("Authorization") != "Bearer geheim-4711" {
				t.Errorf("after a PUT of what was read the header is %q", h.header.Get("Authorization"))
			}
		})
		l.Run("off", func(t *testing.T) {
			l.Expect(t, 200, servertest.Request{Token: l.clin, Method: "PATCH", Path: "/fhir/" + ref, Body: []byte(`[{"op":"replace","path":"/status","value":"off"}]`),
				Header: map[string]string{"Content-Type": "application/json-patch+json"}})
			before := len(e.heard())
			l.Create(t, l.clin, patient("Zhang"))
			time.Sleep(1500 * time.Millisecond)
			if n := len(e.heard()); n != before {
				t.Errorf("an endpoint that is off heard %d more", n-before)
			}
		})
	})
}

// TestSubscriptionTopic: the backport over rest-hook.
func TestSubscriptionTopic(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		e := newEndpoint(l.T)
		hook := fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, e.URL+"/hook")
		ref := l.active(l.clin, about("urn:tenon:topic:resource", "Patient?active=true", "full-resource", hook,
			`,"extension":[{"url":"`+backport+`backport-heartbeat-period","valueUnsignedInt":1},{"url":"`+backport+`backport-max-count","valuePositiveInt":2}]`))
		shake := nodeOf(l.T, e.heard()[0].body)
		status := shake.Field("entry").Index(0).Field("resource")
		if shake.Field("type").Str() != "history" || parameter(status, "type") != "handshake" || parameter(status, "status") != "requested" ||
			parameter(status, "topic") != "urn:tenon:topic:resource" || parameter(status, "events-since-subscription-start") != "0" {
			l.Errorf("handshake = %s", e.heard()[0].body)
		}
		var made []string
		for i := range 5 {
			made = append(made, l.Create(l.T, l.clin, patient(fmt.Sprint("N", i))))
		}
		l.Expect(l.T, 204, servertest.Request{Token: l.clin, Method: "DELETE", Path: "/fhir/" + made[0]})
		var told []string
		kinds := map[string]int{}
		collect := func() bool {
			told, kinds = nil, map[string]int{}
			for _, h := range e.heard() {
				root := nodeOf(l.T, h.body)
				status := root.Field("entry").Index(0).Field("resource")
				kinds[parameter(status, "type")]++
				n := numbers(status)
				if len(n) > 2 || root.Field("entry").Len() != 1+len(n) {
					l.Fatalf("a notification = %s", h.body)
				}
				for _, number := range n {
					if !slices.Contains(told, number) { // at least once: on a busy machine again
						told = append(told, number)
					}
				}
			}
			return len(told) == 6 && kinds["heartbeat"] > 0
		}
		until(l.T, "six events and a heartbeat are told", collect)
		if fmt.Sprint(told) != "[1 2 3 4 5 6]" {
			l.Errorf("events came as %v, want 1 to 6 in order", told)
		}
		bundle := l.Expect(l.T, 200, servertest.Request{Token: l.clin, Path: "/fhir/" + ref + "/$events?eventsSinceNumber=2&eventsUntilNumber=6"})
		root := nodeOf(l.T, bundle.Body)
		first := root.Field("entry").Index(0).Field("resource")
		if fmt.Sprint(numbers(first)) != "[2 3 4 5 6]" || parameter(first, "type") != "query-event" {
			l.Errorf("$events = %s", bundle.Body)
		}
		if r := root.Field("entry").Index(5); r.Path("request", "method").Str() != "DELETE" || r.Field("resource").Exists() || !strings.HasSuffix(r.Field("fullUrl").Str(), made[0]) {
			l.Errorf("the deletion is told as %s", r.Raw())
		}
		found := nodeOf(l.T, l.Expect(l.T, 200, servertest.Request{Token: l.clin, Path: "/fhir/" + ref + "/$status"}).Body)
		if s := found.Field("entry").Index(0).Field("resource"); found.Field("type").Str() != "searchset" || parameter(s, "status") != "active" || parameter(s, "events-since-subscription-start") != "6" || parameter(s, "type") != "query-status" {
			l.Errorf("$status = %s", found.Raw())
		}
		for _, path := range []string{"/$status", "/$events", ""} {
			if a := l.Send(l.T, servertest.Request{Token: l.rival, Path: "/fhir/" + ref + path}); a.Status != 404 {
				l.Errorf("a stranger's GET %s%s = %d, want 404", ref, path, a.Status)
			}
		}
		if a := l.Expect(l.T, 200, servertest.Request{Token: l.rival, Path: "/fhir/Subscription/$status"}); strings.Contains(string(a.Body), strings.TrimPrefix(ref, "Subscription/")) {
			l.Errorf("a stranger's $status = %s", a.Body)
		}
	})
}

// TestSubscriptionRecovers: an endpoint that fails is tried on, the resource says
// so, others are not held up, and what waited comes in order, once.
func TestSubscriptionRecovers(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		e, well := newEndpoint(l.T), newEndpoint(l.T)
		dead := l.active(l.clin, about("urn:tenon:topic:resource-created", "Patient?", "id-only", fmt.Sprintf(`"type":"rest-hook","endpoint":%q`, e.URL), ""))
		l.active(l.clin, to("Patient?", well.URL, ""))
		e.fails(503)
		for i := range 10 {
			l.Create(l.T, l.clin, patient(fmt.Sprint("N", i)))
		}
		until(l.T, "the resource says error", func() bool { return l.status(l.clin, dead) == "error" })
		if why := l.field(l.clin, dead, "error"); why != "the endpoint answered 503" {
			l.Errorf("Subscription.error = %q", why)
		}
		until(l.T, "the other endpoint hears all", func() bool { return len(well.heard()) == 10 })
		l.Stop(l.T) // what waits is still there after a restart
		s := servertest.Start(l.T, l.Config)
		l.Server = s
		l.Create(l.T, l.clin, patient("last"))
		e.fails(0)
		var told []string
		until(l.T, "all eleven events are told", func() bool {
			told = nil
			for _, h := range e.heard() {
				told = append(told, numbers(nodeOf(l.T, h.body).Field("entry").Index(0).Field("resource"))...)
			}
			return len(told) >= 11
		})
		if fmt.Sprint(told) != "[1 2 3 4 5 6 7 8 9 10 11]" {
			l.Errorf("events came as %v, want 1 to 11 in order, once", told)
		}
		until(l.T, "the resource says active", func() bool { return l.status(l.clin, dead) == "active" })
	})
}
