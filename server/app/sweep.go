package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tenon/server/record"
	"tenon/server/store/blob"
)

// Sweeping says when content that nothing needs is destroyed: what was staged for
// a request that was then refused or broke off, and the files of jobs that are
// over.
type Sweeping struct {
	Every time.Duration `help:"How often content that nothing refers to is destroyed; 0: never." default:"24h" env:"TENON_SWEEP_EVERY"`
	After time.Duration `help:"How long after the start it is destroyed the first time." default:"1h" env:"TENON_SWEEP_AFTER"`
}

func (s *Sweeping) validate() error {
	if s.Every != 0 && s.Every < time.Minute {
		return fmt.Errorf("sweep-every: %s is shorter than a minute", s.Every)
	}
	if s.After < 0 {
		return fmt.Errorf("sweep-after: %s is negative", s.After)
	}
	return nil
}

// stagedGrace is how long the content of a request may wait for its commit: a
// study that comes over a slow line is staged file by file.
const stagedGrace = 24 * time.Hour

// folder is the use of the data folder by processes. Each that writes shares the
// lock of users for as long as it is open. Who sweeps holds that of the sweeper
// and, for as long as it takes, that of users alone: another process could rely
// on content that it met and has not committed yet, which only it knows.
type folder struct {
	mu             sync.Mutex // one sweep at a time in this process
	users, sweeper *os.File
}

func openFolder(data string) (f *folder, err error) {
	f = &folder{}
	for name, at := range map[string]**os.File{"users.lock": &f.users, "sweeper.lock": &f.sweeper} {
		if *at, err = os.OpenFile(filepath.Join(data, name), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
			return f, errors.Join(err, f.close())
		}
	}
	return f, flock(f.users, shared)
}

func (f *folder) close() error {
	var errs []error
	if f == nil {
		return nil
	}
	for _, file := range []*os.File{f.users, f.sweeper} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}

// alone runs f if no other process uses the folder.
func (f *folder) alone(run func() error) (ran bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := flock(f.sweeper, exclusive); err != nil {
		return false, busy(err)
	}
	// Taking the lock of users for oneself gives up the share first; nobody else
	// can take it meanwhile, who would need the sweeper's.
	if err = flock(f.users, exclusive); err == nil {
		ran, err = true, run()
	}
	return ran, errors.Join(busy(err), flock(f.users, shared), flock(f.sweeper, unlocked))
}

var errBusy = errors.New("app: another process uses the data folder")

func busy(err error) error {
	if errors.Is(err, errBusy) {
		return nil
	}
	return err
}

// Sweep destroys content that nothing needs, of the record and of jobs. It does
// nothing while another process uses the data folder.
func (a *App) Sweep(ctx context.Context) (swept blob.Swept, err error) {
	_, err = a.folder.alone(func() error {
		taken := a.clock()
		needed := map[[32]byte]bool{}
		if err := a.Store.EachBlob(ctx, func(b record.BlobRow) error { needed[b.Digest] = true; return nil }); err != nil {
			return err
		}
		swept, err = a.Blobs.Sweep(ctx, taken, func(digest [32]byte) bool { return needed[digest] })
		return errors.Join(err, a.jobs.sweep(ctx, a))
	})
	return swept, err
}

// sweepJobs destroys the files of jobs that are over.
func (a *App) sweepJobs(ctx context.Context) error {
	_, err := a.folder.alone(func() error { return a.jobs.sweep(ctx, a) })
	return err
}

// keepSwept sweeps again and again until the context ends.
func (a *App) keepSwept(ctx context.Context) {
	if a.Config.Sweeping.Every == 0 {
		return
	}
	for wait := a.Config.Sweeping.After; ; wait = a.Config.Sweeping.Every {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := a.Store.ForgetStates(ctx, "main"); err != nil && ctx.Err() == nil {
			a.log.Error("app state of subjects that are gone is not dropped", "error", err)
		}
		swept, err := a.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			a.log.Error("content that nothing needs is not destroyed", "error", err)
		case swept.Objects > 0:
			a.log.Info("content that nothing needs was destroyed", "objects", swept.Objects, "bytes", swept.Bytes)
		}
	}
}
