package revision

import (
	"context"
	"errors"
	"math"
	"time"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// Rebuild makes rows anew that are there already: all of them, or those of one
// parameter, named by Type.code, SearchParameter/id or the URL of its
// definition. Parameters answer meanwhile, since the rows of a resource are
// replaced at once. It goes on where a rebuild was interrupted; while another
// works on the same it waits. tell is told how far it is.
func (k *Keeper) Rebuild(ctx context.Context, what string, tell func(Progress)) error {
	began := time.Now()
	for {
		subject, keys, err := k.Current().subject(what)
		if err != nil {
			return err
		}
		done, err := k.rebuild(ctx, subject, keys, began, tell)
		switch {
		case errors.Is(err, ErrMoved):
			err = k.Refresh(ctx)
		case done && err == nil:
			return k.Refresh(ctx)
		}
		if err != nil {
			return errors.Join(err, k.o.Store.LeaveReindex(context.WithoutCancel(ctx), k.holder, ""))
		}
	}
}

// rebuild works for a slice, or waits for another who does.
func (k *Keeper) rebuild(ctx context.Context, s Subject, keys []search.Key, began time.Time, tell func(Progress)) (done bool, err error) {
	all, err := k.o.Store.Reindexes(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range all {
		if p.Name == s.Name && p.Finished.After(began) {
			return true, nil // by another
		}
	}
	now := k.Current()
	if all, err = k.o.Store.BeginReindex(ctx, now.Number, k.holder, []Subject{s}); err != nil {
		return false, err
	}
	if !all[0].Held {
		tell(all[0])
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(patience):
			return false, nil
		}
	}
	w := &work{k: k, now: now, group: all, keys: keys, tell: tell}
	limit := math.MaxInt
	err = w.run(ctx, &limit)
	return w.done, err
}

// subject finds what a person means.
func (r *Revision) subject(what string) (Subject, []search.Key, error) {
	if what == "" || what == WholeIndex {
		return Subject{Name: WholeIndex, Version: search.Format, Types: r.Model.Resources()}, nil, nil
	}
	for at, a := range r.added {
		d := r.parts.posted[at]
		if what != at.typ+"/"+at.id && (d.parameter == nil || d.parameter.URL != what) {
			continue
		}
		if a.Failure != nil {
			return Subject{}, nil, a.Failure
		}
		return Subject{Name: at.typ + "/" + at.id, Version: d.Version, Signature: a.Signature, Types: a.Types}, nil, nil
	}
	for _, typ := range r.Model.Resources() {
		for _, p := range r.Search.Parameters(typ) {
			if p.URL == what || typ+"."+p.Code == what || p.Base+"."+p.Code == what {
				return r.own(p)
			}
		}
	}
	return Subject{}, nil, issue.Errorf(issue.NotFound, "There is no search parameter %q: name it as Type.code, SearchParameter/id or by its URL.", what).
		Rule("search-parameter-unknown").Chinese("没有该检索参数。")
}

// own is a parameter of R4 itself, on all types that share its rows.
func (r *Revision) own(p *search.Parameter) (Subject, []search.Key, error) {
	return Subject{Name: p.Base + "." + p.Code, Version: search.Format, Types: r.Search.Types(p.Base)}, p.Keys(), nil
}
