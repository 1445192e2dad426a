package validate

// https://hl7.org/fhir/R4/security.html#narrative

import (
	"strings"

	"tenon/fhir/issue"
)

// markup judges text in which a tag of HTML seems to stand: whoever shows it
// unescaped would run it.
func (w *walker) markup(text string, markdown bool) {
	if strings.IndexByte(text, '<') < 0 {
		return
	}
	at := tag(text)
	if at < 0 {
		return
	}
	severity := issue.Warning
	if markdown {
		if severity = issue.Information; w.o.PlainMarkdown {
			severity = issue.Error
		}
	} else if w.o.Markup {
		severity = issue.Error
	}
	w.report(severity, issue.Invalid, "text-markup", "the text seems to hold an HTML tag at "+quote(text[at:])+": it must be shown as it is written, or left out",
		"文本中似乎含有 HTML 标签 "+quote(text[at:])+"：显示时必须转义，或请删除")
}

// tag finds what looks like the start of a tag: < or </ and a letter, up to >.
func tag(text string) int {
	for i := 0; i < len(text); i++ {
		at := strings.IndexByte(text[i:], '<')
		if at < 0 {
			return -1
		}
		i += at
		name := strings.TrimPrefix(text[i+1:], "/")
		if name != "" && letter(name[0]) && strings.IndexByte(name, '>') > 0 {
			return i
		}
	}
	return -1
}
