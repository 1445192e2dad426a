package ledger_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/server/ledger"
	"tenon/server/ledger/ledgertest"
)

func verifyDB(t testing.TB, w *world, trust *ledger.Trust) *ledger.Report {
	t.Helper()
	r, err := ledger.VerifyDatabase(t.Context(), w.store, trust, w.keys.Public, ledger.DatabaseOptions{
		Content: w.content, Clock: func() time.Time { return now.Add(time.Minute) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerifyDatabase(t *testing.T) {
	w := newWorld(t)
	t.Run("R000-018 R002-047 a database as it was written", func(t *testing.T) {
		r := verifyDB(t, w, w.trust())
		if r.Exit() != 0 || r.Versions != 46 || r.Batches != 2 || r.Events != 8 || r.Blobs != 2 || r.Contents != 2 || r.Size != 50 {
			t.Errorf("Exit() = %d, %+v\n%v", r.Exit(), r, r)
		}
	})
	t.Run("without trust", func(t *testing.T) {
		if r := verifyDB(t, w, nil); r.Exit() != 3 {
			t.Errorf("Exit() = %d", r.Exit())
		}
	})
	t.Run("a new database", func(t *testing.T) {
		empty := &world{t: t, keys: w.keys, store: ledgertest.NewMemory()}
		if r := verifyDB(t, empty, w.keys.Trust(nil)); r.Exit() != 0 {
			t.Errorf("report:\n%v", r)
		}
	})
	t.Run("rows that wait for their index", func(t *testing.T) {
		w := newWorld(t)
		young := version("Patient", "young", 1, "")
		young.Updated = now.Add(55 * time.Second)
		w.store.Put(t.Context(), now, young)
		if r := verifyDB(t, w, w.trust()); r.Exit() != 0 || r.Waiting != 1 {
			t.Errorf("report:\n%v", r)
		}
	})
	t.Run("rows that wait while a long verification goes on", func(t *testing.T) {
		w := newWorld(t)
		young := version("Patient", "young", 1, "")
		young.Updated = now
		w.store.Put(t.Context(), now, young)
		at := now.Add(5 * time.Second)
		r, err := ledger.VerifyDatabase(t.Context(), slow{w.store, &at}, w.trust(), w.keys.Public, ledger.DatabaseOptions{
			Content: w.content, Clock: func() time.Time { return at },
		})
		if err != nil || r.Exit() != 0 || r.Waiting != 1 {
			t.Errorf("%v, report:\n%v", err, r)
		}
	})
	t.Run("more rows than one turn", func(t *testing.T) {
		w := newWorld(t)
		for n := range 1203 {
			w.store.Put(t.Context(), now, version("Patient", fmt.Sprintf("more%d", n), 1, ""))
		}
		w.sequence()
		if r := verifyDB(t, w, w.trust()); r.Exit() != 0 || r.Versions != 46+1203 {
			t.Errorf("report:\n%v", r)
		}
	})
}

// slow is a record whose versions take an hour to walk through.
type slow struct {
	*ledgertest.Memory
	at *time.Time
}

func (s slow) Versions(ctx context.Context, each func(ledger.VersionRow) error) error {
	*s.at = s.at.Add(time.Hour)
	return s.Memory.Versions(ctx, each)
}

// row finds a stored version.
func (w *world) row(ref string) int {
	i := slices.IndexFunc(w.store.Rows, func(r ledger.VersionRow) bool { return r.Ref() == ref })
	if i < 0 {
		w.t.Fatalf("no row %s", ref)
	}
	return i
}

func (w *world) entry(ref string) int {
	i := slices.IndexFunc(w.store.Log, func(e ledger.Entry) bool { return e.Ref == ref })
	if i < 0 {
		w.t.Fatalf("no leaf %s", ref)
	}
	return i
}

// set changes the bytes of a row, and the digest column with them.
func (w *world) set(ref string, body []byte) {
	r := &w.store.Rows[w.row(ref)]
	r.Body, r.Digest = body, sum(body)
}

const p9 = "Patient/other9/_history/1"

func TestTamperedDatabase(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(*world)
		want  func(*world) []string
	}{
		"bytes of a version": {
			func(w *world) { w.set(d2, body("DocumentReference", "d", 2, `,"description":"1.01"`)) },
			one("changed", "version", d2),
		},
		"digest column": {
			func(w *world) { w.store.Rows[w.row(d2)].Digest[0] ^= 1 },
			one("changed", "version", d2),
		},
		"salt": {func(w *world) { w.store.Rows[w.row(d2)].Salt[0] ^= 1 }, one("changed", "version", d2)},
		"a version deleted": {
			func(w *world) { i := w.row(d1); w.store.Rows = slices.Delete(w.store.Rows, i, i+1) },
			one("missing", "version", d1),
		},
		"the newest version deleted": {
			func(w *world) { i := w.row(d2); w.store.Rows = slices.Delete(w.store.Rows, i, i+1) },
			one("missing", "version", d2),
		},
		"a version inserted": {
			func(w *world) { w.store.Rows = append(w.store.Rows, version("Patient", "evil", 1, "")) },
			one("inserted", "version", "Patient/evil/_history/1"),
		},
		"a deletion made up": {
			func(w *world) {
				i := w.row(p9)
				w.store.Rows = slices.Insert(w.store.Rows, i+1, ledger.VersionRow{Type: "Patient", ID: "other9", Version: 2, Deleted: true, Updated: now})
			},
			one("inserted", "version", "Patient/other9/_history/2"),
		},
		"a deletion taken back": {
			func(w *world) {
				r := &w.store.Rows[w.row("Observation/o/_history/2")]
				r.Deleted, r.Body = false, body("Observation", "o", 2, "")
			},
			one("changed", "version", "Observation/o/_history/2"),
		},
		"time of a deletion": {
			func(w *world) { w.store.Rows[w.row("Observation/o/_history/2")].Updated = now.Add(time.Second) },
			one("changed", "version", "Observation/o/_history/2"),
		},
		"bodies of two versions swapped": {
			func(w *world) {
				i, j := w.row(d1), w.row(d2)
				a, b := &w.store.Rows[i], &w.store.Rows[j]
				a.Body, b.Body, a.Salt, b.Salt, a.Digest, b.Digest = b.Body, a.Body, b.Salt, a.Salt, b.Digest, a.Digest
			},
			func(*world) []string {
				return []string{want("changed", "version", d1), want("changed", "version", d2)}
			},
		},
		"bodies and references swapped": {
			func(w *world) {
				i, j := w.row("Device/x/_history/1"), w.row(p9)
				a, b := &w.store.Rows[i], &w.store.Rows[j]
				a.Body, b.Body, a.Salt, b.Salt, a.Digest, b.Digest = b.Body, a.Body, b.Salt, a.Salt, b.Digest, a.Digest
				k, l := w.entry("Device/x/_history/1"), w.entry(p9)
				w.store.Log[k].Ref, w.store.Log[l].Ref = w.store.Log[l].Ref, w.store.Log[k].Ref
			},
			func(*world) []string {
				return []string{want("changed", "version", "Device/x/_history/1"), want("changed", "version", p9)}
			},
		},
		"two leaves swapped": {
			func(w *world) {
				k, l := w.entry(d1), w.entry(p9)
				a, b := w.store.Log[k], w.store.Log[l]
				w.store.Log[k].Leaf, w.store.Log[l].Leaf = b.Leaf, a.Leaf
			},
			func(*world) []string { return []string{want("changed", "log", ""), want("forked", "log", "")} },
		},
		"hash of a leaf, and the row to match": {
			func(w *world) {
				w.set(d2, body("DocumentReference", "d", 2, `,"description":"9"`))
				w.store.Log[w.entry(d2)].Leaf = ledger.VersionLeaf(w.store.Rows[w.row(d2)])
			},
			one("changed", "log", ""),
		},
		"a leaf deleted": {
			func(w *world) { i := w.entry(d2); w.store.Log = slices.Delete(w.store.Log, i, i+1) },
			func(w *world) []string {
				return []string{want("missing", "log", "leaf 40"), want("changed", "log", ""), want("inserted", "version", d2)}
			},
		},
		"row and leaf deleted": {
			func(w *world) {
				i, j := w.entry(p9), w.row(p9)
				w.store.Log, w.store.Rows = slices.Delete(w.store.Log, i, i+1), slices.Delete(w.store.Rows, j, j+1)
			},
			func(*world) []string {
				return []string{want("missing", "log", "leaf 9"), want("changed", "log", ""), want("forked", "log", "")}
			},
		},
		"a leaf appended": {
			func(w *world) {
				w.store.Rows = append(w.store.Rows, version("Patient", "evil", 1, ""))
				w.store.Log = append(w.store.Log, ledger.Entry{Index: w.store.Last.Size, Leaf: ledger.VersionLeaf(version("Patient", "evil", 1, ""))})
			},
			one("inserted", "log", "Patient/evil/_history/1"),
		},
		"an index given twice": {
			func(w *world) {
				e := w.store.Log[w.entry(p9)]
				e.Leaf = ledger.VersionLeaf(version("Patient", "evil", 1, ""))
				w.store.Rows = append(w.store.Rows, version("Patient", "evil", 1, ""))
				w.store.Log = slices.Insert(w.store.Log, w.entry(p9)+1, e)
			},
			one("inserted", "log", "Patient/evil/_history/1"),
		},
		"a version logged again with other bytes": {
			func(w *world) {
				w.set(d2, body("DocumentReference", "d", 2, `,"description":"9"`))
				_ = w.store.Add(context.Background(), ledger.VersionLeaf(w.store.Rows[w.row(d2)]))
				w.sequence()
			},
			one("inserted", "version", d2),
		},
		"an audit row": {
			func(w *world) { w.store.Audits[1].Rows[3] = []byte(`{"operation":"none"}`) },
			one("changed", "audit", "audit/2"),
		},
		"an audit row deleted": {
			func(w *world) { w.store.Audits[1].Rows = w.store.Audits[1].Rows[:6] },
			one("changed", "audit", "audit/2"),
		},
		"audit rows swapped": {
			func(w *world) { slices.Reverse(w.store.Audits[1].Rows[2:4]) },
			one("changed", "audit", "audit/2"),
		},
		"an audit batch deleted": {
			func(w *world) { w.store.Audits = w.store.Audits[1:] },
			one("missing", "audit", "audit/1"),
		},
		"an audit batch inserted": {
			func(w *world) { w.store.Audits = append(w.store.Audits, w.batch("audit/3", 2).AuditBatch) },
			one("inserted", "audit", "audit/3"),
		},
		"a blob row deleted": {
			func(w *world) { w.store.Contents = w.store.Contents[1:] },
			func(w *world) []string {
				return []string{want("missing", "blob", ledger.BlobRef(w.dossier.Blobs[0].Digest))}
			},
		},
		"a blob row inserted": {
			func(w *world) { w.store.Contents = append(w.store.Contents, w.blob([]byte("evil"))) },
			func(*world) []string { return []string{want("inserted", "blob", ledger.BlobRef(sum([]byte("evil"))))} },
		},
		"content of a blob": {
			func(w *world) { w.contents[w.dossier.Blobs[0].Digest] = []byte("evil") },
			func(w *world) []string {
				return []string{want("changed", "blob", ledger.BlobRef(w.dossier.Blobs[0].Digest))}
			},
		},
		"content gone": {
			func(w *world) { delete(w.contents, w.dossier.Blobs[0].Digest) },
			func(w *world) []string {
				return []string{want("missing", "blob", ledger.BlobRef(w.dossier.Blobs[0].Digest))}
			},
		},
		"rolled back": {
			func(w *world) {
				older := newWorldBefore(w)
				w.store = older
			},
			one("forked", "log", ""),
		},
		"checkpoint's row beside its note": {
			func(w *world) { c := *w.store.Last; c.Root[0] ^= 1; w.store.Last = &c },
			func(*world) []string { return []string{want("changed", "checkpoint", ""), want("changed", "log", "")} },
		},
		"a wholly new log under another key": {
			func(w *world) {
				other := newWorld(w.t)
				w.store, w.contents = other.store, other.contents
			},
			func(*world) []string { return []string{want("untrusted", "checkpoint", "")} },
		},
		"leaf left out of the log": {
			func(w *world) { w.store.Put(context.Background(), now, version("Patient", "late", 1, "")) },
			one("unsequenced", "log", "Patient/late/_history/1"),
		},
		"pending leaf without its row": {
			func(w *world) {
				l := ledger.VersionLeaf(version("Patient", "ghost", 1, ""))
				l.At = now.Add(time.Minute)
				_ = w.store.Add(context.Background(), l)
			},
			one("missing", "version", "Patient/ghost/_history/1"),
		},
		"pending leaf of other bytes": {
			func(w *world) {
				v := version("Patient", "young", 1, "")
				v.Updated = now.Add(time.Minute)
				w.store.Put(context.Background(), now, v)
				w.set(v.Ref(), body("Patient", "young", 1, `,"active":true`))
			},
			one("changed", "version", "Patient/young/_history/1"),
		},
	} {
		t.Run("R000-018 "+name, func(t *testing.T) {
			w := newWorld(t)
			c.forge(w)
			trust := w.trust()
			if name == "rolled back" {
				trust = w.keys.Trust(newest(w))
			}
			findings(t, verifyDB(t, w, trust), c.want(w)...)
		})
	}
}

func one(kind ledger.Kind, what, ref string) func(*world) []string {
	return func(*world) []string { return []string{want(kind, what, ref)} }
}

// newWorldBefore is the database as it was before the case: all of it good, but
// older than what was seen.
func newWorldBefore(w *world) *ledgertest.Memory {
	m := ledgertest.NewMemory()
	for _, r := range w.store.Rows[:37] {
		m.Put(context.Background(), now, r)
	}
	seq := *w.seq
	seq.Store = m
	if _, err := seq.Once(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return m
}

// newest is the checkpoint after the case.
func newest(w *world) *ledger.Checkpoint {
	again := &world{t: w.t, keys: w.keys, store: ledgertest.NewMemory(), contents: map[[32]byte][]byte{}}
	c, err := ledger.SignCheckpoint(again.keys.Signer, 50, [32]byte{1}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	return &c
}

func TestReportIsBounded(t *testing.T) {
	w := newWorld(t)
	for n := range 2500 {
		w.store.Rows = append(w.store.Rows, version("Patient", fmt.Sprintf("evil%d", n), 1, ""))
	}
	r := verifyDB(t, w, w.trust())
	if len(r.Findings) != 1000 || r.More != 1500 || !strings.Contains(r.String(), "and 1500 more") {
		t.Errorf("%d findings and %d more", len(r.Findings), r.More)
	}
}

// TestForgedIndex: a lookup that answers other than the log it looks into, such
// as a damaged index of the database, is found though every answer fits.
func TestForgedIndex(t *testing.T) {
	w := newWorld(t)
	w.set(d2, body("DocumentReference", "d", 2, `,"description":"9"`))
	r, err := ledger.VerifyDatabase(t.Context(), lying{w.store, w}, w.trust(), "", ledger.DatabaseOptions{Content: w.content})
	if err != nil {
		t.Fatal(err)
	}
	findings(t, r, want("changed", "log", ""))
}

type lying struct {
	*ledgertest.Memory
	w *world
}

func (l lying) Entries(ctx context.Context, refs []string) ([]ledger.Entry, error) {
	entries, err := l.Memory.Entries(ctx, refs)
	for i, e := range entries {
		if e.Ref == d2 {
			entries[i].Leaf = ledger.VersionLeaf(l.w.store.Rows[l.w.row(d2)])
		}
	}
	return entries, err
}

func TestVerifyDatabaseFailsOnReading(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := ledger.VerifyDatabase(ctx, cancelled{w.store}, w.trust(), "", ledger.DatabaseOptions{}); err == nil {
		t.Errorf("VerifyDatabase() = %v, nil", r)
	}
	if _, err := ledger.VerifyDatabase(t.Context(), w.store, nil, "no key", ledger.DatabaseOptions{}); err == nil {
		t.Error("a log key that is none was taken")
	}
}

type cancelled struct{ *ledgertest.Memory }

func (c cancelled) Range(ctx context.Context, _, _ int64, _ func(ledger.Entry) error) error {
	return ctx.Err()
}

func BenchmarkVerifyDossier(b *testing.B) {
	w := newWorld(b)
	text := w.write()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if r := verify(b, text, w.trust(), ledger.VerifyOptions{}); !r.OK() {
			b.Fatal(r)
		}
	}
}

func BenchmarkSequence(b *testing.B) {
	m := ledgertest.NewMemory()
	q := ledgertest.NewSequencer(b, m)
	for b.Loop() {
		for n := range 1000 {
			_ = m.Add(b.Context(), ledgertest.Leaf(n))
		}
		m.Log = nil // the memory's own cost is not of interest
		if _, err := q.Once(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
