package casework

import (
	"fmt"
	"math/big"
	"slices"
)

// medianOfThree() says that each Observation holds exactly three acquisitions
// (components of code acquisition) and that its value is the middle one of them:
// a stump is acquired three times (003 clause 5.1.4 d). Numbers are compared
// exactly, in the unit of the value.
var medianOfThreePredicate = every("medianOfThree", 0, func(e *evaluation, r *Resource, _ []string) bool {
	value, fault := figureOf(r.Root.Field("valueQuantity"))
	if fault.english != "" {
		e.because(r.Ref()+": "+fault.english+".", r.Ref()+"："+fault.chinese+"。")
		return false
	}
	var three []*big.Rat
	for _, c := range componentsOf(r.Root, "acquisition") {
		f, fault := figureOf(valueOf(c))
		g, ok := f.in(value.unit)
		if fault.english != "" || !ok || !g.single() {
			e.because(r.Ref()+": an acquisition has no value that compares.", r.Ref()+"：采集值不可比较。")
			return false
		}
		three = append(three, g.low)
	}
	if len(three) != 3 {
		e.because(fmt.Sprintf("%s has %d acquisitions, three are needed.", r.Ref(), len(three)), fmt.Sprintf("%s 有 %d 次采集，须为三次。", r.Ref(), len(three)))
		return false
	}
	slices.SortFunc(three, (*big.Rat).Cmp)
	if !value.single() || value.low.Cmp(three[1]) != 0 {
		e.because(fmt.Sprintf("%s states %s, the median of its acquisitions is %s %s.", r.Ref(), value.text, decimal(three[1]), value.unit),
			fmt.Sprintf("%s 的值为 %s，三次采集的中间值为 %s %s。", r.Ref(), value.text, decimal(three[1]), value.unit))
		return false
	}
	return true
})
