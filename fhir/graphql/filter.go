package graphql

import (
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
)

// pathWork bounds one evaluation of a FHIRPath in a query.
const pathWork = 100_000

// filtered keeps the items of a list that the arguments ask for: those that meet
// fhirpath and the values of elements, then _offset and _count of these.
// https://hl7.org/fhir/R4/graphql.html#list
func (x *execution) filtered(f focus, fd *field, s *Selection, items []focus) ([]focus, error) {
	if len(s.Arguments) == 0 {
		return items, nil
	}
	var kept []focus
	for _, item := range items {
		if err := x.ctx.Err(); err != nil {
			return nil, err // an expression may take long
		}
		ok, err := x.meets(fd, s, item)
		if err != nil {
			return nil, err
		}
		if ok {
			kept = append(kept, item)
		}
	}
	offset, _, err := x.number(s, "_offset", 0, 1e8)
	if err != nil {
		return nil, err
	}
	count, limited, err := x.number(s, "_count", 0, 1e8)
	if err != nil {
		return nil, err
	}
	kept = kept[min(offset, len(kept)):]
	if limited {
		kept = kept[:min(count, len(kept))]
	}
	return kept, nil
}

func (x *execution) meets(fd *field, s *Selection, item focus) (bool, error) {
	for _, a := range s.Arguments {
		if a.Name == "_offset" || a.Name == "_count" {
			continue
		}
		if _, given := x.argument(s, a.Name); !given {
			continue
		}
		ok, err := x.meetsOne(s, a.Name, item)
		if !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (x *execution) meetsOne(s *Selection, name string, item focus) (bool, error) {
	if name != "fhirpath" {
		v, _ := x.argument(s, name)
		texts, ok := v.texts()
		if !ok {
			return false, refuse(issue.Value, "argument", name+" 应为简单值。", "%s is a value, or a list of values.", name)
		}
		for n := range item.node.Field(name).Items() {
			if slices.Contains(texts, n.Text()) {
				return true, nil
			}
		}
		return false, nil
	}
	text, err := x.text(s, name)
	if err != nil {
		return false, err
	}
	e, err := x.compiled(text, item)
	if err != nil {
		return false, err
	}
	return e.Holds(x.context(item), value(item))
}

// value is an item as FHIRPath sees it.
func value(f focus) fhirpath.Value { return fhirpath.Element(f.node, f.typ.fhir, f.twin) }

func (x *execution) context(f focus) *fhirpath.Context {
	return &fhirpath.Context{Now: x.env.Now, Work: pathWork, Resource: fhirpath.Element(f.base, x.schema.model.Type(f.base.Field("resourceType").Str()))}
}

// compiled is an expression on items of a type; each is compiled once.
func (x *execution) compiled(text string, f focus) (*fhirpath.Expr, error) {
	key := f.typ.name + " " + text
	if e := x.exprs[key]; e != nil {
		return e, nil
	}
	env := &fhirpath.Env{Model: x.schema.model}
	if f.typ.fhir != nil {
		env.Root = f.typ.fhir.Name
	}
	e, err := fhirpath.Compile(text, env)
	if failure := issue.As(err); failure != nil {
		return nil, failure.WithStatus(400).Chinese("fhirpath 表达式有误。")
	}
	if err == nil {
		x.exprs[key] = e
	}
	return e, err
}

func (x *execution) evaluate(text string, f focus) (fhirpath.Collection, error) {
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	e, err := x.compiled(text, f)
	if err != nil {
		return nil, err
	}
	return e.EvalValues(x.context(f), value(f))
}
