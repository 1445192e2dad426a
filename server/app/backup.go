package app

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tenon/server/backup"
	"tenon/server/record"
	"tenon/server/store"
	"tenon/server/store/blob"
)

// A backup is a tar in a sealed stream:
//
//	keys/NAME           the key folder: log, authority, cursors, pseudonyms, OAuth
//	db/PART/NUMBER      the database in pieces
//	manifest.json       what state of the database this is, and what it needs
//	blobs/SHA-256       a content of the record, in plain inside the seal
//	jobs/SHA-256        a file of a job
//
// The keys that files are sealed by at rest are not in it: what is restored is sealed
// by new ones.
const (
	manifestName = "manifest.json"
	pieceSize    = 4 << 20
)

// manifest says what a backup holds.
type manifest struct {
	Format  int
	Version string // of the server
	Taken   time.Time
	Dump    *store.Dump
}

// Backup writes all that a server needs to go on elsewhere: one state of the database,
// the contents that it needs, and the keys. Servers may run meanwhile.
func Backup(ctx context.Context, c Config, recovery []byte, out io.Writer) (err error) {
	a := &App{Config: c, clock: time.Now}
	if a.Store, err = c.openStore(ctx, (*store.Store).Ready); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Store.Close()) }()
	if a.folder, err = openFolder(c.Data); err != nil { // nobody sweeps meanwhile
		return errors.Join(err, a.folder.close())
	}
	defer func() { err = errors.Join(err, a.folder.close()) }()
	sealed, err := backup.NewWriter(out, recovery)
	if err != nil {
		return err
	}
	b := &backing{a: a, tar: tar.NewWriter(sealed)}
	if err := b.write(ctx); err != nil {
		return err // without the end, which a restore notices
	}
	return errors.Join(b.tar.Close(), sealed.Close())
}

type backing struct {
	a   *App
	tar *tar.Writer
}

func (b *backing) write(ctx context.Context) error {
	if err := b.keys(); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	scratch, err := os.MkdirTemp(b.a.Config.Data, "backup-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }() // copies of what is beside them
	taken := b.a.clock().UTC()
	dump, err := b.a.Store.Dump(ctx, scratch, b.part)
	if err != nil {
		return err
	}
	text, err := json.Marshal(manifest{Format: 1, Version: Version, Taken: taken, Dump: dump})
	if err != nil {
		return err
	}
	if err := b.entry(manifestName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	var record, jobs [][32]byte
	for i := range dump.Blobs {
		record = append(record, dump.Blobs[i].Digest)
	}
	for i := range dump.JobFiles {
		jobs = append(jobs, dump.JobFiles[i].Digest)
	}
	for name, digests := range map[string][][32]byte{"blobs": record, "jobs": jobs} {
		if err := b.contents(ctx, name, digests); err != nil {
			return err
		}
	}
	return nil
}

// keys are the files of the key folder; it has no folders in it.
func (b *backing) keys() error {
	entries, err := os.ReadDir(b.a.keysFolder())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(b.a.keysFolder(), e.Name()))
		if err == nil {
			err = b.entry("keys/"+e.Name(), int64(len(text)), bytes.NewReader(text))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// part writes a part of the database, whose length nobody knows yet, in pieces.
func (b *backing) part(name string, content io.Reader) error {
	piece := make([]byte, pieceSize)
	for number := 0; ; number++ {
		n, err := io.ReadFull(content, piece)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if n > 0 || number == 0 {
			if err := b.entry(fmt.Sprintf("db/%s/%08d", name, number), int64(n), bytes.NewReader(piece[:n])); err != nil {
				return err
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end
		}
	}
}

func (b *backing) entry(name string, size int64, content io.Reader) error {
	if err := b.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.Copy(b.tar, content)
	return err
}

// contents writes each content once. One that is gone was erased since the state of the
// database was taken, and what needs it may not be restored.
func (b *backing) contents(ctx context.Context, name string, digests [][32]byte) error {
	files, err := blob.Open(filepath.Join(b.a.Config.Data, name), blob.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	done := map[[32]byte]bool{}
	for _, digest := range digests {
		if done[digest] {
			continue
		}
		done[digest] = true
		r, err := files.Open(ctx, digest)
		if errors.Is(err, record.ErrAbsent) {
			return fmt.Errorf("%s: %x is not there (any more): if something was erased meanwhile, back up again; else tenon verify says more", name, digest)
		}
		if err != nil {
			return err
		}
		err = b.entry(name+"/"+hex.EncodeToString(digest[:]), r.Size(), r)
		if err := errors.Join(err, r.Close()); err != nil {
			return err
		}
	}
	return files.Close()
}
