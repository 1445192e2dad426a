package search

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
)

// composite is a parameter whose components must be met by one element: by one
// component of a blood pressure, not by the code of one and the value of
// another. Each element that can meet it is a focus, and its rows are a group.
//
// https://hl7.org/fhir/R4/search.html#composite
type composite struct {
	param *Parameter
	foci  []focus
}

// focus is one alternative of the expression with the components seen from it.
type focus struct {
	at         finder // from the resource
	components []component
}

// component is where one of the components is found.
type component struct {
	part  *part
	paths []finder
	same  string // components of one focus that have the same rows have the same text here
}

// finder is an expression: a plain path where it is one.
type finder struct {
	source string
	plain  plain          // empty without expr: the focus itself
	expr   *fhirpath.Expr // what is no plain path
	root   bool           // from the resource, not from the focus: %resource.…
}

const fromResource = "%resource."

// compose makes a composite of the model, whose components are parameters that
// must be known before. One that cannot be read stays unserved.
func (r *Registry) compose(typ string, sp schema.SearchParameter, p *Parameter) {
	parts, err := r.components(typ, sp, p)
	if err != nil {
		return
	}
	c, err := r.composed(typ, sp, p, parts, false)
	if err != nil {
		return
	}
	p.Served, p.indexed, p.parts = true, true, parts
	r.types[typ].addComposite(c)
}

// composed resolves the alternatives of a composite that apply to a type. Posted
// ones may have any expression, those of R4 are plain paths.
func (r *Registry) composed(typ string, sp schema.SearchParameter, p *Parameter, parts []*Parameter, posted bool) (*composite, error) {
	c := &composite{param: p}
	for _, source := range alternatives(sp.Expression, typ) {
		f, err := r.focus(typ, source, sp, parts, posted)
		if err != nil {
			return nil, err
		}
		c.foci = append(c.foci, f)
	}
	if len(c.foci) == 0 {
		return nil, badComposite("expression", "No part of the expression %q applies to %s.", "表达式不适用于 base 所列类型。", clip(sp.Expression), typ)
	}
	return c, nil
}

func badComposite(element, format, chinese string, args ...any) *issue.Failure {
	return issue.Errorf(issue.Value, format, args...).At("SearchParameter." + element).Rule("search-parameter-composite").Chinese(chinese).WithStatus(422)
}

// grouped are the types of parameters that can be components.
var grouped = []string{"token", "string", "date", "number", "quantity", "reference"}

// components are the parameters of the components, each with a key of its own.
// Their types are those that a group has columns for.
func (r *Registry) components(typ string, sp schema.SearchParameter, p *Parameter) ([]*Parameter, error) {
	if len(sp.Components) < 2 {
		return nil, badComposite("component", "A composite has two components or more, this one has %d.", "组合参数至少须有两个部分。", len(sp.Components))
	}
	var parts []*Parameter
	for i, c := range sp.Components {
		var found *Parameter
		url, _ := cutVersion(c.Definition)
		for _, other := range r.types[typ].params {
			if other.URL == url && slices.Contains(grouped, other.Type) {
				found = other
			}
		}
		if found == nil {
			return nil, badComposite("component["+strconv.Itoa(i)+"].definition",
				"%s has no search parameter %q that can be a component.", "组成部分所指的检索参数不存在或不能使用。", typ, clip(c.Definition))
		}
		one := *found
		one.Key, one.sortKey = partKey(p.Base, p.Code, i), 0
		parts = append(parts, &one)
	}
	return parts, nil
}

// focus resolves one alternative. The definition of DocumentReference's
// relationship has the expressions of its two components the wrong way round;
// each is taken where it yields what the component's parameter is about.
func (r *Registry) focus(typ, source string, sp schema.SearchParameter, parts []*Parameter, posted bool) (f focus, err error) {
	at := r.model.Type(typ)
	f.at.source = source
	if rest, deeper := strings.CutPrefix(source, typ+"."); deeper {
		if f.at.plain, at = along(at, rest, ""); at == nil || len(f.at.plain) == 0 {
			if at, err = r.anyFocus(typ, &f.at, posted); err != nil {
				return f, err
			}
		}
	} else if source != typ {
		if at, err = r.anyFocus(typ, &f.at, posted); err != nil {
			return f, err
		}
	}
	expressions := make([]string, len(parts))
	for i := range parts {
		expressions[i] = sp.Components[i].Expression
	}
	if !posted && len(parts) == 2 && !fits(at, expressions[0], parts[0]) && fits(at, expressions[1], parts[0]) {
		expressions[0], expressions[1] = expressions[1], expressions[0]
	}
	for i, p := range parts {
		c := component{part: &part{param: p, keys: partKeys{main: p.Key}}, same: p.Type + " " + strings.Join(p.Targets, ",") + " " + expressions[i]}
		for _, e := range alternatives(expressions[i], typ) {
			path, err := r.componentPath(typ, at, strings.TrimSpace(e), posted)
			if err != nil {
				return f, inComponent(err, i)
			}
			c.paths = append(c.paths, path)
		}
		if len(c.paths) == 0 {
			return f, badComposite("component["+strconv.Itoa(i)+"].expression", "The component has no expression.", "组成部分缺少表达式。")
		}
		f.components = append(f.components, c)
	}
	return f, nil
}

// inComponent names the component in a failure.
func inComponent(err error, i int) error {
	if f := issue.As(err); f != nil {
		return f.At("SearchParameter.component[" + strconv.Itoa(i) + "].expression").WithStatus(422)
	}
	return err
}

// anyFocus compiles a focus that is no plain path, and tells its type, nil where
// it is not known.
func (r *Registry) anyFocus(typ string, f *finder, posted bool) (*schema.Type, error) {
	if !posted {
		return nil, badComposite("expression", "%q is no path.", "表达式不是路径。", clip(f.source))
	}
	f.plain = nil
	var err error
	f.expr, err = fhirpath.Compile(f.source, &fhirpath.Env{Model: r.model, Root: typ, FilterAs: true, Strict: true})
	if fail := issue.As(err); fail != nil {
		return nil, fail.At("SearchParameter.expression").WithStatus(422)
	}
	if err != nil {
		return nil, err
	}
	if types := f.expr.Types(); len(types) == 1 {
		return r.model.Type(types[0]), nil
	}
	return nil, nil
}

// fits tells whether an expression yields references where these are wanted, and
// no references where they are not.
func fits(at *schema.Type, expression string, p *Parameter) bool {
	_, typ := along(at, expression, "")
	return typ == nil || (typ.Name == "Reference") == (p.Type == "reference")
}

func (r *Registry) componentPath(typ string, at *schema.Type, e string, posted bool) (finder, error) {
	out := finder{source: e}
	rest, from := e, at
	if rest, out.root = strings.CutPrefix(e, fromResource); out.root {
		from = r.model.Type(typ)
	}
	path, only := rest, ""
	if i := strings.Index(rest, ".as("); i > 0 && strings.HasSuffix(rest, ")") {
		path, only = rest[:i], rest[i+len(".as("):len(rest)-1]
		if only == "DateTime" {
			only = "dateTime" // as the definition of code-value-date misspells it
		}
	}
	if out.plain, _ = along(from, path, only); out.plain != nil {
		return out, nil
	}
	if !posted {
		return out, badComposite("component.expression", "%q is no path.", "表达式不是路径。", clip(e))
	}
	out.root = false // the expression says so itself
	env := &fhirpath.Env{Model: r.model, FilterAs: true}
	if at != nil {
		env.Root, env.Strict = at.Name, true
	}
	var err error
	out.expr, err = fhirpath.Compile(e, env)
	return out, err
}

// along resolves a dotted path from a type; nil when it is not plain. The type
// is that of its end, nil where it has several.
func along(typ *schema.Type, path, only string) (plain, *schema.Type) {
	var out plain
	names := strings.Split(path, ".")
	for i, name := range names {
		if typ == nil {
			return nil, nil
		}
		e := typ.Choice(name)
		if e == nil || e.Choice && i < len(names)-1 {
			return nil, nil
		}
		if !e.Choice && only != "" && i == len(names)-1 {
			return nil, nil
		}
		kept := ""
		if e.Choice {
			kept = only
		}
		s := variants(e, kept)
		if len(s) == 0 {
			return nil, nil
		}
		out, typ = append(out, s), e.Type
	}
	return out, typ
}

// composites reads component$component,…
func (p *parser) composite(typ string, param *Parameter, modifier string, values []string) ([]Clause, error) {
	if modifier != "" {
		return nil, badModifier(param, modifier)
	}
	clause := Composite{Key: param.parts[0].Key}
	for _, v := range values {
		parts := split(v, '$')
		if len(parts) != len(param.parts) {
			return nil, badValue(v, "各部分须以 $ 分隔，共 "+strconv.Itoa(len(param.parts))+" 部分。", "%q has %d parts, joined by $", param.Code, len(param.parts))
		}
		all := make([]Clause, 0, len(parts))
		for i, text := range parts {
			if text == "" {
				return nil, badValue(v, "有一部分为空。", "a part between the $ signs is empty")
			}
			one, err := readers[param.parts[i].Type](p, typ, param.parts[i], "", []string{text})
			if err != nil {
				return nil, err
			}
			if len(one) != 1 {
				return nil, badValue(v, "该形式不能用于组合参数。", "this form cannot be part of a composite")
			}
			all = append(all, one[0])
		}
		clause.Any = append(clause.Any, all)
	}
	return []Clause{clause}, nil
}

// claimParts claims the keys of the components.
func claimParts(keys *keyring, p *Parameter) error {
	for i := range p.parts {
		name := p.Base + "." + p.Code + "$" + strconv.Itoa(i)
		if other, taken := keys.owner(p.parts[i].Key); taken && other != name {
			return issue.Errorf(issue.Processing, "search: the keys of %s and %s collide", other, name)
		}
		keys.give(p.parts[i].Key, name)
	}
	return nil
}

// composeAll is compose for all definitions of the model.
func (r *Registry) composeAll(m *schema.Model, keys *keyring) error {
	if p := r.parameter("Location", "near"); p != nil && p.Type == "special" {
		p.Served, r.types["Location"].near = true, p
	}
	for _, sp := range m.SearchParameters() {
		if sp.Type != "composite" || example(sp.URL) {
			continue
		}
		for _, base := range sp.Base {
			p := r.parameter(base, sp.Code)
			if p == nil || p.URL != sp.URL {
				continue
			}
			r.compose(base, sp, p)
			if err := claimParts(keys, p); err != nil {
				return err
			}
		}
	}
	return nil
}
