package graphql

// Document is a parsed document. https://spec.graphql.org/October2021/#sec-Document
type Document struct {
	Operations []*Operation
	Fragments  map[string]*Fragment
	src        string
}

// Operation is a query or a mutation.
type Operation struct {
	Kind       string // query, mutation, subscription
	Name       string // "" for an anonymous one
	Variables  []*Variable
	Directives []Directive
	Set        []*Selection
	at         int
}

// Fragment is a named fragment.
type Fragment struct {
	Name, On   string
	Directives []Directive
	Set        []*Selection
	at         int
}

// Variable is the declaration of a variable.
type Variable struct {
	Name    string
	Type    TypeName
	Default *Value // nil without one
	at      int
}

// TypeName is a type as it is written: a name, or a list of another type.
type TypeName struct {
	Name    string
	List    *TypeName
	NonNull bool
}

// SelectionKind tells what a selection is.
type SelectionKind uint8

// The kinds of https://spec.graphql.org/October2021/#Selection
const (
	FieldSelection SelectionKind = iota
	SpreadSelection
	InlineSelection
)

// Selection is a field, the spread of a named fragment, or an inline fragment.
type Selection struct {
	Kind       SelectionKind
	Alias      string // of a field; "" without one
	Name       string // of the field or fragment; type condition of an inline fragment, or ""
	Arguments  []Argument
	Directives []Directive
	Set        []*Selection // nil for a leaf
	at         int
}

// key is the name of a field in the answer.
func (s *Selection) key() string {
	if s.Alias != "" {
		return s.Alias
	}
	return s.Name
}

// Argument is a name with its value; also a member of an object.
type Argument struct {
	Name  string
	Value Value
	at    int
}

// Directive is @name(arguments).
type Directive struct {
	Name      string
	Arguments []Argument
	at        int
}

// ValueKind tells what a value is.
type ValueKind uint8

// The kinds of https://spec.graphql.org/October2021/#Value
const (
	NullValue ValueKind = iota
	VariableValue
	IntValue
	FloatValue
	StringValue
	BooleanValue
	EnumValue
	ListValue
	ObjectValue
)

// Value is a literal or a variable. Text is the name of a variable or an
// enumeration, the text of a string, and a number or boolean as it was written.
type Value struct {
	Kind   ValueKind
	Text   string
	List   []Value
	Object []Argument
	at     int
}
