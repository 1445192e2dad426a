package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"tenon/migrations"
)

// sequencesPart is where the sequences stand; the other parts are tables.
const sequencesPart = "sequences"

const (
	tablesSQL    = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'schema_version' ORDER BY tablename"
	sequencesSQL = "SELECT sequencename FROM pg_sequences WHERE schemaname = current_schema() ORDER BY sequencename"
)

// sequenceAt is a sequence and where it stands.
type sequenceAt struct {
	Name   string
	Value  int64
	Called bool
}

// dump copies all tables in one state of the database. Sequences may be ahead of it,
// never behind: a number that was given away is not given again.
func (e *pg) dump(ctx context.Context, _ string, put func(string, io.Reader) error) (*Dump, error) {
	d := &Dump{Engine: "postgres"}
	err := pgx.BeginTxFunc(ctx, e.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		q := pgQuerier{tx, true}
		var err error
		if d.Migrations, err = applied(ctx, q); err != nil {
			return err
		}
		if err := d.files(ctx, &stream{d: e.dialect(), read: func(_ context.Context, f func(querier) error) error { return f(q) }}); err != nil {
			return err
		}
		tables, err := columnOf(ctx, q, tablesSQL)
		if err != nil {
			return err
		}
		for _, table := range tables {
			if err := copyOut(ctx, tx, table, put); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return putSequences(ctx, q, put)
	})
	return d, err
}

func columnOf(ctx context.Context, q querier, sql string) (all []string, err error) {
	err = each(ctx, q, sql, nil, func(c cursor) error {
		var text string
		err := c.scan(&text)
		all = append(all, text)
		return err
	})
	return all, err
}

// copyOut gives a table as COPY writes it.
// https://www.postgresql.org/docs/15/sql-copy.html
func copyOut(ctx context.Context, tx pgx.Tx, table string, put func(string, io.Reader) error) error {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := tx.Conn().PgConn().CopyTo(ctx, w, "COPY "+pgx.Identifier{table}.Sanitize()+" TO STDOUT")
		done <- err
		_ = w.CloseWithError(err)
	}()
	err := put(table, r)
	_ = r.CloseWithError(errors.New("nobody reads any more")) // ends the copy where put gave up
	return errors.Join(err, <-done)
}

func putSequences(ctx context.Context, q querier, put func(string, io.Reader) error) error {
	names, err := columnOf(ctx, q, sequencesSQL)
	if err != nil {
		return err
	}
	var all []sequenceAt
	for _, name := range names {
		s := sequenceAt{Name: name}
		if _, err := one(ctx, q, "SELECT last_value, is_called FROM "+pgx.Identifier{name}.Sanitize(), nil, &s.Value, &s.Called); err != nil {
			return err
		}
		all = append(all, s)
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return put(sequencesPart, strings.NewReader(string(b)))
}

// undumpPostgres makes the schema that the dump has, in a database that has nothing,
// and fills it in one transaction: it is whole, or as empty as before.
func undumpPostgres(ctx context.Context, url string, d *Dump, next func() (string, io.Reader, error)) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return errors.New("store: the database cannot be reached") // the error may name the password
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		q := pgQuerier{tx, false}
		if there, err := columnOf(ctx, q, tablesSQL); err != nil || len(there) > 0 {
			return errors.Join(err, fmt.Errorf("store: the database has %d tables already: a backup is restored into an empty one", len(there)))
		}
		if err := schemaOf(ctx, tx, d.Migrations); err != nil {
			return err
		}
		tables, err := columnOf(ctx, q, tablesSQL)
		if err != nil {
			return err
		}
		return fill(ctx, tx, tables, next)
	})
}

func schemaOf(ctx context.Context, tx pgx.Tx, names []string) error {
	if _, err := tx.Exec(ctx, versionTable); err != nil {
		return err
	}
	steps, err := migrations.Of("postgres")
	if err != nil {
		return err
	}
	for _, step := range steps[:len(names)] {
		if _, err := tx.Exec(ctx, step.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("store: %s: %w", step.Name, err)
		}
		if _, err := tx.Exec(ctx, "INSERT INTO schema_version (name, applied) VALUES ($1, 0)", step.Name); err != nil {
			return err
		}
	}
	return nil
}

func fill(ctx context.Context, tx pgx.Tx, tables []string, next func() (string, io.Reader, error)) error {
	filled := map[string]bool{}
	for {
		name, content, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if filled[name] = true; name == sequencesPart {
			err = setSequences(ctx, tx, content)
		} else if slices.Contains(tables, name) {
			err = copyIn(ctx, tx, name, content)
		} else {
			err = errors.New("no table of the schema")
		}
		if err != nil {
			return fmt.Errorf("store: %s: %w", name, err)
		}
	}
	for _, name := range append(tables, sequencesPart) {
		if !filled[name] {
			return fmt.Errorf("store: the backup lacks %s", name)
		}
	}
	return nil
}

func copyIn(ctx context.Context, tx pgx.Tx, table string, content io.Reader) error {
	name := pgx.Identifier{table}.Sanitize()
	if _, err := tx.Exec(ctx, "DELETE FROM "+name); err != nil { // what the migrations put in
		return err
	}
	_, err := tx.Conn().PgConn().CopyFrom(ctx, content, "COPY "+name+" FROM STDIN")
	return err
}

func setSequences(ctx context.Context, tx pgx.Tx, content io.Reader) error {
	var all []sequenceAt
	if err := json.NewDecoder(io.LimitReader(content, 1<<20)).Decode(&all); err != nil {
		return err
	}
	for _, s := range all {
		if _, err := tx.Exec(ctx, "SELECT setval($1::regclass, $2, $3)", pgx.Identifier{s.Name}.Sanitize(), s.Value, s.Called); err != nil {
			return err
		}
	}
	return nil
}
