package search_test

import (
	"sync"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/access"
	"tenon/server/search"
)

const base = "https://hospital.example/fhir"

var registry = sync.OnceValues(func() (*search.Registry, error) {
	return search.NewRegistry(r4.Model(), search.WithBase(base), search.WithCursorKey([]byte("a key of the tests")))
})

func newRegistry(t testing.TB) *search.Registry {
	t.Helper()
	r, err := registry()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

// person is a reach that tells the aliases apart from Everything.
var person = access.InCase{Principals: []string{"PractitionerRole/1"}}

func request(typ, query string, strict bool) search.Request {
	params, err := search.ParseQuery(query)
	if err != nil {
		panic(err)
	}
	return search.Request{
		Type: typ, Params: params, Strict: strict, Now: now, Principal: "PractitionerRole/1",
		Reach: func(string) access.Predicate { return person },
	}
}

func parse(t testing.TB, typ, query string) *search.Plan {
	t.Helper()
	plan, _, err := newRegistry(t).Parse(request(typ, query, true))
	if err != nil {
		t.Fatalf("Parse(%s?%s) = %v", typ, query, err)
	}
	return plan
}

func refusal(t testing.TB, typ, query string) *issue.Failure {
	t.Helper()
	_, _, err := newRegistry(t).Parse(request(typ, query, true))
	f := issue.As(err)
	if f == nil {
		t.Fatalf("Parse(%s?%s) = %v, want a refusal", typ, query, err)
	}
	return f
}

func index(t testing.TB, body string) search.Rows {
	t.Helper()
	d, err := tree.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := newRegistry(t).Index(d.Root())
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func pointer(s string) *string { return &s }
