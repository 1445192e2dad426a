package casework

import (
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// consentCovers('examination') says that an active Consent of the patient that the
// case names, within its period, permits the purpose (provision.purpose, code of
// any system), and that no active Consent in the case denies it. Once the consent
// stage is completed, a permission counts in the version that the patient signed:
// a Consent that was changed since must be signed anew. Purposes: examination,
// custom-device-treatment, follow-up.
var consentCoversPredicate = predicate("consentCovers", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	return yes(e.consentCovers(args[0], e)), nil
})

// consentCovers answers for the case; say may be nil.
func (v *view) consentCovers(purpose string, say *evaluation) bool {
	permits := slices.ContainsFunc(v.named("consent"), func(r *Resource) bool { return v.permits(r, purpose) })
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if v.inForce(r) && denies(r.Root.Field("provision"), purpose) {
			permits = false
		}
	}
	if !permits && say != nil {
		say.because("No consent in force permits "+purpose+".", "没有有效的知情同意涵盖该用途（"+purpose+"）。")
	}
	return permits
}

// inForce tells whether a resource is an active Consent of the patient in its
// period.
func (v *view) inForce(r *Resource) bool {
	if r.Type != "Consent" || r.Root.Field("status").Str() != "active" || v.patient == "" || referenceOf(r.Root.Field("patient")) != v.patient {
		return false
	}
	period := r.Root.Path("provision", "period")
	return !period.Exists() || inPeriod(period, v.s.Now)
}

func (v *view) permits(r *Resource, purpose string) bool {
	p := r.Root.Field("provision")
	if !v.inForce(r) || p.Field("type").Str() != "permit" || !slices.Contains(purposes(p), purpose) {
		return false
	}
	s := v.consentStage()
	return s == nil || !v.consentGiven(s) || v.signedBy(r, "consent", access.PAT) != nil
}

// denies tells whether a provision, or one nested in it, denies the purpose (or
// every purpose, when it names none).
func denies(p tree.Node, purpose string) bool {
	if p.Field("type").Str() == "deny" {
		of := purposes(p)
		if len(of) == 0 || slices.Contains(of, purpose) {
			return true
		}
	}
	for nested := range p.Field("provision").Items() {
		if denies(nested, purpose) {
			return true
		}
	}
	return false
}

func purposes(p tree.Node) []string {
	var codes []string
	for c := range p.Field("purpose").Items() {
		codes = append(codes, c.Field("code").Str())
	}
	return codes
}
