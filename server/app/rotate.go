package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"tenon/server/store/blob"
)

// Files are of two kinds, each with keys of its own: those of the record and those of
// jobs.
var fileFolders = []string{"blobs", "jobs"}

// rewrapEvery is how soon a server takes over a key that was added.
const rewrapEvery = 2 * time.Second

// keepRewrapped takes part in rotations of the file keys until the context ends.
func (a *App) keepRewrapped(ctx context.Context) {
	for {
		for _, files := range []*blob.Store{a.Blobs, a.jobs.files} {
			if _, err := files.Rewrap(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("the files are not sealed by the new key yet; another attempt follows", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rewrapEvery):
		}
	}
}

// RotateKeys gives the files new keys and waits until nothing needs the old ones, for
// so long at most; the audit has it first. Servers may run: each takes the new keys over. Where it is broken
// off, servers and the next call go on; the files are readable all the time.
func RotateKeys(ctx context.Context, c Config, most time.Duration) (keys map[string][]uint16, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if !exists(c.Data) {
		return nil, fmt.Errorf("data: there is no folder %q", c.Data)
	}
	folder, err := openFolder(c.Data) // nobody sweeps meanwhile
	if err != nil {
		return nil, errors.Join(err, folder.close())
	}
	defer func() { err = errors.Join(err, folder.close()) }()
	if err := auditRotation(ctx, c); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	keys = map[string][]uint16{}
	for _, name := range fileFolders {
		if keys[name], err = rotateFiles(ctx, filepath.Join(c.Data, name)); err != nil {
			return keys, fmt.Errorf("%s: %w", name, err)
		}
	}
	return keys, nil
}

// auditRotation keeps that the keys are rotated: mission/requirements.csv, R000-020.
func auditRotation(ctx context.Context, c Config) (err error) {
	d, err := OpenDefinitions(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Audit(ctx, "E", "rotate-keys", "keys of files")
}

func rotateFiles(ctx context.Context, folder string) (keys []uint16, err error) {
	files, err := blob.Open(folder, blob.Options{Grace: stagedGrace})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	if _, err := files.Rotate(ctx); err != nil {
		return nil, err
	}
	for {
		over, err := files.Rewrap(ctx)
		if err != nil {
			return nil, err
		}
		if over {
			return files.Keys()
		}
		select {
		case <-ctx.Done():
			return nil, errors.New("the old key is needed by a running server still; it goes on by itself, or call again")
		case <-time.After(rewrapEvery / 4):
		}
	}
}
