package search_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/search"
)

var update = flag.Bool("update", false, "write the golden file of the index format")

// TestFormat notices that what Index writes has changed while its Format has
// not: a database that is there would then lack rows, and nobody would know.
func TestFormat(t *testing.T) {
	file, err := os.ReadFile("testdata/format.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("format %d\nparameters %x\nrows %x\n", search.Format, parametersDigest(), rowsDigest(t, bytes.Split(file, []byte("\n"))))
	golden(t, "testdata/format.golden", got)
}

// TestFormatOfExamples is TestFormat over all examples of R4, which
// TENON_FHIR_EXAMPLES names.
func TestFormatOfExamples(t *testing.T) {
	dir := os.Getenv("TENON_FHIR_EXAMPLES")
	if dir == "" {
		t.Skip("TENON_FHIR_EXAMPLES does not name an unpacked folder of hl7.fhir.r4.examples@4.0.1")
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bodies [][]byte
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	golden(t, "testdata/format_examples.golden", fmt.Sprintf("format %d\nresources %d\nrows %x\n", search.Format, len(bodies), rowsDigest(t, bodies)))
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	want, err := os.ReadFile(name)
	if err != nil && !*update {
		t.Fatal(err)
	}
	same := func(a, b string) bool { return strings.Split(a, "\n")[0] == strings.Split(b, "\n")[0] }
	switch {
	case got == string(want):
	case *update && (len(want) == 0 || !same(got, string(want))):
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	case same(got, string(want)):
		t.Errorf("what Index writes has changed, its Format has not:\n%swant\n%sRaise search.Format by one, say in search.since which parts have other rows, "+
			"then run go test ./server/search -run TestFormat -update.", got, want)
	default:
		t.Errorf("Format is\n%swant\n%sRun go test ./server/search -run TestFormat -update.", got, want)
	}
}

// parametersDigest is that of the definitions that rows are made by.
func parametersDigest() []byte {
	var lines []string
	for _, p := range r4.Model().SearchParameters() {
		lines = append(lines, fmt.Sprintf("%q", []any{p.URL, p.Code, p.Type, p.Expression, p.Base, p.Target, p.Components}))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return sum[:8]
}

// rowsDigest is that of the rows of all resources, without regard to their order.
func rowsDigest(t *testing.T, bodies [][]byte) []byte {
	t.Helper()
	h := sha256.New()
	w := bufio.NewWriter(h)
	dump := os.Getenv("TENON_ROWS") // a folder: to see what differs
	r := newRegistry(t)
	for i, body := range bodies {
		var d tree.Doc
		if len(body) == 0 || d.Parse(body, tree.Limits{}) != nil || len(r.Types(d.Root().Field("resourceType").Str())) == 0 {
			continue // the package's own manifest
		}
		rows, err := r.Index(d.Root())
		if err != nil {
			t.Fatalf("Index(%s/%s) = %v", d.Root().Field("resourceType").Str(), d.Root().Field("id").Str(), err)
		}
		text := strings.Join(lines(&rows), "\n")
		fmt.Fprintf(w, "%d\n%s\n", i, text)
		if dump != "" {
			if err := os.WriteFile(filepath.Join(dump, fmt.Sprint(i)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = w.Flush()
	return h.Sum(nil)[:8]
}

func lines(r *search.Rows) (out []string) {
	out = append(out, texts(r.Tokens)...)
	out = append(out, texts(r.Strings)...)
	out = append(out, texts(r.Dates)...)
	out = append(out, texts(r.Numbers)...)
	out = append(out, texts(r.References)...)
	out = append(out, texts(r.URIs)...)
	for _, g := range r.Groups {
		out = append(out, fmt.Sprintf("%v %v %T %+q", g.Key, g.Group, g.Row, fmt.Sprint(keyless(g.Row))))
	}
	slices.Sort(out)
	return out
}

// keyless is a row without its own key, which does not count in a group.
func keyless(row any) any {
	switch r := row.(type) {
	case search.TokenRow:
		r.Key = 0
		return r
	case search.StringRow:
		r.Key = 0
		return r
	case search.DateRow:
		r.Key = 0
		return r
	case search.NumberRow:
		r.Key = 0
		return r
	case search.ReferenceRow:
		r.Key = 0
		return r
	}
	return row
}

func texts[T any](rows []T) []string {
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = fmt.Sprintf("%T%+q", r, fmt.Sprint(r))
	}
	return out
}
