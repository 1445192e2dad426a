package terminology

// https://hl7.org/fhir/R4/conceptmap.html

import (
	"strings"

	"tenon/fhir/tree"
)

// conceptMap is a compiled ConceptMap.
type conceptMap struct {
	url, version, source, target string
	groups                       []mapGroup
}

type mapGroup struct {
	source, sourceVersion, target, targetVersion string
	elements                                     []mapElement
	forth                                        map[string][]int    // source code → elements
	back                                         map[string][]backTo // target code → source
	mode, code, display, url                     string              // unmapped
}

type mapElement struct {
	code, display string
	targets       []mapTarget
}

type mapTarget struct {
	code, display, equivalence, comment string
	dependsOn, product                  []Dependency
}

type backTo struct{ element, target int }

// Dependency is another element that a mapping depends on, or produces.
// Property is its URI; Value the code (or string) that it has.
type Dependency struct{ Property, System, Value, Display string }

func readMap(n tree.Node) *conceptMap {
	m := &conceptMap{url: text(n, "url"), version: text(n, "version")}
	m.source, m.target = scoped(n, "source"), scoped(n, "target")
	for g := range n.Field("group").Items() {
		m.groups = append(m.groups, readGroup(g))
	}
	return m
}

// scoped is source[x] or target[x]: a canonical, or a URI of the same meaning.
func scoped(n tree.Node, name string) string {
	if s := text(n, name+"Canonical"); s != "" {
		return s
	}
	return text(n, name+"Uri")
}

func readGroup(n tree.Node) mapGroup {
	g := mapGroup{source: text(n, "source"), sourceVersion: text(n, "sourceVersion"), target: text(n, "target"), targetVersion: text(n, "targetVersion"),
		forth: map[string][]int{}, back: map[string][]backTo{}}
	for item := range n.Field("element").Items() {
		e := mapElement{code: text(item, "code"), display: text(item, "display")}
		for target := range item.Field("target").Items() {
			e.targets = append(e.targets, mapTarget{code: text(target, "code"), display: text(target, "display"), equivalence: text(target, "equivalence"),
				comment: text(target, "comment"), dependsOn: dependencies(target, "dependsOn"), product: dependencies(target, "product")})
		}
		at := len(g.elements)
		g.elements = append(g.elements, e)
		g.forth[e.code] = append(g.forth[e.code], at)
		for k, t := range e.targets {
			if t.code != "" {
				g.back[t.code] = append(g.back[t.code], backTo{at, k})
			}
		}
	}
	u := n.Field("unmapped")
	g.mode, g.code, g.display, g.url = text(u, "mode"), text(u, "code"), text(u, "display"), text(u, "url")
	return g
}

func dependencies(n tree.Node, name string) (list []Dependency) {
	for d := range n.Field(name).Items() {
		list = append(list, Dependency{text(d, "property"), text(d, "system"), text(d, "value"), text(d, "display")})
	}
	return list
}

// conceptMaps reads all maps of the library, once: there are few, and they are
// asked for by what they map as often as by name.
func (s *Server) conceptMaps() []*conceptMap {
	s.mapsOnce.Do(func() {
		for r := range s.lib.All("ConceptMap") {
			if n, err := r.Node(); err == nil && r.Status != "retired" {
				s.maps = append(s.maps, readMap(n))
			}
		}
	})
	return s.maps
}

// mapByURL finds a map as the library does.
func (s *Server) mapByURL(canonical string) *conceptMap {
	r := s.lib.Find("ConceptMap", canonical)
	if r == nil {
		return nil
	}
	for _, m := range s.conceptMaps() {
		if m.url == r.URL && m.version == r.Version {
			return m
		}
	}
	n, err := r.Node()
	if err != nil {
		return nil
	}
	return readMap(n)
}

// unversioned is a canonical without its version.
func unversioned(canonical string) string {
	url, _, _ := strings.Cut(canonical, "|")
	return url
}
