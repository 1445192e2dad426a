package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"tenon/fhir/issue"
	"tenon/server/record"
	"tenon/server/store/blob"
)

func open(t testing.TB, dir string, o blob.Options) *blob.Store {
	t.Helper()
	s, err := blob.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// content is size bytes that depend on the seed.
func content(seed uint64, size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 1})
	_, _ = r.Read(b)
	return b
}

func stage(t testing.TB, s *blob.Store, b []byte) [32]byte {
	t.Helper()
	row, err := s.Stage(t.Context(), bytes.NewReader(b), 0)
	if err != nil {
		t.Fatal(err)
	}
	if row.Digest != sha256.Sum256(b) || row.Size != int64(len(b)) {
		t.Fatalf("Stage(%d bytes) = %x, %d", len(b), row.Digest, row.Size)
	}
	return row.Digest
}

func sync1(t testing.TB, s *blob.Store) {
	t.Helper()
	if err := s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func read(s *blob.Store, digest [32]byte) ([]byte, error) {
	r, err := s.Open(context.Background(), digest)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

var sizes = []int{0, 1, blob.Frame - 1, blob.Frame, blob.Frame + 1, 2 * blob.Frame, 5 << 20, 5<<20 + 17}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	want := map[[32]byte][]byte{}
	for i, size := range sizes {
		b := content(uint64(i), size)
		want[stage(t, s, b)] = b
	}
	sync1(t, s)
	check := func(t *testing.T, s *blob.Store) {
		for digest, b := range want {
			if got, err := read(s, digest); err != nil || !bytes.Equal(got, b) {
				t.Errorf("read of %d bytes = %d bytes, %v", len(b), len(got), err)
			}
			checkRanges(t, s, digest, b)
		}
	}
	t.Run("R001-031 content is encrypted at rest", func(t *testing.T) {
		check(t, s)
		for _, file := range glob(t, dir, "*.seg") {
			disk, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range want {
				if len(b) > 64 && bytes.Contains(disk, b[len(b)-64:]) {
					t.Errorf("%s holds plain content", file)
				}
			}
		}
	})
	t.Run("read only beside the writer", func(t *testing.T) { check(t, open(t, dir, blob.Options{ReadOnly: true})) })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("reopened", func(t *testing.T) { check(t, open(t, dir, blob.Options{})) })
	for _, idx := range glob(t, dir, "*.idx") {
		if err := os.Remove(idx); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("without index files", func(t *testing.T) { check(t, open(t, dir, blob.Options{ReadOnly: true})) })
}

func checkRanges(t *testing.T, s *blob.Store, digest [32]byte, want []byte) {
	t.Helper()
	r, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if r.Size() != int64(len(want)) {
		t.Errorf("Size() = %d, want %d", r.Size(), len(want))
	}
	if len(want) < 1<<10 { // it reads byte by byte
		if err := iotest.TestReader(r, want); err != nil {
			t.Error(err)
		}
	}
	for range 20 {
		from := rand.IntN(len(want) + 1)
		n := rand.IntN(len(want) - from + 1)
		if _, err := r.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, n)
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want[from:from+n]) {
			t.Errorf("range %d+%d of %d: %v", from, n, len(want), err)
		}
		if _, err := r.ReadAt(got, int64(from)); err != nil || !bytes.Equal(got, want[from:from+n]) {
			t.Errorf("ReadAt %d+%d of %d: %v", from, n, len(want), err)
		}
	}
	if n, err := r.ReadAt(make([]byte, 10), int64(len(want))); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("ReadAt(end) = %d, %v, want 0, EOF", n, err)
	}
}

func TestAbsent(t *testing.T) {
	s := open(t, t.TempDir(), blob.Options{})
	if _, err := s.Open(t.Context(), [32]byte{1}); !errors.Is(err, record.ErrAbsent) {
		t.Errorf("Open(unknown) = %v, want ErrAbsent", err)
	}
}

func TestLimit(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	stage(t, s, []byte("first"))
	before := diskSize(t, dir)
	for _, c := range []struct {
		limit int64
		size  int
		fits  bool
	}{
		{10, 10, true}, {10, 11, false}, {blob.Frame, blob.Frame, true}, {blob.Frame, blob.Frame + 1, false},
		{3 << 20, 3 << 20, true}, {3 << 20, 3<<20 + 1, false}, {3 << 20, 9 << 20, false},
	} {
		t.Run(fmt.Sprintf("%d bytes, limit %d", c.size, c.limit), func(t *testing.T) {
			src := &counting{r: bytes.NewReader(content(uint64(c.size), c.size))}
			_, err := s.Stage(t.Context(), src, c.limit)
			f := issue.As(err)
			if c.fits != (err == nil) || !c.fits && (f == nil || f.Issues[0].Type != issue.TooLong || f.HTTPStatus() != 413) {
				t.Errorf("Stage() = %v", err)
			}
			if src.n > c.limit+1 {
				t.Errorf("%d bytes were read, limit %d", src.n, c.limit)
			}
			if !c.fits && diskSize(t, dir) != before {
				t.Errorf("a refused content left %d bytes", diskSize(t, dir)-before)
			}
			before = diskSize(t, dir)
		})
	}
}

type counting struct {
	r io.Reader
	n int64
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func TestStageThatFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	stage(t, s, []byte("first"))
	before := diskSize(t, dir)
	broken := errors.New("connection reset")
	for _, size := range []int{100, 3 << 20} {
		_, err := s.Stage(t.Context(), io.MultiReader(bytes.NewReader(content(9, size)), iotest.ErrReader(broken)), 0)
		if !errors.Is(err, broken) {
			t.Errorf("Stage() = %v, want the reader's error", err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stage(ctx, bytes.NewReader(content(9, 3<<20)), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Stage() = %v, want cancelled", err)
	}
	if got := diskSize(t, dir); got != before {
		t.Errorf("failed stages left %d bytes", got-before)
	}
	d := stage(t, s, content(9, 3<<20))
	if _, err := read(s, d); err != nil {
		t.Error(err)
	}
}

func TestSameContentIsKeptOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	small, large := content(1, 1000), content(2, 3<<20)
	for range 3 {
		stage(t, s, small)
		stage(t, s, large)
	}
	if got, want := diskSize(t, dir), int64(2*128+1000+16+3*16)+int64(3<<20); got != want {
		t.Errorf("%d bytes on disk, want %d", got, want)
	}
	before := diskSize(t, dir)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { stage(t, s, content(3, 2<<20)) })
	}
	wg.Wait()
	if got, want := diskSize(t, dir)-before, int64(128+2*16)+2<<20; got != want {
		t.Errorf("staged at once, the content takes %d bytes, want %d", got, want)
	}
	n := 0
	s.Each(func(record.BlobRow) { n++ })
	if n != 3 {
		t.Errorf("%d objects, want 3", n)
	}
}

func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{SegmentSize: 4 << 20})
	var mu sync.Mutex
	want := map[[32]byte][]byte{}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 12 {
				b := content(uint64(w*100+i), (w*977+i*70_001)%(2<<20))
				d := stage(t, s, b)
				sync1(t, s)
				mu.Lock()
				want[d] = b
				mu.Unlock()
				if got, err := read(s, d); err != nil || !bytes.Equal(got, b) {
					t.Errorf("%d bytes read back: %v", len(b), err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, blob.Options{})
	for d, b := range want {
		if got, err := read(s, d); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%d bytes after reopening: %v", len(b), err)
		}
	}
	if d := s.Damage(); len(d) != 0 {
		t.Errorf("Damage() = %v", d)
	}
}

func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, blob.Options{})
	reader := open(t, dir, blob.Options{ReadOnly: true})
	da := stage(t, a, content(1, 5000))
	b := open(t, dir, blob.Options{}) // locks are per open file, so this is as another process
	db := stage(t, b, content(2, 3<<20))
	for name, s := range map[string]*blob.Store{"a": a, "b": b, "read only": reader} {
		for _, d := range [][32]byte{da, db} {
			if _, err := read(s, d); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if _, err := reader.Stage(t.Context(), strings.NewReader("x"), 0); err == nil {
		t.Error("a read-only store took a content")
	}
	if n := len(glob(t, dir, "*.seg")); n != 2 {
		t.Errorf("%d segments, want one a process", n)
	}
}

func TestTenants(t *testing.T) {
	dir := t.TempDir()
	a := open(t, dir, blob.Options{Tenant: "east"})
	b := open(t, dir, blob.Options{Tenant: "west"})
	d := stage(t, a, []byte("of the east"))
	if _, err := read(b, d); !errors.Is(err, record.ErrAbsent) {
		t.Errorf("the other tenant reads %v, want ErrAbsent", err)
	}
	for _, name := range []string{"..", "a/b", ".hidden", strings.Repeat("x", 65)} {
		if _, err := blob.Open(dir, blob.Options{Tenant: name}); err == nil {
			t.Errorf("Open(tenant %q) succeeded", name)
		}
	}
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	stage(t, s, []byte("x"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "main", "tenant.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file %v, %v, want mode 0600", info.Mode(), err)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty": "", "short": string(key[:40]), "other": "hello"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := blob.Open(dir, blob.Options{}); err == nil {
			t.Errorf("%s key: Open succeeded beside stored objects", name)
		}
	}
}

func glob(t testing.TB, dir, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "main", pattern))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func diskSize(t testing.TB, dir string) int64 {
	t.Helper()
	var total int64
	for _, f := range glob(t, dir, "*.seg") {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// TestSameContentAtOnce holds one Stage up between its look at what is known
// and its write, while another keeps the same content.
func TestSameContentAtOnce(t *testing.T) {
	dir := t.TempDir()
	chance := &gate{entered: make(chan struct{}), open: make(chan struct{})}
	s := open(t, dir, blob.Options{Key: bytes.Repeat([]byte{1}, 32), Random: chance})
	done := make(chan [32]byte)
	go func() { done <- stage(t, s, content(1, 1000)) }()
	<-chance.entered
	first := stage(t, s, content(1, 1000))
	close(chance.open)
	if second := <-done; second != first {
		t.Errorf("digests %x and %x", first, second)
	}
	if got, want := diskSize(t, dir), int64(128+1000+16); got != want {
		t.Errorf("%d bytes on disk, want %d", got, want)
	}
	if _, err := read(s, first); err != nil {
		t.Error(err)
	}
}

// gate is a source of chance that holds its first reader until it is opened.
type gate struct {
	once          sync.Once
	entered, open chan struct{}
}

func (g *gate) Read(b []byte) (int, error) {
	first := false
	g.once.Do(func() { first = true })
	if first {
		close(g.entered)
		<-g.open
	}
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return len(b), nil
}
