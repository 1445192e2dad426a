package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
)

// requestKind is the kind of jobs that carry out a request of this door.
const requestKind = "request"

// later is a request that is carried out by a job.
type later struct {
	Method string            `json:"method"`
	Path   string            `json:"path"` // below the base, with the query
	Header map[string]string `json:"header"`
	ID     string            `json:"id"` // of the request
}

// kept are the headers of a request that count when it is carried out.
var kept = []string{"Content-Type", "Content-Encoding", "If-Match", "If-None-Match", "If-None-Exist", "If-Modified-Since"}

// asynchronous tells a request that asks to be carried out by a job, and can be.
// https://hl7.org/fhir/R4/async.html
func (c *call) asynchronous(r route) bool {
	return c.prefer.async && c.door.o.Jobs != nil && c.who != nil && !r.open &&
		!strings.HasSuffix(r.path, "/$get-ws-binding-token") && // ends with the token of the request, which a job has not
		!strings.HasSuffix(r.path, "/$export") && !strings.HasSuffix(r.path, "/$import") && !ofJob(r.path)
}

// later keeps the request for a job. Its body is stored as it came.
func (d *Door) later(c *call) error {
	_, mount, _ := strings.Cut(c.Path(), "/")
	mount, _, _ = strings.Cut(mount, "/")
	q := later{Method: c.Request().Method, Path: strings.TrimPrefix(c.Request().URL.RequestURI(), "/"+mount), Header: map[string]string{}, ID: c.id}
	for _, name := range kept {
		if v := c.header(name); v != "" {
			q.Header[name] = v
		}
	}
	var prefer []string
	for _, h := range c.Request().Header.Values("Prefer") {
		for p := range strings.FieldsFuncSeq(h, func(r rune) bool { return r == ',' || r == ';' }) {
			if p = strings.TrimSpace(p); !strings.EqualFold(p, "respond-async") {
				prefer = append(prefer, p)
			}
		}
	}
	if len(prefer) > 0 {
		q.Header["Prefer"] = strings.Join(prefer, ", ")
	}
	j := &dispatch.Job{Kind: requestKind}
	if c.Request().ContentLength != 0 {
		f, err := c.stage(c.Request().Body, d.o.MaxBundle)
		if err != nil {
			return err
		}
		j.Files = []dispatch.File{f}
	}
	var err error
	if j.Request, err = json.Marshal(q); err != nil {
		return err
	}
	return c.started(j)
}

// stage keeps a body for a job, if its owner may begin one.
func (c *call) stage(body io.Reader, limit int64) (dispatch.File, error) {
	if err := c.fits(c.door.o.Jobs.Room(c.ctx(), c.who.Principal)); err != nil {
		return dispatch.File{}, err
	}
	row, err := c.door.o.JobFiles.Stage(c.ctx(), body, limit)
	if err == nil {
		err = c.door.o.JobFiles.Sync(c.ctx())
	}
	if err != nil && issue.As(err) == nil {
		err = bodyFault(err)
	}
	return dispatch.File{Kind: "input", Size: row.Size, Digest: row.Digest}, err
}

// Requests carries out requests that were kept: the dispatch.Runner of their
// jobs. A request that writes does so once, however often it is taken up.
type Requests struct {
	Door  *Door
	Files record.Blobs
	// Acting tells who acts by an authority now.
	Acting func(ctx context.Context, by access.Authority) (*access.Context, error)
}

// Kind implements dispatch.Runner.
func (r *Requests) Kind() string { return requestKind }

// answer is the result of such a job; its body is the last file.
type answer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   bool              `json:"body"`
}

// Run implements dispatch.Runner.
func (r *Requests) Run(ctx context.Context, h *dispatch.Held) ([]byte, error) {
	var q later
	if err := json.Unmarshal(h.Request, &q); err != nil {
		return nil, &dispatch.Permanent{Err: err}
	}
	who, err := r.Acting(ctx, record.AuthorityOf(h.Job))
	if err != nil {
		return nil, err
	}
	as := *who
	as.RequestID = q.ID
	body := io.NopCloser(strings.NewReader(""))
	if len(h.Files) > 0 && h.Files[0].Kind == "input" {
		b, err := r.Files.Open(ctx, h.Files[0].Digest)
		if err != nil {
			return nil, err
		}
		defer b.Close()
		body = b
	}
	request, err := http.NewRequestWithContext(record.Once(ctx, h.ID), q.Method, "/fhir"+q.Path, body)
	if err != nil {
		return nil, &dispatch.Permanent{Err: err}
	}
	if len(h.Files) > 0 {
		request.ContentLength = h.Files[0].Size
	}
	for name, value := range q.Header {
		request.Header.Set(name, value)
	}
	request.Header.Set("Accept", "application/fhir+json")
	return r.answer(ctx, h, request, &as)
}

// answer carries the request out and keeps what comes back.
func (r *Requests) answer(ctx context.Context, h *dispatch.Held, request *http.Request, who *access.Context) ([]byte, error) {
	out, in := io.Pipe()
	w := &answerWriter{header: http.Header{}, pipe: in}
	type staged struct {
		row record.BlobRow
		err error
	}
	done := make(chan staged, 1)
	go func() {
		row, err := r.Files.Stage(ctx, out, r.Door.o.MaxBundle) // it is read as a whole
		_ = out.CloseWithError(io.ErrClosedPipe)
		done <- staged{row, err}
	}()
	e := echo.New()
	r.Door.Register(e.Group("/fhir", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			SetWho(c, who)
			return next(c)
		}
	}))
	broken := w.serve(e, request)
	_ = in.Close()
	kept := <-done
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f := issue.As(kept.err); f != nil && f.Issues[0].Type == issue.TooLong {
		return nil, issue.Errorf(issue.TooCostly, "The answer has more than %d bytes, which is more than a Bundle holds; ask without respond-async.", r.Door.o.MaxBundle).
			Rule("async-answer").Chinese("应答过大，请不要使用异步方式请求。")
	}
	if broken != nil {
		return nil, broken
	}
	if kept.err == nil {
		kept.err = r.Files.Sync(ctx)
	}
	if kept.err != nil {
		return nil, kept.err
	}
	if w.status >= 500 && w.status != http.StatusNotImplemented {
		return nil, fmt.Errorf("request answered %d", w.status) // tried again; the detail is in the log of the request
	}
	a := answer{Status: w.status, Header: map[string]string{}, Body: kept.row.Size > 0}
	for _, name := range []string{"ETag", "Location", "Last-Modified", "Content-Type"} {
		if v := w.header.Get(name); v != "" {
			a.Header[name] = v
		}
	}
	if err := h.Save(ctx, nil, dispatch.Step{Files: []dispatch.File{{Kind: "answer", Size: kept.row.Size, Digest: kept.row.Digest}}}); err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// answerWriter takes an answer in.
type answerWriter struct {
	header http.Header
	status int
	pipe   *io.PipeWriter
}

func (w *answerWriter) Header() http.Header { return w.header }
func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush implements http.Flusher for answers that stream.
func (w *answerWriter) Flush() {}

// serve tells an answer that broke off.
func (w *answerWriter) serve(h http.Handler, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the answer broke off: %v", p)
		}
	}()
	h.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
	return nil
}

// answered gives the answer of a request that was carried out: a Bundle of type
// batch-response with one entry.
// https://hl7.org/fhir/async-bundle.html
func (c *call) answered(j *dispatch.Job) error {
	var a answer
	if err := json.Unmarshal(j.Result, &a); err != nil || len(j.Files) == 0 {
		return fmt.Errorf("job %s: its result cannot be read: %w", j.ID, err)
	}
	var body []byte
	if a.Body {
		free, err := c.door.bundles.take(c.ctx(), j.Files[len(j.Files)-1].Size, false)
		if err != nil {
			return err
		}
		defer free()
		r, err := c.door.o.Record.OpenJobFile(c.ctx(), c.who, c.door.o.JobFiles, j.ID, j.Files[len(j.Files)-1])
		if err != nil {
			return err
		}
		defer r.Close()
		if body, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	return c.send(http.StatusOK, asBundle(&a, body))
}

// asBundle puts an answer into a Bundle. What is no resource becomes a Binary.
func asBundle(a *answer, body []byte) []byte {
	response := fmt.Appendf(nil, `{"status":%q`, strconv.Itoa(a.Status)+" "+http.StatusText(a.Status))
	for _, m := range [][2]string{{"Location", "location"}, {"ETag", "etag"}} {
		if v := a.Header[m[0]]; v != "" {
			text, _ := json.Marshal(v) // a string always marshals
			response = fmt.Appendf(response, `,%q:%s`, m[1], text)
		}
	}
	if at, err := http.ParseTime(a.Header["Last-Modified"]); err == nil {
		response = fmt.Appendf(response, `,"lastModified":%q`, at.UTC().Format(instant))
	}
	resource := ""
	switch {
	case len(body) == 0:
	case !strings.HasPrefix(a.Header["Content-Type"], "application/fhir+json"):
		media, _ := json.Marshal(a.Header["Content-Type"])
		resource = fmt.Sprintf(`,"resource":{"resourceType":"Binary","contentType":%s,"data":%q}`, media, base64.StdEncoding.EncodeToString(body))
	case len(body) <= smallBundle && outcomeBody(body):
		response = fmt.Appendf(response, `,"outcome":%s`, body)
	default:
		resource = `,"resource":` + string(body)
	}
	return fmt.Appendf(nil, `{"resourceType":"Bundle","type":"batch-response","entry":[{"response":%s}%s}]}`, response, resource)
}

// outcomeBody tells an OperationOutcome.
func outcomeBody(body []byte) bool {
	root, err := nodeOf(body)
	return err == nil && root.Field("resourceType").Str() == "OperationOutcome"
}

// failureOf reads the result of a job that failed.
func failureOf(result []byte) (status int, outcome []byte, err error) {
	var f struct {
		Status  int             `json:"status"`
		Outcome json.RawMessage `json:"outcome"`
	}
	if err := json.Unmarshal(result, &f); err != nil || f.Status < 400 {
		return 0, nil, fmt.Errorf("the result %d cannot be read: %w", f.Status, err)
	}
	return f.Status, f.Outcome, nil
}
