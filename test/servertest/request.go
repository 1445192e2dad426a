package servertest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Request is one request; a Body without a Content-Type is FHIR JSON.
type Request struct {
	Token  string // "": none
	Method string // "": GET
	Path   string // "/fhir/Patient"
	Body   []byte
	Header map[string]string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Send sends a request and takes any answer.
func (s *Server) Send(t testing.TB, q Request) *Answer {
	t.Helper()
	a, err := s.Try(t.Context(), q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.Method, q.Path, err)
	}
	return a
}

// Expect sends a request and takes one status only.
func (s *Server) Expect(t testing.TB, status int, q Request) *Answer {
	t.Helper()
	a := s.Send(t, q)
	if a.Status != status {
		t.Fatalf("%s %s = %d %.600s, want %d", q.Method, q.Path, a.Status, a.Body, status)
	}
	return a
}

// Try is Send for goroutines.
func (s *Server) Try(ctx context.Context, q Request) (*Answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, s.URL+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	if q.Body != nil {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	if q.Token != "" {
		r.Header.Set("Authorization", "Bearer "+q.Token)
	}
	for name, value := range q.Header {
		r.Header.Set(name, value)
	}
	res, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: body}, err
}

// Create posts a resource and returns its reference, "Type/id".
func (s *Server) Create(t testing.TB, token, body string) string {
	t.Helper()
	_, rest, _ := strings.Cut(body, `"resourceType":"`)
	typ, _, _ := strings.Cut(rest, `"`)
	return s.Expect(t, 201, Request{Token: token, Method: "POST", Path: "/fhir/" + typ, Body: []byte(body)}).Ref()
}

// Ref is "Type/id" of the Location, "" without one.
func (a *Answer) Ref() string {
	_, rest, _ := strings.Cut(a.Header.Get("Location"), "/fhir/")
	ref, _, _ := strings.Cut(rest, "/_history/")
	return ref
}
