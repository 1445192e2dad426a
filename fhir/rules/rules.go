// Package rules holds what the specification says of single types in prose, so
// that no profile and no invariant tells it: Bundle, Attachment, ValueSet,
// CodeSystem, StructureDefinition, SearchParameter …
//
// A rule judges one object of its type that the validator found to have the
// right shape; it never walks into resources within it, which are judged by
// themselves.
package rules

import (
	"time"

	"tenon/fhir/definition"
	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// Context is what a rule may use. Only Model is always there.
type Context struct {
	Model       *schema.Model
	Library     *definition.Library
	Terminology *terminology.Server
	// Compile compiles an expression, once, with the validator's functions.
	Compile func(expr, root string) (*fhirpath.Expr, error)
	// Resolve finds the target of a reference outside the document.
	Resolve func(reference string) (tree.Node, bool)
	// Conforms judges a resource against a profile and returns its issues.
	Conforms func(n tree.Node, profile string) []issue.Issue
	// Differential judges the differential of a StructureDefinition and makes
	// its snapshot (snapshot.Check); nil leaves that out.
	Differential func(sd tree.Node) (made []byte, found []issue.Issue)
	Now          time.Time
	// Root is the outermost resource of the document, Resource the one that the
	// object stands in, which is the object itself for a resource.
	Root, Resource tree.Node
	// Report takes an issue; sub is the place below the object, as FHIRPath
	// with a leading dot (".entry[0].fullUrl") or "".
	Report func(sub string, is issue.Issue)
	// Shared keeps what rules find out about the document from one object to
	// the next; one value serves all objects of one Root. Without it, rules
	// look no further than the resource in large documents.
	Shared *Shared
}

// Shared is empty at first. It is not safe for concurrent use.
type Shared struct{ anchors map[string]bool }

// Rule judges an object of one type.
type Rule func(c *Context, n tree.Node)

// Of gives the rule of a type: a resource or data type, or a backbone by its
// path ("Questionnaire.item"). It is nil when there is none.
func Of(typeName string) Rule {
	rule := table[typeName]
	switch {
	case !resources[typeName]:
		return rule
	case rule == nil:
		return elementIDs
	}
	return func(c *Context, n tree.Node) {
		elementIDs(c, n)
		rule(c, n)
	}
}

var table = map[string]Rule{
	"Age":                   quantityRule,
	"Attachment":            attachmentRule,
	"Bundle":                bundleRule,
	"CapabilityStatement":   capabilityStatement,
	"CodeSystem":            codeSystem,
	"Coding":                codingRule,
	"CompartmentDefinition": compartmentDefinition,
	"ConceptMap":            conceptMap,
	"ContactPoint":          contactPointRule,
	"Count":                 quantityRule,
	"Device":                deviceRule,
	"DeviceDefinition":      deviceDefinitionRule,
	"Distance":              quantityRule,
	"Duration":              quantityRule,
	"Expression":            expression,
	"HumanName":             humanNameRule,
	"Identifier":            identifierRule,
	"ImplementationGuide":   implementationGuide,
	"Measure":               measureRule,
	"MeasureReport":         measureReportRule,
	"MessageHeader":         messageHeaderRule,
	"Meta":                  metaRule,
	"Money":                 moneyRule,
	"Narrative":             narrativeRule,
	"OperationDefinition":   operationDefinition,
	"Provenance":            provenanceRule,
	"Quantity":              quantityRule,
	"Questionnaire":         questionnaireRule,
	"SampledData":           sampledDataRule,
	"SearchParameter":       searchParameter,
	"Signature":             signatureRule,
	"StructureDefinition":   structureDefinition,
	"Timing.repeat":         timingRepeatRule,
	"ValueSet":              valueSet,
}
