package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"tenon/server/revision"
	"tenon/server/search"
)

// stored is a current resource with what is to be indexed of it.
type stored struct {
	rid, version int64
	rows         *indexRows
}

// batchBytes bounds the bodies of one batch: rows point into them.
const batchBytes = 16 << 20

// Reindex implements revision.Reindexing. A resource that is written while its
// rows are made is left alone: whoever writes under the revision makes them.
func (s *Store) Reindex(ctx context.Context, b revision.Batch, rows func(body []byte) (search.Rows, error)) (revision.Step, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return revision.Step{}, err
	}
	all, end, err := s.next(ctx, tenant, &b, rows)
	if err != nil {
		return revision.Step{}, err
	}
	step := revision.Step{At: b.From, Seen: len(all), End: end}
	if len(all) > 0 {
		step.At = all[len(all)-1].rid
	}
	return step, s.engine.update(ctx, func(q querier) error {
		if err := s.under(ctx, q, tenant, b.Number); err != nil {
			return err
		}
		if err := s.advance(ctx, q, tenant, &b, &step); err != nil {
			return err
		}
		return s.replaceRows(ctx, q, tenant, b.Keys, all)
	})
}

// errEnough ends a batch.
var errEnough = errors.New("enough")

// next indexes the next resources in the order of their row numbers; end tells
// that there are no more.
func (s *Store) next(ctx context.Context, tenant int64, b *revision.Batch, rows func(body []byte) (search.Rows, error)) (all []stored, end bool, err error) {
	known, size := systems{}, 0
	err = s.engine.read(ctx, long, func(q querier) error {
		st := newStatement(tenant, s.engine.dialect())
		st.add("SELECT rid, version, type, id, body FROM resource WHERE tenant = ? AND deleted = 0 AND rid > ? AND ", tenant, b.From)
		st.inTexts("type", b.Types).add(" ORDER BY rid LIMIT ?", int64(b.Limit))
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var f stored
			var typ, id string
			var body []byte
			if err := c.scan(&f.rid, &f.version, &typ, &id, &body); err != nil {
				return err
			}
			r, err := rows(body)
			if err != nil {
				return fmt.Errorf("store: index %s/%s: %w", typ, id, err)
			}
			f.rows = indexRowsOf(&r, known)
			all = append(all, f)
			if size += len(body); size > batchBytes {
				return errEnough
			}
			return nil
		})
	})
	if errors.Is(err, errEnough) {
		return all, false, nil
	}
	return all, len(all) < b.Limit, err
}

// under fails when the definitions are not those of a revision any more, and
// keeps them as they are until the end of the transaction.
func (s *Store) under(ctx context.Context, q querier, tenant, number int64) error {
	if s.engine.dialect().postgres {
		if _, err := q.exec(ctx, "SELECT pg_advisory_xact_lock_shared("+strconv.Itoa(definitionsLock)+", ?::int)", []any{tenant}); err != nil {
			return err
		}
	}
	now := int64(1)
	if _, err := one(ctx, q, definitionsNow, []any{tenant}, &now); err != nil {
		return err
	}
	if now != number {
		return revision.ErrMoved
	}
	return nil
}

// replaceRows puts the rows of these keys, or all, in the place of those that
// the resources have.
func (s *Store) replaceRows(ctx context.Context, q querier, tenant int64, keys []search.Key, all []stored) error {
	all, rids, err := s.unchanged(ctx, q, tenant, all)
	if err != nil || len(all) == 0 {
		return err
	}
	numbers := make([]int64, len(keys))
	for i, key := range keys {
		numbers[i] = int64(key)
	}
	for _, table := range indexTables {
		st := newStatement(tenant, s.engine.dialect())
		st.add("DELETE FROM "+table+" WHERE ").inRows("rid", rids)
		if len(keys) > 0 {
			st.add(" AND ").inRows("key", numbers)
		}
		if _, err := q.exec(ctx, st.sql(), st.args); err != nil {
			return err
		}
	}
	var sets []rowSet
	for i := range all {
		for n, set := range all[i].rows.sets(all[i].rid, tenant, s.engine.dialect()) {
			if i == 0 {
				sets = append(sets, rowSet{sql: set.sql})
			}
			sets[n].values = append(sets[n].values, set.values...)
		}
	}
	for _, set := range sets {
		if err := q.execMany(ctx, set.sql, set.values); err != nil {
			return fmt.Errorf("store: index rows: %w", err)
		}
	}
	return nil
}

// unchanged locks the resources, in the order in which units do, and keeps those
// that are still at the version that was indexed.
func (s *Store) unchanged(ctx context.Context, q querier, tenant int64, all []stored) (same []stored, rids []int64, err error) {
	for i := range all {
		rids = append(rids, all[i].rid)
	}
	st := newStatement(tenant, s.engine.dialect())
	st.add("SELECT rid, version FROM resource WHERE ").inRows("rid", rids).add(" ORDER BY type, id" + s.engine.dialect().forUpdate)
	now := make(map[int64]int64, len(all))
	err = each(ctx, q, st.sql(), st.args, func(c cursor) error {
		var rid, version int64
		err := c.scan(&rid, &version)
		now[rid] = version
		return err
	})
	rids = rids[:0]
	for _, f := range all {
		if now[f.rid] == f.version {
			same, rids = append(same, f), append(rids, f.rid)
		}
	}
	return same, rids, err
}
