package accesspolicy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

// ways are requests about one thing, TYPE and ID of which are filled in.
var ways = []servertest.Request{
	{Path: "/fhir/TYPE/ID"}, {Method: "HEAD", Path: "/fhir/TYPE/ID"}, {Path: "/fhir/TYPE/ID/_history"}, {Path: "/fhir/TYPE/ID/_history/1"}, {Path: "/fhir/TYPE/ID/$meta"}, {Path: "/fhir/TYPE/ID/$explain-access"},
	{Path: "/fhir/TYPE/ID", Header: map[string]string{"If-None-Match": `W/"1"`}}, {Path: "/fhir/TYPE/ID", Header: map[string]string{"If-Modified-Since": "Wed, 21 Oct 2035 07:28:00 GMT"}},
	{Path: "/fhir/TYPE?_id=ID&_total=accurate"}, {Path: "/fhir/TYPE?_id=ID&_summary=count"}, {Path: "/fhir/Provenance?target=TYPE/ID&_include=*"},
	{Method: "DELETE", Path: "/fhir/TYPE/ID"}, {Method: "PUT", Path: "/fhir/TYPE/ID", Body: []byte(`{"resourceType":"TYPE","id":"ID"}`)},
	{Method: "PUT", Path: "/fhir/TYPE/ID", Body: []byte(`{"resourceType":"TYPE","id":"ID"}`), Header: map[string]string{"If-Match": `W/"1"`}},
	{Method: "PATCH", Path: "/fhir/TYPE/ID", Body: []byte(`[{"op":"test","path":"/id","value":"ID"}]`), Header: map[string]string{"Content-Type": "application/json-patch+json"}},
	{Method: "POST", Path: "/fhir/$graphql", Body: []byte(`{"query":"{TYPE(id:\"ID\"){id}}"}`), Header: map[string]string{"Content-Type": "application/json"}},
	{Path: "/fhir/Patient/ID/$everything"}, {Path: "/fhir/Task/ID/$case"}, {Path: "/fhir/List?item=TYPE/ID"},
	{Method: "POST", Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"TYPE/ID"}}]}`)},
}

// alike: about what is out of reach the server says what it says of what is not
// there: status, headers, body, whatever way leads to it.
func (w *world) alike(t *testing.T) {
	var list []asked
	for range setting("TENON_ACCESS_ALIKE", 400) {
		p, x := pick(w, w.people), pick(w, w.things)
		if v := x.now(); p.sees("r", x, v, 1) > 0 || p.sees("s", x, v, 1) > 0 || p.own(x, v) {
			continue
		}
		list = append(list, asked{p, &question{way: w.r.IntN(len(ways)), path: x.ref()}})
	}
	if len(list) < 100 {
		t.Errorf("only %d things are out of reach", len(list))
	}
	w.each(t, list, func(one asked) error {
		n := one.q.way
		typ, id, _ := strings.Cut(one.q.path, "/")
		there, err := w.about(one.p, ways[n], typ, id)
		absent, err2 := w.about(one.p, ways[n], typ, "none"+id[1:])
		if err != nil || err2 != nil {
			return errors.Join(err, err2)
		}
		if there != absent {
			return fmt.Errorf("%s %s\nout of reach: %s\nabsent:       %s", ways[n].Method, one.q.path, there, absent)
		}
		return nil
	})
}

var moving = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[0-9:.]+Z`)

func (w *world) about(p *person, way servertest.Request, typ, id string) (string, error) {
	fill := strings.NewReplacer("TYPE", typ, "ID", id)
	way.Token, way.Path = p.token, fill.Replace(way.Path)
	if way.Body != nil {
		way.Body = []byte(fill.Replace(string(way.Body)))
	}
	if way.Method == "" {
		way.Method = "GET"
	}
	a, err := w.Try(context.Background(), way)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length", "Last-Modified"} {
		a.Header.Del(name)
	}
	text := strings.ReplaceAll(fmt.Sprint(a.Status, a.Header, string(a.Body)), id, "ID")
	return moving.ReplaceAllString(text, "…"), nil
}

// exports: a bulk export of some people, with and without an app.
func (w *world) exports(t *testing.T) {
	var list []asked
	for len(list) < setting("TENON_ACCESS_EXPORTS", 12) {
		p := pick(w, w.people)
		q := &question{path: "/fhir/$export?_type=Patient,Observation,Condition,Communication"}
		for _, typ := range strings.Fields("Patient Observation Condition Communication") {
			if !p.permitted("r", typ) {
				q.status = 403
			}
		}
		if q.status != 0 && w.r.IntN(4) > 0 {
			continue
		}
		for _, x := range w.things {
			if v := x.now(); strings.Contains(q.path, x.typ) && !v.deleted && p.sees("r", x, v, 1) > 0 {
				q.want = append(q.want, p.label("r", x, v))
			}
		}
		list = append(list, asked{p, q})
	}
	w.each(t, list, func(one asked) error { return w.export(one.p, one.q) })
}

func (w *world) export(p *person, q *question) error {
	ask := func(path string) (*servertest.Answer, error) {
		return w.Try(context.Background(), servertest.Request{Token: p.token, Method: "GET", Path: path, Header: map[string]string{"Prefer": "respond-async", "Accept": "*/*"}})
	}
	a, err := ask(q.path)
	if err != nil {
		return err
	}
	if q.status != 0 || a.Status != 202 {
		if a.Status != q.status {
			return fmt.Errorf("%s = %d %.300s, want %d", q.path, a.Status, a.Body, q.status)
		}
		return nil
	}
	job := strings.TrimPrefix(a.Header.Get("Content-Location"), w.URL)
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if a, err = ask(job); err != nil {
			return err
		}
		if a.Status == 200 {
			break
		}
		if a.Status != 202 && a.Status != 429 || time.Now().After(end) {
			return fmt.Errorf("%s = %d %.300s", job, a.Status, a.Body)
		}
	}
	var m struct{ Output []struct{ URL string } }
	if err := json.Unmarshal(a.Body, &m); err != nil {
		return err
	}
	var got []string
	for _, f := range m.Output {
		if a, err = ask(strings.TrimPrefix(f.URL, w.URL)); err != nil {
			return err
		}
		for line := range strings.Lines(string(a.Body)) {
			ref, err := w.came([]byte(line))
			if err != nil {
				return err
			}
			got = append(got, ref)
		}
	}
	return differ(q.path, got, q.want)
}
