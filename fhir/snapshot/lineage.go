package snapshot

import (
	"slices"
	"strings"

	"tenon/fhir/definition"
)

// lineage lists a definition's URL and those of all that it derives from, the
// nearest first, as far as they are known.
func (s *session) lineage(canonical string) []string {
	asked := canonical
	if known, ok := s.lines[asked]; ok {
		return known
	}
	var list []string
	for len(list) < 2*maxChain && canonical != "" {
		url, _, _ := strings.Cut(canonical, "|")
		list = append(list, url)
		res := s.lib.Find("StructureDefinition", canonical)
		if res == nil {
			break
		}
		canonical = s.baseOf(res)
	}
	s.lines[asked] = list
	return list
}

func (s *session) baseOf(res *definition.Resource) string {
	key := res.Canonical()
	base, ok := s.bases[key]
	if !ok {
		if n, err := res.Node(); err == nil {
			base = n.Field("baseDefinition").Str()
		}
		s.bases[key] = base
	}
	return base
}

// derives tells whether a definition is or derives from another; known is
// false when its lineage could not be followed to the end.
func (s *session) derives(canonical, from string) (yes, known bool) {
	from, _, _ = strings.Cut(from, "|")
	line := s.lineage(canonical)
	return slices.Contains(line, from), s.whole(line)
}

// whole tells whether a lineage could be followed to its end.
func (s *session) whole(line []string) bool {
	return len(line) > 0 && s.lib.Find("StructureDefinition", line[len(line)-1]) != nil
}

// isType tells whether a type is another or derives from it.
func (s *session) isType(code, of string) bool {
	if code == of || of == "*" {
		return true
	}
	yes, _ := s.derives(typeURL(code), typeURL(of))
	return yes
}

// commonTree is the definition of the nearest type that all derive from.
func (r *run) commonTree(list []string) (*element, string, error) {
	line := r.lineage(typeURL(list[0]))
next:
	for _, url := range line {
		for _, code := range list[1:] {
			if yes, _ := r.derives(typeURL(code), url); !yes {
				continue next
			}
		}
		root, err := r.tree(url)
		return root, url, err
	}
	return nil, "", nil
}
