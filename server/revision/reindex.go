package revision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tenon/fhir/tree"
	"tenon/server/search"
)

// The making of index rows for resources that are there already:
//
//	lacking ─ BeginReindex ─→ held ─ Reindex… ─→ at the end ─ FinishReindex ─→ complete
//	   ↑                       │  └ crash, LeaveReindex: goes on where it stood
//	   └ the definition changes┘
//
// A batch and the place that it ends at are committed together, under the
// revision of the definitions that its rows were made by, so that nothing is
// left out, wherever it breaks off. What is written meanwhile has the new rows
// already: no unit of an earlier revision commits.

// Batches begin with so many resources and are fitted to the pace, so that
// writers who wait behind one hardly notice.
const (
	firstBatch, leastBatch, mostBatch = 100, 20, 2000
	briskBatch, slowBatch             = 15 * time.Millisecond, 60 * time.Millisecond
)

// slice is how long one group of subjects is worked on before others get their
// turn, and a write that waits for its own parameter.
const slice = time.Second

// Settle brings the current Revision up to date after a commit that changed
// definitions. A new search parameter answers when it returns, if no more than
// limit resources had to be indexed for it; otherwise Run completes it.
func (k *Keeper) Settle(ctx context.Context, limit int) error {
	if err := k.Refresh(ctx); err != nil {
		return err
	}
	if limit <= 0 {
		return nil
	}
	posted := func(s Subject) bool { _, ok := s.Posted(); return ok }
	for limit > 0 {
		worked, err := k.turn(ctx, posted, &limit)
		if err != nil || !worked {
			return err
		}
	}
	if slices.ContainsFunc(k.Current().subjects(), posted) {
		k.o.Log.Info("search parameters are completed in the background")
	}
	return nil
}

// Complete makes the rows that lack, until all are there or another server works
// on what is left.
func (k *Keeper) Complete(ctx context.Context) (err error) {
	unlimited := int(^uint(0) >> 1)
	for err == nil {
		var worked bool
		if worked, err = k.turn(ctx, func(Subject) bool { return true }, &unlimited); err == nil && !worked {
			return nil
		}
	}
	last := context.WithoutCancel(ctx)
	why := ""
	if ctx.Err() == nil {
		why = err.Error()
	}
	return errors.Join(err, k.o.Store.LeaveReindex(last, k.holder, why))
}

// turn works for one slice on the subjects that stand at the same place; worked
// is false when there is none that this server may work on.
func (k *Keeper) turn(ctx context.Context, which func(Subject) bool, limit *int) (worked bool, err error) {
	select { // one at a time
	case k.busy <- struct{}{}:
		defer func() { <-k.busy }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	now := k.Current()
	subjects := slices.DeleteFunc(now.subjects(), func(s Subject) bool { return !which(s) })
	if len(subjects) == 0 {
		return false, nil
	}
	all, err := k.o.Store.BeginReindex(ctx, now.Number, k.holder, subjects)
	if errors.Is(err, ErrMoved) {
		return true, k.Refresh(ctx)
	}
	if err != nil {
		return false, err
	}
	g := grouped(all)
	if g == nil {
		return false, nil
	}
	w := &work{k: k, now: now, group: g}
	if err = w.run(ctx, limit); errors.Is(err, ErrMoved) {
		err = nil
	}
	if err != nil {
		return true, err
	}
	return true, k.Refresh(ctx)
}

// grouped are the subjects that stand where the one that is least far stands,
// and look at the same types: one pass serves them all.
func grouped(all []Progress) []Progress {
	var first *Progress
	for i := range all {
		if p := &all[i]; p.Held && (first == nil || p.At < first.At) {
			first = p
		}
	}
	if first == nil {
		return nil
	}
	var g []Progress
	for _, p := range all {
		if p.Held && p.At == first.At && slices.Equal(p.Types, first.Types) && (p.Name == WholeIndex) == (first.Name == WholeIndex) {
			g = append(g, p)
		}
	}
	return g
}

// work is a pass over the resources for a group of subjects.
type work struct {
	k     *Keeper
	now   *Revision
	group []Progress
	keys  []search.Key   // besides those of posted parameters
	tell  func(Progress) // after each batch; may be nil
	done  bool
}

// run goes on for a slice, or while limit lasts.
func (w *work) run(ctx context.Context, limit *int) error {
	b := w.batch()
	done := w.group[0].Done
	for until := time.Now().Add(slice); time.Now().Before(until) && *limit > 0; {
		began := time.Now()
		step, err := w.k.o.Store.Reindex(ctx, b, w.rows(b.Keys))
		if err != nil {
			return err
		}
		b.From, done = step.At, done+int64(step.Seen)
		*limit -= step.Seen
		if w.tell != nil {
			p := w.group[0]
			p.At, p.Done = step.At, done
			w.tell(p)
		}
		if step.End {
			return w.finish(ctx, b.From, done)
		}
		b.Limit = fitted(b.Limit, time.Since(began))
	}
	return nil
}

func fitted(n int, took time.Duration) int {
	switch {
	case took < briskBatch:
		n *= 2
	case took > slowBatch:
		n /= 2
	}
	return min(max(n, leastBatch), mostBatch)
}

func (w *work) batch() Batch {
	b := Batch{Number: w.now.Number, Holder: w.k.holder, Types: w.group[0].Types, From: w.group[0].At, Limit: firstBatch, Keys: w.keys}
	for _, p := range w.group {
		b.Subjects = append(b.Subjects, p.Name)
		if at, ok := p.Posted(); ok {
			b.Keys = append(b.Keys, w.now.added[name{at.Type, at.ID}].Keys...)
		}
	}
	return b
}

// finish notes that all is there. That nothing was looked at although there was
// something is no completion, whatever the reason.
func (w *work) finish(ctx context.Context, at, done int64) error {
	if total := w.group[0].Total; done == 0 && total > 0 {
		return fmt.Errorf("revision: none of %d resources was looked at for %s", total, w.group[0].Name)
	}
	subjects := make([]Subject, len(w.group))
	for i, p := range w.group {
		subjects[i] = p.Subject
	}
	err := w.k.o.Store.FinishReindex(ctx, w.now.Number, w.k.holder, subjects, at)
	w.done = err == nil
	return err
}

// rows makes the rows of a stored resource; of these keys, or all.
func (w *work) rows(keys []search.Key) func(body []byte) (search.Rows, error) {
	wanted := make(map[search.Key]bool, len(keys))
	for _, key := range keys {
		wanted[key] = true
	}
	return func(body []byte) (search.Rows, error) {
		var doc tree.Doc // rows point into it
		if err := doc.Parse(body, tree.Limits{}); err != nil {
			return search.Rows{}, err
		}
		all, err := w.now.Search.Index(doc.Root())
		if err != nil || len(keys) == 0 {
			return all, err
		}
		return all.Only(wanted), nil
	}
}
