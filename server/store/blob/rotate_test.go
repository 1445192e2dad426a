package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/store/blob"
)

func keyText(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "main", "tenant.key"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func rewrap(t *testing.T, s *blob.Store, want bool) {
	t.Helper()
	if over, err := s.Rewrap(t.Context()); err != nil || over != want {
		t.Errorf("Rewrap() = %v, %v, want %v", over, err, want)
	}
}

// TestRotate changes the key beside a running server: whatever it wrote, before,
// meanwhile and later, is read by everybody; the old key goes when the server has
// taken the new one over, and opens nothing any more.
func TestRotate(t *testing.T) {
	dir := t.TempDir()
	server := open(t, dir, blob.Options{SegmentSize: 3 << 20})
	var all [][32]byte
	put := func(s *blob.Store, n uint64) {
		for i := range uint64(6) {
			all = append(all, stage(t, s, content(n+i, int(i)*400_000)))
		}
		sync1(t, s)
	}
	put(server, 0)
	gone := stage(t, server, content(99, 5000))
	sync1(t, server)
	old := keyText(t, dir)
	command := open(t, dir, blob.Options{SegmentSize: 3 << 20})
	for _, want := range []bool{true, false} { // an earlier rotation is not over
		if added, err := command.Rotate(t.Context()); err != nil || added != want {
			t.Fatalf("Rotate() = %v, %v, want %v", added, err, want)
		}
	}
	put(server, 10) // it does not know yet, and seals by the old key
	rewrap(t, command, false)
	put(command, 20)
	for _, d := range all {
		for who, s := range map[string]*blob.Store{"the server": server, "the command": command, "a verifier": open(t, dir, blob.Options{ReadOnly: true})} {
			if _, err := read(s, d); err != nil {
				t.Errorf("%s reads %x between the keys: %v", who, d, err)
			}
		}
	}
	if !strings.HasPrefix(keyText(t, dir), old) {
		t.Error("the old key went while the server still seals by it")
	}
	rewrap(t, server, true) // the last that sealed by the old key
	if done, err := server.Erase(t.Context(), gone, time.Now().Add(2*time.Hour)); err != nil || !done {
		t.Errorf("Erase() = %v, %v", done, err)
	}
	rewrap(t, command, true)
	rewrap(t, server, true)
	text := keyText(t, dir)
	if strings.Contains(text, strings.TrimSpace(old)) || strings.Count(text, "\n") != 1 {
		t.Errorf("the key file still has the old key, or more than the new one")
	}
	put(server, 30)
	again := open(t, dir, blob.Options{})
	for _, d := range all {
		for _, s := range []*blob.Store{server, again} {
			if _, err := read(s, d); err != nil {
				t.Errorf("%x after the rotation: %v", d, err)
			}
		}
	}
	if _, err := read(again, gone); err == nil {
		t.Error("what was erased meanwhile has come back")
	}
	stolen := t.TempDir()
	if err := os.CopyFS(stolen, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(stolen, "main", "tenant.key"), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	thief := open(t, stolen, blob.Options{ReadOnly: true})
	for _, d := range all {
		if _, err := read(thief, d); err == nil {
			t.Fatalf("attack: the old key opens %x", d)
		}
	}
	if n := len(again.Damage()) + len(server.Damage()); n != 0 {
		t.Errorf("damage: %q %q", again.Damage(), server.Damage())
	}
}

// TestRotateUnderLoad rotates again and again while others stage, read, erase and come
// and go.
func TestRotateUnderLoad(t *testing.T) {
	dir := t.TempDir()
	servers := []*blob.Store{open(t, dir, blob.Options{SegmentSize: 1 << 20}), open(t, dir, blob.Options{SegmentSize: 1 << 20})}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for n, s := range servers {
		all.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				b := content(uint64(n*1000+i), 1+(i*7919)%90_000)
				row, err := s.Stage(context.Background(), bytes.NewReader(b), 0)
				if err == nil {
					err = s.Sync(context.Background())
				}
				if err != nil {
					t.Error(err)
					return
				}
				for _, other := range servers {
					if got, err := read(other, row.Digest); err != nil || !bytes.Equal(got, b) {
						t.Errorf("%x: %v", row.Digest, err)
						return
					}
				}
			}
		})
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(5 * time.Millisecond):
				}
				if _, err := s.Rewrap(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 4 {
		s, err := blob.Open(dir, blob.Options{})
		if err == nil {
			_, err = s.Rotate(t.Context())
		}
		for over := false; err == nil && !over; {
			over, err = s.Rewrap(t.Context())
			time.Sleep(time.Millisecond)
		}
		if err = errors.Join(err, s.Close()); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	all.Wait()
	if keys, err := servers[0].Keys(); err != nil || !slices.Equal(keys, []uint16{5}) {
		t.Errorf("Keys() = %v, %v after four rotations, want the fifth alone", keys, err)
	}
}

// TestRotateBrokenOff dies at every call that writes, or loses the power there: all
// that was acknowledged is there, and the rotation goes on to its end.
func TestRotateBrokenOff(t *testing.T) {
	ended := false
	for fuse := 1; !ended; fuse++ {
		for _, mercy := range []float64{-1, 0, 0.5, 1} { // -1: killed alone
			var err error
			if ended, err = breakOff(fuse, mercy); err != nil {
				t.Fatalf("after %d calls, mercy %v: %v", fuse, mercy, err)
			}
		}
		if fuse > 500 {
			t.Fatal("the rotation never ends")
		}
	}
}

var errDead = errors.New("the process is dead")

// dying is a file system that takes so many writing calls and no more.
type dying struct {
	*disk
	fuse *int
}

func (d dying) burn() error {
	if *d.fuse--; *d.fuse < 0 {
		return errDead
	}
	return nil
}

func (d dying) Write(name string) (blob.File, error) {
	f, err := d.disk.Write(name)
	return dyingFile{f, d}, err
}

func (d dying) Rename(from, to string) error {
	if err := d.burn(); err != nil {
		return err
	}
	return d.disk.Rename(from, to)
}

type dyingFile struct {
	blob.File
	d dying
}

func (f dyingFile) WriteAt(b []byte, at int64) (int, error) {
	if err := f.d.burn(); err != nil {
		_, _ = f.File.WriteAt(b[:len(b)/2], at) // torn
		return 0, err
	}
	return f.File.WriteAt(b, at)
}

func (f dyingFile) Sync() error {
	if err := f.d.burn(); err != nil {
		return err
	}
	return f.File.Sync()
}

func breakOff(fuse int, mercy float64) (ended bool, err error) {
	d, kept := newDisk(), map[[32]byte][]byte{}
	s, err := blob.Open("/blobs", blob.Options{FS: d, SegmentSize: 60_000})
	if err != nil {
		return false, err
	}
	if err := live(s, rand.New(rand.NewPCG(3, 1)), 1, kept); err != nil {
		return false, err
	}
	if err := s.Close(); err != nil {
		return false, err
	}
	left := 1 << 30
	s, err = blob.Open("/blobs", blob.Options{FS: dying{d, &left}, SegmentSize: 60_000})
	if err != nil {
		return false, err
	}
	left = fuse
	_, err = s.Rotate(context.Background())
	for over := false; err == nil && !over; {
		over, err = s.Rewrap(context.Background())
	}
	if ended = err == nil; !ended && !errors.Is(err, errDead) {
		return false, err
	}
	d.unlock()
	if mercy >= 0 {
		d = d.powerLoss(rand.New(rand.NewPCG(uint64(fuse), 2)), mercy)
	}
	if s, err = blob.Open("/blobs", blob.Options{FS: d}); err != nil {
		return false, err
	}
	if _, err := s.Rotate(context.Background()); err != nil {
		return false, err
	}
	for range 3 {
		if _, err := s.Rewrap(context.Background()); err != nil {
			return false, err
		}
	}
	if err := verifyKept(s, kept); err != nil {
		return false, err
	}
	if keys, err := s.Keys(); err != nil || len(keys) != 1 || keys[0] == 1 {
		return false, fmt.Errorf("keys are left: %v, %w", keys, err)
	}
	return ended, s.Close()
}
