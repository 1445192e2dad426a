package terminology

import (
	"hash/maphash"
	"sort"
	"strings"
)

// table holds the concepts of one code system: 20 bytes each, their codes and
// displays back to back in one text, a hash table over the codes, and what few
// concepts have (designations, properties, definitions) beside it. It is
// immutable once built.
//
// Concepts lie in preorder: what is below a concept by first parents follows it
// up to its end. Only where concepts have several parents are there spans too.
type table struct {
	text     string
	concepts []concept
	slots    []uint32 // open addressing: 8 bits of the hash, and an index plus 1
	folded   bool     // codes are told apart without regard to case
	names    []string // languages, uses and property codes of notes
	notes    []note   // by concept
	up, down []edge   // parents beyond the first: by child, by parent
	spans    spans    // what is below by up
	deep     bool     // too many spans: climb instead
	nested   bool     // any concept has a parent
}

type concept struct {
	at      uint32 // of the code in text; the display follows
	display uint32 // its length
	parent  uint32 // first parent plus 1
	end     uint32 // index after the last concept of the subtree
	code    uint16 // its length
	flags   uint8
	level   uint8 // the longest way up to a root, 255 for that or more
}

const (
	flagAbstract = 1 << iota
	flagInactive
	flagDeprecated
)

// note is a text of a concept beyond its code and display.
type note struct {
	concept, at, size uint32
	name, use         uint16 // language and use of a designation, code of a property
	kind              noteKind
}

type noteKind uint8

const (
	noteDefinition noteKind = iota
	noteDesignation
	noteProperty // its type is the kind's offset into propertyTypes
)

var propertyTypes = []string{"code", "string", "integer", "boolean", "dateTime", "decimal", "Coding"}

func propertyKind(typ string) noteKind {
	for i, name := range propertyTypes {
		if name == typ {
			return noteProperty + noteKind(i)
		}
	}
	return noteProperty + 1
}

var seed = maphash.MakeSeed()

// hash of a code. Folded codes hash by their ASCII letters in lower case; what
// else folds together is told apart by the comparison alone.
func hash(code string, folded bool) uint64 {
	if !folded {
		return maphash.String(seed, code)
	}
	var buf [64]byte
	lower := buf[:0]
	for i := range min(len(code), len(buf)) {
		c := code[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c < 0x80 {
			lower = append(lower, c)
		}
	}
	return maphash.Bytes(seed, lower)
}

func (t *table) code(i uint32) string {
	c := &t.concepts[i]
	return t.text[c.at : c.at+uint32(c.code)]
}

func (t *table) display(i uint32) string {
	c := &t.concepts[i]
	from := c.at + uint32(c.code)
	return t.text[from : from+c.display]
}

func (t *table) has(i uint32, flag uint8) bool { return t.concepts[i].flags&flag != 0 }

// A slot holds the index of a concept plus 1 in its low bits, and bits of the
// hash above, so that another code is hardly ever looked at.
const (
	slotBits = 24
	slotMask = 1<<slotBits - 1
)

// find looks a code up.
func (t *table) find(code string) (uint32, bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	h := hash(code, t.folded)
	mask, tag := uint32(len(t.slots)-1), uint32(h>>32)&^slotMask
	for at := uint32(h) & mask; t.slots[at] != 0; at = (at + 1) & mask {
		if t.slots[at]&^slotMask != tag {
			continue
		}
		i := t.slots[at]&slotMask - 1
		if known := t.code(i); known == code || t.folded && strings.EqualFold(known, code) {
			return i, true
		}
	}
	return 0, false
}

// put enters a code that is not there.
func (t *table) put(i uint32, code string) {
	h := hash(code, t.folded)
	mask, tag := uint32(len(t.slots)-1), uint32(h>>32)&^slotMask
	at := uint32(h) & mask
	for t.slots[at] != 0 {
		at = (at + 1) & mask
	}
	t.slots[at] = tag | (i + 1)
}

// of is the notes of a concept.
func (t *table) of(i uint32) []note {
	from := sort.Search(len(t.notes), func(k int) bool { return t.notes[k].concept >= i })
	to := from
	for to < len(t.notes) && t.notes[to].concept == i {
		to++
	}
	return t.notes[from:to]
}

func (t *table) value(n note) string { return t.text[n.at : n.at+n.size] }

// bytes is roughly what the table costs.
func (t *table) bytes() int {
	const conceptSize, noteSize = 20, 20
	return len(t.text) + len(t.concepts)*conceptSize + len(t.slots)*4 + len(t.notes)*noteSize +
		len(t.up)*16 + len(t.spans.at)*8 + len(t.spans.all)*8
}
