package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// mostAnswered bounds what the reads of one Bundle answer, together.
const mostAnswered = 256 << 20

// asking answers entries of one Bundle that read, search or call an operation.
// Each goes through the door as a request of its own, so that it is answered as
// it would be alone. https://hl7.org/fhir/R4/http.html#brules
type asking struct {
	*call
	left int // bytes that answers may still have
}

// entry answers one entry with its Bundle.entry.
func (a *asking) entry(ctx context.Context, q record.Asked) []byte {
	r, err := a.request(ctx, q)
	if err != nil {
		return entryOf(&inner{status: http.StatusBadRequest, header: http.Header{}, body: *bytes.NewBuffer(outcomeOf(err))})
	}
	w := &inner{header: http.Header{}, left: a.left}
	a.door.within().ServeHTTP(w, r)
	if w.over {
		w.status, w.header = http.StatusForbidden, http.Header{}
		w.body = *bytes.NewBuffer(outcomeOf(issue.Errorf(issue.TooCostly, "The answers of this Bundle are larger than %d MB together; ask for this one alone.", mostAnswered>>20).
			Rule("bundle-answers").Chinese("本 Bundle 的应答总量过大，请单独请求。")))
	}
	a.left -= w.body.Len()
	return entryOf(w)
}

func outcomeOf(err error) []byte {
	body, _ := json.Marshal(issue.As(err).Outcome()) // texts always marshal
	return body
}

// request is the entry as a request of the same caller. Its answer is a part of
// the Bundle, so its format is not the entry's choice.
func (a *asking) request(ctx context.Context, q record.Asked) (*http.Request, error) {
	path, query, _ := strings.Cut(q.URL, "?")
	if path, _, _ := strings.Cut(path, "#"); strings.Trim(path, "/") == "" && q.Method == http.MethodPost {
		return nil, issue.Errorf(issue.Invalid, "A Bundle holds no Bundle to be carried out.").WithStatus(400).Rule("entry-url")
	}
	params, err := search.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	ctx = context.WithValue(ctx, callerKey{}, a.who)
	r, err := http.NewRequestWithContext(ctx, q.Method, "/fhir/"+path, bytes.NewReader(q.Body))
	if err != nil || r.URL.Fragment != "" {
		return nil, issue.Errorf(issue.Invalid, "%q is no URL below the base.", clip(q.URL)).WithStatus(400).At("Bundle.entry.request.url").Rule("entry-url")
	}
	r.URL.RawQuery = search.EncodeQuery(without(params))
	r.Host, r.TLS = a.Request().Host, a.Request().TLS
	r.Header.Set("Accept", mediaJSON)
	r.Header.Set("X-Request-Id", a.id)
	for name, value := range map[string]string{"If-None-Match": q.IfNoneMatch, "Prefer": a.handling(), "Accept-Language": a.header("Accept-Language")} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	if !q.IfModifiedSince.IsZero() {
		r.Header.Set("If-Modified-Since", q.IfModifiedSince.UTC().Format(http.TimeFormat))
	}
	if q.Method == http.MethodPost && q.Body != nil {
		r.Header.Set("Content-Type", mediaJSON)
	}
	return r, nil
}

func (a *asking) handling() string {
	if a.prefer.strict {
		return "handling=strict"
	}
	return ""
}

const mediaJSON = "application/fhir+json"

// inner takes in the answer of an entry.
type inner struct {
	header http.Header
	status int
	body   bytes.Buffer
	left   int
	over   bool // the answer is larger than what was left
}

func (w *inner) Header() http.Header { return w.header }

func (w *inner) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *inner) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > w.left {
		w.over = true
	}
	if w.over {
		return 0, http.ErrContentLength
	}
	return w.body.Write(p)
}

// callerKey is where the context of an inner request has its caller.
type callerKey struct{}

// within is this door for requests that come out of a request.
func (d *Door) within() http.Handler {
	d.innerOnce.Do(func() {
		e := echo.New()
		d.Register(e.Group("/fhir", func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				who, _ := c.Request().Context().Value(callerKey{}).(*access.Context)
				SetWho(c, who)
				return next(c)
			}
		}))
		d.innerDoor = &unbroken{e}
	})
	return d.innerDoor
}

// unbroken turns an answer that broke off into one that failed: the Bundle holds
// nothing by half.
type unbroken struct{ http.Handler }

func (u *unbroken) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w := rw.(*inner)
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			if !w.over {
				w.status, w.header = http.StatusInternalServerError, http.Header{}
				w.body = *bytes.NewBuffer(outcomeOf(issue.Errorf(issue.Exception, "The server failed.").Rule("server-fault").Chinese("服务器内部错误。")))
			}
		default:
			panic(p)
		}
	}()
	u.Handler.ServeHTTP(w, r)
	w.WriteHeader(http.StatusOK)
}

// entryOf is the Bundle.entry of an answer: its resource, or its outcome where
// it failed.
func entryOf(w *inner) []byte {
	body, out := bytes.TrimSpace(w.body.Bytes()), []byte{'{'}
	media := w.header.Get("Content-Type") // none: an outcome that was made here
	resource := len(body) > 0 && body[0] == '{' && (media == "" || strings.HasPrefix(media, mediaJSON))
	if len(body) > 0 && !resource {
		w.status, w.header = http.StatusNotAcceptable, http.Header{}
		body, resource = outcomeOf(issue.Errorf(issue.NotSupported, "The answer is no resource and cannot be part of a Bundle; ask for it alone.").
			Rule("entry-answer").Chinese("该应答不是资源，无法放入 Bundle。")), true
	}
	if resource && w.status < 400 {
		out = append(append(append(out, `"resource":`...), body...), ',')
	}
	out = fmt.Appendf(out, `"response":{"status":"%d"`, w.status)
	if at := w.header.Get("Location"); at != "" {
		out = fmt.Appendf(out, `,"location":%q`, at)
	}
	if tag := w.header.Get("ETag"); tag != "" {
		quoted, _ := json.Marshal(tag) // a string always marshals
		out = append(append(out, `,"etag":`...), quoted...)
	}
	if at, err := http.ParseTime(w.header.Get("Last-Modified")); err == nil {
		out = fmt.Appendf(out, `,"lastModified":%q`, at.UTC().Format(time.RFC3339))
	}
	if resource && w.status >= 400 {
		out = append(append(out, `,"outcome":`...), body...)
	}
	return append(out, "}}"...)
}
