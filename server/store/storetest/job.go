package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tenon/server/dispatch"
)

var jobTests = map[string]func(*fixture){
	"kept, leased, saved, ended":        jobLife,
	"one holder at a time":              jobRace,
	"a lease that is over is another's": jobLease,
	"cancelled while it runs":           jobCancel,
	"removed when its time is over":     jobExpiry,
	"open jobs of an owner are bounded": jobMost,
	"patients are told of once":         jobPatients,
}

func (f *fixture) addJob(id string) *dispatch.Job {
	f.Helper()
	now := time.Now()
	j := &dispatch.Job{ID: id, Tenant: "main", Kind: "export", Owner: "PractitionerRole/a", Request: []byte(`{"level":"system"}`),
		Created: now.Add(-time.Second), Expires: now.Add(time.Hour), Files: []dispatch.File{{Kind: "input", Type: "Patient", Count: 3, Size: 99, Digest: [32]byte{1}}}}
	if err := f.AddJob(f.ctx(), j, 5); err != nil {
		f.Fatalf("AddJob() = %v", err)
	}
	return j
}

func (f *fixture) claimJob(holder string, lease time.Duration) *dispatch.Job {
	f.Helper()
	j, err := f.ClaimJob(f.ctx(), []string{"export", "import"}, holder, lease)
	if err != nil {
		f.Fatalf("ClaimJob() = %v", err)
	}
	return j
}

func (f *fixture) job(id string) *dispatch.Job {
	f.Helper()
	j, err := f.Job(f.ctx(), id)
	if err != nil {
		f.Fatalf("Job(%s) = %v", id, err)
	}
	return j
}

func jobLife(f *fixture) {
	f.addJob("a")
	if j, err := f.ClaimJob(f.ctx(), []string{"other"}, "x", time.Minute); j != nil || err != nil {
		f.Errorf("ClaimJob(other kind) = %v, %v, want none", j, err)
	}
	j := f.claimJob("x", time.Minute)
	if j == nil || j.ID != "a" || j.Tenant != "main" || j.Attempts != 1 || string(j.Request) != `{"level":"system"}` || len(j.Files) != 1 || j.Files[0].Digest[0] != 1 {
		f.Fatalf("ClaimJob() = %+v, want the job with its input", j)
	}
	step := dispatch.Step{Cursor: []byte(`{"row":7}`), Progress: "half", Files: []dispatch.File{{Kind: "output", Type: "Patient", Count: 2, Size: 5, Digest: [32]byte{2}}}}
	if err := f.SaveJob(f.ctx(), "a", "x", step); err != nil {
		f.Fatal(err)
	}
	if err := f.SaveJob(f.ctx(), "a", "x", dispatch.Step{Files: []dispatch.File{{Kind: "error", Digest: [32]byte{3}}}}); err != nil {
		f.Fatal(err)
	}
	got := f.job("a")
	if string(got.Cursor) != `{"row":7}` || got.Progress != "half" || len(got.Files) != 3 || got.Files[1].Count != 2 || got.Files[2].Kind != "error" {
		f.Errorf("Job() = %+v, want cursor, progress and three files in order", got)
	}
	end := time.Now().Add(time.Hour).Truncate(time.Microsecond)
	if err := f.EndJob(f.ctx(), "a", "x", dispatch.JobDone, []byte(`{}`), end); err != nil {
		f.Fatal(err)
	}
	got = f.job("a")
	if got.State != dispatch.JobDone || string(got.Result) != "{}" || got.Ended.IsZero() || !got.Expires.Equal(end) {
		f.Errorf("Job() = %+v, want it done", got)
	}
	if f.claimJob("y", time.Minute) != nil {
		f.Errorf("a job that is done is leased")
	}
	if err := f.SaveJob(f.ctx(), "a", "x", step); !errors.Is(err, dispatch.ErrJobLost) {
		f.Errorf("SaveJob() after the end = %v, want ErrJobLost", err)
	}
	if _, err := f.Job(f.ctx(), "none"); !errors.Is(err, dispatch.ErrNoJob) {
		f.Errorf("Job(none) = %v, want ErrNoJob", err)
	}
	if _, err := f.Tenant("elsewhere").Job(f.ctx(), "a"); !errors.Is(err, dispatch.ErrNoJob) {
		f.Errorf("another tenant's Job() = %v, want ErrNoJob", err)
	}
}

func jobRace(f *fixture) {
	const jobs = 4
	for i := range jobs {
		f.addJob(fmt.Sprint("j", i))
	}
	var taken atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			j, err := f.ClaimJob(f.ctx(), []string{"export"}, fmt.Sprint("w", w), time.Minute)
			if err != nil {
				f.Errorf("ClaimJob() = %v", err)
			}
			if j != nil {
				taken.Add(1)
			}
		})
	}
	wg.Wait()
	for f.claimJob("last", time.Minute) != nil { // one that looked while others were locked may have found none
		taken.Add(1)
	}
	if taken.Load() != jobs {
		f.Errorf("%d jobs were leased %d times", jobs, taken.Load())
	}
}

func jobLease(f *fixture) {
	f.addJob("a")
	f.claimJob("x", -time.Second) // over at once
	j := f.claimJob("y", time.Minute)
	if j == nil || j.Attempts != 2 {
		f.Fatalf("ClaimJob() = %+v, want the job of the server that died", j)
	}
	for name, err := range map[string]error{
		"SaveJob":    f.SaveJob(f.ctx(), "a", "x", dispatch.Step{Progress: "late"}),
		"HoldJob":    f.HoldJob(f.ctx(), "a", "x", time.Minute),
		"ReleaseJob": f.ReleaseJob(f.ctx(), "a", "x", time.Now()),
		"EndJob":     f.EndJob(f.ctx(), "a", "x", dispatch.JobDone, nil, time.Now()),
	} {
		if !errors.Is(err, dispatch.ErrJobLost) {
			f.Errorf("%s() of the old holder = %v, want ErrJobLost", name, err)
		}
	}
	if err := f.ReleaseJob(f.ctx(), "a", "y", time.Now().Add(-time.Second)); err != nil {
		f.Fatal(err)
	}
	if f.claimJob("z", time.Minute) == nil {
		f.Errorf("a job that was given back is not leased")
	}
}

func jobCancel(f *fixture) {
	f.addJob("a")
	f.claimJob("x", time.Minute)
	if err := f.CancelJob(f.ctx(), "a"); err != nil {
		f.Fatal(err)
	}
	if err := f.SaveJob(f.ctx(), "a", "x", dispatch.Step{Progress: "on"}); !errors.Is(err, dispatch.ErrJobLost) {
		f.Errorf("SaveJob() after the cancellation = %v, want ErrJobLost", err)
	}
	if j := f.job("a"); j.State != dispatch.JobCancelled || len(j.Files) != 0 {
		f.Errorf("Job() = %+v, want it cancelled without files", j)
	}
	if err := f.CancelJob(f.ctx(), "a"); !errors.Is(err, dispatch.ErrNoJob) {
		f.Errorf("CancelJob() twice = %v, want ErrNoJob", err)
	}
	if n, err := f.ExpireJobs(f.ctx()); n != 1 || err != nil {
		f.Errorf("ExpireJobs() = %d, %v, want the cancelled one", n, err)
	}
}

func jobExpiry(f *fixture) {
	f.addJob("stays")
	f.addJob("goes")
	for range 2 {
		j := f.claimJob("x", time.Minute)
		end := time.Now().Add(map[string]time.Duration{"stays": time.Hour, "goes": -time.Second}[j.ID])
		if err := f.EndJob(f.ctx(), j.ID, "x", dispatch.JobDone, nil, end); err != nil {
			f.Fatal(err)
		}
	}
	if n, err := f.ExpireJobs(f.ctx()); n != 1 || err != nil {
		f.Errorf("ExpireJobs() = %d, %v, want one", n, err)
	}
	files := 0
	if err := f.EachJobFile(f.ctx(), func(dispatch.File) error { files++; return nil }); err != nil || files != 1 {
		f.Errorf("EachJobFile() gives %d files, %v; want that of the one that stays", files, err)
	}
	if _, err := f.Job(f.ctx(), "goes"); !errors.Is(err, dispatch.ErrNoJob) {
		f.Errorf("Job() = %v, want ErrNoJob", err)
	}
}

func jobMost(f *fixture) {
	for i := range 5 {
		f.addJob(fmt.Sprint("j", i))
	}
	j := &dispatch.Job{ID: "more", Kind: "export", Owner: "PractitionerRole/a", Request: []byte("{}"), Created: time.Now(), Expires: time.Now()}
	if err := f.AddJob(f.ctx(), j, 5); !errors.Is(err, dispatch.ErrManyJobs) {
		f.Errorf("AddJob() = %v, want ErrManyJobs", err)
	}
	if n, err := f.OpenJobs(f.ctx(), j.Owner); n != 5 || err != nil {
		f.Errorf("OpenJobs() = %d, %v; want 5", n, err)
	}
	j.Owner = "PractitionerRole/b"
	if err := f.AddJob(f.ctx(), j, 5); err != nil {
		f.Errorf("AddJob() of another owner = %v", err)
	}
}

func jobPatients(f *fixture) {
	f.addJob("a")
	f.claimJob("x", time.Minute)
	step := dispatch.Step{Told: []string{"Patient/1", "Patient/2"}, Members: []string{"Patient/2", "Patient/3"}}
	if err := f.SaveJob(f.ctx(), "a", "x", step); err != nil {
		f.Fatal(err)
	}
	got, err := f.JobUntold(f.ctx(), "a", []string{"Patient/1", "Patient/2", "Patient/3", "Patient/4"})
	if want := []string{"Patient/3", "Patient/4"}; err != nil || !slices.Equal(got, want) {
		f.Errorf("JobUntold() = %v, %v, want %v", got, err, want)
	}
}
