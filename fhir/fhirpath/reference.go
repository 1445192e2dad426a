package fhirpath

import (
	"strings"

	"tenon/fhir/tree"
)

// References. https://hl7.org/fhir/R4/fhirpath.html#functions
func init() {
	register(map[string]builtin{"resolve": {0, 0, (*compiler).resolve}})
}

// resolve replaces references by their targets: contained resources, entries of
// the same Bundle, then what the host finds. Others are dropped.
func (c *compiler) resolve(*node, static) (apply, static, error) {
	return func(st *state, base int) error {
		end := len(st.stack)
		for i := base; i < end; i++ {
			v := st.stack[i]
			if target := st.target(&v, referenceOf(&v)); target.Exists() {
				st.push(st.expr.root(target))
			}
			if err := st.spend(1); err != nil {
				return err
			}
		}
		st.drop(base, end)
		return nil
	}, anything, nil
}

// referenceOf is the text of a Reference, or of a uri, canonical or string.
func referenceOf(v *Value) string {
	if v.kind == sysString {
		return v.box.str
	}
	if v.node.Kind() == tree.Object {
		return v.node.Field("reference").Str()
	}
	return v.node.Str()
}

// target finds what a reference points to.
func (st *state) target(v *Value, reference string) tree.Node {
	switch {
	case reference == "":
		return tree.Node{}
	case reference[0] == '#':
		return contained(v.node, reference[1:])
	}
	if n := st.inBundle(v.node, reference); n.Exists() {
		return n
	}
	if st.ctx.Resolve != nil {
		if n, ok := st.ctx.Resolve(reference); ok {
			return n
		}
	}
	return tree.Node{}
}

// contained finds a contained resource of the container that n lies in; "#"
// alone is the container itself.
func contained(n tree.Node, id string) tree.Node {
	if !n.Exists() {
		return n
	}
	container, _ := enclosing(n)
	if id == "" {
		return container
	}
	for item := range container.Field("contained").Items() {
		if item.Field("id").Str() == id {
			return item
		}
	}
	return tree.Node{}
}

// inBundle finds an entry by its fullUrl, or by type and id.
func (st *state) inBundle(n tree.Node, reference string) tree.Node {
	if !n.Exists() {
		return n
	}
	root := n.Doc().Root()
	if root.Field("resourceType").Str() != "Bundle" {
		return tree.Node{}
	}
	kind, id := identityOf(reference)
	for entry := range root.Field("entry").Items() {
		st.work--
		resource := entry.Field("resource")
		url := entry.Field("fullUrl").Str()
		if url != "" && (url == reference || !strings.Contains(reference, ":") && strings.HasSuffix(url, "/"+reference)) ||
			url == "" && kind != "" && resource.Field("resourceType").Str() == kind && resource.Field("id").Str() == id {
			return resource
		}
	}
	return tree.Node{}
}

// identityOf reads type and id off a literal reference: Patient/7,
// http://server/fhir/Patient/7/_history/2. Other URLs give "".
func identityOf(reference string) (kind, id string) {
	if i := strings.IndexAny(reference, "?#"); i >= 0 {
		reference = reference[:i]
	}
	reference, _, _ = strings.Cut(reference, "/_history/")
	i := strings.LastIndexByte(reference, '/')
	if i < 0 {
		return "", ""
	}
	id, kind = reference[i+1:], reference[:i]
	kind = kind[strings.LastIndexByte(kind, '/')+1:]
	if kind == "" || kind[0] < 'A' || kind[0] > 'Z' {
		return "", ""
	}
	return kind, id
}

// typeOfTarget tells the type of a reference's target without fetching it where
// the reference says it; ok is false when nobody knows.
func (st *state) typeOfTarget(v *Value) (kind string, ok bool) {
	reference := referenceOf(v)
	if reference != "" && reference[0] != '#' {
		if kind, _ = identityOf(reference); kind != "" && st.resourceName(kind) {
			return kind, true
		}
	}
	if target := st.target(v, reference); target.Exists() {
		return target.Field("resourceType").Str(), true
	}
	kind = v.node.Field("type").Str()
	return kind, kind != "" && st.resourceName(kind)
}

func (st *state) resourceName(kind string) bool {
	return st.expr.env.Model == nil || st.expr.env.Model.IsResource(kind)
}

// resolvesTo compiles `x.resolve() is T`, for which the type is enough. ok is
// false when the operand is no call of resolve().
func (c *compiler) resolvesTo(n *node, name string, pos int) (run code, ok bool, err error) {
	if n.kind != nodeCall || n.text != "resolve" || len(n.args) > 0 || c.env.Functions["resolve"].Call != nil {
		return nil, false, nil
	}
	t, err := c.test(name, pos)
	if err != nil {
		return nil, false, err
	}
	target, _, err := c.target(n.target)
	if err != nil {
		return nil, false, err
	}
	return invoke(target, func(st *state, base int) error {
		v, err := st.one(base, pos, "is")
		if err != nil || v == nil {
			return err
		}
		kind, known := st.typeOfTarget(v)
		st.cut(base)
		if known {
			st.push(Boolean(t.names(st.expr.env, kind)))
		}
		return st.spend(1)
	}), true, nil
}

// names tells whether a resource type is the tested one or derives from it.
func (t *typeTest) names(e *Env, kind string) bool {
	if actual := e.model(kind); actual != nil {
		return t.fhir != nil && actual.Is(t.name)
	}
	return t.any && kind == t.name
}

// whereResolves compiles `where(resolve() is T)`, the form of R4's search
// parameters, into one filter.
func (c *compiler) whereResolves(n *node) (apply, bool) {
	arg := n.args[0]
	if arg.kind != nodeType || arg.text != "is" {
		return nil, false
	}
	call := arg.args[0]
	if call.kind != nodeCall || call.text != "resolve" || call.target != nil || len(call.args) > 0 || c.env.Functions["resolve"].Call != nil {
		return nil, false
	}
	t, err := c.test(arg.unit, arg.pos)
	if err != nil {
		return nil, false
	}
	return func(st *state, base int) error {
		keep := base
		for i := base; i < len(st.stack); i++ {
			v := st.stack[i]
			if kind, known := st.typeOfTarget(&v); known && t.names(st.expr.env, kind) {
				st.stack[keep] = v
				keep++
			}
		}
		n := len(st.stack) - base
		st.cut(keep)
		return st.spend(1 + n)
	}, true
}

// ReferenceType tells the resource type that a literal reference names, ""
// when it names none (urn:uuid:…, #contained, a canonical URL of another
// server's making).
func ReferenceType(e *Env, reference string) string {
	kind, _ := identityOf(reference)
	if e != nil && e.Model != nil && !e.Model.IsResource(kind) {
		return ""
	}
	return kind
}
