package record

import (
	"context"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// mostResolved bounds how many stored resources the judgement of one resource
// reads, mostKept how many a draft keeps of them.
const (
	mostResolved = 100
	mostKept     = 2000
)

// targets finds what references point to, for the judgement of a resource: what
// the same draft writes, then what is stored within the caller's reach. What
// the caller cannot read is not found (design law 4).
type targets struct {
	r      *Recorder
	ctx    context.Context
	reach  access.Predicate
	writes map[string]*write    // of the draft, by Type/id
	links  map[string]string    // full URL of an entry → Type/id
	seen   map[string]tree.Node // stored ones; absent where there is none
	left   int                  // reads that the resource in hand may cause
	used   bool                 // something stored was read
}

func (x *targets) find(reference string) (tree.Node, bool) {
	if to, ok := x.links[reference]; ok {
		reference = to
	}
	typ, id, ok := x.r.local(reference)
	if !ok {
		return tree.Node{}, false
	}
	ref := typ + "/" + id
	if w, ok := x.writes[ref]; ok {
		return w.root, w.root.Exists()
	}
	n, known := x.seen[ref]
	if !known {
		if x.left <= 0 {
			return tree.Node{}, false
		}
		x.left--
		x.used = true
		n = x.read(typ, id)
		if x.seen == nil || len(x.seen) >= mostKept {
			x.seen = map[string]tree.Node{}
		}
		x.seen[ref] = n
	}
	return n, n.Exists()
}

func (x *targets) read(typ, id string) tree.Node {
	v, err := x.r.current(x.ctx, x.r.inPart(x.reach, typ), typ, id)
	if err != nil || v == nil || v.Deleted {
		return tree.Node{}
	}
	root, err := parsed(v.Body)
	if err != nil {
		return tree.Node{}
	}
	return root
}
