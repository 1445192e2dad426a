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

// Every window holds lines with different ids, a Bundle comes alone, and no line
// is lost or out of order.
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
				if strings.Contains(body, "Bundle") && len(batches)+len(b) > 2 || !strings.Contains(body, "broken") && seen[body] {
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
