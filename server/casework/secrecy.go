package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// State secrets (clause 4.1.6.3 d). A case is said to touch them by the label
// urn:tenon:secrecy|state-secret on its root Task, its consent or its agreement
// (meta.security, in an agreement Contract.term.securityLabel too). From then on
// nothing of the case is written until a secrecy licence, in date, of every party
// that processes it is among its members.
const (
	systemSecrecy  = "urn:tenon:secrecy"
	stateSecret    = "state-secret"
	systemEvidence = "urn:tenon:evidence"
	secrecyLicence = "secrecy-licence"

	clauseSecrecy = "R001-032"
)

// secret tells whether a resource bears the label.
func (r *Resource) secret() bool {
	if r == nil || r.Type != "Task" && r.Type != "Consent" && r.Type != "Contract" {
		return false
	}
	for label := range r.Root.Path("meta", "security").Items() {
		if label.Field("system").Str() == systemSecrecy && label.Field("code").Str() == stateSecret {
			return true
		}
	}
	for term := range r.Root.Field("term").Items() {
		for label := range term.Field("securityLabel").Items() {
			if c := label.Field("classification"); c.Field("system").Str() == systemSecrecy && c.Field("code").Str() == stateSecret {
				return true
			}
		}
	}
	return false
}

// isSecrecyLicence tells whether a document says that it is one, valid or not.
func isSecrecyLicence(r *Resource) bool {
	return r != nil && r.Type == "DocumentReference" && hasCode(r.Root.Field("type"), systemEvidence, secrecyLicence)
}

// unlicensed are the parties that process a case about state secrets without a
// licence in force; none when the case is about none.
func (v *view) unlicensed() []string {
	bears := func(r Resource) bool { return (r.Type != "Task" || r.ID == v.s.Case) && r.secret() }
	if !slices.ContainsFunc(v.s.Resources, bears) {
		return nil
	}
	var without []string
	for _, party := range v.processors() {
		if !slices.ContainsFunc(v.s.Resources, func(r Resource) bool { return v.licenses(&r, party) }) {
			without = append(without, party)
		}
	}
	return without
}

// processors are the hospital and every organisation that an agreement of the case
// is with.
func (v *view) processors() []string {
	all := []string{v.hospital}
	for i := range v.s.Resources {
		if v.s.Resources[i].Type != "Contract" {
			continue
		}
		for _, party := range referencesOf(v.s.Resources[i].Root.Field("subject")) {
			if !slices.Contains(all, party) {
				all = append(all, party)
			}
		}
	}
	return all
}

// licenses tells whether a document is a licence in force of a party.
func (v *view) licenses(r *Resource, party string) bool {
	return isSecrecyLicence(r) && r.Root.Field("status").Str() == "current" && referenceOf(r.Root.Field("custodian")) == party &&
		inPeriod(r.Root.Path("context", "period"), v.s.Now) && len(theGuide().faults(r, "urn:tenon:profile:evidence")) == 0
}

// secrecy refuses every write of a case about state secrets while a licence is
// missing. What brings the licence, and the label itself, are let through; a
// label that is on stays on.
func (d *decider) secrecy() {
	if d.actor != nil && d.actor.Kind == access.Server {
		return // what follows from what was judged in another case
	}
	changed := d.differing()
	for _, c := range changed {
		if c.was.secret() && !c.now.secret() {
			d.refuse(409, d.after.guard(nil, "secrecy-label", clauseSecrecy,
				fmt.Sprintf("%s bears the label of state secrets, which stays on it.", c.now.Ref()), "国家秘密标识不可移除。"))
		}
	}
	without := d.after.unlicensed()
	if len(without) == 0 || !slices.ContainsFunc(changed, func(c difference) bool { return !d.bringsLicence(c) }) {
		return
	}
	d.refuse(409, d.after.guard(nil, secrecyLicence, clauseSecrecy,
		fmt.Sprintf("The case touches state secrets; nothing is written until a secrecy licence in force of %s is on file (DocumentReference of type %s|%s, custodian = the party).", list(without), systemEvidence, secrecyLicence),
		fmt.Sprintf("病例涉及国家秘密；%s 的保密资质（许可）入档前不得写入任何数据。", list(without))))
}

// bringsLicence tells whether a change brings a licence, the file of one, or sets
// the label and nothing else.
func (d *decider) bringsLicence(c difference) bool {
	switch {
	case isSecrecyLicence(c.now):
		return c.was == nil || isSecrecyLicence(c.was)
	case c.now.Type == "Binary" && c.was == nil:
		return slices.ContainsFunc(d.after.s.Resources, func(r Resource) bool {
			return isSecrecyLicence(&r) && holds(&r, c.now.Ref())
		})
	}
	return c.was != nil && !c.was.secret() && c.now.secret() && sameBut(c.was.Root, c.now.Root, "meta")
}

// holds tells whether a document has its file in a Binary.
func holds(r *Resource, binary string) bool {
	for content := range r.Root.Field("content").Items() {
		if cleanReference(content.Path("attachment", "url").Str()) == binary {
			return true
		}
	}
	return false
}

// sameBut compares two versions without regard to one element.
func sameBut(was, now tree.Node, name string) bool {
	for _, pair := range [][2]tree.Node{{was, now}, {now, was}} {
		for field, value := range pair[0].Fields() {
			if field != name && !sameTree(value, pair[1].Field(field)) {
				return false
			}
		}
	}
	return true
}
