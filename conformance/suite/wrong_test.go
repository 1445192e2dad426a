package suite_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/conformance/suite"
)

// wrong is a little server that is made to be wrong in one thing at a time: a
// suite that cannot fail proves nothing.
type wrong struct {
	fault string

	mu       sync.Mutex
	next     int
	patients map[string]map[string]any
	order    []string
	versions map[string]int
}

func (s *wrong) is(fault string) bool { return s.fault == fault }

const capabilities = `{"resourceType":"CapabilityStatement","status":"active","date":"2026-01-01","kind":"instance","fhirVersion":%q,"format":["json"],
	"rest":[{"mode":"server","resource":[{"type":"Patient","versioning":"versioned","conditionalCreate":true,
	"interaction":[{"code":"read"},{"code":"create"},{"code":"update"},{"code":"delete"},{"code":"search-type"}],
	"searchParam":[{"name":"gender","type":"token"}]}]}]}`

func (s *wrong) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/fhir+json; charset=utf-8")
	path := strings.TrimPrefix(r.URL.Path, "/fhir/")
	_, id, hasID := strings.Cut(path, "/")
	switch {
	case path == "metadata" && s.is("old"):
		fmt.Fprintf(w, capabilities, "3.0.2")
	case path == "metadata":
		fmt.Fprintf(w, capabilities, "4.0.1")
	case path == "Patient" && r.Method == "POST":
		s.create(w, r)
	case path == "Patient" && r.Method == "GET":
		s.search(w, r)
	case hasID && r.Method == "GET":
		s.read(w, id)
	case hasID && r.Method == "PUT":
		s.update(w, r, id)
	case hasID && r.Method == "DELETE":
		delete(s.patients, id)
		w.WriteHeader(http.StatusNoContent)
	default:
		s.fail(w, 404)
	}
}

func (s *wrong) fail(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	if !s.is("no-outcome") {
		fmt.Fprint(w, `{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid"}]}`)
	}
}

func (s *wrong) stamp(w http.ResponseWriter, id string, p map[string]any) {
	s.versions[id]++
	meta, _ := p["meta"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["versionId"], meta["lastUpdated"] = strconv.Itoa(s.versions[id]), "2026-01-01T00:00:00Z"
	p["id"], p["meta"] = id, meta
	s.patients[id] = p
	w.Header().Set("Etag", `W/"`+strconv.Itoa(s.versions[id])+`"`)
	w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
}

func (s *wrong) create(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	var p map[string]any
	if json.Unmarshal(raw, &p) != nil || p["resourceType"] != "Patient" {
		s.fail(w, 400)
		return
	}
	s.next++
	id := strconv.Itoa(s.next)
	if given, ok := p["id"].(string); ok && s.is("keeps-id") {
		id = given
	}
	s.order = append(s.order, id)
	s.stamp(w, id, p)
	if !s.is("no-location") {
		w.Header().Set("Location", "http://"+r.Host+"/fhir/Patient/"+id+"/_history/1")
	}
	status := 201
	if s.is("created-200") {
		status = 200
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(p)
}

func (s *wrong) read(w http.ResponseWriter, id string) {
	p, ok := s.patients[id]
	if !ok {
		status := 404
		if s.versions[id] > 0 {
			status = 410
		}
		if s.is("absent-200") {
			status = 200
		}
		s.fail(w, status)
		return
	}
	w.Header().Set("Etag", `W/"`+strconv.Itoa(s.versions[id])+`"`)
	if s.is("strong-etag") {
		w.Header().Set("Etag", `"`+strconv.Itoa(s.versions[id])+`"`)
	}
	w.Header().Set("Last-Modified", time.Unix(0, 0).UTC().Format(http.TimeFormat))
	_ = json.NewEncoder(w).Encode(p)
}

func (s *wrong) update(w http.ResponseWriter, r *http.Request, id string) {
	var p map[string]any
	if json.NewDecoder(r.Body).Decode(&p) != nil || p["id"] != id && !s.is("any-id") {
		s.fail(w, 400)
		return
	}
	if s.versions[id] == 0 {
		s.fail(w, 405)
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != `W/"`+strconv.Itoa(s.versions[id])+`"` && !s.is("no-if-match") {
		s.fail(w, 412)
		return
	}
	s.stamp(w, id, p)
	_ = json.NewEncoder(w).Encode(p)
}

func (s *wrong) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	used := r.URL.RawQuery
	if q.Get("gender:not") != "" && s.is("ignores-silently") { // and says that it did not
		q.Del("gender:not")
	} else if q.Get("gender:not") != "" {
		s.fail(w, 400)
		return
	}
	var entries []map[string]any
	for _, id := range s.order {
		p, ok := s.patients[id]
		text, _ := json.Marshal(p)
		_, tag, _ := strings.Cut(q.Get("_tag"), "|")
		if !ok || tag != "" && !strings.Contains(string(text), tag) {
			continue
		}
		if g := q.Get("gender"); g != "" && !s.is("ignores-gender") && (p["gender"] == nil || !strings.Contains(","+g+",", ","+p["gender"].(string)+",")) {
			continue
		}
		entries = append(entries, map[string]any{"fullUrl": "http://" + r.Host + "/fhir/Patient/" + id, "resource": p, "search": map[string]any{"mode": "match"}})
		if s.is("doubles") {
			entries = append(entries, entries[len(entries)-1])
		}
	}
	bundle := map[string]any{"resourceType": "Bundle", "type": "searchset", "link": []any{map[string]any{"relation": "self", "url": "http://" + r.Host + "/fhir/Patient?" + used}}}
	if len(entries) > 0 {
		bundle["entry"] = entries
	}
	_ = json.NewEncoder(w).Encode(bundle)
}

func ask(t *testing.T, fault, match string) ([]suite.Result, error) {
	t.Helper()
	s := httptest.NewServer(&wrong{fault: fault, patients: map[string]map[string]any{}, versions: map[string]int{}})
	t.Cleanup(s.Close)
	return suite.Run(t.Context(), suite.Options{URL: s.URL + "/fhir", Match: regexp.MustCompile(match), Timeout: 5 * time.Second})
}

func TestFaultsAreFound(t *testing.T) {
	for _, tt := range []struct {
		fault, id string
		want      suite.Verdict
	}{
		{"", "read/found", suite.Passed}, {"", "read/absent", suite.Passed}, {"", "read/etag", suite.Passed},
		{"", "create/created", suite.Passed}, {"", "create/id-ignored", suite.Passed}, {"", "update/if-match-stale", suite.Passed},
		{"", "update/id-differs", suite.Passed}, {"", "search-token-types/code", suite.Passed}, {"", "search-token-not/missing", suite.Failed},
		{"", "vread/current", suite.Unclaimed}, {"", "transaction/answer", suite.Unclaimed}, {"", "claims/Patient", suite.Passed}, {"", "claims/Observation", suite.Unclaimed},
		{"absent-200", "read/absent", suite.Failed},
		{"strong-etag", "read/etag", suite.Advised},
		{"no-outcome", "read/absent", suite.Advised},
		{"created-200", "create/created", suite.Failed},
		{"no-location", "create/created", suite.Failed},
		{"keeps-id", "create/id-ignored", suite.Failed},
		{"any-id", "update/id-differs", suite.Failed},
		{"no-if-match", "update/if-match-stale", suite.Failed},
		{"no-if-match", "update/if-match-race", suite.Failed},
		{"doubles", "search-token-types/code", suite.Failed},
		{"ignores-gender", "search-token-types/code", suite.Failed},
		{"", "search-token-not/not", suite.Declined},
		{"ignores-silently", "search-token-not/not", suite.Failed},
	} {
		t.Run(tt.fault+" "+tt.id, func(t *testing.T) {
			results, err := ask(t, tt.fault, "^"+tt.id+"$")
			if err != nil {
				t.Fatal(err)
			}
			if len(results) != 1 || results[0].Verdict != tt.want {
				t.Errorf("verdict of %s at a server with the fault %q = %s %s, want %s", tt.id, tt.fault, results[0].Verdict, results[0].Reason, tt.want)
			}
			if results[0].Verdict == suite.Failed && !strings.Contains(results[0].Reason, "request: ") {
				t.Errorf("the reason does not show the request: %s", results[0].Reason)
			}
		})
	}
}

func TestNothingToAsk(t *testing.T) {
	if _, err := ask(t, "old", "."); err == nil || !strings.Contains(err.Error(), "3.0.2") {
		t.Errorf("a server of another version: %v, want an error that names it", err)
	}
	for _, url := range []string{"", "nowhere", "ftp://host/fhir", "http://127.0.0.1:1/fhir"} {
		if _, err := suite.Run(t.Context(), suite.Options{URL: url}); err == nil {
			t.Errorf("Run(%q) has no error", url)
		}
	}
}

// A server that never answers does not hold the suite.
func TestBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/fhir/metadata" {
			w.Header().Set("Content-Type", "application/fhir+json")
			fmt.Fprintf(w, capabilities, "4.0.1")
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(3 * time.Second):
		}
	}))
	defer s.Close()
	begun := time.Now()
	results, err := suite.Run(context.Background(), suite.Options{URL: s.URL + "/fhir", Match: regexp.MustCompile("^read/absent$"), Timeout: 50 * time.Millisecond})
	if err != nil || results[0].Verdict != suite.Failed || time.Since(begun) > 2*time.Second {
		t.Errorf("after %v: %v, %v, want a failure within its time", time.Since(begun), results, err)
	}
}

func TestCleansUp(t *testing.T) {
	w := &wrong{patients: map[string]map[string]any{}, versions: map[string]int{}}
	s := httptest.NewServer(w)
	defer s.Close()
	if _, err := suite.Run(t.Context(), suite.Options{URL: s.URL + "/fhir", Match: regexp.MustCompile("^(create|read|update|search-token-types)/")}); err != nil {
		t.Fatal(err)
	}
	if w.next == 0 || len(w.patients) != 0 {
		t.Errorf("%d of %d resources stay, want none", len(w.patients), w.next)
	}
}
