package suite

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Limits of one answer and one case: a server cannot hang or flood the suite.
const (
	mostBytes = 32 << 20
	mostPages = 60
	mostPolls = 120
	pollEvery = 250 * time.Millisecond
)

// tagSystem is the system of the tags on all that the suite writes.
const tagSystem = "urn:tenon:conformance"

// exchange is the talk of one case, or of one fixture, with the server.
type exchange struct {
	base, token string
	http        *http.Client
	claims      *claims

	vars    map[string]string
	refs    map[string]string // "Type/id" → the name it has in the case
	created []string          // "Type/id", in order
}

// answer is what came back.
type answer struct {
	verb, url string
	sent      string
	status    int
	header    http.Header
	raw       []byte
	body      any // decoded, nil without one
	bad       error
	pages     int
}

func (r *run) exchange() *exchange {
	x := &exchange{base: r.base, token: r.Token, http: r.client, claims: r.claims, refs: map[string]string{}}
	tag := "t" + unique()
	x.vars = map[string]string{
		"tag": tag, "base": r.base, "scope": "_tag=" + tagSystem + "|" + tag, "system": tagSystem,
		"uuid": uuid(), "uuid2": uuid(), "uuid3": uuid(), "uuid4": uuid(), "today": time.Now().UTC().Format(time.DateOnly),
		"yesterday": time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly),
	}
	x.vars["many"] = strings.TrimSuffix(strings.Repeat(`{"resource":{"resourceType":"Basic","code":{"text":"x"},"meta":{"tag":[{"system":"`+tagSystem+
		`","code":"`+tag+`"}]}},"request":{"method":"POST","url":"Basic"}},`, 200), ",")
	return x
}

// within is the exchange of a case whose fixture is there.
func (r *run) within(fixture *exchange) *exchange {
	x := r.exchange()
	own := x.vars["tag"]
	maps.Copy(x.vars, fixture.vars)
	maps.Copy(x.refs, fixture.refs)
	x.vars["own"] = own
	return x
}

func unique() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x", b)
}

func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// fill puts in what ${name} stands for.
func (x *exchange) fill(text string) (string, error) {
	var unknown error
	filled := variable.ReplaceAllStringFunc(text, func(v string) string {
		value, ok := x.vars[v[2:len(v)-1]]
		if !ok {
			unknown = fmt.Errorf("%s was never saved", v)
		}
		return value
	})
	return filled, unknown
}

// address makes a URL of what a case writes: the query is as a person reads it
// and is escaped here; "%" stays.
func (x *exchange) address(target string) string {
	if strings.HasPrefix(target, "http://") || strings.HasPrefix(target, "https://") {
		return target
	}
	path, query, asked := strings.Cut(target, "?")
	at := x.base
	if path != "" {
		at += "/" + path
	}
	if asked {
		at += "?" + escape(query)
	}
	return at
}

func escape(query string) string {
	var b strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("+\"<>\\^`{|}#", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// send sends one request. The error is of the transport alone.
func (x *exchange) send(ctx context.Context, verb, target, body string, header [][2]string) (*answer, error) {
	at := x.address(target)
	var payload io.Reader
	if body != "" {
		payload = strings.NewReader(body)
	}
	q, err := http.NewRequestWithContext(ctx, verb, at, payload)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Accept", "application/fhir+json")
	if body != "" {
		q.Header.Set("Content-Type", "application/fhir+json")
	}
	if x.token != "" {
		q.Header.Set("Authorization", "Bearer "+x.token)
	}
	for _, h := range header {
		if h[1] == "-" {
			q.Header.Del(h[0])
			continue
		}
		q.Header.Set(h[0], h[1])
	}
	res, err := x.http.Do(q)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, fmt.Errorf("%s %s: %w", verb, at, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, mostBytes))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", verb, at, err)
	}
	a := &answer{verb: verb, url: at, sent: body, status: res.StatusCode, header: res.Header, raw: raw}
	a.decode()
	x.noteCreated(a)
	return a, nil
}

func (a *answer) decode() {
	if len(bytes.TrimSpace(a.raw)) == 0 {
		return
	}
	media := a.header.Get("Content-Type")
	switch {
	case strings.Contains(media, "json") && !strings.Contains(media, "ndjson"):
		d := json.NewDecoder(bytes.NewReader(a.raw))
		d.UseNumber()
		a.bad = d.Decode(&a.body)
	case strings.Contains(media, "xml"):
		a.body, a.bad = fromXML(a.raw)
	}
}

// noteCreated keeps what has to be deleted afterwards.
func (x *exchange) noteCreated(a *answer) {
	if a.status == http.StatusCreated {
		x.note(a.header.Get("Location"))
	}
	if a.verb == http.MethodPost && a.status == http.StatusOK {
		for _, r := range pick(a.body, "entry.response") {
			if s := strings.Join(texts(pick(r, "status")), ""); strings.HasPrefix(s, "201") {
				x.note(strings.Join(texts(pick(r, "location")), ""))
			}
		}
	}
}

func (x *exchange) note(location string) {
	if ref := reference(location); ref != "" {
		x.created = append(x.created, ref)
	}
}

// reference is "Type/id" of a URL, absolute or relative, versioned or not.
func reference(location string) string {
	before, _, _ := strings.Cut(location, "/_history/")
	parts := strings.Split(before, "/")
	if len(parts) < 2 || !isType(parts[len(parts)-2]) {
		return ""
	}
	return strings.Join(parts[len(parts)-2:], "/")
}

// clean deletes what was created, the newest first: it is pointed at by none
// that stays. What the server keeps, it keeps.
func (x *exchange) clean(ctx context.Context) {
	for i := len(x.created) - 1; i >= 0; i-- {
		typ, _, _ := strings.Cut(x.created[i], "/")
		if x.claims.claimed(Need(typ + " delete")) {
			_, _ = x.send(ctx, http.MethodDelete, x.created[i], "", nil) // it is clean-up: nothing depends on it
		}
	}
	x.created = nil
}
