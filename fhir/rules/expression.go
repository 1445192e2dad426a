package rules

import (
	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// https://hl7.org/fhir/R4/metadatatypes.html#Expression

// expression demands that FHIRPath can be read. Functions and variables are
// those of whoever evaluates it, so nothing is said of them.
func expression(c *Context, n tree.Node) {
	if text(n, "language") != "text/fhirpath" {
		return
	}
	expr := text(n, "expression")
	if expr == "" {
		return
	}
	_, err := fhirpath.Compile(expr, nil)
	if is := issue.As(err); is != nil && is.Issues[0].Rule == "fhirpath-syntax" {
		c.fail("", issue.Invalid, "expression", "the expression "+issue.Quote(expr)+" is not valid: "+is.Issues[0].Text,
			"表达式 "+issue.Quote(expr)+" 无效："+chineseOr(is.Issues[0]))
	}
}
