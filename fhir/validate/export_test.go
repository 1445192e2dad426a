package validate

import "tenon/fhir/fhirpath"

// Natives lists the invariants that Go judges, by their expressions.
func Natives() map[string]func(fhirpath.Value) bool {
	all := map[string]func(fhirpath.Value) bool{}
	for expr, f := range natives {
		all[expr] = func(v fhirpath.Value) bool { return f(nil, v) }
	}
	return all
}

// Guards lists the properties without which an invariant is not judged.
func Guards() map[string]string { return guards }
