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
	own := c.own()
	if c != nil && (v == Read || v == Search) && len(c.Emergency) > 0 {
		any := AnyOf{own}
		for _, p := range c.Emergency {
			any = append(any, About{p})
		}
		own = any
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
	if c == nil || c.Scopes == nil {
		return c.own()
	}
	any := AnyOf{TypeIn(Directory)}
	if typ, id, ok := cutRef(c.Scopes.Patient); ok {
		any = append(any, Is{typ, id})
	}
	for _, v := range []Verb{Create, Read, Update, Delete, Search} {
		any = append(any, c.Scopes.predicate(v))
	}
	return AllOf{c.own(), any}
}

// ceilingRegulator is up to which level cases are open to a regulator, who is of
// neither party: all of them (mission/requirements.csv, R000-041).
const ceilingRegulator Level = 5

// own is what the principal reaches, whatever an app may do.
//
//	operator, server   everything
//	regulator          directory, every case, for reading
//	hospital           directory, what the hospital owns, cases open to the person
//	security, audit    directory, cases open to the person; security its reviews
//	manufacturer       directory, what the manufacturer owns outside cases, cases open to the person
//	patient            directory, the own record, cases open to the patient
//	machine            directory, cases open to it, the subscriptions of its owner
//	backend            an app that acts for an organisation: as its people do without a case
func (c *Context) own() Predicate {
	if c == nil {
		return Nothing{}
	}
	switch c.Kind {
	case Operator, Server:
		return Everything{}
	case Person:
		if c.regulates() {
			return AnyOf{TypeIn(Directory), AnyCase{ceilingRegulator}}
		}
		any := AnyOf{TypeIn(Directory)}
		if owns := c.owns(); owns != nil {
			any = append(any, owns)
		}
		any = append(any, InCase{[]string{c.Principal}})
		if c.Has(SEC) && c.Organization != "" {
			any = append(any, OwnedBy{Organization: SecurityOf(c.Organization)})
		}
		return any
	case Patient:
		return append(AnyOf{TypeIn(Directory), InCase{[]string{c.Principal}}}, c.self()...)
	case System:
		if owns := c.owns(); owns != nil { // a backend that acts for a whole organisation
			return AnyOf{TypeIn(Directory), owns, InCase{[]string{c.Principal}}}
		}
		return AnyOf{TypeIn(Directory), InCase{[]string{c.Principal}}, AllOf{TypeIn{"Subscription"}, OwnedBy{Organization: c.Organization}}}
	}
	return Nothing{}
}

// regulates tells whether the caller is of the regulator, who reads every case.
func (c *Context) regulates() bool { return c.Has(REG) && c.readsOnly() && c.Side == NoSide }

func (c *Context) self() AnyOf {
	typ, id, ok := cutRef(c.Principal)
	if !ok {
		return nil
	}
	return AnyOf{Is{typ, id}}
}
