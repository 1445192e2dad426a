package search_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/server/search"
)

// codes stands for a terminology: value sets urn:n of n codes, and a line of
// codes c0 above c1 above c2 …
type codes struct{}

func (codes) Codes(valueSet string, limit int) iter.Seq2[terminology.Coding, error] {
	n := 0
	_, _ = fmt.Sscanf(valueSet, "urn:%d", &n)
	return func(yield func(terminology.Coding, error) bool) {
		for i := range n {
			if i == limit {
				yield(terminology.Coding{}, issue.Errorf(issue.TooCostly, "too many").Rule("expansion-limit"))
				return
			}
			if !yield(terminology.Coding{System: fmt.Sprint("urn:s", i%2), Code: fmt.Sprint("C", i)}, nil) {
				return
			}
		}
	}
}

func (codes) Below(system, _, code string, visit func(string) bool) error {
	for i := 0; ; i++ {
		if !visit(fmt.Sprint(code, ".", i)) {
			return nil
		}
	}
}

func (codes) Above(_, _, code string, visit func(string) bool) error { visit(code); return nil }

func TestModifiersOfCodesAreBounded(t *testing.T) {
	r := newRegistry(t)
	for query, want := range map[string]string{
		"code:in=urn:10000":   "",
		"code:in=urn:10001":   "expansion-limit",
		"code:below=urn:x|c":  "search-limit",
		"code:above=urn:x|c":  "",
		"code:above=urn:x":    "search-value",
		"code:above=urn:x|":   "search-value",
		"identifier:in=urn:1": "search-modifier",
		"status:not-in=urn:1": "",
	} {
		_, _, err := r.WithCodes(codes{}).Parse(request("Observation", query, true))
		got := ""
		if f := issue.As(err); f != nil {
			got = f.Issues[0].Rule
			if f.HTTPStatus() != 400 {
				t.Errorf("%s is refused with %d, want 400", query, f.HTTPStatus())
			}
		}
		if got != want {
			t.Errorf("%s: rule %q (%v), want %q", query, got, err, want)
		}
		if _, _, err := r.Parse(request("Observation", query, true)); issue.As(err) == nil || issue.As(err).Issues[0].Rule != "search-modifier" {
			t.Errorf("%s without codes: %v, want it refused", query, err)
		}
	}
	plan, _, err := r.WithCodes(codes{}).Parse(request("Observation", "code:in=urn:5", true))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range plan.Root.Where[0].(search.Token).Any {
		got = append(got, *m.System+"|"+strings.Join(m.Codes, " "))
	}
	if want := "[urn:s0|c0 c2 c4 urn:s1|c1 c3]"; strings.ToLower(fmt.Sprint(got)) != want {
		t.Errorf("code:in=urn:5 asks for %v, want %v", got, want)
	}
}
