package snapshot

import (
	"slices"
	"strings"

	"tenon/fhir/issue"
)

// apply merges a change into the element that it is about, then goes on to
// those below it, then to its slices: what is said of all slices is there
// before a slice is copied.
func (r *run) apply(e *element, c *change) {
	if r.over {
		return
	}
	closed := e.value("slicing").Field("rules").Str() == "closed"
	if c.stated() {
		r.merge(e, c)
	}
	for _, below := range c.children {
		r.below(e, below)
	}
	if r.orderly && r.strict {
		r.inOrder(e, c.children)
	}
	if len(c.slices) > 0 {
		r.slices(e, c, closed)
	}
}

// inOrder finds changes that stand before one that their base has earlier.
func (r *run) inOrder(e *element, list []*change) {
	next := len(e.children)
	for _, c := range slices.Backward(list) {
		at := slices.IndexFunc(e.children, func(child *element) bool { return child.name == c.name || same(child.name, c.name) })
		if at > next {
			r.fault(issue.Value, "element-order", c, "it comes before %q, but the base has that first: a differential has the order of its base",
				"它位于 %q 之前，而基础定义中后者在前：差异须与基础定义顺序一致", e.children[next].name)
		} else if at >= 0 {
			next = at
		}
	}
}

// below applies a change to the child of e that it names.
func (r *run) below(e *element, c *change) {
	if !r.open(e, c) {
		return
	}
	found := e.child(c.name)
	if found == nil && !e.fresh {
		found = e.childOrChoice(c.name)
	}
	if found != nil {
		r.apply(found, c)
		return
	}
	if choice, code := e.choiceOf(c.name); choice != nil && (code != "" || !e.fresh) {
		r.typed(choice, code, c)
		return
	}
	if e.fresh && !r.strict {
		if r.spend() {
			added := &element{name: c.name, fresh: true}
			e.children = append(e.children, added)
			r.apply(added, c)
		}
		return
	}
	if len(codes(e.value("type"))) > 1 {
		r.ambiguous(e, c)
		return
	}
	r.fault(issue.Structure, "path-unknown", c, "%q has no element %q: it has %s", "%[1]q 没有元素 %[2]q：它有 %[3]s",
		c.parent.path(), c.name, names(e.children))
}

// childOrChoice is child, and finds valueQuantity for value[x] where a base
// renamed its choice.
func (e *element) childOrChoice(name string) *element {
	if found := e.child(name); found != nil {
		return found
	}
	for _, c := range e.children {
		if strings.HasSuffix(name, "[x]") && same(name, c.name) {
			return c
		}
	}
	return nil
}

// choiceOf finds the choice that valueQuantity is one of, and the code of the
// type, "Quantity"; "" when the choice does not allow such a type.
func (e *element) choiceOf(name string) (choice *element, code string) {
	for _, c := range e.children {
		prefix, ok := strings.CutSuffix(c.name, "[x]")
		if !ok || !suffixed(name, prefix) {
			continue
		}
		return c, c.typeNamed(name[len(prefix):])
	}
	return nil, ""
}

// typeNamed finds the code among an element's types that a choice name ends in.
func (e *element) typeNamed(suffix string) string {
	for t := range e.value("type").Items() {
		if code := t.Field("code").Str(); capital(code) == suffix {
			return code
		}
	}
	return ""
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// typed applies a change at valueQuantity, which stands for the slice of
// value[x] with that type, or for value[x] itself once that has no other type.
func (r *run) typed(choice *element, code string, c *change) {
	if code == "" {
		r.fault(issue.Value, "choice-type", c, "%q names no type that %s allows: %s", "%q 所指类型不为 %s 所允许：%s",
			c.name, choice.name, strings.Join(codes(choice.value("type")), ", "))
		return
	}
	if types := codes(choice.value("type")); len(types) == 1 && len(choice.slices) == 0 && !choice.value("slicing").Exists() {
		again := c.takeSlice(c.name)
		r.apply(choice, c)
		if again != nil {
			r.apply(choice, again)
		}
		return
	}
	s := choice.sliceNamed(c.name)
	if s == nil {
		r.sliced(choice, c)
		s = r.newSlice(choice, c, c.name, false)
		if s == nil {
			return
		}
	}
	again := c.takeSlice(c.name)
	r.apply(s, c)
	if again != nil {
		r.apply(s, again)
	}
	if count(s.value("min")) > 0 {
		choice.set("type", s.member("type").raw)
	}
	r.tally(choice, c)
}

// takeSlice takes out the slice of that name: valueQuantity may be called
// valueQuantity once more.
func (c *change) takeSlice(name string) *change {
	found := c.bySlice[name]
	if found != nil {
		c.slices = slices.DeleteFunc(c.slices, func(s *change) bool { return s == found })
	}
	return found
}

// path is the path of a change for a person.
func (c *change) path() string {
	if c == nil {
		return ""
	}
	own := c.name
	if c.slice != "" {
		own = ":" + c.slice
		return c.parent.path() + own
	}
	if c.parent == nil {
		return own
	}
	return c.parent.path() + "." + own
}

// names lists some elements for a person.
func names(list []*element) string {
	var b strings.Builder
	for i, e := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		if i == 40 {
			b.WriteString("…")
			break
		}
		b.WriteString(e.name)
	}
	return b.String()
}
