package tree_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, src, rule, path, where string
	}{
		{"empty", ``, "json-end", "", "line 1, column 1"},
		{"white space only", " \n ", "json-end", "", "line 2, column 2"},
		{"byte order mark", "\xEF\xBB\xBF{}", "json-bom", "", "line 1, column 1"},
		{"UTF-16", "{\x00\"\x00}\x00", "json-syntax", "", "line 1, column 2"},
		{"trailing garbage", `{} x`, "json-trailing", "", "line 1, column 4"},
		{"two documents", `{}{}`, "json-trailing", "", "line 1, column 3"},
		{"NUL behind", "{}\x00", "json-trailing", "", "line 1, column 3"},
		{"duplicate key", `{"a":1,"b":2,"a":3}`, "json-duplicate-key", "", "column 14"},
		{"duplicate key in an item", `{"resourceType":"Patient","name":[{},{"use":"usual","use":"old"}]}`, "json-duplicate-key", "Patient.name[1]", "column 53"},
		{"duplicate key by escape", `{"name":1,"n\u0061me":2}`, "json-duplicate-key", "", "column 11"},
		{"duplicate escape first", `{"n\u0061me":1,"name":2}`, "json-duplicate-key", "", "column 16"},
		{"duplicate empty key", `{"":1,"":2}`, "json-duplicate-key", "", "column 7"},
		{"duplicate in wide object", wideObject(100, `,"k7":0`), "json-duplicate-key", "", ""},
		{"first and last of wide object", wideObject(31, `,"k0":0`), "json-duplicate-key", "", ""},
		{"bad UTF-8 byte", "{\"a\":\"\xff\"}", "json-utf8", "a", "column 7"},
		{"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", "json-utf8", "a", ""},
		{"UTF-8 of a surrogate", "{\"a\":\"\xed\xa0\x80\"}", "json-utf8", "a", ""},
		{"truncated UTF-8", "{\"a\":\"\xe4\xb8\"}", "json-utf8", "a", ""},
		{"bad UTF-8 in a key", "{\"\xff\":1}", "json-utf8", "", ""},
		{"UTF-8 above U+10FFFF", "[\"\xf4\x90\x80\x80\"]", "json-utf8", "[0]", ""},
		{"lone high surrogate", `["\ud800"]`, "json-surrogate", "[0]", "column 3"},
		{"lone low surrogate", `["\udc00"]`, "json-surrogate", "[0]", ""},
		{"high then character", `["\ud800x"]`, "json-surrogate", "[0]", ""},
		{"high then high", `["\ud800\ud800"]`, "json-surrogate", "[0]", ""},
		{"low then high", `["\udc00\ud800"]`, "json-surrogate", "[0]", ""},
		{"low then low", `["\udc00\udc00"]`, "json-surrogate", "[0]", ""},
		{"high then beyond low", `["\ud800\ue000"]`, "json-surrogate", "[0]", ""},
		{"surrogate in a key", `{"\ud800":1}`, "json-surrogate", "", ""},
		{"newline in a string", "[\"a\nb\"]", "json-control-character", "[0]", "column 4"},
		{"tab in a string", "[\"a\tb\"]", "json-control-character", "[0]", ""},
		{"NUL in a string", "[\"a\x00b\"]", "json-control-character", "[0]", ""},
		{"bad escape", `["\x41"]`, "json-escape", "[0]", ""},
		{"bad hex", `["\u00g0"]`, "json-escape", "[0]", ""},
		{"short hex", `["\u00"]`, "json-escape", "[0]", ""},
		{"leading zero", `[01]`, "json-number", "[0]", "column 2"},
		{"negative leading zero", `[-01]`, "json-number", "[0]", ""},
		{"plus sign", `[+1]`, "json-syntax", "[0]", ""},
		{"point first", `[.5]`, "json-syntax", "[0]", ""},
		{"point last", `[5.]`, "json-number", "[0]", ""},
		{"bare exponent", `[1e]`, "json-number", "[0]", ""},
		{"bare minus", `[-]`, "json-number", "[0]", ""},
		{"hex number", `[0x10]`, "json-syntax", "[0]", ""},
		{"NaN", `[NaN]`, "json-syntax", "[0]", ""},
		{"Infinity", `[-Infinity]`, "json-number", "[0]", ""},
		{"number ends document", `[1.`, "json-number", "[0]", ""},
		{"trailing comma in array", `[1,]`, "json-syntax", "[1]", "column 4"},
		{"trailing comma in object", `{"a":1,}`, "json-syntax", "", "column 8"},
		{"comma first", `[,1]`, "json-syntax", "[0]", ""},
		{"missing comma", `{"a":1 "b":2}`, "json-syntax", "", "column 8"},
		{"missing comma in array", `[1 2]`, "json-syntax", "", ""},
		{"missing colon", `{"a" 1}`, "json-syntax", "", ""},
		{"bare key", `{a:1}`, "json-syntax", "", ""},
		{"single quotes", `{'a':1}`, "json-syntax", "", ""},
		{"comment", `{"a":1 /* x */}`, "json-syntax", "", ""},
		{"bad word", `[ture]`, "json-syntax", "[0]", ""},
		{"capital word", `[True]`, "json-syntax", "[0]", ""},
		{"word runs on", `[nullx]`, "json-syntax", "", ""},
		{"wrong bracket", `[1}`, "json-syntax", "", ""},
		{"open object", `{"a":{"b":1`, "json-end", "a", "column 12"},
		{"open array", `{"a":[1,2`, "json-end", "a[1]", ""},
		{"open string", `{"a":"x`, "json-end", "a", ""},
		{"open key", `{"a`, "json-end", "", ""},
		{"form feed as space", "[\f1]", "json-syntax", "[0]", ""},
		{"no-break space", "[\u00a01]", "json-syntax", "[0]", ""},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), "json-depth", "", "(64)"},
		{"far too deep", strings.Repeat(`{"a":`, 200_000), "json-depth", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := tree.Parse([]byte(tc.src))
			f := issue.As(err)
			if f == nil {
				t.Fatalf("Parse(%.60q) = %v, want %s", tc.src, err, tc.rule)
			}
			is := f.Issues[0]
			if is.Rule != tc.rule || !strings.Contains(is.Text, tc.where) || is.Chinese == "" {
				t.Errorf("Parse(%.60q) = %v, want %s at %q", tc.src, is, tc.rule, tc.where)
			}
			if tc.path != "" && is.Path != tc.path {
				t.Errorf("path of %.60q = %q, want %q", tc.src, is.Path, tc.path)
			}
		})
	}
}

// wideObject has members k0 … k(n-1), then whatever more holds.
func wideObject(n int, more string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `%c"k%d":%d`, ",{"[btoi(i == 0)], i, i)
	}
	return b.String() + more + "}"
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestParseAccepts(t *testing.T) {
	for _, src := range []string{
		`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `1.00`, `1.10E-22`, `123456789012345678901234567890`,
		`1e+5`, `""`, " \t\r\n{ \"a\" : [ 1 , 2 ] } \n", `{"":{}}`, `["\u0000"]`, `["\ud83d\ude00"]`, `["😀 体内"]`,
		"[\"\x7f\u2028\uffff\"]", `[[],[[]],{}]`, strings.Repeat("[", 64) + strings.Repeat("]", 64),
		"[" + strings.Repeat("[],{},", 100) + "0]", wideObject(1024, ""), wideObject(100, ""),
		`"` + strings.Repeat("长", 1000) + `"`,
	} {
		if _, err := tree.Parse([]byte(src)); err != nil {
			t.Errorf("Parse(%.60q) = %v, want no error", src, err)
		}
	}
}

// The scanner reads eight bytes at a time: what needs attention is found at
// every place of a long string, and nothing else is.
func TestStringAtEveryPlace(t *testing.T) {
	for at := range 24 {
		for c := range 256 {
			body := []byte(strings.Repeat("a", 24))
			body[at] = byte(c)
			src := `["` + string(body) + `"]`
			d, err := tree.Parse([]byte(src))
			if want := c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; (err == nil) != want {
				t.Errorf("byte %#x at %d: Parse(%q) = %v, want accepted %v", c, at, src, err, want)
			}
			if err == nil && d.Root().Index(0).Str() != string(body) {
				t.Errorf("Str() of %q = %q", src, d.Root().Index(0).Str())
			}
		}
	}
}

func TestParseLimits(t *testing.T) {
	for _, tc := range []struct {
		name, src, rule string
		lim             tree.Limits
	}{
		{"bytes", `[1,2]`, "json-size", tree.Limits{Bytes: 4}},
		{"bytes fit", `[1,2]`, "", tree.Limits{Bytes: 5}},
		{"depth", `[[]]`, "json-depth", tree.Limits{Depth: 1}},
		{"depth fits", `[[]]`, "", tree.Limits{Depth: 2}},
		{"nodes", `[1,2]`, "json-nodes", tree.Limits{Nodes: 2}},
		{"nodes fit", `[1,2]`, "", tree.Limits{Nodes: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var d tree.Doc
			err := d.Parse([]byte(tc.src), tc.lim)
			if f := issue.As(err); (f == nil) != (tc.rule == "") || f != nil && (f.Issues[0].Rule != tc.rule || f.Issues[0].Type != issue.TooLong) {
				t.Errorf("Parse(%q, %+v) = %v, want rule %q", tc.src, tc.lim, err, tc.rule)
			}
		})
	}
}

func TestParseReuse(t *testing.T) {
	var d tree.Doc
	for i, src := range []string{wideObject(100, ""), `[1`, `{"k1":"x"}`, `7`} {
		err := d.Parse([]byte(src), tree.Limits{})
		if (err != nil) != (i == 1) {
			t.Fatalf("Parse(%.20q) = %v", src, err)
		}
		if got := d.Root().Exists(); got != (i != 1) {
			t.Errorf("after Parse(%.20q) Root().Exists() = %v", src, got)
		}
	}
	if got := d.Root().Text(); got != "7" {
		t.Errorf("Root().Text() = %q, want 7", got)
	}
	src := []byte(`{"resourceType":"Patient","name":[{"family":"Li","given":["A","B"]}]}`)
	if n := testing.AllocsPerRun(50, func() { _ = d.Parse(src, tree.Limits{}) }); n > 0 {
		t.Errorf("a second parse allocates %v times, want 0", n)
	}
}
