package fhirpath

import (
	"strconv"
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// tally is a compiled count() or whole number: comparisons of counts run without
// the stack.
type tally func(st *state) (int, error)

// isTally tells whether a node is count() or a small whole number.
func (c *compiler) isTally(n *node) bool {
	switch n.kind {
	case nodeCall:
		return n.text == "count" && len(n.args) == 0 && c.env.Functions["count"].Call == nil
	case nodeLiteral:
		return n.token == tokenNumber && len(n.text) < 9 && !strings.Contains(n.text, ".") && n.unit == "" && n.args == nil
	}
	return false
}

// compareTallies compiles a comparison of two tallies.
func (c *compiler) compareTallies(n *node) (condition, error) {
	left, err := c.tally(n.args[0])
	if err != nil {
		return nil, err
	}
	right, err := c.tally(n.args[1])
	if err != nil {
		return nil, err
	}
	var holds func(x, y int) bool
	switch n.text {
	case "=":
		holds = func(x, y int) bool { return x == y }
	case "!=":
		holds = func(x, y int) bool { return x != y }
	case "<":
		holds = func(x, y int) bool { return x < y }
	case ">":
		holds = func(x, y int) bool { return x > y }
	case "<=":
		holds = func(x, y int) bool { return x <= y }
	case ">=":
		holds = func(x, y int) bool { return x >= y }
	}
	return func(st *state) (verdict, error) {
		x, err := left(st)
		if err != nil {
			return unknown, err
		}
		y, err := right(st)
		return verdictOf(holds(x, y)), err
	}, nil
}

func (c *compiler) tally(n *node) (tally, error) {
	if n.kind == nodeLiteral {
		number, err := strconv.Atoi(n.text)
		return func(*state) (int, error) { return number, nil }, err
	}
	if t := n.target; t != nil && t.kind == nodeCall && t.text == "children" && len(t.args) == 0 && t.target == nil && c.env.Functions["children"].Call == nil {
		return countChildren, nil
	}
	vars := c.vars
	run, _, err := c.target(n.target)
	c.vars = vars
	return func(st *state) (int, error) {
		base := len(st.stack)
		err := run(st)
		count := len(st.stack) - base
		st.cut(base)
		return count, err
	}, err
}

// countChildren is children().count() of $this.
func countChildren(st *state) (count int, err error) {
	if !st.scope.root {
		count = st.children(&st.scope.this)
	} else {
		for i := range st.focus {
			count += st.children(&st.focus[i])
		}
	}
	return count, st.spend(1 + count)
}

// children counts what pushChildren pushes.
func (st *state) children(v *Value) (count int) {
	if v.kind != sysNone {
		return 0
	}
	node := v.node
	if node.Kind() != tree.Object {
		node = v.twin
	}
	under := node.Underscored()
	for f := node.First(); f.Exists(); f = f.Next() {
		switch name := f.Name(); {
		case name == "resourceType":
		case under && name != "" && name[0] == '_':
			if !node.Field(name[1:]).Exists() {
				count += pairs(tree.Node{}, f)
			}
		case !under:
			count += pairs(f, tree.Node{})
		default:
			var twin tree.Node
			if _, simple := childType(st.elementType(v), name); simple {
				twin = node.Field("_" + name)
			}
			count += pairs(f, twin)
		}
	}
	return count
}

// elementType is the type whose elements the children of v are.
func (st *state) elementType(v *Value) *schema.Type {
	t := st.expr.typeOf(v)
	if t != nil && t.Kind == schema.Primitive {
		return st.expr.env.model("Element")
	}
	return t
}

// pairs counts what pushChild pushes for a property and its sibling.
func pairs(child, twin tree.Node) (count int) {
	if child.Kind() != tree.Array && twin.Kind() != tree.Array {
		if filled(child) || twin.Kind() == tree.Object {
			return 1
		}
		return 0
	}
	c, t := child.First(), twin.First()
	for c.Exists() || t.Exists() {
		if filled(c) || t.Kind() == tree.Object {
			count++
		}
		c, t = c.Next(), t.Next()
	}
	return count
}
