package record

import (
	"errors"
	"io"
	"strings"

	"tenon/fhir/tree"
)

// windowLines are read before they are written; windowBytes bound them.
const (
	windowLines = 2000
	windowBytes = 16 << 20
	batchLines  = 100
)

// Window reads lines that can be written at the same time, parted in batches: no
// two write the same resource, and no Bundle has to do with what another line
// writes. A Bundle is a batch by itself. It is empty at the end.
func (l *Lines) Window() (batches [][]Line, last int64, err error) {
	w := &window{}
	last = l.n
	for w.count < windowLines && w.size < windowBytes {
		line, err := l.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, last, err
		}
		if !w.take(line) {
			l.back(line)
			break
		}
		last = line.N
	}
	return w.parted(), last, nil
}

// window gathers lines.
type window struct {
	claims
	count, size int
	bundles     bool
	batches     [][]Line
	batch       []Line
}

// take takes the line in unless it has to do with one before it.
func (w *window) take(line Line) bool {
	c, bundle := claimsOf(&line, w.bundles)
	if w.count > 0 && w.meets(&c) {
		return false
	}
	w.join(&c)
	w.count++
	w.size += len(line.Body)
	if bundle {
		w.bundles = true
		w.batches, w.batch = append(w.parted(), []Line{line}), nil
		return true
	}
	if w.batch = append(w.batch, line); len(w.batch) == batchLines {
		w.batches, w.batch = append(w.batches, w.batch), nil
	}
	return true
}

func (w *window) parted() [][]Line {
	if w.batch == nil {
		return w.batches
	}
	return append(w.batches, w.batch)
}

// claims are what a line has to do with: the resources that it writes, their
// types, the resources that it refers to, and the types of which it asks what is
// there (conditional references, ifNoneExist, criteria).
type claims struct {
	written, referred set // "Type/id"
	types, asked      set
}

// set is made when something is put into it.
type set map[string]bool

func (s *set) put(k string) {
	if *s == nil {
		*s = set{}
	}
	(*s)[k] = true
}

// meets tells whether the outcome could depend on which is written first.
func (c *claims) meets(o *claims) bool {
	return meet(c.written, o.written) || meet(c.written, o.referred) || meet(c.referred, o.written) ||
		meet(c.types, o.asked) || meet(c.asked, o.types)
}

func meet(a, b set) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for k := range a {
		if b[k] {
			return true
		}
	}
	return false
}

func (c *claims) join(o *claims) {
	for mine, other := range map[*set]set{&c.written: o.written, &c.referred: o.referred, &c.types: o.types, &c.asked: o.asked} {
		for k := range other {
			mine.put(k)
		}
	}
}

// claimsOf reads what a line claims. The references of a resource count beside
// Bundles only: resources by themselves may come in any order.
func claimsOf(line *Line, refers bool) (c claims, bundle bool) {
	root, err := line.parse()
	if line.Fault != nil || err != nil {
		return c, false
	}
	typ, kind := root.Path("resourceType").Str(), root.Path("type").Str()
	if typ == "Bundle" && (kind == "transaction" || kind == "batch") {
		c.bundle(root)
		return c, true
	}
	c.types.put(typ)
	if id := root.Path("id").Str(); id != "" {
		c.written.put(typ + "/" + id)
	}
	if refers {
		references(root, c.refer)
	}
	return c, false
}

func (c *claims) bundle(root tree.Node) {
	for e := range root.Field("entry").Items() {
		request := e.Field("request")
		path, criteria, _ := strings.Cut(request.Field("url").Str(), "?")
		typ, id := named(path)
		switch method := request.Field("method").Str(); {
		case method == "GET" || method == "HEAD" || strings.Contains(path, "$"):
			continue
		case method == "POST" || id == "":
			typ = path[strings.LastIndexByte(path, '/')+1:]
		default:
			c.written.put(typ + "/" + id)
		}
		c.types.put(typ)
		if criteria != "" || request.Field("ifNoneExist").Str() != "" {
			c.asked.put(typ)
		}
		references(e.Field("resource"), c.refer)
	}
}

// refer takes in a reference: a conditional one asks for a type.
func (c *claims) refer(n tree.Node) {
	path, _, conditional := strings.Cut(n.Str(), "?")
	if conditional {
		c.asked.put(path[strings.LastIndexByte(path, '/')+1:])
		return
	}
	if typ, id := named(path); id != "" {
		c.referred.put(typ + "/" + id)
	}
}

// named is the type and id at the end of a URL or reference; no id where it does
// not end so.
func named(url string) (typ, id string) {
	url, _, _ = strings.Cut(url, "/_history/")
	url, _, _ = strings.Cut(url, "#")
	at := strings.LastIndexByte(url, '/')
	if at < 0 {
		return url, ""
	}
	typ, id = url[:at], url[at+1:]
	return typ[strings.LastIndexByte(typ, '/')+1:], id
}
