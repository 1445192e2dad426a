package validate

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// add notes an error at the value in hand.
func (w *walker) add(t issue.Type, rule, text, chinese string) {
	w.report(issue.Error, t, rule, text, chinese)
}

// countFault notes an error at the value in hand: there are too few or too many of
// an element below it.
func (w *walker) countFault(e *element, t issue.Type, rule, text, chinese string) {
	w.take(issue.Issue{Severity: issue.Error, Type: t, Rule: rule, Path: w.path(), Element: e.path, Text: text, Chinese: chinese})
}

// warn notes a warning at the value in hand.
func (w *walker) warn(t issue.Type, rule, text, chinese string) {
	w.report(issue.Warning, t, rule, text, chinese)
}

// report notes an issue at the value in hand, once.
func (w *walker) report(s issue.Severity, t issue.Type, rule, text, chinese string) {
	w.take(issue.Issue{Severity: s, Type: t, Rule: rule, Path: w.path(), Text: text, Chinese: chinese})
}

// take keeps an issue. A profile often says again what the base or another
// profile said, so what is there already is not kept twice.
func (w *walker) take(is issue.Issue) {
	if is.Severity == "" {
		is.Severity = issue.Error
	}
	wrong := isError(is.Severity)
	if wrong && w.full() || !wrong && len(w.issues)-w.errors >= w.most {
		return
	}
	for i := range w.issues {
		if at := &w.issues[i]; at.Rule == is.Rule && at.Path == is.Path && at.Text == is.Text && at.Severity == is.Severity {
			return
		}
	}
	if wrong {
		w.errors++
	}
	if w.issues == nil {
		w.issues = make([]issue.Issue, 0, 4)
	}
	w.issues = append(w.issues, is)
}

// at runs f with a name added to the way.
func (w *walker) at(name string, f func()) {
	w.push(name, -1)
	f()
	w.pop()
}

// kind reports a value of the wrong JSON kind.
func (w *walker) kind(n tree.Node, want tree.Kind) {
	found, foundChinese := n.Kind().String(), n.Kind().Chinese()
	if n.Kind() == tree.String || n.Kind() == tree.Number || n.Kind() == tree.Bool {
		found, foundChinese = found+" "+raw(n), foundChinese+" "+raw(n)
	}
	w.add(issue.Structure, "json-kind", fmt.Sprintf("found %s, expected %s", found, want),
		fmt.Sprintf("实际为%s，应为%s", foundChinese, want.Chinese()))
}

// path is the way to the value in hand as simple FHIRPath: element names and
// indices. https://hl7.org/fhir/R4/fhirpath.html#simple
func (w *walker) path() string {
	var b strings.Builder
	b.Grow(64)
	for i := range w.frames {
		f := &w.frames[i]
		if i == 0 { // a type of the model: a backbone's name is a path already
			b.WriteString(f.name)
			continue
		}
		b.WriteByte('.')
		writeName(&b, f.name)
		if f.index >= 0 {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(f.index))
			b.WriteByte(']')
		}
	}
	return b.String()
}

// writeName writes an identifier, delimited if it is not a plain one.
func writeName(b *strings.Builder, name string) {
	plain := name != "" && !digit(name[0])
	for i := range len(name) {
		plain = plain && (letter(name[i]) || digit(name[i]) || name[i] == '_')
	}
	if plain && len(name) <= maxShown {
		b.WriteString(name)
		return
	}
	b.WriteString("`" + strings.ReplaceAll(strings.Trim(quote(name), `"`), "`", "\\`") + "`")
}

const maxShown = 64

// quote shows text of any length in a message.
func quote(s string) string {
	s = cut(s)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7F || c == '"' || c == '\\' {
			return strconv.Quote(s)
		}
	}
	return `"` + s + `"`
}

// raw shows a value as it was sent, cut short.
func raw(n tree.Node) string {
	if n.Kind() == tree.String {
		return quote(n.Str())
	}
	return cut(string(n.Raw()))
}

func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	at := maxShown
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}

// cutLong keeps a sentence of a definition at a readable length.
func cutLong(s string) string {
	const most = 300
	if len(s) <= most {
		return s
	}
	at := most
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}
