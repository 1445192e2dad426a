package record_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/store/blob"
)

// mortal are blobs whose server dies again and again.
type mortal struct {
	record.Blobs
	lives int // stages before the next death
}

var errDied = errors.New("the server died")

func (m *mortal) Stage(ctx context.Context, r io.Reader, limit int64) (record.BlobRow, error) {
	row, err := m.Blobs.Stage(ctx, r, limit)
	if m.lives--; m.lives < 0 && err == nil {
		m.lives = 2
		return row, errDied
	}
	return row, err
}

// An export that dies after some files has every resource once in the end.
func TestExportGoesOn(t *testing.T) {
	s := newServer(t)
	var ops []record.Op
	const many = 400
	for i := range many {
		ops = append(ops, record.Op{Method: "PUT", Type: "Patient", ID: fmt.Sprint("p", i), Body: fmt.Appendf(nil, "{\n\"resourceType\":\"Patient\",\"id\":\"p%d\"}", i)})
	}
	if _, f := s.do(operator, ops...); f != nil {
		t.Fatal(f)
	}
	files, err := blob.Open(filepath.Join(t.TempDir(), "jobs"), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	who := operator
	x := &record.Exporter{Recorder: s.Recorder, Store: s.store, Files: &mortal{files, 2}, FileBytes: 6000, PageCount: 7,
		Acting: func(context.Context, access.Authority) (*access.Context, error) { return who, nil }}
	job := runExport(t, s, x, record.ExportRequest{Level: "system", Types: []string{"Patient"}})
	if job.State != dispatch.JobDone || job.Attempts < 3 {
		t.Fatalf("the job is %v after %d attempts: %s", job.State, job.Attempts, job.Result)
	}
	seen := map[string]int{}
	for _, f := range job.Files {
		for _, id := range idsOf(t, files, f) {
			seen[id]++
		}
	}
	for i := range many {
		if n := seen[fmt.Sprint("p", i)]; n != 1 {
			t.Errorf("p%d is exported %d times", i, n)
		}
	}
	t.Run("a person who was removed", func(t *testing.T) {
		who = nil
		x.Files = files
		job := runExport(t, s, x, record.ExportRequest{Level: "system", Types: []string{"Patient"}})
		if job.State != dispatch.JobFailed {
			t.Errorf("the job of nobody is %v", job.State)
		}
	})
	t.Run("attack 22 what was granted is taken back while it runs", func(t *testing.T) {
		pages := 0
		x.Acting = func(context.Context, access.Authority) (*access.Context, error) {
			if pages++; pages > 20 {
				return nil, issue.Errorf(issue.Login, "The token is not valid.")
			}
			return operator, nil
		}
		job := runExport(t, s, x, record.ExportRequest{Level: "system", Types: []string{"Patient"}})
		if job.State != dispatch.JobFailed || len(job.Files) == many || job.Attempts > 2 {
			t.Errorf("the job is %v after %d attempts with %d files, want it failed at once", job.State, job.Attempts, len(job.Files))
		}
		if pages < 20 || pages > 25 {
			t.Errorf("who acts was asked %d times, want it before each page, and not after the end", pages)
		}
	})
}

func idsOf(t *testing.T, files *blob.Store, f dispatch.File) (ids []string) {
	t.Helper()
	r, err := files.Open(t.Context(), f.Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	zip, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(zip); lines.Scan(); {
		var p struct{ ID string }
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			t.Fatalf("%q: %v", lines.Bytes(), err)
		}
		ids = append(ids, p.ID)
	}
	if int64(len(ids)) != f.Count {
		t.Errorf("a file of %d holds %d", f.Count, len(ids))
	}
	return ids
}

// runExport runs a job to its end; faults are tried again at once.
func runExport(t *testing.T, s *server, x *record.Exporter, q record.ExportRequest) *dispatch.Job {
	t.Helper()
	n := 0
	j := dispatch.NewJobs(dispatch.JobOptions{Store: eager{s.store}, Runners: []dispatch.Runner{x}, Poll: 5 * time.Millisecond, Attempts: 1000, Log: slog.New(slog.DiscardHandler),
		NewID: func() (string, error) { n++; return fmt.Sprintf("%s-%d", t.Name(), n), nil }})
	request, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	job := &dispatch.Job{Kind: record.ExportKind, Owner: "operator", Request: request}
	if err := j.Start(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { j.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	for range 4000 {
		now, err := j.Job(t.Context(), job.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.State != dispatch.JobOpen {
			return now
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the job does not end")
	return nil
}

// eager gives a job back at once.
type eager struct{ dispatch.JobStore }

func (e eager) ReleaseJob(ctx context.Context, id, holder string, _ time.Time) error {
	return e.JobStore.ReleaseJob(ctx, id, holder, time.Now())
}

// A request that is carried out again under its key writes once and is answered
// with what it wrote.
func TestOnce(t *testing.T) {
	s := newServer(t)
	run := func(key string) []string {
		t.Helper()
		ctx := record.Once(t.Context(), key)
		var refs []string
		for _, d := range []*record.Draft{
			{Door: "fhir", Operation: "create", Ops: []record.Op{{Method: "POST", Type: "Patient", Body: []byte(`{"resourceType":"Patient"}`)}}},
			{Door: "fhir", Operation: "batch", Ops: []record.Op{{Method: "POST", Type: "Patient", Body: []byte(`{"resourceType":"Patient"}`)}, {Method: "POST", Type: "Patient", IfNoneExist: "gender=other", Body: []byte(`{"resourceType":"Patient","gender":"other"}`)}}},
		} {
			out, err := s.Submit(ctx, clin, d)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.Results {
				refs = append(refs, fmt.Sprint(r.Status, " ", r.Version.ID, " ", r.Version.Version))
			}
		}
		return refs
	}
	first := run("a")
	if again := run("a"); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("again = %v, want %v", again, first)
	}
	other := run("b")
	if other[0] == first[0] || other[1] == first[1] {
		t.Errorf("another request = %v, as %v", other, first)
	}
}
