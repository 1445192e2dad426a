package snapshot

import (
	"tenon/fhir/tree"
)

// keyer tells what makes two items of a list the same.
type keyer func(item tree.Node) string

func byValue(n tree.Node) string { return string(n.Raw()) }

func byKey(n tree.Node) string { return n.Field("key").Str() }

func byMapping(n tree.Node) string {
	return n.Field("identity").Str() + "\x00" + n.Field("map").Str()
}

// union is a list with the items of another that it has not.
func union(old, added tree.Node, key keyer) []byte {
	have := map[string]bool{}
	out := []byte{'['}
	put := func(n tree.Node) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, n.Raw()...)
	}
	for n := range old.Items() {
		have[key(n)] = true
		put(n)
	}
	for n := range added.Items() {
		if k := key(n); !have[k] {
			have[k] = true
			put(n)
		}
	}
	return append(out, ']')
}

// mergeConstraint adds constraints and notes where they come from. One with a
// key that is there is the one that is there.
func mergeConstraint(r *run, e *element, _ *change, m member) {
	out := []byte{'['}
	for n := range m.node.Items() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		if n.Field("source").Exists() || n.Len() == 0 || r.url == "" {
			out = append(out, n.Raw()...)
			continue
		}
		raw := n.Raw()
		out = append(append(append(out, raw[:len(raw)-1]...), `,"source":`...), quoted(r.url)...)
		out = append(out, '}')
	}
	out = append(out, ']')
	if doc, err := tree.Parse(out); err == nil && e.member(m.name) != nil {
		out = union(e.value(m.name), doc.Root(), byKey)
	}
	e.set(m.name, out)
}

func mergeExtension(_ *run, e *element, _ *change, m member) {
	e.set(m.name, joinExtensions(e.value(m.name), m.node))
}

// joinExtensions keeps the extensions of the base but those whose url the
// differential says anew.
func joinExtensions(old, anew tree.Node) []byte {
	said := map[string]bool{}
	for x := range anew.Items() {
		said[x.Field("url").Str()] = true
	}
	out := []byte{'['}
	put := func(x tree.Node) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, x.Raw()...)
	}
	for x := range old.Items() {
		if !said[x.Field("url").Str()] {
			put(x)
		}
	}
	for x := range anew.Items() {
		put(x)
	}
	return append(out, ']')
}
