package snapshot

import (
	"strings"

	"tenon/fhir/definition"
)

// lineage lists a definition's URL and those of all that it derives from, the
// nearest first, as far as they are known.
func (s *session) lineage(canonical string) []string {
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
// false when its line could not be followed to the end.
func (s *session) derives(canonical, from string) (yes, known bool) {
	from, _, _ = strings.Cut(from, "|")
	line := s.lineage(canonical)
	for _, url := range line {
		if url == from {
			return true, true
		}
	}
	last := line[len(line)-1]
	return false, s.lib.Find("StructureDefinition", last) != nil
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
