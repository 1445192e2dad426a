package blob_test

import (
	"io"
	"runtime"
	"testing"

	"tenon/server/store/blob"
)

// TestMemoryIsFlat stages and reads a content of 192 MiB and allocates a few
// frames.
func TestMemoryIsFlat(t *testing.T) {
	const size, limit = 192 << 20, 12 << 20
	s := open(t, t.TempDir(), blob.Options{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	row, err := s.Stage(t.Context(), io.LimitReader(pattern{}, size), 0)
	if err != nil || row.Size != size {
		t.Fatalf("Stage() = %+v, %v", row, err)
	}
	r, err := s.Open(t.Context(), row.Digest)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if err != nil || n != size {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	_ = r.Close()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > limit {
		t.Errorf("%d MiB were allocated for a content of %d MiB", got>>20, size>>20)
	}
}

type pattern struct{}

func (pattern) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(i)
	}
	return len(b), nil
}
