package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// namedInContract() says that each person (PractitionerRole, or a reference to
// one) is named in an executed agreement of the case that is in its period.
var namedInContractPredicate = predicate("namedInContract", 0, "boolean", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	if len(focus) == 0 {
		return nil, nil
	}
	all := true
	for _, item := range focus {
		ref := item.Str()
		if n, ok := item.Node(); ok {
			ref = referenceOf(n)
		}
		if r := e.resourceOf(item); r != nil {
			ref = r.Ref()
		}
		if !e.contractNames(ref) {
			e.because(ref+" is not named in the agreement.", ref+" 未在协议中载明。")
			all = false
		}
	}
	return yes(all), nil
})

// contractNames tells whether an agreement in force names the principal.
func (v *view) contractNames(principal string) bool {
	return slices.ContainsFunc(v.contracts(), func(c *Resource) bool { return slices.Contains(namedIn(c.Root), principal) })
}

// namedIn are the persons and machines that a Contract names: the parties of its
// offers and its signers.
func namedIn(contract tree.Node) []string {
	var refs []string
	for term := range contract.Field("term").Items() {
		for party := range term.Field("offer").Field("party").Items() {
			refs = append(refs, referencesOf(party.Field("reference"))...)
		}
	}
	for signer := range contract.Field("signer").Items() {
		refs = append(refs, referencesOf(signer.Field("party"))...)
	}
	return refs
}

// topics('order delivery …') says that each agreement has a term with content for
// every topic (term.topicCodeableConcept, code of urn:tenon:topic).
var topicsPredicate = every("topics", 1, func(e *evaluation, r *Resource, args []string) bool {
	var missing []string
	for _, topic := range strings.Fields(args[0]) {
		covered := false
		for term := range r.Root.Field("term").Items() {
			if hasCode(term.Field("topicCodeableConcept"), "urn:tenon:topic", topic) && term.Field("text").Str() != "" {
				covered = true
			}
		}
		if !covered {
			missing = append(missing, topic)
		}
	}
	return e.sayMissing(r, missing)
})

// sayMissing names what is missing in a resource; it is true when nothing is.
func (e *evaluation) sayMissing(r *Resource, missing []string) bool {
	if len(missing) == 0 {
		return true
	}
	list := strings.Join(missing, ", ")
	e.because(fmt.Sprintf("%s lacks %s.", r.Ref(), list), fmt.Sprintf("%s 缺少 %s。", r.Ref(), list))
	return false
}
