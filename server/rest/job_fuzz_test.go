package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/record"
	"tenon/server/rest"
)

// taken is a desk that takes every job and runs none.
type taken struct {
	jobs []dispatch.Job
	full bool
}

func (k *taken) Start(_ context.Context, j *dispatch.Job) error {
	j.ID = "x"
	k.jobs = append(k.jobs, *j)
	return nil
}
func (k *taken) Job(context.Context, string) (*dispatch.Job, error) { return nil, dispatch.ErrNoJob }
func (k *taken) Room(context.Context, string) error {
	if k.full {
		return dispatch.ErrManyJobs
	}
	return nil
}
func (k *taken) Cancel(context.Context, string) error { return dispatch.ErrNoJob }

// checking is a recorder that finds every export fine.
type checking struct{ memory }

func (*checking) CheckExport(context.Context, *access.Context, *record.ExportRequest) error {
	return nil
}

// jobDoor is a door whose jobs are only taken.
func jobDoor(t testing.TB) (*taken, http.Handler) {
	t.Helper()
	r, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	k := &taken{}
	d, err := rest.New(rest.Options{Record: &checking{}, Registry: r, Model: r4.Model(), BaseURL: base, Jobs: k, Fetches: true})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	d.Register(e.Group("/fhir", func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			rest.SetWho(c, &access.Context{Kind: access.Operator, Principal: "operator"})
			return next(c)
		}
	}))
	return k, e
}

// Who has as many jobs as one may have is told so before a byte of another is
// kept: there is nowhere here to keep it.
func TestNoRoomForAJob(t *testing.T) {
	k, h := jobDoor(t)
	k.full = true
	for _, c := range []struct{ path, kind string }{{"/fhir", "application/fhir+json"}, {"/fhir/$import", "application/fhir+ndjson"}} {
		w := do(h, "POST", c.path, `{"resourceType":"Bundle","type":"batch"}`, "Prefer: respond-async", "Content-Type: "+c.kind)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || len(k.jobs) > 0 {
			t.Errorf("POST %s = %d %s, %d jobs; want 429 and none", c.path, w.Code, w.Body, len(k.jobs))
		}
	}
}

// FuzzJobRequests: whatever the parameters of an export or the manifest of an
// import are, the answer is a job or a refusal, never a fault.
func FuzzJobRequests(f *testing.F) {
	for _, s := range [][2]string{
		{"_type=Patient,Observation&_since=2024-05-01T08:30:00Z", ""},
		{"_typeFilter=Observation%3Fcode%3Da,b,Patient%3Fgender%3Dmale&_elements=Patient.name,id", ""},
		{"_typeFilter=?,,?a&_elements=.,..&patient=Patient/1", `{"resourceType":"Parameters","parameter":[{"name":"patient","valueReference":{"reference":"Patient/1"}}]}`},
		{"", `{"inputFormat":"application/fhir+ndjson","input":[{"type":"Patient","url":"https://a.example/x"}]}`},
		{"%zz", `{"input":[{"url":"://"}]}`},
	} {
		f.Add(s[0], s[1])
	}
	k, h := jobDoor(f)
	f.Fuzz(func(t *testing.T, query, body string) {
		k.jobs = nil
		for _, path := range []string{"/fhir/$export", "/fhir/Patient/$export", "/fhir/$import"} {
			r := httptest.NewRequest("POST", "/", strings.NewReader(body))
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Header.Set("Prefer", "respond-async")
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != 202 && (w.Code < 400 || w.Code >= 500) {
				t.Errorf("%s?%q %q = %d %s", path, query, body, w.Code, w.Body)
			}
			if w.Code == 202 && len(k.jobs) == 0 {
				t.Errorf("%s?%q = 202 without a job", path, query)
			}
		}
	})
}
