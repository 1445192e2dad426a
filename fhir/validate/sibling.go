package validate

// https://hl7.org/fhir/R4/json.html#primitive

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// null reports a null where none may stand.
func (w *walker) null() {
	w.add(issue.Structure, "null-value", "found null: leave the property out", "值为 null：请删除该属性")
}

// nullItem judges a null in an array: in a primitive's array it stands for "no
// value here" if the sibling array says something at the same place, and the
// other way round.
func (w *walker) nullItem(prop *property, pair tree.Node) {
	switch {
	case prop.pair == "":
		w.null()
	case pair.Kind() == tree.Null && prop.sibling: // told of at the value
	case !pair.Exists() || pair.Kind() == tree.Null:
		w.add(issue.Structure, "null-value", fmt.Sprintf("found null and nothing in %s at the same place: a null needs its counterpart there", quote(prop.pair)),
			fmt.Sprintf("值为 null，且 %s 的同一位置没有内容", quote(prop.pair)))
	}
}

// sibling judges the _x of one primitive: an object of id and extension.
func (w *walker) sibling(n tree.Node, prop *property, value tree.Node) {
	if n.Kind() != tree.Object {
		w.add(issue.Structure, "sibling-kind", fmt.Sprintf("found %s in %s, expected an object with id or extension", n.Kind(), quote(prop.name)),
			fmt.Sprintf("%s 中为%s，应为带 id 或 extension 的对象", quote(prop.name), n.Kind().Chinese()))
		return
	}
	w.object(n, prop.plan, prop)
	if hasValue := value.Exists() && value.Kind() != tree.Null; !hasValue && n.Len() == 1 && n.Field("id").Exists() {
		w.bare()
	}
}

// notEmpty is ele-1: an element has a value or children; an id is not enough.
func (w *walker) notEmpty(o *object) {
	if o.prop != nil && o.prop.sibling {
		return // sibling knows whether there is a value
	}
	if first := o.node.First(); o.node.Len() == 1 && first.Name() == "id" {
		w.bare()
	}
}

func (w *walker) bare() {
	w.add(issue.Invariant, "ele-1", "found nothing but an id, expected a value or children", "只有 id，应有值或子元素")
}

// extension is ext-1, after ele-1.
func (w *walker) extension(o *object) {
	w.notEmpty(o)
	value := o.seen.has(o.plan.value)
	switch nested := o.node.Field("extension").Exists(); {
	case nested && value:
		w.add(issue.Invariant, "ext-1", "found both a value and nested extensions, expected one of them", "扩展同时带有值和嵌套扩展，只能有其一")
	case !nested && !value:
		w.add(issue.Invariant, "ext-1", "found neither a value nor nested extensions, expected one of them", "扩展既无值也无嵌套扩展，须有其一")
	}
}
