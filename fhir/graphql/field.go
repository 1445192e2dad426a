package graphql

import (
	"strconv"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// found is what a field holds. always says that an empty list is told as one.
type found struct {
	items  []focus
	always bool
}

// field answers one field: finds what it holds, then puts it where the
// directives say.
func (x *execution) field(f focus, fd *field, list []*Selection, w *object, at shape) error {
	got, err := x.find(f, fd, list)
	if err != nil {
		return err
	}
	s := list[0]
	has := map[string]*Directive{}
	for i := range s.Directives {
		has[s.Directives[i].Name] = &s.Directives[i]
	}
	many := (fd.list && has["first"] == nil || at.list) && has["singleton"] == nil
	if len(got.items) == 0 && got.always && has["flatten"] == nil {
		w.member(s.key()+at.suffix, many)
	}
	for i, item := range got.items {
		if fd.list {
			x.path = append(x.path, i)
		}
		inner := shape{list: at.list || fd.list && has["first"] == nil, suffix: at.suffix}
		if slice := has["slice"]; slice != nil {
			name, err := x.slice(slice, item, i)
			if err != nil {
				return err
			}
			inner.suffix += "." + name
		}
		if err := x.put(item, list, w, inner, many, has["flatten"] != nil); err != nil {
			return err
		}
		if fd.list {
			x.path = x.path[:len(x.path)-1]
		}
		if has["first"] != nil {
			break
		}
	}
	return nil
}

// put adds one value to the answer. at is the shape for what is flattened, and
// its suffix that of the name.
func (x *execution) put(item focus, list []*Selection, w *object, at shape, many, flatten bool) error {
	name := list[0].key() + at.suffix
	leaf := item.typ.kind == scalarKind
	switch {
	case item.value == null: // instead of a list, too
		return w.add(name, false, []byte("null"))
	case item.node.Kind() == tree.Null:
		return w.add(name, many, []byte("null"))
	}
	if leaf != (list[0].Set == nil) || leaf && flatten {
		return refuse(issue.Invalid, "selection", "子字段的选择与数据不符。", "%q is a %s here: it has %s to select.", list[0].Name, item.typ.name, map[bool]string{true: "no fields", false: "fields"}[leaf])
	}
	if leaf {
		raw := encoded(item.value)
		if item.node.Exists() {
			raw = item.node.Raw()
		}
		if err := x.spend(len(raw) + len(name)); err != nil {
			return err
		}
		return w.add(name, many, raw)
	}
	if flatten {
		return x.object(item, list, w, at)
	}
	if err := x.spend(len(name)); err != nil {
		return err
	}
	o := &object{}
	if err := x.object(item, list, o, shape{}); err != nil {
		return err
	}
	return w.add(name, many, o)
}

// null is a value that is told as null.
var null = new(struct{ _ byte })

// find finds what a field holds.
func (x *execution) find(f focus, fd *field, list []*Selection) (found, error) {
	s := list[0]
	switch fd.kind {
	case typenameField:
		return one(focus{typ: fd.typ, value: f.typ.name}), nil
	case resourceTypeField:
		return one(focus{typ: fd.typ, node: f.node.Field("resourceType")}), nil
	case elementField:
		items, err := x.filtered(f, fd, s, x.elements(f, fd))
		return found{items: items}, err
	case referenceField:
		return x.resolve(f, s)
	case lookupField:
		return x.lookup(fd, s)
	case listField, connectionField:
		return x.search(f, fd, list)
	case introspectField:
		return x.introspect(fd, s)
	case createField, updateField, deleteField:
		return x.change(fd, s)
	}
	return x.plain(f, fd), nil
}

func one(f focus) found { return found{items: []focus{f}} }

// elements are the values of an element. The items of a list of primitives keep
// their places: one that has extensions only is null.
func (x *execution) elements(f focus, fd *field) (list []focus) {
	if fd.twin {
		for item := range f.node.Field(fd.name).Items() {
			list = append(list, focus{typ: fd.typ, node: item, base: f.base})
		}
		return list
	}
	node, twin := f.node.Field(fd.name), tree.Node{}
	if fd.typ.kind == scalarKind && f.node.Underscored() {
		twin = f.node.Field("_" + fd.name)
	}
	i := 0
	for item := range node.Items() {
		next := focus{typ: fd.typ, node: item, base: f.base}
		if next.twin = twin; twin.Kind() == tree.Array {
			next.twin = twin.Index(i)
		}
		if fd.typ.kind == unionKind {
			next = x.resource(item, f.base)
			if fd.name != "contained" {
				next.base = item
			}
			if next.typ == nil {
				continue
			}
		}
		list = append(list, next)
		i++
	}
	return list
}

// resource is a resource as an object of its own type.
func (x *execution) resource(n, base tree.Node) focus {
	t := x.schema.model.Type(n.Field("resourceType").Str())
	if t == nil || t.Kind != schema.Resource {
		return focus{}
	}
	return focus{typ: x.schema.of(t), node: n, base: base}
}

// plain is the value of a computed field.
func (x *execution) plain(f focus, fd *field) found {
	v := fd.get(f.value)
	switch v := v.(type) {
	case nil:
		if f.typ.nulls {
			return one(focus{typ: fd.typ, value: null})
		}
		return found{}
	case []any:
		out := found{always: true}
		for _, item := range v {
			out.items = append(out.items, focus{typ: fd.typ, value: item})
		}
		return out
	case tree.Node:
		if !v.Exists() {
			return found{}
		}
		return one(x.resource(v, v))
	}
	return one(focus{typ: fd.typ, value: v})
}

// slice is what @slice appends to the name: the outcome of a FHIRPath on the
// item, or its place in the list.
func (x *execution) slice(d *Directive, item focus, i int) (string, error) {
	v, _ := d.Arguments[0].Value.bound(x.vars)
	if v.Kind != StringValue {
		return "", refuse(issue.Value, "directive", "@slice 的 path 应为字符串。", "The path of @slice is a string.")
	}
	if v.Text == "$index" {
		return strconv.Itoa(i), nil
	}
	got, err := x.evaluate(v.Text, item)
	if err != nil {
		return "", err
	}
	if len(got) != 1 {
		return "", issue.Errorf(issue.Invalid, "The path of @slice gives %d values for an item, where one is needed.", len(got)).
			WithStatus(422).Rule("graphql-slice").Chinese("@slice 的路径必须恰好得到一个值。")
	}
	return got[0].Str(), nil
}
