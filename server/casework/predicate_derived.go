package casework

import (
	"fmt"
	"slices"

	"tenon/fhir/fhirpath"
)

// derivedFromEach('S02', 'stump-measure') says that every Observation that the
// stage brings under that document code is a source (derivedFrom) of one in the
// input with the same code: no measure of the body is left without its measure
// of the device.
var derivedFromEachPredicate = predicate("derivedFromEach", 2, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	sources := e.documents("output", args[0], args[1])
	if len(focus) == 0 || len(sources) == 0 {
		return nil, nil
	}
	all := true
	for _, source := range sources {
		if !slices.ContainsFunc(focus, func(item fhirpath.Value) bool {
			r := e.resourceOf(item)
			return r != nil && slices.Contains(referencesOf(r.Root.Field("derivedFrom")), source.Ref()) && sharesCode(r, source)
		}) {
			e.because(fmt.Sprintf("Nothing is derived from %s.", source.Ref()), fmt.Sprintf("没有由 %s 得出的对应项。", source.Ref()))
			all = false
		}
	}
	return yes(all), nil
})

// sharesCode tells whether two resources have a coding in common.
func sharesCode(a, b *Resource) bool {
	for coding := range a.Root.Path("code", "coding").Items() {
		if hasCode(b.Root.Field("code"), coding.Field("system").Str(), coding.Field("code").Str()) {
			return true
		}
	}
	return false
}
