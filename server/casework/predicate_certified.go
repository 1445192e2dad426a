package casework

import (
	"fmt"
	"slices"
)

// systemValidation is how something was validated.
const systemValidation = "urn:tenon:validation-process"

// securityCertified() says that each software has a security certification
// (VerificationResult, profile security-certification) of its present version that
// is in date (clause 4.1.6.3 a).
var securityCertifiedPredicate = every("securityCertified", 0, func(e *evaluation, r *Resource, _ []string) bool {
	certified := slices.ContainsFunc(e.verified[r.Ref()], func(vr *Resource) bool {
		for p := range vr.Root.Field("validationProcess").Items() {
			if hasCode(p, systemValidation, "security-certification") {
				return e.holds(vr, r.Ref()) && len(theGuide().faults(vr, "urn:tenon:profile:security-certification")) == 0
			}
		}
		return false
	})
	if !certified {
		e.because(fmt.Sprintf("%s has no security certification of its version that is in date.", r.Ref()), fmt.Sprintf("%s 的当前版本没有有效期内的安全认证。", r.Ref()))
	}
	return certified
})
