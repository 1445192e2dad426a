package validate

// https://hl7.org/fhir/R4/profiling.html

import (
	"fmt"
	"sync"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/snapshot"
	"tenon/fhir/tree"
)

// profile is a StructureDefinition, compiled when it is first followed.
type profile struct {
	def  *definition.Resource
	once sync.Once
	typ  *schema.Type // what it constrains; nil when the model does not know it
	root *element     // nil when nothing differs from the base
	// source is what is published, which may contain value sets.
	source tree.Node
	// fault says why it can't be judged.
	fault string
	// above are the profiles that it derives from: who follows it follows them.
	above []*definition.Resource
	// use tells where an extension may stand.
	use *use
}

// profile finds a profile by canonical URL; nil when the library has none.
func (s *Set) profile(canonical string) *profile {
	def := s.lib.Find("StructureDefinition", canonical)
	if def == nil {
		return nil
	}
	if known, ok := s.profiles.Load(def); ok {
		return known.(*profile)
	}
	kept, _ := s.profiles.LoadOrStore(def, &profile{def: def})
	return kept.(*profile)
}

// ready compiles the profile. It compiles no other profile, so that profiles
// may name one another in circles.
func (p *profile) ready(s *Set) *profile {
	p.once.Do(func() { p.compile(s) })
	return p
}

func (p *profile) compile(s *Set) {
	n, err := p.def.Node()
	if err != nil {
		p.fault = firstText(err)
		return
	}
	p.use = readUse(n)
	p.typ = s.model.Type(p.def.Of)
	if p.typ == nil || s.model.Defined(p.def.URL) != nil {
		return // the model judges what defines a type
	}
	source := n
	if !n.Field("snapshot").Field("element").Exists() {
		if n, err = generate(n, s.lib); err != nil {
			p.fault = firstText(err)
			return
		}
	}
	if count := n.Field("snapshot").Field("element").Len(); count > maxElements {
		p.fault = fmt.Sprintf("it has %d elements, more than %d", count, maxElements)
		return
	}
	p.above = s.ancestors(n)
	p.source = source
	read := reader{set: s, profile: p}
	if p.use != nil {
		p.use.parts = partNames(n)
	}
	if p.root = read.snapshot(n.Field("snapshot").Field("element")); p.root != nil && !p.root.matters {
		p.root = nil
	}
	p.source = tree.Node{} // bindings that need it keep it
}

// ancestors lists the profiles that a definition derives from.
func (s *Set) ancestors(n tree.Node) []*definition.Resource {
	var list []*definition.Resource
	for len(list) < 16 {
		url := n.Field("baseDefinition").Str()
		if url == "" || s.model.Defined(url) != nil {
			break
		}
		def := s.lib.Find("StructureDefinition", url)
		if def == nil {
			break
		}
		list = append(list, def)
		var err error
		if n, err = def.Node(); err != nil {
			break
		}
	}
	return list
}

func generate(n tree.Node, lib *definition.Library) (tree.Node, error) {
	body, err := snapshot.Generate(n, lib)
	if err != nil {
		return tree.Node{}, err
	}
	d, err := tree.Parse(body)
	if err != nil {
		return tree.Node{}, err
	}
	return d.Root(), nil
}

func firstText(err error) string {
	if f := issue.As(err); f != nil && len(f.Issues) > 0 {
		return f.Issues[0].String()
	}
	return err.Error()
}
