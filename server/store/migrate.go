package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tenon/migrations"
)

const versionTable = "CREATE TABLE IF NOT EXISTS schema_version (name TEXT NOT NULL PRIMARY KEY, applied BIGINT NOT NULL)"

// applied are the names of the migrations that the database has.
func applied(ctx context.Context, q querier) (names []string, err error) {
	err = each(ctx, q, "SELECT name FROM schema_version ORDER BY name", nil, func(c cursor) error {
		var name string
		err := c.scan(&name)
		names = append(names, name)
		return err
	})
	return names, err
}

// missing are the steps that a database has not had. One that is older than what
// it has had is refused: the schema only moves forward.
func missing(engine string, have []string) ([]migrations.Migration, error) {
	steps, err := migrations.Of(engine)
	if err != nil {
		return nil, err
	}
	var out []migrations.Migration
	for _, step := range steps {
		if slices.Contains(have, step.Name) {
			continue
		}
		if len(have) > 0 && step.Name < have[len(have)-1] {
			return nil, fmt.Errorf("migration %s is older than %s, which the database has", step.Name, have[len(have)-1])
		}
		out = append(out, step)
	}
	return out, nil
}

// epochStep is the migration from which on the schema says who may use it.
const epochStep = "20261129000500_epoch"

// ErrNewer says that the database is one of a newer version, beside which this one must
// not work.
var ErrNewer = errors.New("the database was migrated by a newer version, beside which this one must not run: start that version")

// fits refuses a schema whose epoch this version does not know.
func fits(ctx context.Context, q querier, have []string) error {
	if !slices.Contains(have, epochStep) {
		return nil
	}
	var epoch int64
	if _, err := one(ctx, q, "SELECT epoch FROM schema_epoch", nil, &epoch); err != nil {
		return err
	}
	if epoch > migrations.Epoch {
		return fmt.Errorf("%w (epoch %d, known here: %d)", ErrNewer, epoch, migrations.Epoch)
	}
	return nil
}

func upToDate(ctx context.Context, q querier, engine string) error {
	have, err := applied(ctx, q)
	if err != nil {
		return fmt.Errorf("the schema is not there: run tenon migrate: %w", err)
	}
	steps, err := missing(engine, have)
	if err == nil && len(steps) > 0 {
		err = fmt.Errorf("the schema lacks %s: run tenon migrate", steps[0].Name)
	}
	if err == nil {
		err = fits(ctx, q, have)
	}
	return err
}

func (e *lite) migrate(ctx context.Context) error {
	for _, f := range []*liteFile{e.record, e.secrets} {
		if err := f.migrate(ctx); err != nil {
			return err
		}
	}
	return nil
}

// migrate runs on the writer, which holds the lock of the file.
func (f *liteFile) migrate(ctx context.Context) error {
	return f.writer.do(ctx, &liteJob{apply: func(c *liteConn) error {
		if _, err := c.exec(ctx, versionTable, nil); err != nil {
			return err
		}
		have, err := applied(ctx, c)
		if err != nil {
			return err
		}
		steps, err := missing(f.engine, have)
		if err == nil {
			err = fits(ctx, c, have)
		}
		if err != nil {
			return err
		}
		for _, step := range steps {
			if err := c.script(step.SQL); err != nil {
				return fmt.Errorf("%s: %w", step.Name, err)
			}
			if _, err := c.exec(ctx, "INSERT INTO schema_version (name, applied) VALUES (?, ?)", []any{step.Name, micros(f.writer.clock())}); err != nil {
				return err
			}
		}
		return nil
	}})
}

func (e *lite) ready(ctx context.Context) error {
	for _, f := range []*liteFile{e.record, e.secrets} {
		if err := f.read(ctx, short, func(q querier) error { return upToDate(ctx, q, f.engine) }); err != nil {
			return err
		}
	}
	return nil
}

// schema is what the migrations add up to, for the golden file.
func (e *lite) schema(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, f := range []*liteFile{e.record, e.secrets} {
		fmt.Fprintf(&b, "-- %s\n\n", f.engine)
		err := f.read(ctx, short, func(q querier) error {
			return each(ctx, q, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name", nil, func(c cursor) error {
				var sql string
				err := c.scan(&sql)
				b.WriteString(sql + ";\n\n")
				return err
			})
		})
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// Schema is the schema of the database as text, to compare with the committed
// one.
func (s *Store) Schema(ctx context.Context) (string, error) { return s.engine.schema(ctx) }
