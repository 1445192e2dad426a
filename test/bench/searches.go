package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"tenon/server/store/rawtest"
)

// asked is what one kind of search took at one size.
type asked struct {
	operator, person, raw []time.Duration
	hits                  int   // of the first page that had some
	bySearch, byHand      []int // hits of each page, where both were asked
}

// searches are the figures of all kinds, by size.
type searches struct {
	sizes  []int
	memory []float64 // p50 of the handler from memory at each size
	by     map[string][]*asked
	table  table
}

// searches asks every kind in rounds: by hand, as the operator who reaches
// everything, and as the person with 20 cases; one client, so that the figures are
// latencies.
func (b *bench) searches(ctx context.Context, size int) error {
	if b.name == "postgres" {
		time.Sleep(3 * time.Second) // the statistics of the last growth
	}
	f, err := rawtest.OpenFinder(ctx, b.srv.database, filepath.Join(b.srv.data, "db"))
	if err != nil {
		return err
	}
	defer f.Close()
	if b.search.by == nil {
		b.search.by = map[string][]*asked{}
	}
	all := kinds()
	for _, k := range all {
		b.search.by[k.label()] = append(b.search.by[k.label()], &asked{})
	}
	var memory []time.Duration
	for round := range b.rounds {
		for i, k := range all {
			if err := b.askKind(ctx, f, k, round*len(all)+i); err != nil {
				return fmt.Errorf("%s: %w", k.label(), err)
			}
			at := time.Now()
			if _, err := b.srv.get(ctx, b.srv.beside, request{path: "/memory"}); err != nil {
				return err
			}
			memory = append(memory, time.Since(at))
		}
	}
	b.search.sizes = append(b.search.sizes, size)
	b.search.memory = append(b.search.memory, share(memory, 0.5))
	return b.together(ctx, all, size)
}

func (k kind) label() string { return k.name + " | " + k.hits }

// askKind asks a kind once unmeasured and then some times.
func (b *bench) askKind(ctx context.Context, f *rawtest.Finder, k kind, seed int) error {
	have := b.search.by[k.label()]
	a := have[len(have)-1]
	for n := range b.asks + 1 {
		q := k.ask(b.chance(seed*1000 + n))
		found := 0
		if q.raw != nil {
			at := time.Now()
			var err error
			if found, err = f.Find(ctx, *q.raw); err != nil {
				return err
			}
			a.raw = more(a.raw, n, time.Since(at))
		}
		at := time.Now()
		got, err := b.srv.do(ctx, request{path: q.path})
		if err != nil {
			return err
		}
		a.operator = more(a.operator, n, time.Since(at))
		at = time.Now()
		if _, err := b.srv.do(ctx, request{path: q.path, token: b.person}); err != nil {
			return err
		}
		a.person = more(a.person, n, time.Since(at))
		if err := a.saw(got.body, q.raw != nil, found); err != nil {
			return err
		}
	}
	return nil
}

// saw counts the hits of the first page.
func (a *asked) saw(body []byte, both bool, found int) error {
	if a.hits > 0 && !both || len(a.bySearch) > 3 {
		return nil
	}
	var page struct {
		Total int
		Entry []json.RawMessage
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return err
	}
	a.hits = max(a.hits, len(page.Entry), page.Total)
	if both {
		a.bySearch, a.byHand = append(a.bySearch, len(page.Entry)), append(a.byHand, min(found, 20))
	}
	return nil
}

// more leaves out the first one.
func more(took []time.Duration, n int, d time.Duration) []time.Duration {
	if n == 0 {
		return took
	}
	return append(took, d)
}

// together asks all kinds from several clients.
func (b *bench) together(ctx context.Context, all []kind, size int) error {
	var n atomic.Int64
	var got series
	for round := range b.rounds {
		if round == 0 {
			go b.srv.profile(ctx, b.profiles, b.name+"-search", b.each)
		}
		each, _, err := rate(b.each, b.clients, func() error {
			i := int(n.Add(1))
			_, err := b.srv.do(ctx, request{path: all[i%len(all)].ask(b.chance(i)).path})
			return err
		})
		if err != nil {
			return err
		}
		got = append(got, each)
	}
	b.say("%.0f searches/s of all kinds at %d resources", got.median(), size)
	b.search.table.add(row{what: fmt.Sprintf("all kinds in turn, %d clients, %s resources, searches/s", b.clients, thousands(size)), got: got})
	return nil
}

// markdown writes a line for each kind; with two sizes, the ratio between them.
func (s *searches) markdown() string {
	if len(s.sizes) == 0 {
		return ""
	}
	var out strings.Builder
	for i, size := range s.sizes {
		fmt.Fprintf(&out, "\nSearches at %s resources, first page of 20, over HTTP with audit, one client, ms. The same answer from memory, with the audit: %s. Goal: p50 ≤ 5%s.\n\n", thousands(size), number(s.memory[i]),
			map[bool]string{true: " and ≤ 1.5 × or + 1 ms of its value at " + thousands(s.sizes[0])}[i > 0])
		out.WriteString("| search | hits | operator p50 | p99 | 20 cases p50 | p99 | raw SQL p50 |")
		if i > 0 {
			out.WriteString(" × smaller | 20 cases × |")
		}
		out.WriteString("\n|---|---|---|---|---|---|---|" + strings.Repeat("---|", 2*min(i, 1)) + "\n")
		for _, k := range kinds() {
			s.line(&out, k, i)
		}
	}
	return out.String() + "\n" + s.table.markdown()
}

func (s *searches) line(out *strings.Builder, k kind, i int) {
	a := s.by[k.label()][i]
	raw := ""
	if len(a.raw) > 0 {
		raw = number(share(a.raw, 0.5))
	}
	fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |", k.label(), number(share(a.operator, 0.5)), number(share(a.operator, 0.99)),
		number(share(a.person, 0.5)), number(share(a.person, 0.99)), raw)
	if i > 0 {
		first := s.by[k.label()][0]
		fmt.Fprintf(out, " %s | %s |", number(share(a.operator, 0.5)/share(first.operator, 0.5)), number(share(a.person, 0.5)/share(first.person, 0.5)))
	}
	out.WriteString("\n")
}
