package rest

import (
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// translate is https://hl7.org/fhir/R4/conceptmap-operation-translate.html: the
// code of another system for a code.
//
//	GET  /ConceptMap/$translate?url=…&system=…&code=…
//	GET  /ConceptMap/$translate?source=…&target=…&system=…&code=…
//	POST /ConceptMap/$translate                       Parameters with conceptMap, coding, dependency …
//	GET  /ConceptMap/{id}/$translate?system=…&code=…
func (d *Door) translate(c *call) error {
	in, err := c.operationInput("", "url", "conceptMap", "conceptMapVersion", "code", "system", "version", "source", "coding", "codeableConcept",
		"target", "targetsystem", "dependency", "reverse")
	if err != nil {
		return err
	}
	r, err := c.translation(in)
	if err != nil {
		return err
	}
	found, err := d.o.Definitions().Terminology.Translate(r)
	if err != nil {
		return err
	}
	list := text([]parameter{{name: "result", typ: "Boolean", value: found.Result}}, "message", "String", found.Text)
	for _, m := range found.Matches {
		list = append(list, parameter{name: "match", part: matched(m)})
	}
	return c.parameters(list)
}

func (c *call) translation(in *asked) (r *terminology.TranslateRequest, err error) {
	r = &terminology.TranslateRequest{URL: in.text("url"), Source: in.text("source"), Target: in.text("target"), TargetSystem: in.text("targetsystem")}
	if v := in.text("conceptMapVersion"); v != "" && r.URL != "" {
		r.URL += "|" + v
	}
	if r.Codings, _, err = in.codings("version"); err != nil {
		return nil, err
	}
	if r.Reverse, err = in.flag("reverse"); err != nil {
		return nil, err
	}
	switch {
	case in.has("conceptMap"):
		if r.Map = in.node("conceptMap"); r.Map.Field("resourceType").Str() != "ConceptMap" {
			return nil, badParameter("conceptMap", "a ConceptMap resource")
		}
	case c.Param("id") != "":
		if r.Map, err = c.defined("ConceptMap"); err != nil {
			return nil, err
		}
	case r.URL == "" && r.Source == "" && r.Target == "" && r.TargetSystem == "":
		return nil, lacks("a map: url, conceptMap, one by its id, or source, target or targetsystem", "概念映射：url、conceptMap、资源 id，或 source、target、targetsystem")
	}
	for _, n := range in.values["dependency"] {
		r.Dependencies = append(r.Dependencies, dependency(n)...)
	}
	return r, nil
}

// dependency is one element that the translation may depend on: each coding of
// its concept counts.
func dependency(n tree.Node) (list []terminology.Dependency) {
	one := terminology.Dependency{}
	var concept tree.Node
	for part := range n.Field("part").Items() {
		switch part.Field("name").Str() {
		case "element":
			one.Property = part.Field("valueUri").Str()
		case "concept":
			concept = part.Field("valueCodeableConcept")
		}
	}
	for n := range concept.Field("coding").Items() {
		c := coding(n)
		one.System, one.Value, one.Display = c.System, c.Code, c.Display
		list = append(list, one)
	}
	if s := concept.Field("text").Str(); s != "" {
		one.System, one.Value, one.Display = "", s, ""
		list = append(list, one)
	}
	return list
}

func matched(m terminology.Match) []parameter {
	part := text(nil, "equivalence", "Code", m.Equivalence)
	if m.Concept.Code != "" {
		part = append(part, parameter{name: "concept", typ: "Coding", value: codingOf(m.Concept)})
	}
	for _, p := range m.Products {
		value := codingPart{System: p.System, Code: p.Value, Display: p.Display}
		part = append(part, parameter{name: "product", part: append(text(nil, "element", "Uri", p.Property), parameter{name: "concept", typ: "Coding", value: value})})
	}
	return text(part, "source", "Uri", m.Source)
}
