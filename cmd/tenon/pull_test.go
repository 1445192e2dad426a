package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPull: what is asked of the server, and what is told of its answer.
func TestPull(t *testing.T) {
	t.Parallel()
	var asked string
	answer := func(w http.ResponseWriter) {
		_, _ = io.WriteString(w, `{"peer":"PACS","completed":3,"warned":1,"failed":0}`)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.String() + " " + r.Header.Get("Authorization")
		answer(w)
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &pullCommand{Server: s.URL + "/", TokenFile: file, Patient: "Patient/1", Task: "Task/2", AE: "PACS", Study: "1.2.3"}
	var out bytes.Buffer
	if err := c.Run(t.Context(), &out); err != nil || out.String() != "PACS: 3 stored, 1 with a warning, 0 failed\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if want := "POST /dicomweb/pull?patient=Patient%2F1&peer=PACS&study=1.2.3&task=Task%2F2 Bearer secret"; asked != want {
		t.Errorf("asked %s\nwant %s", asked, want)
	}
	for _, x := range []struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		{func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"peer":"PACS","completed":1,"warned":0,"failed":2,"reasons":["why"]}`)
		}, "2 instances are not stored"},
		{func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"detail":"no person of the hospital"}`)
		}, "no person of the hospital"},
		{func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "307"},
	} {
		answer = x.answer
		if err := c.Run(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%v, want %s", err, x.want)
		}
	}
}
