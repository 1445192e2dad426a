package fhirpath

// nodeKind tells what a syntax node is.
type nodeKind uint8

const (
	nodeEmpty    nodeKind = iota // {}
	nodeLiteral                  // text and token tell the value, unit a quantity's
	nodeDollar                   // $this, $index, $total
	nodeVariable                 // %name
	nodeMember                   // name, with or without a target
	nodeCall                     // name(args), with or without a target
	nodeIndexer                  // target[args[0]]
	nodeUnary                    // text is + or -, args[0] its operand
	nodeBinary                   // text is the operator, args its two operands
	nodeType                     // args[0] is/as unit; text is the operator
)

// node is a piece of the syntax tree.
// https://hl7.org/fhirpath/N1/grammar.html
type node struct {
	kind   nodeKind
	token  tokenKind // of a literal
	pos    int       // byte offset in the expression
	text   string
	unit   string // a quantity's unit or a qualified type name
	quoted bool   // the unit was a string: UCUM, not a calendar word
	label  string // how messages name a call: "first()"
	target *node
	args   []*node
}

// typeName reads a node as a qualified type name: Patient, FHIR.Patient.
func (n *node) typeName() (string, bool) {
	if n.kind != nodeMember {
		return "", false
	}
	if n.target == nil {
		return n.text, true
	}
	if n.target.kind == nodeMember && n.target.target == nil {
		return n.target.text + "." + n.text, true
	}
	return "", false
}
