package schema

// Kind tells what a type is.
type Kind uint8

// The kinds of types. A backbone is the nameless type of an element that
// defines its children in place; its name is its path.
const (
	Primitive Kind = iota
	Complex
	Resource
	Backbone
)

// Type is a data type, resource type or backbone.
type Type struct {
	Name     string
	Base     *Type // nil for Element and Resource
	Kind     Kind
	Abstract bool
	// Elements holds all elements, the inherited ones first, in the order in
	// which XML writes them. A primitive's value is not among them.
	Elements []Element
	// Invariants holds the type's own ones; those of Base apply too.
	Invariants []Invariant
	// Binding is what the type itself binds, inherited or its own: the units
	// of Age, Distance and Duration; nil without one. A binding of an element
	// of that type applies too.
	Binding *Binding

	byName  map[string]*Element // by JSON property
	choices map[string]*Element // by FHIRPath name
}

// Element finds the element that a JSON property carries, inherited ones
// included. For a property of a choice ("valueQuantity") it is the choice
// element with that one type fixed. "_birthDate" is no element's name.
func (t *Type) Element(property string) *Element { return t.byName[property] }

// Choice finds an element by its FHIRPath name: "value" is the choice element
// with all its types.
func (t *Type) Choice(name string) *Element { return t.choices[name] }

// Is tells whether the type is the named one or derives from it.
func (t *Type) Is(name string) bool {
	for ; t != nil; t = t.Base {
		if t.Name == name {
			return true
		}
	}
	return false
}

// Element is an element of a type.
type Element struct {
	Name string // FHIRPath name: "value"
	// Property is the JSON property; "" for a choice whose type is open.
	Property string
	Path     string // where it is defined: "Observation.value[x]"
	Min      int
	Max      int // -1 is *
	Choice   bool
	Types    []TypeRef
	// Type is the one type of the element, contentReference followed; nil for
	// a choice whose type is open.
	Type       *Type
	Invariants []Invariant
	Binding    *Binding // nil without one
	Modifier   bool
	Summary    bool
}

// TypeRef is one type that an element may have.
type TypeRef struct {
	Code     string
	Type     *Type
	Profiles []string // canonical URLs that the value must follow one of
	// TargetTypes names the resource types that a Reference or canonical may
	// point to; empty means any.
	TargetTypes []string
	JSONName    string // the property that carries this type: "valueQuantity"
}

// Invariant is a constraint in FHIRPath.
type Invariant struct {
	Key        string `json:"key"`
	Severity   string `json:"severity"` // error or warning
	Human      string `json:"human"`
	Expression string `json:"expression"`
}

// Binding says from which value set the codes of an element come.
type Binding struct {
	Strength string // required, extensible, preferred, example
	ValueSet string // canonical URL, with version if the definition has one
	// Max is the value set that no code may be outside of, however weak the
	// strength: the extension elementdefinition-maxValueSet; "" without one.
	// https://hl7.org/fhir/R4/extension-elementdefinition-maxvalueset.html
	Max string
}
