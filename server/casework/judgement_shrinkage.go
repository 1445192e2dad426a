package casework

import (
	"fmt"
	"math/big"
	"slices"

	"tenon/fhir/tree"
)

// shrinkage is a chain: the clinician orders the range of the final form, the
// designer states the shrinkage and compensates the model for it, the producer
// keeps the device within the range (clause 8.3.3 c). The question arises when
// the order or the design speaks of shrinkage.
func shrinkage(v *view) []item {
	ranges, ratios, designed := v.required("shrinkage-min-range"), v.required("shrinkage-ratio"), v.designed("shrinkage-ratio")
	if len(ranges)+len(ratios)+len(designed) == 0 {
		return nil
	}
	return append(v.compensated(designed), v.shrunk(ranges)...)
}

// compensated holds every dimension of the design against
// nominal / (1 - shrinkage), within 0.1 mm.
func (v *view) compensated(stated []requirement) []item {
	it := computed("shrinkage/design", v.named("design-definition")...)
	if len(stated) == 0 || stated[0].fault.english != "" {
		it.fall(notEvaluated, "The design states no shrinkage (property urn:tenon:parameter|shrinkage-ratio).", "设计文件未载明收缩率。")
		return []item{*it}
	}
	left := leftOver(stated[0].asked)
	l, ok := v.limit("shrinkage-compensation")
	if left == nil || !ok {
		it.fall(nonconform, "The shrinkage of the design is not from 0 to below 100 %.", "设计收缩率须在 0 至 100% 之间。")
		return []item{*it}
	}
	it.value = stated[0].asked.text
	compared := 0
	for _, q := range v.designed("dimension") {
		model, nominal, fault := v.modelAndNominal(q)
		if fault.english != "" {
			it.fall(notEvaluated, q.id()+": "+fault.english+".", q.id()+"："+fault.chinese+"。")
			continue
		}
		want := nominal
		want.low = new(big.Rat).Quo(nominal.low, left)
		want.high, want.text = want.low, decimal(want.low)+unitText(want.unit)
		off, ok := model.minus(want)
		if !ok {
			it.fall(notEvaluated, q.id()+": the model's dimension does not convert.", q.id()+"：模型尺寸单位不可换算。")
			continue
		}
		it.required = want.text
		it.held(l, off)
		compared++
	}
	if compared == 0 {
		it.fall(notEvaluated, "No dimension of the design states its size in the model (extension model-dimension).", "设计尺寸未载明模型尺寸。")
	}
	return []item{*it}
}

// leftOver is 1 - shrinkage; nil when that is not above 0 or more than 1.
func leftOver(f figure) *big.Rat {
	share, ok := f.in("1")
	if !ok || !share.single() || share.low.Sign() < 0 {
		return nil
	}
	left := new(big.Rat).Sub(big.NewRat(1, 1), share.low)
	if left.Sign() <= 0 {
		return nil
	}
	return left
}

// modelAndNominal are the size in the model and the size that is wanted.
func (v *view) modelAndNominal(q requirement) (model, nominal figure, fault note) {
	var at tree.Node
	for p := range q.from.Root.Field("property").Items() {
		if p.Field("type").ID() == q.concept.ID() {
			at = p
		}
	}
	model, fault = figureOf(extension(at, extensionPrefix+"model-dimension"))
	if fault.english != "" {
		return model, nominal, note{"its size in the model is not stated", "未载明模型尺寸"}
	}
	nominal, fault = q.asked, q.fault
	if q.nominal != nil {
		nominal, fault = *q.nominal, note{}
	}
	if fault.english == "" && !nominal.single() {
		fault = note{"its nominal size is not stated", "未载明公称尺寸"}
	}
	return model, nominal, fault
}

// shrunk holds the shrinkage of the device against the range of the order, or the
// hospital's limit: a measured one (characteristic shrinkage), or what model and
// measured size give.
func (v *view) shrunk(ranges []requirement) []item {
	if len(ranges) == 0 {
		it := computed("shrinkage/production", v.named("order")...)
		l, _ := v.limit("shrinkage")
		if !l.bounds.configured() {
			it.fall(notEvaluated, "The order states no range of the final form (parameter shrinkage-min-range).", "订单未载明最终形态的最小范围。")
		}
		v.shrunkBy(it, l)
		return []item{*it}
	}
	var all []item
	for _, q := range ranges {
		it := computed("shrinkage/production", q.from)
		switch {
		case q.reason != "":
			it.basis, it.required = inapplicable, q.reason
		case q.fault.english != "":
			it.fall(notEvaluated, fmt.Sprintf("The range of %s: %s.", q.from.Ref(), q.fault.english), fmt.Sprintf("%s 的范围：%s。", q.from.Ref(), q.fault.chinese))
		default:
			v.shrunkBy(it, askedBy(q))
		}
		all = append(all, *it)
	}
	return all
}

func (v *view) shrunkBy(it *item, l limit) {
	it.required = l.bounds.String() + unitText(l.unit)
	found := slices.DeleteFunc(v.measures(), func(m measure) bool { return !hasCode(m.code, systemCharacteristic, "shrinkage") })
	switch {
	case len(found) > 0:
		it.measured(l, found)
	case v.shrunkInSize(it, l) == 0:
		it.fall(notEvaluated, "No report names a measured shrinkage, nor sizes of model and device to compute it of.", "没有收缩率实测值，也无法由模型与实测尺寸计算。")
	}
}

// shrunkInSize computes the shrinkage of each dimension: of the model's size in
// per cent, of the nominal size in mm.
func (v *view) shrunkInSize(it *item, l limit) int {
	found := 0
	for _, q := range v.designed("dimension") {
		model, nominal, fault := v.modelAndNominal(q)
		if fault.english != "" {
			continue
		}
		for _, m := range v.answersTo(q) {
			if m.fault.english != "" {
				continue
			}
			from, of := nominal, figure{}
			if !isLength(l.unit) {
				from, of = model, model
			}
			lost, ok := from.minus(m.figure)
			if !ok {
				continue
			}
			if of.low != nil && of.low.Sign() != 0 {
				share := new(big.Rat).Quo(lost.low, of.low)
				share.Mul(share, big.NewRat(100, 1))
				lost = figure{low: share, high: share, unit: "%", text: decimal(share) + " %"}
			}
			found++
			it.rest(m.of, q.from)
			it.value = lost.text
			it.held(l, lost)
		}
	}
	return found
}
