package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"modernc.org/sqlite"

	"tenon/migrations"
	"tenon/server/dispatch"
	"tenon/server/ledger"
)

// Dump is one state of the database, taken while it is used.
type Dump struct {
	Engine     string   // sqlite or postgres
	Migrations []string // that it has had
	Blobs      []ledger.BlobRow
	JobFiles   []dispatch.File
}

// Dump gives one state of the database in parts, and what files that state needs.
// Scratch is an empty folder for copies; what is in it may be removed afterwards.
func (s *Store) Dump(ctx context.Context, scratch string, put func(name string, content io.Reader) error) (*Dump, error) {
	d, err := s.engine.dump(ctx, scratch, put)
	if err != nil {
		return nil, fmt.Errorf("store: dump: %w", err)
	}
	return d, nil
}

// Undump fills an empty database with the parts of a dump; next gives one after the
// other, and io.EOF. The embedded database is its files: folder is where they go.
func Undump(ctx context.Context, url, folder string, d *Dump, next func() (string, io.Reader, error)) error {
	if err := known(d); err != nil {
		return err
	}
	if d.Engine == "sqlite" {
		return undumpLite(folder, next)
	}
	return undumpPostgres(ctx, url, d, next)
}

// known refuses a dump of a newer server.
func known(d *Dump) error {
	steps, err := migrations.Of(d.Engine)
	if err != nil {
		return err
	}
	for i, name := range d.Migrations {
		if i >= len(steps) || steps[i].Name != name {
			return fmt.Errorf("store: the backup has the migration %s, which this version does not have in its place: restore it with the version that made it", name)
		}
	}
	return nil
}

// files are what the database needs on disk.
func (d *Dump) files(ctx context.Context, st *stream) error {
	err := st.Blobs(ctx, func(b ledger.BlobRow) error { d.Blobs = append(d.Blobs, b); return nil })
	if err != nil {
		return err
	}
	return st.jobFiles(ctx, func(f dispatch.File) error { d.JobFiles = append(d.JobFiles, f); return nil })
}

// dump copies both files page by page, each in one state, the record first.
func (e *lite) dump(ctx context.Context, scratch string, put func(string, io.Reader) error) (*Dump, error) {
	for _, f := range []*liteFile{e.record, e.secrets} {
		if err := f.copyTo(ctx, filepath.Join(scratch, filepath.Base(f.path))); err != nil {
			return nil, err
		}
	}
	d := &Dump{Engine: "sqlite"}
	err := func() error {
		copied, err := openLite(ctx, scratch, &Options{Readers: 1})
		if err != nil {
			return err
		}
		err = copied.read(ctx, long, func(q querier) (err error) {
			if d.Migrations, err = applied(ctx, q); err != nil {
				return err
			}
			return d.files(ctx, &stream{d: copied.dialect(), read: func(_ context.Context, f func(querier) error) error { return f(q) }})
		})
		return errors.Join(err, copied.close())
	}()
	if err != nil {
		return nil, err
	}
	for _, f := range []*liteFile{e.record, e.secrets} {
		if err := putFile(filepath.Join(scratch, filepath.Base(f.path)), put); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func putFile(path string, put func(string, io.Reader) error) error {
	f, err := os.Open(path) //nolint:gosec // of the scratch folder
	if err != nil {
		return err
	}
	return errors.Join(put(filepath.Base(path), f), f.Close())
}

// copyTo is SQLite's own backup; writers go on meanwhile.
// https://www.sqlite.org/backup.html
func (f *liteFile) copyTo(ctx context.Context, path string) error {
	return f.read(ctx, long, func(q querier) error {
		from, ok := q.(*liteConn).conn.(interface {
			NewBackup(string) (*sqlite.Backup, error)
		})
		if !ok {
			return errors.New("the driver makes no backups")
		}
		b, err := from.NewBackup(path)
		if err != nil {
			return err
		}
		_, err = b.Step(-1)
		return errors.Join(err, b.Finish())
	})
}

func undumpLite(folder string, next func() (string, io.Reader, error)) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	for {
		name, content, err := next()
		if errors.Is(err, io.EOF) {
			return syncDir(folder)
		}
		if err != nil {
			return err
		}
		if name != "tenon.db" && name != "auth.db" {
			return fmt.Errorf("store: the backup has a part %q", name)
		}
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		_, err = io.Copy(f, content)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
}
