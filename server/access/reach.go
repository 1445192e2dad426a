package access

import (
	"slices"
	"strings"
)

// Directory holds the types that every authenticated caller may read: they
// define the process or name its parties, and hold no patient's data.
var Directory = []string{
	"ActivityDefinition", "CapabilityStatement", "CodeSystem", "CompartmentDefinition",
	"ConceptMap", "Endpoint", "HealthcareService", "ImplementationGuide", "Location",
	"NamingSystem", "ObservationDefinition", "OperationDefinition", "Organization",
	"PlanDefinition", "Practitioner", "PractitionerRole", "Questionnaire",
	"SearchParameter", "StructureDefinition", "StructureMap", "ValueSet",
}

// Reach is the predicate of everything that the caller may read. It is the same
// at every door; a caller without a context reaches nothing. What an app reads is
// what its user reaches and its scopes cover.
func (c *Context) Reach() Predicate { return c.ReachTo(Read) }

// ReachTo is Reach for another verb: what a search may find or test, what an
// update or a delete may be about.
func (c *Context) ReachTo(v Verb) Predicate {
	own := c.unheld(v, c.own(), false)
	if opened := c.opened(v); len(opened) > 0 {
		var any AnyOf
		for _, g := range opened {
			any = append(any, g.meets)
		}
		own = AnyOf{own, c.unheld(v, any, true)}
	}
	if c == nil || c.Scopes == nil {
		return own
	}
	return AllOf{own, c.Scopes.predicate(v)}
}

// Separate tells whether the caller's roles are those of administrators of
// security and audit alone, who watch over the record and do not read it.
func (c *Context) Separate() bool {
	return len(c.Roles) > 0 && !slices.ContainsFunc(c.Roles, func(r Role) bool { return r != SEC && r != AUD })
}

// SecurityOf is the owner of what concerns the security of an organisation: its
// security administrators reach it, its other people do not.
func SecurityOf(organization string) string { return "security:" + organization }

// SecuredBy is the organisation of such an owner, "" of another.
func SecuredBy(owner string) string {
	organization, ok := strings.CutPrefix(owner, "security:")
	if !ok {
		return ""
	}
	return organization
}

// IsSecurity tells whether an owner is one of SecurityOf.
func IsSecurity(owner string) bool { return strings.HasPrefix(owner, "security:") }

// owns is what the caller's organisation brought in, nil for those who do not
// reach it for that reason.
func (c *Context) owns() Predicate {
	person := c.Kind == Person && !c.Separate() && !c.regulates()
	backend := c.Kind == System && c.Principal == c.Organization && c.Scopes != nil
	if !person && !backend {
		return nil
	}
	return OwnedBy{Organization: c.Organization, Loose: c.Side != Hospital}
}

// ReachNamed is what the caller may name as the target of a reference: of what an
// app's user reaches that which its scopes cover for any verb, the patient in
// its context, and the directory.
func (c *Context) ReachNamed() Predicate {
	own := c.unheld(Read, c.own(), false)
	if c == nil || c.Scopes == nil {
		return own
	}
	any := AnyOf{TypeIn(Directory)}
	if typ, id, ok := cutRef(c.Scopes.Patient); ok {
		any = append(any, Is{typ, id})
	}
	for _, v := range []Verb{Create, Read, Update, Delete, Search} {
		any = append(any, c.Scopes.predicate(v))
	}
	return AllOf{own, any}
}

// ceilingRegulator is up to which level cases are open to a regulator, who is of
// neither party: all of them (mission/requirements.csv, R000-041).
const ceilingRegulator Level = 5

// own is what the principal reaches, whatever an app may do: the grounds together.
func (c *Context) own() Predicate {
	var any AnyOf
	for _, g := range c.grounds() {
		if _, all := g.meets.(Everything); all {
			return g.meets
		}
		any = append(any, g.meets)
	}
	if any == nil {
		return Nothing{}
	}
	return any
}

// regulates tells whether the caller is of the regulator, who reads every case.
func (c *Context) regulates() bool { return c.Has(REG) && c.readsOnly() && c.Side == NoSide }
