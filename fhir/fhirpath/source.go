package fhirpath

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// Rules of the failures that this package returns, for machines.
const (
	RuleSyntax = "fhirpath-syntax" // the text is no FHIRPath
	RuleType   = "fhirpath-type"   // a name, an argument or a type can never fit
	RuleEval   = "fhirpath-eval"   // the data does not fit what the expression asks
	RuleLimit  = "fhirpath-limit"  // a bound of Compile or Eval is exceeded
)

// source is the text of an expression; it turns offsets into positions.
type source string

// place is "column 7" or, in a text of several lines, "line 2, column 7".
func (s source) place(pos int) string {
	before := string(s)[:min(pos, len(s))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
	if !strings.Contains(string(s), "\n") {
		return fmt.Sprintf("column %d", column)
	}
	return fmt.Sprintf("line %d, column %d", line, column)
}

// fail makes the failure of one place in the expression.
func (s source) fail(t issue.Type, rule string, pos int, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return issue.Errorf(t, "FHIRPath %s: %s", s.place(pos), text).Rule(rule)
}

func (s source) syntax(pos int, format string, args ...any) error {
	return s.fail(issue.Invalid, RuleSyntax, pos, format, args...)
}

func (s source) mistyped(pos int, format string, args ...any) error {
	return s.fail(issue.Invalid, RuleType, pos, format, args...)
}
