package validate

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// reader makes the tree of differences of a snapshot.
type reader struct {
	set     *Set
	profile *profile
	owner   string
	ids     map[string]*element
	refs    []*element
}

// definedElement is an ElementDefinition with what stands below it.
type definedElement struct {
	node     tree.Node
	path     string
	slice    string
	children []*definedElement
	slices   []*definedElement
}

// snapshot reads the elements of a snapshot.
func (r *reader) snapshot(elements tree.Node) *element {
	r.owner, r.ids = r.profile.def.Canonical(), map[string]*element{}
	root := arrange(elements)
	if root == nil {
		return nil
	}
	e := r.element(root, nil, r.profile.typ, r.profile.typ.Name)
	for _, ref := range r.refs {
		if target := r.ids[ref.reference]; target != nil && target.matters {
			ref.content, ref.matters = target, true
		}
	}
	e.settle(map[*element]bool{})
	return e
}

// Bounds of a profile: real ones have a tenth of it.
const (
	maxElements  = 10_000
	maxPathDepth = 32
)

// arrange makes the tree of a list of elements by their paths: a slice follows
// the element of its path.
func arrange(elements tree.Node) *definedElement {
	var stack []*definedElement
	for n := range elements.Items() {
		if path := n.Field("path").Str(); strings.Count(path, ".") > maxPathDepth || strings.Count(n.Field("sliceName").Str(), "/") > maxPathDepth {
			continue
		}
		d := &definedElement{node: n, path: n.Field("path").Str(), slice: n.Field("sliceName").Str()}
		if len(stack) == 0 {
			stack = append(stack, d)
			continue
		}
		parent, _, _ := cutLastDot(d.path)
		for len(stack) > 1 && stack[len(stack)-1].path != parent {
			stack = stack[:len(stack)-1]
		}
		stack[len(stack)-1].adopt(d)
		stack = append(stack, d)
	}
	if len(stack) == 0 {
		return nil
	}
	return stack[0]
}

func cutLastDot(path string) (parent, name string, ok bool) {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		return path[:i], path[i+1:], true
	}
	return "", path, false
}

// adopt puts an element below d: a slice beside the others of its element, a
// re-slice "a/b" below the slice "a".
func (d *definedElement) adopt(c *definedElement) {
	if c.slice == "" {
		d.children = append(d.children, c)
		return
	}
	for _, main := range slices.Backward(d.children) {
		if main.path != c.path && !shorthand(main.path, c.path) {
			continue
		}
		for at := main; ; {
			next := at.outer(c.slice)
			if next == nil {
				at.slices = append(at.slices, c)
				return
			}
			at = next
		}
	}
	d.children = append(d.children, c)
}

func (d *definedElement) outer(slice string) *definedElement {
	for _, s := range d.slices {
		if strings.HasPrefix(slice, s.slice+"/") {
			return s
		}
	}
	return nil
}

// shorthand tells whether a path such as Observation.valueQuantity means a type
// of Observation.value[x].
func shorthand(choice, path string) bool {
	stem, ok := strings.CutSuffix(choice, "[x]")
	return ok && strings.HasPrefix(path, stem) && len(path) > len(stem) && path[len(stem)] >= 'A' && path[len(stem)] <= 'Z'
}

// element reads one element, its slices and all below it. parent is the type
// that it belongs to, nil for a root.
func (r *reader) element(d *definedElement, base *schema.Element, typ *schema.Type, path string) *element {
	e := &element{path: path, owner: r.owner, base: base, slice: d.slice, max: -1}
	if base != nil {
		e.name, e.refs = base.Name, r.set.references(base)
	}
	if id := d.node.Field("id").Str(); id != "" {
		r.ids[id] = e
	} else if d.slice == "" {
		r.ids[d.path] = e
	}
	r.say(e, d, typ)
	if e.reference != "" && len(d.children)+len(d.slices) == 0 {
		r.refs = append(r.refs, e)
	}
	types := r.typesOf(e, typ)
	for _, c := range d.children {
		if child := r.child(c, types, path); child != nil {
			if child.matters || child.reference != "" {
				e.children = append(e.children, child)
			}
			e.matters = e.matters || child.matters
		}
	}
	for _, s := range d.slices {
		r.sliceOf(e, s, typ)
	}
	if e.slicing != nil && !e.slicing.matters() {
		e.slicing = nil
	}
	e.matters = e.matters || e.slicing != nil
	return e
}

func (r *reader) sliceOf(e *element, s *definedElement, typ *schema.Type) {
	if e.slicing == nil {
		e.slicing = implied(e)
	}
	base := e.base
	slice := r.element(s, base, typ, r.slicePath(e.path, s.slice))
	if base != nil && base.Choice {
		r.oneType(slice, s, base)
	}
	slice.without(e)
	e.slicing.slices = append(e.slicing.slices, slice)
}

func (r *reader) slicePath(path, slice string) string {
	if at := strings.LastIndexByte(path, ':'); at > strings.LastIndexByte(path, '.') {
		path = path[:at]
	}
	return path + ":" + slice
}

// oneType gives the slice of a choice that is written in short, or named after
// a type, that type.
func (r *reader) oneType(slice *element, d *definedElement, base *schema.Element) {
	if slice.types != nil {
		return
	}
	_, name, _ := cutLastDot(d.path)
	for _, ref := range base.Types {
		if ref.JSONName == name || ref.JSONName == d.slice {
			slice.types = []typeRule{{code: ref.Code, typ: ref.Type}}
		}
	}
}

// typesOf are the types that an element's children may belong to.
func (r *reader) typesOf(e *element, typ *schema.Type) []*schema.Type {
	var types []*schema.Type
	for _, t := range e.types {
		if t.typ != nil {
			types = append(types, t.typ)
		}
	}
	if types == nil && e.base != nil {
		for _, ref := range e.base.Types {
			types = append(types, ref.Type)
		}
	}
	if types == nil {
		types = []*schema.Type{typ}
	}
	for i, t := range types {
		if t != nil && t.Kind == schema.Primitive {
			types[i] = r.set.model.Type("Element")
		}
	}
	return types
}

// child reads an element below another, nil when no type has it.
func (r *reader) child(d *definedElement, types []*schema.Type, path string) *element {
	_, name, _ := cutLastDot(d.path)
	name = strings.TrimSuffix(name, "[x]")
	for _, t := range types {
		if t == nil {
			continue
		}
		base := t.Choice(name)
		short := base == nil && t.Element(name) != nil
		if short {
			base = t.Choice(t.Element(name).Name)
		}
		if base == nil {
			continue
		}
		e := r.element(d, base, base.Type, path+"."+base.Name)
		if short { // Observation.valueQuantity without a value[x]: as a slice of it
			r.oneType(e, d, base)
			whole := &element{path: path + "." + base.Name, name: base.Name, owner: r.owner, base: base, refs: r.set.references(base), max: -1}
			whole.slicing = implied(whole)
			whole.slicing.slices, whole.matters = []*element{e}, true
			return whole
		}
		return e
	}
	return nil
}

// settle carries up what matters once references are followed.
func (e *element) settle(seen map[*element]bool) bool {
	if seen[e] {
		return e.matters
	}
	seen[e] = true
	e.children = slices.DeleteFunc(e.children, func(c *element) bool { return !c.settle(seen) })
	e.matters = e.matters || len(e.children) > 0
	if e.slicing != nil {
		for _, s := range e.slicing.slices {
			s.settle(seen)
		}
	}
	return e.matters
}

func integer(n tree.Node) int {
	i, err := strconv.Atoi(n.Text())
	if err != nil {
		return 0
	}
	return i
}
