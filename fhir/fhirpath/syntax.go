package fhirpath

import "tenon/fhir/issue"

// Syntax is a node of the syntax tree, for people who debug an expression. The
// field names are those that FHIRPath Lab reads.
// https://github.com/brianpos/fhirpath-lab/blob/master/server-api.md
type Syntax struct {
	Kind      string    `json:"ExpressionType"` // ChildExpression, FunctionCallExpression, …
	Name      string    `json:"Name"`
	Arguments []*Syntax `json:"Arguments,omitempty"`
	Position  int       `json:"Position"` // in bytes, from 0
	Length    int       `json:"Length,omitempty"`
}

// Parse reads the syntax of an expression without compiling it. The error is an
// *issue.Failure.
func Parse(expr string) (*Syntax, error) {
	n, err := parse(source(expr))
	if err != nil {
		return nil, err
	}
	return n.syntax(0)
}

func (n *node) syntax(depth int) (*Syntax, error) {
	if depth > maxCompile {
		return nil, issue.Errorf(issue.TooLong, "FHIRPath: the expression is too deep").Rule(RuleLimit)
	}
	s := &Syntax{Kind: n.kind.syntax(), Name: n.text, Position: n.pos, Length: len(n.text)}
	switch n.kind {
	case nodeEmpty:
		s.Name = "{}"
	case nodeIndexer:
		s.Name, s.Length = "[]", 0
	case nodeLiteral:
		if n.unit != "" {
			s.Name += " " + n.unit
		}
	case nodeType:
		s.Name, s.Length = n.text+" "+n.unit, 0
	}
	parts := n.args
	if n.target != nil {
		parts = append([]*node{n.target}, n.args...)
	} else if n.kind == nodeMember || n.kind == nodeCall {
		s.Arguments = append(s.Arguments, &Syntax{Kind: "AxisExpression", Name: "builtin.that", Position: n.pos})
	}
	for _, part := range parts {
		inner, err := part.syntax(depth + 1)
		if err != nil {
			return nil, err
		}
		s.Arguments = append(s.Arguments, inner)
	}
	return s, nil
}

func (k nodeKind) syntax() string {
	switch k {
	case nodeEmpty:
		return "EmptyExpression"
	case nodeLiteral:
		return "ConstantExpression"
	case nodeDollar:
		return "AxisExpression"
	case nodeVariable:
		return "VariableRefExpression"
	case nodeMember:
		return "ChildExpression"
	case nodeCall:
		return "FunctionCallExpression"
	case nodeIndexer:
		return "IndexerExpression"
	case nodeUnary:
		return "UnaryExpression"
	}
	return "BinaryExpression"
}
