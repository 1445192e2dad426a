package rest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tenon/server/record"
	"tenon/server/rest"
)

// Large Bundles wait for each other; a small one does not wait behind them, and
// who goes away while it waits leaves no trace.
func TestLargeBundlesTakeTurns(t *testing.T) {
	h := houseOn(t, "sqlite://"+t.TempDir(), func(_ *record.Options, o *rest.Options) { o.MaxBundle = 3 << 20 })
	large := `{"resourceType":"Bundle","type":"batch","entry":[]` + strings.Repeat(" ", 2<<20) + `}`
	held, release := io.Pipe() // the first keeps its share until its body ends
	first := make(chan int)
	go func() {
		r := httptest.NewRequest("POST", "/fhir", held)
		r.ContentLength = int64(len(large))
		r.Header.Set("Content-Type", "application/fhir+json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		first <- w.Code
	}()
	if _, err := release.Write([]byte(large[:100])); err != nil { // read, so the share is taken
		t.Fatal(err)
	}
	must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[]}`)
	for _, length := range []int64{int64(len(large)), -1} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		r := httptest.NewRequestWithContext(ctx, "POST", "/fhir", strings.NewReader(large))
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/fhir+json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		cancel()
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("beside a large Bundle another of length %d = %d %s, want 503", length, w.Code, w.Body)
		}
	}
	if _, err := release.Write([]byte(large[100:])); err != nil {
		t.Fatal(err)
	}
	_ = release.Close()
	if got := <-first; got != 200 {
		t.Errorf("the first = %d", got)
	}
	must(t, h, 200, "POST", "/fhir", large)
	must(t, h, 413, "POST", "/fhir", large+strings.Repeat(" ", 1<<20))
}
