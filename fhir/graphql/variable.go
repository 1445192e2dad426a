package graphql

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// choose finds the operation to run.
// https://spec.graphql.org/October2021/#GetOperation()
func (d *Document) choose(name string) (*Operation, error) {
	var names []string
	for _, op := range d.Operations {
		if op.Name == name || name == "" && len(d.Operations) == 1 {
			return op, nil
		}
		names = append(names, op.Name)
	}
	return nil, &Fault{Early: true, Failure: refuse(issue.Invalid, "operation", "请指定要执行的操作名称。",
		"operationName %s names none of the operations of the document: %s.", issue.Quote(name), strings.Join(names, ", "))}
}

// coerced gives the variables of an operation their values.
// https://spec.graphql.org/October2021/#CoerceVariableValues()
func (op *Operation) coerced(given tree.Node) (map[string]Value, error) {
	if k := given.Kind(); k != tree.Absent && k != tree.Null && k != tree.Object {
		return nil, refuse(issue.Structure, "variables", "variables 应为对象。", "The variables are an object, not a %s.", k)
	}
	values := map[string]Value{}
	for _, v := range op.Variables {
		n := given.Field(v.Name)
		switch {
		case !n.Exists() && v.Default != nil:
			values[v.Name] = *v.Default
		case !n.Exists() && v.Type.NonNull:
			return nil, refuse(issue.Required, "variables", "缺少变量 $"+v.Name+"。", "The variable $%s has no value.", v.Name)
		case n.Exists():
			value, err := v.Type.coerce(n)
			if err != nil {
				return nil, err.At("$" + v.Name)
			}
			values[v.Name] = value
		}
	}
	for name := range given.Fields() {
		if !slices.ContainsFunc(op.Variables, func(v *Variable) bool { return v.Name == name }) {
			return nil, refuse(issue.Invalid, "variables", "存在未声明的变量。", "The query declares no variable $%s.", issue.Quote(name))
		}
	}
	return values, nil
}

// coerce reads a value of JSON as one of the type.
func (t TypeName) coerce(n tree.Node) (Value, *issue.Failure) {
	switch {
	case n.Kind() == tree.Null && t.NonNull:
		return Value{}, refuse(issue.Value, "variables", "变量不得为 null。", "A variable of type %s is not null.", t)
	case n.Kind() == tree.Null:
		return Value{Text: "null"}, nil
	case t.List != nil:
		list := Value{Kind: ListValue}
		for item := range n.Items() { // a value that is no list is a list of one
			v, err := t.List.coerce(item)
			if err != nil {
				return Value{}, err
			}
			list.List = append(list.List, v)
		}
		return list, nil
	}
	v := valueOf(n)
	if !t.takes(v) {
		return Value{}, refuse(issue.Value, "variables", "变量的取值与其类型不符。", "The value does not fit the type %s.", t)
	}
	return v, nil
}

// takes tells whether a value fits one of GraphQL's own scalars; other types are
// judged where the variable is used.
func (t TypeName) takes(v Value) bool {
	switch t.Name {
	case "String":
		return v.Kind == StringValue
	case "ID":
		return v.Kind == StringValue || v.Kind == IntValue
	case "Int":
		return v.Kind == IntValue
	case "Float":
		return v.Kind == IntValue || v.Kind == FloatValue
	case "Boolean":
		return v.Kind == BooleanValue
	}
	return true
}

func (t TypeName) String() string {
	s := t.Name
	if t.List != nil {
		s = "[" + t.List.String() + "]"
	}
	if t.NonNull {
		s += "!"
	}
	return s
}

// valueOf is a value of JSON; a number keeps its text.
func valueOf(n tree.Node) Value {
	switch n.Kind() {
	case tree.String:
		return Value{Kind: StringValue, Text: n.Str()}
	case tree.Bool:
		return Value{Kind: BooleanValue, Text: n.Text()}
	case tree.Number:
		if strings.ContainsAny(n.Text(), ".eE") {
			return Value{Kind: FloatValue, Text: n.Text()}
		}
		return Value{Kind: IntValue, Text: n.Text()}
	case tree.Array:
		v := Value{Kind: ListValue}
		for item := range n.Items() {
			v.List = append(v.List, valueOf(item))
		}
		return v
	case tree.Object:
		v := Value{Kind: ObjectValue}
		for name, member := range n.Fields() {
			v.Object = append(v.Object, Argument{Name: name, Value: valueOf(member)})
		}
		return v
	}
	return Value{Text: "null"}
}

// bound puts the variables into a value; ok is false where it is a variable
// without value, so that the argument counts as not given.
func (v Value) bound(vars map[string]Value) (out Value, ok bool) {
	switch v.Kind {
	case VariableValue:
		out, ok = vars[v.Text]
		return out, ok
	case ListValue:
		list := v
		list.List = make([]Value, len(v.List))
		for i, item := range v.List {
			if list.List[i], ok = item.bound(vars); !ok {
				list.List[i] = Value{Text: "null"}
			}
		}
		return list, true
	case ObjectValue:
		object := v
		object.Object = nil
		for _, a := range v.Object {
			if value, ok := a.Value.bound(vars); ok {
				object.Object = append(object.Object, Argument{Name: a.Name, Value: value})
			}
		}
		return object, true
	}
	return v, true
}

// texts are the texts of a scalar, or of each item of a list; null is none.
func (v Value) texts() ([]string, bool) {
	switch v.Kind {
	case NullValue:
		return nil, true
	case ObjectValue, VariableValue:
		return nil, false
	case ListValue:
		var all []string
		for _, item := range v.List {
			if item.Kind == ListValue {
				return nil, false
			}
			texts, ok := item.texts()
			if !ok {
				return nil, false
			}
			all = append(all, texts...)
		}
		return all, true
	}
	return []string{v.Text}, true
}

// String shows a value as it would be written, for comparing selections.
func (v Value) String() string {
	switch v.Kind {
	case VariableValue:
		return "$" + v.Text
	case StringValue:
		return fmt.Sprintf("%q", v.Text)
	case ListValue:
		return fmt.Sprint(v.List)
	case ObjectValue:
		s := "{"
		for _, a := range v.Object {
			s += a.Name + ":" + a.Value.String() + " "
		}
		return s + "}"
	}
	return v.Text
}
