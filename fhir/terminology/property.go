package terminology

import "strconv"

// values gives what a concept has under a property: one that the system or the
// standard defines, a text of the concept, or its place. It is nil when no
// concept can have such a property.
func (cs *system) values(t *table, property string) func(t *table, i uint32, visit func(string) bool) {
	switch property {
	case "display":
		return func(t *table, i uint32, visit func(string) bool) { visit(t.display(i)) }
	case "definition":
		return func(t *table, i uint32, visit func(string) bool) {
			for _, n := range t.of(i) {
				if n.kind == noteDefinition && !visit(t.value(n)) {
					return
				}
			}
		}
	case "designation":
		return func(t *table, i uint32, visit func(string) bool) {
			for _, n := range t.of(i) {
				if n.kind == noteDesignation && !visit(t.value(n)) {
					return
				}
			}
		}
	}
	switch cs.role(property) {
	case "notSelectable":
		return flagValues(flagAbstract)
	case "inactive":
		return flagValues(flagInactive)
	case "parent":
		return func(t *table, i uint32, visit func(string) bool) {
			for _, p := range t.parents(i) {
				if !visit(t.code(p)) {
					return
				}
			}
		}
	case "child":
		return func(t *table, i uint32, visit func(string) bool) {
			for _, c := range t.children(i) {
				if !visit(t.code(c)) {
					return
				}
			}
		}
	}
	return cs.noted(t, property)
}

func flagValues(flag uint8) func(*table, uint32, func(string) bool) {
	return func(t *table, i uint32, visit func(string) bool) {
		visit(strconv.FormatBool(t.has(i, flag)))
	}
}

// noted gives the values of a property that concepts bring along.
func (cs *system) noted(t *table, property string) func(*table, uint32, func(string) bool) {
	name, used := -1, false
	for k, n := range t.names {
		if n == property {
			name, used = k, true
		}
	}
	if _, defined := cs.property(property); !used && !defined {
		return nil
	}
	return func(t *table, i uint32, visit func(string) bool) {
		for _, n := range t.of(i) {
			if n.kind >= noteProperty && int(n.name) == name && !visit(t.value(n)) {
				return
			}
		}
	}
}
