package validate

import (
	"tenon/fhir/tree"
)

// contains tells whether a value holds all that a pattern holds: objects more
// members, arrays more items in any order.
// https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_
func (w *walker) contains(n, pattern tree.Node) bool {
	if w.work--; w.work < 0 {
		w.tooMuch()
		return false
	}
	if n.Kind() != pattern.Kind() {
		return false
	}
	switch n.Kind() {
	case tree.Object:
		for member := pattern.First(); member.Exists(); member = member.Next() {
			if !w.contains(n.Field(member.Name()), member) {
				return false
			}
		}
		return true
	case tree.Array:
		for want := pattern.First(); want.Exists(); want = want.Next() {
			if !w.holds(n, want) {
				return false
			}
		}
		return true
	}
	return n.Text() == pattern.Text()
}

func (w *walker) holds(array, want tree.Node) bool {
	for item := array.First(); item.Exists(); item = item.Next() {
		if w.contains(item, want) {
			return true
		}
	}
	return false
}
