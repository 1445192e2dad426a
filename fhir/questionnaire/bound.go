package questionnaire

import (
	"fmt"
	"math/big"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// bounds judges minValue and maxValue, and for quantities minQuantity and
// maxQuantity. A bound of another type says nothing.
func (k *checker) bounds(q *question, kind string, value tree.Node, at *place) {
	minKind, least := choice(q.min, "value")
	maxKind, most := choice(q.max, "value")
	if kind == "Quantity" {
		if q.minQuantity.Exists() {
			minKind, least = "Quantity", q.minQuantity
		}
		if q.maxQuantity.Exists() {
			maxKind, most = "Quantity", q.maxQuantity
		}
	}
	if least.Exists() {
		k.bound(kind, value, minKind, least, -1, at)
	}
	if most.Exists() {
		k.bound(kind, value, maxKind, most, 1, at)
	}
	k.slider(q, kind, value, least, at)
}

// side words a bound: -1 is the least, 1 the most that is allowed.
var sides = map[int]struct{ rule, than, bound, chinese, boundChinese string }{
	-1: {"questionnaire-min-value", "less than", "minimum", "小于", "最小值"},
	1:  {"questionnaire-max-value", "greater than", "maximum", "大于", "最大值"},
}

func (k *checker) bound(kind string, value tree.Node, boundKind string, bound tree.Node, side int, at *place) {
	s := sides[side]
	if kind == "Quantity" && boundKind == "Quantity" {
		k.quantityBound(value, bound, side, at)
		return
	}
	order, ok := 0, false
	if kind == "time" && boundKind == "time" {
		order, ok = compareTimesOfDay(value.Str(), bound.Str())
	} else if kind != "string" && kind != "boolean" {
		order, ok = ordered(kind, value, boundKind, bound)
	}
	if ok && order == side {
		k.fail(at, issue.Invariant, s.rule,
			fmt.Sprintf("found %s, which is %s the allowed %s %s", value.Text(), s.than, s.bound, bound.Text()),
			fmt.Sprintf("答案 %s %s允许的%s %s", value.Text(), s.chinese, s.boundChinese, bound.Text()))
	}
}

func (k *checker) quantityBound(value, bound tree.Node, side int, at *place) {
	s := sides[side]
	order, problem := compareQuantities(value, bound)
	switch {
	case problem == noValue:
	case problem != "":
		k.fail(at, issue.Invariant, s.rule,
			fmt.Sprintf("found %s, which can't be compared to the allowed %s %s: %s", amount(value), s.bound, amount(bound), problem),
			fmt.Sprintf("答案 %s 无法与允许的%s %s 比较：%s", amount(value), s.boundChinese, amount(bound), problemChinese[problem]))
	case order == side && !undecided(value.Field("comparator").Str(), side):
		k.fail(at, issue.Invariant, s.rule,
			fmt.Sprintf("found %s, which is %s the allowed %s %s", amount(value), s.than, s.bound, amount(bound)),
			fmt.Sprintf("答案 %s %s允许的%s %s", amount(value), s.chinese, s.boundChinese, amount(bound)))
	}
}

// undecided tells whether a value with a comparator may still lie within the
// bound: "<8" may be below a most of 5.
func undecided(comparator string, side int) bool {
	return side > 0 && strings.HasPrefix(comparator, "<") || side < 0 && strings.HasPrefix(comparator, ">")
}

// places judges the digits behind the point, as they are written.
func (k *checker) places(q *question, kind string, value tree.Node, at *place) {
	most, ok := count(q.limits.places)
	if kind == "Quantity" {
		value, at = value.Field("value"), at.child("value")
	} else if kind != "decimal" {
		return
	}
	if !ok || value.Kind() != tree.Number {
		return
	}
	if n := decimals(value.Text()); n > most {
		k.fail(at, issue.Invariant, "questionnaire-decimal-places",
			fmt.Sprintf("found %s with %d decimal places, expected at most %d", issue.Quote(value.Text()), n, most),
			fmt.Sprintf("答案 %s 有 %d 位小数，应至多 %d 位", issue.Quote(value.Text()), n, most))
	}
}

// decimals counts the places that a number has without its exponent: 1.20 has
// 2, 5e-3 has 3, 1.2e1 none.
func decimals(s string) int {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	_, fraction, _ := strings.Cut(mantissa, ".")
	shift := 0
	fmt.Sscanf(exponent, "%d", &shift) //nolint:errcheck // none is 0
	return max(0, len(fraction)-shift)
}

// steps warns of a number that a slider can't reach.
func (k *checker) slider(q *question, kind string, value, least tree.Node, at *place) {
	step, ok := ucum.Number(q.step.Text())
	if !ok || !numeric(kind) || step.Sign() <= 0 {
		return
	}
	v, ok := ucum.Number(value.Text())
	if !ok {
		return
	}
	if from, bounded := ucum.Number(least.Text()); bounded {
		v = new(big.Rat).Sub(v, from)
	}
	if !v.Quo(v, step).IsInt() {
		k.warn(at, issue.BusinessRule, "questionnaire-slider-step",
			fmt.Sprintf("found %s, which lies between the slider's steps of %s", value.Text(), q.step.Text()),
			fmt.Sprintf("答案 %s 不在滑块步长 %s 的刻度上", value.Text(), q.step.Text()))
	}
}

// quantity judges the unit by the units that the question offers.
func (k *checker) quantity(q *question, value tree.Node, at *place) {
	code, system := value.Field("code").Str(), value.Field("system").Str()
	if q.unitValueSet != "" && q.unitOpen == "" && code != "" {
		k.member(q.unitValueSet, value, at, "questionnaire-unit")
	}
	if len(q.units) == 0 || q.unitOpen != "" && q.unitOpen != "optionsOnly" {
		return
	}
	var names []string
	for _, u := range q.units {
		offered := u.Field("code").Str()
		if code != "" && offered == code && u.Field("system").Str() == system ||
			code == "" && value.Field("unit").Str() != "" && contains([]string{offered, u.Field("display").Str()}, value.Field("unit").Str()) {
			return
		}
		names = append(names, offered)
	}
	k.fail(at, issue.CodeInvalid, "questionnaire-unit",
		fmt.Sprintf("found %s, expected one of the units %s", amount(value), list(names)),
		fmt.Sprintf("答案 %s 的单位应为 %s 之一", amount(value), list(names)))
}
