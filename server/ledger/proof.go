package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// ErrProof says that a proof does not lead to the root.
var ErrProof = errors.New("ledger: proof does not lead to the root")

// Inclusion is the audit path of a leaf in the tree of the size, with
// O(log size) nodes read. https://www.rfc-editor.org/rfc/rfc6962#section-2.1.1
func Inclusion(ctx context.Context, log Log, index, size int64) ([][32]byte, error) {
	if index < 0 || size < 0 {
		return nil, fmt.Errorf("ledger: inclusion of leaf %d in tree of %d", index, size)
	}
	n, err := proof.Inclusion(uint64(index), uint64(size))
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return fetch(ctx, log.Nodes, n)
}

// Consistency proves that the tree of the first size is a prefix of the tree of
// the second. https://www.rfc-editor.org/rfc/rfc6962#section-2.1.2
func Consistency(ctx context.Context, log Log, first, second int64) ([][32]byte, error) {
	if first < 0 || second < 0 {
		return nil, fmt.Errorf("ledger: consistency of %d with %d", first, second)
	}
	n, err := proof.Consistency(uint64(first), uint64(second))
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	return fetch(ctx, log.Nodes, n)
}

type getNodes func(ctx context.Context, ids []Node) ([]Node, error)

func fetch(ctx context.Context, get getNodes, plan proof.Nodes) ([][32]byte, error) {
	if len(plan.IDs) == 0 {
		return nil, nil
	}
	ids := make([]Node, len(plan.IDs))
	for i, id := range plan.IDs {
		ids[i] = Node{Level: id.Level, Index: id.Index}
	}
	nodes, err := get(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(nodes) != len(ids) {
		return nil, fmt.Errorf("ledger: the store gave %d of %d nodes", len(nodes), len(ids))
	}
	hashes := make([][]byte, len(nodes))
	for i, n := range nodes {
		if n.Level != ids[i].Level || n.Index != ids[i].Index {
			return nil, fmt.Errorf("ledger: the store gave node %d/%d for %d/%d", n.Level, n.Index, ids[i].Level, ids[i].Index)
		}
		hashes[i] = n.Hash[:]
	}
	path, err := plan.Rehash(hashes, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return nil, err
	}
	return fixed(path), nil
}

// CheckInclusion tells whether the path leads from the leaf to the root.
func CheckInclusion(index, size int64, leaf [32]byte, path [][32]byte, root [32]byte) error {
	if index < 0 || size < 0 {
		return ErrProof
	}
	err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(size), leaf[:], loose(path), root[:])
	if err != nil {
		return ErrProof
	}
	return nil
}

// CheckConsistency tells whether the first tree is a prefix of the second.
// Every tree extends the empty one.
func CheckConsistency(first, second Checkpoint, path [][32]byte) error {
	if first.Size < 0 || second.Size < 0 {
		return ErrProof
	}
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(first.Size), uint64(second.Size),
		loose(path), first.Root[:], second.Root[:])
	if err != nil {
		return ErrProof
	}
	return nil
}

func loose(path [][32]byte) [][]byte {
	out := make([][]byte, len(path))
	for i := range path {
		out[i] = path[i][:]
	}
	return out
}

func fixed(path [][]byte) [][32]byte {
	out := make([][32]byte, len(path))
	for i := range path {
		out[i] = [32]byte(path[i])
	}
	return out
}
