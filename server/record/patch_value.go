package record

import (
	"bytes"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// item is one value of an element: its JSON, and that of id and extensions where
// it is a primitive; nil where there is none.
type item struct{ value, twin []byte }

// itemsOf are the values of a member, with what stands beside them.
// https://hl7.org/fhir/R4/json.html#primitive
func itemsOf(object tree.Node, name string) (items []item) {
	put := func(n tree.Node, at int, twin bool) {
		for len(items) <= at {
			items = append(items, item{})
		}
		raw := bytes.Clone(n.Raw())
		switch {
		case n.Kind() == tree.Null:
		case twin:
			items[at].twin = raw
		default:
			items[at].value = raw
		}
	}
	for _, twin := range []bool{false, true} {
		n := object.Field(name)
		if twin {
			n = object.Field("_" + name)
		}
		if n.Kind() != tree.Array {
			if n.Exists() {
				put(n, 0, twin)
			}
			continue
		}
		at := 0
		for child := range n.Items() {
			put(child, at, twin)
			at++
		}
	}
	return items
}

// write puts the values of a member in the place of those that were there; none
// takes the member out.
func (p *pathPatch) write(holder []string, name string, items []item, list bool) error {
	values, some := jsonOf(items, list, func(it item) []byte { return it.value })
	twins, beside := jsonOf(items, list, func(it item) []byte { return it.twin })
	for _, member := range []struct {
		name string
		raw  []byte
		is   bool
	}{{name, values, some}, {"_" + name, twins, beside}} {
		object, ok := find(p.root, holder)
		if !ok {
			return p.bad(issue.Processing, "%q has gone", join(holder))
		}
		op := "add"
		if !member.is {
			if !object.Field(member.name).Exists() {
				continue
			}
			op = "remove"
		}
		body, err := edit(p.root, append(holder[:len(holder):len(holder)], member.name), op, member.raw, p.at)
		if err != nil {
			return err
		}
		if len(body) > mostPatched {
			return tooLarge()
		}
		p.body = body
		if p.root, err = parsed(body); err != nil {
			return err
		}
	}
	return nil
}

func jsonOf(items []item, list bool, part func(item) []byte) (raw []byte, some bool) {
	if !list && len(items) == 1 {
		raw = part(items[0])
		return raw, raw != nil
	}
	raw = append(raw, '[')
	for i, it := range items {
		if i > 0 {
			raw = append(raw, ',')
		}
		one := part(it)
		if one == nil {
			one = []byte("null")
		} else {
			some = true
		}
		raw = append(raw, one...)
	}
	return append(raw, ']'), some
}

// value reads the part "value" for an element of a type: the JSON property that
// it gets, and its JSON.
func (p *pathPatch) value(e *schema.Element, of *schema.Type, part tree.Node) (property string, it item, err error) {
	property = e.Property
	if r := part.Field("resource"); r.Exists() {
		return property, item{value: r.Raw()}, nil
	}
	if part.Field("part").Len() > 0 {
		if property == "" || e.Type == nil {
			return "", it, p.bad(issue.Invalid, "the value of %s has parts, but its type is open", e.Name)
		}
		it.value, err = p.parts(e.Type, part, 0)
		return property, it, err
	}
	suffix := ""
	for name, n := range part.Fields() {
		plain := strings.TrimPrefix(name, "_")
		if !strings.HasPrefix(plain, "value") || plain == "value" {
			continue
		}
		if suffix != "" && suffix != plain[len("value"):] {
			return "", it, p.bad(issue.Invalid, "the value of %s stands twice", e.Name).WithStatus(400)
		}
		suffix = plain[len("value"):]
		if name == plain {
			it.value = n.Raw()
		} else {
			it.twin = n.Raw()
		}
	}
	if suffix == "" {
		return "", it, p.bad(issue.Required, "there is no value for %s", e.Name).WithStatus(400)
	}
	if property == "" {
		property = e.Name + suffix
		if of.Element(property) == nil {
			return "", it, p.bad(issue.Processing, "%s cannot be a %s", e.Name, suffix)
		}
	}
	return property, it, nil
}

// parts makes an object of the parts of a value: an element whose type has no
// name cannot be written as value[x].
func (p *pathPatch) parts(t *schema.Type, part tree.Node, depth int) ([]byte, error) {
	if depth > 32 {
		return nil, p.bad(issue.Invalid, "its value is nested more than 32 deep").WithStatus(400)
	}
	var order []string
	made := map[string][]item{}
	lists := map[string]bool{}
	for child := range part.Field("part").Items() {
		name := child.Field("name").Str()
		e := t.Choice(name)
		if e == nil {
			return nil, p.bad(issue.Processing, "%s has no element %q", t.Name, clipped(name))
		}
		property, it, err := p.valueDeep(e, t, child, depth)
		if err != nil {
			return nil, err
		}
		if made[property] == nil {
			order = append(order, property)
		} else if e.Max == 1 {
			return nil, p.bad(issue.Invalid, "%s stands twice in the value", property)
		}
		made[property], lists[property] = append(made[property], it), e.Max != 1
	}
	object := []byte{'{'}
	for _, property := range order {
		values, some := jsonOf(made[property], lists[property], func(it item) []byte { return it.value })
		twins, beside := jsonOf(made[property], lists[property], func(it item) []byte { return it.twin })
		if some {
			object = appendMember(object, property, values)
		}
		if beside {
			object = appendMember(object, "_"+property, twins)
		}
	}
	return append(object, '}'), nil
}

func (p *pathPatch) valueDeep(e *schema.Element, t *schema.Type, part tree.Node, depth int) (property string, it item, err error) {
	if part.Field("part").Len() > 0 && e.Type != nil && e.Property != "" {
		it.value, err = p.parts(e.Type, part, depth+1)
		return e.Property, it, err
	}
	return p.value(e, t, part)
}

func appendMember(object []byte, name string, raw []byte) []byte {
	if len(object) > 1 {
		object = append(object, ',')
	}
	object = append(append(append(object, '"'), name...), `":`...)
	return append(object, raw...)
}
