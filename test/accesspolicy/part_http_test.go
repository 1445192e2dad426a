package accesspolicy

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// partOf finds a clinician who sees a patient in part, up to a level.
func (w *world) partOf(t *testing.T, level int) (*person, *thing) {
	t.Helper()
	for _, p := range w.people {
		for _, x := range w.pats {
			if p.kind == staff && !p.app && p.hospital && p.sees("r", x, x.now(), 1) == level && (level != 4 || x.now().minor) {
				return p, x
			}
		}
	}
	t.Fatalf("nobody sees a patient up to L%d: choose another seed", level)
	return nil, nil
}

// whole finds somebody who sees all of a patient and may change it.
func (w *world) whole(t *testing.T, x *thing) *person {
	t.Helper()
	i := slices.IndexFunc(w.people, func(p *person) bool { return p.kind == staff && !p.app && p.org == x.owner && p.may("r", x, x.now()) })
	if i < 0 {
		t.Fatalf("nobody of %s", x.owner)
	}
	return w.people[i]
}

func (w *world) ask(t *testing.T, p *person, q servertest.Request, want int) *servertest.Answer {
	t.Helper()
	q.Token = p.token
	a, err := w.Try(t.Context(), q)
	if err != nil || a.Status != want {
		t.Fatalf("%s %s %v = %d %.500s, %v, want %d", q.Method, q.Path, q.Header, a.Status, a.Body, err, want)
	}
	return a
}

const asJSON, asPatch = "application/fhir+json", "application/json-patch+json"

// parts: what is left out is not found by, not sorted by, not tried out, and not
// lost by a change.
func (w *world) parts(t *testing.T) {
	t.Run("a part and the whole are two representations", w.twoForms)
	t.Run("a part is no ground for a change", w.noChange)
	t.Run("no question tells what is left out", w.noOracle)
	t.Run("no image tells what is left out", w.noImageTells)
}

func (w *world) twoForms(t *testing.T) {
	p, x := w.partOf(t, 4)
	chief, path := w.whole(t, x), "/fhir/"+x.ref()
	whole := w.ask(t, chief, servertest.Request{Method: "GET", Path: path}, 200)
	part := w.ask(t, p, servertest.Request{Method: "GET", Path: path}, 200)
	if strings.Contains(string(part.Body), "birthDate") || !strings.Contains(string(part.Body), "摘要与签名针对完整资源") || !strings.Contains(string(part.Body), `"identifier"`) {
		t.Errorf("a part = %s", part.Body)
	}
	if whole.Header.Get("ETag") != `W/"1"` || part.Header.Get("ETag") != `W/"1-L4"` || !strings.Contains(part.Header.Get("Vary"), "Authorization") {
		t.Errorf("ETag = %s and %s", whole.Header.Get("ETag"), part.Header.Get("ETag"))
	}
	for _, c := range []struct {
		who    *person
		name   string
		value  string
		status int
	}{
		{p, "If-None-Match", `W/"1-L4"`, 304}, {p, "If-None-Match", `W/"1"`, 200}, {p, "If-None-Match", `W/"1-L3"`, 200},
		{chief, "If-None-Match", `W/"1"`, 304}, {chief, "If-None-Match", `W/"1-L4"`, 200},
		{chief, "If-Modified-Since", "Wed, 21 Oct 2035 07:28:00 GMT", 200}, // his copy may be the part
	} {
		w.ask(t, c.who, servertest.Request{Method: "GET", Path: path, Header: map[string]string{c.name: c.value}}, c.status)
	}
	w.ask(t, p, servertest.Request{Method: "GET", Path: path + "/$bytes"}, 422)
	w.ask(t, chief, servertest.Request{Method: "GET", Path: path + "/$bytes"}, 200)
	w.ask(t, chief, servertest.Request{Method: "PUT", Path: path, Body: whole.Body, Header: map[string]string{"Content-Type": asJSON, "If-Match": `W/"1-L4"`}}, 412)
	xml := w.ask(t, p, servertest.Request{Method: "GET", Path: path, Header: map[string]string{"Accept": "application/fhir+xml"}}, 200)
	if strings.Contains(string(xml.Body), "birthDate") {
		t.Errorf("a part in XML = %s", xml.Body)
	}
	for _, more := range []string{"?_elements=birthDate", "?_summary=data", "/_history", "/$everything", "/_history/1"} {
		if a := w.ask(t, p, servertest.Request{Method: "GET", Path: path + more}, 200); strings.Contains(string(a.Body), "birthDate") {
			t.Errorf("%s shows what is left out: %s", more, a.Body)
		}
	}
}

func (w *world) noChange(t *testing.T) {
	p, x := w.partOf(t, 4)
	path := "/fhir/" + x.ref()
	body := []byte(`{"resourceType":"Patient","id":"` + x.id + `"` + x.body(version{gender: "other"}) + `}`)
	part := w.ask(t, p, servertest.Request{Method: "GET", Path: path}, 200).Body
	rightGuess, _ := json.Marshal([]map[string]any{{"op": "test", "path": "/birthDate", "value": "2017-01-01"}})
	byIdentifier := "/fhir/Patient?identifier=" + url.QueryEscape("urn:n|"+x.id)
	for _, q := range []servertest.Request{
		{Method: "PUT", Path: path, Body: body}, {Method: "PUT", Path: path, Body: part},
		{Method: "PUT", Path: path, Body: body, Header: map[string]string{"If-Match": `W/"1-L4"`}},
		{Method: "PATCH", Path: path, Body: rightGuess, Header: map[string]string{"Content-Type": asPatch}},
		{Method: "DELETE", Path: path}, {Method: "PUT", Path: byIdentifier, Body: body}, {Method: "DELETE", Path: byIdentifier},
		{Method: "POST", Path: "/fhir", Body: []byte(fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":%s,"request":{"method":"PUT","url":"%s"}}]}`, body, x.ref()))},
		{Method: "POST", Path: path + "/$meta-add", Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"code":"x"}]}}]}`)},
	} {
		if q.Header == nil {
			q.Header = map[string]string{}
		}
		if q.Header["Content-Type"] == "" {
			q.Header["Content-Type"] = asJSON
		}
		want := 422
		if q.Header["If-Match"] != "" {
			want = 412
		}
		w.ask(t, p, q, want)
	}
	chief := w.whole(t, x)
	if a := w.ask(t, chief, servertest.Request{Method: "GET", Path: path}, 200); a.Header.Get("ETag") != `W/"1"` || !strings.Contains(string(a.Body), "birthDate") {
		t.Errorf("the patient was changed: %s", a.Body)
	}
	// who sees the whole comes as far as the case, which has no plan in this world
	a := w.ask(t, chief, servertest.Request{Method: "PATCH", Path: path, Body: []byte(`[{"op":"test","path":"/gender","value":"` + x.now().gender + `"}]`), Header: map[string]string{"Content-Type": asPatch}}, 409)
	if !strings.Contains(string(a.Body), `"code":"plan"`) {
		t.Errorf("a change by who sees the whole = %s", a.Body)
	}
}

// noOracle: questions about birth dates find those alone who are seen whole.
func (w *world) noOracle(t *testing.T) {
	p, x := w.partOf(t, 4)
	total := func(who *person, query string) (n int) {
		var b struct{ Total int }
		a := w.ask(t, who, servertest.Request{Method: "GET", Path: "/fhir/Patient?_total=accurate&_id=" + x.id + "&" + query}, 200)
		if err := json.Unmarshal(a.Body, &b); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(a.Body), `"`+x.ref()) != (b.Total > 0) && b.Total != strings.Count(string(a.Body), "fullUrl") {
			t.Errorf("%s: total %d in %s", query, b.Total, a.Body)
		}
		return b.Total
	}
	chief := w.whole(t, x)
	for _, query := range []string{
		"birthdate=gt2010", "birthdate=lt2010", "birthdate:missing=true", "birthdate:missing=false", "_sort=birthdate", "_sort=-birthdate", "_sort=gender,birthdate",
		"_filter=" + url.QueryEscape("birthdate gt 2010"), "_filter=" + url.QueryEscape("not (birthdate gt 2010)"), "_content=x", "general-practitioner:missing=true",
	} {
		if n := total(p, query); n != 0 {
			t.Errorf("%s finds who is seen in part", query)
		}
	}
	for query, want := range map[string]int{"birthdate=gt2010": 1, "birthdate=lt2010": 0, "_sort=birthdate": 1} {
		if n := total(chief, query); n != want {
			t.Errorf("%s = %d for who sees the whole, want %d", query, n, want)
		}
	}
	for _, query := range []string{"gender=" + x.now().gender, "identifier=" + x.id, "active=true", "_sort=gender", "_sort=_lastUpdated", "gender:not=unknown", "death-date:missing=true"} {
		if n := total(p, query); n != 1 {
			t.Errorf("%s does not find who is seen in part, though it asks for nothing that is left out", query)
		}
	}
	p, x = w.partOf(t, 3)
	for query, want := range map[string]int{"identifier=" + x.id: 0, "identifier:missing=true": 0, "gender=" + x.now().gender: 1} {
		if n := total(p, query); n != want {
			t.Errorf("%s = %d up to L3, want %d", query, n, want)
		}
	}
}
