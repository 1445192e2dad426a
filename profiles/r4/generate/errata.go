package main

import (
	"strings"

	"tenon/fhir/tree"
)

// The publications have faults that would make correct resources wrong. They
// are corrected here, each for one reason, and nowhere else.
//
//   - The vital signs profiles of R4 bind every component's value to the units
//     of ucum-vitals-common, required: an oxygen flow in L/min, which the US
//     profile of oxygen saturation demands, would be wrong. The reference
//     validator takes the binding as extensible since 2024, and so do we.
//   - R4 and HL7 Terminology name versions of HL7's own terminology that neither
//     holds (v3-NullFlavor|4.0.1; 420 value sets of HL7 v2 tables pin 2.0.0 of
//     code systems that are published as 3.0.0 and later): without the version
//     they can be judged.

// correct applies the errata to the library.
func correct(entries []entry) error {
	held := map[string][]string{}
	for _, e := range entries {
		held[e.URL] = append(held[e.URL], e.Version)
	}
	for i := range entries {
		e := &entries[i]
		if e.Type != "StructureDefinition" && e.Type != "ValueSet" {
			continue
		}
		doc, err := tree.Parse(e.body)
		if err != nil {
			return err
		}
		c := corrections{held: held}
		if e.Type == "ValueSet" {
			c.pins(doc.Root().Field("compose"))
		} else {
			c.bindings(doc.Root())
		}
		if len(c.edits) > 0 {
			e.body = tree.Apply(e.body, c.edits)
		}
	}
	return nil
}

// corrections of one resource.
type corrections struct {
	held  map[string][]string // versions by URL
	edits []tree.Edit
}

const (
	vitalSigns = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
	vitalUnits = "http://hl7.org/fhir/ValueSet/ucum-vitals-common|4.0.1"
)

func (c *corrections) bindings(sd tree.Node) {
	vital := sd.Field("url").Str() == vitalSigns || sd.Field("baseDefinition").Str() == vitalSigns
	for _, form := range []string{"snapshot", "differential"} {
		for e := range sd.Path(form, "element").Items() {
			b := e.Field("binding")
			valueSet := b.Field("valueSet")
			if vital && e.Field("path").Str() == "Observation.component.value[x]" && valueSet.Str() == vitalUnits {
				c.replace(b.Field("strength"), `"extensible"`)
			}
			if url, version, ok := strings.Cut(valueSet.Str(), "|"); ok && c.lacks(url, version) {
				c.replace(valueSet, `"`+url+`"`)
			}
		}
	}
}

func (c *corrections) pins(compose tree.Node) {
	for _, part := range []string{"include", "exclude"} {
		for include := range compose.Field(part).Items() {
			if v := include.Field("version"); c.lacks(include.Field("system").Str(), v.Str()) {
				c.remove(v)
			}
		}
	}
}

// lacks tells whether a version of HL7's own terminology is not in the library
// although others are.
func (c *corrections) lacks(url, version string) bool {
	if version == "" || !strings.HasPrefix(url, "http://terminology.hl7.org/") || len(c.held[url]) == 0 {
		return false
	}
	for _, v := range c.held[url] {
		if v == version || strings.HasPrefix(v, version+".") {
			return false
		}
	}
	return true
}

func (c *corrections) replace(n tree.Node, with string) {
	start, end := n.Span()
	c.edits = append(c.edits, tree.Edit{Start: start, End: end, With: []byte(with)})
}

// remove takes a member out of an object that was written without white space,
// with the comma before it or, of the first member, behind it.
func (c *corrections) remove(n tree.Node) {
	start, _ := n.NameSpan()
	_, end := n.Span()
	switch src := n.Doc().Src(); {
	case src[start-1] == ',':
		start--
	case src[end] == ',':
		end++
	}
	c.edits = append(c.edits, tree.Edit{Start: start, End: end})
}
