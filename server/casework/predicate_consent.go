package casework

import (
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// consentCovers('examination') says that an active Consent of the patient, within
// its period, permits the purpose (provision.purpose, code of any system), and
// that no active Consent of the case denies it. Purposes: examination,
// custom-device-treatment, follow-up.
var consentCoversPredicate = predicate("consentCovers", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	return yes(e.consentCovers(args[0], e)), nil
})

// consentCovers answers for the case; say may be nil.
func (v *view) consentCovers(purpose string, say *evaluation) bool {
	permits := false
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if r.Type != "Consent" || r.Root.Field("status").Str() != "active" || referenceOf(r.Root.Field("patient")) != v.patient || v.patient == "" {
			continue
		}
		p := r.Root.Field("provision")
		if p.Field("period").Exists() && !inPeriod(p.Field("period"), v.s.Now) {
			continue
		}
		if denies(p, purpose) {
			permits = false
			break
		}
		permits = permits || p.Field("type").Str() == "permit" && slices.Contains(purposes(p), purpose)
	}
	if !permits && say != nil {
		say.because("No active consent permits "+purpose+".", "没有有效的知情同意涵盖该用途（"+purpose+"）。")
	}
	return permits
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
