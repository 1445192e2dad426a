package app

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"tenon/server/backup"
	"tenon/server/record"
	"tenon/server/store"
	"tenon/server/store/blob"
)

// Restore makes a data folder and a database, which both must be new, out of a backup.
// The database comes last in time: until all of it is there no server starts on it.
func Restore(ctx context.Context, c Config, recovery []byte, in io.Reader) (err error) {
	if err := c.Validate(); err != nil {
		return err
	}
	if entries, err := os.ReadDir(c.Data); err == nil && len(entries) > 0 {
		return fmt.Errorf("data: %q is not empty: a backup is restored into a new folder", c.Data)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	opened, err := backup.NewReader(in, recovery)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp(c.Data, "restore-*") // the database's parts, until the end of the stream is proven
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	r := &restoring{c: c, tar: tar.NewReader(opened), scratch: scratch, files: map[string]*blob.Store{}}
	err = r.read(ctx)
	for _, files := range r.files {
		err = errors.Join(err, files.Close())
	}
	if err == nil {
		err = r.database(ctx)
	}
	if err == nil {
		err = sequenced(ctx, c)
	}
	return err
}

// sequenced gives what had no index yet when the backup was taken its place in the log,
// under a checkpoint that is signed now: the record is then proven as it stands.
func sequenced(ctx context.Context, c Config) error {
	a, err := Open(ctx, c)
	if err != nil {
		return err
	}
	return a.Close()
}

type restoring struct {
	c        Config
	tar      *tar.Reader
	scratch  string
	manifest *manifest
	parts    []string // of the database, in order
	files    map[string]*blob.Store
}

// read takes every entry; io.EOF of the sealed stream proves that none is missing.
func (r *restoring) read(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(r.c.Data, "keys"), 0o700); err != nil {
		return err
	}
	for {
		h, err := r.tar.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.entry(ctx, h)
		}
		if err != nil {
			return err
		}
	}
	if r.manifest == nil || r.manifest.Dump == nil {
		return errors.New("the backup has no manifest")
	}
	return r.complete(ctx)
}

func (r *restoring) entry(ctx context.Context, h *tar.Header) error {
	folder, name, _ := strings.Cut(h.Name, "/")
	switch {
	case h.Name == manifestName:
		return json.NewDecoder(r.tar).Decode(&r.manifest)
	case folder == "keys" && plainName(name):
		text, err := io.ReadAll(io.LimitReader(r.tar, 1<<20))
		if err != nil {
			return err
		}
		return keepWhole(filepath.Join(r.c.Data, "keys", name), text)
	case folder == "db":
		return r.piece(name)
	case folder == "blobs" || folder == "jobs":
		return r.content(ctx, folder, name)
	}
	return fmt.Errorf("the backup has an entry %q", h.Name)
}

// plainName keeps what a stream says from reaching another folder.
func plainName(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, `/\`)
}

// piece appends to the copy of a part.
func (r *restoring) piece(name string) error {
	part, _, _ := strings.Cut(name, "/")
	if !plainName(part) {
		return fmt.Errorf("the backup has a part %q", part)
	}
	if len(r.parts) == 0 || r.parts[len(r.parts)-1] != part {
		r.parts = append(r.parts, part)
	}
	f, err := os.OpenFile(filepath.Join(r.scratch, part), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r.tar)
	return errors.Join(err, f.Close())
}

// content keeps a file, which has to be what its name says.
func (r *restoring) content(ctx context.Context, folder, name string) error {
	files, err := r.store(folder)
	if err != nil {
		return err
	}
	row, err := files.Stage(ctx, r.tar, 0)
	if err == nil && hex.EncodeToString(row.Digest[:]) != name {
		err = fmt.Errorf("%s/%s holds another content", folder, name)
	}
	return err
}

func (r *restoring) store(folder string) (files *blob.Store, err error) {
	if files = r.files[folder]; files == nil {
		if files, err = blob.Open(filepath.Join(r.c.Data, folder), blob.Options{}); err == nil {
			r.files[folder] = files
		}
	}
	return files, err
}

// complete holds what came against what the manifest says that the database needs.
func (r *restoring) complete(ctx context.Context) error {
	need := map[string][][32]byte{"blobs": nil, "jobs": nil}
	for i := range r.manifest.Dump.Blobs {
		need["blobs"] = append(need["blobs"], r.manifest.Dump.Blobs[i].Digest)
	}
	for i := range r.manifest.Dump.JobFiles {
		need["jobs"] = append(need["jobs"], r.manifest.Dump.JobFiles[i].Digest)
	}
	for folder, digests := range need {
		files, err := r.store(folder)
		if err != nil {
			return err
		}
		have := map[[32]byte]bool{}
		files.Each(func(b record.BlobRow) { have[b.Digest] = true })
		for _, digest := range digests {
			if !have[digest] {
				return fmt.Errorf("the backup lacks %s/%x", folder, digest)
			}
		}
		if err := files.Sync(ctx); err != nil {
			return err
		}
	}
	return nil
}

// database is filled when everything else is in its place.
func (r *restoring) database(ctx context.Context) error {
	dump := r.manifest.Dump
	if (r.c.Database == "sqlite" || strings.HasPrefix(r.c.Database, "sqlite://")) != (dump.Engine == "sqlite") {
		return fmt.Errorf("database: the backup is of %s", dump.Engine)
	}
	url, err := r.c.databaseURL()
	if err != nil {
		return err
	}
	var at *os.File
	defer func() {
		if at != nil {
			_ = at.Close() // it was only read
		}
	}()
	next := func() (string, io.Reader, error) {
		if at != nil {
			_ = at.Close() // it was only read
			at = nil
		}
		if len(r.parts) == 0 {
			return "", nil, io.EOF
		}
		part := r.parts[0]
		r.parts = r.parts[1:]
		var err error
		at, err = os.Open(filepath.Join(r.scratch, part))
		if err != nil {
			return part, nil, err
		}
		return part, at, nil
	}
	if err := store.Undump(ctx, url, filepath.Join(r.c.Data, "db"), dump, next); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Join(r.c.Data, "keys")), syncDir(r.c.Data))
}
