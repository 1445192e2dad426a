package servertest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Client speaks to a server, in this process or another one.
type Client struct {
	URL  string // "http://127.0.0.1:4711"
	http *http.Client
}

// At is a client of the server at a URL.
func At(url string) *Client {
	return &Client{URL: url, http: &http.Client{
		Timeout:   2 * time.Minute,
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32, ExpectContinueTimeout: time.Second},
	}}
}

// Close gives up connections that are kept open.
func (c *Client) Close() { c.http.CloseIdleConnections() }

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
func (c *Client) Send(t testing.TB, q Request) *Answer {
	t.Helper()
	a, err := c.Try(t.Context(), q)
	if err != nil {
		t.Fatalf("%s %s: %v", q.Method, q.Path, err)
	}
	return a
}

// Expect sends a request and takes one status only.
func (c *Client) Expect(t testing.TB, status int, q Request) *Answer {
	t.Helper()
	a := c.Send(t, q)
	if a.Status != status {
		t.Fatalf("%s %s = %d %.600s, want %d", q.Method, q.Path, a.Status, a.Body, status)
	}
	return a
}

// largeBody is from where a server may answer before it has read the body.
const largeBody = 8 << 20

// Try is Send for goroutines.
func (c *Client) Try(ctx context.Context, q Request) (*Answer, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, c.URL+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	if q.Body != nil {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	if len(q.Body) > largeBody {
		r.Header.Set("Expect", "100-continue") // an early refusal is then read, not run over
	}
	if q.Token != "" {
		r.Header.Set("Authorization", "Bearer "+q.Token)
	}
	for name, value := range q.Header {
		r.Header.Set(name, value)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: body}, err
}

// Create posts a resource and returns its reference, "Type/id".
func (c *Client) Create(t testing.TB, token, body string) string {
	t.Helper()
	_, rest, _ := strings.Cut(body, `"resourceType":"`)
	typ, _, _ := strings.Cut(rest, `"`)
	return c.Expect(t, 201, Request{Token: token, Method: "POST", Path: "/fhir/" + typ, Body: []byte(body)}).Ref()
}

// Ref is "Type/id" of the Location, "" without one.
func (a *Answer) Ref() string {
	_, rest, _ := strings.Cut(a.Header.Get("Location"), "/fhir/")
	ref, _, _ := strings.Cut(rest, "/_history/")
	return ref
}
