package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"golang.org/x/mod/sumdb/note"
)

// Turn is how many leaves one turn of the sequencer takes at most, so that the
// log is locked for milliseconds only.
const Turn = 4096

// Sequencer gives committed leaves their index and signs checkpoints. Several
// may run on one database; Store.Sequence lets one at a time work.
type Sequencer struct {
	Store  Store
	Signer note.Signer // its name is the origin of the log
	// Verifier checks the last checkpoint before it is extended, so that a log
	// that somebody else wrote is never signed on.
	Verifier note.Verifier
	Clock    func() time.Time
	Every    time.Duration    // pause between turns; 0: 500 ms
	Failed   func(error)      // told of a turn that failed; Run goes on. May be nil.
	Signed   func(Checkpoint) // told of each new checkpoint. May be nil.
}

// Run sequences until ctx ends. A failed turn is tried again.
func (s *Sequencer) Run(ctx context.Context) {
	every := s.Every
	if every <= 0 {
		every = 500 * time.Millisecond
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := s.Once(ctx); err != nil && ctx.Err() == nil && s.Failed != nil {
			s.Failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Once sequences every leaf that was committed before the call and returns how
// many there were.
func (s *Sequencer) Once(ctx context.Context) (int, error) {
	total := 0
	for {
		var signed *Checkpoint
		n, err := s.Store.Sequence(ctx, Turn, func(last *Checkpoint, frontier []Node, pending []Pending) (*Batch, error) {
			batch, err := s.extend(last, frontier, pending)
			if err == nil {
				signed = &batch.Checkpoint
			}
			return batch, err
		})
		if err != nil {
			return total, fmt.Errorf("ledger: sequence: %w", err)
		}
		if n > 0 && signed != nil && s.Signed != nil {
			s.Signed(*signed)
		}
		if total += n; n < Turn {
			return total, nil
		}
	}
}

// extend appends the pending leaves to the tree of the last checkpoint.
func (s *Sequencer) extend(last *Checkpoint, frontier []Node, pending []Pending) (*Batch, error) {
	tree, err := s.resume(last, frontier)
	if err != nil {
		return nil, err
	}
	b := &Batch{First: int64(tree.End()), Rows: make([]int64, 0, len(pending)), Nodes: make([]Node, 0, 2*len(pending))}
	keep := func(id compact.NodeID, hash []byte) {
		b.Nodes = append(b.Nodes, Node{Level: id.Level, Index: id.Index, Hash: [32]byte(hash)})
	}
	for _, p := range pending {
		b.Rows = append(b.Rows, p.Row)
		if err := tree.Append(p.Hash[:], keep); err != nil {
			return nil, err
		}
	}
	b.Checkpoint, err = SignCheckpoint(s.Signer, int64(tree.End()), rootOf(tree), s.Clock())
	return b, err
}

// resume rebuilds the tree's right edge and refuses to go on from a state that
// this log did not sign.
func (s *Sequencer) resume(last *Checkpoint, frontier []Node) (*compact.Range, error) {
	if last == nil {
		return newRange(0), nil
	}
	signed, err := OpenCheckpoint(last.Note, s.Verifier)
	if err != nil {
		return nil, fmt.Errorf("the last checkpoint: %w", err)
	}
	if signed.Size != last.Size || signed.Root != last.Root {
		return nil, fmt.Errorf("the last checkpoint says size %d, its signed note %d, or the roots differ", last.Size, signed.Size)
	}
	tree, err := rangeOf(last.Size, frontier)
	if err != nil {
		return nil, err
	}
	if rootOf(tree) != last.Root {
		return nil, fmt.Errorf("the stored nodes at size %d do not give the signed root", last.Size)
	}
	return tree, nil
}

// rangeOf is the compact range of a tree of the size, from its frontier in any
// order.
func rangeOf(size int64, frontier []Node) (*compact.Range, error) {
	want := Frontier(size)
	hashes := make([][]byte, len(want))
	for i, w := range want {
		at := slices.IndexFunc(frontier, func(n Node) bool { return n.Level == w.Level && n.Index == w.Index })
		if at < 0 {
			return nil, fmt.Errorf("node %d/%d of the frontier at size %d is missing", w.Level, w.Index, size)
		}
		hashes[i] = frontier[at].Hash[:]
	}
	return ranges.NewRange(0, uint64(size), hashes)
}

// Frontier names the complete subtrees, left to right, that make up a tree of
// the size; their Hash is left zero.
func Frontier(size int64) []Node {
	if size <= 0 {
		return nil
	}
	ids := compact.RangeNodes(0, uint64(size), nil)
	nodes := make([]Node, len(ids))
	for i, id := range ids {
		nodes[i] = Node{Level: id.Level, Index: id.Index}
	}
	return nodes
}
