package subscription_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
	"tenon/server/dispatch/subscription"
)

const backport = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"

func parse(t *testing.T, body string) (*subscription.Spec, error) {
	t.Helper()
	d, err := tree.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return subscription.Parse(d.Root())
}

func classic(criteria, channel string) string {
	return fmt.Sprintf(`{"resourceType":"Subscription","status":"requested","reason":"r","criteria":%q,"channel":{%s}}`, criteria, channel)
}

const hook = `"type":"rest-hook","endpoint":"https://example.org/in"`

func topical(topic, filter, content, more string) string {
	if filter != "" {
		filter = `{"url":"` + backport + `backport-filter-criteria","valueString":"` + filter + `"}`
	}
	return fmt.Sprintf(`{"resourceType":"Subscription","status":"requested","reason":"r","criteria":%q,"_criteria":{"extension":[%s]},
		"channel":{%s,"_payload":{"extension":[{"url":"%sbackport-payload-content","valueCode":%q}]}%s}}`, topic, filter, hook, backport, content, more)
}

// TestParse: https://hl7.org/fhir/R4/subscription.html and
// http://hl7.org/fhir/uv/subscriptions-backport
func TestParse(t *testing.T) {
	s, err := parse(t, classic("Observation?code=http://loinc.org|1975-2", hook+`,"payload":"application/fhir+json","header":["Authorization: Bearer x","X-Key:  y "]`))
	if err != nil {
		t.Fatal(err)
	}
	if tr := s.Triggers(); len(tr) != 1 || tr[0].Type != "Observation" || tr[0].Queries[0] != "code=http://loinc.org|1975-2" || tr[0].On != subscription.Create|subscription.Update {
		t.Errorf("Triggers() = %+v", tr)
	}
	if s.Content != subscription.Full || s.Backport() || len(s.Headers) != 2 {
		t.Errorf("Parse() = %+v", s)
	}
	if s, err = parse(t, classic("Patient", hook)); err != nil || s.Content != subscription.Empty {
		t.Errorf("without payload: %+v, %v", s, err)
	}
	s, err = parse(t, topical("urn:tenon:topic:case-stage|1", "Task?owner=PractitionerRole/x", "id-only",
		`,"extension":[{"url":"`+backport+`backport-heartbeat-period","valueUnsignedInt":60},{"url":"`+backport+`backport-timeout","valueUnsignedInt":30},{"url":"`+backport+`backport-max-count","valuePositiveInt":7}]`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Heartbeat != time.Minute || s.Timeout != 30*time.Second || s.MaxCount != 7 || s.Content != subscription.IDOnly || !s.Backport() {
		t.Errorf("Parse() = %+v", s)
	}
	if tr := s.Triggers(); len(tr) != 1 || len(tr[0].Queries) != 2 || len(tr[0].Changed) != 2 {
		t.Errorf("Triggers() = %+v", tr)
	}
	for _, topic := range subscription.Topics {
		if topic.Title == "" || topic.Chinese == "" || topic.On == 0 {
			t.Errorf("topic %s lacks a text or a trigger", topic.URL)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct{ body, rule string }{
		"no type":               {classic("?code=x", hook), "subscription-criteria"},
		"no criteria":           {classic(" ", hook), "subscription-criteria"},
		"odd type":              {classic("Patient/1?x=y", hook), "subscription-criteria"},
		"unknown topic":         {topical("http://example.org/topic", "", "empty", ""), "subscription-topic"},
		"topic without type":    {topical("urn:tenon:topic:resource", "", "empty", ""), "subscription-filter"},
		"filter of another":     {topical("urn:tenon:topic:order", "Patient?active=true", "empty", ""), "subscription-filter"},
		"filter without type":   {topical("urn:tenon:topic:resource", "active=true", "empty", ""), "subscription-filter"},
		"filter with criteria":  {topical("Patient?active=true", "Patient?active=true", "empty", ""), "subscription-filter"},
		"content":               {topical("urn:tenon:topic:order", "", "everything", ""), "subscription-content"},
		"e-mail":                {classic("Patient?", `"type":"email","endpoint":"mailto:x@example.org"`), "subscription-channel"},
		"sms":                   {classic("Patient?", `"type":"sms"`), "subscription-channel"},
		"message":               {classic("Patient?", `"type":"message"`), "subscription-channel"},
		"custom channel":        {classic("Patient?", hook+`,"_type":{"extension":[{"url":"`+backport+`backport-channel-type","valueCoding":{"code":"zulip"}}]}`), "subscription-channel"},
		"no endpoint":           {classic("Patient?", `"type":"rest-hook"`), "subscription-endpoint"},
		"relative endpoint":     {classic("Patient?", `"type":"rest-hook","endpoint":"/in"`), "subscription-endpoint"},
		"scheme":                {classic("Patient?", `"type":"rest-hook","endpoint":"file:///etc/passwd"`), "subscription-endpoint"},
		"password in the URL":   {classic("Patient?", `"type":"rest-hook","endpoint":"https://u:p@example.org/"`), "subscription-endpoint"},
		"fragment":              {classic("Patient?", `"type":"rest-hook","endpoint":"https://example.org/#x"`), "subscription-endpoint"},
		"endpoint of websocket": {classic("Patient?", `"type":"websocket","endpoint":"wss://example.org"`), "subscription-endpoint"},
		"payload":               {classic("Patient?", hook+`,"payload":"application/fhir+xml"`), "subscription-payload"},
		"header without colon":  {classic("Patient?", hook+`,"header":["Authorization"]`), "subscription-header"},
		"header with CRLF":      {classic("Patient?", hook+`,"header":["X: a\r\nHost: evil"]`), "subscription-header"},
		"header name":           {classic("Patient?", hook+`,"header":["X Y: a"]`), "subscription-header"},
		"header of connection":  {classic("Patient?", hook+`,"header":["host: evil"]`), "subscription-header"},
		"content type":          {classic("Patient?", hook+`,"header":["Content-Type: text/html"]`), "subscription-header"},
		"heartbeat":             {topical("urn:tenon:topic:order", "", "empty", `,"extension":[{"url":"`+backport+`backport-heartbeat-period","valueUnsignedInt":0}]`), "subscription-limit"},
		"timeout":               {topical("urn:tenon:topic:order", "", "empty", `,"extension":[{"url":"`+backport+`backport-timeout","valueUnsignedInt":3600}]`), "subscription-limit"},
		"max-count":             {topical("urn:tenon:topic:order", "", "empty", `,"extension":[{"url":"`+backport+`backport-max-count","valuePositiveInt":100000}]`), "subscription-limit"},
		"long criteria":         {classic("Patient?family="+strings.Repeat("x", 5000), hook), "subscription-criteria"},
		"end":                   {`{"resourceType":"Subscription","status":"requested","end":"soon","criteria":"Patient?","channel":{` + hook + `}}`, "subscription-end"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(t, c.body)
			f := issue.As(err)
			if f == nil || f.HTTPStatus() != 422 || f.Issues[0].Rule != c.rule || f.Issues[0].Path == "" || f.Issues[0].Chinese == "" {
				t.Errorf("Parse() = %v, want 422 %s", err, c.rule)
			}
		})
	}
}

// The bundles are sound resources of R4, and the status comes first.
// http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4
func TestNotification(t *testing.T) {
	st := &subscription.Status{ID: "s1", Topic: "urn:tenon:topic:order", Status: "active", Reason: `it said "no"`, Last: 9}
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	focus := []subscription.Focus{
		{Event: subscription.Event{Number: 7, At: at, Type: "Patient", ID: "a", Version: 1, Change: subscription.Create}, Known: true, Body: []byte(`{"resourceType":"Patient","id":"a"}`)},
		{Event: subscription.Event{Number: 8, At: at, Type: "Patient", ID: "b", Version: 2, Change: subscription.Delete}, Known: true},
		{Event: subscription.Event{Number: 9, At: at, Type: "Patient", ID: "hidden", Version: 3, Change: subscription.Update}},
	}
	set := validate.New(r4.Model())
	for name, body := range map[string][]byte{
		"handshake": st.Notification("https://h/fhir", subscription.Handshake, "6f2b6d0e-4c3c-4d8e-9d0f-000000000001", at, nil),
		"events":    st.Notification("https://h/fhir", subscription.EventNews, "6f2b6d0e-4c3c-4d8e-9d0f-000000000002", at, focus),
		"found":     subscription.Found("https://h/fhir", []subscription.Status{*st, *st}),
		"none":      subscription.Found("https://h/fhir", nil),
	} {
		d, err := tree.Parse(body)
		if err != nil {
			t.Fatalf("%s: %v %s", name, err, body)
		}
		plan, err := set.Plan("Bundle")
		if err != nil {
			t.Fatal(err)
		}
		for _, is := range plan.Validate(d.Root(), nil) {
			if is.Severity == issue.Error || is.Severity == "" {
				t.Errorf("%s: %s %s", name, is.Path, is.Text)
			}
		}
		if strings.Contains(string(body), "hidden") {
			t.Errorf("%s names what is out of reach: %s", name, body)
		}
	}
	var told struct {
		Entry []struct {
			Resource struct {
				ResourceType string
				Parameter    []struct{ Name string }
			}
			Request struct{ Method, URL string }
		}
	}
	if err := json.Unmarshal(st.Notification("https://h/fhir", subscription.EventNews, "6f2b6d0e-4c3c-4d8e-9d0f-000000000002", at, focus), &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Entry) != 3 || told.Entry[0].Resource.ResourceType != "Parameters" || told.Entry[1].Request.Method != "POST" || told.Entry[2].Request.Method != "DELETE" {
		t.Errorf("Notification() = %+v", told)
	}
	names := ""
	for _, p := range told.Entry[0].Resource.Parameter {
		names += p.Name + " "
	}
	if want := "subscription topic status type events-since-subscription-start notification-event notification-event notification-event error "; names != want {
		t.Errorf("parameters are %s, want %s", names, want)
	}
}

func TestHeaders(t *testing.T) {
	body := classic("Patient?", hook+`,"header":["Authorization: Bearer geheim", "X-Key: k"]`)
	d, err := tree.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	h := subscription.HeaderOf("Authorization: Bearer geheim")
	if h.Name != "Authorization" || h.Value != "Bearer geheim" || h.Secret != "" {
		t.Errorf("HeaderOf() = %+v", h)
	}
	h.Secret = "6f2b6d0e-4c3c-4d8e-9d0f-000000000001"
	back := subscription.HeaderOf(h.Reference())
	if back.Secret != h.Secret || back.Value != "" || back.Name != h.Name {
		t.Errorf("HeaderOf(Reference()) = %+v", back)
	}
	got := string(subscription.WithHeaders(d.Root(), []string{h.Reference(), "X-Key: z"}))
	if want := strings.Replace(strings.Replace(body, "Authorization: Bearer geheim", h.Reference(), 1), "X-Key: k", "X-Key: z", 1); got != want {
		t.Errorf("WithHeaders() = %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(classic("Observation?code=x", hook+`,"header":["A: b"]`)))
	f.Add([]byte(topical("urn:tenon:topic:resource", "Patient?name=x", "full-resource", "")))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := tree.Parse(body)
		if err != nil {
			return
		}
		s, err := subscription.Parse(d.Root())
		if err != nil {
			if issue.As(err) == nil {
				t.Fatalf("%v is no issue", err)
			}
			return
		}
		if len(s.Triggers()) == 0 || s.Timeout <= 0 || s.MaxCount < 1 || len(s.Headers) > 20 {
			t.Fatalf("%+v is taken", s)
		}
		lines := make([]string, len(s.Headers))
		for i, line := range s.Headers {
			if h := subscription.HeaderOf(line); strings.ContainsAny(h.Name+h.Value, "\r\n\x00") || h.Name == "" {
				t.Fatalf("header %q", line)
			}
			lines[i] = "X: y"
		}
		if _, err := tree.Parse(subscription.WithHeaders(d.Root(), lines)); err != nil {
			t.Fatalf("with other headers: %v", err)
		}
	})
}
