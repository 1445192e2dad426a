package casework

import (
	"fmt"
	"strings"
	"time"

	"tenon/fhir/tree"
)

// custody('dispatched carried hospital-received doctor-received') says that for
// each delivery every hand-over is recorded: a Provenance that targets it, with
// the code in activity (urn:tenon:custody), who (agent) and when (occurred), and
// that the times are in this order (clause 7.1.4). Whoever took it over recorded
// it: a hand-over that another person wrote down is no receipt, and neither is one
// that does not follow its profile.
var custodyPredicate = every("custody", 1, func(e *evaluation, r *Resource, args []string) bool {
	var missing []string
	var last time.Time
	ordered := true
	for _, code := range strings.Fields(args[0]) {
		at, found := e.handOver(r.Ref(), code)
		if !found {
			missing = append(missing, code)
			continue
		}
		if at.Before(last) || at.After(e.s.Now) {
			ordered = false
			e.because(fmt.Sprintf("The hand-over %s of %s is out of order in time.", code, r.Ref()), fmt.Sprintf("%s 的交接 %s 时间顺序有误。", r.Ref(), code))
		}
		last = at
	}
	return e.sayMissing(r, missing) && ordered
})

// custodyProfile is what the record of a hand-over must follow to count.
const custodyProfile = "urn:tenon:profile:custody"

// handOver finds when a hand-over took place.
func (v *view) handOver(delivery, code string) (time.Time, bool) {
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if r.Type != "Provenance" || !hasCode(r.Root.Field("activity"), systemCustody, code) || !targets(r.Root, delivery) {
			continue
		}
		who := r.Root.Path("agent", "who", "reference").Str()
		from, _, ok := span(r.Root.Field("occurredDateTime").Str())
		if ok && who != "" && cleanReference(who) == r.Author && len(theGuide().faults(r, custodyProfile)) == 0 {
			return from, true
		}
	}
	return time.Time{}, false
}

func targets(provenance tree.Node, ref string) bool {
	for _, t := range referencesOf(provenance.Field("target")) {
		if t == ref {
			return true
		}
	}
	return false
}
