package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/server/access"
)

// signed('CLIN', 'order') says that each resource bears a signature of the role
// for the purpose over its current version and bytes. A signature over an older
// version does not count, and the answer says so.
var signedPredicate = every("signed", 2, func(e *evaluation, r *Resource, args []string) bool {
	role, purpose := access.Role(args[0]), args[1]
	if e.signedBy(r, purpose, role) != nil {
		return true
	}
	e.sayUnsigned(r, purpose, role)
	return false
})

// sayUnsigned tells whether a signature is missing, refused or stale.
func (e *evaluation) sayUnsigned(r *Resource, purpose string, roles ...access.Role) {
	for _, role := range roles {
		for _, s := range slices.Backward(e.signatures[r.Ref()]) {
			if s.Purpose == purpose && s.Role == role && s.Version == r.Version && s.Outcome == Refused {
				e.because(
					fmt.Sprintf("%s refused to sign version %d of %s for %s on %s; Provenance/%s says why.", s.Signer, s.Version, r.Ref(), purpose, instant(s.When), s.Provenance),
					fmt.Sprintf("%s 已拒绝签署 %s 第 %d 版（%s），理由见 Provenance/%s。", s.Signer, r.Ref(), s.Version, purpose, s.Provenance))
				return
			}
			if s.Purpose == purpose && s.Role == role {
				e.because(
					fmt.Sprintf("The signature of %s covers version %d of %s; version %d is current and must be signed anew.", role, s.Version, r.Ref(), r.Version),
					fmt.Sprintf("%s 的签名针对 %s 的第 %d 版，当前为第 %d 版，须重新签字。", role, r.Ref(), s.Version, r.Version))
				return
			}
		}
	}
	e.because(fmt.Sprintf("%s version %d lacks the signature of %v for %s.", r.Ref(), r.Version, roles, purpose),
		fmt.Sprintf("%s 第 %d 版缺少 %v 的 %s 签名。", r.Ref(), r.Version, roles, purpose))
}

// signedAt('REV', 'plan-approval') is when the earliest of these signatures over
// the current version was made; empty if there is none.
var signedAtPredicate = predicate("signedAt", 2, "dateTime", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	var at fhirpath.Collection
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return nil, nil
		}
		s := e.signedBy(r, args[1], access.Role(args[0]))
		if s == nil {
			e.sayUnsigned(r, args[1], access.Role(args[0]))
			return nil, nil
		}
		if moment, ok := fhirpath.DateTime(instant(s.When)); ok {
			at = append(at, moment)
		}
	}
	return at, nil
})

// signedBy(%clinician, 'order') says that each resource bears a signature of that
// very person (PractitionerRole/x) for the purpose, over its current version.
var signedByPredicate = every("signedBy", 2, func(e *evaluation, r *Resource, args []string) bool {
	for _, s := range e.valid(r) {
		if s.Signer == args[0] && s.Purpose == args[1] && args[0] != "" {
			return true
		}
	}
	e.because(fmt.Sprintf("%s version %d lacks the signature of %s for %s.", r.Ref(), r.Version, args[0], args[1]),
		fmt.Sprintf("%s 第 %d 版缺少 %s 的 %s 签名。", r.Ref(), r.Version, args[0], args[1]))
	return false
})
