package rest_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/binary.html#rest
func TestBinaryContent(t *testing.T) {
	m, h := door(t)
	stl := "solid x\nendsolid x\n"
	w := do(h, "POST", "/fhir/Binary", stl, "Content-Type: model/stl; charset=utf-8", "X-Security-Context: Task/1")
	if w.Code != 201 || string(m.content) != stl {
		t.Fatalf("POST = %d %s, content %q", w.Code, w.Body, m.content)
	}
	if body := string(m.draft.Ops[0].Body); body != `{"resourceType":"Binary","contentType":"model/stl; charset=utf-8","securityContext":{"reference":"Task/1"}}` {
		t.Errorf("the resource for it is %s", body)
	}
	for _, c := range []struct {
		name    string
		headers []string
		status  int
		body    string
	}{
		{"as it is", nil, 200, stl},
		{"as anything", []string{"Accept: */*"}, 200, stl},
		{"range", []string{"Range: bytes=6-6"}, 206, "x"},
		{"suffix range", []string{"Range: bytes=-2"}, 206, "x\n"},
		{"range outside", []string{"Range: bytes=99-"}, 416, ""},
		{"unchanged", []string{`If-None-Match: W/"1"`}, 304, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := do(h, "GET", "/fhir/Binary/b", "", c.headers...)
			if w.Code != c.status || c.body != "" && w.Body.String() != c.body {
				t.Errorf("GET = %d %q, want %d %q", w.Code, w.Body, c.status, c.body)
			}
		})
	}
	w = do(h, "GET", "/fhir/Binary/b", "")
	for name, want := range map[string]string{"Content-Type": "model/stl; charset=utf-8", "Content-Disposition": `attachment; filename="Binary-b"`,
		"X-Content-Type-Options": "nosniff", "X-Security-Context": "Task/1", "ETag": `W/"1"`, "Accept-Ranges": "bytes"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w := do(h, "HEAD", "/fhir/Binary/b", ""); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "19" {
		t.Errorf("HEAD = %d, length %s", w.Code, w.Header().Get("Content-Length"))
	}
	if w := do(h, "GET", "/fhir/Binary/none", ""); w.Code != 404 {
		t.Errorf("GET of nothing = %d, want 404", w.Code)
	}
	if w := do(h, "POST", "/fhir/Binary", "x", "Content-Type: nonsense/"); w.Code != 415 {
		t.Errorf("POST of a broken type = %d, want 415", w.Code)
	}
	if w := do(h, "POST", "/fhir/Binary", "x", "Content-Type: a/b", "If-None-Exist: _id=1"); w.Code != 400 {
		t.Errorf("conditional raw POST = %d, want 400", w.Code)
	}
}

// The JSON form of a Binary carries the content as data, whatever its length.
func TestBinaryAsJSON(t *testing.T) {
	m, h := door(t)
	for _, n := range []int{0, 1, 2, 3, 100_000} {
		content := bytes.Repeat([]byte{0xA5}, n)
		m.versions["Binary/b"] = nil
		do(h, "POST", "/fhir/Binary", string(content), "Content-Type: model/stl")
		for _, get := range [][]string{{"/fhir/Binary/b", "Accept: application/fhir+json"}, {"/fhir/Binary/b?_format=json"}} {
			w := do(h, "GET", get[0], "", get[1:]...)
			d, err := tree.Parse(w.Body.Bytes())
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			data, err := base64.StdEncoding.DecodeString(d.Root().Field("data").Str())
			if err != nil || !bytes.Equal(data, content) || d.Root().Field("contentType").Str() != "model/stl" {
				t.Errorf("%d bytes: %d came back, %v", n, len(data), err)
			}
			if got := w.Header().Get("Content-Length"); got != itoa(w.Body.Len()) {
				t.Errorf("%d bytes: Content-Length %s, body %d", n, got, w.Body.Len())
			}
		}
	}
}

// A Binary that was sent as FHIR JSON is stored as it is and read either way.
func TestBinaryResource(t *testing.T) {
	m, h := door(t)
	for _, media := range []string{"application/fhir+json", "application/json"} {
		m.draft = nil
		w := do(h, "PUT", "/fhir/Binary/j", `{"resourceType":"Binary","id":"j","contentType":"text/plain","data":"aGk="}`, "Content-Type: "+media)
		if w.Code >= 300 || m.draft.Operation != "update" {
			t.Fatalf("PUT as %s = %d %s", media, w.Code, w.Body)
		}
	}
	if w := do(h, "GET", "/fhir/Binary/j", ""); w.Body.String() != "hi" || w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("GET = %q as %s, want hi", w.Body, w.Header().Get("Content-Type"))
	}
	if w := do(h, "GET", "/fhir/Binary/j", "", "Accept: application/fhir+json"); !strings.Contains(w.Body.String(), `"data":"aGk="`) {
		t.Errorf("GET as JSON = %s", w.Body)
	}
	raw := `{"any":"json"}`
	do(h, "POST", "/fhir/Binary", raw, "Content-Type: application/json")
	if string(m.content) != raw {
		t.Errorf("other JSON is stored as %q, want it as content", m.content)
	}
	long := `"` + strings.Repeat("x", 10_000) + `"`
	do(h, "POST", "/fhir/Binary", long, "Content-Type: application/json")
	if string(m.content) != long {
		t.Errorf("long JSON is stored with %d bytes, want %d", len(m.content), len(long))
	}
	if w := do(h, "POST", "/fhir/Binary", "<Binary/>", "Content-Type: application/fhir+xml"); w.Code != 400 {
		t.Errorf("XML without its namespace = %d, want 400", w.Code)
	}
}
