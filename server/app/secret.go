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
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) { // another process was first
		return os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	return key, errors.Join(err, f.Sync(), f.Close())
}
