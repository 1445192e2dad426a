package questionnaire

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
)

// place is the way to an element below the response; it becomes text only when
// something is reported.
type place struct {
	up    *place
	name  string
	index int // -1 without one
}

func (p *place) child(name string) *place         { return &place{p, name, -1} }
func (p *place) item(name string, i int) *place   { return &place{p, name, i} }
func (p *place) String() string                   { return string(p.append(nil)) }
func contains(values []string, value string) bool { return slices.Contains(values, value) }

func (p *place) append(b []byte) []byte {
	if p == nil || p.name == "" {
		return b
	}
	b = append(p.up.append(b), '.')
	b = append(b, p.name...)
	if p.index >= 0 {
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(p.index), 10)
		b = append(b, ']')
	}
	return b
}

func (k *checker) report(s issue.Severity, at *place, t issue.Type, rule, text, chinese string) {
	if k.issues++; k.issues > maxIssues {
		return
	}
	k.c.Report(at.String(), issue.Issue{Severity: s, Type: t, Rule: rule, Text: text, Chinese: chinese})
}

func (k *checker) fail(at *place, t issue.Type, rule, text, chinese string) {
	k.report(issue.Error, at, t, rule, text, chinese)
}

func (k *checker) warn(at *place, t issue.Type, rule, text, chinese string) {
	k.report(issue.Warning, at, t, rule, text, chinese)
}

func (k *checker) inform(at *place, t issue.Type, rule, text, chinese string) {
	k.report(issue.Information, at, t, rule, text, chinese)
}

// lack reports something that is missing: an error once the response claims to
// be complete.
func (k *checker) lack(at *place, t issue.Type, rule, text, chinese string) {
	if k.lenient {
		k.warn(at, t, rule, text, chinese)
		return
	}
	k.fail(at, t, rule, text, chinese)
}

// full tells that no more issues are taken.
func (k *checker) full() bool { return k.issues >= maxIssues }

// maxSteps bounds the work of one judgement: 10,000 groups of 10,000 questions
// would be a hundred million.
const maxSteps = 5_000_000

// step spends one step and tells whether there are more. The end of them is
// reported once, as an error, since what follows was not judged.
func (k *checker) step() bool {
	if k.steps++; k.steps == maxSteps {
		k.issues = min(k.issues, maxIssues-1)
		k.fail(&place{index: -1}, issue.TooCostly, "questionnaire-too-large",
			"the response was not judged to its end: it and its questionnaire are too large together",
			"未能完整校验：问卷与答卷合在一起过大")
	}
	return k.steps < maxSteps
}

// list joins at most ten values for a message.
func list(values []string) string {
	if len(values) > 10 {
		return strings.Join(values[:10], ", ") + " … (" + strconv.Itoa(len(values)) + ")"
	}
	return strings.Join(values, ", ")
}
