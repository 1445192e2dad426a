package app

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/store/blob"
)

// Jobs says how long work is carried out: exports, imports, and requests that are
// answered later.
type Jobs struct {
	Parallel int           `help:"How many jobs this server runs at once." default:"2" env:"TENON_JOBS_PARALLEL"`
	Keep     time.Duration `help:"How long the result of a job is kept." default:"24h" env:"TENON_JOBS_KEEP"`
	Most     int           `help:"How many jobs one principal may have under way." default:"20" env:"TENON_JOBS_MOST"`
}

func (j *Jobs) validate() error {
	switch {
	case j.Parallel < 0 || j.Parallel > 64:
		return fmt.Errorf("jobs-parallel: %d is not between 1 and 64", j.Parallel)
	case j.Keep < 0 || j.Keep > 365*24*time.Hour:
		return fmt.Errorf("jobs-keep: %s is not between 0 and a year", j.Keep)
	case j.Most < 0:
		return fmt.Errorf("jobs-most: %d is negative", j.Most)
	}
	return nil
}

// jobs are the jobs of the server with their files, which lie apart from those of
// the record: they are nobody's proof and go when their job goes.
type jobs struct {
	*dispatch.Jobs
	files    *blob.Store
	requests *rest.Requests
	fetch    func(ctx context.Context, url string) (io.ReadCloser, error)
}

func (a *App) openJobs(context.Context) error {
	files, err := blob.Open(filepath.Join(a.Config.Data, "jobs"), blob.Options{})
	if err != nil {
		return err
	}
	j := &jobs{files: files, fetch: a.fetch, requests: &rest.Requests{Files: files, Acting: a.acting}}
	j.Jobs = dispatch.NewJobs(dispatch.JobOptions{
		Store: a.Store, NewID: jobID, Clock: a.clock, Log: a.log, Sweep: a.sweepJobs,
		Parallel: a.Config.Jobs.Parallel, Keep: a.Config.Jobs.Keep, Most: a.Config.Jobs.Most,
		Runners: []dispatch.Runner{
			j.requests,
			&record.Exporter{Recorder: a.Recorder, Store: a.Store, Files: files, Acting: a.acting, Subset: rest.Subset(r4.Model())},
			&record.Importer{Recorder: a.Recorder, Files: files, Acting: a.importing, Fetch: j.fetch},
		},
	})
	a.jobs = j
	return nil
}

// acting is who acts by an authority now. The operator is nobody but where
// requests without a token are the operator's.
func (a *App) acting(ctx context.Context, by access.Authority) (*access.Context, error) {
	if by.Principal == operator && a.Config.Dev {
		return operatorOf(""), nil
	}
	return a.OAuth.Acting(ctx, by)
}

// importing is who imports: what was to be shown for it was shown when it began.
func (a *App) importing(ctx context.Context, by access.Authority) (*access.Context, error) {
	who, err := a.acting(ctx, by)
	if err == nil {
		who.Due = nil
	}
	return who, err
}

// operator is the principal of the command line and of --dev.
const operator = "operator"

func operatorOf(organization string) *access.Context {
	return &access.Context{Tenant: "main", Kind: access.Operator, Principal: operator, Organization: organization}
}

// jobID is a secret of 160 bits.
func jobID() (string, error) {
	b := make([]byte, 20)
	_, err := rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b)), err
}

// sweep destroys the content that no job needs any more.
func (j *jobs) sweep(ctx context.Context, a *App) error {
	taken := a.clock()
	needed := map[[32]byte]bool{}
	err := a.Store.EachJobFile(ctx, func(f dispatch.File) error { needed[f.Digest] = true; return nil })
	if err == nil {
		_, err = j.files.Sweep(ctx, taken, func(digest [32]byte) bool { return needed[digest] })
	}
	return err
}

func (j *jobs) close() error {
	if j == nil {
		return nil
	}
	return j.files.Close()
}
