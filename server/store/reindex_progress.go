package store

import (
	"context"
	"strconv"
	"time"

	"tenon/server/revision"
)

// lease is how long a holder may be silent before another goes on.
const lease = 10 * time.Second

const formatState = "format" // in state: of the index rows of all resources

// Adopt implements revision.Reindexing.
func (s *Store) Adopt(ctx context.Context, format int) error {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	var known, used int64
	err = s.engine.read(ctx, short, func(q querier) error {
		if _, err := one(ctx, q, "SELECT value FROM state WHERE tenant = ? AND name = ?", []any{tenant, formatState}, &known); err != nil {
			return err
		}
		_, err := one(ctx, q, "SELECT rid FROM resource WHERE tenant = ? LIMIT 1", []any{tenant}, &used)
		return err
	})
	if err != nil || used != 0 || known >= int64(format) {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO state (tenant, name, value) SELECT tenant, ?, ? FROM tenant WHERE tenant = ? "+
			"AND NOT EXISTS (SELECT 1 FROM resource r WHERE r.tenant = tenant.tenant) "+
			"ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value", []any{formatState, int64(format), tenant})
		return err
	})
}

const beginReindex = "INSERT INTO reindex (tenant, subject, version, signature, at, done, total, started, changed, finished, until, holder, failure) " +
	"VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, 0, 0, '', '') ON CONFLICT (tenant, subject) DO UPDATE SET " +
	"version = excluded.version, signature = excluded.signature, at = 0, done = 0, total = excluded.total, started = excluded.started, " +
	"changed = excluded.changed, finished = 0, until = 0, holder = '', failure = '' " +
	"WHERE reindex.version <> excluded.version OR reindex.signature <> excluded.signature OR reindex.finished <> 0"

// BeginReindex implements revision.Reindexing.
func (s *Store) BeginReindex(ctx context.Context, number int64, holder string, subjects []revision.Subject) ([]revision.Progress, error) {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return nil, err
	}
	totals, err := s.totals(ctx, tenant, subjects)
	if err != nil {
		return nil, err
	}
	var all []revision.Progress
	err = s.engine.update(ctx, func(q querier) error {
		all = nil
		if err := s.under(ctx, q, tenant, number); err != nil {
			return err
		}
		now := s.o.Clock()
		for i, x := range subjects {
			args := []any{tenant, x.Name, x.Version, x.Signature, totals[i], micros(now), micros(now)}
			if _, err := q.exec(ctx, beginReindex, args); err != nil {
				return err
			}
			args = []any{holder, micros(now.Add(lease)), tenant, x.Name, holder, micros(now)}
			if _, err := q.exec(ctx, "UPDATE reindex SET holder = ?, until = ? WHERE tenant = ? AND subject = ? AND (holder = ? OR until < ?)", args); err != nil {
				return err
			}
			p := revision.Progress{Subject: x}
			if err := progress(ctx, q, "SELECT "+progressColumns+" FROM reindex WHERE tenant = ? AND subject = ?", []any{tenant, x.Name}, func(f revision.Progress, by holding) {
				p, p.Types, p.Held = f, x.Types, by.holder == holder
			}); err != nil {
				return err
			}
			all = append(all, p)
		}
		return nil
	})
	return all, err
}

// totals counts the resources that each subject looks at.
func (s *Store) totals(ctx context.Context, tenant int64, subjects []revision.Subject) ([]int64, error) {
	counts := map[string]int64{}
	err := s.engine.read(ctx, long, func(q querier) error {
		return each(ctx, q, "SELECT type, count(*) FROM resource WHERE tenant = ? AND deleted = 0 GROUP BY type", []any{tenant}, func(c cursor) error {
			var typ string
			var n int64
			err := c.scan(&typ, &n)
			counts[typ] = n
			return err
		})
	})
	totals := make([]int64, len(subjects))
	for i, x := range subjects {
		for _, typ := range x.Types {
			totals[i] += counts[typ]
		}
	}
	return totals, err
}

// advance notes the new place, for all subjects of the batch or for none.
func (s *Store) advance(ctx context.Context, q querier, tenant int64, b *revision.Batch, step *revision.Step) error {
	now := s.o.Clock()
	st := newStatement(tenant, s.engine.dialect())
	st.add("UPDATE reindex SET at = ?, done = done + ?, changed = ?, until = ?, failure = '' WHERE tenant = ? AND holder = ? AND at = ? AND finished = 0 AND ",
		step.At, int64(step.Seen), micros(now), micros(now.Add(lease)), tenant, b.Holder, b.From).inTexts("subject", b.Subjects)
	n, err := q.exec(ctx, st.sql(), st.args)
	if err == nil && n != int64(len(b.Subjects)) {
		err = revision.ErrMoved
	}
	return err
}

// FinishReindex implements revision.Reindexing.
func (s *Store) FinishReindex(ctx context.Context, number int64, holder string, subjects []revision.Subject, at int64) error {
	return s.define(ctx, func(q querier, tenant int64) error {
		if err := s.under(ctx, q, tenant, number); err != nil {
			return err
		}
		for _, x := range subjects {
			n, err := q.exec(ctx, "UPDATE reindex SET finished = ?, until = 0, holder = '' WHERE tenant = ? AND subject = ? AND version = ? AND holder = ? AND at = ?",
				[]any{micros(s.o.Clock()), tenant, x.Name, x.Version, holder, at})
			if err == nil && n == 0 {
				err = revision.ErrMoved
			}
			if err != nil {
				return err
			}
			if err := note(ctx, q, tenant, &x); err != nil {
				return err
			}
		}
		return nil
	})
}

// note keeps in state what holds from now on.
func note(ctx context.Context, q querier, tenant int64, x *revision.Subject) error {
	if x.Name == revision.WholeIndex {
		_, err := q.exec(ctx, "INSERT INTO state (tenant, name, value) VALUES (?, ?, ?) ON CONFLICT (tenant, name) DO UPDATE SET value = excluded.value",
			[]any{tenant, formatState, x.Version})
		return err
	}
	p, ok := x.Posted()
	if !ok {
		return nil
	}
	if err := forget(ctx, q, tenant, p); err != nil {
		return err
	}
	_, err := q.exec(ctx, "INSERT INTO state (tenant, name, value) VALUES (?, ?, ?)",
		[]any{tenant, completePrefix + p.Type + "/" + p.ID + "/" + strconv.FormatInt(p.Version, 10), x.Signature})
	return err
}

func forget(ctx context.Context, q querier, tenant int64, p revision.Posted) error {
	own := completePrefix + p.Type + "/" + p.ID + "/"
	_, err := q.exec(ctx, "DELETE FROM state WHERE tenant = ? AND name >= ? AND name < ?", []any{tenant, own, after(own)})
	return err
}

// ForgetComplete implements revision.Reindexing. It advances no revision: who
// asks for it has made his own without them.
func (s *Store) ForgetComplete(ctx context.Context, parameters []revision.Posted) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		for _, p := range parameters {
			if err := forget(ctx, q, tenant, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// LeaveReindex implements revision.Reindexing.
func (s *Store) LeaveReindex(ctx context.Context, holder, why string) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE reindex SET until = 0, holder = '', failure = ? WHERE tenant = ? AND holder = ?", []any{why, tenant, holder})
		return err
	})
}

// Reindexes implements revision.Reindexing.
func (s *Store) Reindexes(ctx context.Context) (all []revision.Progress, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	err = s.engine.read(ctx, short, func(q querier) error {
		all = nil
		now := micros(s.o.Clock())
		return progress(ctx, q, "SELECT "+progressColumns+" FROM reindex WHERE tenant = ? ORDER BY subject", []any{tenant}, func(p revision.Progress, by holding) {
			p.Held = by.holder != "" && by.until >= now
			all = append(all, p)
		})
	})
	return all, err
}

const progressColumns = "subject, version, signature, at, done, total, started, changed, finished, until, holder, failure"

// holding is who works on a subject, and until when nobody else does.
type holding struct {
	holder string
	until  int64
}

func progress(ctx context.Context, q querier, sql string, args []any, take func(revision.Progress, holding)) error {
	return each(ctx, q, sql, args, func(c cursor) error {
		var p revision.Progress
		var started, changed, finished int64
		var by holding
		err := c.scan(&p.Name, &p.Version, &p.Signature, &p.At, &p.Done, &p.Total, &started, &changed, &finished, &by.until, &by.holder, &p.Failure)
		p.Started, p.Changed = moment(started), moment(changed)
		if finished != 0 {
			p.Finished = moment(finished)
		}
		take(p, by)
		return err
	})
}
