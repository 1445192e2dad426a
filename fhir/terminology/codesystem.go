package terminology

// https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.concept

import (
	"slices"
	"strings"

	"tenon/fhir/tree"
)

// readConcepts adds the concepts of a CodeSystem: those inside one another are
// parent and child, and so are those that a property links.
func readConcepts(b *builder, cs *system, n tree.Node) error {
	return readLevel(b, cs, n, "")
}

func readLevel(b *builder, cs *system, n tree.Node, container string) error {
	for item := range n.Field("concept").Items() {
		c := conceptOf(item)
		if container != "" {
			c.Parents = []string{container}
		}
		children := cs.linkByProperty(&c)
		i, added, err := b.add(&c)
		if err != nil {
			return err
		}
		for _, child := range children {
			if added {
				b.above = append(b.above, above{i, child})
			}
		}
		if err := readLevel(b, cs, item, c.Code); err != nil {
			return err
		}
	}
	return nil
}

// conceptOf reads one concept without those inside it.
func conceptOf(n tree.Node) Concept {
	c := Concept{Code: n.Field("code").Str(), Display: n.Field("display").Str(), Definition: n.Field("definition").Str(), Designations: designations(n)}
	for p := range n.Field("property").Items() {
		if one, ok := propertyFrom(p); ok {
			c.Properties = append(c.Properties, one)
		}
	}
	return c
}

// designations reads concept.designation.
func designations(n tree.Node) (list []Designation) {
	for d := range n.Field("designation").Items() {
		list = append(list, Designation{d.Field("language").Str(), useOf(d.Field("use")), d.Field("value").Str()})
	}
	return list
}

const (
	usage  = "http://terminology.hl7.org/CodeSystem/designation-usage"
	snomed = "http://snomed.info/sct"
	loinc  = "http://loinc.org"
)

// useOf writes a Coding of a designation's use: the code alone where its system
// is one that Designation names, else "system|code".
func useOf(n tree.Node) string {
	system, code := n.Field("system").Str(), n.Field("code").Str()
	if system == "" || system == usage || system == snomed && digits(code) {
		return code
	}
	return system + "|" + code
}

// UseOf is the Coding of a designation's use.
func UseOf(d Designation) Coding {
	s := d.Use
	if at := strings.LastIndexByte(s, '|'); at >= 0 {
		return Coding{System: s[:at], Code: s[at+1:]}
	}
	if digits(s) {
		return Coding{System: snomed, Code: s}
	}
	return Coding{System: usage, Code: s}
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func propertyFrom(n tree.Node) (Property, bool) {
	code := n.Field("code").Str()
	for name, v := range n.Fields() {
		typ, ok := strings.CutPrefix(name, "value")
		if !ok || typ == "" {
			continue
		}
		if typ == "Coding" {
			return Property{code, typ, v.Field("system").Str() + "|" + v.Field("code").Str()}, true
		}
		return Property{code, strings.ToLower(typ[:1]) + typ[1:], v.Text()}, true
	}
	return Property{}, false
}

// The standard properties that place a concept below another.
// https://hl7.org/fhir/R4/codesystem-concept-properties.html
const conceptProperties = "http://hl7.org/fhir/concept-properties#"

// linkByProperty adds the parents that properties name and returns the children
// that they name.
func (cs *system) linkByProperty(c *Concept) (children []string) {
	for _, p := range c.Properties {
		if p.Type != "code" {
			continue
		}
		switch cs.role(p.Code) {
		case "parent", "subsumedBy":
			if p.Value != c.Code && !slices.Contains(c.Parents, p.Value) {
				c.Parents = append(c.Parents, p.Value)
			}
		case "child":
			children = append(children, p.Value)
		}
	}
	return children
}

// role is what a property means: by its uri, else by its name.
func (cs *system) role(code string) string {
	if p, ok := cs.property(code); ok {
		if name, standard := strings.CutPrefix(p.uri, conceptProperties); standard {
			return name
		}
	}
	return code
}

// supplement adds the designations and properties of a CodeSystem supplement to
// the concepts of the system that it supplements.
// https://hl7.org/fhir/R4/codesystem.html#supplements
func supplement(b *builder, n tree.Node) {
	for item := range n.Field("concept").Items() {
		c := conceptOf(item)
		c.Definition = ""
		if i, ok := b.find(c.Code); ok {
			if c.Display != "" {
				c.Designations = append(c.Designations, Designation{Language: n.Field("language").Str(), Use: "display", Value: c.Display})
			}
			b.annotate(i, &c)
		}
		supplement(b, item)
	}
}
