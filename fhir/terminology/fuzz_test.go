package terminology_test

import (
	"bytes"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// Whatever a value set says, judging and expanding it end, and agree: what is
// expanded is a member, and what is no member is not expanded.
func FuzzCompose(f *testing.F) {
	for _, body := range []string{
		`{"include":[{"system":"http://x/animals"}]}`,
		`{"include":[{"system":"http://x/animals","filter":[{"property":"concept","op":"is-a","value":"mammal"}]}],"exclude":[{"system":"http://x/animals","concept":[{"code":"dog"}]}]}`,
		`{"inactive":false,"include":[{"valueSet":["http://x/all-animals","http://x/animals?fhir_vs=isa/flyer"]}]}`,
		`{"include":[{"system":"http://x/animals","filter":[{"property":"code","op":"regex","value":"(a|b)*c{1,9}"}]}]}`,
		`{"include":[{"system":"http://x/animals","version":"9","filter":[{"property":"legs","op":"not-in","value":"2,,3"}]}]}`,
		`{"include":[{"system":"http://x/part"},{"valueSet":["http://x/vs"]}],"exclude":[{"system":"http://x/absent"}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, compose []byte) {
		body := append(append([]byte(`{"resourceType":"ValueSet","url":"http://x/vs","compose":`), compose...), '}')
		d, err := tree.Parse(body)
		if err != nil {
			return
		}
		s := server(t)
		v := s.Compile(d.Root())
		e, err := v.Expand(&terminology.ExpandOptions{Flat: true})
		if err != nil && issue.As(err) == nil {
			t.Fatalf("error %v is no failure", err)
		}
		expanded := map[string]bool{}
		if err == nil {
			for _, c := range e.Contains {
				expanded[c.System+"|"+c.Code] = true
				if a := v.ValidateCode(terminology.Coding{System: c.System, Code: c.Code}, &terminology.CodeOptions{Abstract: true}); a.Verdict == terminology.NotMember {
					t.Fatalf("%s|%s is expanded and no member: %s", c.System, c.Code, a.Text)
				}
			}
		}
		for _, code := range allAnimals {
			a := v.ValidateCode(terminology.Coding{System: "http://x/animals", Code: code}, &terminology.CodeOptions{Abstract: true})
			if err == nil && a.Verdict == terminology.Member && !expanded["http://x/animals|"+code] {
				t.Fatalf("%s is a member and not expanded", code)
			}
		}
	})
}

// Whatever a table says, reading it ends; what is read makes a code system in
// which every parent is above its child.
func FuzzCSV(f *testing.F) {
	f.Add([]byte("code,display,parent\na,A,\nb,B,a\n"))
	f.Add([]byte("code,parent,status,display:zh-CN\na,b;c,retired,甲\nb,,,\nc,b,deprecated,\n"))
	f.Add([]byte("code,display\n\"a\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		links := [][2]string{}
		if err := terminology.ReadCSV(bytes.NewReader(text), func(c *terminology.Concept) error {
			for _, p := range c.Parents {
				links = append(links, [2]string{strings.Clone(p), strings.Clone(c.Code)})
			}
			return nil
		}); err != nil {
			return
		}
		s := source(table{string(text)})
		for _, l := range links {
			if got, err := s.Subsumes("http://x/table", "", l[0], l[1]); err != nil || got != terminology.Subsumes {
				t.Fatalf("Subsumes(%q, %q) = %v, %v", l[0], l[1], got, err)
			}
		}
	})
}

// Whatever is split, it ends, and what the strict parser accepts as a
// CodeSystem with codes is split.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(nested))
	f.Add([]byte(`{"resourceType":"CodeSystem","concept":[{"concept":[{"code":"b"}],"code":"a"}]}`))
	f.Add([]byte(`{"resourceType":"CodeSystem","concept":[{"code":1}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		header, err := terminology.SplitCodeSystem(bytes.NewReader(body), func(*terminology.Concept) error { return nil })
		if err != nil {
			return
		}
		if _, err := tree.Parse(body); err != nil {
			return
		}
		if _, err := tree.Parse(header); err != nil {
			t.Fatalf("the header %q is no JSON: %v", header, err)
		}
	})
}

// Whatever a code is, the grammars answer.
func FuzzGrammars(f *testing.F) {
	for _, code := range []string{"mg/dL", "image/png;a=b", "zh-Hant-TW", "CN-31", "urn:uuid:1", "{x}", "a/b;c=\"d"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) {
		s := terminology.New(nil, terminology.Options{})
		for _, system := range []string{"http://unitsofmeasure.org", "urn:ietf:bcp:13", "urn:ietf:bcp:47", "urn:ietf:rfc:3986", "urn:iso:std:iso:3166:-2", "urn:iso:std:iso:3166"} {
			s.ValidateCode("", terminology.Coding{System: system, Code: code}, nil)
		}
	})
}

// Whatever concepts a CodeSystem has, asking it ends; what is below a code has
// it above.
func FuzzCodeSystem(f *testing.F) {
	for _, body := range []string{
		`[{"code":"a","concept":[{"code":"b","property":[{"code":"parent","valueCode":"c"}]}]},{"code":"c","property":[{"code":"child","valueCode":"a"}]}]`,
		`[{"code":"a","property":[{"code":"parent","valueCode":"b"}]},{"code":"b","property":[{"code":"parent","valueCode":"a"}]},{"code":"A"}]`,
		`[{"code":"","display":"x","concept":[{"code":"é","designation":[{"language":"zh","value":"甲"}]}]},{"code":"a","concept":[{"code":"a"}]}]`,
		`[{"code":1},{"concept":{"code":"x"}},{"code":"a","property":[{"code":"status","valueCode":"retired"},{"valueCoding":{}}]}]`,
	} {
		f.Add([]byte(body), true)
	}
	f.Fuzz(func(t *testing.T, concepts []byte, folded bool) {
		sensitive := `,"caseSensitive":true`
		if folded {
			sensitive = `,"caseSensitive":false`
		}
		d, err := tree.Parse([]byte(`{"resourceType":"CodeSystem","url":"http://x/f","content":"complete"` + sensitive + `,"concept":` + string(concepts) + `}`))
		if err != nil {
			return
		}
		s, err := terminology.New(nil, terminology.Options{}).WithSystem(d.Root())
		if err != nil {
			return
		}
		e, err := s.Expand("http://x/f?fhir_vs", &terminology.ExpandOptions{Flat: true})
		if err != nil {
			return
		}
		for _, c := range e.Contains[:min(len(e.Contains), 50)] {
			if _, err := s.Lookup(terminology.Coding{System: "http://x/f", Code: c.Code}, "zh"); err != nil {
				t.Fatalf("Lookup(%q): %v", c.Code, err)
			}
			n := 0
			err := s.Below("http://x/f", "", c.Code, func(code string) bool {
				n++
				if got, err := s.Subsumes("http://x/f", "", c.Code, code); err != nil || got != terminology.Subsumes && got != terminology.Equivalent {
					t.Fatalf("Subsumes(%q, %q) = %v, %v", c.Code, code, got, err)
				}
				return n < 50
			})
			if err != nil || n == 0 {
				t.Fatalf("Below(%q) = %d, %v", c.Code, n, err)
			}
		}
	})
}

// Whatever a map says, translating ends.
func FuzzConceptMap(f *testing.F) {
	f.Add([]byte(toColours), "bat", false)
	f.Add([]byte(other), "bat", true)
	f.Fuzz(func(t *testing.T, body []byte, code string, reverse bool) {
		d, err := tree.Parse(body)
		if err != nil {
			return
		}
		s := server(t, toColours, other)
		r := &terminology.TranslateRequest{Map: d.Root(), Reverse: reverse, Codings: []terminology.Coding{{System: "http://x/animals", Code: code}, {Code: code}}}
		got, err := s.Translate(r)
		if issue.As(err) != nil {
			return
		}
		if err != nil || got.Result && len(got.Matches) == 0 {
			t.Fatalf("Translate = %+v, %v", got, err)
		}
	})
}
