package snapshot

import (
	"math/big"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

func mergeFixed(r *run, e *element, c *change, m member) {
	if !r.suits(e, c, m, "fixed") || !r.within(e, c, m) {
		return
	}
	if old, _ := e.choice("pattern"); old != "" {
		e.drop(old)
	}
	e.put(m)
}

func mergePattern(r *run, e *element, c *change, m member) {
	if !r.suits(e, c, m, "pattern") {
		return
	}
	if name, fixed := e.choice("fixed"); name != "" {
		if r.strict && !contains(fixed, m.node) {
			r.faultAt(issue.BusinessRule, "fixed-changed", c, m.name, "the base fixes another value, which does not have this pattern",
				"基础定义固定了另一个值，与此模式不符")
		}
		return // the value is fixed: that says all
	}
	if !r.within(e, c, m) {
		return
	}
	e.put(m)
}

// within holds a value against the one that the base fixes or the pattern that
// it demands.
func (r *run) within(e *element, c *change, m member) bool {
	if !r.strict {
		return true
	}
	if name, old := e.choice("fixed"); name != "" {
		if name != m.name || !contains(old, m.node) || !contains(m.node, old) {
			r.faultAt(issue.BusinessRule, "fixed-changed", c, m.name, "the base fixes another value: %s", "基础定义固定了另一个值：%s", excerpt(old))
			return false
		}
	}
	if name, old := e.choice("pattern"); name != "" {
		if strings.TrimPrefix(name, "pattern") != typeSuffix(m.name) || !contains(m.node, old) {
			r.faultAt(issue.BusinessRule, "pattern-changed", c, m.name, "the value leaves out or changes what the base's pattern demands: %s",
				"该值遗漏或更改了基础定义模式的要求：%s", excerpt(old))
			return false
		}
	}
	return true
}

func typeSuffix(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "fixed"), "pattern")
}

// suits tells whether a value is of a type that the element has.
func (r *run) suits(e *element, c *change, m member, prefix string) bool {
	types := codes(e.value("type"))
	suffix := strings.TrimPrefix(m.name, prefix)
	for _, code := range types {
		if capital(code) == suffix || strings.HasPrefix(code, systemTypes) {
			return true
		}
		if r.isType(lower(suffix), code) || r.isType(suffix, code) || r.isType(code, suffix) || r.isType(code, lower(suffix)) {
			return true
		}
	}
	if len(types) == 0 {
		return true
	}
	r.faultAt(issue.Value, "value-type", c, m.name, "the value is of the type %s, but the element is of: %s", "该值的类型为 %s，而元素的类型为：%s",
		suffix, strings.Join(types, ", "))
	return false
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// contains tells whether a value has all that a pattern has.
// https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_
func contains(value, pattern tree.Node) bool {
	switch pattern.Kind() {
	case tree.Object:
		for name, p := range pattern.Fields() {
			if !contains(value.Field(name), p) {
				return false
			}
		}
		return value.Kind() == tree.Object
	case tree.Array:
		for p := range pattern.Items() {
			if !hasItem(value, p) {
				return false
			}
		}
		return value.Kind() == tree.Array
	}
	return value.Kind() == pattern.Kind() && value.Text() == pattern.Text()
}

func hasItem(list, pattern tree.Node) bool {
	for item := range list.Items() {
		if contains(item, pattern) {
			return true
		}
	}
	return false
}

func excerpt(n tree.Node) string {
	const most = 120
	if raw := n.Raw(); len(raw) > most {
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(n.Raw())
}

func mergeMinValue(r *run, e *element, c *change, m member) { r.bound(e, c, m, "minValue", -1) }

func mergeMaxValue(r *run, e *element, c *change, m member) { r.bound(e, c, m, "maxValue", 1) }

// bound sets the least or greatest value; wider is the sign of a change that
// would allow more.
func (r *run) bound(e *element, c *change, m member, prefix string, wider int) {
	name, old := e.choice(prefix)
	if r.strict && name == m.name {
		if order, ok := compare(m.node, old); ok && order == wider {
			r.faultAt(issue.BusinessRule, "bound-widened", c, m.name, "it is %s, which allows more than the base's %s",
				"其值为 %s，比基础定义的 %s 更宽", excerpt(m.node), excerpt(old))
			return
		}
	}
	if name != "" {
		e.drop(name)
	}
	e.put(m)
}

// compare orders two numbers, two quantities of one unit, or two dates of one
// precision; not ok for what can't be told here.
func compare(a, b tree.Node) (int, bool) {
	switch {
	case a.Kind() == tree.Number && b.Kind() == tree.Number && len(a.Raw()) < 40 && len(b.Raw()) < 40:
		x, okX := new(big.Rat).SetString(a.Text())
		y, okY := new(big.Rat).SetString(b.Text())
		if !okX || !okY || strings.ContainsAny(a.Text()+b.Text(), "eE") {
			return 0, false
		}
		return x.Cmp(y), true
	case a.Kind() == tree.Object && b.Kind() == tree.Object:
		if a.Field("code").Str() != b.Field("code").Str() || a.Field("system").Str() != b.Field("system").Str() || a.Field("unit").Str() != b.Field("unit").Str() {
			return 0, false
		}
		return compare(a.Field("value"), b.Field("value"))
	case a.Kind() == tree.String && b.Kind() == tree.String && len(a.Str()) == len(b.Str()) && len(a.Str()) <= len("2026-01-01"):
		return strings.Compare(a.Str(), b.Str()), true
	}
	return 0, false
}
