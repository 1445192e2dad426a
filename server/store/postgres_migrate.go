package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrate holds an advisory lock, so that of several servers that start one
// migrates and the others wait.
func (e *pg) migrate(ctx context.Context) error {
	return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrateLock); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, versionTable); err != nil {
			return err
		}
		have, err := applied(ctx, pgQuerier{tx, false})
		if err != nil {
			return err
		}
		steps, err := missing("postgres", have)
		if err == nil {
			err = fits(ctx, pgQuerier{tx, false}, have)
		}
		if err != nil {
			return err
		}
		for _, step := range steps {
			if _, err := tx.Exec(ctx, step.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("%s: %w", step.Name, err)
			}
			if _, err := tx.Exec(ctx, "INSERT INTO schema_version (name, applied) VALUES ($1, $2)", step.Name, micros(e.clock())); err != nil {
				return err
			}
		}
		return nil
	})
}

func (e *pg) ready(ctx context.Context) error {
	return e.read(ctx, short, func(q querier) error { return upToDate(ctx, q, "postgres") })
}

// schema is what the migrations add up to, for the golden file.
func (e *pg) schema(ctx context.Context) (string, error) {
	var b strings.Builder
	err := e.read(ctx, short, func(q querier) error {
		for _, sql := range []string{
			"SELECT 'sequence ' || sequencename || ' increment ' || increment_by FROM pg_sequences WHERE schemaname = current_schema() ORDER BY sequencename",
			"SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = current_schema()::regnamespace ORDER BY proname",
			"SELECT 'table ' || c.relname || E' (\\n' || string_agg('  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || " +
				"CASE WHEN l.collname <> 'default' THEN ' collate \"' || l.collname || '\"' ELSE '' END || " +
				"CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || CASE a.attidentity WHEN 'a' THEN ' identity always' WHEN 'd' THEN ' identity by default' ELSE '' END, " +
				"E',\\n' ORDER BY a.attnum) || E'\\n)' FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped " +
				"LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace GROUP BY c.relname ORDER BY c.relname",
			"SELECT 'constraint ' || c.relname || '.' || n.conname || ' ' || pg_get_constraintdef(n.oid) FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid " +
				"WHERE n.connamespace = current_schema()::regnamespace ORDER BY c.relname, n.conname",
			"SELECT replace(indexdef, schemaname || '.', '') FROM pg_indexes WHERE schemaname = current_schema() ORDER BY tablename, indexname",
		} {
			if err := each(ctx, q, sql, nil, func(c cursor) error {
				var text string
				err := c.scan(&text)
				b.WriteString(strings.TrimRight(text, "\n") + ";\n\n")
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return b.String(), err
}
