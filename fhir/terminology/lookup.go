package terminology

// https://hl7.org/fhir/R4/codesystem-operation-lookup.html

import (
	"strconv"

	"tenon/fhir/issue"
)

// Details is all that is known of a code.
type Details struct {
	System, Version, Name     string // of the code system
	Code, Display, Definition string
	Abstract, Inactive        bool
	Designations              []Designation
	Properties                []Property
	Descriptions              map[string]string // of properties, by code
	Parents, Children         []Coding          // direct ones
	PropertyDisplays          map[string]string // of codes that properties name
}

// Lookup tells what is known of a code, its display in a language where there
// is one ("" is the system's own). The errors are *issue.Failure: not-found for
// a code or system that is not here.
func (s *Server) Lookup(c Coding, language string) (*Details, error) {
	cs, err := s.must(c.System, c.Version)
	if err != nil {
		return nil, err
	}
	i, t, verdict := cs.has(c.Code)
	switch {
	case verdict == NotMember:
		a := noCode(c, cs)
		return nil, issue.Errorf(issue.NotFound, "%s", a.Text).Rule("code-unknown").Chinese(a.Chinese)
	case verdict == Unknown:
		return nil, notAll(cs).failure(issue.NotFound)
	}
	d := &Details{System: cs.url, Version: cs.version, Name: cs.label(), Code: c.Code}
	if t == nil {
		d.Display = c.Code
		return d, nil
	}
	x := texts{cs: cs, t: t, i: i}
	d.Code, d.Display, d.Definition = t.code(i), x.preferred(language), t.definition(i)
	d.Abstract, d.Inactive = t.has(i, flagAbstract), t.has(i, flagInactive)
	d.Designations = x.designations(nil)
	d.relate(cs, t, i)
	return d, nil
}

func (d *Details) relate(cs *system, t *table, i uint32) {
	for _, p := range t.parents(i) {
		d.Parents = append(d.Parents, Coding{System: cs.url, Code: t.code(p), Display: t.display(p)})
	}
	for _, c := range t.children(i) {
		d.Children = append(d.Children, Coding{System: cs.url, Code: t.code(c), Display: t.display(c)})
	}
	d.Descriptions, d.PropertyDisplays = map[string]string{}, map[string]string{}
	if d.Inactive {
		d.Properties = append(d.Properties, Property{"inactive", "boolean", strconv.FormatBool(true)})
	}
	for _, n := range t.of(i) {
		if n.kind < noteProperty {
			continue
		}
		p := Property{t.names[n.name], propertyTypes[n.kind-noteProperty], t.value(n)}
		if role := cs.role(p.Code); role == "parent" || role == "child" || role == "inactive" && d.Inactive {
			continue // said once
		}
		d.Properties = append(d.Properties, p)
		if def, ok := cs.property(p.Code); ok && def.description != "" {
			d.Descriptions[p.Code] = def.description
		}
		if at, ok := t.find(p.Value); ok && p.Type == "code" {
			d.PropertyDisplays[p.Value] = t.display(at)
		}
	}
}

func (cs *system) label() string {
	switch {
	case cs.title != "":
		return cs.title
	case cs.name != "":
		return cs.name
	}
	return cs.url
}

// must finds a code system whose content is here.
func (s *Server) must(url, version string) (*system, error) {
	if url == "" {
		return nil, issue.Errorf(issue.Required, "The code system is not given: send system, or a coding with a system.").
			WithStatus(400).Rule("code-system").Chinese("未给出代码系统（system）。")
	}
	cs := s.system(url, version)
	if cs == nil {
		return nil, noSystem(url, version).failure(issue.NotFound)
	}
	if cs.grammar == nil {
		t, err := cs.table()
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, notAll(cs).failure(issue.NotFound)
		}
	}
	return cs, nil
}

// Load brings the concepts of a code system into memory, so that the first
// question does not wait; it does nothing when they are. It returns how many
// there are and how many bytes they take.
func (s *Server) Load(url, version string) (concepts, bytes int, err error) {
	cs, err := s.must(url, version)
	if err != nil || cs.grammar != nil {
		return 0, 0, err
	}
	t, err := cs.table()
	if err != nil {
		return 0, 0, err
	}
	return len(t.concepts), t.bytes(), nil
}
