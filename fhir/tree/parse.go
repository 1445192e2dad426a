package tree

// Parse reads one JSON document with the default limits. The error is an
// *issue.Failure of type Structure (not JSON), Invalid (JSON that FHIR
// exchange must not carry) or TooLong, with line, column and path.
func Parse(src []byte) (*Doc, error) {
	d := new(Doc)
	if err := d.Parse(src, Limits{}); err != nil {
		return nil, err
	}
	return d, nil
}

// Parse reads one JSON document into the arena, forgetting what was there.
// After an error the document is empty.
func (d *Doc) Parse(src []byte, lim Limits) error {
	lim = lim.withDefaults()
	d.src, d.nodes, d.tables = src, d.nodes[:0], d.tables[:0]
	if cap(d.nodes) == 0 {
		d.nodes = make([]node, 0, min(len(src)/20+8, 1<<16))
	}
	p := parser{d: d, src: src, lim: lim}
	p.document()
	if p.fault != nil {
		err := p.failure()
		d.src, d.nodes, d.tables = nil, d.nodes[:0], d.tables[:0]
		return err
	}
	return nil
}

// parser descends recursively; each method takes the position where its value
// starts and returns the position behind it, or -1 after a fault.
type parser struct {
	d     *Doc
	src   []byte
	lim   Limits
	depth int
	fault *fault
	where int // position of the fault
}

func (p *parser) document() {
	switch {
	case len(p.src) > p.lim.Bytes:
		p.stop(0, &faultBytes)
		return
	case len(p.src) >= 3 && string(p.src[:3]) == "\xEF\xBB\xBF":
		p.stop(0, &faultBOM)
		return
	}
	i := p.value(p.space(0), node{})
	if i < 0 {
		return
	}
	p.d.nodes[0].flags |= flagLast
	if i = p.space(i); i < len(p.src) {
		p.stop(i, &faultTrailing)
	}
}

// at is the byte at i, or 0 at the end; 0 starts no token.
func (p *parser) at(i int) byte {
	if uint(i) < uint(len(p.src)) {
		return p.src[i]
	}
	return 0
}

// space skips white space. Indentation goes eight blanks at a time.
func (p *parser) space(i int) int {
	for uint(i) < uint(len(p.src)) {
		switch p.src[i] {
		case ' ':
			for i+8 <= len(p.src) && load(p.src, i) == 0x2020202020202020 {
				i += 8
			}
			if p.at(i) == ' ' {
				i++
			}
		case '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

// value parses one value whose member name, if any, stands in n.
func (p *parser) value(i int, n node) int {
	index := uint32(len(p.d.nodes))
	if int(index) >= p.lim.Nodes {
		return p.stop(i, &faultNodes)
	}
	n.start = uint32(i)
	p.d.nodes = append(p.d.nodes, n)
	var end int
	var kind Kind
	switch c := p.at(i); c {
	case '"':
		var escaped bool
		kind = String
		if end, escaped = p.str(i + 1); escaped {
			p.d.nodes[index].flags |= flagEscaped
		}
	case '{':
		kind, end = Object, p.nested(i, index, Object)
	case '[':
		kind, end = Array, p.nested(i, index, Array)
	case 't':
		kind, end = Bool, p.word(i, "true")
	case 'f':
		kind, end = Bool, p.word(i, "false")
	case 'n':
		kind, end = Null, p.word(i, "null")
	default:
		if c != '-' && (c < '0' || c > '9') {
			return p.unexpected(i, &faultValue)
		}
		kind, end = Number, p.number(i)
	}
	if end < 0 {
		return -1
	}
	done := &p.d.nodes[index]
	done.kind, done.end, done.skip = kind, uint32(end), uint32(len(p.d.nodes))
	if done.table = 0; kind == Object && done.count >= wide {
		if twice := p.d.buildTable(index); twice != 0 {
			return p.stop(int(p.d.nodes[twice].keyStart)-1, p.duplicate(twice))
		}
	}
	return end
}

func (p *parser) nested(i int, index uint32, kind Kind) int {
	if p.depth++; p.depth > p.lim.Depth {
		return p.stop(i, &faultDepth)
	}
	p.d.nodes[index].kind = kind
	if kind == Object {
		i = p.object(i+1, index)
	} else {
		i = p.array(i+1, index)
	}
	p.depth--
	return i
}

func (p *parser) array(i int, index uint32) int {
	if i = p.space(i); p.at(i) == ']' {
		return i + 1
	}
	for {
		p.d.nodes[index].count++
		child := len(p.d.nodes)
		if i = p.value(i, node{}); i < 0 {
			return -1
		}
		i = p.space(i)
		switch p.at(i) {
		case ',':
			i = p.space(i + 1)
		case ']':
			p.d.nodes[child].flags |= flagLast
			return i + 1
		default:
			return p.unexpected(i, &faultArray)
		}
	}
}

func (p *parser) object(i int, index uint32) int {
	if i = p.space(i); p.at(i) == '}' {
		return i + 1
	}
	var seen uint64
	for {
		if p.at(i) != '"' {
			return p.unexpected(i, &faultName)
		}
		n := node{keyStart: uint32(i + 1)}
		quote := i
		var escaped bool
		if i, escaped = p.str(i + 1); i < 0 {
			return -1
		}
		n.keyEnd = uint32(i - 1)
		if escaped {
			n.flags = flagKeyEscaped
		}
		if escaped || p.src[n.keyStart] == '_' {
			p.d.nodes[index].flags |= flagUnderscored
		}
		if f := p.repeats(index, n, &seen); f != nil {
			return p.stop(quote, f)
		}
		if i = p.space(i); p.at(i) != ':' {
			return p.unexpected(i, &faultColon)
		}
		p.d.nodes[index].count++
		child := len(p.d.nodes)
		if i = p.value(p.space(i+1), n); i < 0 {
			return -1
		}
		i = p.space(i)
		switch p.at(i) {
		case ',':
			i = p.space(i + 1)
		case '}':
			p.d.nodes[child].flags |= flagLast
			return i + 1
		default:
			return p.unexpected(i, &faultObject)
		}
	}
}

// repeats looks for the name among the members read so far. A 64-bit filter
// answers most names; wide objects are checked by their table when they close.
func (p *parser) repeats(object uint32, n node, seen *uint64) *fault {
	name := share(p.src[n.keyStart:n.keyEnd])
	if n.flags&flagKeyEscaped != 0 {
		name = string(appendUnescaped(nil, p.src[n.keyStart:n.keyEnd]))
	}
	bit := uint64(1) << (len(name) & 63)
	if len(name) > 0 {
		bit = 1 << ((uint(name[0])*7 + uint(name[len(name)-1])*3 + uint(len(name))*5) & 63)
	}
	fresh := *seen&bit == 0
	*seen |= bit
	if fresh || p.d.nodes[object].count >= wide {
		return nil
	}
	if p.d.scan(object+1, uint32(len(p.d.nodes)), name) != 0 {
		return duplicate(name)
	}
	return nil
}

func (p *parser) duplicate(twice uint32) *fault { return duplicate(p.d.name(twice)) }

func (p *parser) word(i int, word string) int {
	if len(p.src)-i >= len(word) && string(p.src[i:i+len(word)]) == word {
		return i + len(word)
	}
	return p.unexpected(i, &faultValue)
}
