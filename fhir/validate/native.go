package validate

import (
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// guards name the property without which an invariant of the base holds, by its
// expression.
var guards = map[string]string{
	// Without a fullUrl, or a probability, the text is empty, which is no reason
	// to refuse an entry.
	"fullUrl.contains('/_history/').not()":                                                            "fullUrl",
	"probability is decimal implies (probability as decimal) <= 100":                                  "probabilityDecimal",
	"contained.meta.versionId.empty() and contained.meta.lastUpdated.empty()":                         "contained",
	"contained.meta.security.empty()":                                                                 "contained",
	"code.empty() or system.exists()":                                                                 "code",
	"value.empty() or system.exists()":                                                                "value",
	"dataAbsentReason.empty() or value.empty()":                                                       "dataAbsentReason",
	"value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": "component",
}

// natives are the frequent invariants that Go judges faster, by the expression
// that each stands for. native_test.go compares them with the expression.
var natives = map[string]func(*walker, fhirpath.Value) bool{
	"text.`div`.exists()": func(_ *walker, v fhirpath.Value) bool {
		return has(v, "text") && at(v).Field("text").Field("div").Exists()
	},
	"code.empty() or system.exists()":  func(_ *walker, v fhirpath.Value) bool { return !has(v, "code") || has(v, "system") },
	"value.empty() or system.exists()": func(_ *walker, v fhirpath.Value) bool { return !has(v, "value") || has(v, "system") },
	"name.exists() or telecom.exists() or address.exists() or organization.exists()": func(_ *walker, v fhirpath.Value) bool {
		return has(v, "name") || has(v, "telecom") || has(v, "address") || has(v, "organization")
	},
	// the vital signs
	"(component.empty() and hasMember.empty()) implies (dataAbsentReason.exists() or value.exists())": func(_ *walker, v fhirpath.Value) bool {
		return has(v, "component") || has(v, "hasMember") || has(v, "dataAbsentReason") || hasChoice(v, "value")
	},
	"value.exists() or dataAbsentReason.exists()": func(_ *walker, v fhirpath.Value) bool {
		return hasChoice(v, "value") || has(v, "dataAbsentReason")
	},
	"($this is dateTime and hasValue()) implies toString().length() >= 8": func(_ *walker, v fhirpath.Value) bool {
		n := at(v)
		return v.Schema() == nil || v.Schema().Name != "dateTime" || n.Kind() != tree.String || len(n.Str()) >= 8
	},
	"low.exists() or high.exists() or text.exists()": func(_ *walker, v fhirpath.Value) bool {
		return has(v, "low") || has(v, "high") || has(v, "text")
	},
}

// has tells whether an object has an element: a value or, for a primitive, its
// sibling alone.
func has(v fhirpath.Value, name string) bool {
	n := at(v)
	if x := n.Field(name); x.Exists() && x.Kind() != tree.Null {
		return true
	}
	return n.Field("_" + name).Exists()
}

// hasChoice is has for an element of several types: valueQuantity, valueString.
func hasChoice(v fhirpath.Value, name string) bool {
	n := at(v)
	if n.Kind() != tree.Object {
		return false
	}
	for member := n.First(); member.Exists(); member = member.Next() {
		property := strings.TrimPrefix(member.Name(), "_")
		if rest, ok := strings.CutPrefix(property, name); ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
			return true
		}
	}
	return false
}

func at(v fhirpath.Value) tree.Node {
	n, _ := v.Node()
	return n
}
