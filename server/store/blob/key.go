package blob

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

const (
	keyFile   = "tenant.key"
	keyPrefix = "tenon-blob-key/1 "
)

// loadKey reads the tenant's key, or makes it when the folder is new. A folder
// with segments and no key is refused: a new key would hide what is lost.
func loadKey(fsys FS, dir string, random io.Reader, readOnly bool) ([]byte, error) {
	path := filepath.Join(dir, keyFile)
	open := fsys.Write
	if readOnly {
		open = fsys.Open
	}
	f, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("blob: tenant key: %w", err)
	}
	key, err := readOrMake(fsys, f, dir, random, readOnly)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("blob: %s: %w", path, err)
	}
	return key, nil
}

func readOrMake(fsys FS, f File, dir string, random io.Reader, readOnly bool) ([]byte, error) {
	if !readOnly { // two servers may start at once
		if _, err := f.Lock(true); err != nil {
			return nil, err
		}
	}
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size == 0 && !readOnly {
		return makeKey(fsys, f, dir, random)
	}
	text := make([]byte, min(size, 256))
	if _, err := f.ReadAt(text, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(keyPrefix))
	key, err := hex.DecodeString(string(digits))
	if !ok || err != nil || len(key) != 32 {
		return nil, errors.New("not a key file: restore it from the backup of keys")
	}
	if readOnly {
		return key, nil
	}
	return key, errors.Join(f.Sync(), fsys.SyncDir(dir)) // who made it may have been killed before that
}

func makeKey(fsys FS, f File, dir string, random io.Reader) ([]byte, error) {
	names, err := fsys.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, segmentSuffix) {
			return nil, errors.New("the key is gone but segments are there: restore it from the backup of keys")
		}
	}
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, err
	}
	if _, err := f.WriteAt([]byte(keyPrefix+hex.EncodeToString(key)+"\n"), 0); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return key, fsys.SyncDir(dir)
}
