package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// JobState is how far a job is.
type JobState int

// States of a job. One that waits or runs is open; the others never change but
// that the job is removed.
const (
	JobOpen JobState = iota
	JobDone
	JobFailed
	JobCancelled
)

// Job is long work that a principal asked for. It outlives the server that runs
// it: another one goes on from the cursor.
type Job struct {
	ID, Tenant string
	Kind       string // which runner: "export"
	Owner      string // principal, "PractitionerRole/x"
	Grant      string // of the app that asked in the owner's name, "" for none
	Scope      string // with a Grant: by which scopes it works
	State      JobState
	Request    []byte // JSON, as the runner understands it; never changed
	Cursor     []byte // JSON: from where to go on; empty at first
	Progress   string // for people: "Observation: 12000 resources"
	Result     []byte // JSON, once done or failed
	Created    time.Time
	Ended      time.Time // zero while open
	Expires    time.Time // when the job and its files are removed
	Attempts   int       // how often it was taken up
	Files      []File    // by Job and Add only
}

// File is content that a job was given or has made; the bytes are in the blobs
// of the jobs.
type File struct {
	Kind   string // "input", "output", "error", "deleted" …
	Type   string // resource type of what is in it
	Count  int64  // resources
	Size   int64  // bytes of the blob
	Digest [32]byte
}

// Errors of a JobStore.
var (
	// ErrNoJob says that there is no such job (any more).
	ErrNoJob = errors.New("dispatch: no such job")
	// ErrJobLost says that the job was cancelled or is another server's now: what
	// the caller did since it saved last does not count.
	ErrJobLost = errors.New("dispatch: the job is no longer held")
	// ErrManyJobs says that the owner has as many open jobs as one may have.
	ErrManyJobs = errors.New("dispatch: the owner has too many open jobs")
)

// JobStore keeps jobs.
type JobStore interface {
	// AddJob keeps a new job with its files unless its owner has most open ones.
	AddJob(ctx context.Context, j *Job, most int) error
	// OpenJobs counts the open jobs of an owner.
	OpenJobs(ctx context.Context, owner string) (int, error)
	// Job reads a job with its files; ErrNoJob.
	Job(ctx context.Context, id string) (*Job, error)
	// ClaimJob leases the open job of these kinds that is due longest to a holder;
	// nil when there is none.
	ClaimJob(ctx context.Context, kinds []string, holder string, lease time.Duration) (*Job, error)
	// HoldJob makes the lease longer; ErrJobLost.
	HoldJob(ctx context.Context, id, holder string, lease time.Duration) error
	// SaveJob writes cursor and progress, adds files and notes patients of whom
	// the audit speaks, all in one transaction; ErrJobLost.
	SaveJob(ctx context.Context, id, holder string, s Step) error
	// ReleaseJob gives the job back, due at a time; ErrJobLost.
	ReleaseJob(ctx context.Context, id, holder string, due time.Time) error
	// EndJob ends the job with its result; ErrJobLost.
	EndJob(ctx context.Context, id, holder string, state JobState, result []byte, expires time.Time) error
	// CancelJob ends an open job and removes what any job has made; ErrNoJob.
	CancelJob(ctx context.Context, id string) error
	// ExpireJobs removes jobs whose time is over, and tells how many.
	ExpireJobs(ctx context.Context) (int, error)
	// EachJobFile gives the files of all jobs.
	EachJobFile(ctx context.Context, each func(File) error) error
}

// Step is what SaveJob writes. A nil Cursor and an empty Progress stay as they
// are.
type Step struct {
	Cursor   []byte
	Progress string
	Files    []File
	Told     []string // patients, "Patient/1"
	Members  []string // patients that the job is about
}

// Runner does the work of one kind of job.
type Runner interface {
	Kind() string
	// Run works from the cursor to the end and returns the result. It saves as it
	// goes. An error that is Permanent, or an *issue.Failure, fails the job; any
	// other is tried again later. When the context ends it returns soon.
	Run(ctx context.Context, h *Held) (result []byte, err error)
}

// Held is a job in the hands of a runner.
type Held struct {
	*Job
	store  JobStore
	holder string
}

// Load reads the cursor; v stays as it is while there is none.
func (h *Held) Load(v any) error {
	if len(h.Cursor) == 0 {
		return nil
	}
	return json.Unmarshal(h.Cursor, v)
}

// Save writes where the job is. What was saved is never done again.
func (h *Held) Save(ctx context.Context, cursor any, s Step) error {
	if cursor != nil {
		text, err := json.Marshal(cursor)
		if err != nil {
			return err
		}
		s.Cursor = text
	}
	if err := h.store.SaveJob(ctx, h.ID, h.holder, s); err != nil {
		return err
	}
	if s.Cursor != nil {
		h.Cursor = s.Cursor
	}
	if s.Progress != "" {
		h.Progress = s.Progress
	}
	h.Files = append(h.Files, s.Files...)
	return nil
}
