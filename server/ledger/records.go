package ledger

import (
	"context"
	"io"
	"time"
)

// Log is the reading half of Store: what proofs and verification need.
type Log interface {
	Checkpoint(ctx context.Context) (*Checkpoint, error)
	Entries(ctx context.Context, refs []string) ([]Entry, error)
	Range(ctx context.Context, from, to int64, each func(Entry) error) error
	Nodes(ctx context.Context, ids []Node) ([]Node, error)
}

// Records is what VerifyDatabase reads: every row that the log vouches for and
// the log itself, all from ONE snapshot of the database (a read transaction
// that lasts as long as the value does), so that it may run while a server
// writes. Rows are streamed; an error of each ends the stream and is returned.
type Records interface {
	Log

	// Versions streams every version of every resource, grouped by resource and
	// ascending by version inside a resource.
	Versions(ctx context.Context, each func(VersionRow) error) error
	// Batches streams every audit batch, in any order.
	Batches(ctx context.Context, each func(AuditBatch) error) error
	// Blobs streams every blob that a version or instance needs, in any order.
	Blobs(ctx context.Context, each func(BlobRow) error) error
	// Has tells for each ref of the kind whether its row exists: a version, an
	// audit batch or a blob row. At most 1,000 refs are asked at once.
	Has(ctx context.Context, kind string, refs []string) ([]bool, error)
	// Pending finds committed leaves without an index by ref; at most 1,000.
	Pending(ctx context.Context, refs []string) ([]Pending, error)
	// Waiting streams every committed leaf without an index.
	Waiting(ctx context.Context, each func(Pending) error) error
}

// Content opens a blob by its SHA-256. An error that is fs.ErrNotExist means
// that it is missing; an error of Read that it was changed.
type Content func(ctx context.Context, digest [32]byte) (io.ReadCloser, error)

// VersionRow is one stored version.
type VersionRow struct {
	Type, ID string
	Version  int64
	Author   string // principal, which no leaf vouches for
	Updated  time.Time
	Deleted  bool
	Body     []byte // stored bytes, empty when Deleted; may be reused after each returns
	Digest   [32]byte
	Salt     [16]byte
}

// BlobRow is one blob that the record needs. Salt is zero where none is kept.
type BlobRow struct {
	Digest [32]byte
	Size   int64
	Salt   [16]byte
}

// AuditBatch is a group of audit rows that were committed together under one
// leaf. A row of it can be shown and proven without showing its neighbours,
// since a batch may tell of several patients.
//
// Rows are the encoded rows in the order of commit: whatever encoding the store
// uses must give the same bytes again when it reads them back (JSON of the row
// with times in UTC and microseconds, for instance).
type AuditBatch struct {
	Ref  string   // "audit/{id}"
	Key  [32]byte // random, secret; the salts of the rows and of the leaf come from it
	Rows [][]byte
}

// CaseAudit finds the audit of one case for its dossier.
type CaseAudit interface {
	// CaseAudit streams every batch that holds a row of the case, whole, with
	// the positions of the rows that belong to the case.
	CaseAudit(ctx context.Context, caseID string, each func(b AuditBatch, positions []int) error) error
}
