package test

import (
	"bytes"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// TestHeaderWithin: the value of a channel.header is nowhere in the record, not
// in a Subscription that lies within another resource either.
func TestHeaderWithin(t *testing.T) {
	t.Parallel()
	onBothServers(t, func(l *listeners) {
		const secret = "Bearer hidden-4711"
		inner := `{"resourceType":"Subscription","id":"s","status":"off","reason":"x","criteria":"Patient?","channel":{"type":"rest-hook","endpoint":"https://example.org/","header":["Authorization: ` + secret + `"]}}`
		kept := strings.Replace(inner, secret, "urn:tenon:secret:00000000-0000-0000-0000-000000000000", 1)
		for name, body := range map[string]string{
			"contained":                 `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#s"},"contained":[` + inner + `]}`,
			"contained in another":      `{"resourceType":"Subscription","status":"off","reason":"x","criteria":"Patient?","channel":{"type":"rest-hook","endpoint":"https://example.org/"},"contained":[` + inner + `]}`,
			"collection":                `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + inner + `}]}`,
			"collection in a Bundle":    `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + inner + `}]}}]}`,
			"written with an escape":    `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#s"},"contained":[` + strings.Replace(inner, "Subscription", `Sub\u0073cription`, 1) + `]}`,
			"Parameters":                `{"resourceType":"Parameters","parameter":[{"name":"x","part":[{"name":"y","resource":` + inner + `}]}]}`,
			"beside one that is hidden": `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#s"},"contained":[` + kept + `,` + strings.Replace(inner, `"id":"s"`, `"id":"t"`, 1) + `]}`,
		} {
			var typ string
			if typ = nodeOf(l.T, []byte(body)).Field("resourceType").Str(); typ == "" {
				l.Fatal(name)
			}
			a := l.Send(l.T, servertest.Request{Token: l.clin, Method: "POST", Path: "/fhir/" + typ, Body: []byte(body)})
			if a.Status != 422 || !bytes.Contains(a.Body, []byte("subscription-header-within")) {
				l.Errorf("%s = %d %.300s, want 422", name, a.Status, a.Body)
			}
			if bytes.Contains(a.Body, []byte("hidden-4711")) {
				l.Errorf("%s: the answer has the value: %.300s", name, a.Body)
			}
		}
		ref := l.Create(l.T, l.clin, `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"Patient/none"}}`)
		a := l.Send(l.T, servertest.Request{Token: l.clin, Method: "PATCH", Path: "/fhir/" + ref, Header: map[string]string{"Content-Type": "application/json-patch+json"},
			Body: []byte(`[{"op":"replace","path":"/subject/reference","value":"#s"},{"op":"add","path":"/contained","value":[` + inner + `]}]`)})
		if a.Status != 422 || !bytes.Contains(a.Body, []byte("subscription-header-within")) {
			l.Errorf("by a patch = %d %.300s, want 422", a.Status, a.Body)
		}
		// what a reader of a Subscription has may be kept within another resource
		l.Create(l.T, l.clin, `{"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#s"},"contained":[`+kept+`]}`)
	})
}
