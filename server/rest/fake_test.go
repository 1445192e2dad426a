package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/revision"
	"tenon/server/search"
)

const base = "https://hospital.example/fhir"

var registry = sync.OnceValues(func() (*search.Registry, error) {
	return search.NewRegistry(r4.Model(), search.WithBase(base), search.WithCursorKey([]byte("a key of the tests")))
})

var updated = time.Date(2024, 5, 1, 8, 30, 10, 120e6, time.UTC)

// memory stands for the recorder where a test is about HTTP alone. It keeps
// versions, judges If-Match, and remembers the last draft.
type memory struct {
	rest.Record // what a test does not reach

	versions map[string][]record.Version
	draft    *record.Draft
	page     *search.Page
	content  []byte
	dossier  func(w io.Writer) error
	fault    error

	judgement *record.Judgement
}

func absent(typ, id string) error {
	return issue.Errorf(issue.NotFound, "There is no %s/%s.", typ, id).Rule("not-found").Chinese("资源不存在或不可见。")
}

func (m *memory) put(typ, id, body string) *record.Version {
	d, err := tree.Parse([]byte(body))
	if err != nil {
		panic(err)
	}
	ref := typ + "/" + id
	n := int64(len(m.versions[ref]) + 1)
	at := updated.Add(time.Duration(n-1) * time.Minute)
	spliced, err := tree.Splice(d, id, fmt.Sprint(n), at)
	if err != nil {
		panic(err)
	}
	m.versions[ref] = append(m.versions[ref], record.Version{Type: typ, ID: id, Version: n, Updated: at, Method: "PUT", Body: spliced, Level: 3, Integrity: 2})
	return &m.versions[ref][n-1]
}

func (m *memory) Submit(_ context.Context, _ *access.Context, d *record.Draft) (*record.Outcome, error) {
	m.draft = d
	op := d.Ops[0]
	if m.fault != nil {
		return nil, m.fault
	}
	current := m.versions[op.Type+"/"+op.ID]
	if op.IfNoneMatch == "*" && len(current) > 0 {
		return nil, issue.Errorf(issue.Conflict, "It exists.").WithStatus(412).Rule("exists-already")
	}
	if op.IfMatch != "" && (op.IfMatch != "*" || len(current) == 0) && op.IfMatch != fmt.Sprint(len(current)) {
		return nil, issue.Errorf(issue.Conflict, "If-Match is stale.").WithStatus(412).Rule("stale-if-match")
	}
	switch op.Method {
	case "DELETE":
		return &record.Outcome{Results: []record.Result{{Status: 204, Version: &record.Version{Type: op.Type, ID: op.ID, Version: 2, Deleted: true}}}}, nil
	case "PATCH":
		return &record.Outcome{Results: []record.Result{{Status: 200, Version: &current[len(current)-1]}}}, nil
	}
	status, id := 200, op.ID
	if id == "" {
		id = "new"
	}
	if len(current) == 0 {
		status = 201
	}
	return &record.Outcome{Results: []record.Result{{Status: status, Version: m.put(op.Type, id, string(op.Body))}}}, nil
}

func (m *memory) Read(_ context.Context, _ *access.Context, typ, id string) (*record.Version, error) {
	all := m.versions[typ+"/"+id]
	if m.fault != nil {
		return nil, m.fault
	}
	if len(all) == 0 {
		return nil, absent(typ, id)
	}
	v := all[len(all)-1]
	if v.Deleted {
		return nil, issue.Errorf(issue.Deleted, "It was deleted.")
	}
	return &v, nil
}

func (m *memory) ReadVersion(_ context.Context, _ *access.Context, typ, id string, n int64) (*record.Version, error) {
	all := m.versions[typ+"/"+id]
	if n > int64(len(all)) {
		return nil, absent(typ, id)
	}
	return &all[n-1], nil
}

func (m *memory) History(_ context.Context, _ *access.Context, q record.HistoryQuery) (*record.HistoryPage, error) {
	page := &record.HistoryPage{}
	all := m.versions[q.Type+"/"+q.ID]
	for i := len(all) - 1; i >= 0; i-- {
		if q.Before.Version != 0 && all[i].Version >= q.Before.Version {
			continue
		}
		if page.More = len(page.Versions) == q.Count; page.More {
			break
		}
		page.Versions = append(page.Versions, all[i])
	}
	return page, nil
}

func (m *memory) Search(_ context.Context, _ *access.Context, typ string, params []search.Param, strict bool) (*search.Page, *search.Told, error) {
	r, _ := registry()
	_, told, err := r.Parse(search.Request{Type: typ, Params: params, Strict: strict})
	return m.page, told, err
}

func (m *memory) Transaction(_ context.Context, _ *access.Context, bundle []byte, _ record.Bundled) ([]byte, error) {
	return []byte(`{"resourceType":"Bundle","type":"transaction-response"}`), nil
}

func (m *memory) Apply(_ context.Context, _ *access.Context, plan string, params []byte) (*record.Result, error) {
	return &record.Result{Status: 201, Version: m.put("Task", "root", `{"resourceType":"Task","status":"in-progress","intent":"plan"}`)}, nil
}

func (m *memory) Case(_ context.Context, _ *access.Context, root string) ([]byte, error) {
	return []byte(`{"resourceType":"Parameters"}`), nil
}

func (m *memory) Judge(_ context.Context, _ *access.Context, root string) ([]byte, error) {
	return []byte(`{"resourceType":"Parameters"}`), nil
}

func (m *memory) Sign(_ context.Context, _ *access.Context, typ, id string, params []byte) (*record.Result, error) {
	return nil, issue.Errorf(issue.Forbidden, "The secret is wrong.").Rule("signing-secret").Chinese("签名口令错误。")
}

func (m *memory) Dossier(_ context.Context, _ *access.Context, root string, w io.Writer) error {
	return m.dossier(w)
}

func (m *memory) PutContent(_ context.Context, _ *access.Context, binary record.Op, content io.Reader) (*record.Result, error) {
	var err error
	m.draft = &record.Draft{Ops: []record.Op{binary}}
	if m.content, err = io.ReadAll(content); err != nil {
		return nil, err
	}
	v := m.put("Binary", "b", string(binary.Body))
	v.Blob = "00"
	return &record.Result{Status: 201, Version: v}, nil
}

type content struct{ *bytes.Reader }

func (b content) Size() int64  { return b.Reader.Size() }
func (b content) Close() error { return nil }

func (m *memory) Content(ctx context.Context, who *access.Context, id string) (record.BlobReader, *record.Version, error) {
	v, err := m.Read(ctx, who, "Binary", id)
	if err != nil || v.Blob == "" {
		return nil, v, err
	}
	return content{bytes.NewReader(m.content)}, v, nil
}

var errDatabase = errors.New("the database of Zhang San is gone")

// door serves the fake; a request with the header Nobody has no caller.
func door(t testing.TB) (*memory, http.Handler) {
	t.Helper()
	r, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{versions: map[string][]record.Version{}, page: &search.Page{}}
	m.put("Patient", "1", `{"resourceType":"Patient","active":true,"name":[{"family":"张"}],"multipleBirthInteger":2,"extension":[{"url":"http://x","valueDecimal":1.00}]}`)
	now := revision.Fixed(r4.Library(), r4.Model(), r, nil)
	d, err := rest.New(rest.Options{Record: m, Definitions: func() *revision.Revision { return now }, Model: r4.Model(), BaseURL: base, MaxBody: 4096})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	g := e.Group("/fhir", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if c.Request().Header.Get("Nobody") == "" {
				rest.SetWho(c, &access.Context{Kind: access.Operator, Principal: "operator", RequestID: "req-1"})
			}
			return next(c)
		}
	})
	d.Register(g)
	return m, e
}

// do sends a request; headers are "Name: value".
func do(h http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const fhirJSON = "Content-Type: application/fhir+json"

func (m *memory) Prepare(context.Context, *access.Context, string, string, []byte) ([]byte, error) {
	return []byte(`{"resourceType":"Parameters","parameter":[{"name":"alg","valueCode":"ES256"}]}`), nil
}

func (m *memory) Evaluate(context.Context, *access.Context, record.EvaluationQuery) ([]byte, *record.Result, error) {
	return nil, nil, nil
}

func (m *memory) Manifest(context.Context, *access.Context, record.ReconcileQuery, func(record.Kept) error) error {
	return nil
}

func (m *memory) Reconcile(context.Context, *access.Context, record.ReconcileQuery, map[string]record.Kept) (*record.Reconciliation, error) {
	return &record.Reconciliation{}, nil
}

func (m *memory) Retention(context.Context, *access.Context, record.RetentionQuery) ([]byte, error) {
	return []byte(`{"resourceType":"Parameters"}`), nil
}

func (m *memory) ExplainAccess(context.Context, *access.Context, record.ExplainQuery) ([]byte, error) {
	return []byte(`{"resourceType":"Parameters"}`), nil
}

func (m *memory) BreakGlass(context.Context, *access.Context, string, tree.Node) ([]byte, error) {
	return []byte(`{"resourceType":"Parameters"}`), nil
}

func (m *memory) Review(context.Context, *access.Context, string, tree.Node) (*record.Result, error) {
	return nil, errors.New("there is no review here")
}
