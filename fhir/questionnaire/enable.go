package questionnaire

// https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen

import (
	"sort"

	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// enabled tells whether the question's own conditions are met for an item in
// this container.
func (k *checker) enabled(q *question, container tree.Node) bool {
	if q.enableExpression.Exists() {
		return k.enabledBy(q, container)
	}
	if len(q.when) == 0 {
		return true
	}
	for _, w := range q.when {
		if k.met(q, w, container) == (q.any || len(q.when) == 1) {
			return q.any || len(q.when) == 1
		}
	}
	return !(q.any || len(q.when) == 1)
}

// met evaluates one enableWhen: some answer meets it, and for != no answer is
// equal. Without any answer only exists=false is met.
func (k *checker) met(q *question, when, container tree.Node) bool {
	kind, want := choice(when, "answer")
	operator := when.Field("operator").Str()
	some, all := false, true
	k.within(q, when.Field("question").Str(), container, func(answer tree.Node) bool {
		if operator == "exists" {
			some = true
			return false
		}
		has, value := choice(answer, "value")
		yes := compare(has, value, kind, want, operator)
		some, all = some || yes, all && yes
		return operator == "!=" || !some
	})
	switch operator {
	case "exists":
		return some == want.Bool()
	case "!=":
		return some && all
	}
	return some
}

// within visits the answers to a question in the nearest group instance that
// it shares with q.
func (k *checker) within(q *question, link string, container tree.Node, visit func(answer tree.Node) bool) {
	target := k.form.first[link]
	if target == nil {
		return
	}
	start, end := k.scope(common(q.parent, target), container)
	all := k.answers[link]
	from := sort.Search(len(all), func(i int) bool { return all[i].start >= start })
	for _, g := range all[from:] {
		if g.start >= end || !k.step() {
			return
		}
		for answer := range g.item.Field("answer").Items() {
			if !visit(answer) || !k.step() {
				return
			}
		}
	}
}

// scope is the span of the item of group that the container lies in, the
// group's own item included; of the whole response when group is nil.
func (k *checker) scope(group *question, container tree.Node) (start, end int) {
	at, _ := container.Span()
	if group != nil {
		if g, ok := k.holder(group, at); ok {
			return g.start, g.end
		}
	}
	return k.response.Span()
}

// holder is the innermost item of a question around a place of the document.
func (k *checker) holder(q *question, at int) (given, bool) {
	all := k.answers[q.linkID]
	for i := sort.Search(len(all), func(i int) bool { return all[i].start > at }) - 1; i >= 0 && k.step(); i-- {
		if all[i].end > at {
			return all[i], true
		}
	}
	return given{}, false
}

// compare tells whether an answer stands in a relation to a value. Values of
// different types, and quantities that do not convert, stand in none.
func compare(kind string, value tree.Node, wantKind string, want tree.Node, operator string) bool {
	switch {
	case kind == "Coding" && wantKind == "Coding":
		equal := sameCode(value, want)
		return operator == "=" && equal || operator == "!=" && !equal
	case kind == "Reference" && wantKind == "Reference":
		equal := value.Field("reference").Str() == want.Field("reference").Str()
		return operator == "=" && equal || operator == "!=" && !equal
	}
	order, ok := ordered(kind, value, wantKind, want)
	if !ok {
		return operator == "!="
	}
	switch operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case ">":
		return order > 0
	case "<":
		return order < 0
	case ">=":
		return order >= 0
	case "<=":
		return order <= 0
	}
	return false
}

// sameCode compares codes; a wanted Coding without a system takes any.
func sameCode(found, want tree.Node) bool {
	system := want.Field("system").Str()
	return found.Field("code").Str() == want.Field("code").Str() &&
		(system == "" || system == found.Field("system").Str())
}

// ordered compares two values; ok is false when they have no order.
func ordered(kind string, a tree.Node, otherKind string, b tree.Node) (order int, ok bool) {
	switch {
	case kind == "Quantity" && otherKind == "Quantity":
		order, problem := compareQuantities(a, b)
		return order, problem == ""
	case numeric(kind) && numeric(otherKind):
		return ucum.CompareNumbers(a.Text(), b.Text())
	case temporal(kind) && temporal(otherKind):
		return compareTimes(a.Str(), b.Str(), lowest, lowest)
	case kind != otherKind:
		return 0, false
	}
	switch {
	case a.Text() < b.Text():
		return -1, true
	case a.Text() > b.Text():
		return 1, true
	}
	return 0, true
}

func numeric(kind string) bool  { return kind == "decimal" || kind == "integer" }
func temporal(kind string) bool { return kind == "date" || kind == "dateTime" }
