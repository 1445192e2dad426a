package jpeg2000

// tree is a tag tree (B.10.2): a pyramid of minima, told bit by bit as far as
// they are asked for.
type tree struct {
	across, down int
	nodes        []node // the leaves row by row, then the level above, …
}

// node has a value of at least low; known: it is low.
type node struct {
	low   uint16
	known bool
}

func newTree(across, down int) tree {
	n := 0
	for x, y := across, down; ; x, y = (x+1)/2, (y+1)/2 {
		n += x * y
		if x <= 1 && y <= 1 {
			break
		}
	}
	return tree{across: across, down: down, nodes: make([]node, n)}
}

// maxTreeLevels is enough for 2^15 × 2^15 blocks.
const maxTreeLevels = 17

// path fills in the nodes from a leaf up to the root and gives the index of that.
func (t *tree) path(path *[maxTreeLevels]int, leaf int) (depth int) {
	from, x, y := 0, leaf%t.across, leaf/t.across
	for w, h := t.across, t.down; ; w, h = (w+1)/2, (h+1)/2 {
		path[depth] = from + y*w + x
		if w <= 1 && h <= 1 {
			return depth
		}
		from += w * h
		x, y, depth = x/2, y/2, depth+1
	}
}

// below reads until it is known whether the value of a leaf is below a limit.
func (t *tree) below(r *bitReader, leaf int, limit uint16) bool {
	var path [maxTreeLevels]int
	depth := t.path(&path, leaf)
	low := uint16(0)
	for ; depth >= 0; depth-- {
		n := &t.nodes[path[depth]]
		n.low = max(n.low, low)
		for !n.known && n.low < limit {
			if r.bit() == 1 {
				n.known = true
			} else {
				n.low++
			}
		}
		low = n.low
	}
	leafNode := &t.nodes[path[0]]
	return leafNode.known && leafNode.low < limit
}

// bitReader reads packet headers: after FF, seven bits (B.10.1). At the end it gives
// ones, with which every loop ends, and remembers it.
type bitReader struct {
	b     []byte
	i     int
	last  byte
	left  int // bits of last that were not read
	short bool
}

func (r *bitReader) bit() int {
	if r.left == 0 {
		if r.i >= len(r.b) {
			r.short = true
			return 1
		}
		r.left = 8
		if r.last == 0xFF {
			r.left = 7
		}
		r.last = r.b[r.i]
		r.i++
	}
	r.left--
	return int(r.last>>r.left) & 1
}

func (r *bitReader) take(n int) (v int) {
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

// align ends a packet header.
func (r *bitReader) align() {
	if r.last == 0xFF {
		r.i++ // the stuffed byte
	}
	r.last, r.left = 0, 0
}
