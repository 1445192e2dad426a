package ledger

import (
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
)

// nodeID is a Node without its hash.
type nodeID struct {
	level uint
	index uint64
}

// known are nodes in memory: those of a small tree, or those that many proofs
// share, read from the log once.
type known map[nodeID][32]byte

func (k known) get(_ context.Context, ids []Node) ([]Node, error) {
	out := make([]Node, len(ids))
	for i, id := range ids {
		hash, ok := k[nodeID{id.Level, id.Index}]
		if !ok {
			return nil, fmt.Errorf("ledger: no node %d/%d", id.Level, id.Index)
		}
		out[i] = Node{Level: id.Level, Index: id.Index, Hash: hash}
	}
	return out, nil
}

// nodesPerRead is how many nodes are asked of a store at once.
const nodesPerRead = 500

// preload reads every node that the inclusion proofs of the leaves need.
func preload(ctx context.Context, log Log, leaves []int64, size int64) (known, error) {
	k := known{}
	var want []Node
	for _, leaf := range leaves {
		plan, err := proof.Inclusion(uint64(leaf), uint64(size)) //nolint:gosec // an index is never negative
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		for _, id := range plan.IDs {
			n := nodeID{id.Level, id.Index}
			if _, there := k[n]; !there {
				k[n] = [32]byte{}
				want = append(want, Node{Level: id.Level, Index: id.Index})
			}
		}
	}
	for len(want) > 0 {
		part := want[:min(nodesPerRead, len(want))]
		want = want[len(part):]
		nodes, err := log.Nodes(ctx, part)
		if err != nil {
			return nil, err
		}
		if len(nodes) != len(part) {
			return nil, fmt.Errorf("ledger: the store gave %d of %d nodes", len(nodes), len(part))
		}
		for i, n := range nodes {
			k[nodeID{part[i].Level, part[i].Index}] = n.Hash
		}
	}
	return k, nil
}

// path is the inclusion proof of a leaf from known nodes.
func (k known) path(ctx context.Context, leaf, size int64) ([][]byte, error) {
	plan, err := proof.Inclusion(uint64(leaf), uint64(size)) //nolint:gosec // an index is never negative
	if err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	fixed, err := fetch(ctx, k.get, plan)
	return loose(fixed), err
}

// treeOf computes a whole small tree.
func treeOf(leaves [][32]byte) (known, [32]byte, error) {
	k := known{}
	tree := newRange(0)
	for i := range leaves {
		err := tree.Append(leaves[i][:], func(id compact.NodeID, hash []byte) { k[nodeID{id.Level, id.Index}] = [32]byte(hash) })
		if err != nil {
			return nil, [32]byte{}, err
		}
	}
	return k, rootOf(tree), nil
}
