package main

import (
	"fmt"
	"strings"
)

// reason says why results of one kind differ, with the clause that decides.
type reason struct {
	text    string
	applies func(e *expression, ours, theirs []any, failure error, theirFailure string) bool
}

var reasons = []reason{
	{
		"fhirpath.js has no hasExtension(), which R4's parameter item-subject uses though no text defines it",
		func(_ *expression, _, _ []any, _ error, theirs string) bool {
			return strings.Contains(theirs, "Not implemented: hasExtension")
		},
	},
	{
		"`as` on several items: an error in N1 (https://hl7.org/fhirpath/N1/#as-type-specifier), as fhirpath.js has it; R4's own search parameters rely on a filter (https://hl7.org/fhir/R4/searchparameter-registry.html, combo-value-quantity), so search parameters and invariants filter here (Env.FilterAs)",
		func(_ *expression, _, _ []any, _ error, theirs string) bool {
			return strings.Contains(theirs, "Expected singleton on left side of 'as'")
		},
	},
	{
		"hasValue() on Narrative.div: xhtml is a primitive type (https://hl7.org/fhir/R4/xhtml.profile.json.html, kind primitive-type), and hasValue() is true for a primitive with a value (https://hl7.org/fhir/R4/fhirpath.html#functions); fhirpath.js says false",
		func(e *expression, _, _ []any, _ error, _ string) bool { return e.name == "ele-1" && e.Base == "xhtml" },
	},
	{
		"`as uri` on a canonical: as() and ofType() take the very primitive type, as the official suite has it (testFHIRPathAsFunction11, 13, 16, 18: Patient.gender.as(string) is empty); fhirpath.js takes derived ones and leaves those cases out",
		func(e *expression, ours, theirs []any, _ error, _ string) bool {
			return strings.Contains(e.Text, " as uri)") && len(ours) < len(theirs)
		},
	},
	{
		"1E-22 and 1E-245 in one union: decimals are equal if they are exactly equal (https://hl7.org/fhirpath/N1/#equals); fhirpath.js rounds before it compares",
		func(e *expression, ours, theirs []any, _ error, _ string) bool {
			return e.Text == "Observation | Observation.component" && len(ours) == len(theirs)+1
		},
	},
}

// reasonOf names the reason of a difference; what has none is "not explained".
func reasonOf(e *expression, ours, theirs []any, failure error, theirFailure string) string {
	for _, r := range reasons {
		if failure == nil && r.applies(e, ours, theirs, failure, theirFailure) {
			return r.text
		}
	}
	switch {
	case failure != nil && theirFailure == "":
		return "not explained: we fail: " + cutPlace(failure.Error())
	case failure == nil && theirFailure != "":
		return "not explained: they fail: " + cutPlace(theirFailure)
	case failure != nil:
		return "not explained: both fail"
	}
	return fmt.Sprintf("not explained: %s %s (%d and %d items)", e.kind, e.name, len(ours), len(theirs))
}

// cutPlace leaves out what differs from one failure to the next.
func cutPlace(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	s, _, _ = strings.Cut(s, ", got ")
	return short(s)
}

// dialect writes an expression for the other engine: its regular expressions
// are JavaScript's with the flag u, which refuse escapes that PCRE, the dialect
// of https://hl7.org/fhirpath/N1/#matchesregex--string--boolean, allows. The
// patterns mean the same.
func dialect(text string) string {
	for _, pair := range [][2]string{
		// eld-19, eld-20, sdf-… : \' \" \/ within a class, a lone bracket, \- \_ \@
		{`(\\[x])?)*`, `(\\[x\\])?)*`},
		{`'[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\.[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}(\\[x\\])?(\\:[^\\s\\.]+)?)*'`,
			`'[^\\s\\.,:;\'"\\/|?!@#$%&*()\\[\\]\\{\\}]{1,64}(\\.[^\\s\\.,:;\'"\\/|?!@#$%&*()\\[\\]\\{\\}]{1,64}(\\[x\\])?(:[^\\s\\.]+)?)*'`},
		{`[a-zA-Z0-9\\/\\-_\\[\\]\\@]`, `[a-zA-Z0-9\\/\\-_\\[\\]@]`},
	} {
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text
}
