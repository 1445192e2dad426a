package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
	"tenon/server/search"
)

// batch is what one turn matches: versions in the order of the log.
type batch struct {
	e      *Engine
	ctx    context.Context
	leaves []Leaf
	heads  map[string]int64 // current version of Type/id
	seen   map[record.VersionRef]*record.Version
	news   [][]Step // of each leaf
}

// match makes the events of the leaves.
func (e *Engine) match(ctx context.Context, rows []Row, leaves []Leaf, t *Turn) error {
	listeners, err := e.listeners(ctx, rows)
	if err != nil || len(listeners) == 0 || len(leaves) == 0 {
		return err
	}
	b := &batch{e: e, ctx: ctx, leaves: leaves, seen: map[record.VersionRef]*record.Version{}, news: make([][]Step, len(leaves))}
	refs := make([]record.VersionRef, len(leaves))
	for i, l := range leaves {
		refs[i] = l.VersionRef
	}
	if b.heads, err = e.o.Store.Heads(ctx, refs); err != nil {
		return err
	}
	if err := b.load(refs); err != nil {
		return err
	}
	for i := range listeners {
		for _, trigger := range listeners[i].spec.Triggers() {
			if err := b.trigger(&listeners[i], trigger); err != nil {
				return fmt.Errorf("feed: Subscription/%s: %w", listeners[i].row.ID, err)
			}
		}
	}
	for _, steps := range b.news {
		t.Steps = append(t.Steps, steps...)
	}
	return nil
}

// listeners are the subscriptions in force, with who the subscriber is now. One
// whose subscriber is nobody any more hears nothing; delivery switches it off.
func (e *Engine) listeners(ctx context.Context, rows []Row) (all []active, err error) {
	people := map[access.Authority]*access.Context{}
	for i := range rows {
		r := &rows[i]
		spec, err := e.spec(r)
		if err != nil || !listening(r) || !spec.End.IsZero() && !e.o.Clock().Before(spec.End) {
			continue
		}
		who, known := people[r.authority()]
		if !known {
			who, err = e.o.Resolve(ctx, r.authority())
			if err != nil && issue.As(err) == nil {
				return nil, err
			}
			if err != nil {
				who = nil
			}
			people[r.authority()] = who
		}
		if who == nil {
			if err := e.o.Store.Resume(ctx, r.ID); err != nil {
				return nil, err
			}
			continue
		}
		all = append(all, active{r, spec, who})
	}
	return all, nil
}

// load reads what is said of versions, without their bodies.
func (b *batch) load(refs []record.VersionRef) error {
	found, err := b.e.o.Store.Versions(b.ctx, false, refs...)
	for i := range found {
		v := &found[i]
		b.seen[record.VersionRef{Type: v.Type, ID: v.ID, Version: v.Version}] = v
	}
	return err
}

// change is what a version did.
func (b *batch) change(v *record.Version) (subscription.Change, error) {
	switch {
	case v.Deleted:
		return subscription.Delete, nil
	case v.Version == 1:
		return subscription.Create, nil
	}
	before := record.VersionRef{Type: v.Type, ID: v.ID, Version: v.Version - 1}
	if b.seen[before] == nil {
		if err := b.load([]record.VersionRef{before}); err != nil {
			return 0, err
		}
	}
	if old := b.seen[before]; old != nil && old.Deleted {
		return subscription.Create, nil
	}
	return subscription.Update, nil
}

// candidate is a leaf that may make an event.
type candidate struct {
	leaf   int
	v      *record.Version
	change subscription.Change
}

// trigger makes the events of one trigger of one subscription.
func (b *batch) trigger(a *active, t subscription.Trigger) error {
	var now, then []candidate
	for i, l := range b.leaves {
		v := b.seen[l.VersionRef]
		if l.Type != t.Type || v == nil {
			continue
		}
		change, err := b.change(v)
		if err != nil {
			return err
		}
		if t.On&change == 0 {
			continue
		}
		if b.heads[l.Type+"/"+l.ID] == l.Version && !v.Deleted {
			now = append(now, candidate{i, v, change})
		} else {
			then = append(then, candidate{i, v, change})
		}
	}
	if len(now)+len(then) == 0 {
		return nil
	}
	plan, err := b.e.plan(a.who, t)
	if err != nil {
		if f := issue.As(err); f != nil { // a parameter that is no more
			b.e.o.Log.Warn("criteria are not understood any more", "subscription", a.row.ID, "rule", f.Issues[0].Rule)
			return nil
		}
		return err
	}
	found, err := b.current(plan, now)
	if err != nil {
		return err
	}
	for _, c := range then {
		ok, err := b.former(a.who, plan, t, c)
		if err != nil {
			return err
		}
		if ok {
			found = append(found, c)
		}
	}
	return b.add(a, t, found)
}

// current keeps the candidates that the plan finds; they are as they were.
func (b *batch) current(plan *search.Plan, all []candidate) (found []candidate, err error) {
	if len(all) == 0 {
		return nil, nil
	}
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.v.ID
	}
	p := *plan
	p.Root.Where = append(plan.Root.Where[:len(plan.Root.Where):len(plan.Root.Where)], search.IDs{IDs: ids})
	p.Count = len(ids)
	page, err := b.e.o.Store.Search(b.ctx, &p)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, h := range page.Hits {
		there[h.ID] = true
	}
	for _, c := range all {
		if there[c.v.ID] {
			found = append(found, c)
		}
	}
	return found, nil
}

// former judges a version that is not the current one any more, or a deletion,
// which is judged by the version before it. Reach is that of now.
func (b *batch) former(who *access.Context, plan *search.Plan, t subscription.Trigger, c candidate) (bool, error) {
	if _, err := b.e.o.Store.Read(b.ctx, who.Reach(), c.v.Type, c.v.ID); err != nil {
		if errors.Is(err, record.ErrAbsent) {
			err = nil
		}
		return false, err
	}
	if len(t.Queries) == 0 {
		return true, nil
	}
	version := c.v.Version
	if c.v.Deleted {
		version--
	}
	v, root, err := b.body(record.VersionRef{Type: c.v.Type, ID: c.v.ID, Version: version})
	if err != nil || v == nil {
		return false, err
	}
	rows, err := b.e.o.Definitions().Search.Index(root)
	if err != nil {
		return false, err
	}
	p := *plan
	p.Root.Where = append(plan.Root.Where[:len(plan.Root.Where):len(plan.Root.Where)], search.IDs{IDs: []string{c.v.ID}})
	p.Count = 1
	return b.e.o.Store.MatchesAs(b.ctx, &p, v, rows)
}

func (b *batch) body(ref record.VersionRef) (*record.Version, tree.Node, error) {
	found, err := b.e.o.Store.Versions(b.ctx, true, ref)
	if err != nil || len(found) == 0 || found[0].Deleted {
		return nil, tree.Node{}, err
	}
	doc, err := tree.Parse(found[0].Body)
	if err != nil {
		return nil, tree.Node{}, err
	}
	return &found[0], doc.Root(), nil
}

// add keeps what was found as events of the leaves.
func (b *batch) add(a *active, t subscription.Trigger, found []candidate) error {
	for _, c := range found {
		if c.change == subscription.Update && len(t.Changed) > 0 {
			changed, err := b.changed(c.v, t.Changed)
			if err != nil {
				return err
			}
			if !changed {
				continue
			}
		}
		b.news[c.leaf] = append(b.news[c.leaf], Step{For: a.row.ID, Due: a.spec.Channel == subscription.RestHook, Event: subscription.Event{
			At: c.v.Updated, Type: c.v.Type, ID: c.v.ID, Version: c.v.Version, Change: c.change,
		}})
	}
	return nil
}

// changed tells whether one of the elements differs from the version before.
func (b *batch) changed(v *record.Version, elements []string) (bool, error) {
	_, now, err := b.body(record.VersionRef{Type: v.Type, ID: v.ID, Version: v.Version})
	if err != nil || !now.Exists() {
		return false, err
	}
	_, old, err := b.body(record.VersionRef{Type: v.Type, ID: v.ID, Version: v.Version - 1})
	if err != nil || !old.Exists() {
		return err == nil, err
	}
	for _, name := range elements {
		if !bytes.Equal(compact(now.Field(name)), compact(old.Field(name))) {
			return true, nil
		}
	}
	return false, nil
}

// compact is an element without the white space of its writer.
func compact(n tree.Node) []byte {
	if !n.Exists() {
		return nil
	}
	var out bytes.Buffer
	if err := json.Compact(&out, n.Raw()); err != nil {
		return n.Raw()
	}
	return out.Bytes()
}

// plan is the search of a trigger with the reach of the subscriber.
// Failures: 400 and 422 where the criteria are not served.
func (e *Engine) plan(who *access.Context, t subscription.Trigger) (*search.Plan, error) {
	var params []search.Param
	for _, q := range t.Queries {
		more, err := search.ParseQuery(q)
		if err != nil {
			return nil, err
		}
		params = append(params, more...)
	}
	plan, _, err := e.o.Definitions().Search.Parse(search.Request{
		Type: t.Type, Params: params, Strict: true, Now: e.o.Clock(), BaseURL: e.o.BaseURL,
		Reach: func(string) access.Predicate { return who.Reach() }, Principal: who.Principal,
	})
	if err != nil {
		return nil, err
	}
	if len(plan.Include) > 0 || len(plan.Sort) > 0 || plan.After != nil || plan.Count == 0 {
		return nil, issue.Errorf(issue.NotSupported, "Criteria say which resources match; what an answer holds, and in which order, is of no use in them: %q.", t.Queries).
			WithStatus(422).At("Subscription.criteria").Rule("subscription-criteria").Chinese("订阅条件只能包含检索条件。")
	}
	plan.Total, plan.Sort, plan.Include, plan.MaxPages = false, nil, nil, 0
	return plan, nil
}
