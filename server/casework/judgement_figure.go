package casework

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"tenon/fhir/ucum"
)

// accuracy: every dimension that the order asks for, and every key dimension that
// the design adds, lies within its tolerance; a key dimension is written down to
// 0.1 mm, and its instrument shows 0.1 mm (clause 8.3.3 a). How fine a value is
// written and how far it may be off are two figures (stages.md §7.8).
func accuracy(v *view) []item {
	ordered := v.required("dimension")
	asked := slices.Clone(ordered)
	for _, d := range v.designed("dimension") {
		marked := extensionOfProperty(d)
		if marked && !slices.ContainsFunc(ordered, func(o requirement) bool { return d.id() == o.id() }) {
			asked = append(asked, d)
		}
	}
	if len(asked) == 0 && len(v.named("order")) > 0 {
		it := computed("dimension", v.named("order")...)
		it.fall(notEvaluated, "The order states no dimension.", "订单未载明尺寸。")
		return []item{*it}
	}
	var all []item
	for _, q := range asked {
		all = append(all, *v.dimension(q))
	}
	return all
}

// extensionOfProperty tells whether the design itself marks the dimension as key:
// without a mark a property repeats what the order asks for.
func extensionOfProperty(d requirement) bool {
	for p := range d.from.Root.Field("property").Items() {
		if p.Field("type").ID() == d.concept.ID() {
			return valueOf(extension(p, extensionPrefix+"key-dimension")).Bool()
		}
	}
	return false
}

func (v *view) dimension(q requirement) *item {
	tolerance, missing := v.tolerance(q)
	it := v.against(q, tolerance)
	if it.basis == inapplicable {
		return it
	}
	if missing.english != "" {
		it.fall(notEvaluated, fmt.Sprintf("%s of %s states no figure: %s.", q.id(), q.from.Ref(), missing.english), fmt.Sprintf("%s 的 %s 没有数值：%s。", q.from.Ref(), q.id(), missing.chinese))
	}
	if q.key {
		for _, m := range v.answersTo(q) {
			v.fineEnough(it, m)
		}
	}
	return it
}

// tolerance is what a dimension is held against: the range that is ordered, or
// the nominal value and the tolerance of the guide.
func (v *view) tolerance(q requirement) (limit, note) {
	l := askedBy(q)
	if q.fault.english != "" || !q.asked.single() {
		return l, q.fault
	}
	standard, ok := v.limit("key-dimension-tolerance")
	if !ok {
		return l, note{"there is no tolerance", "没有公差"}
	}
	low, okLow := converted(standard.bounds.low, standard.unit, q.asked.unit)
	high, okHigh := converted(standard.bounds.high, standard.unit, q.asked.unit)
	if !okLow || !okHigh || low == nil || high == nil {
		return limit{id: q.id(), unit: q.asked.unit}, note{"its unit has no tolerance without one of its own", "该单位须自带公差"}
	}
	l.bounds = bounds{low: new(big.Rat).Add(q.asked.low, low), high: new(big.Rat).Add(q.asked.low, high)}
	l.rules = standard.rules
	return l, note{}
}

// fineEnough judges how fine a key dimension was written and measured; an angle
// has no such figure.
func (v *view) fineEnough(it *item, m measure) {
	if m.fault.english != "" || !isLength(m.figure.unit) {
		return
	}
	if written, ok := v.limit("key-dimension-resolution"); ok {
		it.held(written, m.figure.resolution())
	}
	shown, fault := figureOf(extension(m.at, extensionPrefix+"resolution"))
	if !extension(m.at, extensionPrefix+"resolution").Exists() {
		shown, fault = figureOf(extension(m.of.Root, extensionPrefix+"resolution"))
	}
	if fault.english != "" {
		it.fall(notEvaluated, fmt.Sprintf("%s does not state the resolution of the instrument.", m.of.Ref()), fmt.Sprintf("%s 未载明仪器分辨率。", m.of.Ref()))
		return
	}
	if instrument, ok := v.limit("instrument-resolution"); ok {
		it.held(instrument, shown)
	}
}

func isLength(unit string) bool {
	u, err := ucum.Parse(unit)
	return err == nil && unit != "" && u.Comparable(millimetre)
}

var millimetre, _ = ucum.Parse("mm")

// surface: every zone is as smooth as ordered, measured after the last treatment
// where it is coated (clause 8.3.3 d). A smoothness in words is judged by a
// person.
func surface(v *view) []item {
	asked := v.required("roughness")
	if len(asked) == 0 && len(v.named("order")) > 0 {
		it := computed("roughness", v.named("order")...)
		it.fall(notEvaluated, "The order states no roughness.", "订单未载明表面粗糙度。")
		return []item{*it}
	}
	var all []item
	for _, q := range asked {
		switch {
		case q.reason == "" && q.fault.english != "":
			all = append(all, v.inWords(q, "roughness"))
		default:
			it := v.against(q, askedBy(q).atMost(q.asked.single()))
			v.afterCoating(it, q)
			all = append(all, *it)
		}
	}
	return all
}

// inWords judges a requirement without a figure by the hospital's own limit, and
// else by a person.
func (v *view) inWords(q requirement, id string) item {
	if l, ok := v.limit(id); ok && l.bounds.configured() {
		return *v.against(q, l)
	}
	it := v.byPerson(q.id(), func(m *Resource) bool { return q.answers(measureOf(m, m.Root)) })
	it.rest(q.from)
	return *it
}

// afterCoating refuses a roughness that was measured before the coating: the
// last operation of post-processing must have ended.
func (v *view) afterCoating(it *item, q requirement) {
	coated := slices.ContainsFunc(v.required("surface-treatment"), func(t requirement) bool {
		for p := range t.from.Root.Field("parameter").Items() {
			if hasCode(valueOf(p), "urn:tenon:surface-treatment", "coat") {
				return true
			}
		}
		return false
	})
	if !coated || it.basis == inapplicable {
		return
	}
	end, ok := v.operationEnd("post-processing")
	for _, m := range v.answersTo(q) {
		at, _, dated := span(m.of.Root.Field("effectiveDateTime").Str())
		if !ok || !dated || at.Before(end) {
			it.fall(nonconform, fmt.Sprintf("%s was not measured after coating.", m.of.Ref()), fmt.Sprintf("%s 不是涂层后测得。", m.of.Ref()))
		}
	}
}

// pores: where the order asks for pores, the measured sizes lie within its range
// (clause 8.3.4 a).
func pores(v *view) []item {
	asked := v.required("pore-size")
	if len(asked) == 0 && v.porous() {
		it := computed("pore-size", v.named("order")...)
		it.fall(notEvaluated, "The order of a porous structure states no pore size.", "多孔结构订单未载明孔径。")
		return []item{*it}
	}
	var all []item
	for _, q := range asked {
		l := askedBy(q)
		if q.fault.english != "" {
			l, _ = v.limit("pore-size")
		}
		all = append(all, *v.against(q, l))
	}
	return all
}

// porous tells whether the order asks for a porous or lattice structure.
func (v *view) porous() bool {
	for _, order := range v.named("order") {
		for p := range order.Root.Field("parameter").Items() {
			value := valueOf(p)
			if hasCode(p.Field("code"), systemParameter, "structure") &&
				(hasCode(value, "urn:tenon:structure", "porous") || hasCode(value, "urn:tenon:structure", "lattice")) {
				return true
			}
		}
	}
	return false
}

var strengths = []string{"ultimate-strength", "yield-strength", "elastic-modulus", "fatigue-strength"}

// strength: ultimate, yield and fatigue strength and the elastic modulus are
// measured against the order's figures, or the hospital's limits, or signed as
// not applicable with the order (clause 8.3.5 b).
func strength(v *view) []item {
	ordered := v.required("mechanical")
	var all []item
	for _, code := range strengths {
		i := slices.IndexFunc(ordered, func(q requirement) bool { return hasCode(q.concept, systemCharacteristic, code) })
		if i < 0 {
			i = slices.IndexFunc(ordered, func(q requirement) bool { return q.reason != "" && len(codesOf(q.concept, systemCharacteristic)) == 0 })
		}
		all = append(all, *v.oneStrength(code, ordered, i))
	}
	return all
}

func (v *view) oneStrength(code string, ordered []requirement, i int) *item {
	if i >= 0 && ordered[i].reason != "" {
		it := computed(code, ordered[i].from)
		it.basis, it.required = inapplicable, ordered[i].reason
		return it
	}
	l, _ := v.limit(code)
	orders := v.named("order")
	if i >= 0 && ordered[i].fault.english == "" {
		own := askedBy(ordered[i])
		if code != "elastic-modulus" {
			own = own.atLeast(ordered[i].asked.single())
		}
		l = own
	}
	it := computed(code, orders...)
	it.required = strings.TrimSpace(l.bounds.String() + unitText(l.unit))
	found := slices.DeleteFunc(v.measures(), func(m measure) bool { return !hasCode(m.code, systemCharacteristic, code) })
	it.measured(l, found)
	if code == "fatigue-strength" && len(found) > 0 && !v.cyclesStated(found) {
		it.fall(notEvaluated, "The fatigue strength does not state its cycles (component urn:tenon:characteristic|cycles).", "疲劳强度未载明循环次数。")
	}
	return it
}

// cyclesStated tells whether each value of fatigue strength says at how many
// cycles: without that it is no figure.
func (v *view) cyclesStated(found []measure) bool {
	for _, m := range found {
		stated := false
		for c := range m.of.Root.Field("component").Items() {
			f, fault := figureOf(valueOf(c))
			stated = stated || hasCode(c.Field("code"), systemCharacteristic, "cycles") && fault.english == "" && f.low != nil && f.low.Sign() > 0
		}
		if !stated {
			return false
		}
	}
	return true
}

// function: each functional requirement of the order has a result that passes
// (clause 8.3.5): figures are compared, words are judged by a person.
func function(v *view) []item {
	var all []item
	for _, param := range []string{"mechanical", "lattice-mechanical", "lattice-biological", "anatomical-function"} {
		for _, q := range v.required(param) {
			if q.reason != "" || q.fault.english == "" {
				single := q.asked.single()
				all = append(all, *v.against(q, askedBy(q).atLeast(single && !hasCode(q.concept, systemCharacteristic, "elastic-modulus"))))
				continue
			}
			it := v.byPerson(q.id(), func(r *Resource) bool { return q.answers(measureOf(r, r.Root)) })
			it.rest(q.from)
			all = append(all, *it)
		}
	}
	return all
}
