package casework

import (
	"fmt"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// notExpired() says that each resource is in force now: the period of a document
// (context.period), agreement (applies), consent or service, or the expiration
// date of a device. What states no end of validity is not in force.
var notExpiredPredicate = every("notExpired", 0, func(e *evaluation, r *Resource, _ []string) bool {
	if until := r.Root.Field("expirationDate").Str(); r.Type == "Device" {
		_, end, ok := span(until)
		return e.sayExpired(r, ok && e.s.Now.Before(end))
	}
	period := validityOf(r)
	if period.Field("end").Str() == "" {
		e.because(fmt.Sprintf("%s states no end of its validity.", r.Ref()), fmt.Sprintf("%s 未载明有效期。", r.Ref()))
		return false
	}
	return e.sayExpired(r, inPeriod(period, e.s.Now))
})

func validityOf(r *Resource) tree.Node {
	switch r.Type {
	case "DocumentReference":
		return r.Root.Path("context", "period")
	case "Contract":
		return r.Root.Field("applies")
	case "Consent":
		return r.Root.Path("provision", "period")
	}
	return r.Root.Field("period")
}

// validNoLongerThan('output-validity') says that each document states an end of its
// validity that is not further from when this version was written than the deadline
// of that code in the plan; without the deadline the answer is empty.
var validNoLongerThanPredicate = predicate("validNoLongerThan", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	limit := e.plan.Exceptions.Deadline(args[0])
	if limit == nil || len(focus) == 0 {
		return nil, nil
	}
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		end, _, ok := span(validityOf(r).Field("end").Str())
		if !ok || end.After(r.Updated.Add(limit.Time)) {
			e.because(fmt.Sprintf("%s is to be produced within %d days of its version; it states %q.", r.Ref(), int(limit.Time.Hours()/24), validityOf(r).Field("end").Str()),
				fmt.Sprintf("%s 的有效期不得超过 %d 天。", r.Ref(), int(limit.Time.Hours()/24)))
			return yes(false), nil
		}
	}
	return yes(true), nil
})

func (e *evaluation) sayExpired(r *Resource, valid bool) bool {
	if !valid {
		e.because(fmt.Sprintf("%s is not within its validity.", r.Ref()), fmt.Sprintf("%s 不在有效期内。", r.Ref()))
	}
	return valid
}

// youngerThan('image-age') says that each study (or acquisition, a Procedure) is
// not older than the setting.
// Without the setting the answer is empty.
var youngerThanPredicate = predicate("youngerThan", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	limit, ok := duration(e.setting(args[0]))
	if !ok || len(focus) == 0 {
		return nil, nil
	}
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		started, ok := taken(r.Root)
		if !ok || e.s.Now.Sub(started) > limit || started.After(e.s.Now) {
			e.because(fmt.Sprintf("%s is older than the limit of the case, or not dated.", r.Ref()), fmt.Sprintf("%s 超过时限或未注明时间。", r.Ref()))
			return yes(false), nil
		}
	}
	return yes(true), nil
})

// followedFor('followup-duration') says that, of the visits in its input, the
// last ended at least that long after the device was used (Procedure that S18
// names as use-record). Visits in the future do not count.
var followedForPredicate = predicate("followedFor", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	least, ok := duration(e.setting(args[0]))
	if !ok || len(focus) == 0 {
		return nil, nil
	}
	used, known := e.used()
	var last time.Time
	for _, item := range focus {
		if r := e.resourceOf(item); r != nil {
			end, _, ok := span(r.Root.Path("period", "end").Str())
			if ok && end.After(last) && !end.After(e.s.Now) {
				last = end
			}
		}
	}
	if !known || last.IsZero() {
		return yes(false), nil
	}
	if last.Sub(used) < least {
		e.because(fmt.Sprintf("The last visit ended %s after use, the case asks for %s.", last.Sub(used).Round(time.Second), least),
			fmt.Sprintf("末次随访距使用 %s，要求至少 %s。", last.Sub(used).Round(time.Second), least))
		return yes(false), nil
	}
	return yes(true), nil
})

// taken is when a study was started, or an acquisition performed.
func taken(n tree.Node) (time.Time, bool) {
	if n.Field("started").Exists() {
		from, _, ok := span(n.Field("started").Str())
		return from, ok
	}
	return performed(n)
}

func performed(procedure tree.Node) (time.Time, bool) {
	at := procedure.Field("performedDateTime").Str()
	if at == "" {
		at = procedure.Path("performedPeriod", "start").Str()
	}
	from, _, ok := span(at)
	return from, ok
}
