package ledger

import "time"

// Leaf is what a commit adds to the log. It has no index: one sequencer gives
// it one after the commit, no more than a second later.
type Leaf struct {
	Kind string   // "version", "audit", "blob"
	Ref  string   // "Patient/1/_history/2", "audit/…", "sha-256/hex"
	Hash [32]byte // H(0 ‖ salt ‖ stored bytes)
	At   time.Time
}

// Pending is a committed leaf without an index.
type Pending struct {
	Row int64 // row number in the store, no order implied
	Leaf
}

// Entry is a sequenced leaf.
type Entry struct {
	Index int64
	Leaf
}

// Node is the hash of a complete subtree: level 0 is a leaf; the node covers
// leaves [Index<<Level, (Index+1)<<Level).
type Node struct {
	Level uint
	Index uint64
	Hash  [32]byte
}

// Checkpoint is a signed state of the log, in the form of
// https://github.com/C2SP/C2SP/blob/main/tlog-checkpoint.md: Note is the whole
// signed text.
type Checkpoint struct {
	Size int64
	Root [32]byte
	At   time.Time
	Note []byte
}
