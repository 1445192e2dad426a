package rest_test

// https://www.rfc-editor.org/rfc/rfc9110#section-8.4, #section-12.5.3 and
// https://fetch.spec.whatwg.org/#http-cors-protocol

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"tenon/server/record"
	"tenon/server/rest"
)

func gzipped(t *testing.T, body string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, body); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstandard(t *testing.T, body string) string {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(e.EncodeAll([]byte(body), nil))
}

func TestContentCodings(t *testing.T) {
	h := realDoor(t)
	long := `{"resourceType":"Patient","name":[{"text":"` + strings.Repeat("long ", 1000) + `"}]}`
	lastOf(must(t, h, 201, "POST", "/fhir/Patient", gzipped(t, long), "Content-Encoding: gzip"))
	id := lastOf(must(t, h, 201, "POST", "/fhir/Patient", zstandard(t, long), "Content-Encoding: zstd"))
	plain := must(t, h, 200, "GET", "/fhir/Patient/"+id, "").Body.String()
	for _, c := range []struct{ accept, want string }{
		{"", ""}, {"identity", ""}, {"gzip", "gzip"}, {"gzip, deflate, br, zstd", "zstd"}, {"zstd;q=0.1, gzip;q=0.9", "gzip"},
		{"gzip;q=0", ""}, {"*", "zstd"}, {"*;q=0.5, zstd;q=0", "gzip"}, {"identity;q=1, gzip;q=0.5", ""}, {"br", ""}, {"gzip;q=x", ""},
	} {
		w := must(t, h, 200, "GET", "/fhir/Patient/"+id, "", "Accept-Encoding: "+c.accept)
		if got := w.Header().Get("Content-Encoding"); got != c.want || !strings.Contains(w.Header().Get("Vary"), "Accept-Encoding") {
			t.Errorf("Accept-Encoding %q: Content-Encoding = %q, Vary %q, want %q", c.accept, got, w.Header().Get("Vary"), c.want)
		}
		if got := inflated(t, w.Header().Get("Content-Encoding"), w.Body.Bytes()); got != plain {
			t.Errorf("Accept-Encoding %q: the body differs", c.accept)
		}
	}
	if w := must(t, h, 404, "GET", "/fhir/Patient/none", "", "Accept-Encoding: gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a short answer is compressed")
	}
	bomb := `{"resourceType":"Patient","name":[{"text":"` + strings.Repeat(" ", 64<<20) + `"}]}`
	for _, c := range []struct {
		coding, body string
		status       int
	}{
		{"gzip", gzipped(t, bomb), 413}, {"zstd", zstandard(t, bomb), 413}, {"gzip", long, 400}, {"zstd", long, 400},
		{"gzip", gzipped(t, long)[:60], 400}, {"br", long, 415}, {"gzip, gzip", gzipped(t, long), 415},
	} {
		must(t, h, c.status, "POST", "/fhir/Patient", c.body, "Content-Encoding: "+c.coding)
	}
}

func lastOf(w interface{ Header() http.Header }) string {
	parts := strings.Split(strings.TrimPrefix(w.Header().Get("Location"), base+"/"), "/")
	return parts[1]
}

func inflated(t *testing.T, coding string, body []byte) string {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "zstd":
		r, err = zstd.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestCrossOrigin(t *testing.T) {
	const app, allow = "https://app.example", "Access-Control-Allow-Origin"
	preflight := []string{"Origin: " + app, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization,if-match"}
	closed := realDoor(t)
	if w := do(closed, "OPTIONS", "/fhir/Patient/1", "", preflight...); w.Header().Get(allow) != "" {
		t.Errorf("by default a page of %s may ask", app)
	}
	open := houseOn(t, "sqlite://"+filepath.Join(t.TempDir(), "db"), func(_ *record.Options, o *rest.Options) { o.Origins = []string{app} })
	w := must(t, open, 204, "OPTIONS", "/fhir/Patient/1", "", preflight...)
	if w.Header().Get(allow) != app || !strings.Contains(w.Header().Get("Access-Control-Allow-Methods"), "PUT") || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "If-Match") {
		t.Errorf("preflight = %v", w.Header())
	}
	w = must(t, open, 200, "GET", "/fhir/Patient", "", "Origin: "+app)
	if w.Header().Get(allow) != app || !strings.Contains(w.Header().Get("Access-Control-Expose-Headers"), "ETag") || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("answer = %v", w.Header())
	}
	w = must(t, open, 200, "GET", "/fhir/Patient", "", "Origin: https://evil.example")
	if w.Header().Get(allow) != "" || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Origin") {
		t.Errorf("answer to another origin = %v", w.Header())
	}
}

// A part of a resource is told as such, and does not come back as the whole.
func TestSubsetIsNotPutBack(t *testing.T) {
	h := realDoor(t)
	id := create(t, h, `{"resourceType":"Patient","active":true,"maritalStatus":{"text":"x"}}`)
	part := must(t, h, 200, "GET", "/fhir/Patient/"+id+"?_elements=active", "").Body.String()
	if w := must(t, h, 422, "PUT", "/fhir/Patient/"+id, part); outcome(t, w.Body.Bytes()) != "subsetted" {
		t.Errorf("refusal = %s", w.Body)
	}
	must(t, h, 200, "PUT", "/fhir/Patient/"+id, must(t, h, 200, "GET", "/fhir/Patient/"+id, "").Body.String())
}
