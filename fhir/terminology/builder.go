package terminology

import (
	"math"
	"unsafe"

	"tenon/fhir/issue"
)

// builder makes a table of concepts that come one by one.
type builder struct {
	t      table
	text   []byte
	edges  []edge
	later  []later // parents that have not come yet
	above  []above // children that a property of the parent names
	nameOf map[string]uint16
	broken bool // something did not fit and was left out
}

// later is a parent known by its code alone, of which text holds a copy.
type later struct {
	child uint32
	code  string
}

type above struct {
	parent uint32
	child  string
}

func newBuilder(folded bool) *builder {
	return &builder{t: table{folded: folded, slots: make([]uint32, 64)}, nameOf: map[string]uint16{}}
}

const (
	maxConcepts = slotMask - 1
	maxText     = 2 << 30 // bytes of one system's texts
)

// add appends a concept under the parents that it names. A code that has been
// there before is left out: the answer is its first index, and false.
func (b *builder) add(c *Concept) (uint32, bool, error) {
	if i, ok := b.find(c.Code); ok {
		return i, false, nil
	}
	if len(c.Code) > math.MaxUint16 || len(c.Code) == 0 {
		b.broken = true
		return 0, false, nil
	}
	if len(b.t.concepts) >= maxConcepts || len(b.text)+len(c.Display)+len(c.Definition) > maxText {
		return 0, false, issue.Errorf(issue.TooCostly, "The code system has more than %d concepts or %d bytes of text, the limit of one table.", maxConcepts, maxText).
			Rule("codesystem-size").Chinese("代码系统过大，超过上限。")
	}
	i := uint32(len(b.t.concepts))
	b.t.concepts = append(b.t.concepts, concept{at: uint32(len(b.text)), display: uint32(len(c.Display)), code: uint16(len(c.Code)), flags: flags(c)})
	b.text = append(append(b.text, c.Code...), c.Display...)
	b.index(i, c.Code)
	for _, p := range c.Parents {
		b.under(i, p)
	}
	b.annotate(i, c)
	return i, true, nil
}

func flags(c *Concept) (f uint8) {
	if c.Abstract {
		f |= flagAbstract
	}
	if c.Inactive {
		f |= flagInactive
	}
	for _, p := range c.Properties {
		switch p.Code + "=" + p.Value {
		case "notSelectable=true", "abstract=true":
			f |= flagAbstract
		case "inactive=true", "status=retired", "status=inactive":
			f |= flagInactive
		case "status=deprecated":
			f |= flagDeprecated
		}
	}
	return f
}

func (b *builder) under(child uint32, parent string) {
	if p, ok := b.find(parent); ok {
		b.edges = append(b.edges, edge{child, p})
		return
	}
	b.later = append(b.later, later{child, string(append([]byte(nil), parent...))})
}

func (b *builder) annotate(i uint32, c *Concept) {
	if c.Definition != "" {
		b.note(note{concept: i, kind: noteDefinition}, c.Definition)
	}
	for _, d := range c.Designations {
		b.note(note{concept: i, kind: noteDesignation, name: b.name(d.Language), use: b.name(d.Use)}, d.Value)
	}
	for _, p := range c.Properties {
		b.note(note{concept: i, kind: propertyKind(p.Type), name: b.name(p.Code)}, p.Value)
	}
}

func (b *builder) note(n note, value string) {
	n.at, n.size = uint32(len(b.text)), uint32(len(value))
	b.text = append(b.text, value...)
	b.t.notes = append(b.t.notes, n)
}

// name interns the few languages, uses and property codes of a system.
func (b *builder) name(s string) uint16 {
	if k, ok := b.nameOf[s]; ok {
		return k
	}
	if len(b.t.names) > math.MaxUint16 {
		b.broken = true
		return 0
	}
	s = string(append([]byte(nil), s...))
	k := uint16(len(b.t.names))
	b.t.names = append(b.t.names, s)
	b.nameOf[s] = k
	return k
}

// find looks among what has come so far.
func (b *builder) find(code string) (uint32, bool) {
	b.t.text = unsafe.String(unsafe.SliceData(b.text), len(b.text)) // valid until text grows
	return b.t.find(code)
}

func (b *builder) index(i uint32, code string) {
	t := &b.t
	if (int(i)+1)*4 > len(t.slots)*3 {
		t.slots = make([]uint32, 2*len(t.slots))
		t.text = unsafe.String(unsafe.SliceData(b.text), len(b.text))
		for k := range i {
			t.put(k, t.code(k))
		}
	}
	t.put(i, code)
}

// finish makes the table. Parents that never came are told to missing, edges
// that would close a circle to circle; both may refuse with an error, else the
// edge is left out.
func (b *builder) finish(missing func(child, parent string) error, circle func(code string) error) (*table, error) {
	b.t.text = unsafe.String(unsafe.SliceData(b.text), len(b.text))
	for _, l := range b.later {
		p, ok := b.t.find(l.code)
		if ok {
			b.edges = append(b.edges, edge{l.child, p})
		} else if err := missing(b.t.code(l.child), l.code); err != nil {
			return nil, err
		}
	}
	for _, a := range b.above {
		if c, ok := b.t.find(a.child); ok && c != a.parent {
			b.edges = append(b.edges, edge{c, a.parent})
		}
	}
	b.later, b.above, b.nameOf = nil, nil, nil
	h := newHierarchy(len(b.t.concepts), b.edges)
	if err := h.order(func(i uint32) error { return circle(b.t.code(i)) }); err != nil {
		return nil, err
	}
	b.edges = nil
	h.number()
	h.apply(&b.t)
	text := make([]byte, len(b.text)) // without the room that was left to grow
	copy(text, b.text)
	b.t.text = unsafe.String(unsafe.SliceData(text), len(text))
	t := b.t
	return &t, nil
}

// lenient is how tables of resources are finished: what is wrong is left out.
func lenient(string) error { return nil }

func lenientParent(_, _ string) error { return nil }
