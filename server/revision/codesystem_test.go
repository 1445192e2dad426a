package revision_test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/server/revision"
	"tenon/server/store"
)

// opened is an empty database with its loader.
func opened(t *testing.T) (*store.Store, *revision.Loader) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.ToSlash(t.TempDir())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, &revision.Loader{Store: s}
}

// concepts are those of the only system in force, one text each.
func concepts(t *testing.T, s *store.Store) string {
	t.Helper()
	h, err := s.Held(t.Context(), nil)
	if err != nil || len(h.Systems) != 1 {
		t.Fatalf("Held() = %+v, %v, want one system", h, err)
	}
	var out []string
	err = s.Concepts(t.Context(), h.Systems[0], func(c *terminology.Concept) error {
		out = append(out, fmt.Sprintf("%s<%s %q %v %v", c.Code, strings.Join(c.Parents, ","), c.Display, c.Designations, c.Properties))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

func TestCodeSystem(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"nested": {`{"resourceType":"CodeSystem","url":"urn:x","version":"1","content":"complete","text":{"div":["[",{}]},
			"concept":[{"code":"a","display":"A","concept":[{"code":"b","concept":[{"code":"c","display":"C"}]}]},{"code":"d"}]}`,
			"c<b \"C\" [] []\nb<a \"\" [] []\na< \"A\" [] []\nd< \"\" [] []"},
		"the head behind, children before their parent's code": {`{"concept":[{"concept":[{"code":"b"}],"code":"a"}],"version":"1","url":"urn:x","resourceType":"CodeSystem"}`,
			"a< \"\" [] []\nb<a \"\" [] []"},
		"designations and properties": {`{"resourceType":"CodeSystem","url":"urn:x","concept":[{"code":"a","designation":[{"language":"zh","use":{"system":"http://snomed.info/sct","code":"900000000000013009"},"value":"甲"},` +
			`{"use":{"system":"urn:u","code":"v"},"value":"w"}],"property":[{"code":"parent","valueCode":"z"},{"code":"n","valueInteger":7},{"code":"d","valueDecimal":1.50},{"code":"b","valueBoolean":true},{"code":"g","valueCoding":{"system":"urn:s","code":"q"}}]}]}`,
			"a<z \"\" [{zh 900000000000013009 甲} { urn:u|v w}] [{parent code z} {n integer 7} {d decimal 1.50} {b boolean true} {g Coding urn:s|q}]"},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := opened(t)
			n, err := l.CodeSystem(t.Context(), "", "", strings.NewReader(tt.body))
			if err != nil || int(n) != strings.Count(tt.want, "\n")+1 {
				t.Fatalf("CodeSystem() = %d, %v", n, err)
			}
			if got := concepts(t, s); got != tt.want {
				t.Errorf("concepts:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestCodeSystemRefused(t *testing.T) {
	deep := strings.Repeat(`{"code":"a","concept":[`, 300) + strings.Repeat(`]}`, 300)
	for name, tt := range map[string]struct{ body, rule string }{
		"no CodeSystem":    {`{"resourceType":"ValueSet","url":"urn:x"}`, "type-mismatch"},
		"no url":           {`{"resourceType":"CodeSystem","concept":[{"code":"a"}]}`, "definition-url"},
		"no concept":       {`{"resourceType":"CodeSystem","url":"urn:x"}`, "code-system-empty"},
		"no code":          {`{"resourceType":"CodeSystem","url":"urn:x","concept":[{"display":"a"}]}`, "code-missing"},
		"broken off":       {`{"resourceType":"CodeSystem","url":"urn:x","concept":[{"code":"a"}`, "json-syntax"},
		"no JSON":          {`code,display`, "json-syntax"},
		"a code as number": {`{"resourceType":"CodeSystem","url":"urn:x","concept":[{"code":1}]}`, "json-syntax"},
		"too deep":         {`{"resourceType":"CodeSystem","url":"urn:x","concept":[` + deep + `]}`, "code-system-depth"},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := opened(t)
			_, err := l.CodeSystem(t.Context(), "", "", strings.NewReader(tt.body))
			if f := issue.As(err); f == nil || f.Issues[0].Rule != tt.rule {
				t.Errorf("got %v, want %s", err, tt.rule)
			}
			h, err := s.Held(t.Context(), nil)
			if err != nil || len(h.Systems) != 0 {
				t.Errorf("something is in force: %+v, %v", h, err)
			}
		})
	}
}

// TestLargeTable imports a tree of 30,000 concepts from a stream, asks for one,
// and replaces it by another import.
func TestLargeTable(t *testing.T) {
	s, l := opened(t)
	var told int64
	l.Progress = func(_ string, n int64) { told = n }
	const many = 30_000
	n, err := l.Table(t.Context(), "urn:big", "1", table(many))
	if err != nil || n != many || told != many {
		t.Fatalf("Table() = %d, %v, told %d, want %d", n, err, told, many)
	}
	k := keeper(t, s)
	ask := func(code string) terminology.Answer {
		return k.Current().Terminology.ValidateCode("", terminology.Coding{System: "urn:big", Code: code}, nil)
	}
	if got := ask("C29999"); got.Verdict != terminology.Member || got.Display != "Concept 29999" {
		t.Errorf("C29999: %+v", got)
	}
	if got := ask("C30000"); got.Verdict != terminology.NotMember {
		t.Errorf("C30000: %+v", got)
	}
	if relation, err := k.Current().Terminology.Subsumes("urn:big", "", "C1", "C29999"); err != nil || relation == "" {
		t.Errorf("Subsumes() = %q, %v", relation, err)
	}
	if _, err := l.Table(t.Context(), "urn:big", "1", strings.NewReader("code,display\nother,Other\n")); err != nil {
		t.Fatal(err)
	}
	if err := k.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask("C29999"); got.Verdict != terminology.NotMember {
		t.Errorf("C29999 after another import: %+v", got)
	}
	if got := ask("other"); got.Verdict != terminology.Member {
		t.Errorf("other: %+v", got)
	}
	h, err := s.Held(t.Context(), nil)
	if err != nil || len(h.Systems) != 1 {
		t.Errorf("Held() = %+v, %v, want one system", h, err)
	}
}

// TestInterruptedTable has an import that the caller gives up.
func TestInterruptedTable(t *testing.T) {
	s, l := opened(t)
	ctx, stop := context.WithCancel(t.Context())
	l.Progress = func(_ string, n int64) {
		if n >= 5000 {
			stop()
		}
	}
	if _, err := l.Table(ctx, "urn:big", "1", table(30_000)); err == nil {
		t.Fatal("Table() succeeds although it was given up")
	}
	if h, err := s.Held(t.Context(), nil); err != nil || len(h.Systems) != 0 {
		t.Errorf("Held() = %+v, %v, want nothing", h, err)
	}
}

// table is a table of n concepts in a tree, made while it is read.
func table(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := fmt.Fprintln(w, "code,display,parent,display:zh-CN")
		for i := 0; i < n && err == nil; i++ {
			parent := ""
			if i > 0 {
				parent = fmt.Sprintf("C%d", (i-1)/10)
			}
			_, err = fmt.Fprintf(w, "C%d,Concept %d,%s,概念%d\n", i, i, parent, i)
		}
		_ = w.CloseWithError(err)
	}()
	return r
}
