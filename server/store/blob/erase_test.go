package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tenon/server/record"
	"tenon/server/store/blob"
)

func TestErase(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	s := open(t, dir, blob.Options{Clock: func() time.Time { return now }})
	gone, kept := stage(t, s, content(1, 3<<20)), stage(t, s, content(2, 1000))
	sync1(t, s)
	key := sealedKeys(t, dir)
	if done, err := s.Erase(t.Context(), gone, now); err != nil || done {
		t.Fatalf("Erase() of what was met since = %v, %v, want it spared", done, err)
	}
	if done, err := s.Erase(t.Context(), gone, now.Add(time.Millisecond)); err != nil || !done {
		t.Fatalf("Erase() = %v, %v, want it done", done, err)
	}
	for range 2 { // now, and after the next start
		if _, err := read(s, gone); !errors.Is(err, record.ErrAbsent) {
			t.Errorf("read of the erased = %v, want ErrAbsent", err)
		}
		if b, err := read(s, kept); err != nil || len(b) != 1000 {
			t.Errorf("read of the other = %d bytes, %v", len(b), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, blob.Options{})
	}
	if string(sealedKeys(t, dir)) == string(key) {
		t.Error("the sealed key was not overwritten")
	}
	if again := stage(t, s, content(1, 3<<20)); again != gone {
		t.Error("the same content has another digest")
	}
	sync1(t, s)
	if b, err := read(s, gone); err != nil || len(b) != 3<<20 {
		t.Errorf("the same content staged anew = %d bytes, %v", len(b), err)
	}
}

// sealedKeys is the head of the first segment, in which the first object's sealed
// key stands.
func sealedKeys(t *testing.T, dir string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "main", "*.seg"))
	if err != nil || len(names) == 0 {
		t.Fatal("no segment", err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	return b[:min(len(b), 512)]
}
