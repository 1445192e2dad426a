package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// patchPaths applies the operations of a FHIRPath Patch, each to what the ones
// before it left. Values that no operation names keep their bytes.
// https://hl7.org/fhir/R4/fhirpatch.html
func patchPaths(m *schema.Model, now time.Time, resource []byte, parameters tree.Node) ([]byte, error) {
	p := &pathPatch{model: m, now: now, body: resource}
	for parameter := range parameters.Field("parameter").Items() {
		if name := parameter.Field("name").Str(); name != "operation" {
			return nil, p.bad(issue.Invalid, "the parameter is called %q, not operation", clipped(name)).WithStatus(400)
		}
		if p.at >= mostPatches {
			return nil, tooManyPatches()
		}
		if err := p.one(parameter); err != nil {
			return nil, err
		}
		p.at++
	}
	return p.body, nil
}

// pathPatch is a FHIRPath Patch on its way.
type pathPatch struct {
	model *schema.Model
	now   time.Time
	at    int // number of the operation
	body  []byte
	root  tree.Node // of body, for one operation
}

func (p *pathPatch) bad(kind issue.Type, format string, args ...any) *issue.Failure {
	return issue.Errorf(kind, "FHIRPath Patch operation %d: %s.", p.at, fmt.Sprintf(format, args...)).
		At(fmt.Sprintf("Parameters.parameter[%d]", p.at)).Rule("fhirpath-patch").WithStatus(422).Chinese("FHIRPath Patch 无法执行。")
}

// pathParts are the parts of an operation that may stand in it once each.
var pathParts = []string{"type", "path", "name", "value", "index", "source", "destination"}

func (p *pathPatch) one(parameter tree.Node) (err error) {
	if p.root, err = parsed(p.body); err != nil {
		return err
	}
	parts := map[string]tree.Node{}
	for part := range parameter.Field("part").Items() {
		name := part.Field("name").Str()
		if parts[name].Exists() || !slices.Contains(pathParts, name) {
			return p.bad(issue.Invalid, "the part %q is not known, or stands twice", clipped(name)).WithStatus(400)
		}
		parts[name] = part
	}
	kind, path := parts["type"].Field("valueCode").Str(), parts["path"].Field("valueString").Str()
	found, err := p.find(path)
	if err != nil {
		return err
	}
	switch kind {
	case "add":
		return p.add(found, path, parts["name"].Field("valueString").Str(), parts["value"])
	case "insert":
		return p.insert(found, path, parts["index"], parts["value"])
	case "delete":
		return p.delete(found, path)
	case "replace":
		return p.replace(found, path, parts["value"])
	case "move":
		return p.move(found, path, parts["source"], parts["destination"])
	}
	return p.bad(issue.Invalid, "its type %q is none of add, insert, delete, replace, move", clipped(kind)).WithStatus(400)
}

// spot is where an element stands: member name of the object at holder, item
// index of it.
type spot struct {
	holder []string
	name   string
	index  int
	typ    *schema.Type // of the element
}

// find evaluates a path and tells where each of its results stands.
func (p *pathPatch) find(path string) ([]spot, error) {
	typ := p.root.Field("resourceType").Str()
	e, err := fhirpath.Compile(path, &fhirpath.Env{Model: p.model, Root: typ})
	if path == "" || err != nil {
		return nil, p.bad(issue.Invalid, "its path %q is no FHIRPath expression", clipped(path)).WithStatus(400)
	}
	values, err := e.Eval(&fhirpath.Context{Now: p.now}, p.root)
	if err != nil {
		return nil, err
	}
	var found []spot
	for _, v := range values {
		n, ok := v.Node()
		if !ok || n.Doc() != p.root.Doc() {
			return nil, p.bad(issue.Invalid, "its path %q computes a value instead of naming an element", clipped(path))
		}
		where, _ := pathTo(p.root, n.ID(), nil)
		s := spot{typ: v.Schema()}
		if len(where) > 0 {
			s.holder, s.name, s.index = place(p.root, where)
		}
		found = append(found, s)
	}
	return found, nil
}

// pathTo is the way from a node to the one with that id.
func pathTo(n tree.Node, id int, so []string) ([]string, bool) {
	if n.ID() == id {
		return slices.Clone(so), true
	}
	switch n.Kind() {
	case tree.Object:
		for name, child := range n.Fields() {
			if where, ok := pathTo(child, id, append(so, name)); ok {
				return where, true
			}
		}
	case tree.Array:
		i := 0
		for child := range n.Items() {
			if where, ok := pathTo(child, id, append(so, strconv.Itoa(i))); ok {
				return where, true
			}
			i++
		}
	}
	return nil, false
}

// place splits a way into the object, its member and the item of that.
func place(root tree.Node, where []string) (holder []string, name string, index int) {
	last := len(where) - 1
	if list, _ := find(root, where[:last]); list.Kind() == tree.Array {
		index, _ = strconv.Atoi(where[last])
		last--
	}
	return where[:last], strings.TrimPrefix(where[last], "_"), index
}

func (p *pathPatch) only(found []spot, path string) (spot, error) {
	if len(found) != 1 {
		return spot{}, p.bad(issue.Processing, "its path %q finds %d elements, and must find one", clipped(path), len(found))
	}
	return found[0], nil
}

// add puts a value under a name into the one element of the path.
func (p *pathPatch) add(found []spot, path, name string, value tree.Node) error {
	at, err := p.only(found, path)
	if err != nil {
		return err
	}
	if at.typ == nil {
		return p.bad(issue.Processing, "the type of what %q finds is not known", clipped(path))
	}
	element := at.typ.Choice(name)
	if element == nil {
		return p.bad(issue.Processing, "%s has no element %q", at.typ.Name, clipped(name))
	}
	holder, err := p.inside(at)
	if err != nil {
		return err
	}
	property, it, err := p.value(element, at.typ, value)
	if err != nil {
		return err
	}
	object, _ := find(p.root, holder)
	items := itemsOf(object, property)
	if element.Max == 1 {
		if old := holds(object, element); old != "" {
			return p.bad(issue.Processing, "%s is there already; replace it", old)
		}
		return p.write(holder, property, []item{it}, false)
	}
	return p.write(holder, property, append(items, it), true)
}

// inside is the way to the object that holds the children of an element; that of
// a primitive is the one with its id and extensions.
func (p *pathPatch) inside(at spot) ([]string, error) {
	if at.name == "" {
		return nil, nil
	}
	object, _ := find(p.root, at.holder)
	plain := object.Field(at.name)
	where := append(slices.Clone(at.holder), at.name)
	list := plain.Kind() == tree.Array || object.Field("_"+at.name).Kind() == tree.Array
	if at.typ.Kind == schema.Primitive {
		where[len(where)-1] = "_" + at.name
		items := itemsOf(object, at.name)
		if items[at.index].twin == nil {
			items[at.index].twin = []byte("{}")
			if err := p.write(at.holder, at.name, items, list); err != nil {
				return nil, err
			}
		}
	}
	if list {
		where = append(where, strconv.Itoa(at.index))
	}
	return where, nil
}

// holds is the property under which an object has an element, or "".
func holds(object tree.Node, e *schema.Element) string {
	for name := range object.Fields() {
		plain := strings.TrimPrefix(name, "_")
		if plain == e.Property || e.Property == "" && strings.HasPrefix(plain, e.Name) && isChoice(e, plain) {
			return plain
		}
	}
	return ""
}

func isChoice(e *schema.Element, property string) bool {
	suffix := strings.TrimPrefix(property, e.Name)
	return slices.ContainsFunc(e.Types, func(t schema.TypeRef) bool { return t.Type != nil && title(t.Type.Name) == suffix })
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// elementAt is the definition of the element at a spot.
func (p *pathPatch) elementAt(at spot) (*schema.Element, *schema.Type, error) {
	t, ok := p.typeAt(at.holder)
	if !ok {
		return nil, nil, p.bad(issue.Processing, "the type that holds %s is not known", at.name)
	}
	if e := t.Element(at.name); e != nil {
		if whole := t.Choice(e.Name); whole != nil {
			return whole, t, nil
		}
		return e, t, nil
	}
	return nil, nil, p.bad(issue.Processing, "%s has no element %s", t.Name, at.name)
}

// typeAt walks the definitions along the way to an object.
func (p *pathPatch) typeAt(holder []string) (*schema.Type, bool) {
	n := p.root
	t := p.model.Type(n.Field("resourceType").Str())
	for _, step := range holder {
		if t == nil {
			return nil, false
		}
		if n.Kind() == tree.Array {
			i, _ := strconv.Atoi(step)
			n = n.Index(i)
		} else {
			n = n.Field(step)
			e := t.Element(strings.TrimPrefix(step, "_"))
			if e == nil {
				return nil, false
			}
			t = e.Type
		}
		if typ := n.Field("resourceType"); n.Kind() == tree.Object && typ.Exists() {
			t = p.model.Type(typ.Str())
		}
	}
	return t, t != nil
}

// list is what a path of insert and move finds: all items of one list, or a part
// of them in their order.
func (p *pathPatch) list(found []spot, path string) (spot, []item, error) {
	if len(found) == 0 || found[0].name == "" {
		return spot{}, nil, p.bad(issue.Processing, "its path %q finds no list", clipped(path))
	}
	first := found[0]
	for _, s := range found {
		if s.name != first.name || !slices.Equal(s.holder, first.holder) {
			return spot{}, nil, p.bad(issue.Processing, "its path %q finds elements of several lists", clipped(path))
		}
	}
	object, _ := find(p.root, first.holder)
	items := itemsOf(object, first.name)
	if len(items) != len(found) {
		return spot{}, nil, p.bad(issue.Processing, "its path %q finds a part of a list; name the list", clipped(path))
	}
	return first, items, nil
}

func (p *pathPatch) insert(found []spot, path string, index, value tree.Node) error {
	i, ok := number(index)
	if !ok {
		return p.bad(issue.Required, "insert needs an index").WithStatus(400)
	}
	if parent, name, cut := cutLast(path); len(found) == 0 && i == 0 && cut {
		above, err := p.find(parent)
		if err != nil {
			return err
		}
		return p.add(above, parent, name, value)
	}
	at, items, err := p.list(found, path)
	if err != nil {
		return err
	}
	element, t, err := p.elementAt(at)
	if err != nil {
		return err
	}
	if i < 0 || i > len(items) || element.Max == 1 {
		return p.bad(issue.Processing, "nothing can be inserted at %d of the %d items of %q", i, len(items), clipped(path))
	}
	property, it, err := p.value(element, t, value)
	if err != nil {
		return err
	}
	return p.write(at.holder, property, slices.Insert(items, i, it), true)
}

// cutLast splits "Patient.contact[0].telecom" at its last step, if that is a name.
func cutLast(path string) (parent, name string, ok bool) {
	at := strings.LastIndexByte(path, '.')
	if at < 0 {
		return "", "", false
	}
	name = path[at+1:]
	return path[:at], name, name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
}

// delete takes the one element of the path out; none is none.
func (p *pathPatch) delete(found []spot, path string) error {
	if len(found) == 0 {
		return nil
	}
	at, err := p.only(found, path)
	if err != nil {
		return err
	}
	if at.name == "" {
		return p.bad(issue.Processing, "the resource itself cannot be deleted by a patch")
	}
	return p.drop(at)
}

// drop takes out an element, and what holds nothing any more: FHIR has no empty
// elements.
func (p *pathPatch) drop(at spot) error {
	object, _ := find(p.root, at.holder)
	list := object.Field(at.name).Kind() == tree.Array || object.Field("_"+at.name).Kind() == tree.Array
	items := slices.Delete(itemsOf(object, at.name), at.index, at.index+1)
	if err := p.write(at.holder, at.name, items, list); err != nil {
		return err
	}
	if object, _ = find(p.root, at.holder); object.Len() > 0 || len(at.holder) == 0 {
		return nil
	}
	var up spot
	up.holder, up.name, up.index = place(p.root, at.holder)
	if name := at.holder[len(up.holder)]; strings.HasPrefix(name, "_") {
		holder, _ := find(p.root, up.holder)
		rest := itemsOf(holder, up.name)
		rest[up.index].twin = nil
		if rest[up.index].value != nil {
			return p.write(up.holder, up.name, rest, holder.Field("_"+up.name).Kind() == tree.Array)
		}
	}
	return p.drop(up)
}

func (p *pathPatch) replace(found []spot, path string, value tree.Node) error {
	at, err := p.only(found, path)
	if err != nil {
		return err
	}
	if at.name == "" {
		return p.bad(issue.Processing, "the resource itself cannot be replaced by a patch; update it")
	}
	element, t, err := p.elementAt(at)
	if err != nil {
		return err
	}
	property, it, err := p.value(element, t, value)
	if err != nil {
		return err
	}
	object, _ := find(p.root, at.holder)
	items := itemsOf(object, at.name)
	if property != at.name { // a choice that gets another type
		if err := p.write(at.holder, at.name, nil, false); err != nil {
			return err
		}
	}
	items[at.index] = it
	return p.write(at.holder, property, items, element.Max != 1)
}

func (p *pathPatch) move(found []spot, path string, source, destination tree.Node) error {
	at, items, err := p.list(found, path)
	if err != nil {
		return err
	}
	from, ok := number(source)
	to, ok2 := number(destination)
	if !ok || !ok2 {
		return p.bad(issue.Required, "move needs source and destination").WithStatus(400)
	}
	if from < 0 || from >= len(items) || to < 0 || to >= len(items) {
		return p.bad(issue.Processing, "the list has %d items; none moves from %d to %d", len(items), from, to)
	}
	moved := items[from]
	items = slices.Insert(slices.Delete(items, from, from+1), to, moved)
	return p.write(at.holder, at.name, items, true)
}

func number(part tree.Node) (int, bool) {
	n, err := strconv.Atoi(part.Field("valueInteger").Text())
	return n, err == nil
}
