package casework

import (
	"fmt"
	"strconv"
	"time"
)

// workingTime are the properties of a design that estimate how long its making
// takes (clause 5.3.8).
var workingTime = []string{"build-hours", "support-hours", "post-hours"}

// madeInTime('S06', 'order') says that the hours that a design estimates for its
// making leave it ready before the order needs it. A design that estimates none
// passes: whether it must is the profile's question.
var madeInTimePredicate = every("madeInTime", 2, func(e *evaluation, r *Resource, args []string) bool {
	var hours float64
	for p := range r.Root.Field("property").Items() {
		for _, code := range workingTime {
			if !hasCode(p.Field("type"), "urn:tenon:design-property", code) {
				continue
			}
			for q := range p.Field("valueQuantity").Items() {
				if v, err := strconv.ParseFloat(q.Field("value").Text(), 64); err == nil && q.Field("code").Str() == "h" {
					hours += v
				}
			}
		}
	}
	if hours == 0 {
		return true
	}
	ordered := e.documents("output", args[0], args[1])
	for _, order := range ordered {
		_, until, ok := span(order.Root.Path("occurrencePeriod", "end").Str())
		if !ok || hours > until.Sub(e.s.Now).Hours() {
			e.because(fmt.Sprintf("%s takes %s to make, and %s needs it by %s.", r.Ref(), time.Duration(hours*float64(time.Hour)).Round(time.Minute), order.Ref(), order.Root.Path("occurrencePeriod", "end").Str()),
				fmt.Sprintf("%s 预计工时 %g 小时，超出 %s 的交付时间。", r.Ref(), hours, order.Ref()))
			return false
		}
	}
	return len(ordered) > 0
})
