package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
)

// liteConn is one connection to SQLite with its prepared statements. Only one
// goroutine uses it at a time. database/sql is left out: its bookkeeping costs
// more than most statements here.
type liteConn struct {
	conn  driver.Conn
	stmts map[string]*liteStmt
	args  []driver.NamedValue
	long  bool // statements listen to the end of the context
}

type liteStmt struct {
	driver.Stmt
	busy bool
}

// keptStmts is how many statements a connection keeps prepared.
const keptStmts = 256

func dialLite(dsn string) (*liteConn, error) {
	c, err := new(sqlite.Driver).Open(dsn)
	if err != nil {
		return nil, err
	}
	return &liteConn{conn: c, stmts: make(map[string]*liteStmt)}, nil
}

func (c *liteConn) prepare(sql string) (*liteStmt, error) {
	if s, ok := c.stmts[sql]; ok && !s.busy {
		return s, nil
	} else if ok {
		return nil, errors.New("store: a statement runs inside itself")
	}
	if len(c.stmts) >= keptStmts {
		c.evict()
	}
	prepared, err := c.conn.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("store: prepare: %w", err)
	}
	s := &liteStmt{Stmt: prepared}
	c.stmts[sql] = s
	return s, nil
}

// evict forgets some statement that does not run.
func (c *liteConn) evict() {
	for sql, s := range c.stmts {
		if !s.busy {
			delete(c.stmts, sql)
			_ = s.Close()
			return
		}
	}
}

func (c *liteConn) values(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		if b, ok := a.([]byte); ok && b == nil {
			a = []byte{} // nil would be NULL
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

func (c *liteConn) heed(ctx context.Context) context.Context {
	if c.long {
		return ctx
	}
	return context.Background()
}

func (c *liteConn) exec(ctx context.Context, sql string, args []any) (int64, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	return c.run(ctx, s, args)
}

func (c *liteConn) run(ctx context.Context, s *liteStmt, args []any) (int64, error) {
	r, err := s.Stmt.(driver.StmtExecContext).ExecContext(c.heed(ctx), c.values(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (c *liteConn) execMany(ctx context.Context, sql string, sets [][]any) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	for _, args := range sets {
		if _, err := c.run(ctx, s, args); err != nil {
			return err
		}
	}
	return nil
}

func (c *liteConn) askAll(ctx context.Context, asks []ask) error {
	for _, a := range asks {
		if err := each(ctx, c, a.sql, a.args, a.row); err != nil {
			return err
		}
	}
	return nil
}

func (c *liteConn) query(ctx context.Context, sql string, args []any) (cursor, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(c.heed(ctx), c.values(args))
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &liteCursor{rows: rows, stmt: s, row: make([]driver.Value, len(rows.Columns()))}, nil
}

func (c *liteConn) close() error {
	for _, s := range c.stmts {
		_ = s.Close()
	}
	return c.conn.Close()
}

type liteCursor struct {
	rows driver.Rows
	stmt *liteStmt
	row  []driver.Value
	err  error
}

func (c *liteCursor) next() bool {
	if c.err != nil {
		return false
	}
	if err := c.rows.Next(c.row); err != nil {
		if !errors.Is(err, io.EOF) {
			c.err = err
		}
		return false
	}
	return true
}

func (c *liteCursor) scan(dest ...any) error {
	if len(dest) != len(c.row) {
		return fmt.Errorf("store: %d columns scanned into %d", len(c.row), len(dest))
	}
	for i, d := range dest {
		if err := assign(d, c.row[i]); err != nil {
			return fmt.Errorf("store: column %d: %w", i, err)
		}
	}
	return nil
}

// assign copies a value; NULL becomes the zero value.
func assign(dest any, v driver.Value) error {
	var ok bool
	switch d := dest.(type) {
	case *int64:
		*d, ok = v.(int64)
	case *string:
		*d, ok = v.(string)
	case *[]byte:
		*d, ok = v.([]byte)
	case *float64:
		*d, ok = v.(float64)
	case **int64:
		return assignNull(d, v)
	case **float64:
		return assignNull(d, v)
	case **string:
		return assignNull(d, v)
	default:
		return fmt.Errorf("no way to scan into %T", dest)
	}
	if !ok && v != nil {
		return fmt.Errorf("%T scanned into %T", v, dest)
	}
	return nil
}

// assignNull is assign where NULL stays apart from the zero value.
func assignNull[T any](dest **T, v driver.Value) error {
	if v == nil {
		*dest = nil
		return nil
	}
	x, ok := v.(T)
	if !ok {
		return fmt.Errorf("%T scanned into %T", v, dest)
	}
	*dest = &x
	return nil
}

func (c *liteCursor) close() error {
	c.stmt.busy = false
	if err := c.rows.Close(); err != nil && c.err == nil {
		c.err = err
	}
	return c.err
}

// script runs several statements.
func (c *liteConn) script(sql string) error {
	s, err := c.conn.Prepare(sql)
	if err != nil {
		return err
	}
	_, err = s.(driver.StmtExecContext).ExecContext(context.Background(), nil)
	return errors.Join(err, s.Close())
}
