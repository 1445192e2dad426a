package validate

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
)

// within judges a value by an element of a profile.
func (w *walker) within(v value, e *element) {
	if w.full() {
		return
	}
	if w.work--; w.work < 0 {
		w.tooMuch()
		return
	}
	if e.types != nil && !w.ofTypes(v, e) {
		return
	}
	if e.fixed != nil {
		w.fixed(v, e)
	}
	if e.pattern != nil && !w.contains(v.node, e.pattern.node) {
		w.add(issue.Value, "pattern-value", fmt.Sprintf("found %s, expected what holds %s (%s)", raw(v.node), raw(e.pattern.node), e.owner),
			fmt.Sprintf("实际为 %s，应包含 %s（%s）", raw(v.node), raw(e.pattern.node), e.owner))
	}
	if e.low != nil || e.high != nil {
		w.bounds(v, e)
	}
	if e.length > 0 && utf8.RuneCountInString(v.node.Str()) > e.length {
		w.add(issue.TooLong, "max-length", fmt.Sprintf("found %d characters, expected at most %d (%s)", utf8.RuneCountInString(v.node.Str()), e.length, e.owner),
			fmt.Sprintf("有 %d 个字符，最多 %d 个（%s）", utf8.RuneCountInString(v.node.Str()), e.length, e.owner))
	}
	for _, b := range e.bindings {
		w.coded(v, b)
	}
	if e.checks != nil {
		w.hold(e.checks, fhirpath.Element(v.node, v.typ, v.twin))
	}
	w.children(v, e)
	if e.content != nil {
		w.children(v, e.content)
	}
}

// children judges what stands below a value.
func (w *walker) children(v value, e *element) {
	for _, c := range e.children {
		w.child(v, c)
	}
}

// child judges the values of one element.
func (w *walker) child(parent value, e *element) {
	from := len(w.values)
	w.collect(parent.object(), e.refs)
	to := len(w.values)
	w.count(e, to-from)
	if to > from || e.slicing != nil {
		for i := from; i < to; i++ {
			w.values[i] = w.set.exact(w.values[i])
			w.one(e, w.values[i])
		}
		if e.slicing != nil {
			w.slices(e.slicing, from, to)
		}
	}
	w.values = w.values[:from]
}

// one judges one of the values of an element.
func (w *walker) one(e *element, v value) {
	if e.base.Max == 1 {
		v.index = -1
	}
	w.push(e.base.Name, v.index)
	top := &w.frames[len(w.frames)-1]
	top.typ, top.element, top.node = v.typ, e.base, v.object()
	w.enter(v)
	if v.typ != nil && v.typ.Kind == schema.Resource && v.node.Kind() == tree.Object {
		w.inResource(v, e)
	} else {
		w.within(v, e)
	}
	w.pop()
}

// enter notes the entry of a Bundle that is in hand, by which its references are
// resolved.
func (w *walker) enter(v value) {
	if last := len(w.bundles) - 1; last >= 0 && v.typ != nil && v.typ.Name == "Bundle.entry" {
		w.bundles[last].entry = v.node
	}
}

// inResource judges a resource within a resource: it is its own %resource.
func (w *walker) inResource(v value, e *element) {
	resource, container, containeds := w.resource, w.container, w.containeds
	w.resource = v.node
	inBundle := len(w.bundles)
	if e.base.Path != "DomainResource.contained" {
		w.container, w.containeds = v.node, nil
	}
	if v.typ.Name == "Bundle" {
		w.bundles = append(w.bundles, bundle{node: v.node})
	}
	w.within(v, e)
	w.bundles = w.bundles[:inBundle]
	w.resource, w.container, w.containeds = resource, container, containeds
}

// count judges how often an element is there.
func (w *walker) count(e *element, n int) {
	name := strings.TrimPrefix(e.path[strings.LastIndexByte(e.path, '.')+1:], ".")
	if n < e.min {
		w.countFault(e, issue.Required, "profile-min", fmt.Sprintf("%s: found %d, expected at least %d (%s)", name, n, e.min, e.owner),
			fmt.Sprintf("%s 有 %d 个，至少应有 %d 个（%s）", name, n, e.min, e.owner))
	}
	if e.max >= 0 && n > e.max {
		w.countFault(e, issue.Structure, "profile-max", fmt.Sprintf("%s: found %d, expected at most %d (%s)", name, n, e.max, e.owner),
			fmt.Sprintf("%s 有 %d 个，最多 %d 个（%s）", name, n, e.max, e.owner))
	}
}

// sliceCount judges how many values are in a slice.
func (w *walker) sliceCount(e *element, n int) {
	name := e.path[strings.LastIndexByte(e.path, '.')+1:]
	if n < e.min {
		w.countFault(e, issue.Required, "slice-min", fmt.Sprintf("the slice %s: found %d, expected at least %d (%s)", name, n, e.min, e.owner),
			fmt.Sprintf("切片 %s 有 %d 个，至少应有 %d 个（%s）", name, n, e.min, e.owner))
	}
	if e.max >= 0 && n > e.max {
		w.countFault(e, issue.Structure, "slice-max", fmt.Sprintf("the slice %s: found %d, expected at most %d (%s)", name, n, e.max, e.owner),
			fmt.Sprintf("切片 %s 有 %d 个，最多 %d 个（%s）", name, n, e.max, e.owner))
	}
}

// unsliced judges a value that is in no slice.
func (w *walker) unsliced(s *slicing, v value) {
	for _, slice := range s.slices {
		if isDefault(slice) {
			w.one(slice, v)
			return
		}
	}
	if s.rules != "closed" {
		return
	}
	w.element(s.of, v.index, func() {
		w.add(issue.Structure, "slicing-closed", fmt.Sprintf("it is in none of the slices of %s (%s), and others are not allowed (%s)", s.of.path, s.names(), s.of.owner),
			fmt.Sprintf("不属于 %s 的任何切片（%s），且不允许其他值（%s）", s.of.path, s.names(), s.of.owner))
	})
}

// order judges the order of slices.
func (w *walker) order(s *slicing, v value, at, last int, unmatched bool) {
	switch {
	case s.ordered && at < last:
		w.element(s.of, v.index, func() {
			w.add(issue.Structure, "slicing-order", fmt.Sprintf("the slice %s must stand before %s (%s)", s.slices[at].slice, s.slices[last].slice, s.of.owner),
				fmt.Sprintf("切片 %s 应在 %s 之前（%s）", s.slices[at].slice, s.slices[last].slice, s.of.owner))
		})
	case s.rules == "openAtEnd" && unmatched:
		w.element(s.of, v.index, func() {
			w.add(issue.Structure, "slicing-order", fmt.Sprintf("the slice %s must stand before what is in no slice (%s)", s.slices[at].slice, s.of.owner),
				fmt.Sprintf("切片 %s 应在不属于任何切片的值之前（%s）", s.slices[at].slice, s.of.owner))
		})
	}
}

func (w *walker) twoSlices(s *slicing, v value, a, b *element) {
	w.element(s.of, v.index, func() {
		w.add(issue.Structure, "slice-ambiguous", fmt.Sprintf("it is in two slices of %s: %s and %s (%s)", s.of.path, a.slice, b.slice, s.of.owner),
			fmt.Sprintf("同时属于 %s 的两个切片：%s 和 %s（%s）", s.of.path, a.slice, b.slice, s.of.owner))
	})
}

func (s *slicing) names() string {
	var names []string
	for _, e := range s.slices {
		names = append(names, e.slice)
	}
	return some(names)
}

// element runs f with an item of an element on the way.
func (w *walker) element(e *element, i int, f func()) {
	if e.base.Max == 1 {
		i = -1
	}
	w.push(e.base.Name, i)
	f()
	w.pop()
}

// fixed judges a value that must be just so.
func (w *walker) fixed(v value, e *element) {
	if same(v.node, e.fixed.node) {
		return
	}
	if v.node.Kind() == tree.Object && w.contains(v.node, e.fixed.node) {
		for name, member := range v.node.Fields() {
			if !same(member, e.fixed.node.Field(name)) {
				w.at(strings.TrimPrefix(name, "_"), func() {
					w.add(issue.Value, "fixed-value", fmt.Sprintf("found %s, which the fixed value does not have (%s)", raw(member), e.owner),
						fmt.Sprintf("实际为 %s，而固定值没有该元素（%s）", raw(member), e.owner))
				})
			}
		}
		return
	}
	w.add(issue.Value, "fixed-value", fmt.Sprintf("found %s, expected %s and nothing else (%s)", raw(v.node), raw(e.fixed.node), e.owner),
		fmt.Sprintf("实际为 %s，应为 %s（%s）", raw(v.node), raw(e.fixed.node), e.owner))
}

// same tells whether two values are equal to the letter, whatever the order of
// an object's members.
func same(a, b tree.Node) bool {
	if a.Kind() != b.Kind() || a.Len() != b.Len() {
		return false
	}
	switch a.Kind() {
	case tree.Object:
		for member := b.First(); member.Exists(); member = member.Next() {
			if !same(a.Field(member.Name()), member) {
				return false
			}
		}
		return true
	case tree.Array:
		x := a.First()
		for y := b.First(); y.Exists(); y = y.Next() {
			if !same(x, y) {
				return false
			}
			x = x.Next()
		}
		return true
	}
	return a.Text() == b.Text()
}
