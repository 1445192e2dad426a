package casework

import (
	"fmt"

	"tenon/server/access"
)

// distinctPersons('DES', 'REV', 'verification') says that each resource is
// signed by both roles, that the second signed for the purpose, and that no
// person signed as both: two roles of one person are one person.
var distinctPersonsPredicate = every("distinctPersons", 3, func(e *evaluation, r *Resource, args []string) bool {
	first, second := access.Role(args[0]), access.Role(args[1])
	seconded := e.signedBy(r, args[2], second) != nil
	signers := map[access.Role]map[string]bool{first: {}, second: {}}
	for _, s := range e.valid(r) {
		if signers[s.Role] != nil {
			signers[s.Role][s.Person] = true
		}
	}
	if !seconded || len(signers[first]) == 0 {
		e.because(fmt.Sprintf("%s is not signed by both %s and %s.", r.Ref(), first, second),
			fmt.Sprintf("%s 未由 %s 与 %s 双方签字。", r.Ref(), first, second))
		return false
	}
	for person := range signers[first] {
		if signers[second][person] || person == "" {
			e.because(fmt.Sprintf("One person signed %s as %s and as %s.", r.Ref(), first, second),
				fmt.Sprintf("同一人以 %s 和 %s 身份签署了 %s。", first, second, r.Ref()))
			return false
		}
	}
	return true
})

// gradeAbove('REV', 'DES') says that, on each resource, every signer of the
// first role has a higher grade (extension grade of the PractitionerRole) than
// every signer of the second.
var gradeAbovePredicate = every("gradeAbove", 2, func(e *evaluation, r *Resource, args []string) bool {
	above, below := access.Role(args[0]), access.Role(args[1])
	least, most := 0, 0
	for _, s := range e.valid(r) {
		grade := e.gradeOf(s.Signer)
		switch s.Role {
		case above:
			if least == 0 || grade < least {
				least = grade
			}
		case below:
			most = max(most, grade)
			if grade == 0 {
				return false
			}
		}
	}
	if least == 0 || most == 0 || least <= most {
		e.because(fmt.Sprintf("%s: the grade of %s (%d) is not above that of %s (%d).", r.Ref(), above, least, below, most),
			fmt.Sprintf("%s：%s 的等级（%d）未高于 %s（%d）。", r.Ref(), above, least, below, most))
		return false
	}
	return true
})
