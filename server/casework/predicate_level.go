package casework

import (
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
)

const systemLevel = "urn:tenon:amputation-level"

// level('transtibial syme') says that the amputation level of the case is one of
// these: that of the order once there is one (parameter amputation-level), before
// that the one of the acquisition (bodySite). A case that states none, or two,
// has no answer.
var levelPredicate = predicate("level", 1, "boolean", func(e *evaluation, _ fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	level := e.level()
	if level == "" {
		e.because("The case states no amputation level, or two.", "病例未载明截肢平面，或载明两种。")
		return nil, nil
	}
	return yes(slices.Contains(strings.Fields(args[0]), level)), nil
})

func (v *view) level() string {
	var stated []string
	for _, order := range v.named("order") {
		for p := range order.Root.Field("parameter").Items() {
			if hasCode(p.Field("code"), "urn:tenon:parameter", "amputation-level") {
				stated = append(stated, codesOf(p.Field("valueCodeableConcept"), systemLevel)...)
			}
		}
	}
	if len(stated) == 0 {
		for _, acquisition := range v.named("acquisition") {
			stated = append(stated, codesOf(acquisition.Root.Field("bodySite"), systemLevel)...)
		}
	}
	slices.Sort(stated)
	if stated = slices.Compact(stated); len(stated) != 1 {
		return ""
	}
	return stated[0]
}
