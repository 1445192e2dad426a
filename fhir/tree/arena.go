package tree

import "hash/maphash"

// Kind tells what JSON value a node is; its zero value is Absent.
type Kind uint8

// The kinds of https://www.rfc-editor.org/rfc/rfc8259#section-3.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String is the English name of the kind, as messages use it.
func (k Kind) String() string {
	return [...]string{"nothing", "null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// Chinese is the Chinese name of the kind, as messages use it.
func (k Kind) Chinese() string {
	return [...]string{"无", "null", "布尔值", "数字", "字符串", "数组", "对象"}[k]
}

// Limits bound what one document may cost; a zero field means its default.
type Limits struct {
	Bytes int // length of the source: 64 MiB
	Depth int // arrays and objects inside one another: 64
	Nodes int // values: 4 million (an arena of 128 MB)
}

// The defaults of Limits. maxBytes is what the 32-bit spans can address.
const (
	DefaultBytes = 64 << 20
	DefaultDepth = 64
	DefaultNodes = 4 << 20

	maxBytes = 1<<31 - 1
)

func (l Limits) withDefaults() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Depth <= 0 {
		l.Depth = DefaultDepth
	}
	if l.Nodes <= 0 {
		l.Nodes = DefaultNodes
	}
	l.Bytes = min(l.Bytes, maxBytes)
	return l
}

// node is one value. Nodes lie in document order, so the first child of a
// container is the next node and the next sibling starts at skip.
type node struct {
	start, end       uint32 // the value in the source, quotes included
	keyStart, keyEnd uint32 // the member name, quotes excluded; 0, 0 in arrays
	skip             uint32 // index after the last descendant; 0 while open
	count            uint32 // members or items
	table            uint32 // where a wide object's hash table starts, plus 1
	kind             Kind
	flags            uint8
}

const (
	flagEscaped     = 1 << iota // the string value holds a backslash
	flagKeyEscaped              // the member name holds a backslash
	flagLast                    // no sibling follows
	flagUnderscored             // some member's name starts with _, or is escaped
)

// Doc is an arena of one parsed document. Its zero value is ready for Parse,
// and Parse may be called again to reuse the memory.
type Doc struct {
	src    []byte
	nodes  []node
	tables []uint32
}

// Root is the document's value; absent before a successful parse.
func (d *Doc) Root() Node {
	if d == nil || len(d.nodes) == 0 {
		return Node{}
	}
	return Node{d: d}
}

// Src is the source that was parsed, byte for byte.
func (d *Doc) Src() []byte { return d.src }

// wide is the number of members from which an object gets a hash table:
// below it a scan is faster, above it a scan would let a hostile document
// cost quadratic time.
const wide = 32

// seed makes the tables' hash unknown to whoever writes a document.
var seed = maphash.MakeSeed()

// tableSize is a power of two with at least half of the slots free.
func tableSize(count uint32) uint32 {
	size := uint32(4 * wide)
	for size < 2*count {
		size *= 2
	}
	return size
}

// buildTable indexes the members of a wide object by name. It returns the
// member that repeats an earlier name, or 0.
func (d *Doc) buildTable(object uint32) (duplicate uint32) {
	n := &d.nodes[object]
	size := tableSize(n.count)
	offset := len(d.tables)
	d.tables = append(d.tables, make([]uint32, size)...)
	table := d.tables[offset:]
	n.table = uint32(offset) + 1
	for child := object + 1; child < n.skip; child = d.nodes[child].skip {
		name := d.name(child)
		slot := uint32(maphash.String(seed, name)) & (size - 1)
		for table[slot] != 0 {
			if d.name(table[slot]) == name {
				return child
			}
			slot = (slot + 1) & (size - 1)
		}
		table[slot] = child
	}
	return 0
}

// find looks a member up, or returns 0: no member is node 0.
func (d *Doc) find(object uint32, name string) uint32 {
	n := &d.nodes[object]
	if n.table == 0 {
		return d.scan(object+1, n.skip, name)
	}
	size := tableSize(n.count)
	table := d.tables[n.table-1:][:size]
	slot := uint32(maphash.String(seed, name)) & (size - 1)
	for table[slot] != 0 {
		if d.name(table[slot]) == name {
			return table[slot]
		}
		slot = (slot + 1) & (size - 1)
	}
	return 0
}

// scan looks for a name among the siblings from child up to end.
func (d *Doc) scan(child, end uint32, name string) uint32 {
	for child < end {
		n := &d.nodes[child]
		if n.flags&flagKeyEscaped != 0 {
			if d.name(child) == name {
				return child
			}
		} else if int(n.keyEnd-n.keyStart) == len(name) && string(d.src[n.keyStart:n.keyEnd]) == name {
			return child
		}
		child = n.skip
	}
	return 0
}

// name is the unescaped member name of a node.
func (d *Doc) name(i uint32) string {
	n := &d.nodes[i]
	raw := d.src[n.keyStart:n.keyEnd]
	if n.flags&flagKeyEscaped != 0 {
		return string(appendUnescaped(nil, raw))
	}
	return share(raw)
}
