package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tenon/server/record"
	"tenon/server/search"
)

// Explained runs a plan and tells how the database runs each statement of it.
func (s *Store) Explained(ctx context.Context, plan *search.Plan) (steps [][]string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return s.explaining(ctx, long, func(q querier) error {
		_, err := runPlan(ctx, q, s.engine.dialect(), tenant, plan, hints{})
		return err
	})
}

// ExplainedFamilyUses tells how FamilyUses is run.
func (s *Store) ExplainedFamilyUses(ctx context.Context, family, org string) (steps [][]string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := familyUses(newStatement(tenant, s.engine.dialect()), family, org)
	return s.explaining(ctx, long, func(q querier) error {
		return each(ctx, q, st.sql(), st.args, func(cursor) error { return nil })
	})
}

// ExplainedCase tells how a case is loaded: the statement that follows its references.
func (s *Store) ExplainedCase(ctx context.Context, id string) (steps [][]string, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := (&caseLoad{d: s.engine.dialect(), tenant: tenant, data: &record.CaseData{Case: id}}).whole()
	return s.explaining(ctx, short, func(q querier) error {
		return each(ctx, q, st.sql(), st.args, func(cursor) error { return nil })
	})
}

func (s *Store) explaining(ctx context.Context, w weight, run func(querier) error) (steps [][]string, err error) {
	err = s.engine.read(ctx, w, func(q querier) error {
		switch x := q.(type) {
		case *liteConn:
			q = explainLite{x, &steps}
		case pgQuerier:
			x.db = explainPG{x.db, &steps}
			q = x
		}
		return run(q)
	})
	return steps, err
}

// Analyze gives PostgreSQL statistics that are the same each time: of all rows.
func (s *Store) Analyze(ctx context.Context) error {
	e, ok := s.engine.(*pg)
	if !ok {
		return nil
	}
	c, err := e.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	for _, sql := range []string{"SET default_statistics_target = 10000", "VACUUM (ANALYZE)"} {
		if _, err := c.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// Major is the version of the database whose planner decides.
func (s *Store) Major(ctx context.Context) (version string, err error) {
	err = s.engine.read(ctx, short, func(q querier) error {
		sql := "SELECT sqlite_version()"
		if s.engine.dialect().postgres {
			sql = "SHOW server_version"
		}
		_, err := one(ctx, q, sql, nil, &version)
		return err
	})
	version, _, _ = strings.Cut(version, ".")
	return version, err
}

// explainLite explains every query before it runs.
type explainLite struct {
	*liteConn
	steps *[][]string
}

func (x explainLite) query(ctx context.Context, sql string, args []any) (cursor, error) {
	var lines []string
	depth := map[int64]int{}
	err := each(ctx, x.liteConn, "EXPLAIN QUERY PLAN "+sql, args, func(c cursor) error {
		var id, parent, unused int64
		var detail string
		err := c.scan(&id, &parent, &unused, &detail)
		depth[id] = depth[parent] + 1
		lines = append(lines, strings.Repeat("  ", depth[id]-1)+detail)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sql, err)
	}
	*x.steps = append(*x.steps, lines)
	return x.liteConn.query(ctx, sql, args)
}

// explainPG does the same with the kind of plan that the statement would get: one
// for its values, or where it is prepared one for all values.
type explainPG struct {
	pgDB
	steps *[][]string
}

func (x explainPG) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	explain, values := "EXPLAIN (COSTS OFF) "+sql, args
	if len(args) == 0 || args[0] != any(pgx.QueryExecModeCacheDescribe) {
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(args)), ", ")
		if nulls != "" {
			nulls = "(" + nulls + ")"
		}
		for _, s := range []string{"SET plan_cache_mode = force_generic_plan", "PREPARE explained AS " + sql} {
			if _, err := x.Exec(ctx, s); err != nil {
				return nil, fmt.Errorf("%s: %w", s, err)
			}
		}
		explain, values = "EXPLAIN (COSTS OFF) EXECUTE explained"+nulls, []any{pgx.QueryExecModeSimpleProtocol}
	}
	rows, err := x.pgDB.Query(ctx, explain, values...)
	if err != nil {
		return nil, err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", explain, err)
	}
	*x.steps = append(*x.steps, lines)
	if values[0] == any(pgx.QueryExecModeSimpleProtocol) {
		_, err1 := x.Exec(ctx, "DEALLOCATE explained")
		_, err2 := x.Exec(ctx, "RESET plan_cache_mode")
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
	}
	return x.pgDB.Query(ctx, sql, args...)
}

func (x explainPG) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return x.pgDB.Exec(ctx, sql, args...)
}
