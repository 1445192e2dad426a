package blob_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"tenon/server/record"
	"tenon/server/store/blob"
)

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	o := blob.Options{SegmentSize: 2 << 20, Clock: func() time.Time { return now }}
	s := open(t, dir, o)
	needed := map[[32]byte][]byte{}
	var orphans [][32]byte
	for i := range 40 {
		b := content(uint64(i), 100_000+i)
		d := stage(t, s, b)
		if i%8 == 0 {
			needed[d] = b
		} else {
			orphans = append(orphans, d)
		}
		sync1(t, s)
	}
	old := now
	now = now.Add(2 * time.Hour)
	fresh := stage(t, s, content(99, 1000))
	again := orphans[0]
	stage(t, s, content(1, 100_001)) // met again: spared
	held, err := s.Open(t.Context(), orphans[3])
	if err != nil {
		t.Fatal(err)
	}
	before := diskSize(t, dir)
	need := func(d [32]byte) bool { _, ok := needed[d]; return ok }
	if got, err := s.Sweep(t.Context(), old, need); err != nil || got.Objects != 0 {
		t.Fatalf("Sweep(set as old as the stages) = %+v, %v, want nothing", got, err)
	}
	got, err := s.Sweep(t.Context(), now, need)
	if err != nil || got.Objects != len(orphans)-1 || got.Segments == 0 {
		t.Fatalf("Sweep() = %+v, %v, want %d objects", got, err, len(orphans)-1)
	}
	if after := diskSize(t, dir); after > before/2 {
		t.Errorf("%d of %d bytes stay", after, before)
	}
	if b, err := io.ReadAll(held); err == nil && !bytes.Equal(b, content(4, 100_004)) {
		t.Error("a reader that was open got other bytes")
	}
	_ = held.Close()
	check := func(s *blob.Store) {
		t.Helper()
		for d, b := range needed {
			if got, err := read(s, d); err != nil || !bytes.Equal(got, b) {
				t.Errorf("needed content: %v", err)
			}
		}
		for _, d := range [][32]byte{fresh, again} {
			if _, err := read(s, d); err != nil {
				t.Errorf("spared content: %v", err)
			}
		}
		for _, d := range orphans[1:] {
			if _, err := read(s, d); !errors.Is(err, record.ErrAbsent) {
				t.Errorf("orphan: %v, want ErrAbsent", err)
			}
		}
	}
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, o)
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range glob(t, dir, "*.idx") {
		_ = os.Remove(f)
	}
	s = open(t, dir, o)
	check(s)
	if len(s.Damage()) != 0 {
		t.Errorf("Damage() = %q", s.Damage())
	}
	stage(t, s, content(2, 100_002))
	if _, err := read(s, orphans[1]); err != nil {
		t.Errorf("a swept content stored anew: %v", err)
	}
}

// TestSweptKeyIsDestroyed: what is swept stays unreadable, even for somebody
// who has the tenant's key and finds the frames.
func TestSweptKeyIsDestroyed(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	o := blob.Options{Clock: func() time.Time { return now }}
	s := open(t, dir, o)
	first, orphan, last := stage(t, s, content(1, 9000)), stage(t, s, content(2, 9000)), stage(t, s, content(3, 9000))
	now = now.Add(2 * time.Hour)
	got, err := s.Sweep(t.Context(), now, func(d [32]byte) bool { return d != orphan })
	if err != nil || got != (blob.Swept{Objects: 1, Bytes: 9000}) {
		t.Fatalf("Sweep() = %+v, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	disk, err := os.ReadFile(glob(t, dir, "*.seg")[0])
	if err != nil {
		t.Fatal(err)
	}
	const object = 128 + 9000 + 16
	if key := disk[object+68 : object+128]; !bytes.Equal(key, make([]byte, 60)) {
		t.Errorf("the sealed key is still there: %x", key)
	}
	for _, f := range glob(t, dir, "*.idx") {
		_ = os.Remove(f)
	}
	s = open(t, dir, o)
	for d, gone := range map[[32]byte]bool{first: false, orphan: true, last: false} {
		if _, err := read(s, d); errors.Is(err, record.ErrAbsent) != gone {
			t.Errorf("read() = %v, swept: %v", err, gone)
		}
	}
	if len(s.Damage()) != 0 {
		t.Errorf("Damage() = %q", s.Damage())
	}
}
