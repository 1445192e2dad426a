package index

import (
	"context"
	"time"

	"tenon/server/access"
)

// Change is the door row that says what a unit changed of the instances of a
// study: it belongs to the version of the ImagingStudy that the unit writes.
type Change struct {
	Resource string // id of the ImagingStudy
	Body     []byte // coded by the door
}

// Changed is one version of an ImagingStudy with what it changed.
type Changed struct {
	Sequence int64 // of the log, 1 or more; ascending, and given once
	At       time.Time
	Resource string
	Version  int64
	Patient  string
	Study    string // UID, "" where it is known by Body alone
	Body     []byte // of its Change; nil where another door wrote the version
	Erased   bool   // destroyed after its retention: more is not known
}

// Removal is the door row that takes a row out of the index: an instance with the
// need of its content, or a series or study that has become empty.
type Removal struct {
	Level  Level
	UID    string
	Digest [32]byte // of an instance
}

// Feed lists changes.
type Feed interface {
	// Changes gives at most limit changes behind a sequence number, in ascending
	// order and only of studies in reach, and the number to go on behind. It may
	// give fewer, or none, where it looked at much that is out of reach; done tells
	// that it looked at everything. A change shows once the log has its place.
	Changes(ctx context.Context, reach access.Predicate, after int64, limit int) (list []*Changed, next int64, done bool, err error)
}
