package suite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fault is an answer that is not as the clause wants it.
type fault struct {
	answer *answer
	wrong  string
	mild   bool // an error is told by its status, but not by an OperationOutcome, which a server SHOULD
}

func (f *fault) Error() string { return f.wrong + "\n" + f.answer.String() }

// refused is the clean refusal of what is optional.
type refused struct{ why string }

func (r *refused) Error() string { return r.why }

// play sends a step and judges its answer.
func (x *exchange) play(ctx context.Context, s step, optional bool) error {
	target, err := x.fill(s.target)
	if err != nil {
		return err
	}
	body, err := x.fill(s.body)
	if err != nil {
		return err
	}
	header := slices.Clone(s.header)
	for i := range header {
		if header[i][1], err = x.fill(header[i][1]); err != nil {
			return err
		}
	}
	if s.name != "" {
		return x.make(ctx, s, target, body)
	}
	if s.times > 1 {
		return x.together(ctx, s, target, body, header)
	}
	a, err := x.ask(ctx, s, target, body, header)
	if err != nil {
		return err
	}
	if why, ok := declined(s, a); ok && optional {
		return &refused{why}
	}
	return x.judge(a, s)
}

func (x *exchange) ask(ctx context.Context, s step, target, body string, header [][2]string) (*answer, error) {
	switch s.verb {
	case "WALK":
		return x.walk(ctx, s, target, header)
	case "POLL":
		return x.poll(ctx, target, header)
	}
	return x.send(ctx, s.verb, target, body, header)
}

func (x *exchange) judge(a *answer, s step) error {
	for _, t := range s.tests {
		wrong, err := x.check(a, t)
		if err != nil {
			return err
		}
		if wrong != "" {
			return &fault{a, wrong, t.kind == "outcome"}
		}
	}
	for _, v := range s.saves {
		if err := x.keep(a, v); err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) keep(a *answer, v save) error {
	values := a.header.Values(v.path)
	if v.from == "body" {
		values = texts(pick(a.body, v.path))
	}
	if len(values) == 0 {
		return &fault{answer: a, wrong: v.from + " " + v.path + " is missing"}
	}
	value := values[0]
	if v.pattern != "" {
		m := regexp.MustCompile(v.pattern).FindStringSubmatch(value) // compiled before, when it was read
		if len(m) < 2 {
			return &fault{answer: a, wrong: fmt.Sprintf("%s %s is %q, wanted: like %s", v.from, v.path, value, v.pattern)}
		}
		value = m[1]
	}
	x.vars[v.name] = value
	return nil
}

// make creates a named resource; ${name} is then its reference, ${name.id},
// ${name.version} and ${name.updated} what the server gave it.
func (x *exchange) make(ctx context.Context, s step, target, body string) error {
	a, err := x.send(ctx, http.MethodPost, target, body, [][2]string{{"Prefer", "return=representation"}})
	if err != nil {
		return err
	}
	ref := reference(a.header.Get("Location"))
	if a.status != http.StatusCreated || ref == "" {
		return &fault{answer: a, wrong: "setup: " + s.name + " is not created (201 with a Location)"}
	}
	_, version, _ := strings.Cut(a.header.Get("Location"), "/_history/")
	if v := text(one(a.body, "meta.versionId")); v != "" {
		version = v
	}
	_, id, _ := strings.Cut(ref, "/")
	x.vars[s.name], x.vars[s.name+".id"], x.vars[s.name+".version"] = ref, id, version
	x.vars[s.name+".updated"] = text(one(a.body, "meta.lastUpdated"))
	x.refs[ref] = s.name
	return nil
}

// walk follows the next links; the answer is the last page with the entries of
// all. Between the pages the waiting requests are sent, one at a time.
func (x *exchange) walk(ctx context.Context, s step, target string, header [][2]string) (*answer, error) {
	var entries []any
	waits := s.waits
	for pages := 1; pages <= mostPages; pages++ {
		a, err := x.send(ctx, http.MethodGet, target, "", header)
		if err != nil || a.status != http.StatusOK {
			return a, err
		}
		entries = append(entries, pick(a.body, "entry")...)
		next := texts(pick(a.body, "link[relation=next].url"))
		if len(next) == 0 {
			if m, ok := a.body.(map[string]any); ok {
				m["entry"] = entries
			}
			a.pages = pages
			return a, nil
		}
		target = resolve(a.url, next[0])
		if len(waits) > 0 {
			if err := x.between(ctx, waits[0]); err != nil {
				return nil, err
			}
			waits = waits[1:]
		}
	}
	return nil, fmt.Errorf("WALK %s: there is a next link after %d pages", s.target, mostPages)
}

// between sends a request "VERB target body" that must succeed.
func (x *exchange) between(ctx context.Context, line string) error {
	line, err := x.fill(line)
	if err != nil {
		return err
	}
	f := append(strings.SplitN(line, " ", 3), "")
	a, err := x.send(ctx, f[0], f[1], f[2], nil)
	if err != nil {
		return err
	}
	if a.status >= 300 {
		return &fault{answer: a, wrong: "setup: a write between two pages is refused"}
	}
	return nil
}

// poll asks until the answer is another than 202.
// https://hl7.org/fhir/R4/async.html
func (x *exchange) poll(ctx context.Context, target string, header [][2]string) (*answer, error) {
	for range mostPolls {
		a, err := x.send(ctx, http.MethodGet, target, "", header)
		if err != nil || a.status != http.StatusAccepted {
			return a, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
	return nil, fmt.Errorf("GET %s: still 202 after %d requests", target, mostPolls)
}

// together sends one request several times at once and counts the statuses.
func (x *exchange) together(ctx context.Context, s step, target, body string, header [][2]string) error {
	answers, errs := make([]*answer, s.times), make([]error, s.times)
	var all sync.WaitGroup
	for i := range s.times {
		all.Go(func() {
			own := *x // what is created is gathered below
			own.created = nil
			answers[i], errs[i] = own.send(ctx, s.verb, target, body, header)
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	counts := map[string]int{}
	for _, a := range answers {
		x.noteCreated(a)
		counts[strconv.Itoa(a.status)]++
	}
	for _, t := range s.tests {
		if t.kind != "statuses" {
			continue
		}
		for _, want := range t.args {
			status, n, _ := strings.Cut(want, ":")
			if strconv.Itoa(counts[status]) != n {
				return &fault{answer: answers[0], wrong: fmt.Sprintf("of %d equal requests at once these statuses came: %v, wanted: %s", s.times, counts, want)}
			}
		}
	}
	return nil
}

// shown is how much of a body a report shows.
const shown = 1200

// String shows request and answer.
func (a *answer) String() string {
	var b bytes.Buffer
	fmt.Fprintf(&b, "request: %s %s\n", a.verb, a.url)
	if a.sent != "" {
		fmt.Fprintf(&b, "         %s\n", cut(a.sent))
	}
	fmt.Fprintf(&b, "answer:  %d", a.status)
	for _, name := range []string{"Content-Type", "Location", "Etag", "Last-Modified", "Content-Location"} {
		if v := a.header.Get(name); v != "" {
			fmt.Fprintf(&b, " %s=%s", name, v)
		}
	}
	if len(a.raw) > 0 {
		fmt.Fprintf(&b, "\n         %s", cut(string(a.raw)))
	}
	return b.String()
}

func cut(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > shown {
		return strings.ToValidUTF8(s[:shown], "") + " …"
	}
	return s
}
