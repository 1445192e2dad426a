package access

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// Verb is what a caller wants to do with a resource type.
type Verb uint8

// The verbs of the write table, and those of scopes alone.
const (
	Create Verb = iota
	Update
	Delete
	Read
	Search
)

// serverOnly are the types that only Tenon writes: an AuditEvent is a view of
// the audit rows.
var serverOnly = []string{"AuditEvent"}

// definitions are written by operators and platform administrators; a plan comes
// into force by the signatures of two persons (record, design law 3).
var definitions = []string{
	"ActivityDefinition", "CapabilityStatement", "CodeSystem", "CompartmentDefinition",
	"ConceptMap", "ImplementationGuide", "NamingSystem", "ObservationDefinition",
	"OperationDefinition", "PlanDefinition", "Questionnaire", "SearchParameter",
	"StructureDefinition", "StructureMap", "ValueSet",
}

// people are changed by operators and platform administrators: whoever could
// edit a PractitionerRole could give himself a role, and who an Endpoint, a way out
// for data.
var people = []string{"Endpoint", "Organization", "Practitioner", "PractitionerRole", "Person", "VerificationResult"}

// byPatient is what a patient or representative may write.
var byPatient = []string{"Communication", "Observation", "QuestionnaireResponse"}

// byManufacturer is what the manufacturer's people may write: design, production
// and delivery, never the patient's clinical record or the order.
var byManufacturer = []string{
	"Binary", "Communication", "Composition", "DetectedIssue", "Device", "DeviceDefinition",
	"DiagnosticReport", "DocumentReference", "List", "MeasureReport", "Media", "Observation", "Provenance",
	"QuestionnaireResponse", "Specimen", "Subscription", "Substance", "SupplyDelivery", "Task",
}

// byMachine is what a machine of the manufacturer may write.
var byMachine = []string{"Communication", "Device", "DiagnosticReport", "Observation", "Subscription", "Substance", "Task"}

// Allow says whether the caller may write a type at all; whether this resource
// is in reach, and what the case says, is judged elsewhere. The default is no.
func (c *Context) Allow(v Verb, typ string) error {
	if c == nil || c.Kind == Nobody {
		return issue.Errorf(issue.Login, "This request needs a token.").Rule("no-token")
	}
	if c.Kind == Server {
		return nil
	}
	if err := c.Permit(v, typ); err != nil {
		return err
	}
	if slices.Contains(serverOnly, typ) {
		return c.refuse(v, typ)
	}
	if c.Kind == Operator {
		return nil
	}
	if c.Kind == Person && c.Has(ADMIN) {
		return c.Stepped()
	}
	if slices.Contains(definitions, typ) || slices.Contains(people, typ) {
		return c.refuse(v, typ)
	}
	if v == Delete && c.Kind != Person {
		return c.refuse(v, typ)
	}
	switch {
	case c.Kind == Person && c.readsOnly():
	case c.Kind == Person && c.Side == Hospital:
		return nil
	case c.Kind == Person && c.Side == Manufacturer && slices.Contains(byManufacturer, typ),
		c.Kind == Patient && slices.Contains(byPatient, typ),
		c.Kind == System && slices.Contains(byMachine, typ):
		return nil
	}
	return c.refuse(v, typ)
}

// readsOnly tells whether all roles of the person are reading ones (ethics
// committee, regulator, administrators of security and audit).
func (c *Context) readsOnly() bool {
	return !slices.ContainsFunc(c.Roles, func(r Role) bool { return r != ETH && r != REG && r != SEC && r != AUD })
}

func (c *Context) refuse(v Verb, typ string) error {
	roles := make([]string, len(c.Roles))
	for i, r := range c.Roles {
		roles[i] = string(r)
	}
	return issue.Errorf(issue.Forbidden, "%s may not %s a %s with the roles [%s]. Ask a person whose role covers it.",
		c.Principal, wordOf[v], typ, strings.Join(roles, " ")).
		Rule("role-lacks-verb").Chinese("当前角色无权执行此操作。")
}

// cutRef splits "Type/id".
func cutRef(ref string) (typ, id string, ok bool) {
	typ, id, ok = strings.Cut(ref, "/")
	return typ, id, ok && typ != "" && id != ""
}
