package terminology

// https://hl7.org/fhir/R4/codesystem.html

import (
	"strings"
	"sync"
	"sync/atomic"

	"tenon/fhir/definition"
	"tenon/fhir/tree"
)

// system is one version of a code system: what it says of itself, and its
// concepts as a table or a grammar.
type system struct {
	url, version, name, title, language string
	valueSet                            string // the canonical of all its codes
	content                             string // complete, fragment, example, not-present
	folded                              bool
	properties                          []propertyOf
	grammar                             *grammar // instead of a table

	held    bool // there are concepts to load
	mu      sync.Mutex
	load    func() (*table, error) // until it is done; under mu
	current atomic.Pointer[table]
}

// propertyOf is CodeSystem.property.
type propertyOf struct{ code, uri, description, typ string }

// complete tells that a code it does not have is none.
func (cs *system) complete() bool { return cs.grammar != nil || cs.content == "complete" }

// table is the concepts, loaded once. It is nil, with or without an error, when
// they are not known here. A load that failed is tried again at the next call.
func (cs *system) table() (*table, error) {
	if t := cs.current.Load(); t != nil || !cs.held {
		return t, nil
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if t := cs.current.Load(); t != nil {
		return t, nil
	}
	t, err := cs.load()
	if err != nil {
		return nil, err
	}
	cs.current.Store(t)
	cs.load = nil // and with it the server that it holds
	return t, nil
}

// has tells whether a code is one of the system: Unknown where its content is
// not, or not wholly, known. The index counts where there is a table.
func (cs *system) has(code string) (uint32, *table, Verdict) {
	if cs == nil {
		return 0, nil, Unknown
	}
	if cs.grammar != nil {
		if len(code) > maxGrammar {
			return 0, nil, NotMember
		}
		return 0, nil, cs.grammar.valid(code)
	}
	t, err := cs.table()
	if err != nil || t == nil {
		return 0, nil, Unknown
	}
	if i, ok := t.find(code); ok {
		return i, t, Member
	}
	if cs.complete() {
		return 0, t, NotMember
	}
	return 0, t, Unknown
}

// systemOf reads what a CodeSystem says of itself; the concepts come from
// source when it is not nil, else from the resource, at first use.
func (s *Server) systemOf(r *definition.Resource, source *Coding) *system {
	n, err := r.Node()
	if err != nil {
		return nil
	}
	cs := header(n)
	switch {
	case source != nil:
		if cs.content == "not-present" || cs.content == "" {
			cs.content = "complete"
		}
		cs.held, cs.load = true, func() (*table, error) { return s.stream(cs, *source) }
	case cs.content != "not-present" && n.Field("concept").Exists():
		cs.held, cs.load = true, func() (*table, error) { return s.resourceTable(cs, r) }
	}
	return cs
}

func header(n tree.Node) *system {
	cs := &system{
		url: text(n, "url"), version: text(n, "version"), name: text(n, "name"), title: text(n, "title"),
		language: text(n, "language"), valueSet: text(n, "valueSet"), content: text(n, "content"),
		folded: n.Field("caseSensitive").Kind() == tree.Bool && !n.Field("caseSensitive").Bool(),
	}
	for p := range n.Field("property").Items() {
		cs.properties = append(cs.properties, propertyOf{text(p, "code"), text(p, "uri"), text(p, "description"), text(p, "type")})
	}
	return cs
}

// containedSystem makes a system of a CodeSystem that a resource contains.
func containedSystem(n tree.Node) *system {
	cs := header(n)
	if cs.content == "not-present" || !n.Field("concept").Exists() {
		return cs
	}
	cs.held, cs.load = true, func() (*table, error) {
		b := newBuilder(cs.folded)
		if err := readConcepts(b, cs, n); err != nil {
			return nil, err
		}
		return b.finish(lenientParent, lenient)
	}
	return cs
}

// text copies a member's text out of the document, which need not stay.
func text(n tree.Node, name string) string { return string(n.Field(name).AppendStr(nil)) }

// property finds the definition of a property; ok is false when the system
// defines none of that code.
func (cs *system) property(code string) (propertyOf, bool) {
	for _, p := range cs.properties {
		if p.code == code {
			return p, true
		}
	}
	return propertyOf{}, false
}

func (s *Server) resourceTable(cs *system, r *definition.Resource) (*table, error) {
	n, err := r.Node()
	if err != nil {
		return nil, err
	}
	b := newBuilder(cs.folded)
	if err := readConcepts(b, cs, n); err != nil {
		return nil, err
	}
	return s.closeTable(b, cs)
}

// stream builds the table of a system that the source has.
func (s *Server) stream(cs *system, from Coding) (*table, error) {
	const report = 10_000
	b := newBuilder(cs.folded)
	done := 0
	err := s.o.Source.Concepts(from.System, from.Version, func(c *Concept) error {
		children := cs.linkByProperty(c)
		i, added, err := b.add(c)
		if err != nil {
			return err
		}
		for _, child := range children {
			if added {
				b.above = append(b.above, above{i, strings.Clone(child)})
			}
		}
		if done++; done%report == 0 && s.o.Progress != nil {
			s.o.Progress(from, done)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s.o.Progress != nil {
		s.o.Progress(from, done)
	}
	return s.closeTable(b, cs)
}

func (s *Server) closeTable(b *builder, cs *system) (*table, error) {
	for _, r := range s.supplements(cs) {
		if n, err := r.Node(); err == nil {
			supplement(b, n)
		}
	}
	return b.finish(lenientParent, lenient)
}
