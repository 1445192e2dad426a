package graphql

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// checker judges an operation before anything of it is executed: that every
// field, argument, fragment, directive and variable is there, and that all of it
// stays within the limits. https://spec.graphql.org/October2021/#sec-Validation
type checker struct {
	schema          *Schema
	doc             *Document
	limits          Limits
	source          Source
	op              *Operation
	fields, aliases int
	open            []string // fragments that are being spread
	spread, used    map[string]bool
}

// fault places a failure in the document.
func (c *checker) fault(at int, f *issue.Failure) error {
	line, column := place(c.doc.src, at)
	return &Fault{Failure: f, Line: line, Column: column, Early: true}
}

func (c *checker) check(root *typ) error {
	c.spread, c.used = map[string]bool{}, map[string]bool{}
	if err := c.directives(c.op.Directives, false); err != nil {
		return err
	}
	if err := c.set([]*typ{root}, c.op.Set, 1); err != nil {
		return err
	}
	if len(c.doc.Operations) > 1 {
		return nil // the others may use the rest
	}
	for name, f := range c.doc.Fragments {
		if !c.spread[name] {
			return c.fault(f.at, refuse(issue.Invalid, "fragment", "存在未使用的片段。", "The fragment %q is not used.", name))
		}
	}
	for _, v := range c.op.Variables {
		if !c.used[v.Name] {
			return c.fault(v.at, refuse(issue.Invalid, "variables", "存在未使用的变量。", "The variable $%s is not used.", v.Name))
		}
	}
	return nil
}

// set judges selections on what may be any of some object types.
func (c *checker) set(scope []*typ, set []*Selection, depth int) error {
	for _, s := range set {
		if err := c.selection(scope, s, depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) selection(scope []*typ, s *Selection, depth int) error {
	if c.fields++; c.fields > c.limits.Fields {
		return c.fault(s.at, costly("查询字段过多。", "The query selects more than %d fields.", c.limits.Fields))
	}
	if depth > c.limits.Depth {
		return c.fault(s.at, costly("查询嵌套过深。", "The query selects deeper than %d.", c.limits.Depth))
	}
	if err := c.directives(s.Directives, s.Kind == FieldSelection); err != nil {
		return err
	}
	switch s.Kind {
	case SpreadSelection:
		return c.spreads(scope, s, depth)
	case InlineSelection:
		return c.narrowed(scope, s.Name, s.Set, s.at, depth)
	}
	return c.field(scope, s, depth)
}

func (c *checker) spreads(scope []*typ, s *Selection, depth int) error {
	f := c.doc.Fragments[s.Name]
	if f == nil {
		return c.fault(s.at, refuse(issue.Invalid, "fragment", "片段不存在。", "There is no fragment %q.", s.Name))
	}
	if slices.Contains(c.open, s.Name) {
		return c.fault(s.at, refuse(issue.Invalid, "fragment", "片段循环引用。", "The fragment %q spreads itself.", s.Name))
	}
	c.spread[s.Name] = true
	c.open = append(c.open, s.Name)
	defer func() { c.open = c.open[:len(c.open)-1] }()
	if err := c.directives(f.Directives, false); err != nil {
		return err
	}
	return c.narrowed(scope, f.On, f.Set, s.at, depth)
}

// narrowed judges what stands under a type condition.
func (c *checker) narrowed(scope []*typ, on string, set []*Selection, at, depth int) error {
	if on != "" {
		if !c.schema.known(on) {
			return c.fault(at, refuse(issue.Invalid, "type", "类型不存在。", "There is no type %q.", on))
		}
		if scope = slices.DeleteFunc(slices.Clone(scope), func(t *typ) bool { return !t.meets(on) }); len(scope) == 0 {
			return c.fault(at, refuse(issue.Invalid, "type", "此处不可能是该类型。", "Nothing here can be a %s.", on))
		}
	}
	return c.set(scope, set, depth+1)
}

// meets tells whether an object is what a type condition names.
func (t *typ) meets(on string) bool {
	return on == "" || t.name == on || t.fhir != nil && t.fhir.Is(on)
}

// known tells whether a type of that name can be met anywhere.
func (s *Schema) known(name string) bool {
	if s.model.Type(name) != nil || name == queryType || name == mutationType || metaNamed(name) {
		return true
	}
	for _, end := range []string{"Connection", "Edge"} {
		if of, ok := strings.CutSuffix(name, end); ok && s.model.IsResource(of) {
			return true
		}
	}
	return s.named(name) != nil
}

func (c *checker) field(scope []*typ, s *Selection, depth int) error {
	if s.Alias != "" {
		if c.aliases++; c.aliases > c.limits.Aliases {
			return c.fault(s.at, costly("别名过多。", "The query has more than %d aliases.", c.limits.Aliases))
		}
	}
	var inner []*typ
	var refused error
	found, leaf, taken := false, false, false
	for _, t := range scope {
		f := c.schema.field(t, s.Name)
		if f == nil {
			continue
		}
		found = true
		if err := c.arguments(f, s); err != nil {
			refused = err
			continue
		}
		taken = true
		if f.typ.kind == scalarKind {
			leaf = true
			continue
		}
		for _, m := range c.schema.inner(f) {
			if !slices.Contains(inner, m) {
				inner = append(inner, m)
			}
		}
	}
	switch {
	case !found:
		return c.fault(s.at, c.unknown(scope, s.Name))
	case !taken:
		return refused
	case s.Set == nil && !leaf:
		return c.fault(s.at, refuse(issue.Invalid, "selection", "该字段须选择子字段。", "%q is no leaf: select fields of it in braces.", s.Name))
	case s.Set != nil && len(inner) == 0:
		return c.fault(s.at, refuse(issue.Invalid, "selection", "该字段没有子字段。", "%q is a leaf: it has no fields to select.", s.Name))
	}
	return c.set(inner, s.Set, depth+1)
}

// inner is what the members of a field may be: of a reference, what its
// definition allows.
func (s *Schema) inner(f *field) []*typ {
	if f.element != nil && !f.twin && f.typ.fhir != nil && f.typ.fhir.Is("Reference") {
		for _, ref := range f.element.Types {
			if ref.Type == f.typ.fhir {
				return []*typ{s.referenceTo(f.typ, ref.TargetTypes)}
			}
		}
	}
	return s.members(f.typ)
}

// referenceTo is a Reference whose target is known, for the check alone.
func (s *Schema) referenceTo(reference *typ, targets []string) *typ {
	if len(targets) == 0 {
		return reference
	}
	return s.cached("reference "+strings.Join(targets, "|"), func() *typ {
		t := *reference
		t.plain = []*field{{name: "resource", kind: referenceField, typ: s.targets(targets)}}
		return &t
	})
}

func (c *checker) unknown(scope []*typ, name string) *issue.Failure {
	of := "this type"
	if len(scope) == 1 {
		of = scope[0].name
		if t := scope[0].fhir; t != nil {
			if e := t.Choice(name); e != nil && len(e.Types) > 0 && e.Choice {
				return refuse(issue.Invalid, "field", "请写明类型，例如 "+e.Types[0].JSONName+"。", "%q of %s is one of several types: select it by its type, such as %s.", name, of, e.Types[0].JSONName)
			}
		}
	}
	return refuse(issue.Invalid, "field", "字段不存在。", "%s has no field %s.", of, issue.Quote(name))
}

// directives judges directives: those of GraphQL, and on fields those of FHIR.
func (c *checker) directives(list []Directive, onField bool) error {
	has := map[string]bool{}
	for _, d := range list {
		has[d.Name] = true
		takes, ok := directives[d.Name]
		if !ok || takes != "if" && !onField {
			return c.fault(d.at, refuse(issue.Invalid, "directive", "此处不支持该指令。", "There is no directive @%s here.", d.Name))
		}
		if takes == "" && len(d.Arguments) > 0 || takes != "" && (len(d.Arguments) != 1 || d.Arguments[0].Name != takes) {
			return c.fault(d.at, refuse(issue.Invalid, "directive", "指令的参数有误。", "@%s takes the argument %q alone.", d.Name, takes))
		}
		for _, a := range d.Arguments {
			if err := c.variables(a.Value); err != nil {
				return err
			}
		}
	}
	if has["first"] && has["slice"] {
		return c.fault(list[0].at, refuse(issue.Invalid, "directive", "@first 与 @slice 不能同时使用。", "@first and @slice exclude each other."))
	}
	return nil
}

// directives and the one argument that each takes.
// https://hl7.org/fhir/R4/graphql.html#list
var directives = map[string]string{"include": "if", "skip": "if", "first": "", "flatten": "", "singleton": "", "slice": "path"}

// variables judges that those in a value are declared.
func (c *checker) variables(v Value) error {
	if v.Kind == VariableValue {
		if !slices.ContainsFunc(c.op.Variables, func(d *Variable) bool { return d.Name == v.Text }) {
			return c.fault(v.at, refuse(issue.Invalid, "variables", "变量未声明。", "The operation declares no variable $%s.", v.Text))
		}
		c.used[v.Text] = true
	}
	for _, item := range v.List {
		if err := c.variables(item); err != nil {
			return err
		}
	}
	for _, a := range v.Object {
		if err := c.variables(a.Value); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) arguments(f *field, s *Selection) error {
	for _, a := range s.Arguments {
		if !c.takes(f, a.Name) {
			return c.fault(a.at, refuse(issue.Invalid, "argument", "字段没有该参数。", "%q has no argument %s.", s.Name, issue.Quote(a.Name)))
		}
		if err := c.variables(a.Value); err != nil {
			return err
		}
	}
	for _, name := range needed[f.kind] {
		if !slices.ContainsFunc(s.Arguments, func(a Argument) bool { return a.Name == name }) {
			return c.fault(s.at, refuse(issue.Required, "argument", "缺少参数 "+name+"。", "%q needs the argument %q.", s.Name, name))
		}
	}
	if f.reverse && !slices.ContainsFunc(s.Arguments, func(a Argument) bool { return a.Name == "_reference" }) {
		return c.fault(s.at, refuse(issue.Required, "argument", "缺少参数 _reference。", "Inside of a resource %q needs _reference: the parameter by which others refer to it.", s.Name))
	}
	return nil
}

// needed are the arguments that a field cannot do without.
var needed = map[fieldKind][]string{lookupField: {"id"}, createField: {"resource"}, updateField: {"id", "resource"}, deleteField: {"id"}}

// takes tells whether a field has an argument.
func (c *checker) takes(f *field, name string) bool {
	switch f.kind {
	case elementField:
		if !f.list {
			return false
		}
		if name == "fhirpath" || name == "_offset" || name == "_count" {
			return true
		}
		if f.typ.kind != objectKind || f.twin {
			return false
		}
		part := c.schema.field(f.typ, name)
		return part != nil && part.kind == elementField && part.typ.kind == scalarKind
	case referenceField:
		return name == "optional" || name == "type"
	case listField, connectionField:
		return name == "_count" || name == "_cursor" || name == "_sort" || name == "_reference" && f.reverse || parameter(c.source, f.of, name) != nil
	case createField:
		return name == "resource"
	case updateField:
		return name == "resource" || name == "id"
	case lookupField, deleteField:
		return name == "id"
	case introspectField:
		return name == "name" && f.name == "__type"
	case plainField:
		return name == "includeDeprecated" && (f.name == "fields" || f.name == "enumValues" || f.name == "args" || f.name == "inputFields")
	}
	return false
}

// parameter finds a search parameter by its name as an argument, where an
// underscore stands for a dash. https://hl7.org/fhir/R4/graphql.html#searching
func parameter(source Source, of, name string) *Parameter {
	var found *Parameter
	for _, p := range source.Parameters(of) {
		if p.Name == name {
			return &p
		}
		if strings.ReplaceAll(p.Name, "-", "_") == name {
			found = &p
		}
	}
	return found
}
