package accesspolicy

import (
	"slices"
	"strings"
)

// The policy in plain Go. Reach of a person =
//
//	what defines the process or names parties (the directory)
//	+ hospital's people: what the hospital brought in
//	+ manufacturer's people: what it brought in and is in no case; of machines and
//	  stock that are nobody's, all that it brought in
//	+ members of the cases that are open to the person, up to the level given there
//	+ patients: themselves
//
// but for what the patient withholds from the person (consent_test.go), and, with an
// app between, only what one of its scopes covers for what is done.

type kind int

const (
	staff kind = iota // a PractitionerRole
	patient
	machine
	backend // an app that acts for an organisation
)

type person struct {
	principal string
	kind      kind
	org       string
	hospital  bool
	app       bool
	scopes    []scope
	about     string // patient in the context of the app
	token     string
}

type scope struct {
	whose, typ, verbs, code string // code: only resources that have it
}

func (s scope) String() string {
	text := s.whose + "/" + s.typ + "." + s.verbs
	if s.code != "" {
		text += "?code=" + s.code
	}
	return text
}

// version is one state of a thing.
type version struct {
	n       int
	level   int
	deleted bool
	patient string // whom it is about, "" for nobody
	code    string
	link    string // reference to another thing
	gender  string
	minor   bool
}

type thing struct {
	typ, id  string
	owner    string // organisation that brought it in
	versions []version
	cases    []*dossier
	study    string   // StudyInstanceUID
	consent  *consent // of a Consent
	w        *world
}

func (t *thing) ref() string  { return t.typ + "/" + t.id }
func (t *thing) now() version { return t.versions[len(t.versions)-1] }

// dossier is a case: whom it is about, and who is let in up to which level.
type dossier struct {
	id, patient string
	open        map[string]int
}

var directory = strings.Fields(`ActivityDefinition CapabilityStatement CodeSystem CompartmentDefinition ConceptMap Endpoint
	HealthcareService ImplementationGuide Location NamingSystem ObservationDefinition OperationDefinition Organization PlanDefinition
	Practitioner PractitionerRole Questionnaire SearchParameter StructureDefinition StructureMap ValueSet`)

// may tells whether a person may do ("r" or "s") something with a thing as it was
// in one version, and as it is.
func (p *person) may(verb string, t *thing, v version) bool {
	return p.mayNow(verb, t, v, v.n == t.now().n) && (v.n == t.now().n || p.mayNow(verb, t, t.now(), true))
}

func (p *person) mayNow(verb string, t *thing, v version, current bool) bool {
	return !p.barred(t, v, current) && p.own(t, v) && (!p.app || slices.ContainsFunc(p.scopes, func(s scope) bool { return p.covers(s, verb, t, v, current) }))
}

func (p *person) own(t *thing, v version) bool {
	if slices.Contains(directory, t.typ) || p.kind == patient && t.ref() == p.principal {
		return true
	}
	for _, c := range t.cases {
		if ceiling, in := c.open[p.principal]; in && v.level <= ceiling {
			return true
		}
	}
	if t.owner == "" || t.owner != p.org || p.kind == machine || p.kind == patient {
		return false
	}
	return p.hospital || len(t.cases) == 0 || (t.typ == "Device" || t.typ == "Substance") && v.patient == ""
}

func (p *person) covers(s scope, verb string, t *thing, v version, current bool) bool {
	switch {
	case !strings.Contains(s.verbs, verb), s.typ != "*" && s.typ != t.typ:
		return false
	case s.code != "" && (!current || v.deleted || v.code != s.code):
		return false
	case s.whose != "patient" || slices.Contains(directory, t.typ):
		return true
	case v.patient != "":
		return v.patient == p.about
	}
	return slices.ContainsFunc(t.cases, func(c *dossier) bool { return c.patient == p.about })
}

// permitted tells whether some scope covers doing it with a type at all.
func (p *person) permitted(verb, typ string) bool {
	return !p.app || slices.ContainsFunc(p.scopes, func(s scope) bool {
		return strings.Contains(s.verbs, verb) && (s.typ == "*" || s.typ == typ)
	})
}
