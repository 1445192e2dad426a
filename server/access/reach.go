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
// at every door; a caller without a context reaches nothing.
//
//	operator, server   everything
//	hospital           directory, what the hospital owns, cases open to the person
//	manufacturer       directory, what the manufacturer owns outside cases, cases open to the person
//	patient            directory, the own record, cases open to the patient
//	machine            directory, cases open to it, the subscriptions of its owner
func (c *Context) Reach() Predicate {
	if c == nil {
		return Nothing{}
	}
	switch c.Kind {
	case Operator, Server:
		return Everything{}
	case Person:
		return AnyOf{TypeIn(Directory), OwnedBy{Organization: c.Organization, Loose: c.Side != Hospital}, InCase{[]string{c.Principal}}}
	case Patient:
		return append(AnyOf{TypeIn(Directory), InCase{[]string{c.Principal}}}, c.self()...)
	case System:
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
