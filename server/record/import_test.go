package record_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/server/ledger"
	"tenon/server/record"
)

func allLines(t testing.TB, r io.Reader, most int) (got []string, err error) {
	t.Helper()
	l, err := record.NewLines(r, most)
	if err != nil {
		return nil, err
	}
	for {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		text := string(line.Body)
		if line.Fault != nil {
			text = "!" + issue.As(line.Fault).Issues[0].Rule
		}
		got = append(got, fmt.Sprint(line.N, ":", text))
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	for _, c := range []struct{ in, want string }{
		{"", "[]"},
		{"\n\r\n \n", "[]"},
		{"a\nb", "[1:a 2:b]"},
		{"a\r\n\n b \n", "[1:a 3:b]"},
		{"a\n" + long + "\nb", "[1:a 2:!import-line 3:b]"},
		{long, "[1:!import-line]"},
		{"1234567890", "[1:1234567890]"},
	} {
		got, err := allLines(t, strings.NewReader(c.in), 100_000)
		if err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("lines of %.30q = %.100v, %v, want %s", c.in, got, err, c.want)
		}
		var zip bytes.Buffer
		w := gzip.NewWriter(&zip)
		_, _ = io.WriteString(w, c.in)
		_ = w.Close()
		whole := zip.Bytes()
		if got, err := allLines(t, bytes.NewReader(whole), 100_000); err != nil || fmt.Sprint(got) != c.want {
			t.Errorf("lines of %.30q in gzip = %.100v, %v, want %s", c.in, got, err, c.want)
		}
		if _, err := allLines(t, bytes.NewReader(whole[:len(whole)-3]), 100_000); issue.As(err) == nil {
			t.Errorf("lines of a gzip that broke off: %v, want an issue", err)
		}
	}
}

// Every window holds lines with different ids, a Bundle is a batch by itself, and
// no line is lost or out of order.
func TestWindows(t *testing.T) {
	var in strings.Builder
	for i := range 300 {
		fmt.Fprintf(&in, `{"resourceType":"Patient","id":"p%d"}`+"\n", i%170)
		if i%97 == 0 {
			in.WriteString(`{"resourceType":"Bundle","type":"transaction"}` + "\n{broken\n{broken\n")
		}
	}
	l, err := record.NewLines(strings.NewReader(in.String()), 0)
	if err != nil {
		t.Fatal(err)
	}
	next, total := int64(1), strings.Count(in.String(), "\n")
	for {
		batches, last, err := l.Window()
		if err != nil {
			t.Fatal(err)
		}
		if len(batches) == 0 {
			break
		}
		seen := map[string]bool{}
		for _, b := range batches {
			for _, line := range b {
				if line.N != next {
					t.Fatalf("line %d follows %d", line.N, next-1)
				}
				next++
				body := string(line.Body)
				if strings.Contains(body, "Bundle") && len(b) > 1 || strings.Contains(body, "Patient") && seen[body] {
					t.Errorf("%s is not alone", body)
				}
				seen[body] = true
			}
		}
		if last != next-1 {
			t.Errorf("a window ends at %d, says %d", next-1, last)
		}
	}
	if next != int64(total)+1 {
		t.Errorf("%d lines came, want %d", next-1, total)
	}
}

// Bundles share a window unless one could depend on the other.
func TestWindowsOfBundles(t *testing.T) {
	entry := func(request, resource string) string {
		return `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":` + resource + `,"request":` + request + `}]}`
	}
	post := func(typ, more string) string {
		return entry(`{"method":"POST","url":"`+typ+`"}`, `{"resourceType":"`+typ+`"`+more+`}`)
	}
	put := func(ref string) string {
		typ, id, _ := strings.Cut(ref, "/")
		return entry(`{"method":"PUT","url":"`+ref+`"}`, `{"resourceType":"`+typ+`","id":"`+id+`"}`)
	}
	once := entry(`{"method":"POST","url":"Organization","ifNoneExist":"identifier=1"}`, `{"resourceType":"Organization"}`)
	const asks = `,"managingOrganization":{"reference":"Organization?identifier=1"}`
	for _, c := range []struct {
		name, a, b string
		together   bool
	}{
		{"patients", post("Patient", ""), post("Patient", ""), true},
		{"links of their own", post("Observation", `,"subject":{"reference":"urn:uuid:1"}`), post("Observation", `,"subject":{"reference":"urn:uuid:1"}`), true},
		{"a hospital, then who asks for it", post("Organization", ""), post("Patient", asks), false},
		{"who asks, then the hospital", post("Patient", asks), put("Organization/1"), false},
		{"who asks for it by its whole address", post("Organization", ""), post("Patient", `,"managingOrganization":{"reference":"https://a.example/fhir/Organization?identifier=1"}`), false},
		{"both ask", post("Patient", asks), post("Patient", asks), true},
		{"both make the same hospital", once, once, false},
		{"an update of the same", put("Patient/1"), put("Patient/1"), false},
		{"updates of others", put("Patient/1"), put("Patient/2"), true},
		{"a reference to what is put", put("Patient/1"), post("Observation", `,"subject":{"reference":"Patient/1"}`), false},
		{"a reference to something else", put("Patient/1"), post("Observation", `,"subject":{"reference":"Patient/2"}`), true},
		{"a resource that the Bundle refers to", `{"resourceType":"Patient","id":"1"}`, post("Observation", `,"subject":{"reference":"Patient/1"}`), false},
		{"a resource that refers to what the Bundle puts", put("Patient/1"), `{"resourceType":"Observation","id":"o","subject":{"reference":"Patient/1/_history/2"}}`, false},
		{"a delete by criteria", post("Patient", ""), entry(`{"method":"DELETE","url":"Patient?active=false"}`, `{"resourceType":"Patient"}`), false},
		{"a question", post("Patient", ""), entry(`{"method":"GET","url":"Patient?active=false"}`, `{"resourceType":"Patient"}`), true},
		{"a collection is a resource", `{"resourceType":"Bundle","id":"1","type":"collection"}`, `{"resourceType":"Bundle","id":"1","type":"collection"}`, false},
	} {
		l, err := record.NewLines(strings.NewReader(c.a+"\n"+c.b+"\n"), 0)
		if err != nil {
			t.Fatal(err)
		}
		_, last, err := l.Window()
		if err != nil || (last == 2) != c.together {
			t.Errorf("%s: the first window ends at line %d, %v; together: %v", c.name, last, err, c.together)
		}
	}
}

// What is refused is told line by line, audited once, and the rest is written,
// whatever the share.
func TestImportRefused(t *testing.T) {
	s := newServer(t)
	for _, every := range []int{1, 3, 100} {
		var lines []record.Line
		want := map[int64]bool{}
		for i := range int64(100) {
			gender := "male"
			if i%int64(every) == 0 {
				gender = "blue"
				want[i+1] = true
			}
			lines = append(lines, record.Line{N: i + 1, Body: fmt.Appendf(nil, `{"resourceType":"Patient","id":"e%d-%d","gender":%q}`, every, i, gender)})
		}
		before := s.refusals()
		got, err := s.ImportSeveral(t.Context(), operator, "file", [][]record.Line{lines[:50], lines[50:]}, 2)
		if err != nil || int(got.Written) != 100-len(want) || len(got.Failed) != len(want) {
			t.Fatalf("every %d: %d written, %d refused, %v; want %d refused", every, got.Written, len(got.Failed), err, len(want))
		}
		last := int64(0)
		for _, f := range got.Failed {
			if !want[f.N] || f.N <= last || !strings.Contains(f.Fault.Error(), "blue") {
				t.Errorf("every %d: line %d after %d: %v", every, f.N, last, f.Fault)
			}
			last = f.N
		}
		if n := s.refusals() - before; n != len(want) {
			t.Errorf("every %d: %d refusals are in the audit, want %d", every, n, len(want))
		}
	}
}

// refusals counts the refused imports in the audit.
func (s *server) refusals() (n int) {
	s.t.Helper()
	err := s.store.EachAuditBatch(s.t.Context(), func(b ledger.AuditBatch) error {
		for _, row := range b.Rows {
			if bytes.Contains(row, []byte(`"import"`)) && bytes.Contains(row, []byte(`422`)) {
				n++
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// The entries of a batch stand for themselves, and none is written twice.
func TestImportBatch(t *testing.T) {
	s := newServer(t)
	var entries []string
	for i := range 20 {
		gender := map[bool]string{true: "blue", false: "male"}[i%5 == 0]
		entries = append(entries, `{"resource":{"resourceType":"Patient","gender":"`+gender+`"},"request":{"method":"POST","url":"Patient"}}`)
	}
	entries = append(entries, `{"resource":{"resourceType":"Patient"},"request":{"method":"JUMP","url":"Patient"}}`)
	line := record.Line{N: 7, Body: []byte(`{"resourceType":"Bundle","type":"batch","entry":[` + strings.Join(entries, ",") + `]}`)}
	for i, want := range []record.Imported{{Written: 16}, {Same: 16}} {
		got, err := s.Import(t.Context(), operator, "file", []record.Line{line})
		if err != nil || got.Written != want.Written || got.Same != want.Same || len(got.Failed) != 5 {
			t.Fatalf("import %d = %+v, %v, want %+v and five refused", i+1, got, err, want)
		}
		for _, f := range got.Failed {
			if f.N != 7 || !strings.Contains(issue.As(f.Fault).Issues[0].Path, "Bundle.entry[") {
				t.Errorf("refused: line %d, %v", f.N, issue.As(f.Fault).Issues[0])
			}
		}
	}
}

func TestImportTwice(t *testing.T) {
	s := newServer(t)
	lines := func() []record.Line {
		return []record.Line{
			{N: 1, Body: []byte(`{"resourceType":"Patient","id":"a","meta":{"tag":[{"system":"urn:x","code":"y"}]},"multipleBirthInteger":2}`)},
			{N: 2, Body: []byte(`{"resourceType":"Patient","active":true}`)},
			{N: 3, Body: []byte(`{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}]}`)},
			{N: 4, Body: []byte(`{"resourceType":"Patient","id":"no good id!"}`)},
			{N: 5, Body: []byte(`[]`)},
		}
	}
	for i, want := range []record.Imported{{Written: 3}, {Same: 3}} {
		got, err := s.Import(t.Context(), operator, "file", lines())
		if err != nil || got.Written != want.Written || got.Same != want.Same || len(got.Failed) != 2 {
			t.Errorf("import %d = %+v, %v, want %+v and two failures", i+1, got, err, want)
		}
	}
	if _, err := s.Import(t.Context(), clin, "file", lines()); issue.As(err) == nil || issue.As(err).HTTPStatus() != 403 {
		t.Errorf("an import by a clinician = %v, want 403", err)
	}
}

func FuzzLines(f *testing.F) {
	for _, s := range []string{"", "{}\n{}", "\x1f\x8b\x08", "a\n\n\nb\r\n", "{\"resourceType\":\"Bundle\"}\n{\"id\":\"1\"}\n{\"id\":\"1\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := record.NewLines(bytes.NewReader(in), 1000)
		if err != nil {
			return
		}
		for n := int64(0); ; {
			batches, last, err := l.Window()
			if err != nil || len(batches) == 0 {
				return
			}
			if last <= n {
				t.Fatalf("a window ends at line %d after %d", last, n)
			}
			n = last
		}
	})
}
