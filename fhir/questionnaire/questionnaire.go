// Package questionnaire judges a QuestionnaireResponse by its Questionnaire.
//
//   - https://hl7.org/fhir/R4/questionnaire.html
//   - https://hl7.org/fhir/R4/questionnaireresponse.html
package questionnaire

import (
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// Context is what the judgement may use; only Model is always there.
type Context struct {
	Model       *schema.Model
	Library     *definition.Library
	Terminology *terminology.Server
	// Compile compiles an expression, once, with the validator's functions.
	Compile func(expr, root string) (*fhirpath.Expr, error)
	// Resolve finds the target of a reference outside the document.
	Resolve func(reference string) (tree.Node, bool)
	Now     time.Time
	// Report takes an issue; sub is the place below the response, as FHIRPath
	// with a leading dot (".item[0].answer[1].value") or "".
	Report func(sub string, is issue.Issue)
}

// Check judges the response. The questionnaire is the one that it names.
func Check(c *Context, response, questionnaire tree.Node) {}
