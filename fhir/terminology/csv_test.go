package terminology_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
)

func readCSV(text string) (list []terminology.Concept, err error) {
	err = terminology.ReadCSV(strings.NewReader(text), func(c *terminology.Concept) error {
		one := *c
		one.Parents = slices.Clone(c.Parents)
		list = append(list, one)
		return nil
	})
	return list, err
}

func TestReadCSV(t *testing.T) {
	got, err := readCSV("\ufeffdisplay:zh-CN,code, display ,parent,status,definition,abstract,synonym:en,property:class\r\n" +
		"心脏,h1,\"Heart, the\",o1;b1,active,\"It\nbeats.\",,Cor,muscle\r\n" +
		"器官,o1,Organ,b1,retired,,true,,\r\n" +
		",b1,Body,,,,no,,\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("%d concepts, want 3", len(got))
	}
	h := got[0]
	if h.Code != "h1" || h.Display != "Heart, the" || !slices.Equal(h.Parents, []string{"o1", "b1"}) || h.Definition != "It\nbeats." || h.Inactive || h.Abstract {
		t.Errorf("first = %+v", h)
	}
	if !slices.Equal(h.Designations, []terminology.Designation{{Language: "zh-CN", Use: "display", Value: "心脏"}, {Language: "en", Use: "900000000000013009", Value: "Cor"}}) {
		t.Errorf("designations = %+v", h.Designations)
	}
	if !slices.Equal(h.Properties, []terminology.Property{{Code: "class", Type: "string", Value: "muscle"}}) {
		t.Errorf("properties = %+v", h.Properties)
	}
	if o := got[1]; !o.Inactive || !o.Abstract {
		t.Errorf("second = %+v, want retired and abstract", o)
	}
}

func TestReadCSVErrors(t *testing.T) {
	for _, c := range []struct{ name, text, rule, line string }{
		{"empty", "", "csv-header", "Line 1"},
		{"no code column", "display\nx\n", "csv-header", "Line 1"},
		{"unknown column", "code,colour\n", "csv-column", "Line 1"},
		{"column twice", "code,display,display\n", "csv-column", "Line 1"},
		{"no language", "code,display:mandarin chinese\n", "csv-language", "Line 1"},
		{"no code", "code,display\na,A\n,B\n", "csv-code", "Line 3"},
		{"code twice", "code\na\nb\na\n", "csv-duplicate", "Line 4"},
		{"code twice, first line", "code\na\nb\na\n", "csv-duplicate", "line 2"},
		{"no such parent", "code,parent\na,\nb,z\n", "csv-parent", "Line 3"},
		{"own parent", "code,parent\na,a\n", "csv-circle", "Line 2"},
		{"circle", "code,parent\na,c\nb,a\nc,b\n", "csv-circle", "Line "},
		{"status", "code,status\na,dead\n", "csv-status", "Line 2"},
		{"abstract", "code,abstract\na,perhaps\n", "csv-abstract", "Line 2"},
		{"fields", "code,display\na\n", "csv-syntax", "Line 2"},
		{"quote", "code,display\na,\"b\nc\n", "csv-syntax", "Line "},
		{"not UTF-8", "code,display\na,\xd6\xd0\n", "csv-encoding", "Line 2"},
		{"endless line", "code\n\"" + strings.Repeat("x", 2<<20), "csv-record", "Line "},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readCSV(c.text)
			f := issue.As(err)
			if f == nil || f.Issues[0].Rule != c.rule || !strings.Contains(f.Issues[0].Text, c.line) || f.Issues[0].Chinese == "" {
				t.Errorf("error = %v, want %s with %s", err, c.rule, c.line)
			}
		})
	}
	enough := errors.New("enough")
	if err := terminology.ReadCSV(strings.NewReader("code\na\nb\n"), func(*terminology.Concept) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error = %v, want that of visit", err)
	}
}

// A table and a server over it agree.
type table struct{ text string }

func (s table) Systems() []terminology.Coding {
	return []terminology.Coding{{System: "http://x/table"}}
}

func (s table) Concepts(_, _ string, visit func(*terminology.Concept) error) error {
	return terminology.ReadCSV(strings.NewReader(s.text), visit)
}

func TestCSVSource(t *testing.T) {
	s := source(table{"code,display,parent,status,display:zh-CN,property:class\nh,Heart,o,,心脏,x\no,Organ,,deprecated,器官,\n"})
	if got, err := s.Subsumes("http://x/table", "", "o", "h"); got != terminology.Subsumes || err != nil {
		t.Errorf("Subsumes = %v, %v", got, err)
	}
	if a := s.ValidateCode("http://x/table?fhir_vs=isa/o", terminology.Coding{System: "http://x/table", Code: "h", Display: "心脏"}, nil); a.Verdict != terminology.Member || a.Problem != 0 {
		t.Errorf("h = %+v", a)
	}
	if a := s.ValidateCode("", terminology.Coding{System: "http://x/table", Code: "o"}, nil); a.Problem != terminology.Inactive {
		t.Errorf("o = %+v, want Inactive", a)
	}
	if got := expand(t, s, "http://x/table?fhir_vs", &terminology.ExpandOptions{Filter: "心"}); got != "h" {
		t.Errorf("filter = %q, want h", got)
	}
}

const nested = `{"content":"complete","concept":[{"code":"a","display":"A","concept":[{"display":"B","concept":[{"code":"c"}],"code":"b","designation":[{"language":"zh-CN","value":"乙"}]},{"code":"d","property":[{"code":"legs","valueInteger":2}]}],"definition":"first"},{"code":"e"}],
 "resourceType":"CodeSystem","url":"http://x/big","count":5}`

func TestSplitCodeSystem(t *testing.T) {
	var got []string
	var b terminology.Concept
	header, err := terminology.SplitCodeSystem(strings.NewReader(nested), func(c *terminology.Concept) error {
		got = append(got, fmt.Sprint(c.Code, c.Parents))
		if c.Code == "b" {
			b = *c
			b.Designations = slices.Clone(c.Designations)
			if len(b.Designations) != 1 || strings.Clone(b.Designations[0].Value) != "乙" || c.Display != "B" {
				t.Errorf("b = %+v", c)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"c[b]", "b[a]", "d[a]", "a[]", "e[]"}; !slices.Equal(got, want) {
		t.Errorf("concepts = %v, want %v", got, want)
	}
	if want := `{"content":"complete","resourceType":"CodeSystem","url":"http://x/big","count":5}`; string(header) != want {
		t.Errorf("header = %s, want %s", header, want)
	}
}

func TestSplitErrors(t *testing.T) {
	enough := errors.New("enough")
	for _, c := range []struct {
		name string
		body io.Reader
	}{
		{"empty", strings.NewReader("")},
		{"cut off", strings.NewReader(nested[:100])},
		{"another resource", strings.NewReader(`{"resourceType":"Patient"}`)},
		{"no object", strings.NewReader(`[1]`)},
		{"more behind", strings.NewReader(`{"resourceType":"CodeSystem"} {}`)},
		{"no code", strings.NewReader(`{"resourceType":"CodeSystem","concept":[{"display":"x"}]}`)},
		{"a concept that is none", strings.NewReader(`{"resourceType":"CodeSystem","concept":[7]}`)},
		{"no array", strings.NewReader(`{"resourceType":"CodeSystem","concept":{}}`)},
		{"too deep", strings.NewReader(strings.Repeat(`{"code":"a","concept":[`, 200))},
		{"too deep in the resource", strings.NewReader(`{"resourceType":"CodeSystem","concept":[` + strings.Repeat(`{"code":"a","concept":[`, 200))},
		{"too deep, closed", strings.NewReader(`{"resourceType":"CodeSystem","concept":[` + strings.Repeat(`{"code":"a","concept":[`, 150) + strings.Repeat(`]}`, 150) + `]}`)},
		{"too long a text", io.MultiReader(strings.NewReader(`{"resourceType":"CodeSystem","concept":[{"code":"a","display":"`), strings.NewReader(strings.Repeat("x", 9<<20)))},
	} {
		if _, err := terminology.SplitCodeSystem(c.body, func(*terminology.Concept) error { return nil }); issue.As(err) == nil {
			t.Errorf("%s: error = %v, want a failure", c.name, err)
		}
	}
	if _, err := terminology.SplitCodeSystem(strings.NewReader(nested), func(*terminology.Concept) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error = %v, want that of visit", err)
	}
}
