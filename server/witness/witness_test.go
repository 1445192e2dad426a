package witness_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
	"tenon/server/witness"
)

var start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// log is a log in memory.
type log struct {
	t     *testing.T
	keys  *ledger.Keys
	store *ledgertest.Memory
	n     int
}

func newLog(t *testing.T) *log {
	t.Helper()
	k, err := ledger.KeyOptions{Origin: "example.org/log"}.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &log{t: t, keys: k, store: ledgertest.NewMemory()}
}

// grow adds leaves; what they are of says the story.
func (l *log) grow(story string, leaves int) ledger.Checkpoint {
	l.t.Helper()
	for range leaves {
		l.n++
		leaf := ledgertest.Leaf(l.n)
		leaf.Ref += story
		leaf.Hash[0] ^= byte(len(story))
		if err := l.store.Add(l.t.Context(), leaf); err != nil {
			l.t.Fatal(err)
		}
	}
	if _, err := l.keys.Sequencer(l.store, func() time.Time { return start }).Once(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	return *l.store.Last
}

func (l *log) request(old int64, c ledger.Checkpoint) []byte {
	l.t.Helper()
	a := ledger.AddCheckpoint{Old: old, Note: c.Note}
	if old > 0 && old <= c.Size {
		var err error
		if a.Path, err = ledger.Consistency(l.t.Context(), l.store, old, c.Size); err != nil {
			l.t.Fatal(err)
		}
	}
	return a.Encode()
}

func TestWitness(t *testing.T) {
	a, fork := newLog(t), newLog(t)
	fork.keys = a.keys
	folder := t.TempDir()
	open := func() *witness.Witness {
		t.Helper()
		w, err := witness.New(witness.Options{Name: "example.org/w", Folder: folder, Logs: []string{a.keys.Public}, Clock: func() time.Time { return start }})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	w := open()
	five, nine, twenty := a.grow("", 5), a.grow("", 4), a.grow("", 11)
	fork.grow("", 5)
	forked := fork.grow("other", 9)
	foreign := newLog(t)
	other := foreign.grow("", 3)
	for _, c := range []struct {
		name string
		body []byte
		want error
	}{
		{"R000-018 the first one", a.request(0, five), nil},
		{"R000-018 the same again", a.request(5, five), nil},
		{"R000-018 from a state that was not the last", a.request(0, nine), witness.Stale{Size: 5}},
		{"R000-018 one that extends it", a.request(5, nine), nil},
		{"R000-018 rolled back", a.request(0, five), witness.Stale{Size: 9}},
		{"R000-018 rolled back, from the last", (&ledger.AddCheckpoint{Old: 9, Note: five.Note}).Encode(), witness.ErrMalformed},
		{"R000-018 a fork", fork.request(9, forked), witness.ErrInconsistent},
		{"R000-018 without a proof", (&ledger.AddCheckpoint{Old: 9, Note: twenty.Note}).Encode(), witness.ErrInconsistent},
		{"R000-018 another proof", (&ledger.AddCheckpoint{Old: 9, Note: twenty.Note, Path: [][32]byte{{1}}}).Encode(), witness.ErrInconsistent},
		{"R000-018 another key under the name", foreign.request(0, other), witness.ErrUntrusted},
		{"R000-018 a changed note", bytes.Replace(a.request(9, twenty), []byte("\n20\n"), []byte("\n21\n"), 1), witness.ErrUntrusted},
		{"R000-018 a log that is not watched", []byte("old 0\n\nexample.com/none\n1\nAAAA\n\n— x y\n"), witness.ErrUnknown},
		{"R000-018 rubbish", []byte("old x\n\nexample.org/log\n"), witness.ErrMalformed},
		{"R000-018 on and on", a.request(9, twenty), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w = open() // it forgets nothing
			line, err := w.Add(c.body)
			var stale witness.Stale
			if errors.As(err, &stale) {
				if stale != c.want { //nolint:errorlint // compared with its size
					t.Errorf("Add() = %v, want %v", err, c.want)
				}
				return
			}
			if !errors.Is(err, c.want) || (err == nil) != strings.HasPrefix(line, "— example.org/w ") {
				t.Errorf("Add() = %q, %v, want %v", line, err, c.want)
			}
		})
	}
	t.Run("R000-018 what it keeps bears both signatures", func(t *testing.T) {
		kept, err := w.Kept("example.org/log")
		if err != nil {
			t.Fatal(err)
		}
		v, err := ledger.NewCosigner(w.Key())
		if err != nil {
			t.Fatal(err)
		}
		at, err := v.Open(kept)
		log, _ := ledger.ParseLogKey(a.keys.Public)
		c, cerr := log.Open(kept)
		if err != nil || cerr != nil || !at.Equal(start) || c.Size != 20 {
			t.Errorf("Open() = %v, %v; size %d, %v", at, err, c.Size, cerr)
		}
	})
	t.Run("R000-018 a memory that was changed cosigns nothing", func(t *testing.T) {
		files, _ := filepath.Glob(filepath.Join(folder, "*"))
		for _, f := range files {
			if !strings.HasSuffix(f, "witness.key") {
				if err := os.WriteFile(f, five.Note, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if line, err := open().Add(a.request(5, twenty)); err == nil {
			t.Errorf("Add() = %s", line)
		}
	})
}

func TestHandler(t *testing.T) {
	a := newLog(t)
	w, err := witness.New(witness.Options{Name: "example.org/w", Folder: t.TempDir(), Logs: []string{a.keys.Public}})
	if err != nil {
		t.Fatal(err)
	}
	h := w.Handler()
	five, nine := a.grow("", 5), a.grow("", 4)
	for _, c := range []struct {
		method, path string
		body         []byte
		status       int
		want         string
	}{
		{"GET", "/checkpoint?origin=example.org/log", nil, 404, ""},
		{"POST", "/add-checkpoint", a.request(0, five), 200, "— example.org/w "},
		{"POST", "/add-checkpoint", a.request(0, nine), 409, "5\n"},
		{"POST", "/add-checkpoint", (&ledger.AddCheckpoint{Old: 5, Note: nine.Note}).Encode(), 422, ""},
		{"POST", "/add-checkpoint", bytes.Repeat([]byte("x"), 40<<10), 400, ""},
		{"POST", "/add-checkpoint", []byte("old 0\n\nnobody\n1\nAAAA\n"), 404, ""},
		{"POST", "/add-checkpoint", bytes.Replace(a.request(5, nine), []byte("\n9\n"), []byte("\n8\n"), 1), 403, ""},
		{"GET", "/add-checkpoint", nil, 405, ""},
		{"GET", "/checkpoint?origin=example.org/log", nil, 200, "example.org/log\n5\n"},
		{"GET", "/key", nil, 200, w.Key()},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, bytes.NewReader(c.body))
		out := httptest.NewRecorder()
		h.ServeHTTP(out, r)
		if out.Code != c.status || !strings.HasPrefix(out.Body.String(), c.want) {
			t.Errorf("%s %s = %d %q, want %d %q", c.method, c.path, out.Code, out.Body, c.status, c.want)
		}
		if c.status == http.StatusConflict && out.Header().Get("Content-Type") != "text/x.tlog.size" {
			t.Errorf("409 is %s", out.Header().Get("Content-Type"))
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "two words", "a+b"} {
		if _, err := witness.New(witness.Options{Name: name, Folder: t.TempDir()}); err == nil {
			t.Errorf("the name %q was taken", name)
		}
	}
	folder := t.TempDir()
	first, err := witness.New(witness.Options{Name: "a", Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	again, err := witness.New(witness.Options{Folder: folder})
	if err != nil || again.Key() != first.Key() {
		t.Errorf("another key after a restart: %v", err)
	}
	if _, err := witness.New(witness.Options{Name: "b", Folder: folder}); err == nil {
		t.Error("the key of another name was taken")
	}
	for _, key := range []string{"", "a+b", "a+00000000+AAAA", strings.Replace(first.Key(), "a+", "b+", 1), first.Key()[:len(first.Key())-6] + "AAAAA="} {
		if _, err := ledger.NewCosigner(key); err == nil {
			t.Errorf("NewCosigner(%q) = nil", key)
		}
	}
}

func FuzzAdd(f *testing.F) {
	f.Add([]byte("old 0\n\nexample.org/log\n1\nAAAA\n\n— x y\n"))
	f.Add([]byte("old 12\nAAAA\n\n\n"))
	w, err := witness.New(witness.Options{Name: "a", Folder: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if line, err := w.Add(body); err == nil {
			t.Errorf("cosigned: %s", line)
		}
		if a, err := ledger.ParseAddCheckpoint(body); err == nil && !bytes.Equal(a.Encode(), body) {
			t.Errorf("read %q, wrote %q", body, a.Encode())
		}
	})
}
