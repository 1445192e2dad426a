// Package issue is the one error language of Tenon: a problem is a FHIR
// OperationOutcome issue from the moment it is found until a door renders it
// (as OperationOutcome, RFC 6749 error or DICOM failure sequence).
// It performs no I/O and knows no door.
//
// https://hl7.org/fhir/R4/operationoutcome.html
package issue

import (
	"errors"
	"fmt"
	"strings"
)

// Type is a code of the value set issue-type.
// https://hl7.org/fhir/R4/valueset-issue-type.html
type Type string

// The issue types that Tenon uses.
const (
	Invalid         Type = "invalid"
	Structure       Type = "structure"
	Required        Type = "required"
	Value           Type = "value"
	Invariant       Type = "invariant"
	Login           Type = "login"
	Forbidden       Type = "forbidden"
	Processing      Type = "processing"
	NotSupported    Type = "not-supported"
	Duplicate       Type = "duplicate"
	MultipleMatches Type = "multiple-matches"
	NotFound        Type = "not-found"
	Deleted         Type = "deleted"
	TooLong         Type = "too-long"
	CodeInvalid     Type = "code-invalid"
	Extension       Type = "extension"
	TooCostly       Type = "too-costly"
	BusinessRule    Type = "business-rule"
	Conflict        Type = "conflict"
	Transient       Type = "transient"
	NoStore         Type = "no-store"
	Exception       Type = "exception"
	Throttled       Type = "throttled"
	Informational   Type = "informational"
)

// Severity is a code of the value set issue-severity; its zero value reads as
// Error.
type Severity string

// The severities of https://hl7.org/fhir/R4/valueset-issue-severity.html.
const (
	Fatal       Severity = "fatal"
	Error       Severity = "error"
	Warning     Severity = "warning"
	Information Severity = "information"
)

// Issue is one problem: where it is, which rule it breaks, what was found and
// what to do.
type Issue struct {
	Severity Severity
	Type     Type
	// Rule is a stable code for machines, rendered as details.coding of the
	// system urn:tenon:rule, e.g. "json-duplicate-key" or "G-CONFIRM/2".
	Rule string
	// Path is the FHIRPath of the element (Patient.name[0].given), or the name
	// of the URL parameter or header.
	Path string
	// Element is the id of the element of a profile that there are too few or too
	// many of (ServiceRequest.extension:protocol); Path is where they are counted.
	Element string
	// Text tells a person what was found, what was expected and what to do.
	Text string
	// Chinese is Text in Chinese, where a clinician may see it.
	Chinese string
	// Clause names the rows of the requirements that the rule comes from, a space
	// between them (R001-042 R001-043).
	Clause string
}

// Failure is an error made of issues. Status is the HTTP status that a door
// answers with; 0 means the default of the first issue's type.
type Failure struct {
	Status int
	Issues []Issue
}

// Error joins the texts. It may hold values that the caller sent, so it is for
// that caller, never for a log.
func (f *Failure) Error() string {
	texts := make([]string, len(f.Issues))
	for i, is := range f.Issues {
		texts[i] = is.String()
	}
	return strings.Join(texts, "; ")
}

// String is "path: text (rule)" without the parts that are empty.
func (is Issue) String() string {
	s := is.Text
	if is.Path != "" {
		s = is.Path + ": " + s
	}
	if is.Rule != "" {
		s += " (" + is.Rule + ")"
	}
	return s
}

// Errorf makes a failure of one issue.
func Errorf(t Type, format string, args ...any) *Failure {
	return &Failure{Issues: []Issue{{Type: t, Text: fmt.Sprintf(format, args...)}}}
}

// New makes a failure of these issues.
func New(issues ...Issue) *Failure { return &Failure{Issues: issues} }

// At sets the element path of the first issue.
func (f *Failure) At(path string) *Failure { f.Issues[0].Path = path; return f }

// Rule sets the rule code of the first issue.
func (f *Failure) Rule(code string) *Failure { f.Issues[0].Rule = code; return f }

// Clause sets the clause of the first issue.
func (f *Failure) Clause(id string) *Failure { f.Issues[0].Clause = id; return f }

// Chinese sets the Chinese text of the first issue.
func (f *Failure) Chinese(text string) *Failure { f.Issues[0].Chinese = text; return f }

// WithStatus sets the HTTP status.
func (f *Failure) WithStatus(status int) *Failure { f.Status = status; return f }

// As finds the failure inside an error, or nil: what is not a failure is a
// defect of the server, and a door answers 500 without its detail.
func As(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return nil
}

// HTTPStatus is the status that a door answers with (design law 4): absent and
// out of reach read 404, a conflict of state 409, an unmet condition 422.
func (f *Failure) HTTPStatus() int {
	if f.Status != 0 {
		return f.Status
	}
	if len(f.Issues) == 0 {
		return 500
	}
	if s, ok := statusOf[f.Issues[0].Type]; ok {
		return s
	}
	return 400
}

var statusOf = map[Type]int{
	Login: 401, Forbidden: 403, NotFound: 404, Deleted: 410, Duplicate: 409,
	Conflict: 409, MultipleMatches: 412, TooLong: 413, TooCostly: 403,
	BusinessRule: 422, Invariant: 422, Required: 422, Value: 422, CodeInvalid: 422,
	Extension: 422, Processing: 422, Throttled: 429, Transient: 503, NoStore: 507, Exception: 500,
}
