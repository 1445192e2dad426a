package terminology

// https://hl7.org/fhir/R4/valueset.html#compositions

import (
	"strings"
	"sync"

	"tenon/fhir/tree"
)

// ValueSet is a compiled value set. It holds what the definition says, judges
// by it, and never keeps an expansion of its own. It is safe for concurrent
// use, as long as the Server is.
type ValueSet struct {
	// URL, Version, Name and Title are what the definition says of itself.
	URL, Version, Name, Title string

	s                *Server
	include, exclude clauses
	activeOnly       bool // compose.inactive is false
	stored           *stored

	inferOnce sync.Once
	inferred  []string // systems that a code without one may be of
}

// clauses are the includes or excludes of a compose, and which of them can
// have codes of a system.
type clauses struct {
	list     []*clause
	bySystem map[string][]*clause // those of any system are under ""
}

func (cs *clauses) add(c *clause) {
	if cs.bySystem == nil {
		cs.bySystem = map[string][]*clause{}
	}
	cs.list = append(cs.list, c)
	cs.bySystem[c.system] = append(cs.bySystem[c.system], c)
}

// clause is an include or exclude of a compose.
type clause struct {
	system, version string
	cs              *system // nil when it is not known here
	other           bool    // cs is not the version that is named, which is not here
	listed          map[string]int
	list            []Concept // what listed points into
	filters         []filter
	imports         []*imported
	unclear         reason // why the filters can't be judged
}

// imported is a value set that a clause names.
type imported struct {
	url  string
	in   *scope
	once sync.Once
	set  *ValueSet
}

func (m *imported) get() *ValueSet {
	m.once.Do(func() { m.set = m.in.find(m.url) })
	return m.set
}

// scope is where the names in a definition are looked up.
type scope struct {
	s         *Server
	contained tree.Node // the resource whose contained ones "#id" names
	versions  Versions
}

func (in *scope) find(url string) *ValueSet {
	if id, ok := strings.CutPrefix(url, "#"); ok {
		if n := in.inside("ValueSet", id); n.Exists() {
			return in.compile(n)
		}
		return nil
	}
	if in.versions.none() {
		return in.s.valueSet(url)
	}
	return in.s.findSet(url, in)
}

// inside finds a contained resource by its id.
func (in *scope) inside(typ, id string) tree.Node {
	for n := range in.contained.Field("contained").Items() {
		if n.Field("id").Str() == id && n.Field("resourceType").Str() == typ {
			return n
		}
	}
	return tree.Node{}
}

// system finds the code system that a clause names: "#id" is a contained one.
func (in *scope) system(c *clause) {
	if id, ok := strings.CutPrefix(c.system, "#"); ok {
		if n := in.inside("CodeSystem", id); n.Exists() {
			c.cs = containedSystem(n)
			c.system = c.cs.url
		}
		return
	}
	c.version = in.versions.of(c.system, c.version)
	c.cs = in.s.system(c.system, c.version)
	if c.cs == nil && c.version != "" {
		c.cs = in.s.system(c.system, "")
		c.other = c.cs != nil
	}
}

// Compile makes a value set of a ValueSet resource that is in no library: one
// that a client sent, or a contained one. The node must stay as it is.
func (s *Server) Compile(n tree.Node) *ValueSet { return s.CompileWith(n, Versions{}) }

// CompileWith is Compile with versions of code systems.
func (s *Server) CompileWith(n tree.Node, versions Versions) *ValueSet {
	return (&scope{s: s, contained: n, versions: versions}).compile(n)
}

// ValueSet finds a value set by canonical URL: one of the library, or one that
// a code system implies. It is nil when there is none.
func (s *Server) ValueSet(canonical string) *ValueSet { return s.valueSet(canonical) }

// ValueSetWith is ValueSet with versions of code systems.
func (s *Server) ValueSetWith(canonical string, versions Versions) *ValueSet {
	return (&scope{s: s, versions: versions}).find(canonical)
}

func (in *scope) compile(n tree.Node) *ValueSet {
	if n.Field("contained").Exists() {
		in = &scope{s: in.s, contained: n, versions: in.versions}
	}
	v := &ValueSet{s: in.s, URL: text(n, "url"), Version: text(n, "version"), Name: text(n, "name"), Title: text(n, "title")}
	compose := n.Field("compose")
	v.activeOnly = compose.Field("inactive").Kind() == tree.Bool && !compose.Field("inactive").Bool()
	v.stored = storedOf(n)
	for item := range compose.Field("include").Items() {
		v.include.add(in.clause(item))
	}
	for item := range compose.Field("exclude").Items() {
		v.exclude.add(in.clause(item))
	}
	return v
}

func (in *scope) clause(n tree.Node) *clause {
	c := &clause{system: text(n, "system"), version: text(n, "version")}
	if c.system != "" {
		in.system(c)
	}
	for item := range n.Field("concept").Items() {
		c.enlist(item)
	}
	for item := range n.Field("filter").Items() {
		f, why := compileFilter(c.cs, text(item, "property"), text(item, "op"), text(item, "value"))
		if why.kind != 0 {
			c.unclear = why
			continue
		}
		c.filters = append(c.filters, f)
	}
	for item := range n.Field("valueSet").Items() {
		c.imports = append(c.imports, &imported{url: string(item.AppendStr(nil)), in: in})
	}
	return c
}

// enlist adds a concept that the clause names.
func (c *clause) enlist(n tree.Node) {
	if c.listed == nil {
		c.listed = map[string]int{}
	}
	code := c.fold(text(n, "code"))
	if _, twice := c.listed[code]; twice || code == "" {
		return
	}
	c.listed[code] = len(c.list)
	one := Concept{Code: text(n, "code"), Display: text(n, "display")}
	for _, d := range designations(n) {
		one.Designations = append(one.Designations, Designation{strings.Clone(d.Language), strings.Clone(d.Use), strings.Clone(d.Value)})
	}
	c.list = append(c.list, one)
}

// fold writes a code as the listed ones are looked up.
func (c *clause) fold(code string) string {
	if c.cs != nil && c.cs.folded {
		return strings.ToLower(code)
	}
	return code
}

// concept is what the clause itself says of a code.
func (c *clause) concept(code string) *Concept {
	if c == nil || c.listed == nil {
		return nil
	}
	if k, ok := c.listed[c.fold(code)]; ok {
		return &c.list[k]
	}
	return nil
}

// systems are those of which a code without system may be.
func (v *ValueSet) systems() []string {
	v.inferOnce.Do(func() {
		seen := map[string]bool{}
		visited := map[*ValueSet]bool{}
		v.collect(seen, visited)
	})
	return v.inferred
}

// mostSystems is how many code systems are tried for a code that names none.
const mostSystems = 1000

func (v *ValueSet) collect(seen map[string]bool, visited map[*ValueSet]bool) {
	const most = 256 // value sets that one may bring in
	type step struct{ set *ValueSet }
	for queue := []step{{v}}; len(queue) > 0 && len(visited) < most; queue = queue[1:] {
		at := queue[0].set
		if at == nil || visited[at] {
			continue
		}
		visited[at] = true
		add := func(system string) {
			if system != "" && !seen[system] && len(v.inferred) < mostSystems {
				seen[system] = true
				v.inferred = append(v.inferred, system)
			}
		}
		for _, c := range at.include.list {
			add(c.system)
			if c.system == "" {
				for _, m := range c.imports {
					queue = append(queue, step{m.get()})
				}
			}
		}
		at.stored.systems(add)
	}
}

// Versions say which version of a code system a value set that names none, or
// any, means. https://hl7.org/fhir/R4/valueset-operation-expand.html
type Versions struct {
	Default map[string]string // system-version
	Force   map[string]string // force-system-version
}

func (o Versions) none() bool { return len(o.Default) == 0 && len(o.Force) == 0 }

func (o Versions) of(system, version string) string {
	if forced, ok := o.Force[system]; ok {
		return forced
	}
	if version == "" {
		return o.Default[system]
	}
	return version
}
