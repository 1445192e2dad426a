package ledgertest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tenon/server/ledger"
)

// Store is a ledger.Store that a test can commit leaves to.
type Store interface {
	ledger.Store
	Add(ctx context.Context, leaves ...ledger.Leaf) error
}

// Run runs the conformance suite; newStore gives an empty store each time.
func Run(t *testing.T, newStore func(t *testing.T) Store) {
	for name, check := range map[string]func(*testing.T, Store){
		"empty log":                  empty,
		"sequence and read":          sequenceAndRead,
		"limit, oldest first":        limit,
		"failed turn changes naught": failedTurn,
		"proofs at every size":       proofs,
		"concurrent sequencers":      concurrent,
		"cancelled":                  cancelled,
	} {
		t.Run(name, func(t *testing.T) { check(t, newStore(t)) })
	}
}

// NewSequencer is a sequencer over the store with a fresh key.
func NewSequencer(t testing.TB, store ledger.Store) *ledger.Sequencer {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, "tenon.test/log")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	return &ledger.Sequencer{Store: store, Signer: signer, Verifier: verifier, Clock: func() time.Time { return now }}
}

// Leaf is the n-th leaf of the suite.
func Leaf(n int) ledger.Leaf {
	return ledger.Leaf{
		Kind: ledger.KindVersion, Ref: fmt.Sprintf("Patient/%d/_history/1", n),
		Hash: sha256.Sum256(fmt.Append(nil, "leaf ", n)),
		At:   time.Date(2026, 3, 1, 8, 0, n%60, 0, time.UTC),
	}
}

// Root is the Merkle tree hash of RFC 6962 §2.1 by its definition.
func Root(leaves [][32]byte) [32]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	left, right := Root(leaves[:k]), Root(leaves[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

func add(t *testing.T, s Store, from, to int) {
	t.Helper()
	var leaves []ledger.Leaf
	for n := from; n < to; n++ {
		leaves = append(leaves, Leaf(n))
	}
	if err := s.Add(t.Context(), leaves...); err != nil {
		t.Fatal(err)
	}
}

func once(t *testing.T, q *ledger.Sequencer, want int) {
	t.Helper()
	if n, err := q.Once(t.Context()); err != nil || n != want {
		t.Fatalf("Once() = %v, %v, want %v, nil", n, err, want)
	}
}

// hashes reads the whole log and checks that it is contiguous and that the
// checkpoint is its root.
func hashes(t *testing.T, s Store) [][32]byte {
	t.Helper()
	c, err := s.Checkpoint(t.Context())
	if err != nil || c == nil {
		t.Fatalf("Checkpoint() = %v, %v", c, err)
	}
	var out [][32]byte
	seen := map[string]bool{}
	err = s.Range(t.Context(), 0, c.Size, func(e ledger.Entry) error {
		if e.Index != int64(len(out)) || seen[e.Ref] {
			t.Errorf("entry %v %v after %d others, seen before: %v", e.Index, e.Ref, len(out), seen[e.Ref])
		}
		seen[e.Ref] = true
		out = append(out, e.Hash)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(out)) != c.Size || Root(out) != c.Root {
		t.Errorf("checkpoint of %d leaves with root %x, the log has %d with root %x", c.Size, c.Root, len(out), Root(out))
	}
	return out
}

func empty(t *testing.T, s Store) {
	if c, err := s.Checkpoint(t.Context()); c != nil || err != nil {
		t.Errorf("Checkpoint() = %v, %v, want nil, nil", c, err)
	}
	n, err := s.Sequence(t.Context(), 10, func(*ledger.Checkpoint, []ledger.Node, []ledger.Pending) (*ledger.Batch, error) {
		t.Error("give is called without pending leaves")
		return nil, errors.New("not expected")
	})
	if n != 0 || err != nil {
		t.Errorf("Sequence() = %v, %v, want 0, nil", n, err)
	}
	if e, err := s.Entries(t.Context(), []string{"Patient/1/_history/1"}); len(e) != 0 || err != nil {
		t.Errorf("Entries() = %v, %v, want none", e, err)
	}
}

func sequenceAndRead(t *testing.T, s Store) {
	q := NewSequencer(t, s)
	add(t, s, 0, 7)
	once(t, q, 7)
	once(t, q, 0)
	add(t, s, 7, 20)
	once(t, q, 13)
	all := hashes(t, s)
	for n, h := range all {
		if h != Leaf(n).Hash {
			t.Errorf("leaf %d is not the %d-th committed", n, n)
		}
	}
	checkEntries(t, s)
	checkRange(t, s)
	checkNodes(t, s, all)
}

func checkEntries(t *testing.T, s Store) {
	found, err := s.Entries(t.Context(), []string{Leaf(3).Ref, "Patient/none/_history/1", Leaf(19).Ref})
	if err != nil || len(found) != 2 {
		t.Fatalf("Entries() = %v, %v, want two", found, err)
	}
	for _, e := range found {
		want := Leaf(int(e.Index))
		if e.Ref != want.Ref || e.Kind != want.Kind || e.Hash != want.Hash || !e.At.Equal(want.At) {
			t.Errorf("Entries() has %+v, want leaf %+v", e, want)
		}
	}
}

func checkRange(t *testing.T, s Store) {
	var got []int64
	if err := s.Range(t.Context(), 5, 9, func(e ledger.Entry) error { got = append(got, e.Index); return nil }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[5 6 7 8]" {
		t.Errorf("Range(5, 9) = %v", got)
	}
	stop := errors.New("stop")
	if err := s.Range(t.Context(), 0, 20, func(ledger.Entry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Range() with an error of each = %v, want it", err)
	}
}

// checkNodes asks for complete subtrees out of order and for one that is not
// complete yet.
func checkNodes(t *testing.T, s Store, all [][32]byte) {
	ids := []ledger.Node{{Level: 2, Index: 4}, {Level: 0, Index: 19}, {Level: 4, Index: 0}, {Level: 1, Index: 9}}
	got, err := s.Nodes(t.Context(), ids)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("Nodes() = %v, %v", got, err)
	}
	for i, id := range ids {
		if want := Root(all[id.Index<<id.Level : (id.Index+1)<<id.Level]); got[i].Hash != want || got[i].Level != id.Level || got[i].Index != id.Index {
			t.Errorf("Nodes()[%d] = %+v, want %d/%d %x", i, got[i], id.Level, id.Index, want)
		}
	}
	if got, err := s.Nodes(t.Context(), []ledger.Node{{Level: 3, Index: 2}}); err == nil {
		t.Errorf("Nodes() of an incomplete subtree = %v, want an error", got)
	}
}

func limit(t *testing.T, s Store) {
	q := NewSequencer(t, s)
	add(t, s, 0, 5)
	n, err := s.Sequence(t.Context(), 3, func(_ *ledger.Checkpoint, _ []ledger.Node, p []ledger.Pending) (*ledger.Batch, error) {
		if len(p) != 3 || p[0].Ref != Leaf(0).Ref || p[2].Ref != Leaf(2).Ref {
			t.Errorf("pending = %+v, want the three oldest in order", p)
		}
		return nil, errors.New("enough")
	})
	if n != 0 || err == nil {
		t.Errorf("Sequence() = %v, %v, want 0 and the error of give", n, err)
	}
	once(t, q, 5)
	hashes(t, s)
}

func failedTurn(t *testing.T, s Store) {
	q := NewSequencer(t, s)
	add(t, s, 0, 3)
	once(t, q, 3)
	before, _ := s.Checkpoint(t.Context())
	add(t, s, 3, 6)
	broken := *q
	broken.Signer = failing{q.Signer}
	if n, err := broken.Once(t.Context()); n != 0 || err == nil {
		t.Errorf("Once() with a failing signer = %v, %v", n, err)
	}
	if after, _ := s.Checkpoint(t.Context()); after.Size != before.Size {
		t.Errorf("a failed turn moved the checkpoint to %d", after.Size)
	}
	once(t, q, 3)
	if got := hashes(t, s); len(got) != 6 {
		t.Errorf("%d leaves, want 6", len(got))
	}
}

type failing struct{ note.Signer }

func (failing) Sign([]byte) ([]byte, error) { return nil, errors.New("no key today") }

func proofs(t *testing.T, s Store) {
	q := NewSequencer(t, s)
	var states []ledger.Checkpoint
	for n := range 33 {
		add(t, s, n, n+1)
		once(t, q, 1)
		c, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, *c)
	}
	for _, c := range states {
		for i := range c.Size {
			path, err := ledger.Inclusion(t.Context(), s, i, c.Size)
			if err == nil {
				err = ledger.CheckInclusion(i, c.Size, Leaf(int(i)).Hash, path, c.Root)
			}
			if err != nil {
				t.Fatalf("leaf %d in tree of %d: %v", i, c.Size, err)
			}
		}
		path, err := ledger.Consistency(t.Context(), s, c.Size, 33)
		if err == nil {
			err = ledger.CheckConsistency(c, states[32], path)
		}
		if err != nil {
			t.Fatalf("tree of %d in tree of 33: %v", c.Size, err)
		}
	}
}

func concurrent(t *testing.T, s Store) {
	q := NewSequencer(t, s)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for n := range 20 {
				if err := s.Add(t.Context(), Leaf(w*20+n)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		wg.Go(func() {
			for range 20 {
				if _, err := q.Once(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if _, err := q.Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := hashes(t, s); len(got) != 80 {
		t.Errorf("%d leaves were sequenced, want 80", len(got))
	}
}

func cancelled(t *testing.T, s Store) {
	q := NewSequencer(t, s)
	add(t, s, 0, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := q.Once(ctx); n != 0 || err == nil {
		t.Errorf("Once() with a cancelled context = %v, %v", n, err)
	}
	once(t, q, 2)
}
