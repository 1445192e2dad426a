package ledger

import "context"

// Store is what the sequencer and the prover need of the database.
type Store interface {
	// Sequence locks the log (one sequencer at a time), reads at most limit
	// pending leaves oldest first together with the last checkpoint (nil at
	// first), calls give, and commits what give returns: entries with their
	// index, the nodes of subtrees that became complete, and the checkpoint.
	// Without pending leaves it does nothing and returns 0.
	Sequence(ctx context.Context, limit int, give func(last *Checkpoint, frontier []Node, pending []Pending) (*Batch, error)) (int, error)
	// Checkpoint is the newest one, nil at first.
	Checkpoint(ctx context.Context) (*Checkpoint, error)
	// Entries finds sequenced leaves by ref; a ref that is not sequenced yet is
	// left out.
	Entries(ctx context.Context, refs []string) ([]Entry, error)
	// Range streams entries [from, to) in order.
	Range(ctx context.Context, from, to int64, each func(Entry) error) error
	// Nodes returns the hashes of complete subtrees in the order asked.
	Nodes(ctx context.Context, ids []Node) ([]Node, error)
}

// Batch is what one turn of the sequencer commits.
type Batch struct {
	Rows       []int64 // rows of the pending leaves, in order of index
	First      int64   // index of Rows[0]
	Nodes      []Node  // newly complete subtrees, leaves included
	Checkpoint Checkpoint
}
