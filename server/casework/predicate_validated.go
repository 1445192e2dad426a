package casework

import (
	"fmt"
	"slices"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// validated() says that each person, organisation, machine, software, material or
// process has a VerificationResult with status validated that is not overdue
// (nextScheduled). For a person the result may target the PractitionerRole or
// the Practitioner behind it. For software the result must be about its present
// version (extension validated-version): an upgrade needs its own.
var validatedPredicate = predicate("validated", 0, "boolean", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	if len(focus) == 0 {
		return nil, nil
	}
	all := true
	for _, item := range focus {
		ref := e.refOf(item)
		if !e.validated(ref) {
			e.because(fmt.Sprintf("%s has no current validation.", ref), fmt.Sprintf("%s 没有有效的验证记录。", ref))
			all = false
		}
	}
	return yes(all), nil
})

// refOf is "Type/id" of what a value is or refers to.
func (v *view) refOf(item fhirpath.Value) string {
	if r := v.resourceOf(item); r != nil {
		return r.Ref()
	}
	if n, ok := item.Node(); ok {
		return referenceOf(n)
	}
	return item.Str()
}

// validated answers for "Type/id".
func (v *view) validated(ref string) bool {
	targets := []string{ref}
	if r := v.byRef[ref]; r != nil && r.Type == "PractitionerRole" {
		targets = append(targets, referenceOf(r.Root.Field("practitioner")))
	}
	for _, target := range targets {
		if slices.ContainsFunc(v.verified[target], func(vr *Resource) bool { return v.holds(vr, target) }) {
			return true
		}
	}
	return false
}

// holds tells whether a VerificationResult is in force and about the target as it
// is now.
func (v *view) holds(vr *Resource, target string) bool {
	if vr.Root.Field("status").Str() != "validated" || !notOverdue(vr.Root, v.s.Now) {
		return false
	}
	of := v.byRef[target]
	if of == nil {
		return true
	}
	version := of.Root.Path("version", "value").Str()
	return of.Type != "Device" || version == "" || valueOf(extension(vr.Root, extensionPrefix+"validated-version")).Str() == version
}

func notOverdue(vr tree.Node, now time.Time) bool {
	_, until, ok := span(vr.Field("nextScheduled").Str())
	return ok && now.Before(until)
}

// validatedForDesign('S08', 'design-definition') says that each machine has a
// validation that also names the design (DeviceDefinition) or its product family
// (parentDevice): a product proven on one machine may not be made on another
// (clause 4.1.6.2 d).
var validatedForDesignPredicate = every("validatedForDesign", 2, func(e *evaluation, r *Resource, args []string) bool {
	var products []string
	for _, d := range e.documents("output", args[0], args[1]) {
		products = append(products, d.Ref(), referenceOf(d.Root.Field("parentDevice")))
	}
	for _, vr := range e.verified[r.Ref()] {
		targets := referencesOf(vr.Root.Field("target"))
		if e.holds(vr, r.Ref()) && slices.ContainsFunc(products, func(p string) bool { return p != "" && slices.Contains(targets, p) }) {
			return true
		}
	}
	e.because(fmt.Sprintf("%s has no current validation for this product.", r.Ref()), fmt.Sprintf("%s 未针对该产品验证或已过期。", r.Ref()))
	return false
})
