package dispatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/server/dispatch"
)

// desk is a JobStore of one job.
type desk struct {
	dispatch.JobStore // what the tests do not reach

	mu     sync.Mutex
	job    dispatch.Job
	holder string
	due    time.Time
	claims int
}

func (d *desk) AddJob(_ context.Context, j *dispatch.Job, _ int) error { d.job = *j; return nil }
func (d *desk) ExpireJobs(context.Context) (int, error)                { return 0, nil }

func (d *desk) ClaimJob(_ context.Context, _ []string, holder string, _ time.Duration) (*dispatch.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.job.ID == "" || d.job.State != dispatch.JobOpen || d.holder != "" || time.Now().Before(d.due) {
		return nil, nil
	}
	d.holder, d.claims = holder, d.claims+1
	d.job.Attempts++
	j := d.job
	return &j, nil
}

func (d *desk) own(holder string, f func()) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holder != holder || d.job.State != dispatch.JobOpen {
		return dispatch.ErrJobLost
	}
	f()
	return nil
}

func (d *desk) HoldJob(_ context.Context, _, holder string, _ time.Duration) error {
	return d.own(holder, func() {})
}

func (d *desk) SaveJob(_ context.Context, _, holder string, s dispatch.Step) error {
	return d.own(holder, func() { d.job.Cursor, d.job.Progress = s.Cursor, s.Progress })
}

func (d *desk) ReleaseJob(_ context.Context, _, holder string, _ time.Time) error {
	return d.own(holder, func() { d.holder = "" })
}

func (d *desk) EndJob(_ context.Context, _, holder string, state dispatch.JobState, result []byte, _ time.Time) error {
	return d.own(holder, func() { d.job.State, d.job.Result = state, result })
}

func (d *desk) CancelJob(context.Context, string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.job.State = dispatch.JobCancelled
	return nil
}

func (d *desk) state() (dispatch.JobState, string, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.job.State, string(d.job.Result), d.claims
}

// work is a Runner.
type work func(ctx context.Context, h *dispatch.Held) ([]byte, error)

func (w work) Kind() string { return "work" }
func (w work) Run(ctx context.Context, h *dispatch.Held) ([]byte, error) {
	return w(ctx, h)
}

// runJob starts a job and runs it until it ends.
func runJob(t *testing.T, d *desk, r dispatch.Runner) *dispatch.Jobs {
	t.Helper()
	n := 0
	j := dispatch.NewJobs(dispatch.JobOptions{Store: d, Runners: []dispatch.Runner{r}, Poll: 5 * time.Millisecond, Lease: 40 * time.Millisecond, Attempts: 3,
		NewID: func() (string, error) { n++; return fmt.Sprint("id", n), nil }, Log: slog.New(slog.DiscardHandler)})
	if err := j.Start(t.Context(), &dispatch.Job{Kind: "work", Owner: "x"}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { j.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return j
}

func await(t *testing.T, d *desk) {
	t.Helper()
	for range 1000 {
		if s, _, _ := d.state(); s != dispatch.JobOpen {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the job does not end")
}

func TestJobs(t *testing.T) {
	tests := []struct {
		name   string
		run    work
		state  dispatch.JobState
		result string // part of it
		claims int
	}{
		{"done", func(context.Context, *dispatch.Held) ([]byte, error) { return []byte(`{"n":1}`), nil }, dispatch.JobDone, `{"n":1}`, 1},
		{"a failure that the client sees", func(context.Context, *dispatch.Held) ([]byte, error) {
			return nil, issue.Errorf(issue.Login, "The role was taken away.").Rule("principal-inactive")
		}, dispatch.JobFailed, "The role was taken away.", 1},
		{"for good", func(context.Context, *dispatch.Held) ([]byte, error) {
			return nil, &dispatch.Permanent{Err: errors.New("the disk of Zhang San")}
		}, dispatch.JobFailed, "id1", 1},
		{"a panic", func(context.Context, *dispatch.Held) ([]byte, error) { panic("Zhang San") }, dispatch.JobFailed, "id1", 1},
		{"faults", func(context.Context, *dispatch.Held) ([]byte, error) { return nil, errors.New("Zhang San is away") }, dispatch.JobFailed, "id1", 3},
		{"a fault, then on from the cursor", func(ctx context.Context, h *dispatch.Held) ([]byte, error) {
			at := 0
			if err := h.Load(&at); err != nil {
				return nil, err
			}
			if at == 0 {
				return nil, errors.Join(h.Save(ctx, 7, dispatch.Step{Progress: "half"}), errors.New("fault"))
			}
			return json.Marshal(at)
		}, dispatch.JobDone, "7", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &desk{}
			runJob(t, d, tt.run)
			await(t, d)
			state, result, claims := d.state()
			if state != tt.state || !strings.Contains(result, tt.result) || claims != tt.claims || strings.Contains(result, "Zhang San") {
				t.Errorf("state %v, result %s after %d claims; want %v, %s, %d", state, result, claims, tt.state, tt.result, tt.claims)
			}
		})
	}
}

// A job that is cancelled, or another server's, ends its runner soon.
func TestJobLost(t *testing.T) {
	d, ended := &desk{}, make(chan error, 1)
	runJob(t, d, work(func(ctx context.Context, _ *dispatch.Held) ([]byte, error) {
		_ = d.CancelJob(ctx, "")
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil, ctx.Err()
	}))
	select {
	case err := <-ended:
		if !errors.Is(err, dispatch.ErrJobLost) {
			t.Errorf("the runner ends with %v, want ErrJobLost", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the runner goes on")
	}
}

// A server that stops gives its jobs back.
func TestJobsStop(t *testing.T) {
	d, began := &desk{}, make(chan struct{})
	j := dispatch.NewJobs(dispatch.JobOptions{Store: d, NewID: func() (string, error) { return "id", nil }, Log: slog.New(slog.DiscardHandler),
		Runners: []dispatch.Runner{work(func(ctx context.Context, _ *dispatch.Held) ([]byte, error) {
			close(began)
			<-ctx.Done()
			return nil, ctx.Err()
		})}})
	if err := j.Start(t.Context(), &dispatch.Job{Kind: "work"}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() { <-began; stop() }()
	j.Run(ctx)
	if state, _, _ := d.state(); state != dispatch.JobOpen || d.holder != "" {
		t.Errorf("state %v, holder %q after the stop; want it open and free", state, d.holder)
	}
}
