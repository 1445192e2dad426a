package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tenon/fhir/issue"
)

// JobOptions of Jobs; the zero values of numbers and durations work.
type JobOptions struct {
	Store   JobStore
	Runners []Runner
	// NewID gives an id that cannot be guessed.
	NewID func() (string, error)
	Clock func() time.Time
	Log   *slog.Logger
	// Parallel is how many jobs this server runs at once.
	Parallel int           // 2
	Poll     time.Duration // 1 s: how often due jobs are looked for
	Lease    time.Duration // 15 s: after which a dead server's job is another's, or its own once it is back; renewed four times as often
	Keep     time.Duration // 24 h: how long a job stays after its end
	Longest  time.Duration // 7 days: how long a job may be open
	Attempts int           // 10: how often one is taken up after faults
	Most     int           // 20: open jobs of one owner
	// Sweep removes blobs that no job needs; it runs some time after jobs were
	// removed.
	Sweep func(ctx context.Context) error
}

// Jobs runs jobs, shared with other servers over the same store.
//
//	open, due → leased → done
//	   ↑           ├─ fails for good, or too often → failed
//	   └─ fault ───┤
//	               └─ cancelled
type Jobs struct {
	o       JobOptions
	runners map[string]Runner
	kinds   []string
	wake    chan struct{}
	slots   chan struct{}
	running sync.WaitGroup

	removed time.Time // when the first job since the last sweep was removed
}

// sweepAfter is how long what removed jobs have left may lie: a sweep spares what
// is young.
const sweepAfter = 2 * time.Hour

// NewJobs returns Jobs that run once Run is called.
func NewJobs(o JobOptions) *Jobs {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Poll = orDefault(o.Poll, time.Second)
	o.Lease = orDefault(o.Lease, 15*time.Second)
	o.Keep = orDefault(o.Keep, 24*time.Hour)
	o.Longest = orDefault(o.Longest, 7*24*time.Hour)
	for n, otherwise := range map[*int]int{&o.Parallel: 2, &o.Attempts: 10, &o.Most: 20} {
		if *n == 0 {
			*n = otherwise
		}
	}
	j := &Jobs{o: o, runners: map[string]Runner{}, wake: make(chan struct{}, 1), slots: make(chan struct{}, o.Parallel)}
	for _, r := range o.Runners {
		j.Register(r)
	}
	return j
}

// Register adds a runner; before Run is called.
func (j *Jobs) Register(r Runner) {
	j.runners[r.Kind()] = r
	j.kinds = append(j.kinds, r.Kind())
}

// Start keeps a job and wakes a server to run it. Kind, Owner, Tenant, Request
// and Files are the caller's; ErrManyJobs.
func (j *Jobs) Start(ctx context.Context, job *Job) (err error) {
	if j.runners[job.Kind] == nil {
		return fmt.Errorf("dispatch: no runner for jobs of kind %q", job.Kind)
	}
	if job.ID, err = j.o.NewID(); err != nil {
		return err
	}
	job.Created = j.o.Clock()
	job.Expires = job.Created.Add(j.o.Longest)
	if err := j.o.Store.AddJob(ctx, job, j.o.Most); err != nil {
		return err
	}
	j.Wake()
	return nil
}

// Room tells whether an owner may begin another job: ErrManyJobs. It is asked
// before content is kept for one; Start judges it again.
func (j *Jobs) Room(ctx context.Context, owner string) error {
	n, err := j.o.Store.OpenJobs(ctx, owner)
	if err == nil && n >= j.o.Most {
		err = ErrManyJobs
	}
	return err
}

// Job reads a job with its files; ErrNoJob for one that is not there, expired or
// cancelled.
func (j *Jobs) Job(ctx context.Context, id string) (*Job, error) {
	job, err := j.o.Store.Job(ctx, id)
	if err == nil && (job.State == JobCancelled || !j.o.Clock().Before(job.Expires)) {
		return nil, ErrNoJob
	}
	return job, err
}

// Cancel ends a job and removes what it made; ErrNoJob.
func (j *Jobs) Cancel(ctx context.Context, id string) error { return j.o.Store.CancelJob(ctx, id) }

// Wake makes this server look for jobs now.
func (j *Jobs) Wake() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// Run runs jobs until the context ends, and returns when those in hand have been
// given back.
func (j *Jobs) Run(ctx context.Context) {
	tick := time.NewTicker(j.o.Poll)
	defer tick.Stop()
	defer j.running.Wait()
	next := j.o.Clock()
	for {
		if now := j.o.Clock(); !now.Before(next) {
			next = now.Add(time.Minute)
			j.tidy(ctx)
		}
		for j.takeOne(ctx) {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-j.wake:
		}
	}
}

// tidy removes what is over.
func (j *Jobs) tidy(ctx context.Context) {
	n, err := j.o.Store.ExpireJobs(ctx)
	now := j.o.Clock()
	if n > 0 && j.removed.IsZero() {
		j.removed = now
	}
	if err == nil && j.o.Sweep != nil && !j.removed.IsZero() && now.Sub(j.removed) > sweepAfter {
		j.removed = time.Time{}
		err = j.o.Sweep(ctx)
	}
	if err != nil && ctx.Err() == nil {
		j.o.Log.Error("jobs: tidy", "error", err)
	}
}

// takeOne starts a due job if there is one and a slot for it.
func (j *Jobs) takeOne(ctx context.Context) bool {
	select {
	case j.slots <- struct{}{}:
	default:
		return false
	}
	held, err := j.claim(ctx)
	if held == nil || err != nil {
		<-j.slots
		if err != nil && ctx.Err() == nil {
			j.o.Log.Error("jobs: claim", "error", err)
		}
		return false
	}
	j.running.Go(func() {
		defer func() { <-j.slots; j.Wake() }()
		if err := j.work(ctx, held); err != nil {
			j.o.Log.Error("job", "job", held.ID, "kind", held.Kind, "error", err)
		}
	})
	return true
}

func (j *Jobs) claim(ctx context.Context) (*Held, error) {
	holder, err := j.o.NewID()
	if err != nil {
		return nil, err
	}
	job, err := j.o.Store.ClaimJob(ctx, j.kinds, holder, j.o.Lease)
	if job == nil || err != nil {
		return nil, err
	}
	return &Held{Job: job, store: j.o.Store, holder: holder}, nil
}

// work runs one job under its lease and writes down what came of it.
func (j *Jobs) work(ctx context.Context, h *Held) error {
	working, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var beat sync.WaitGroup
	beat.Go(func() { j.hold(working, h, stop) })
	result, err := j.guarded(working, h)
	stop(nil)
	beat.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), j.o.Lease/2)
	defer cancel()
	err = j.settle(last, ctx, h, result, err)
	if errors.Is(err, ErrJobLost) {
		return nil // cancelled, or another server's
	}
	return err
}

// guarded keeps one job's panic from ending the server.
func (j *Jobs) guarded(ctx context.Context, h *Held) (result []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Permanent{fmt.Errorf("panic: %v", p)}
		}
	}()
	if j.o.Clock().Sub(h.Created) > j.o.Longest {
		return nil, issue.Errorf(issue.TooCostly, "The job took longer than %s and was ended.", j.o.Longest).Rule("job-longest").Chinese("任务超过最长时限，已终止。")
	}
	return j.runners[h.Kind].Run(ctx, h)
}

// hold keeps the lease while the runner works, and ends the work when it is lost.
func (j *Jobs) hold(ctx context.Context, h *Held, stop context.CancelCauseFunc) {
	tick := time.NewTicker(j.o.Lease / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := j.o.Store.HoldJob(ctx, h.ID, h.holder, j.o.Lease); errors.Is(err, ErrJobLost) {
			stop(ErrJobLost)
			return
		}
	}
}

// settle writes the end of a job, or gives it back. A failure that the client can
// see is its result, as an OperationOutcome; the detail of any other is in the
// log alone.
func (j *Jobs) settle(ctx, server context.Context, h *Held, result []byte, err error) error {
	expires := j.o.Clock().Add(j.o.Keep)
	var permanent *Permanent
	failure := issue.As(err)
	switch {
	case err == nil:
		return j.o.Store.EndJob(ctx, h.ID, h.holder, JobDone, result, expires)
	case errors.Is(err, ErrJobLost):
		return err
	case server.Err() != nil: // the server stops: the next one goes on at once
		return j.o.Store.ReleaseJob(ctx, h.ID, h.holder, j.o.Clock())
	case failure != nil && failure.HTTPStatus() < 500:
	case failure == nil && !errors.As(err, &permanent) && h.Attempts < j.o.Attempts:
		j.o.Log.Error("job: another attempt follows", "job", h.ID, "kind", h.Kind, "attempt", h.Attempts, "error", err)
		return j.o.Store.ReleaseJob(ctx, h.ID, h.holder, j.o.Clock().Add(min(time.Second<<min(h.Attempts, 8), 5*time.Minute)))
	case failure == nil:
		j.o.Log.Error("job failed", "job", h.ID, "kind", h.Kind, "error", err)
		failure = issue.Errorf(issue.Exception, "The server failed. Tell the operator the job %q.", h.ID).
			Rule("server-fault").Chinese("服务器内部错误，请将任务编号告知管理员。")
	}
	text, err := json.Marshal(Failed{Status: failure.HTTPStatus(), Outcome: failure.Outcome()})
	if err != nil {
		return err
	}
	return j.o.Store.EndJob(ctx, h.ID, h.holder, JobFailed, text, expires)
}

// Failed is the result of a job that failed.
type Failed struct {
	Status  int `json:"status"`
	Outcome any `json:"outcome"` // OperationOutcome
}
