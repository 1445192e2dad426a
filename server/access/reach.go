package access

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
	if c == nil || c.Scopes == nil {
		return c.own()
	}
	return AllOf{c.own(), c.Scopes.predicate(v)}
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
		if c.Has(REG) && c.readsOnly() && c.Side == NoSide {
			return AnyOf{TypeIn(Directory), AnyCase{ceilingRegulator}}
		}
		return AnyOf{TypeIn(Directory), OwnedBy{Organization: c.Organization, Loose: c.Side != Hospital}, InCase{[]string{c.Principal}}}
	case Patient:
		return append(AnyOf{TypeIn(Directory), InCase{[]string{c.Principal}}}, c.self()...)
	case System:
		if c.Principal == c.Organization && c.Scopes != nil { // a backend that acts for a whole organisation
			return AnyOf{TypeIn(Directory), OwnedBy{Organization: c.Organization, Loose: c.Side != Hospital}, InCase{[]string{c.Principal}}}
		}
		return AnyOf{TypeIn(Directory), InCase{[]string{c.Principal}}, AllOf{TypeIn{"Subscription"}, OwnedBy{Organization: c.Organization}}}
	}
	return Nothing{}
}

func (c *Context) self() AnyOf {
	typ, id, ok := cutRef(c.Principal)
	if !ok {
		return nil
	}
	return AnyOf{Is{typ, id}}
}
