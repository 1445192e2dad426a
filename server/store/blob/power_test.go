package blob_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tenon/server/record"
	"tenon/server/store/blob"
)

// TestFsyncBeforeSyncReturns reads the trace of a Stage and a Sync: every file
// that was written is synced after its last write, and the directory after a
// file was made in it.
func TestFsyncBeforeSyncReturns(t *testing.T) {
	d := newDisk()
	s := open(t, "/blobs", blob.Options{FS: d, SegmentSize: 1 << 20})
	for i, size := range []int{10, 700_000, 3 << 20, 5} {
		stage(t, s, content(uint64(i), size))
		sync1(t, s)
		if missing := unsynced(d.trace); len(missing) > 0 {
			t.Fatalf("Sync returned before %v; trace:\n%s", missing, strings.Join(d.trace, "\n"))
		}
	}
	if !slices.Contains(d.trace, "sync tenant.key") || !slices.Contains(d.trace, "syncdir main") {
		t.Errorf("trace lacks the key file or the directory:\n%s", strings.Join(d.trace, "\n"))
	}
}

// unsynced lists the fsyncs that a trace still owes. Index files are a cache
// and owe none.
func unsynced(trace []string) []string {
	owed := map[string]bool{}
	for _, call := range trace {
		what, name, _ := strings.Cut(call, " ")
		if strings.Contains(name, ".idx") {
			continue
		}
		switch what {
		case "create":
			owed["syncdir"] = true
		case "write":
			owed["sync "+name] = true
		case "sync":
			delete(owed, call)
		case "syncdir":
			delete(owed, "syncdir")
		}
	}
	var left []string
	for call := range owed {
		left = append(left, call)
	}
	return left
}

// TestPowerLoss loses the power at many instants, cruelly and mercifully: what
// Sync had acknowledged is there, and the folder opens.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(60) {
		if fault := losePower(seed, nil); fault != nil {
			t.Errorf("seed %d: %v", seed, fault)
		}
	}
}

// TestPowerLossFindsAMissingFsync proves the proof: with one kind of fsync made
// deaf, the same walk loses something.
func TestPowerLossFindsAMissingFsync(t *testing.T) {
	for name, deaf := range map[string]func(string) bool{
		"segments":        func(call string) bool { return strings.HasPrefix(call, "sync ") && strings.HasSuffix(call, ".seg") },
		"directory":       func(call string) bool { return call == "syncdir main" },
		"key file":        func(call string) bool { return call == "sync tenant.key" },
		"every 4th fsync": everyFourth(),
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(60) {
				if losePower(seed, deaf) != nil {
					return
				}
			}
			t.Error("no loss was found: the test would not see this fsync missing")
		})
	}
}

func everyFourth() func(string) bool {
	n := 0
	return func(call string) bool {
		if strings.HasSuffix(call, ".seg") {
			n++
		}
		return n%4 == 3
	}
}

// losePower stages, syncs, reopens and loses power by chance, and tells the
// first thing that was acknowledged and is not there.
func losePower(seed uint64, deaf func(string) bool) error {
	r := rand.New(rand.NewPCG(seed, 1))
	d := newDisk()
	kept := map[[32]byte][]byte{}
	for life := range 6 {
		d.deaf = deaf
		s, err := blob.Open("/blobs", blob.Options{FS: d, SegmentSize: 300_000})
		if err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if err := verifyKept(s, kept); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if err := live(s, r, seed*10+uint64(life), kept); err != nil {
			return err
		}
		if r.IntN(4) == 0 {
			if err := s.Close(); err != nil {
				return err
			}
		}
		if r.IntN(3) == 0 { // killed only: what was written stays, not all of it durable
			d.unlock()
			continue
		}
		d = d.powerLoss(r, []float64{0, 0.5, 0.9, 1}[r.IntN(4)])
	}
	return nil
}

func live(s *blob.Store, r *rand.Rand, seed uint64, kept map[[32]byte][]byte) error {
	waiting := map[[32]byte][]byte{}
	for i := range 1 + r.IntN(12) {
		size := r.IntN(60_000)
		if r.IntN(8) == 0 {
			size = blob.Frame + r.IntN(blob.Frame)
		}
		b := content(seed*100+uint64(i), size)
		if r.IntN(3) == 0 { // something that may have been lost before
			b = content(7, 40_000)
		}
		row, err := s.Stage(context.Background(), bytes.NewReader(b), 0)
		if err != nil {
			return err
		}
		waiting[row.Digest] = b
		if r.IntN(3) == 0 {
			if err := s.Sync(context.Background()); err != nil {
				return err
			}
			for digest, b := range waiting {
				kept[digest] = b
			}
			clear(waiting)
		}
	}
	return nil
}

func verifyKept(s *blob.Store, kept map[[32]byte][]byte) error {
	for digest, want := range kept {
		if got, err := read(s, digest); err != nil || !bytes.Equal(got, want) {
			return fmt.Errorf("%d acknowledged bytes: %w", len(want), err)
		}
	}
	var known [][32]byte
	s.Each(func(row record.BlobRow) { known = append(known, row.Digest) })
	for _, digest := range known {
		// One that the power tore while a later one came through whole stays, and is told.
		if _, err := read(s, digest); err != nil && !strings.Contains(strings.Join(s.Damage(), "\n"), hex.EncodeToString(digest[:])) {
			return fmt.Errorf("an object that was not acknowledged is known, broken and not told: %w", err)
		}
	}
	return nil
}

// TestKillThenPowerLoss stages a content, is killed before Sync, is asked to
// keep the same content again, acknowledges it and loses the power: what was
// found in the cache of the machine was not on the medium yet.
func TestKillThenPowerLoss(t *testing.T) {
	d := newDisk()
	key := bytes.Repeat([]byte{1}, 32)
	first, err := blob.Open("/blobs", blob.Options{FS: d, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	stage(t, first, content(1, 5000))
	d.unlock()
	second, err := blob.Open("/blobs", blob.Options{FS: d, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	id := stage(t, second, content(1, 5000))
	sync1(t, second)
	third, err := blob.Open("/blobs", blob.Options{FS: d.powerLoss(rand.New(rand.NewPCG(1, 1)), 0), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := read(third, id); err != nil {
		t.Errorf("the acknowledged content is lost: %v", err)
	}
}

// TestFailedFsync: after a failed fsync nobody knows what the medium holds, so
// nothing is acknowledged any more.
func TestFailedFsync(t *testing.T) {
	d := newDisk()
	s, err := blob.Open("/blobs", blob.Options{FS: faulty{d}})
	if err != nil {
		t.Fatal(err)
	}
	stage(t, s, content(1, 5000))
	for range 2 {
		if err := s.Sync(t.Context()); !errors.Is(err, errMedium) {
			t.Errorf("Sync() = %v, want the medium's error, again and again", err)
		}
	}
	if _, err := s.Stage(t.Context(), bytes.NewReader(content(2, 10)), 0); !errors.Is(err, errMedium) {
		t.Errorf("Stage() = %v, want the medium's error", err)
	}
}

var errMedium = errors.New("input/output error")

type faulty struct{ *disk }

func (f faulty) Write(name string) (blob.File, error) {
	h, err := f.disk.Write(name)
	if strings.HasSuffix(name, ".seg") {
		h = faultyFile{h}
	}
	return h, err
}

type faultyFile struct{ blob.File }

func (faultyFile) Sync() error { return errMedium }
