package smart

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"

	"tenon/oauth"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/test/servertest"
)

const (
	prefs  = "https://app.test|prefs" // of the origin of the apps
	keys   = "https://diary.example|keys"
	config = "https://diary.example|config"
)

// TestAppState: what apps keep here for themselves.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html
func TestAppState(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.person(t, h.a, "patient-a")
		h.person(t, h.b, "patient-b")
		basic := "Basic.cuds?code=" + keys
		h.app(t, "diary", oauth.MethodNone, "launch/patient", "patient/Basic.cuds", "user/Basic.cuds", "patient/"+basic, "patient/Patient.rs", "user/Basic.s?code="+config)
		h.app(t, "companion", oauth.MethodNone, "launch/patient", "patient/Basic.s?code="+keys, "user/Basic.cuds?code="+config)
		h.app(t, "stranger", oauth.MethodNone, "launch/patient", "patient/*.cruds", "user/*.cruds")
		s := &states{h: h, own: h.granted(t, "diary", "patient-a", "launch/patient patient/Basic.cuds user/Basic.cuds patient/Patient.rs", "")}
		t.Run("SMART-371 discovery", s.discovery)
		t.Run("SMART-371 an app creates, finds, changes and deletes its state", s.life)
		t.Run("SMART-371 an app keeps state of its own alone", s.owner)
		t.Run("SMART-371 about whom", s.subjects)
		t.Run("SMART-371 a companion app reads what its registration names", s.companion)
		t.Run("SMART-371 about nobody", s.global)
		t.Run("SMART-371 what is no app state is refused", s.refused)
		t.Run("SMART-371 sixteen changes of one version: one wins", s.contention)
		t.Run("SMART-371 it ends with the app, and with whom it is about", s.ends)
	})
}

type states struct {
	h   *house
	own string // the token of patient a in the diary
}

// granted is the whole way of an app by a person's name.
func (h *house) granted(t *testing.T, client, name, scope, patient string) string {
	t.Helper()
	b := h.browser(t)
	b.get(t, h.ask(client, scope, nil))
	form := b.signIn(t, name).form()
	form.Set("decision", "allow")
	if patient != "" {
		form.Set("patient", strings.TrimPrefix(patient, "Patient/"))
	}
	p := b.post(t, "/oauth/consent", form)
	if p.location == nil {
		t.Fatalf("the consent answers %d %.600s", p.status, p.body)
	}
	a := h.post(t, "/oauth/token", redeem(client, p.location.Query().Get("code")))
	if a.status != 200 {
		t.Fatalf("token = %d %v", a.status, a.body)
	}
	return a.text("access_token")
}

func (s *states) send(t *testing.T, token, method, path, body string, header ...string) *servertest.Answer {
	t.Helper()
	r := servertest.Request{Token: token, Method: method, Path: "/oauth/app-state/" + path, Header: map[string]string{"Content-Type": "application/fhir+json"}}
	if body != "" {
		r.Body = []byte(body)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header[header[i]] = header[i+1]
	}
	return s.h.Send(t, r)
}

// basic is a state of a code about a subject, "" for nobody.
func (s *states) basic(id, code, subject, value string) string {
	system, code, _ := strings.Cut(code, "|")
	m := map[string]any{"resourceType": "Basic", "code": map[string]any{"coding": []any{map[string]any{"system": system, "code": code}}},
		"extension": []any{map[string]any{"url": "https://diary.example/v1", "valueString": value}}}
	if id != "" {
		m["id"] = id
	}
	if subject != "" {
		m["subject"] = map[string]any{"reference": s.h.URL + "/fhir/" + subject}
	}
	text, _ := json.Marshal(m)
	return string(text)
}

func (s *states) create(t *testing.T, token, code, subject, value string) (id string) {
	t.Helper()
	a := s.send(t, token, "POST", "Basic", s.basic("", code, subject, value))
	var b struct{ ID string }
	if err := json.Unmarshal(a.Body, &b); err != nil || a.Status != 201 || b.ID == "" {
		t.Fatalf("create = %d %s, want 201", a.Status, a.Body)
	}
	return b.ID
}

func (s *states) query(code, subject string) string {
	q := url.Values{"code": {code}, "subject": {s.h.URL + "/fhir/" + subject}}
	if subject == "" {
		q = url.Values{"code": {code}, "subject:missing": {"true"}}
	}
	return "Basic?" + q.Encode()
}

// found are the values of the states that a search finds.
func (s *states) found(t *testing.T, token, code, subject string) string {
	t.Helper()
	a := s.send(t, token, "GET", s.query(code, subject), "")
	if a.Status != 200 {
		t.Fatalf("search = %d %s", a.Status, a.Body)
	}
	var b struct {
		Total int
		Entry []struct {
			Resource struct {
				Extension []struct{ ValueString string }
			}
		}
	}
	if err := json.Unmarshal(a.Body, &b); err != nil || b.Total != len(b.Entry) {
		t.Fatalf("search = %s, %v", a.Body, err)
	}
	var values []string
	for _, e := range b.Entry {
		values = append(values, e.Resource.Extension[0].ValueString)
	}
	return strings.Join(values, " ")
}

func (s *states) discovery(t *testing.T) {
	var m struct {
		Capabilities []string
		Endpoints    []struct {
			URL          string
			Capabilities []string
		} `json:"associated_endpoints"`
	}
	if err := json.Unmarshal(s.h.Expect(t, 200, servertest.Request{Path: "/fhir/.well-known/smart-configuration"}).Body, &m); err != nil {
		t.Fatal(err)
	}
	same(t, "claimed", strings.Contains(strings.Join(m.Capabilities, " "), "smart-app-state"), true)
	same(t, "endpoints", len(m.Endpoints), 1)
	same(t, "address", m.Endpoints[0].URL, s.h.URL+"/oauth/app-state")
	same(t, "what it does", m.Endpoints[0].Capabilities, "[smart-app-state]")
	a := s.send(t, "", "GET", "metadata", "")
	same(t, "metadata", a.Status, 200)
	same(t, "what it instantiates", strings.Contains(string(a.Body), "CapabilityStatement/smart-app-state-server"), true)
	a = s.send(t, "", "OPTIONS", "Basic/x", "", "Origin", "https://app.test")
	same(t, "its pages may", a.Header.Get("Access-Control-Allow-Methods"), "GET, POST, PUT, DELETE")
	same(t, "those of others may not", s.send(t, "", "OPTIONS", "Basic/x", "", "Origin", "https://evil.test").Header.Get("Access-Control-Allow-Methods"), "")
}

func (s *states) life(t *testing.T) {
	a := s.send(t, s.own, "POST", "Basic", s.basic("", prefs, s.h.a, "一"))
	same(t, "create", a.Status, 201)
	same(t, "ETag", a.Header.Get("ETag"), `W/"1"`)
	id := a.Header.Get("Location")[strings.LastIndex(a.Header.Get("Location"), "/")+1:]
	same(t, "Location", a.Header.Get("Location"), s.h.URL+"/oauth/app-state/Basic/"+id)
	for _, want := range []string{`"id":"` + id + `"`, `"versionId":"1"`, `"valueString":"一"`, s.h.URL + "/fhir/" + s.h.a} {
		same(t, "the answer has "+want, strings.Contains(string(a.Body), want), true)
	}
	same(t, "found", s.found(t, s.own, prefs, s.h.a), "一")
	changed := s.basic(id, prefs, s.h.a, "二")
	same(t, "without If-Match", s.send(t, s.own, "PUT", "Basic/"+id, changed).Status, 428)
	same(t, "with an old one", s.send(t, s.own, "PUT", "Basic/"+id, changed, "If-Match", `W/"0"`).Status, 412)
	same(t, "with another code", s.send(t, s.own, "PUT", "Basic/"+id, s.basic(id, "https://app.test|x", s.h.a, "二"), "If-Match", `W/"1"`).Status, 412)
	same(t, "about nobody now", s.send(t, s.own, "PUT", "Basic/"+id, s.basic(id, prefs, "", "二"), "If-Match", `W/"1"`).Status, 412)
	a = s.send(t, s.own, "PUT", "Basic/"+id, changed, "If-Match", `W/"1"`)
	same(t, "update", a.Status, 200)
	same(t, "ETag", a.Header.Get("ETag"), `W/"2"`)
	same(t, "found", s.found(t, s.own, prefs, s.h.a), "二")
	same(t, "the record has no such thing", strings.Contains(string(s.h.Expect(t, 200, servertest.Request{Token: s.h.token, Path: "/fhir/Basic"}).Body), "app.test"), false)
	same(t, "delete without If-Match", s.send(t, s.own, "DELETE", "Basic/"+id, "").Status, 428)
	same(t, "delete of an old one", s.send(t, s.own, "DELETE", "Basic/"+id, "", "If-Match", `W/"1"`).Status, 412)
	same(t, "delete", s.send(t, s.own, "DELETE", "Basic/"+id, "", "If-Match", `W/"2"`).Status, 204)
	same(t, "gone", s.found(t, s.own, prefs, s.h.a), "")
	for _, method := range []string{"PUT", "DELETE"} {
		same(t, method+" afterwards", s.send(t, s.own, method, "Basic/"+id, changed, "If-Match", `W/"2"`).Status, 412)
	}
}

func (s *states) owner(t *testing.T) {
	id := s.create(t, s.own, prefs, s.h.a, "diary")
	other := s.h.granted(t, "stranger", "patient-a", "launch/patient patient/*.cruds", "")
	same(t, "attack: another app of the same origin finds it", s.found(t, other, prefs, s.h.a), "")
	same(t, "attack: and changes it", s.send(t, other, "PUT", "Basic/"+id, s.basic(id, prefs, s.h.a, "x"), "If-Match", `W/"1"`).Status, 412)
	same(t, "attack: and deletes it", s.send(t, other, "DELETE", "Basic/"+id, "", "If-Match", `W/"1"`).Status, 412)
	absent := s.send(t, other, "DELETE", "Basic/none", "", "If-Match", `W/"1"`)
	same(t, "an absent one answers alike", string(absent.Body), string(s.send(t, other, "DELETE", "Basic/"+id, "", "If-Match", `W/"1"`).Body))
	same(t, "attack: a code of another origin", s.send(t, other, "POST", "Basic", s.basic("", keys, s.h.a, "x")).Status, 403)
	same(t, "attack: asking for it", s.send(t, other, "GET", s.query(keys, s.h.a), "").Status, 403)
	s.create(t, other, prefs, s.h.a, "stranger")
	same(t, "twin: its own", s.found(t, other, prefs, s.h.a), "stranger")
	same(t, "twin: and the first one's", s.found(t, s.own, prefs, s.h.a), "diary")
	same(t, "attack: without an app", s.send(t, s.h.token, "GET", s.query(prefs, s.h.a), "").Status, 403)
	same(t, "attack: without a token", s.send(t, "", "GET", s.query(prefs, s.h.a), "").Status, 401)
	narrow := s.h.granted(t, "diary", "patient-a", "launch/patient patient/Patient.rs", "")
	same(t, "attack: without a scope", s.send(t, narrow, "GET", s.query(prefs, s.h.a), "").Status, 403)
	reads := s.h.granted(t, "diary", "patient-a", "launch/patient patient/Basic.s", "")
	same(t, "twin: with one to search", s.found(t, reads, prefs, s.h.a), "diary")
	same(t, "attack: to search alone", s.send(t, reads, "DELETE", "Basic/"+id, "", "If-Match", `W/"1"`).Status, 403)
}

func (s *states) subjects(t *testing.T) {
	same(t, "attack: another patient", s.send(t, s.own, "POST", "Basic", s.basic("", prefs, s.h.b, "x")).Status, 403)
	same(t, "attack: one who is not there, alike", s.send(t, s.own, "POST", "Basic", s.basic("", prefs, "Patient/none", "x")).Status, 403)
	same(t, "attack: asking", s.send(t, s.own, "GET", s.query(prefs, s.h.b), "").Status, 403)
	b := s.h.granted(t, "diary", "patient-b", "launch/patient patient/Basic.cuds", "")
	s.create(t, b, prefs, s.h.b, "b")
	same(t, "twin: the other patient's own", s.found(t, b, prefs, s.h.b), "b")
	wang := s.h.granted(t, "diary", "wang", "launch/patient patient/Basic.cuds user/Basic.cuds", s.h.a)
	s.create(t, wang, prefs, "PractitionerRole/clin-wang", "wang")
	same(t, "the user's own", s.found(t, wang, prefs, "PractitionerRole/clin-wang"), "wang")
	same(t, "of a patient whom the user sees, with user/", s.found(t, wang, prefs, s.h.b), "b")
	same(t, "attack: of another user", s.send(t, s.own, "GET", s.query(prefs, "PractitionerRole/clin-wang"), "").Status, 403)
	context := s.h.granted(t, "diary", "wang", "launch/patient patient/Basic.cuds", s.h.a)
	same(t, "attack: with patient/ beyond the context", s.send(t, context, "GET", s.query(prefs, s.h.b), "").Status, 403)
	same(t, "attack: with patient/ of the user", s.send(t, context, "GET", s.query(prefs, "PractitionerRole/clin-wang"), "").Status, 403)
}

func (s *states) companion(t *testing.T) {
	mine := s.h.granted(t, "diary", "patient-a", "launch/patient patient/Basic.cuds?code="+keys, "")
	id := s.create(t, mine, keys, s.h.a, "secret")
	same(t, "a scope with a code is about that code alone", s.send(t, mine, "GET", s.query(prefs, s.h.a), "").Status, 403)
	same(t, "and writes nothing in the record", s.h.status(t, mine, "POST", "Basic", []byte(`{"resourceType":"Basic","code":{"coding":[{"system":"https://diary.example","code":"keys"}]},"subject":{"reference":"`+s.h.a+`"}}`)), 403)
	doctor := s.h.granted(t, "companion", "wang", "launch/patient patient/Basic.s?code="+keys, s.h.a)
	same(t, "what the companion finds", s.found(t, doctor, keys, s.h.a), "secret")
	same(t, "attack: it changes nothing", s.send(t, doctor, "PUT", "Basic/"+id, s.basic(id, keys, s.h.a, "x"), "If-Match", `W/"1"`).Status, 403)
	same(t, "twin: the app itself does", s.send(t, mine, "PUT", "Basic/"+id, s.basic(id, keys, s.h.a, "new"), "If-Match", `W/"1"`).Status, 200)
}

func (s *states) global(t *testing.T) {
	admin := "PractitionerRole/site-admin"
	_, err := s.h.App.Recorder.Submit(t.Context(), &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator"}, &record.Draft{Door: "cli", Operation: "update", Ops: []record.Op{{
		Method: "PUT", Type: "PractitionerRole", ID: "site-admin", Body: []byte(`{"resourceType":"PractitionerRole","id":"site-admin","active":true,"organization":{"reference":"Organization/hospital"},"practitioner":{"reference":"Practitioner/wang"},"code":[{"coding":[{"system":"urn:tenon:role","code":"ADMIN"}]}]}`)}}})
	if err != nil {
		t.Fatal(err)
	}
	s.h.person(t, admin, "admin")
	site := s.h.granted(t, "companion", "admin", "user/Basic.cuds?code="+config, "")
	s.create(t, site, config, "", "site")
	same(t, "an app whose registration names the code reads it", s.found(t, s.h.granted(t, "diary", "wang", "user/Basic.s?code="+config, ""), config, ""), "site")
	doctor := s.h.granted(t, "companion", "wang", "user/Basic.cuds?code="+config, "")
	same(t, "attack: who is no administrator writes", s.send(t, doctor, "POST", "Basic", s.basic("", config, "", "x")).Status, 403)
	same(t, "attack: an app that is not registered for it", s.send(t, s.h.granted(t, "diary", "admin", "user/Basic.cuds", ""), "POST", "Basic", s.basic("", prefs, "", "x")).Status, 403)
	same(t, "attack: with patient/", s.send(t, s.h.granted(t, "stranger", "patient-a", "launch/patient patient/*.cruds", ""), "GET", s.query(prefs, ""), "").Status, 403)
}

func (s *states) refused(t *testing.T) {
	good := s.basic("", prefs, s.h.a, "x")
	for name, body := range map[string]string{
		"an id":                    s.basic("one", prefs, s.h.a, "x"),
		"a version":                strings.Replace(good, `"resourceType"`, `"meta":{"versionId":"1"},"resourceType"`, 1),
		"another type":             strings.Replace(good, `"Basic"`, `"Observation"`, 1),
		"a relative subject":       strings.Replace(good, s.h.URL+"/fhir/", "", 1),
		"another server":           strings.Replace(good, s.h.URL, "https://other.test", 1),
		"a subject of no person":   strings.Replace(good, s.h.a, "Device/x", 1),
		"no code":                  strings.Replace(good, `"code":"prefs",`, "", 1),
		"two codings":              strings.Replace(good, `"coding":[`, `"coding":[{"system":"urn:x","code":"y"},`, 1),
		"another value":            strings.Replace(good, `"valueString":"x"`, `"valueInteger":1`, 1),
		"an element of the record": strings.Replace(good, `"resourceType"`, `"author":{"reference":"`+s.h.a+`"},"resourceType"`, 1),
	} {
		same(t, name, s.send(t, s.own, "POST", "Basic", body).Status, 422)
	}
	same(t, "what is no JSON", s.send(t, s.own, "POST", "Basic", `{"resourceType":"Basic",`).Status, 400)
	same(t, "a name twice", s.send(t, s.own, "POST", "Basic", strings.Replace(good, `"resourceType"`, `"resourceType":"Basic","resourceType"`, 1)).Status, 400)
	same(t, "XML", s.send(t, s.own, "POST", "Basic", "<Basic/>", "Content-Type", "application/fhir+xml").Status, 415)
	same(t, "256 KiB and more", s.send(t, s.own, "POST", "Basic", s.basic("", prefs, s.h.a, strings.Repeat("x", 256<<10))).Status, 413)
	s.create(t, s.own, "https://app.test|large", s.h.a, strings.Repeat("x", 255<<10))
	for _, query := range []string{"Basic", "Basic?code=x&subject=" + s.h.URL + "/fhir/" + s.h.a, s.query(prefs, s.h.a) + "&_sort=code", s.query(prefs, s.h.a) + "&subject:missing=true", "Basic?code=" + url.QueryEscape(prefs) + "&subject:missing=false"} {
		same(t, query, s.send(t, s.own, "GET", query, "").Status, 422)
	}
	for range 16 {
		s.create(t, s.own, "https://app.test|many", s.h.a, "x")
	}
	same(t, "a seventeenth", s.send(t, s.own, "POST", "Basic", s.basic("", "https://app.test|many", s.h.a, "x")).Status, 422)
}

func (s *states) contention(t *testing.T) {
	id := s.create(t, s.own, "https://app.test|race", s.h.a, "0")
	won := make(chan int, 16)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			won <- s.send(t, s.own, "PUT", "Basic/"+id, s.basic(id, "https://app.test|race", s.h.a, "1"), "If-Match", `W/"1"`).Status
		})
	}
	all.Wait()
	close(won)
	count := map[int]int{}
	for status := range won {
		count[status]++
	}
	same(t, "answers", count, map[int]int{200: 1, 412: 15})
}

func (s *states) ends(t *testing.T) {
	gone := s.h.Create(t, s.h.token, `{"resourceType":"Patient","name":[{"text":"张丙"}]}`)
	wang := s.h.granted(t, "diary", "wang", "launch/patient patient/Basic.cuds user/Basic.cuds", gone)
	s.create(t, wang, prefs, gone, "gone")
	same(t, "before", s.found(t, wang, prefs, gone), "gone")
	same(t, "deletion", s.h.status(t, s.h.token, "DELETE", gone, nil), 204)
	same(t, "nobody reaches what it was about", s.send(t, wang, "GET", s.query(prefs, gone), "").Status, 403)
	if err := s.h.App.Store.ForgetStates(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	code := oauth.StateCode{System: "https://app.test", Code: "prefs"}
	for subject, want := range map[string]int{gone: 0, s.h.b: 1} {
		left, err := s.h.App.Store.StatesOf(t.Context(), "main", subject, code)
		same(t, "left", len(left), want)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.h.App.RemoveApp(t.Context(), "diary"); err != nil {
		t.Fatal(err)
	}
	left, err := s.h.App.Store.StatesOf(t.Context(), "main", s.h.b, code)
	same(t, "with the app", len(left), 0)
	if err != nil {
		t.Fatal(err)
	}
}
