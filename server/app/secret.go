package app

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// secret is a key of 32 bytes in the key folder, made on first use. Servers that
// share a database share the folder.
//
//	pseudonym.key  of the pseudonyms of exports (grading.md: level L5)
//	cursor.key     of page links
func (a *App) secret(name string) ([]byte, error) {
	file := filepath.Join(a.keysFolder(), name)
	key, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if err := keepWhole(file, key); err != nil {
		return nil, err
	}
	return os.ReadFile(file) // another process may have been first
}

// keepWhole makes a file that is there whole or not at all, whatever happens
// meanwhile, unless it exists already.
func keepWhole(file string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
