package fhirpath_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"tenon/fhir/fhirpath"
)

// narratives with whether FHIR allows them and whether the quick reading sees it.
// https://hl7.org/fhir/R4/narrative.html#xhtml
var narratives = []struct {
	body        string // within the div
	safe, quick bool
}{
	{"hello", true, true},
	{"李娜", true, true},
	{"<p>a &lt; b &amp; c</p>", true, true},
	{`<table class="grid"><tr><td colspan="2">x</td></tr></table>`, true, true},
	{`<img src="#pic" alt="a"/>`, true, true},
	{`<a href="http://example.org?a=1&amp;b=2">x</a><br/>`, true, true},
	{"a&nbsp;b", true, false},
	{"a<!-- note -->b", true, false},
	{"<p title='x'>a</p>", true, false},
	{"", false, false},
	{"  \n ", false, false},
	{"\u00a0\u3000", false, false},
	{"<script>x</script>", false, false},
	{`<p onclick="x()">a</p>`, false, false},
	{`<a href="javascript:x()">a</a>`, false, false},
	{`<p alt="x">a</p>`, false, false},
	{"<p>a", false, false},
	{"<p>a</div>", false, false},
	{"a & b", false, false},
	{"a &nosuch; b", false, false},
	{`<p class="a" class="b" title=x>a</p>`, false, false},
	{"<p/", false, false},
	{`<p xmlns="http://example.org">a</p>`, false, false},
	{"a]]>b", false, false},
}

func TestNarrativeReadings(t *testing.T) {
	for _, row := range narratives {
		text := `<div xmlns="http://www.w3.org/1999/xhtml">` + row.body + `</div>`
		if got := fhirpath.SafeNarrative(text); got != row.safe {
			t.Errorf("safe(%s) = %v, want %v", row.body, got, row.safe)
		}
		if got := fhirpath.PlainNarrative(text); got != row.quick {
			t.Errorf("plain(%s) = %v, want %v", row.body, got, row.quick)
		}
	}
	for _, text := range []string{"", "x", "<div>x</div>", `<p xmlns="http://www.w3.org/1999/xhtml">x</p>`, `<div xmlns="http://www.w3.org/1999/xhtml"/>`,
		`<div xmlns="http://www.w3.org/1999/xhtml">x</div> y`, `<div xmlns="http://www.w3.org/1999/xhtml">x`} {
		if fhirpath.SafeNarrative(text) || fhirpath.PlainNarrative(text) {
			t.Errorf("%q is a narrative", text)
		}
	}
}

// FuzzNarrative: what the quick reading accepts is a narrative for the other too.
func FuzzNarrative(f *testing.F) {
	for _, row := range narratives {
		f.Add(row.body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		text := `<div xmlns="http://www.w3.org/1999/xhtml">` + body + `</div>`
		if utf8.ValidString(text) && fhirpath.PlainNarrative(text) && !fhirpath.SafeNarrative(text) && !strings.Contains(body, "\uFFFD") {
			t.Errorf("%q is plain and not safe", body)
		}
	})
}
