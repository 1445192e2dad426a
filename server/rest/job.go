package rest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
)

// Jobs is long work that a request begins and others ask after.
type Jobs interface {
	// Start keeps a job and runs it; dispatch.ErrManyJobs.
	Start(ctx context.Context, j *dispatch.Job) error
	// Room tells whether the owner may begin another; dispatch.ErrManyJobs.
	Room(ctx context.Context, owner string) error
	// Job reads one; dispatch.ErrNoJob.
	Job(ctx context.Context, id string) (*dispatch.Job, error)
	// Cancel ends one and removes what it made; dispatch.ErrNoJob.
	Cancel(ctx context.Context, id string) error
}

// Exports is what the door needs of the recorder for jobs.
type Exports interface {
	CheckExport(ctx context.Context, who *access.Context, q *record.ExportRequest) error
	OpenJobFile(ctx context.Context, who *access.Context, files record.Blobs, job string, f dispatch.File) (record.BlobReader, error)
}

// jobRoutes are https://hl7.org/fhir/R4/async.html and
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html; none without Jobs.
func (d *Door) jobRoutes() []route {
	if d.o.Jobs == nil {
		return nil
	}
	return []route{
		{"GET", "/$export", d.exportSystem, false},
		{"POST", "/$export", d.exportSystem, false},
		{"GET", "/Patient/$export", d.exportPatients, false},
		{"POST", "/Patient/$export", d.exportPatients, false},
		{"GET", "/Group/:id/$export", d.exportGroup, false},
		{"POST", "/Group/:id/$export", d.exportGroup, false},
		{"POST", "/$import", d.importNDJSON, false},
		{"GET", "/$job/:job", d.jobStatus, false},
		{"DELETE", "/$job/:job", d.jobCancel, false},
		{"GET", "/$job/:job/:file", d.jobFile, false},
	}
}

// ofJob tells the addresses of jobs, which answer in formats of their own.
func ofJob(path string) bool { return strings.Contains(path, "/$job/") }

// started answers that work has begun.
// https://hl7.org/fhir/R4/async.html#3.1.6.2.3
func (c *call) started(j *dispatch.Job) error {
	by := c.who.Authority()
	j.Owner, j.Grant, j.Scope, j.Tenant = by.Principal, by.Grant, by.Scope, c.who.Tenant
	if err := c.fits(c.door.o.Jobs.Start(c.ctx(), j)); err != nil {
		return err
	}
	c.set("Content-Location", c.base+"/$job/"+j.ID)
	return c.outcome(http.StatusAccepted, []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "job-started",
		Text: "The work has begun; ask after it at " + c.base + "/$job/" + j.ID + ".", Chinese: "任务已开始，请查询其状态。"}})
}

// fits tells who has too many jobs what to do.
func (c *call) fits(err error) error {
	if !errors.Is(err, dispatch.ErrManyJobs) {
		return err
	}
	c.set("Retry-After", "60")
	return issue.Errorf(issue.Throttled, "You have as many jobs under way as one may have; wait for one, or cancel one.").
		Rule("job-most").Chinese("进行中的任务过多，请等待或取消已有任务。")
}

// job reads the job that the address names. Only its owner sees it, and the
// operator; for anybody else there is none.
func (c *call) job() (*dispatch.Job, error) {
	j, err := c.door.o.Jobs.Job(c.ctx(), c.Param("job"))
	if err == nil && c.who.Kind != access.Operator {
		err = c.holds(j)
	}
	if errors.Is(err, dispatch.ErrNoJob) {
		return nil, issue.Errorf(issue.NotFound, "There is no such job (any more).").Rule("job-not-found").Chinese("任务不存在、已取消或已过期。")
	}
	return j, err
}

// holds tells, by ErrNoJob, whose job it is not. What an app has begun ends for
// everybody with what was granted to it; what was begun without one is no app's.
func (c *call) holds(j *dispatch.Job) error {
	if j.Owner != c.who.Principal || j.Grant == "" && c.who.Scopes != nil {
		return dispatch.ErrNoJob
	}
	if j.Grant == "" {
		return nil
	}
	if c.door.o.Acting == nil {
		return dispatch.ErrNoJob
	}
	begun, err := c.door.o.Acting(c.ctx(), record.AuthorityOf(j))
	if issue.As(err) != nil || err == nil && !c.who.Holds(begun) {
		return dispatch.ErrNoJob
	}
	return err
}

// jobStatus tells how far a job is, and gives its result.
// https://hl7.org/fhir/R4/async.html#3.1.6.3
func (d *Door) jobStatus(c *call) error {
	j, err := c.job()
	if err != nil {
		return err
	}
	c.set("Cache-Control", "private, no-store")
	if wait := d.polls.wait(j.ID, d.o.Clock()); wait > 0 {
		c.set("Retry-After", strconv.Itoa(int(wait/time.Second)+1))
		return issue.Errorf(issue.Throttled, "You ask after this job too often; wait as long as Retry-After says.").
			Rule("job-polling").Chinese("查询过于频繁，请稍后再试。")
	}
	switch j.State {
	case dispatch.JobOpen:
		progress := j.Progress
		if progress == "" {
			progress = "waiting"
		}
		c.set("X-Progress", progress)
		c.set("Retry-After", strconv.Itoa(int(min(max(d.o.Clock().Sub(j.Created)/10, time.Second), 30*time.Second)/time.Second)))
		c.Response().WriteHeader(http.StatusAccepted)
		return nil
	case dispatch.JobFailed:
		return c.failed(j)
	}
	c.set("Expires", j.Expires.UTC().Format(http.TimeFormat))
	switch j.Kind {
	case record.ExportKind:
		return c.manifest(j)
	case record.ImportKind:
		return c.imported(j)
	}
	return c.answered(j)
}

func (d *Door) jobCancel(c *call) error {
	j, err := c.job()
	if err != nil {
		return err
	}
	if err := d.o.Jobs.Cancel(c.ctx(), j.ID); err != nil && !errors.Is(err, dispatch.ErrNoJob) {
		return err
	}
	return c.outcome(http.StatusAccepted, []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "job-cancelled",
		Text: "The job is cancelled and what it made is removed.", Chinese: "任务已取消，其结果已删除。"}})
}

// fileAddress is where a file of a job can be had.
func (c *call) fileAddress(j *dispatch.Job, n int) string {
	return c.base + "/$job/" + j.ID + "/" + strconv.Itoa(n) + ".ndjson"
}

const ndjson = "application/fhir+ndjson"

// jobFile streams a file of a job that is done: it is kept in gzip and sent so to
// who takes it. https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request
func (d *Door) jobFile(c *call) error {
	j, err := c.job()
	if err != nil {
		return err
	}
	name, ok := strings.CutSuffix(c.Param("file"), ".ndjson")
	n, err := strconv.Atoi(name)
	if !ok || err != nil || n < 0 || n >= len(j.Files) || j.State != dispatch.JobDone || j.Files[n].Kind == "input" || j.Kind == requestKind {
		return issue.Errorf(issue.NotFound, "The job has no such file.").Rule("job-file").Chinese("任务没有该文件。")
	}
	r, err := d.o.Record.OpenJobFile(c.ctx(), c.who, d.o.JobFiles, j.ID, j.Files[n])
	if err != nil {
		return err
	}
	defer r.Close()
	c.set("Content-Type", ndjson)
	c.set("Expires", j.Expires.UTC().Format(http.TimeFormat))
	var from io.Reader = r
	if contentCoding([]string{only(c.Request().Header.Values("Accept-Encoding"), codingGzip)}) == codingGzip {
		c.set("Content-Encoding", codingGzip)
		c.set("Content-Length", strconv.FormatInt(r.Size(), 10))
	} else if from, err = gzip.NewReader(r); err != nil {
		return err
	}
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err = io.Copy(c.Response(), from)
	return err
}

// only keeps what Accept-Encoding says of one coding, and of identity.
func only(headers []string, coding string) string {
	var kept []string
	for part := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(part)), ";")
		if name = strings.TrimSpace(name); name == coding || name == "identity" || name == "*" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

// polls bounds how often one may ask after a job: a few times at once, then once
// a second.
type polls struct {
	mu   sync.Mutex
	last map[string]time.Time // until when the allowance is used up
}

// pollBurst is how many questions may come at once; mostPolled bounds the table.
const (
	pollBurst  = 10
	mostPolled = 10_000
)

func (p *polls) wait(job string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || len(p.last) >= mostPolled {
		p.last = map[string]time.Time{}
	}
	used := p.last[job]
	if used.Before(now) {
		used = now
	}
	if wait := used.Sub(now) - (pollBurst-1)*time.Second; wait > 0 {
		return wait
	}
	p.last[job] = used.Add(time.Second)
	return 0
}

// failed answers with why a job failed.
func (c *call) failed(j *dispatch.Job) error {
	status, outcome, err := failureOf(j.Result)
	if err != nil {
		return fmt.Errorf("job %s: %w", j.ID, err)
	}
	return c.send(status, outcome)
}
