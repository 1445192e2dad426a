package reserve_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tenon/server/store/reserve"
)

func open(t *testing.T, path string, size int64) *reserve.File {
	t.Helper()
	r, err := reserve.Open(path, size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func drained(t *testing.T, r *reserve.File) (got []string) {
	t.Helper()
	if err := r.Drain(func(e []byte) error { got = append(got, string(e)); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestEntriesOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	r := open(t, path, 4096)
	if r.Waiting() || len(drained(t, r)) > 0 {
		t.Error("a new reserve is not empty")
	}
	for _, e := range []string{"one", "two", "three"} {
		if err := r.Append([]byte(e)); err != nil {
			t.Fatal(err)
		}
	}
	again := open(t, path, 4096)
	refusal := errors.New("no")
	if err := again.Drain(func([]byte) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("Drain = %v, want what put said", err)
	}
	if got := drained(t, again); !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Errorf("drained %q", got)
	}
	if again.Waiting() || len(drained(t, open(t, path, 4096))) > 0 {
		t.Error("what was drained is there again")
	}
	if err := again.Append([]byte("x")); err != nil { // shorter than what stood there
		t.Fatal(err)
	}
	if got := drained(t, open(t, path, 4096)); !slices.Equal(got, []string{"x"}) {
		t.Errorf("behind the new entry stands %q", got)
	}
}

func TestItNeverGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	r := open(t, path, 1<<10)
	var kept int
	for err := error(nil); err == nil; kept++ {
		if err = r.Append(bytes.Repeat([]byte{'a'}, 100)); err != nil && !errors.Is(err, reserve.ErrFull) {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 1<<10 {
		t.Errorf("its size is %v, %v; want 1024", info.Size(), err)
	}
	if got := len(drained(t, open(t, path, 1<<10))); got != kept-1 || got < 8 {
		t.Errorf("%d entries were taken, %d are there", kept-1, got)
	}
}

// What a kill or a bad disk left is read up to the first entry that is not whole.
func TestATornEntryEndsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	r := open(t, path, 4096)
	for i := range 3 {
		if err := r.Append(fmt.Appendf(nil, "entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[8+7+8] ^= 1 // in the second
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := drained(t, open(t, path, 4096)); !slices.Equal(got, []string{"entry 0"}) {
		t.Errorf("drained %q", got)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 3, 1, 2, 3, 4, 'a', 'b', 'c'})
	f.Add([]byte{255, 255, 255, 255, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "r")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		r := open(t, path, 4096)
		drained(t, r)
		if err := r.Append([]byte("new")); err != nil {
			t.Fatal(err)
		}
		if got := drained(t, r); !slices.Equal(got, []string{"new"}) {
			t.Errorf("drained %q", got)
		}
	})
}
