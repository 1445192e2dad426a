package validate

// https://hl7.org/fhir/R4/references.html#literal

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// reference judges the literal and the type of a Reference against the types
// that the element may point to.
func (w *walker) reference(n tree.Node, targets []string) {
	if t := n.Field("type"); t.Kind() == tree.String {
		w.target(t.Str(), targets)
	}
	literal := n.Field("reference")
	if literal.Kind() != tree.String || literal.Str() == "" {
		return
	}
	ref := literal.Str()
	if ref[0] == '#' {
		w.refers(ref)
		if target := w.fragment(ref); target.Exists() {
			w.target(target.Field("resourceType").Str(), targets)
		}
		return
	}
	name, ok := w.set.literal(ref)
	switch {
	case !ok:
		w.add(issue.Value, "reference-format", fmt.Sprintf("found %s, expected Type/id, an absolute URL, urn:uuid:… or #id", raw(literal)),
			fmt.Sprintf("引用为 %s，应为 Type/id、绝对 URL、urn:uuid:… 或 #id", raw(literal)))
	case name == "":
		if t, ok := w.inBundle(ref); ok { // urn:uuid:… tells its type only there
			w.target(t.Field("resourceType").Str(), targets)
		}
	default:
		if said := n.Field("type").Str(); said != "" && said != name && w.set.model.IsResource(said) {
			w.add(issue.Value, "reference-type-differs", fmt.Sprintf("found a reference to %s whose type says %s", name, said),
				fmt.Sprintf("引用指向 %s，而 type 为 %s", name, said))
			return
		}
		w.target(name, targets)
	}
}

// target wants a resource type that the element may point to. A type that is
// no resource type of FHIR names a logical model, of which nothing is known.
func (w *walker) target(name string, targets []string) {
	if len(targets) == 0 || slices.Contains(targets, name) || !w.set.model.IsResource(name) {
		return
	}
	w.add(issue.Value, "reference-target", fmt.Sprintf("found a reference to %s, expected one to %s", name, strings.Join(targets, ", ")),
		fmt.Sprintf("引用指向 %s，应指向 %s", name, strings.Join(targets, "、")))
}

// fragment finds the contained resource of a "#id"; "#" alone is the container.
func (w *walker) fragment(ref string) tree.Node {
	if ref == "#" || !w.container.Exists() {
		return w.container
	}
	target := w.contained(ref[1:])
	if !target.Exists() {
		w.add(issue.Value, "reference-unresolved", fmt.Sprintf("found %s, but no contained resource has that id", quote(ref)),
			fmt.Sprintf("引用为 %s，但没有该 id 的被包含资源", quote(ref)))
	}
	return target
}

// contained finds a contained resource by id: the first one that has it.
func (w *walker) contained(id string) tree.Node {
	if w.containeds == nil {
		w.containeds = map[string]tree.Node{}
		for c := range w.container.Field("contained").Items() {
			if name := c.Field("id").Str(); !w.containeds[name].Exists() {
				w.containeds[name] = c
			}
		}
	}
	return w.containeds[id]
}

// literal reads the resource type from a literal reference: "" when it does
// not tell. It is not ok when it can be none of the forms that FHIR allows.
func (s *Set) literal(ref string) (resourceType string, ok bool) {
	if scheme, rest, absolute := strings.Cut(ref, ":"); absolute && isScheme(scheme) {
		if scheme != "http" && scheme != "https" {
			return "", rest != ""
		}
		host, path, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		name, _ := s.tail(path)
		return name, strings.HasPrefix(rest, "//") && host != ""
	}
	// A conditional reference of a transaction: Patient?identifier=…
	// https://hl7.org/fhir/R4/http.html#trules
	if name, query, conditional := strings.Cut(ref, "?"); conditional {
		return name, s.model.IsResource(name) && query != ""
	}
	name, whole := s.tail(ref)
	return name, whole
}

// tail reads Type/id and Type/id/_history/version at the end of a path, and
// tells whether that is the whole path.
func (s *Set) tail(path string) (resourceType string, whole bool) {
	path, _, _ = strings.Cut(path, "#")
	rest, id, _ := cutLast(path)
	if before, name, _ := cutLast(rest); name == "_history" && IsID(id) {
		rest, id, _ = cutLast(before)
	}
	_, name, deeper := cutLast(rest)
	if !s.model.IsResource(name) || !IsID(id) {
		return "", false
	}
	return name, !deeper
}

// cutLast splits a path before its last segment.
func cutLast(path string) (before, last string, found bool) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:], true
	}
	return "", path, false
}

func isScheme(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && (i == 0 || !digit(c) && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}
