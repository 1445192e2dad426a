package blob

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// FS is all that the driver asks of a file system, so that a test can trace the
// calls or lose the power. A name that is absent gives fs.ErrNotExist.
type FS interface {
	Open(name string) (File, error)  // for reading
	Write(name string) (File, error) // for reading and writing, created with mode 0600
	Rename(from, to string) error
	Remove(name string) error
	List(dir string) ([]string, error)
	Mkdir(dir string) error   // mode 0700; nil when it exists
	SyncDir(dir string) error // makes created, renamed and removed names durable
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Size() (int64, error)
	// Lock takes the exclusive advisory lock, which Close gives back. Without
	// wait it answers false when another holds it.
	Lock(wait bool) (bool, error)
	Close() error
}

// OS is the file system of the machine.
type OS struct{}

// Open implements FS.
func (OS) Open(name string) (File, error) { return wrap(os.Open(name)) } //nolint:gosec // names are made here

// Write implements FS.
func (OS) Write(name string) (File, error) {
	return wrap(os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)) //nolint:gosec // names are made here
}

func wrap(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// Rename implements FS.
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements FS.
func (OS) Remove(name string) error { return os.Remove(name) }

// List implements FS.
func (OS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// Mkdir implements FS.
func (OS) Mkdir(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// SyncDir implements FS.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // names are made here
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) Lock(wait bool) (bool, error) { return lock(f.File, wait) }
