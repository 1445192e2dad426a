package tree

import (
	"iter"
	"unsafe"
)

// Node is one value of a document, or nothing: the zero Node is absent, and
// every method is safe on it.
type Node struct {
	d *Doc
	i uint32
}

// Exists tells whether there is a value, be it null.
func (n Node) Exists() bool { return n.d != nil }

// Kind is the JSON kind of the value; Absent when there is none.
func (n Node) Kind() Kind {
	if n.d == nil {
		return Absent
	}
	return n.d.nodes[n.i].kind
}

// Doc is the document that the node belongs to; nil when absent.
func (n Node) Doc() *Doc { return n.d }

// ID numbers the nodes of a document in document order: a parent comes before
// its children. Two nodes of one document are the same if their IDs are.
func (n Node) ID() int { return int(n.i) }

// Field is the object's member of that name; absent when there is none or n is
// no object.
func (n Node) Field(name string) Node {
	if n.Kind() != Object {
		return Node{}
	}
	if child := n.d.find(n.i, name); child != 0 {
		return Node{n.d, child}
	}
	return Node{}
}

// Underscored tells whether the object may have a member whose name starts with
// _, FHIR's siblings of primitives: where it is false, none need be looked for.
func (n Node) Underscored() bool {
	return n.d != nil && n.d.nodes[n.i].flags&flagUnderscored != 0
}

// Len is the number of items of an array or members of an object, else 0.
func (n Node) Len() int {
	if n.d == nil {
		return 0
	}
	return int(n.d.nodes[n.i].count)
}

// Index is the i-th item of an array, counted from 0; absent when out of range.
// An array of objects is walked from its start: use Items to visit them all.
func (n Node) Index(i int) Node {
	if n.Kind() != Array || i < 0 || i >= n.Len() {
		return Node{}
	}
	array := &n.d.nodes[n.i]
	if array.skip-n.i-1 == array.count {
		return Node{n.d, n.i + 1 + uint32(i)}
	}
	child := n.i + 1
	for ; i > 0; i-- {
		child = n.d.nodes[child].skip
	}
	return Node{n.d, child}
}

// First is the first item or member of a container; absent when it is empty.
func (n Node) First() Node {
	if n.Len() == 0 {
		return Node{}
	}
	return Node{n.d, n.i + 1}
}

// Next is the item or member that follows n in the same container.
func (n Node) Next() Node {
	if n.d == nil || n.d.nodes[n.i].flags&flagLast != 0 {
		return Node{}
	}
	return Node{n.d, n.d.nodes[n.i].skip}
}

// Name is the member name under which n stands in its object; "" elsewhere.
func (n Node) Name() string {
	if n.d == nil {
		return ""
	}
	return n.d.name(n.i)
}

// NameSpan is the span of the member name with its quotes; 0, 0 elsewhere.
func (n Node) NameSpan() (start, end int) {
	if n.d == nil || n.d.nodes[n.i].keyStart == 0 {
		return 0, 0
	}
	at := &n.d.nodes[n.i]
	return int(at.keyStart) - 1, int(at.keyEnd) + 1
}

// Fields yields the members of an object in their order.
func (n Node) Fields() iter.Seq2[string, Node] {
	return func(yield func(string, Node) bool) {
		if n.Kind() != Object {
			return
		}
		for child := n.First(); child.d != nil; child = child.Next() {
			if !yield(child.Name(), child) {
				return
			}
		}
	}
}

// Items yields the items of an array. A value that is no array yields itself,
// an absent one nothing.
func (n Node) Items() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		if n.Kind() != Array {
			if n.d != nil {
				yield(n)
			}
			return
		}
		for item := n.First(); item.d != nil; item = item.Next() {
			if !yield(item) {
				return
			}
		}
	}
}

// Path descends by member names; an array on the way stands for its first
// item. The last member is returned as it is, even if it is an array.
func (n Node) Path(names ...string) Node {
	for _, name := range names {
		if n.Kind() == Array {
			n = n.First()
		}
		n = n.Field(name)
	}
	return n
}

// Str is the unescaped text of a string, "" for any other kind. Without
// escapes it shares the source's memory and allocates nothing.
func (n Node) Str() string {
	if n.Kind() != String {
		return ""
	}
	at := &n.d.nodes[n.i]
	raw := n.d.src[at.start+1 : at.end-1]
	if at.flags&flagEscaped != 0 {
		return share(appendUnescaped(make([]byte, 0, len(raw)), raw))
	}
	return share(raw)
}

// AppendStr appends the text of Str to dst, for callers that keep a buffer.
func (n Node) AppendStr(dst []byte) []byte {
	if n.Kind() != String {
		return dst
	}
	at := &n.d.nodes[n.i]
	raw := n.d.src[at.start+1 : at.end-1]
	if at.flags&flagEscaped != 0 {
		return appendUnescaped(dst, raw)
	}
	return append(dst, raw...)
}

// Escaped tells whether the string holds escapes, so that Str allocates.
func (n Node) Escaped() bool {
	return n.d != nil && n.d.nodes[n.i].flags&flagEscaped != 0
}

// Text is Str for a string and the source text of a number or boolean, so that
// 1.00 stays 1.00; "" for anything else.
func (n Node) Text() string {
	switch n.Kind() {
	case String:
		return n.Str()
	case Number, Bool:
		return share(n.Raw())
	}
	return ""
}

// Bool is true for the value true only.
func (n Node) Bool() bool {
	return n.Kind() == Bool && n.d.src[n.d.nodes[n.i].start] == 't'
}

// Raw is the value's source, quotes and brackets included; nil when absent.
// It shares the source's memory.
func (n Node) Raw() []byte {
	if n.d == nil {
		return nil
	}
	at := &n.d.nodes[n.i]
	return n.d.src[at.start:at.end:at.end]
}

// Span is where Raw lies in the source; 0, 0 when absent.
func (n Node) Span() (start, end int) {
	if n.d == nil {
		return 0, 0
	}
	at := &n.d.nodes[n.i]
	return int(at.start), int(at.end)
}

// share views bytes as a string without copying: the source is never written.
func share(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b))
}
