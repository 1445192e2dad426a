package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// sections('methods acceptance-criteria') says that each Composition has every
// section (section.code, code of urn:tenon:section), filled with text or
// entries, or marked empty with a reason (emptyReason: not applicable, which the
// signature on the Composition covers).
var sectionsPredicate = every("sections", 1, func(e *evaluation, r *Resource, args []string) bool {
	var missing []string
	for _, code := range strings.Fields(args[0]) {
		if !filledSection(r.Root.Field("section"), code) {
			missing = append(missing, code)
		}
	}
	return e.sayMissing(r, missing)
})

func filledSection(sections tree.Node, code string) bool {
	for s := range sections.Items() {
		if hasCode(s.Field("code"), "urn:tenon:section", code) &&
			(s.Path("text", "div").Str() != "" || s.Field("entry").Len() > 0 || s.Path("emptyReason").Exists()) {
			return true
		}
		if filledSection(s.Field("section"), code) {
			return true
		}
	}
	return false
}

// parameters('material structure') says that each order has every parameter
// (parameter.code, code of urn:tenon:parameter) with a value, or says why it does
// not apply (extension not-applicable), which the signature on the order covers.
var parametersPredicate = every("parameters", 1, func(e *evaluation, r *Resource, args []string) bool {
	var missing []string
	for _, code := range strings.Fields(args[0]) {
		found := false
		for p := range r.Root.Field("parameter").Items() {
			found = found || hasCode(p.Field("code"), "urn:tenon:parameter", code) && (stated(valueOf(p)) || inapplicableBecause(p) != "")
		}
		if !found {
			missing = append(missing, code)
		}
	}
	return e.sayMissing(r, missing)
})

// inapplicableBecause is why a requirement does not apply, "" where it does.
func inapplicableBecause(n tree.Node) string {
	return valueOf(extension(n, extensionPrefix+"not-applicable")).Str()
}

// stated tells whether a parameter's value says something.
func stated(n tree.Node) bool {
	switch n.Kind() {
	case tree.Object:
		return n.Len() > 0
	case tree.Bool, tree.Number:
		return true
	}
	return n.Str() != ""
}

// traces('S06', 'order') says that the designs of its input answer every
// parameter of the order: for each parameter code there is a property of that
// type, or an extension not-applicable that names it (clause 5.3.1). What the
// order itself calls not applicable needs no answer.
var tracesPredicate = predicate("traces", 2, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	orders := e.documents("output", args[0], args[1])
	if len(focus) == 0 || len(orders) == 0 {
		return nil, nil
	}
	var answered []string
	for _, item := range focus {
		if r := e.resourceOf(item); r != nil {
			for p := range r.Root.Field("property").Items() {
				answered = append(answered, codesOf(p.Field("type"), "urn:tenon:parameter")...)
			}
			for _, ext := range extensions(r.Root, extensionPrefix+"not-applicable") {
				answered = append(answered, valueOf(ext).Str())
			}
		}
	}
	all := true
	for _, order := range orders {
		var missing []string
		for p := range order.Root.Field("parameter").Items() {
			code := codeOf(p.Field("code"), "urn:tenon:parameter")
			if inapplicableBecause(p) == "" && !slices.Contains(answered, code) {
				missing = append(missing, code)
			}
		}
		if len(missing) > 0 {
			list := strings.Join(missing, ", ")
			e.because(fmt.Sprintf("No design item answers %s of %s.", list, order.Ref()), fmt.Sprintf("%s 的要求 %s 无对应设计项。", order.Ref(), list))
			all = false
		}
	}
	return yes(all), nil
})
