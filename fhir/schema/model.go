package schema

import (
	"slices"
	"strings"
)

// Model is a linked set of definitions.
type Model struct {
	version      string
	types        map[string]*Type
	resources    []string
	search       []SearchParameter
	compartments map[string]map[string][]string
	valueSets    map[string]*ValueSet
	members      map[string]map[code]struct{}
}

type code struct{ system, code string }

// Version is the FHIR version of the definitions: "4.0.1".
func (m *Model) Version() string { return m.version }

// Type finds a type by name: "Patient", "HumanName", "string", or the path of
// a backbone element, "Patient.contact". It is nil when there is none.
func (m *Model) Type(name string) *Type { return m.types[name] }

// definitionBase is what the canonical URL of a base type's definition begins
// with.
const definitionBase = "http://hl7.org/fhir/StructureDefinition/"

// Defined finds the type that a StructureDefinition of FHIR itself defines, by
// its canonical URL: "http://hl7.org/fhir/StructureDefinition/Patient", without
// version or with the model's or the beginning of it. It is nil for a profile,
// an extension and whatever else is no base type.
func (m *Model) Defined(canonical string) *Type {
	name, ok := strings.CutPrefix(canonical, definitionBase)
	if !ok {
		return nil
	}
	name, version, versioned := strings.Cut(name, "|")
	if versioned && version != m.version && !strings.HasPrefix(m.version, version+".") {
		return nil
	}
	if t := m.types[name]; t != nil && t.Kind != Backbone {
		return t
	}
	return nil
}

// Resources lists the concrete resource types, sorted. Not to be written to.
func (m *Model) Resources() []string { return m.resources }

// IsResource tells whether name is a concrete resource type.
func (m *Model) IsResource(name string) bool {
	_, ok := slices.BinarySearch(m.resources, name)
	return ok
}

// SearchParameters lists all parameters, sorted by URL. Not to be written to.
func (m *Model) SearchParameters() []SearchParameter { return m.search }

// Compartment gives, for each resource type that may be in the compartment,
// the search parameters that put it there. Names are resource types: Patient,
// Practitioner, RelatedPerson, Encounter, Device. Not to be written to.
func (m *Model) Compartment(name string) map[string][]string { return m.compartments[name] }

// Codes lists the codes of a value set in its order, whatever their system; a
// version behind | is ignored. ok is false when the set is not known or cannot
// be listed. Not to be written to.
func (m *Model) Codes(valueSetURL string) (codes []string, ok bool) {
	vs := m.valueSet(valueSetURL)
	if vs == nil {
		return nil, false
	}
	if len(vs.Systems) == 1 {
		return vs.Systems[0].Codes, true
	}
	for _, s := range vs.Systems {
		codes = append(codes, s.Codes...)
	}
	return codes, true
}

// Systems lists a value set by code system; nil when it cannot be listed.
func (m *Model) Systems(valueSetURL string) []System {
	if vs := m.valueSet(valueSetURL); vs != nil {
		return vs.Systems
	}
	return nil
}

// HasCode tells whether a value set that can be listed holds the concept.
func (m *Model) HasCode(valueSetURL, system, value string) bool {
	_, ok := m.members[unversioned(valueSetURL)][code{system, value}]
	return ok
}

func (m *Model) valueSet(url string) *ValueSet { return m.valueSets[unversioned(url)] }

func unversioned(url string) string {
	url, _, _ = strings.Cut(url, "|")
	return url
}
