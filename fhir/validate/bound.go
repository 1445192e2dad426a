package validate

// https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_

import (
	"fmt"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

var (
	isLess    = fhirpath.MustCompile("%value < %bound", nil)
	isGreater = fhirpath.MustCompile("%value > %bound", nil)
)

// bounds judges a value by the least and the greatest that a profile allows.
// What can't be compared (2020 with 2020-06) is neither less nor greater.
func (w *walker) bounds(v value, e *element) {
	if e.low != nil && w.beyond(v, e.low, isLess, -1) {
		w.add(issue.Value, "min-value", fmt.Sprintf("found %s, expected at least %s (%s)", raw(v.node), raw(e.low.node), e.owner),
			fmt.Sprintf("实际为 %s，不得小于 %s（%s）", raw(v.node), raw(e.low.node), e.owner))
	}
	if e.high != nil && w.beyond(v, e.high, isGreater, 1) {
		w.add(issue.Value, "max-value", fmt.Sprintf("found %s, expected at most %s (%s)", raw(v.node), raw(e.high.node), e.owner),
			fmt.Sprintf("实际为 %s，不得大于 %s（%s）", raw(v.node), raw(e.high.node), e.owner))
	}
}

func (w *walker) beyond(v value, bound *literal, compare *fhirpath.Expr, sign int) bool {
	a, ok := scalar(v.node)
	b, ok2 := scalar(bound.node)
	if bound.name == "Duration" && v.node.Kind() == tree.String {
		b, ok2 = w.fromNow(bound.node, sign, len(v.node.Str()))
	}
	if !ok || !ok2 {
		return false
	}
	ctx := fhirpath.Context{Vars: map[string]fhirpath.Collection{"value": {a}, "bound": {b}}}
	found, err := compare.Eval(&ctx, v.node)
	if err != nil {
		return false
	}
	beyond, _ := found.Bool()
	return beyond
}

// scalar reads a value that has an order: a number, date, time or quantity.
func scalar(n tree.Node) (fhirpath.Value, bool) {
	switch n.Kind() {
	case tree.Number:
		return fhirpath.Decimal(n.Text())
	case tree.String:
		text := n.Str()
		if len(text) > 2 && text[2] == ':' {
			text = "T" + text
		}
		return fhirpath.DateTime(text)
	case tree.Object:
		unit := n.Field("code").Str()
		if unit == "" {
			unit = n.Field("unit").Str()
		}
		return fhirpath.Quantity(n.Field("value").Text(), unit)
	}
	return fhirpath.Value{}, false
}

// fromNow is the time of the request moved by a duration, as precise as the
// value that it is compared with: minValueDuration counts back, maxValueDuration
// ahead. https://build.fhir.org/elementdefinition-definitions.html#ElementDefinition.minValue_x_
func (w *walker) fromNow(n tree.Node, sign, precision int) (fhirpath.Value, bool) {
	if w.o.Now.IsZero() {
		return fhirpath.Value{}, false
	}
	amount := integer(n.Field("value")) * sign
	t := w.o.Now
	switch n.Field("code").Str() {
	case "a":
		t = t.AddDate(amount, 0, 0)
	case "mo":
		t = t.AddDate(0, amount, 0)
	case "wk":
		t = t.AddDate(0, 0, 7*amount)
	case "d":
		t = t.AddDate(0, 0, amount)
	case "h":
		t = t.Add(time.Duration(amount) * time.Hour)
	case "min":
		t = t.Add(time.Duration(amount) * time.Minute)
	default:
		return fhirpath.Value{}, false
	}
	text := t.Format("2006-01-02T15:04:05.000Z07:00")
	if precision <= len("2006-01-02") {
		text = text[:precision]
	}
	return fhirpath.DateTime(strings.TrimSuffix(text, "-"))
}
