package casework

import (
	"tenon/fhir/fhirpath"
	"tenon/server/access"
)

// inTeamAs('DES') says that one of the persons in its input is an active member
// of the team in that role.
var inTeamAsPredicate = predicate("inTeamAs", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	for _, item := range focus {
		n, ok := item.Node()
		if !ok {
			continue
		}
		for _, m := range e.members() {
			if m.ref == referenceOf(n) && m.role == access.Role(args[0]) {
				return yes(true), nil
			}
		}
	}
	return yes(false), nil
})

// participant is a participant of an active CareTeam now.
type participant struct {
	ref  string // PractitionerRole/x
	role access.Role
}

// members are the participants of the active teams whose period holds.
func (v *view) members() []participant {
	var all []participant
	for _, team := range v.teams() {
		for p := range team.Root.Field("participant").Items() {
			if p.Field("period").Exists() && !inPeriod(p.Field("period"), v.s.Now) {
				continue
			}
			ref := referenceOf(p.Field("member"))
			if ref == "" {
				continue
			}
			codes := codesOf(p.Field("role"), systemRole)
			if len(codes) == 0 {
				codes = []string{""}
			}
			for _, code := range codes {
				m := participant{ref, access.Role(code)}
				all = append(append(all, m), v.deputies(m)...)
			}
		}
	}
	return all
}

// inTeam tells whether the principal is a member in any role.
func (v *view) inTeam(principal string) bool {
	for _, m := range v.members() {
		if m.ref == principal {
			return true
		}
	}
	return false
}
