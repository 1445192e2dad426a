package validate

import (
	"strings"

	"tenon/fhir/tree"
)

const (
	maxValueSet       = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
	additionalBinding = "http://hl7.org/fhir/tools/StructureDefinition/additional-binding"
	additionalOfR5    = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition.binding.additional"
)

// vitalUnits are the units of the vital signs. R4's profiles require them of all
// components, of those too that are no vital sign (an oxygen flow), which was not
// meant; slices keep what they require.
const vitalUnits = "http://hl7.org/fhir/ValueSet/ucum-vitals-common|4.0.1"

// bindings reads the binding where it differs from the base's, and what
// extensions add to it.
func (r *reader) bindings(e *element, n tree.Node) {
	b := n.Field("binding")
	strength, set := string(b.Field("strength").AppendStr(nil)), string(b.Field("valueSet").AppendStr(nil))
	if strength == "required" && set == vitalUnits && strings.HasSuffix(e.path, "Observation.component.value") {
		strength = "extensible"
	}
	if (strength == "required" || strength == "extensible") && set != "" && !r.baseHas(e, strength, set) {
		e.bindings = append(e.bindings, r.binding(strength, r.versioned(set)))
	}
	for x := range b.Field("extension").Items() {
		switch x.Field("url").Str() {
		case maxValueSet:
			url := string(x.Field("valueCanonical").AppendStr(nil))
			if url == "" {
				url = string(x.Field("valueUri").AppendStr(nil))
			}
			if e.base == nil || e.base.Binding == nil || e.base.Binding.Max != url {
				e.bindings = append(e.bindings, r.binding("max", url))
			}
		case additionalBinding, additionalOfR5:
			r.additional(e, x)
		}
	}
}

func (r *reader) binding(strength, set string) *binding {
	b := &binding{strength: strength, valueSet: set, owner: r.owner}
	if strings.HasPrefix(set, "#") {
		b.within = r.profile.source
	}
	return b
}

// additional reads https://build.fhir.org/ig/HL7/fhir-extensions/StructureDefinition-additional-binding.html
func (r *reader) additional(e *element, x tree.Node) {
	purpose, set, conditional := "", "", false
	for part := range x.Field("extension").Items() {
		switch part.Field("url").Str() {
		case "purpose":
			purpose = string(part.Field("valueCode").AppendStr(nil))
		case "valueSet":
			set = string(part.Field("valueCanonical").AppendStr(nil))
		case "usage":
			conditional = true
		}
	}
	switch {
	case conditional || set == "":
	case purpose == "required" || purpose == "extensible":
		e.bindings = append(e.bindings, r.binding(purpose, set))
	case purpose == "maximum":
		e.bindings = append(e.bindings, r.binding("max", set))
	}
}

func (r *reader) baseHas(e *element, strength, set string) bool {
	if e.base == nil || e.base.Binding == nil {
		return false
	}
	set, _, _ = strings.Cut(set, "|")
	base, _, _ := strings.Cut(e.base.Binding.ValueSet, "|")
	return set == base && (strength == e.base.Binding.Strength || e.base.Binding.Strength == "required")
}

// versioned drops the version of a value set of FHIR itself, of which there is
// one here.
func (r *reader) versioned(set string) string {
	if url, _, ok := strings.Cut(set, "|"); ok && strings.HasPrefix(url, "http://hl7.org/fhir/ValueSet/") && r.set.lib.Find("ValueSet", set) == nil {
		return url
	}
	return set
}
