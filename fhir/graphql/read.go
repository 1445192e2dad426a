package graphql

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// absent tells whether an error says that nothing is there.
func absent(err error) bool {
	f := issue.As(err)
	return f != nil && (f.Issues[0].Type == issue.NotFound || f.Issues[0].Type == issue.Deleted)
}

// read reads a reference once a request.
func (x *execution) read(reference string) (tree.Node, error) {
	if n, ok := x.cache[reference]; ok {
		return n, nil
	}
	if err := x.reading(); err != nil {
		return tree.Node{}, err
	}
	n, err := x.env.Source.Read(x.ctx, reference)
	if err == nil {
		x.cache[reference] = n
	}
	return n, err
}

// lookup is Patient(id: …).
func (x *execution) lookup(fd *field, s *Selection) (found, error) {
	id, err := x.text(s, "id")
	if err != nil {
		return found{}, err
	}
	if id == "" || strings.ContainsAny(id, "/?#:") {
		return found{}, refuse(issue.Value, "argument", "id 的取值无效。", "id is the id of a resource.")
	}
	n, err := x.read(fd.of + "/" + id)
	if err != nil {
		return found{}, err
	}
	return one(x.resource(n, n)), nil
}

// resolve is Reference.resource(optional, type). Without optional a reference
// that leads nowhere is an error; a target of another type is left out.
// https://hl7.org/fhir/R4/graphql.html#reference
func (x *execution) resolve(f focus, s *Selection) (found, error) {
	optional, err := x.text(s, "optional")
	if err != nil {
		return found{}, err
	}
	if optional != "" && optional != "true" && optional != "false" {
		return found{}, refuse(issue.Value, "argument", "optional 应为布尔值。", "optional is true or false.")
	}
	wanted, err := x.text(s, "type")
	if err != nil {
		return found{}, err
	}
	if wanted != "" && !x.schema.model.IsResource(wanted) {
		return found{}, refuse(issue.Value, "argument", "type 应为资源类型。", "type is a resource type, not %s.", issue.Quote(wanted))
	}
	target, err := x.target(f)
	if absent(err) && optional == "true" {
		return found{}, nil
	}
	if err != nil || target.typ == nil || wanted != "" && target.typ.name != wanted {
		return found{}, err
	}
	return one(target), nil
}

func (x *execution) target(f focus) (focus, error) {
	reference := f.node.Field("reference").Str()
	if reference == "" {
		return focus{}, issue.Errorf(issue.NotFound, "The reference has no address; it cannot be resolved. Ask for resource(optional: true).").
			Rule("graphql-reference").Chinese("该引用没有地址，无法解析。")
	}
	if id, inside := strings.CutPrefix(reference, "#"); inside {
		if id == "" {
			return x.resource(f.base, f.base), nil
		}
		for c := range f.base.Field("contained").Items() {
			if c.Field("id").Str() == id {
				return x.resource(c, f.base), nil
			}
		}
		return focus{}, issue.Errorf(issue.NotFound, "The resource contains no such resource.").Rule("graphql-reference").Chinese("资源中没有该内含资源。")
	}
	n, err := x.read(reference)
	if err != nil {
		return focus{}, err
	}
	return x.resource(n, n), nil
}

// Pages of lists.
const (
	usualCount = 50
	mostCount  = 1000
)

// search is PatientList(…), PatientConnection(…), and inside of a resource the
// same with _reference. https://hl7.org/fhir/R4/graphql.html#searching
func (x *execution) search(f focus, fd *field, list []*Selection) (found, error) {
	s := list[0]
	count, counted, err := x.number(s, "_count", 1, mostCount)
	if err != nil {
		return found{}, err
	}
	if !counted {
		count = usualCount
	}
	params := []Param{{"_count", strconv.Itoa(count)}}
	if fd.reverse {
		p, err := x.reference(f, fd, s)
		if err != nil {
			return found{}, err
		}
		params = append(params, p)
	}
	more, err := x.params(fd, s)
	if err != nil {
		return found{}, err
	}
	total, err := x.selects(fd, list, "count")
	if err != nil {
		return found{}, err
	}
	if err := x.reading(); err != nil {
		return found{}, err
	}
	page, err := x.env.Source.Search(x.ctx, fd.of, append(params, more...), total)
	if err != nil {
		return found{}, err
	}
	page.Size = count
	if fd.kind == connectionField {
		return one(focus{typ: fd.typ, value: page}), nil
	}
	if page.Next != "" && !counted {
		x.cut = append(x.cut, x.where())
	}
	out := found{always: true}
	for _, h := range page.Hits {
		out.items = append(out.items, x.resource(h.Resource, h.Resource))
	}
	return out, nil
}

// where is the place in the answer as a path.
func (x *execution) where() string {
	var b strings.Builder
	for _, step := range x.path {
		if name, ok := step.(string); ok {
			b.WriteString("." + name)
			continue
		}
		b.WriteString("[" + strconv.Itoa(step.(int)) + "]")
	}
	return strings.TrimPrefix(b.String(), ".")
}

// reference is the parameter that leads back to the resource around.
func (x *execution) reference(f focus, fd *field, s *Selection) (Param, error) {
	name, err := x.text(s, "_reference")
	if err != nil {
		return Param{}, err
	}
	p := parameter(x.env.Source, fd.of, name)
	if p == nil || p.Type != "reference" {
		return Param{}, refuse(issue.Value, "argument", "_reference 应为引用类检索参数。", "_reference names a reference parameter of %s, which %s is not.", fd.of, issue.Quote(name))
	}
	id := f.node.Field("id").Str()
	if f.node != f.base || id == "" {
		return Param{}, refuse(issue.Value, "argument", "内含资源不能被反向引用。", "A contained resource has no references to it from others.")
	}
	return Param{p.Name, f.typ.name + "/" + id}, nil
}

// params are the other arguments as a search has them. The items of a list are
// alternatives.
func (x *execution) params(fd *field, s *Selection) (list []Param, err error) {
	for _, a := range s.Arguments {
		v, ok := x.argument(s, a.Name)
		if a.Name == "_count" || a.Name == "_reference" || !ok {
			continue
		}
		name := a.Name
		if p := parameter(x.env.Source, fd.of, name); p != nil {
			name = p.Name
		}
		texts, ok := v.texts()
		if !ok || len(texts) == 0 {
			return nil, refuse(issue.Value, "argument", a.Name+" 应为简单值。", "%s is a value, or a list of values.", a.Name)
		}
		list = append(list, Param{name, strings.Join(texts, ",")})
	}
	return list, nil
}

// selects tells whether a field of a connection is asked for.
func (x *execution) selects(fd *field, list []*Selection, name string) (bool, error) {
	if fd.kind != connectionField {
		return false, nil
	}
	g := &groups{}
	for _, s := range list {
		if err := x.collect(fd.typ, s.Set, g); err != nil {
			return false, err
		}
	}
	return slices.ContainsFunc(g.list, func(l []*Selection) bool { return l[0].Name == name }), nil
}
