package revision

import (
	"context"
	"fmt"

	"tenon/fhir/tree"
	"tenon/server/search"
)

// batch is how many resources are indexed anew in one transaction.
const batch = 500

// Settle brings the current Revision up to date after a commit that changed
// definitions. A new search parameter answers when it returns, if no more than
// limit resources had to be indexed for it; otherwise Run completes it.
func (k *Keeper) Settle(ctx context.Context, limit int) error {
	if err := k.Refresh(ctx); err != nil {
		return err
	}
	return k.complete(ctx, limit)
}

// complete makes the rows of search parameters that are new. A limit other than
// 0 bounds the resources that are looked at.
func (k *Keeper) complete(ctx context.Context, limit int) error {
	select { // one at a time: the one who waits finds it done
	case k.busy <- struct{}{}:
		defer func() { <-k.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	now := k.Current()
	for _, d := range now.parts.building() {
		done, err := k.completeOne(ctx, now, d, &limit)
		if err != nil {
			return err
		}
		if !done {
			return nil
		}
	}
	return k.Refresh(ctx)
}

func (k *Keeper) completeOne(ctx context.Context, now *Revision, d *posted, limit *int) (done bool, err error) {
	var types []string
	var keys []search.Key
	for _, base := range d.parameter.Base {
		types = append(types, now.Search.Types(base)...)
		p := search.Parameter{Base: base, Code: d.parameter.Code, Key: search.KeyOf(base, d.parameter.Code)}
		keys = append(keys, p.Keys()...)
	}
	rows := func(body []byte) (search.Rows, error) {
		var doc tree.Doc
		if err := doc.Parse(body, tree.Limits{}); err != nil {
			return search.Rows{}, err
		}
		all, err := now.Search.Index(doc.Root())
		return all.Only(keys), err
	}
	for after := int64(0); ; {
		next, n, err := k.o.Store.Reindex(ctx, types, keys, after, batch, rows)
		if err != nil {
			return false, fmt.Errorf("revision: index %s/%s: %w", d.Type, d.ID, err)
		}
		if n < batch {
			break
		}
		after = next
		if *limit > 0 {
			if *limit -= n; *limit <= 0 {
				k.o.Log.Info("a search parameter is completed in the background", "resource", d.Type+"/"+d.ID)
				return false, nil
			}
		}
	}
	return true, k.o.Store.Complete(ctx, d.Type, d.ID, d.Version)
}
