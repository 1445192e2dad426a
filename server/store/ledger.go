package store

import (
	"context"
	"fmt"
	"math/bits"
	"time"

	"tenon/server/ledger"
)

// Sequence implements ledger.Store.
func (s *Store) Sequence(ctx context.Context, limit int, give func(*ledger.Checkpoint, []ledger.Node, []ledger.Pending) (*ledger.Batch, error)) (int, error) {
	some := false
	err := s.engine.read(ctx, short, func(q querier) error {
		var seq int64
		found, err := one(ctx, q, "SELECT seq FROM leaf WHERE idx IS NULL LIMIT 1", nil, &seq)
		some = found
		return err
	})
	if err != nil || !some {
		return 0, err
	}
	given := 0
	err = s.engine.update(ctx, func(q querier) (err error) {
		given, err = sequence(ctx, q, s.engine.dialect(), limit, give)
		return err
	})
	if err != nil {
		return 0, err
	}
	return given, nil
}

func sequence(ctx context.Context, q querier, d dialect, limit int, give func(*ledger.Checkpoint, []ledger.Node, []ledger.Pending) (*ledger.Batch, error)) (int, error) {
	if d.lockLog != "" {
		if _, err := q.exec(ctx, d.lockLog, nil); err != nil {
			return 0, err
		}
	}
	last, err := checkpoint(ctx, q)
	if err != nil {
		return 0, err
	}
	pending, err := pendingLeaves(ctx, q, limit)
	if err != nil || len(pending) == 0 {
		return 0, err
	}
	var frontier []ledger.Node
	if last != nil {
		if frontier, err = nodes(ctx, q, frontierOf(uint64(last.Size))); err != nil {
			return 0, err
		}
	}
	b, err := give(last, frontier, pending)
	if err != nil {
		return 0, err
	}
	return len(b.Rows), writeSequence(ctx, q, b)
}

// frontierOf are the complete subtrees that make up a tree of that size, from
// left to right.
func frontierOf(size uint64) (ids []ledger.Node) {
	begin := uint64(0)
	for size > begin {
		level := uint(bits.Len64(size-begin)) - 1
		ids = append(ids, ledger.Node{Level: level, Index: begin >> level})
		begin += 1 << level
	}
	return ids
}

func pendingLeaves(ctx context.Context, q querier, limit int) (pending []ledger.Pending, err error) {
	err = each(ctx, q, "SELECT seq, kind, ref, hash, at FROM leaf WHERE idx IS NULL ORDER BY seq LIMIT ?", []any{int64(limit)}, func(c cursor) error {
		var p ledger.Pending
		err := scanLeaf(c, &p.Leaf, &p.Row)
		pending = append(pending, p)
		return err
	})
	return pending, err
}

// scanLeaf scans the first columns and then those of a leaf.
func scanLeaf(c cursor, l *ledger.Leaf, first ...any) error {
	var hash []byte
	var at int64
	err := c.scan(append(first, &l.Kind, &l.Ref, &hash, &at)...)
	copy(l.Hash[:], hash)
	l.At = moment(at)
	return err
}

func writeSequence(ctx context.Context, q querier, b *ledger.Batch) error {
	rows := make([][]any, len(b.Rows))
	for i, row := range b.Rows {
		rows[i] = []any{b.First + int64(i), row}
	}
	if err := q.execMany(ctx, "UPDATE leaf SET idx = ? WHERE seq = ? AND idx IS NULL", rows); err != nil {
		return err
	}
	var upper [][]any
	for _, n := range b.Nodes {
		if n.Level > 0 {
			upper = append(upper, []any{int64(n.Level), int64(n.Index), n.Hash[:]})
		}
	}
	if err := q.execMany(ctx, "INSERT INTO ledger_node (level, idx, hash) VALUES (?, ?, ?)", upper); err != nil {
		return err
	}
	c := &b.Checkpoint
	_, err := q.exec(ctx, "INSERT INTO checkpoint (size, root, at, note) VALUES (?, ?, ?, ?)", []any{c.Size, c.Root[:], micros(c.At), c.Note})
	return err
}

// Checkpoint implements ledger.Store.
func (s *Store) Checkpoint(ctx context.Context) (c *ledger.Checkpoint, err error) {
	err = s.engine.read(ctx, short, func(q querier) error { c, err = checkpoint(ctx, q); return err })
	return c, err
}

func checkpoint(ctx context.Context, q querier) (*ledger.Checkpoint, error) {
	var c ledger.Checkpoint
	var root []byte
	var at int64
	found, err := one(ctx, q, "SELECT size, root, at, note FROM checkpoint ORDER BY size DESC LIMIT 1", nil, &c.Size, &root, &at, &c.Note)
	if err != nil || !found {
		return nil, err
	}
	copy(c.Root[:], root)
	c.At = moment(at)
	return &c, nil
}

// Entries implements ledger.Store.
func (s *Store) Entries(ctx context.Context, refs []string) (entries []ledger.Entry, err error) {
	err = s.engine.read(ctx, long, func(q querier) error {
		entries, err = entriesOf(ctx, q, s.engine.dialect(), refs)
		return err
	})
	return entries, err
}

func entriesOf(ctx context.Context, q querier, d dialect, refs []string) (entries []ledger.Entry, err error) {
	st := newStatement(0, d).add("SELECT idx, kind, ref, hash, at FROM leaf WHERE idx IS NOT NULL AND ")
	st.inTexts("ref", refs).add(" ORDER BY idx")
	err = each(ctx, q, st.sql(), st.args, func(c cursor) error {
		var e ledger.Entry
		err := scanLeaf(c, &e.Leaf, &e.Index)
		entries = append(entries, e)
		return err
	})
	return entries, err
}

// pageRows is how many rows a stream takes in at once.
const pageRows = 1000

// Range implements ledger.Store. No connection is held while each runs.
func (s *Store) Range(ctx context.Context, from, to int64, each func(ledger.Entry) error) error {
	return s.streamer().Range(ctx, from, to, each)
}

// Nodes implements ledger.Store.
func (s *Store) Nodes(ctx context.Context, ids []ledger.Node) (found []ledger.Node, err error) {
	err = s.engine.read(ctx, short, func(q querier) error { found, err = nodes(ctx, q, ids); return err })
	return found, err
}

func nodes(ctx context.Context, q querier, ids []ledger.Node) ([]ledger.Node, error) {
	out := make([]ledger.Node, len(ids))
	for i, id := range ids {
		var hash []byte
		sql, args := "SELECT hash FROM ledger_node WHERE level = ? AND idx = ?", []any{int64(id.Level), int64(id.Index)}
		if id.Level == 0 {
			sql, args = "SELECT hash FROM leaf WHERE idx = ?", args[1:]
		}
		found, err := one(ctx, q, sql, args, &hash)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, fmt.Errorf("store: the log has no complete subtree %d/%d", id.Level, id.Index)
		}
		out[i] = ledger.Node{Level: id.Level, Index: id.Index, Hash: [32]byte(hash)}
	}
	return out, nil
}

// PendingAge is how long the oldest committed leaf has waited for its index; 0
// if none waits.
func (s *Store) PendingAge(ctx context.Context) (time.Duration, error) {
	var at *int64
	err := s.engine.read(ctx, short, func(q querier) error {
		_, err := one(ctx, q, "SELECT min(at) FROM leaf WHERE idx IS NULL", nil, &at)
		return err
	})
	if err != nil || at == nil {
		return 0, err
	}
	return max(0, s.o.Clock().Sub(moment(*at))), nil
}
