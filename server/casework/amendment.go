package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/tree"
)

// An agreement is amended (mission/stages.md, S05: change of persons, formats,
// platform; both sign) by a new Contract: the one that was signed stays as it
// was. A change of kind agreement or team-member (X1) names it as document in the
// cases that go on under it.

// changeAgreement is the kind of change that amends the agreement.
const changeAgreement = "agreement"

// endings are the states in which an agreement that was in force ends.
var endings = []string{"terminated", "revoked", "cancelled"}

// ends tells whether a change of an agreement does nothing but end it.
func ends(was, now *Resource) bool {
	if was.Type != "Contract" || was.Root.Field("status").Str() != "executed" || !slices.Contains(endings, now.Root.Field("status").Str()) {
		return false
	}
	return slices.Equal(beside(was.Root), beside(now.Root)) && !slices.ContainsFunc(beside(now.Root), func(name string) bool {
		return !sameTree(was.Root.Field(name), now.Root.Field(name))
	})
}

// beside names what a resource has but its status and what the server keeps.
func beside(r tree.Node) (names []string) {
	for name := range r.Fields() {
		if name != "status" && name != "meta" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// amendable says of an agreement what can still be done.
func amendable(was *Resource) string {
	if was.Type != "Contract" {
		return ""
	}
	return fmt.Sprintf(" It may be ended (status %s, nothing else changed); it is amended by a new Contract that both parties sign and that a change (X1) names.", list(endings))
}

// amendments are the Contracts that the changes of the case name: between the same
// parties, and signed by both in their current version.
func (v *view) amendments() (all []*Resource) {
	agreed := v.named("agreement")
	for _, x := range v.exceptions {
		if x.code != exceptionChange || x.status() == "rejected" || x.status() == "cancelled" {
			continue
		}
		for _, ref := range documentsOf(x.task.Root) {
			r := v.byRef[ref]
			if r == nil || r.Type != "Contract" || slices.Contains(agreed, r) || slices.Contains(all, r) || !v.signedByParties(r) {
				continue
			}
			if slices.ContainsFunc(agreed, func(of *Resource) bool { return sameParties(of.Root, r.Root) }) {
				all = append(all, r)
			}
		}
	}
	return all
}

// signedByParties tells whether everybody whom the plan asks to sign the agreement
// signed this one.
func (v *view) signedByParties(r *Resource) bool {
	asked := false
	for _, s := range v.plan.Stages {
		for _, k := range s.Signatures {
			if k.Document != "agreement" {
				continue
			}
			asked = true
			if v.signedBy(r, k.Purpose, k.Roles...) == nil {
				return false
			}
		}
	}
	return asked
}

func sameParties(a, b tree.Node) bool {
	one, other := referencesOf(a.Field("subject")), referencesOf(b.Field("subject"))
	slices.Sort(one)
	slices.Sort(other)
	return len(one) > 0 && slices.Equal(one, other)
}
