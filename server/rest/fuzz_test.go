package rest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Whatever headers and query a client sends, the door answers with a status of
// its own and, for a failure, with one OperationOutcome.
func FuzzHeaders(f *testing.F) {
	for _, s := range [][6]string{
		{"GET", "/Patient/1", "name=x&_count=1", `W/"1", "2"`, "return=minimal; handling=strict", "application/fhir+json;q=0.5, */*"},
		{"PUT", "/Patient/1", "_format=json", `W/"1"`, `return="representation"`, "text/html;q=x"},
		{"GET", "/Binary/b", "", "*", "respond-async, wait=10", "bytes=0-1,2-"},
		{"DELETE", "/Patient", "identifier=a%7Cb", `"`, "handling=", "bytes=-5"},
		{"PATCH", "/Patient/1/$x", "%", `W/`, ";;;=", "\x00"},
		{"GET", "/Patient/1", "_format=application/fhir+xml&_pretty=true", "", "", "*/*;q=0.1, application/fhir+json;q=0, text/xml"},
		{"POST", "/Patient/_search", "_format=xml", "", "", "application/x-www-form-urlencoded"},
		{"POST", "/Binary", "", "", "return=OperationOutcome", "application/xml; charset=utf-8"},
		{"POST", "/Task/1/%24sign", "_summary=true&_elements=a", `W/"`, ",", "application/fhir+json;fhirVersion="},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4], s[5])
	}
	m, h := door(f)
	f.Fuzz(func(t *testing.T, method, path, query, match, prefer, accept string) {
		clear(m.versions)
		m.put("Patient", "1", `{"resourceType":"Patient"}`)
		m.dossier = func(io.Writer) error { return absent("Task", "r") }
		m.content = []byte("0123456789")
		v := m.put("Binary", "b", `{"resourceType":"Binary","contentType":"model/stl"}`)
		v.Blob = "00"
		r, err := http.NewRequest(method, "http://x", strings.NewReader(`{"resourceType":"Patient","id":"1"}`))
		if err != nil {
			t.Skip()
		}
		r.URL = &url.URL{Scheme: "http", Host: "x", Path: "/fhir" + path, RawQuery: query}
		for name, value := range map[string]string{"If-Match": match, "If-None-Match": match, "Prefer": prefer, "Accept": accept, "Range": accept, "If-Modified-Since": accept, "Content-Type": accept} {
			if value != "" && (name != "If-None-Match" || method == "GET") {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if strings.HasPrefix(path, "/") && w.Code >= 400 && w.Code != 416 && w.Code != 412 && method != "HEAD" && !strings.Contains(w.Body.String(), "OperationOutcome") && w.Header().Get("Location") == "" {
			t.Fatalf("%s %q = %d %q, want an OperationOutcome", method, path, w.Code, w.Body)
		}
		if w.Code == 500 {
			t.Fatalf("%s %q = 500 %s", method, path, w.Body)
		}
	})
}
