package snapshot

import (
	"strings"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// Generate gives the StructureDefinition with its snapshot made, or made anew,
// of its differential; all else stays byte for byte. Bases and the profiles of
// types come from lib; one of them that has no snapshot is made one on the way.
// The error is an *issue.Failure that names each element of the differential
// that can't be applied, as StructureDefinition.differential.element[i], and
// the rule that it breaks.
func Generate(sd tree.Node, lib *definition.Library) ([]byte, error) {
	s := newSession(lib)
	root, err := s.generate(sd)
	if err != nil {
		return nil, err
	}
	return splice(sd, root)
}

// Check judges the differential of a StructureDefinition: found is all that
// Generate refuses, and what it can make sense of though it is not allowed,
// which is siblings in another order than their base has. Made is what Generate
// gives, nil if it refuses. https://hl7.org/fhir/R4/profiling.html#snapshot
func Check(sd tree.Node, lib *definition.Library) (made []byte, found []issue.Issue) {
	s := newSession(lib)
	s.picky = true
	_, err := s.generate(sd)
	if f := issue.As(err); f != nil {
		found = f.Issues
	} else if err != nil {
		found = []issue.Issue{{Type: issue.Exception, Rule: "definition-broken", Path: "StructureDefinition",
			Text: "a definition that it needs can't be read", Chinese: "无法读取其所需的定义"}}
	}
	made, err = Generate(sd, lib)
	if err != nil {
		return nil, found
	}
	return made, found
}

// The bounds of one call, all definitions that it touches counted together.
const (
	maxElements     = 50_000   // copied or made
	maxDifferential = 10_000   // elements of one differential
	maxDepth        = 40       // names in a path
	maxChain        = 24       // definitions made for the sake of one another
	maxBytes        = 64 << 20 // of the result
	maxFaults       = 50       // told at once
)

// session is what the definitions of one call share.
type session struct {
	lib   *definition.Library
	busy  map[string]bool     // being made, by URL: meeting one again is a circle
	trees map[string]*element // of definitions, by canonical; never written to
	bases map[string]string   // baseDefinition, by canonical
	lines map[string][]string // lineages, by canonical
	spent int
	over  bool
	picky bool // the differential that was asked for must have the order of its base
}

func newSession(lib *definition.Library) *session {
	return &session{lib: lib, busy: map[string]bool{}, trees: map[string]*element{}, bases: map[string]string{}, lines: map[string][]string{}}
}

// spend counts an element; false when there were too many.
func (s *session) spend() bool {
	s.spent++
	s.over = s.over || s.spent > maxElements
	return !s.over
}

// run makes the snapshot of one definition.
type run struct {
	*session
	sd      tree.Node
	url     string
	base    string   // canonical of the base, "" for none
	origin  *element // the tree of the base as it is, nil for none
	strict  bool     // a constraint: it must not allow what the base does not
	faults  []issue.Issue
	orderly bool // siblings in another order than the base's are a fault
}

func (s *session) generate(sd tree.Node) (*element, error) {
	r := &run{
		session: s, sd: sd, url: sd.Field("url").Str(), base: sd.Field("baseDefinition").Str(),
		strict: sd.Field("derivation").Str() == "constraint", orderly: s.picky && len(s.busy) == 0,
	}
	if sd.Field("resourceType").Str() != "StructureDefinition" {
		return nil, refuse(issue.Structure, "definition-type", "StructureDefinition", "expected a StructureDefinition, found %q",
			"此处应为 StructureDefinition，实际为 %q", sd.Field("resourceType").Str())
	}
	differential := sd.Path("differential", "element")
	if differential.Len() == 0 {
		return nil, refuse(issue.Required, "differential-missing", "StructureDefinition.differential",
			"a snapshot is made of the differential, and there is none", "快照由差异（differential）生成，此处没有差异")
	}
	if s.busy[r.url] || len(s.busy) >= maxChain {
		return nil, circle(r.url)
	}
	s.busy[r.url] = true
	defer delete(s.busy, r.url)
	return r.generate(differential)
}

func (r *run) generate(differential tree.Node) (*element, error) {
	root, err := r.start(differential)
	if err != nil {
		return nil, err
	}
	changes := r.readDifferential(differential, root.name)
	if changes != nil {
		r.apply(root, changes)
	}
	if r.over {
		r.fault(issue.TooCostly, "snapshot-size", nil, "the snapshot would have more than %d elements",
			"快照将超过 %d 个元素", maxElements)
	}
	if len(r.faults) > 0 {
		return nil, &issue.Failure{Status: 422, Issues: r.faults}
	}
	return root, nil
}

// start gives the tree that the differential is applied to: a copy of the
// base's, named for this type.
func (r *run) start(differential tree.Node) (*element, error) {
	name := rootName(differential)
	if r.base == "" || r.absent() {
		if r.strict {
			return nil, refuse(issue.Required, "base-missing", "StructureDefinition.baseDefinition",
				"a constraint needs a base that is known; found %q", "约束型定义须有已知的基础定义；实际为 %q", r.base)
		}
		root := &element{name: name, fresh: true}
		root.set("min", []byte("0"))
		root.set("max", []byte(`"*"`))
		return root, nil
	}
	base, err := r.tree(r.base)
	if err != nil {
		return nil, baseFailure(r.base, err)
	}
	r.origin = base
	root := r.clone(base, nil)
	root.disown()
	if r.strict {
		return root, nil
	}
	root.name = name
	root.fresh = true
	root.set("base", baseOf(name, "0", `"*"`))
	return root, nil
}

// disown drops what the root of a base says of the base alone: how mature it is.
func (e *element) disown() {
	extensions := e.value("extension")
	if !extensions.Exists() {
		return
	}
	out := []byte{'['}
	for x := range extensions.Items() {
		switch strings.TrimPrefix(x.Field("url").Str(), typeURL("structuredefinition-")) {
		case "standards-status", "normative-version", "fmm", "fmm-no-warnings", "wg", "category", "summary", "ancestor":
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, x.Raw()...)
	}
	e.drop("extension")
	if len(out) > 1 {
		e.set("extension", append(out, ']'))
	}
}

// absent tells that the base is the abstract top of all types, which R4 has no
// definition of.
func (r *run) absent() bool {
	return r.base == typeURL("Base") && r.lib.Find("StructureDefinition", r.base) == nil
}
