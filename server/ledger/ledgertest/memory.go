// Package ledgertest holds the conformance suite of ledger.Store and a store in
// memory that passes it. The suite runs on every real engine; the memory serves
// tests of the ledger's own logic, which need to forge what a database holds.
package ledgertest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"tenon/server/ledger"
)

// Memory is a ledger.Store and ledger.Records in memory. Its fields may be
// changed at will while nothing else runs, as a forger with the database's
// password would.
type Memory struct {
	mu   sync.Mutex // guards what follows
	turn sync.Mutex // the lock of the log

	Queue    []ledger.Pending
	Log      []ledger.Entry // Log[i] should have Index i
	Tree     map[[2]uint64][32]byte
	Last     *ledger.Checkpoint
	Rows     []ledger.VersionRow
	Audits   []ledger.AuditBatch
	Contents []ledger.BlobRow
	row      int64
}

// NewMemory is an empty store.
func NewMemory() *Memory { return &Memory{Tree: map[[2]uint64][32]byte{}} }

// Add commits leaves.
func (m *Memory) Add(_ context.Context, leaves ...ledger.Leaf) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range leaves {
		m.row++
		m.Queue = append(m.Queue, ledger.Pending{Row: m.row, Leaf: l})
	}
	return nil
}

// Sequence implements ledger.Store.
func (m *Memory) Sequence(ctx context.Context, limit int, give func(*ledger.Checkpoint, []ledger.Node, []ledger.Pending) (*ledger.Batch, error)) (int, error) {
	m.turn.Lock()
	defer m.turn.Unlock()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	pending := slices.Clone(m.Queue[:min(limit, len(m.Queue))])
	last, frontier, err := m.Last, []ledger.Node(nil), error(nil)
	if last != nil {
		frontier, err = m.nodes(ledger.Frontier(last.Size))
	}
	m.mu.Unlock()
	if err != nil || len(pending) == 0 {
		return 0, err
	}
	b, err := give(last, frontier, pending)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.commit(b, pending)
	return len(b.Rows), nil
}

func (m *Memory) commit(b *ledger.Batch, pending []ledger.Pending) {
	leaves := map[int64]ledger.Leaf{}
	for _, p := range pending {
		leaves[p.Row] = p.Leaf
	}
	for i, row := range b.Rows {
		m.Log = append(m.Log, ledger.Entry{Index: b.First + int64(i), Leaf: leaves[row]})
		delete(leaves, row)
	}
	m.Queue = slices.DeleteFunc(m.Queue, func(p ledger.Pending) bool { return slices.Contains(b.Rows, p.Row) })
	for _, n := range b.Nodes {
		m.Tree[[2]uint64{uint64(n.Level), n.Index}] = n.Hash
	}
	c := b.Checkpoint
	m.Last = &c
}

// Checkpoint implements ledger.Log.
func (m *Memory) Checkpoint(context.Context) (*ledger.Checkpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Last, nil
}

// Entries implements ledger.Log.
func (m *Memory) Entries(_ context.Context, refs []string) ([]ledger.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []ledger.Entry
	for _, e := range m.Log {
		if slices.Contains(refs, e.Ref) {
			found = append(found, e)
		}
	}
	return found, nil
}

// Range implements ledger.Log.
func (m *Memory) Range(_ context.Context, from, to int64, each func(ledger.Entry) error) error {
	m.mu.Lock()
	log := slices.Clone(m.Log)
	m.mu.Unlock()
	for _, e := range log {
		if e.Index < from || e.Index >= to {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

// Nodes implements ledger.Log.
func (m *Memory) Nodes(_ context.Context, ids []ledger.Node) ([]ledger.Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.nodes(ids)
}

func (m *Memory) nodes(ids []ledger.Node) ([]ledger.Node, error) {
	out := slices.Clone(ids)
	for i, id := range ids {
		hash, ok := m.Tree[[2]uint64{uint64(id.Level), id.Index}]
		if !ok {
			return nil, fmt.Errorf("no node %d/%d", id.Level, id.Index)
		}
		out[i].Hash = hash
	}
	return out, nil
}
