package ig_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"tenon/fhir/issue"
)

// entry is one entry of a package that a test makes; typ 0 is a plain file.
type entry struct {
	name, body string
	typ        byte
	link       string
}

// archive is the uncompressed tar of entries.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.typ, Linkname: e.link, Mode: 0o644, Size: int64(len(e.body)), ModTime: time.Unix(0, 0)}
		if e.typ == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func compress(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	return compress(t, archive(t, entries...))
}

const manifest = `{"name":"a.b","version":"1.0.0","canonical":"http://a.example/b","title":"A of B","fhirVersions":["4.0.1"],"dependencies":{"hl7.fhir.r4.core":"4.0.1","c.d":"2.1.x"}}`

var manifestEntry = entry{name: "package/package.json", body: manifest}

func profile(url string) string {
	return `{"resourceType":"StructureDefinition","url":"` + url + `"}`
}

func first(t testing.TB, err error) issue.Issue {
	t.Helper()
	f := issue.As(err)
	if f == nil || len(f.Issues) != 1 || f.HTTPStatus() != 422 {
		t.Fatalf("error = %v, want a failure of one issue with status 422", err)
	}
	if f.Issues[0].Chinese == "" {
		t.Errorf("%v has no Chinese", err)
	}
	return f.Issues[0]
}
