package casework

import (
	"slices"
	"strings"

	"tenon/server/access"
)

// gateDisclose opens a case to the manufacturer's people.
const gateDisclose = "G-DISCLOSE"

// Levels up to which a case is open (mission/grading.md §2.1).
const (
	ceilingTeam  access.Level = 5 // the treating hospital and the patient
	ceilingMaker access.Level = 4 // the manufacturer's people and machines
)

// grants is the whole access table of a case. The default is nobody.
//
//	requester, patient and representative   always
//	members of the team, of the hospital    always
//	members of the team, of another party   named in the agreement, and G-DISCLOSE open
//	machines named in the agreement         G-DISCLOSE open and production has started
//	whom the clinician asks in follow-up    until the time that is named, for reading
//
// In a case without a patient and without G-DISCLOSE (an agreement), the persons
// whom the agreement names.
func (v *view) grants() []Grant {
	table := v.admitted()
	for _, principal := range v.participants() {
		table[principal] = max(table[principal], ceilingMaker)
	}
	var all []Grant
	for principal, ceiling := range table {
		all = append(all, Grant{principal, ceiling})
	}
	slices.SortFunc(all, func(a, b Grant) int { return strings.Compare(a.Principal, b.Principal) })
	return all
}

// admitted is the table without those who only take part in follow-up.
func (v *view) admitted() map[string]access.Level {
	table := map[string]access.Level{}
	open := func(principal string, ceiling access.Level) {
		if principal != "" && table[principal] < ceiling {
			table[principal] = ceiling
		}
	}
	open(v.clinician, ceilingTeam)
	open(v.patient, ceilingTeam)
	for _, representative := range v.representatives() {
		open(representative, ceilingTeam)
	}
	disclosed := v.disclosed()
	for _, m := range v.members() {
		role := v.byRef[m.ref]
		switch {
		case role == nil || role.Type != "PractitionerRole" || v.hospital == "":
		case referenceOf(role.Root.Field("organization")) == v.hospital:
			open(m.ref, ceilingTeam)
		case (disclosed || m.role == access.PROD && v.waitsForMachine()) && v.contractNames(m.ref):
			open(m.ref, ceilingMaker)
		}
	}
	for _, machine := range v.machines(disclosed) {
		open(machine, ceilingMaker)
	}
	if v.plan.Gate(gateDisclose) == nil {
		for _, party := range v.parties() {
			open(party, ceilingMaker)
		}
	}
	return table
}

// disclosed tells whether every condition of G-DISCLOSE holds now. A plan without
// the gate discloses nothing by it.
func (v *view) disclosed() bool {
	found := false
	for _, s := range v.plan.Stages {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			if c.Gate != gateDisclose || c.Kind != Start {
				continue
			}
			if _, ok := v.judge(s, c); !ok {
				return false
			}
			found = true
		}
	}
	return found
}

// representatives are the RelatedPersons who consented for the patient.
func (v *view) representatives() []string {
	var refs []string
	for _, r := range v.named("consent") {
		if r.Root.Field("status").Str() != "active" || referenceOf(r.Root.Field("patient")) != v.patient {
			continue
		}
		for _, performer := range referencesOf(r.Root.Field("performer")) {
			if strings.HasPrefix(performer, "RelatedPerson/") {
				refs = append(refs, performer)
			}
		}
	}
	return refs
}

// machines are the Devices that the agreement names, once production has started.
func (v *view) machines(disclosed bool) []string {
	if !v.waitsForAnswer() && (!disclosed || !v.producing()) {
		return nil
	}
	var refs []string
	for _, c := range v.contracts() {
		for _, party := range namedIn(c.Root) {
			if strings.HasPrefix(party, "Device/") {
				refs = append(refs, party)
			}
		}
	}
	return refs
}

// producing tells whether G-PRODUCE was passed: production is at work, on hold or
// done, on the design that is current.
func (v *view) producing() bool {
	for _, s := range v.plan.Stages {
		task := v.current(s.Code)
		if !opensProduction(s) || task == nil || !v.grounded(s) {
			continue
		}
		switch substateOf(task.Root) {
		case Working, ChangePending, Nonconformity, Completed:
			return true
		}
	}
	return false
}

// parties are the persons named in any agreement of the case that is not void.
func (v *view) parties() []string {
	var refs []string
	for _, r := range v.named("agreement") {
		if slices.Contains([]string{"entered-in-error", "cancelled", "revoked"}, r.Root.Field("status").Str()) {
			continue
		}
		for _, party := range namedIn(r.Root) {
			if strings.HasPrefix(party, "PractitionerRole/") {
				refs = append(refs, party)
			}
		}
	}
	return refs
}
