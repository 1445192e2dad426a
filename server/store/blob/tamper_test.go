package blob_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tenon/server/record"
	"tenon/server/store/blob"
)

// TestTamper flips one bit in every region of an object on disk.
func TestTamper(t *testing.T) {
	const size = 2*blob.Frame + 100
	frame := func(n int) int { return 128 + n*(blob.Frame+16) }
	for name, at := range map[string]int{
		"magic": 0, "algorithm": 9, "key number": 11, "object id": 12, "digest": 28, "size": 67, "nonce": 68, "sealed key": 80,
		"header's tag": 127, "frame 0": frame(0), "tag of frame 0": frame(1) - 1, "frame 1": frame(1) + 5000,
		"last frame": frame(2) + 99, "last tag": frame(2) + 100 + 15,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, blob.Options{})
			d := stage(t, s, content(1, size))
			sync1(t, s)
			flip(t, glob(t, dir, "*.seg")[0], int64(at))
			got, err := read(s, d)
			if !errors.Is(err, blob.ErrChanged) {
				t.Errorf("read() = %d bytes, %v, want ErrChanged", len(got), err)
			}
			if n := len(got) / blob.Frame * blob.Frame; !bytes.Equal(got[:n], content(1, size)[:n]) {
				t.Error("changed bytes were given out")
			}
		})
	}
}

func TestSwappedFramesAndObjects(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	d := stage(t, s, content(1, 3*blob.Frame))
	sync1(t, s)
	file := glob(t, dir, "*.seg")[0]
	disk, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const f = blob.Frame + 16
	swapped := append(append(append([]byte(nil), disk[:128]...), disk[128+f:128+2*f]...), disk[128:128+f]...)
	if err := os.WriteFile(file, append(swapped, disk[128+2*f:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(s, d); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("frames 0 and 1 swapped: %v, want ErrChanged", err)
	}
	// An object of another tenant does not open here, even under the same key.
	key := bytes.Repeat([]byte{7}, 32)
	east, west := t.TempDir(), t.TempDir()
	se := open(t, east, blob.Options{Key: key, Tenant: "east"})
	d = stage(t, se, []byte("of the east"))
	sync1(t, se)
	sw := open(t, west, blob.Options{Key: key, Tenant: "west"})
	stage(t, sw, []byte("of the west"))
	sync1(t, sw)
	from, _ := filepath.Glob(filepath.Join(east, "east", "*.seg"))
	to, _ := filepath.Glob(filepath.Join(west, "west", "*.seg"))
	b, err := os.ReadFile(from[0])
	if err == nil {
		err = os.WriteFile(to[0], b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	moved := open(t, west, blob.Options{Key: key, Tenant: "west", ReadOnly: true})
	if got, err := read(moved, d); err == nil {
		t.Errorf("the other tenant's object reads %q", got)
	}
}

func TestSameContentHealsDamage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	b := content(1, 3000)
	d := stage(t, s, b)
	other := stage(t, s, content(2, 3000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	flip(t, glob(t, dir, "*.seg")[0], 500)
	s = open(t, dir, blob.Options{})
	if _, err := read(s, d); !errors.Is(err, blob.ErrChanged) {
		t.Fatalf("read() = %v, want ErrChanged", err)
	}
	stage(t, s, b)
	for range 2 {
		for _, want := range [][32]byte{d, other} {
			if _, err := read(s, want); err != nil {
				t.Errorf("after staging it again: %v", err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, blob.Options{})
	}
}

func flip(t *testing.T, file string, at int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	b[0] ^= 0x10
	_, werr := f.WriteAt(b[:], at)
	if err := errors.Join(err, werr, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestTruncatedTail cuts a segment as a crash may, at every region of its last
// object: the earlier ones stay, the last one goes, and the folder is usable.
func TestTruncatedTail(t *testing.T) {
	const size = blob.Frame + 100
	whole := int64(128 + size + 2*16)
	for _, keep := range []int64{0, 1, 64, 128, 129, 128 + blob.Frame, 128 + blob.Frame + 16, whole - 1} {
		dir, mem := t.TempDir(), t.TempDir()
		s := open(t, mem, blob.Options{})
		first := stage(t, s, content(1, 700))
		second := stage(t, s, content(2, 900_000))
		last := stage(t, s, content(3, size))
		sync1(t, s)
		crash(t, mem, dir)
		file := glob(t, dir, "*.seg")[0]
		if err := os.Truncate(file, diskSize(t, dir)-whole+keep); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, blob.Options{})
		for _, d := range [][32]byte{first, second} {
			if _, err := read(s, d); err != nil {
				t.Errorf("%d bytes of the tail: %v", keep, err)
			}
		}
		if _, err := read(s, last); err == nil {
			t.Errorf("%d bytes of the tail: the cut object reads", keep)
		}
		if got, want := diskSize(t, dir), int64(128+700+16+128+900_000+16); got != want {
			t.Errorf("%d bytes of the tail: %d bytes stay, want %d", keep, got, want)
		}
		if stage(t, s, content(3, size)) != last || len(s.Damage()) > 0 {
			t.Errorf("%d bytes of the tail: damage %v", keep, s.Damage())
		}
		if _, err := read(s, last); err != nil {
			t.Error(err)
		}
	}
}

// TestSegmentShorterThanItsIndex: the index file tells of more than there is,
// so the segment is scanned.
func TestSegmentShorterThanItsIndex(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, blob.Options{})
	first, last := stage(t, s, content(1, 5000)), stage(t, s, content(2, 5000))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(glob(t, dir, "*.seg")[0], 9000); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, blob.Options{})
	if _, err := read(s, first); err != nil {
		t.Error(err)
	}
	if _, err := read(s, last); !errors.Is(err, record.ErrAbsent) {
		t.Errorf("read() of what was cut off = %v, want ErrAbsent", err)
	}
}

// TestDamageIsNoCrash breaks a header and a frame in the middle of a segment
// without index: what follows is found, nothing is cut.
func TestDamageIsNoCrash(t *testing.T) {
	mem, dir := t.TempDir(), t.TempDir()
	s := open(t, mem, blob.Options{})
	var all [][32]byte
	for i := range 5 {
		all = append(all, stage(t, s, content(uint64(i), 10_000)))
	}
	sync1(t, s)
	crash(t, mem, dir)
	before := diskSize(t, dir)
	const object = 128 + 10_000 + 16
	flip(t, glob(t, dir, "*.seg")[0], 1*object+30)  // header of the second
	flip(t, glob(t, dir, "*.seg")[0], 3*object+500) // frame of the fourth
	s = open(t, dir, blob.Options{})
	for i, d := range all {
		_, err := read(s, d)
		if broken := i == 1 || i == 3; broken == (err == nil) {
			t.Errorf("object %d: %v", i, err)
		}
	}
	if len(s.Damage()) != 2 || diskSize(t, dir) != before {
		t.Errorf("Damage() = %q, %d of %d bytes stay", s.Damage(), diskSize(t, dir), before)
	}
}

// crash copies a folder that a store has open, without its index files, as if
// the process had been killed.
func crash(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(filepath.Join(to, "main", "tenant.key"), 0o600)
	for _, f := range append(glob(t, to, "*.idx"), glob(t, to, "*.new")...) {
		_ = os.Remove(f)
	}
}

// TestKill kills a process in the middle of staging, several times in one
// folder. Whatever it had acknowledged must be there.
func TestKill(t *testing.T) {
	if dir := os.Getenv("BLOB_TEST_VICTIM"); dir != "" {
		victim(t, dir)
		return
	}
	dir := t.TempDir()
	var acknowledged []string
	for round := range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill$") //nolint:gosec // ourselves
		cmd.Env = append(os.Environ(), "BLOB_TEST_VICTIM="+dir)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(80+round*45) * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for line := range strings.Lines(out.String()) {
			if id, ok := strings.CutPrefix(line, "kept "); ok && strings.HasSuffix(id, "\n") {
				acknowledged = append(acknowledged, strings.TrimSpace(id))
			}
		}
		s := open(t, dir, blob.Options{})
		for _, id := range acknowledged {
			if _, err := read(s, digest(t, id)); err != nil {
				t.Errorf("round %d: acknowledged %s: %v", round, id, err)
			}
		}
		if len(s.Damage()) > 0 {
			t.Errorf("Damage() = %q", s.Damage())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("nothing was acknowledged: the test shows nothing")
	}
	t.Logf("%d contents were acknowledged", len(acknowledged))
}
