package record_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"testing"

	"tenon/fhir/issue"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/search"
	"tenon/server/store"
	"tenon/server/store/blob"
)

var registry = sync.OnceValues(func() (*search.Registry, error) { return search.NewRegistry(r4.Model()) })

// server is a recorder over a real SQLite database and a real blob store.
type server struct {
	*record.Recorder
	store *store.Store
	t     *testing.T
}

func newServer(t *testing.T, options ...func(*record.Options)) *server {
	t.Helper()
	var o record.Options
	for _, option := range options {
		option(&o)
	}
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(dir, "db"), Clock: o.Clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), blob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(); _ = blobs.Close() })
	reg, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	o.Store, o.Blobs, o.Model, o.Registry, o.Engine, o.BaseURL = s, blobs, r4.Model(), reg, casework.NewEngine(), "http://tenon.test/fhir"
	r, err := record.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &server{r, s, t}
}

var (
	clin = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/clin",
		Organization: "Organization/hospital", Roles: []access.Role{access.CLIN}}
	stranger = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/far",
		Organization: "Organization/elsewhere", Roles: []access.Role{access.CLIN}}
	designer = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Manufacturer, Principal: "PractitionerRole/des",
		Organization: "Organization/maker", Roles: []access.Role{access.DES}}
)

// do submits operations and returns the results or the failure.
func (s *server) do(who *access.Context, ops ...record.Op) ([]record.Result, *issue.Failure) {
	s.t.Helper()
	out, err := s.Submit(context.Background(), who, &record.Draft{Door: "fhir", Operation: "test", Ops: ops})
	if f := issue.As(err); f != nil {
		return nil, f
	}
	if err != nil {
		s.t.Fatalf("Submit: %v", err)
	}
	return out.Results, nil
}

// must submits one operation that is expected to succeed.
func (s *server) must(who *access.Context, op record.Op) *record.Version {
	s.t.Helper()
	res, f := s.do(who, op)
	if f != nil {
		s.t.Fatalf("%s %s: %v", op.Method, op.Type, f)
	}
	return res[0].Version
}

func post(body string) record.Op {
	return record.Op{Method: "POST", Type: typeOf(body), Body: []byte(body)}
}

func put(typ, id, body string) record.Op {
	return record.Op{Method: "PUT", Type: typ, ID: id, Body: []byte(body)}
}

func typeOf(body string) string {
	var typ string
	_, _ = fmt.Sscanf(body, `{"resourceType":%q`, &typ)
	return typ
}

// status is the HTTP status of a failure, 0 for none.
func status(f *issue.Failure) int {
	if f == nil {
		return 0
	}
	return f.HTTPStatus()
}

func rule(f *issue.Failure) string {
	if f == nil {
		return ""
	}
	return f.Issues[0].Rule
}

func digest(b []byte) [32]byte { return sha256.Sum256(b) }

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
