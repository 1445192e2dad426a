package validate

// https://hl7.org/fhir/R4/elementdefinition.html

import (
	"slices"
	"strconv"
	"strings"

	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// say reads what an ElementDefinition says beyond the base.
func (r *reader) say(e *element, d *definedElement, typ *schema.Type) {
	n := d.node
	r.cardinality(e, n)
	if ref := n.Field("contentReference").Str(); ref != "" {
		_, e.reference, _ = strings.Cut(ref, "#")
	}
	r.types(e, n)
	r.values(e, n)
	r.bindings(e, n)
	r.invariants(e, n, typ)
	if s := n.Field("slicing"); s.Exists() {
		e.slicing = readSlicing(e, s)
	}
	e.matters = e.says()
}

// says tells whether the element itself, not what is below it, says something.
func (e *element) says() bool {
	return e.min > 0 || e.max >= 0 || e.types != nil || e.fixed != nil || e.pattern != nil || len(e.bindings) > 0 ||
		e.low != nil || e.high != nil || e.length > 0 || len(e.checks) > 0
}

// without drops what the element that is sliced says too: it is judged for all
// values, so that a slice need not judge it again.
func (e *element) without(main *element) {
	e.bindings = slices.DeleteFunc(e.bindings, func(b *binding) bool {
		return slices.ContainsFunc(main.bindings, func(m *binding) bool { return *b == *m })
	})
	e.checks = slices.DeleteFunc(e.checks, func(c *invariant) bool { return slices.Contains(main.checks, c) })
	for _, c := range e.children {
		if m := main.child(c.name); m != nil {
			c.without(m)
		}
	}
	e.children = slices.DeleteFunc(e.children, func(c *element) bool { return !c.matters && c.reference == "" })
	e.matters = e.says() || e.slicing != nil || slices.ContainsFunc(e.children, func(c *element) bool { return c.matters })
}

func (r *reader) cardinality(e *element, n tree.Node) {
	if e.base == nil {
		return
	}
	low, high := integer(n.Field("min")), n.Field("max").Str()
	if low > e.base.Min || e.slice != "" {
		e.min = low
	}
	if most, err := strconv.Atoi(high); err == nil && (e.base.Max < 0 || most < e.base.Max) {
		e.max = most
	}
}

// types reads the types where they differ from the base's.
func (r *reader) types(e *element, n tree.Node) {
	var rules []typeRule
	for t := range n.Field("type").Items() {
		code := t.Field("code").Str()
		if strings.HasPrefix(code, "http://hl7.org/fhirpath/") || strings.Contains(code, "/") {
			return
		}
		rules = append(rules, typeRule{code: code, typ: r.set.model.Type(code),
			profiles: texts(t.Field("profile")), targets: texts(t.Field("targetProfile")), modes: texts(t.Field("aggregation"))})
	}
	if e.base == nil || len(rules) == 0 || r.sameTypes(e.base, rules) {
		return
	}
	for i := range rules {
		if rule := &rules[i]; rule.code == "BackboneElement" || rule.code == "Element" && e.base.Type != nil {
			rule.typ = e.base.Type
		}
	}
	e.types = rules
}

func texts(n tree.Node) []string {
	var list []string
	for x := range n.Items() {
		list = append(list, string(x.AppendStr(nil)))
	}
	return list
}

// sameTypes tells whether the rules allow all that the base allows.
func (r *reader) sameTypes(base *schema.Element, rules []typeRule) bool {
	for _, ref := range base.Types {
		if !slices.ContainsFunc(rules, func(rule typeRule) bool { return r.sameType(ref, rule) }) {
			return false
		}
	}
	return true
}

func (r *reader) sameType(ref schema.TypeRef, rule typeRule) bool {
	if ref.Code != rule.code || len(rule.modes) > 0 || len(rule.profiles) != len(ref.Profiles) {
		return false
	}
	for _, p := range rule.profiles {
		if !slices.Contains(ref.Profiles, p) {
			return false
		}
	}
	if len(rule.targets) == 0 {
		return true
	}
	if slices.Contains(rule.targets, "http://hl7.org/fhir/StructureDefinition/Resource") {
		return len(ref.TargetTypes) == 0
	}
	if len(rule.targets) != len(ref.TargetTypes) {
		return false
	}
	for _, t := range rule.targets {
		if of := r.set.model.Defined(t); of == nil || !slices.Contains(ref.TargetTypes, of.Name) {
			return false
		}
	}
	return true
}

// values reads fixed[x], pattern[x], minValue[x], maxValue[x] and maxLength.
func (r *reader) values(e *element, n tree.Node) {
	for name, v := range n.Fields() {
		switch {
		case strings.HasPrefix(name, "fixed"):
			e.fixed = newLiteral(v, name[len("fixed"):])
		case strings.HasPrefix(name, "pattern"):
			e.pattern = newLiteral(v, name[len("pattern"):])
		case strings.HasPrefix(name, "minValue"):
			e.low = newLiteral(v, name[len("minValue"):])
		case strings.HasPrefix(name, "maxValue"):
			e.high = newLiteral(v, name[len("maxValue"):])
		case name == "maxLength":
			e.length = integer(v)
		}
	}
}

// newLiteral copies a value out of the definition, so that it does not keep it
// all in memory.
func newLiteral(n tree.Node, name string) *literal {
	d, err := tree.Parse(slices.Clone(n.Raw()))
	if err != nil { // it was part of a document that parsed
		return nil
	}
	return &literal{d.Root(), name}
}

// invariants reads the constraints that neither the base nor the type has.
func (r *reader) invariants(e *element, n tree.Node, typ *schema.Type) {
	root := ""
	if typ != nil {
		root = typ.Name
	}
	for c := range n.Field("constraint").Items() {
		i := schema.Invariant{Key: string(c.Field("key").AppendStr(nil)), Severity: string(c.Field("severity").AppendStr(nil)),
			Human: string(c.Field("human").AppendStr(nil)), Expression: string(c.Field("expression").AppendStr(nil))}
		if i.Expression == "" || exempt[i.Key] || r.known(e, i, typ) {
			continue
		}
		source := string(c.Field("source").AppendStr(nil))
		if source == "" {
			source = r.owner
		}
		e.checks = append(e.checks, r.set.invariants.get(i, root, source, bestPractice(c)))
	}
}

// bestPractice tells whether a constraint is advice.
// https://hl7.org/fhir/R4/extension-elementdefinition-bestpractice.html
func bestPractice(constraint tree.Node) bool {
	for x := range constraint.Field("extension").Items() {
		if x.Field("url").Str() == "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice" {
			return x.Field("valueBoolean").Bool()
		}
	}
	return false
}

// known tells whether the base judges an invariant anyway.
func (r *reader) known(e *element, i schema.Invariant, typ *schema.Type) bool {
	same := func(other schema.Invariant) bool {
		return other.Key == i.Key && (other.Expression == i.Expression || coreKey(i.Key))
	}
	if e.base != nil && slices.ContainsFunc(e.base.Invariants, same) {
		return true
	}
	for t := typ; t != nil; t = t.Base {
		if slices.ContainsFunc(t.Invariants, same) {
			return true
		}
	}
	return e.base == nil && r.profile.typ == nil
}

// coreKey names the rules of the base that every definition repeats, sometimes
// in the words of another version.
func coreKey(key string) bool {
	return strings.HasPrefix(key, "dom-") || strings.HasPrefix(key, "ele-") || strings.HasPrefix(key, "ext-")
}
