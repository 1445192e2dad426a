package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"

	"tenon/server/record"
)

// lite is the embedded engine: two files, each with one writer and many
// readers. Its settings: https://www.sqlite.org/wal.html
type lite struct {
	record  *liteFile
	secrets *liteFile
}

// liteFile is one database file.
type liteFile struct {
	engine  string // name of its migrations
	path    string
	readers chan *liteConn
	writer  *liteWriter
}

const litePragmas = "_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=foreign_keys(1)&_pragma=trusted_schema(0)&_pragma=temp_store(MEMORY)&_dqs=0"

func openLite(ctx context.Context, dir string, o *Options) (_ engine, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	e := &lite{}
	defer func() {
		if err != nil {
			_ = e.close()
		}
	}()
	readers := o.Readers
	if readers == 0 {
		readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if e.record, err = openLiteFile(filepath.Join(dir, "tenon.db"), "sqlite", readers, o); err != nil {
		return nil, err
	}
	if e.secrets, err = openLiteFile(filepath.Join(dir, "auth.db"), "sqlite_auth", 2, o); err != nil {
		return nil, err
	}
	return e, syncDir(dir)
}

func openLiteFile(path, engine string, readers int, o *Options) (*liteFile, error) {
	f := &liteFile{engine: engine, path: path, readers: make(chan *liteConn, readers)}
	name := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath()
	w, err := dialLite(name + "?" + litePragmas + "&_pragma=cache_size(-65536)&_pragma=wal_autocheckpoint(4000)")
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", filepath.Base(path), err)
	}
	f.writer = newLiteWriter(w, o)
	for range readers {
		// Without mmap_size: every commit, and each read's audit is one, would unmap
		// the file for every reader, which costs more than the copies that it saves.
		r, err := dialLite(name + "?" + litePragmas + "&_pragma=cache_size(-16384)&_pragma=query_only(1)")
		if err != nil {
			_ = f.close()
			return nil, fmt.Errorf("store: open %s: %w", filepath.Base(path), err)
		}
		f.readers <- r
	}
	return f, nil
}

// syncDir makes the names of new files durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func (f *liteFile) read(ctx context.Context, w weight, use func(querier) error) error {
	var c *liteConn
	select {
	case c = <-f.readers:
	default:
		select {
		case c = <-f.readers:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.long = bool(w)
	defer func() { f.readers <- c }()
	return use(c)
}

func (f *liteFile) view(ctx context.Context, use func(querier) error) error {
	return f.read(ctx, long, func(q querier) (err error) {
		c := q.(*liteConn)
		if _, err := c.exec(ctx, "BEGIN", nil); err != nil {
			return err
		}
		defer func() {
			_, end := c.exec(context.Background(), "ROLLBACK", nil)
			err = errors.Join(err, end)
		}()
		return use(q)
	})
}

func (f *liteFile) update(ctx context.Context, use func(querier) error) error {
	return f.writer.do(ctx, &liteJob{apply: func(c *liteConn) error { return use(c) }})
}

func (f *liteFile) close() error {
	if f == nil {
		return nil
	}
	err := f.writer.close()
	for range cap(f.readers) {
		select {
		case c := <-f.readers:
			err = errors.Join(err, c.close())
		default: // not opened, or lent to a read that outlives the store
		}
	}
	return err
}

func (e *lite) read(ctx context.Context, w weight, f func(querier) error) error {
	return e.record.read(ctx, w, f)
}

func (e *lite) view(ctx context.Context, f func(querier) error) error { return e.record.view(ctx, f) }

func (e *lite) update(ctx context.Context, f func(querier) error) error {
	return e.record.update(ctx, f)
}

func (e *lite) readSecrets(ctx context.Context, f func(querier) error) error {
	return e.secrets.read(ctx, short, f)
}

func (e *lite) updateSecrets(ctx context.Context, f func(querier) error) error {
	return e.secrets.update(ctx, f)
}

func (e *lite) commit(ctx context.Context, tenant int64, s *Store, u *record.Unit) error {
	return e.record.writer.do(ctx, &liteJob{tenant: tenant, audit: u.Audit, apply: func(c *liteConn) error {
		return applyLite(c, tenant, s, u)
	}})
}

func (e *lite) audit(ctx context.Context, tenant int64, rows []record.Audit) error {
	return e.record.writer.do(ctx, &liteJob{tenant: tenant, audit: rows})
}

func (e *lite) dialect() dialect { return dialect{} }

func (e *lite) close() error { return errors.Join(e.record.close(), e.secrets.close()) }
