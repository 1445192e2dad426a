package questionnaire

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// valueTypes are the types of value[x] that an answer to a question of each
// kind has. https://hl7.org/fhir/R4/valueset-item-type.html
var valueTypes = map[string]string{
	"boolean": "boolean", "decimal": "decimal", "integer": "integer", "date": "date",
	"dateTime": "dateTime", "time": "time", "string": "string", "text": "string",
	"url": "uri", "attachment": "Attachment", "reference": "Reference", "quantity": "Quantity",
	"choice": "Coding", "open-choice": "Coding",
}

// answer judges one value by its question.
func (k *checker) answer(q *question, answer tree.Node, at *place) {
	kind, value := choice(answer, "value")
	here := at.child("value")
	if !value.Exists() || !k.typed(q, kind, here) {
		return
	}
	k.length(q, kind, value, here)
	k.pattern(q, kind, value, here)
	k.bounds(q, kind, value, here)
	k.places(q, kind, value, here)
	switch kind {
	case "Attachment":
		k.attachment(q, value, at)
	case "Reference":
		k.reference(q, value, here)
	case "Quantity":
		k.quantity(q, value, here)
	}
	k.option(q, kind, value, at, here)
}

// typed wants a value of the question's type. A choice takes the types of its
// options too, an open choice also text.
func (k *checker) typed(q *question, kind string, at *place) bool {
	want, known := valueTypes[q.kind]
	if !known || kind == want || kind == "string" && q.open() || !isValueType(kind) {
		return true
	}
	names := want
	if want == "Coding" {
		for _, o := range q.options {
			if o.kind == kind {
				return true
			}
			if !strings.Contains(names, o.kind) {
				names += ", " + o.kind
			}
		}
		if q.open() {
			names += ", string"
		}
	}
	k.fail(at, issue.Invariant, "questionnaire-answer-type",
		fmt.Sprintf("found an answer of type %s to %s, expected %s", kind, issue.Quote(q.linkID), names),
		fmt.Sprintf("问题 %s 的答案类型为 %s，应为 %s", issue.Quote(q.linkID), kind, names))
	return false
}

// isValueType leaves types that no answer may have to the base definitions.
func isValueType(kind string) bool {
	for _, t := range valueTypes {
		if t == kind {
			return true
		}
	}
	return false
}

// length judges the characters of text, and of a number as it is written.
func (k *checker) length(q *question, kind string, value tree.Node, at *place) {
	switch kind {
	case "string", "uri", "decimal", "integer":
	default:
		return
	}
	n := utf8.RuneCountInString(value.Text())
	if least, ok := count(q.minLength); ok && n < least {
		k.fail(at, issue.Invariant, "questionnaire-min-length",
			fmt.Sprintf("found %d characters, expected at least %d: %s", n, least, issue.Quote(value.Text())),
			fmt.Sprintf("答案有 %d 个字符，应至少 %d 个：%s", n, least, issue.Quote(value.Text())))
	}
	if most, ok := count(q.node.Field("maxLength")); ok && n > most {
		k.fail(at, issue.Invariant, "questionnaire-max-length",
			fmt.Sprintf("found %d characters, expected at most %d: %s", n, most, issue.Quote(value.Text())),
			fmt.Sprintf("答案有 %d 个字符，应至多 %d 个：%s", n, most, issue.Quote(value.Text())))
	}
}

// maxPattern bounds the length of a regular expression in bytes. They run in
// linear time; what they can't say (look-around, references back) is reported.
const maxPattern = 2000

func (k *checker) pattern(q *question, kind string, value tree.Node, at *place) {
	if q.regex == "" || value.Text() == "" {
		return
	}
	re := k.compiled(q)
	if re == nil {
		k.warn(at, issue.NotSupported, "questionnaire-regex",
			"the answer could not be checked: the questionnaire's pattern "+issue.Quote(q.regex)+" is not a regular expression that is understood here",
			"无法校验答案：问卷中的正则表达式 "+issue.Quote(q.regex)+" 不受支持")
		return
	}
	if re.MatchString(value.Text()) {
		return
	}
	wanted := issue.Quote(q.regex)
	if q.format != "" {
		wanted = issue.Quote(q.format) + " (" + wanted + ")"
	}
	k.fail(at, issue.Invariant, "questionnaire-regex",
		fmt.Sprintf("found %s, expected the format %s", issue.Quote(value.Text()), wanted),
		fmt.Sprintf("答案为 %s，应符合格式 %s", issue.Quote(value.Text()), wanted))
}

// compiled gives the pattern, which must match the whole answer; nil if it is
// none. Each is compiled once.
func (k *checker) compiled(q *question) *regexp.Regexp {
	if !q.regexRead && len(q.regex) <= maxPattern {
		q.pattern, _ = regexp.Compile(`\A(?:` + q.regex + `)\z`)
	}
	q.regexRead = true
	return q.pattern
}
