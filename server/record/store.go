package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/search"
)

// Errors of a Store. Everything else that it returns is a fault of the server.
var (
	// ErrStale says that the read set no longer holds: prepare again.
	ErrStale = errors.New("record: read set is stale")
	// ErrAbsent says that nothing is there that the reach covers.
	ErrAbsent = errors.New("record: absent or out of reach")
)

// Full is the refusal of what the storage of the server has no room for: nothing
// of it was written. What is there can still be read.
func Full(cause error) error {
	return fmt.Errorf("%w (%w)", issue.Errorf(issue.NoStore, "The server's storage is full: nothing was written. What is there can be read. Tell the operator, and repeat the request once there is room.").
		Rule("storage-full").Chinese("服务器存储空间已满：未写入任何数据，已有数据仍可读取。请联系管理员扩容后重试。"), cause)
}

// Shut is the refusal of everything while the database, or its audit, takes
// nothing: nothing was written, and nothing is told, since neither may happen
// without its audit.
func Shut(cause error) error {
	return fmt.Errorf("%w (%w)", issue.Errorf(issue.Transient, "The server cannot keep its audit now: nothing was written, and nothing is read without audit. Tell the operator, and repeat the request later.").
		WithStatus(503).Rule("audit-unavailable").Clause("R000-018").Chinese("审计暂时无法保存：未写入任何数据，也不提供读取。请联系管理员，稍后重试。"), cause)
}

// Store is what record needs of the database. Every read takes a reach; a nil
// reach is answered with ErrAbsent or an empty page. Absent and out of reach
// run the same statements.
type Store interface {
	// Commit writes the unit in one transaction and returns when it is durable.
	// It locks the heads of the cases of the read set in id order, checks the
	// read set (ErrStale), and writes.
	Commit(ctx context.Context, u *Unit) error
	// Audit writes audit rows and their leaf; it returns when they are durable.
	// Calls are group-committed, at least every 50 ms.
	Audit(ctx context.Context, rows []Audit) error

	// Read returns the current version, which may be Deleted.
	Read(ctx context.Context, reach access.Predicate, typ, id string) (*Version, error)
	// ReadVersion returns one version; reach is judged on the current one.
	ReadVersion(ctx context.Context, reach access.Predicate, typ, id string, version int64) (*Version, error)
	// HistoryOf returns versions newest first. Reach is judged on each of them and
	// on the current one. ErrAbsent says that the instance, or the version that
	// the page begins behind, is not there. A page may hold fewer than Count
	// versions where their bodies are large.
	HistoryOf(ctx context.Context, reach access.Predicate, q HistoryQuery) (*HistoryPage, error)
	// Search runs a plan.
	Search(ctx context.Context, plan *search.Plan) (*search.Page, error)

	// CasesOf returns the root Task ids of the cases that hold the resource.
	CasesOf(ctx context.Context, typ, id string) ([]string, error)
	// Withholding returns the ids of the Consents in force by which a patient
	// withholds something.
	Withholding(ctx context.Context, patient string) ([]string, error)
	// Snapshot loads a case with its members, the directory resources that they
	// refer to (two hops: role → practitioner, organisation; and
	// VerificationResults that target any of these) and its signatures; trees are
	// parsed by the caller's parser, so Root is left empty and Body is returned
	// beside it. ErrAbsent if there is no such case.
	Snapshot(ctx context.Context, caseID string) (*CaseData, error)
	// KeySeen returns the stored key of a machine door, or nil.
	KeySeen(ctx context.Context, door, key string) (*Key, error)
	// Grants returns the access table of the cases.
	Grants(ctx context.Context, caseID string) ([]casework.Grant, error)

	SignedOver
	Gatherer
	Worklists
	Tracer
	Evaluator
	Families
	LabelStore
	Referrers
	Expunger
	AuditReader
}

// CaseData is a case as the store holds it.
type CaseData struct {
	Case       string
	Revision   int64
	Members    []Version // current versions, without index rows
	Directory  []Version
	Signatures []casework.Signature
	Grants     []casework.Grant
}

// Blobs keeps content by its SHA-256. Implementations encrypt at rest and
// stream: no content is ever whole in memory.
type Blobs interface {
	// Stage reads r to its end and keeps it under its digest; it is not durable
	// before Sync. limit bounds the size (0: none); beyond it the error is an
	// issue of type too-long.
	Stage(ctx context.Context, r io.Reader, limit int64) (BlobRow, error)
	// Sync makes everything durable that was staged before the call: files and
	// directories are fsynced. Concurrent calls share one fsync.
	Sync(ctx context.Context) error
	// Open returns the content; ErrAbsent if there is none, an error of Read if
	// a frame was changed on disk.
	Open(ctx context.Context, digest [32]byte) (BlobReader, error)
}

// BlobReader reads a blob from any offset.
type BlobReader interface {
	io.ReadSeeker
	io.ReaderAt
	io.Closer
	Size() int64
}

// Clock tells the time; it is injected so that tests can set it.
type Clock func() time.Time
