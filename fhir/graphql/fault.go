package graphql

import (
	"encoding/json"
	"errors"
	"strings"

	"tenon/fhir/issue"
)

// Fault is why a request was refused or broke off, with its place in the
// document. errors.As and issue.As find the failure inside.
// https://spec.graphql.org/October2021/#sec-Errors
type Fault struct {
	Failure      error // an *issue.Failure, or a fault of the source
	Line, Column int   // from 1; 0 where the document is not to blame
	Path         []any // of the answer: names and indices
	// Early says that nothing was executed: the document was refused.
	Early bool
}

func (f *Fault) Error() string { return f.Failure.Error() }

// Unwrap is the failure.
func (f *Fault) Unwrap() error { return f.Failure }

// place is the line and column of an offset.
func place(src string, at int) (line, column int) {
	before := src[:min(at, len(src))]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
}

// refuse makes a failure of the document.
func refuse(t issue.Type, rule, chinese, format string, args ...any) *issue.Failure {
	return issue.Errorf(t, format, args...).WithStatus(400).Rule("graphql-" + rule).Chinese(chinese)
}

func costly(chinese, format string, args ...any) *issue.Failure {
	return refuse(issue.TooCostly, "limit", chinese, format, args...)
}

// The form of an error in the answer. R4 puts an OperationOutcome into the
// extensions. https://hl7.org/fhir/R4/graphql.html#errors
type (
	errorForm struct {
		Message    string     `json:"message"`
		Locations  []location `json:"locations,omitempty"`
		Path       []any      `json:"path,omitempty"`
		Extensions extensions `json:"extensions"`
	}
	location struct {
		Line   int `json:"line"`
		Column int `json:"column"`
	}
	extensions struct {
		Resource issue.Outcome `json:"resource"`
	}
)

// Refusal renders an error whose failure is known: the answer without data, or
// with data null where execution had begun.
func Refusal(err error, failure *issue.Failure) []byte {
	form := errorForm{Message: failure.Error(), Extensions: extensions{failure.Outcome()}}
	data := ""
	if f, ok := asFault(err); ok {
		form.Path = f.Path
		if f.Line > 0 {
			form.Locations = []location{{f.Line, f.Column}}
		}
		if !f.Early {
			data = `,"data":null`
		}
	}
	body, err := json.Marshal([]errorForm{form})
	if err != nil {
		panic(err) // texts, numbers and an outcome always encode
	}
	return []byte(`{"errors":` + string(body) + data + `}`)
}

func asFault(err error) (*Fault, bool) { return errors.AsType[*Fault](err) }
