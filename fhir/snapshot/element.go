package snapshot

import (
	"strings"

	"tenon/fhir/tree"
)

// element is one definition with those below it. The slices of an element stand
// with it, not beside it: its own definition is the one that has no slice name.
type element struct {
	name     string // last name of the path: "value[x]"
	slice    string
	members  []member // in the order of ElementDefinition; no id, path, sliceName
	children []*element
	slices   []*element
	entry    *element // the element that this is a slice of
	fresh    bool     // this definition introduces it: there is no base to heed
	url      string   // of the definition that it was copied of, for contentReference
}

// member is a member of an ElementDefinition with its JSON as it was written.
type member struct {
	name string
	raw  []byte
	node tree.Node // of raw; absent when raw was made here
}

// value gives a member as a node, absent when there is none.
func (e *element) value(name string) tree.Node {
	m := e.member(name)
	if m == nil {
		return tree.Node{}
	}
	if !m.node.Exists() {
		if doc, err := tree.Parse(m.raw); err == nil {
			m.node = doc.Root()
		}
	}
	return m.node
}

func (e *element) member(name string) *member {
	for i := range e.members {
		if e.members[i].name == name {
			return &e.members[i]
		}
	}
	return nil
}

// choice gives the member of a choice, as "fixed" for fixedUri.
func (e *element) choice(prefix string) (name string, value tree.Node) {
	for i := range e.members {
		if suffixed(e.members[i].name, prefix) {
			return e.members[i].name, e.value(e.members[i].name)
		}
	}
	return "", tree.Node{}
}

// set puts a member in its place, instead of one of that name if there is one.
func (e *element) set(name string, raw []byte) { e.put(member{name: name, raw: raw}) }

func (e *element) put(m member) {
	at := len(e.members)
	for i := range e.members {
		if e.members[i].name == m.name {
			e.members[i] = m
			return
		}
		if at == len(e.members) && rank(e.members[i].name) > rank(m.name) {
			at = i
		}
	}
	e.members = append(e.members, member{})
	copy(e.members[at+1:], e.members[at:])
	e.members[at] = m
}

func (e *element) drop(name string) {
	kept := e.members[:0]
	for _, m := range e.members {
		if m.name != name {
			kept = append(kept, m)
		}
	}
	e.members = kept
}

// child finds the definition of a name below e.
func (e *element) child(name string) *element {
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (e *element) sliceNamed(name string) *element {
	for _, s := range e.slices {
		if s.slice == name {
			return s
		}
	}
	return nil
}

// clone copies an element with all below it; entry is what it is a slice of.
func (s *session) clone(e, entry *element) *element {
	if !s.spend() {
		return &element{name: e.name, slice: e.slice, entry: entry}
	}
	c := &element{name: e.name, slice: e.slice, entry: entry, url: e.url, fresh: e.fresh}
	c.members = append(make([]member, 0, len(e.members)+4), e.members...)
	c.children = s.cloneAll(e.children, nil)
	c.slices = s.cloneAll(e.slices, c)
	return c
}

func (s *session) cloneAll(list []*element, entry *element) []*element {
	if len(list) == 0 || s.over {
		return nil
	}
	copies := make([]*element, 0, len(list))
	for _, e := range list {
		if s.over {
			break
		}
		copies = append(copies, s.clone(e, entry))
	}
	return copies
}

// order is that of https://hl7.org/fhir/R4/elementdefinition.html
var order = func() map[string]int {
	ranks := map[string]int{}
	for i, name := range strings.Fields(`id extension modifierExtension path representation sliceName
		sliceIsConstrainingAny label code slicing short definition comment requirements alias min max base
		contentReference type defaultValue meaningWhenMissing orderMeaning fixed pattern example minValue maxValue
		maxLength condition constraint mustSupport isModifier isModifierReason isSummary binding mapping`) {
		ranks[name] = i
	}
	return ranks
}()

var choices = []string{"fixed", "pattern", "minValue", "maxValue", "defaultValue"}

func rank(name string) int {
	name = strings.TrimPrefix(name, "_")
	if i, ok := order[name]; ok {
		return i
	}
	for _, prefix := range choices {
		if suffixed(name, prefix) {
			return order[prefix]
		}
	}
	return len(order)
}

// suffixed tells whether name is prefix with a type behind it.
func suffixed(name, prefix string) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z'
}
