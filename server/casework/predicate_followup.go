package casework

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

const (
	systemFollowUp = "urn:tenon:followup"
	systemPlanType = "urn:tenon:plan-type"
	// planReference is what a type of device is followed up by when it is not
	// custom: a PlanDefinition of that type, for the product family that its
	// useContext names, with one action for each thing to look at.
	planReference = "followup-reference"
)

// plannedFor('followup-duration') says that each plan runs at least as long as
// the case asks for (clause 10.1.1).
var plannedForPredicate = predicate("plannedFor", 1, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	least, ok := duration(e.setting(args[0]))
	if !ok || len(focus) == 0 {
		return nil, nil
	}
	all := true
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		planned, dated := planned(r.Root)
		if !dated || planned < least {
			e.because(fmt.Sprintf("%s runs for %s, the case asks for %s.", r.Ref(), planned, least), fmt.Sprintf("%s 的期限为 %s，要求至少 %s。", r.Ref(), planned, least))
			all = false
		}
	}
	return yes(all), nil
})

// planned is how long a plan of follow-up runs; its last day belongs to it.
func planned(plan tree.Node) (time.Duration, bool) {
	from, _, begun := span(plan.Path("period", "start").Str())
	_, until, ended := span(plan.Path("period", "end").Str())
	return until.Sub(from), begun && ended
}

// followedToEnd('S17', 'followup-plan') says that, of the visits in its input,
// the last one was not before the end of each plan that the stage brought.
var followedToEndPredicate = predicate("followedToEnd", 2, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	plans := e.documents("output", args[0], args[1])
	if len(focus) == 0 || len(plans) == 0 {
		return nil, nil
	}
	var last time.Time
	for _, item := range focus {
		if r := e.resourceOf(item); r != nil {
			if _, end, ok := span(r.Root.Path("period", "end").Str()); ok && end.After(last) && !r.future(e.s.Now) {
				last = end
			}
		}
	}
	all := true
	for _, p := range plans {
		end, _, ok := span(p.Root.Path("period", "end").Str())
		if !ok || last.Before(end) {
			e.because(fmt.Sprintf("The last visit was before the end of %s.", p.Ref()), fmt.Sprintf("末次随访早于 %s 的截止时间。", p.Ref()))
			all = false
		}
	}
	return yes(all), nil
})

// future tells whether a visit ends after now.
func (r *Resource) future(now time.Time) bool {
	end, _, ok := span(r.Root.Path("period", "end").Str())
	return !ok || end.After(now)
}

// afterUse() says that each study was made after the device was used.
var afterUsePredicate = every("afterUse", 0, func(e *evaluation, r *Resource, _ []string) bool {
	used, ok := e.used()
	made, dated := taken(r.Root)
	if ok && dated && !made.Before(used) {
		return true
	}
	e.because(fmt.Sprintf("%s was not made after the use of the device, or is not dated.", r.Ref()), fmt.Sprintf("%s 不是在器械使用之后进行，或未注明时间。", r.Ref()))
	return false
})

// used is when the device was first used, by the Procedures of the case.
func (v *view) used() (at time.Time, ok bool) {
	for i := range v.s.Resources {
		r := &v.s.Resources[i]
		if r.Type != "Procedure" || !r.Root.Field("focalDevice").Exists() {
			continue
		}
		if from, dated := performed(r.Root); dated && (!ok || from.Before(at)) {
			at, ok = from, true
		}
	}
	return at, ok
}

// notBelowReference('S08', 'design-definition') says that each plan of follow-up
// asks for no less than the reference plan of the product family that the design
// belongs to: it names that plan, has every observation of it, each at as many
// visits, and runs as long. Without a reference plan on file the answer is empty:
// nobody compared.
var notBelowReferencePredicate = predicate("notBelowReference", 2, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	references := e.referencePlans(args[0], args[1])
	if len(references) == 0 {
		e.because("No reference plan of follow-up is on file for the product family (PlanDefinition of type followup-reference).", "产品族尚无同类随访参考方案。")
		return nil, nil
	}
	all := len(focus) > 0
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		for _, reference := range references {
			all = e.notBelow(r, reference) && all
		}
	}
	return yes(all), nil
})

// referencePlans are the plans in force for the families of the designs.
func (e *evaluation) referencePlans(stage, document string) []*Resource {
	var families []string
	for _, design := range e.documents("output", stage, document) {
		if family := e.byRef[referenceOf(design.Root.Field("parentDevice"))]; family != nil {
			for id := range family.Root.Field("identifier").Items() {
				families = append(families, id.Field("system").Str()+"|"+id.Field("value").Str())
			}
		}
	}
	var plans []*Resource
	for i := range e.s.Directory {
		r := &e.s.Directory[i]
		if r.Type != "PlanDefinition" || r.Root.Field("status").Str() != "active" || !hasCode(r.Root.Field("type"), systemPlanType, planReference) {
			continue
		}
		for use := range r.Root.Field("useContext").Items() {
			for c := range use.Path("valueCodeableConcept", "coding").Items() {
				if slices.Contains(families, c.Field("system").Str()+"|"+c.Field("code").Str()) && !slices.Contains(plans, r) {
					plans = append(plans, r)
				}
			}
		}
	}
	return plans
}

func (e *evaluation) notBelow(plan, reference *Resource) bool {
	ok := true
	say := func(english, chinese string) {
		e.because(english, chinese)
		ok = false
	}
	if !slices.ContainsFunc(textsOf(plan.Root.Field("instantiatesCanonical")), func(c string) bool { return names(c, reference.Root) }) {
		say(fmt.Sprintf("%s does not name the reference plan %s.", plan.Ref(), canonicalOf(reference.Root)), fmt.Sprintf("%s 未引用参考方案 %s。", plan.Ref(), canonicalOf(reference.Root)))
	}
	visits := map[string]int{}
	for activity := range plan.Root.Field("activity").Items() {
		for _, code := range codesOf(activity.Path("detail", "code"), systemFollowUp) {
			visits[code] = max(visits[code], countOf(activity.Path("detail", "scheduledTiming")))
		}
	}
	for action := range reference.Root.Field("action").Items() {
		for _, code := range codesOf(action.Field("code"), systemFollowUp) {
			n, there := visits[code]
			if least := countOf(action.Field("timingTiming")); !there || n < least {
				say(fmt.Sprintf("%s plans %s at %d visits, the reference plan asks for %d.", plan.Ref(), code, n, least), fmt.Sprintf("%s 计划观察 %s %d 次，参考方案要求 %d 次。", plan.Ref(), code, n, least))
			}
		}
		if least, bounded := duration(action.Path("timingTiming", "repeat", "boundsDuration")); bounded {
			if runs, _ := planned(plan.Root); runs < least {
				say(fmt.Sprintf("%s runs for %s, the reference plan for %s.", plan.Ref(), runs, least), fmt.Sprintf("%s 的期限为 %s，参考方案为 %s。", plan.Ref(), runs, least))
			}
		}
	}
	return ok
}

// names tells whether a canonical leads to a definition: by its URL, and by its
// version if it names one.
func names(canonical string, definition tree.Node) bool {
	return canonical == definition.Field("url").Str() || canonical == canonicalOf(definition)
}

// countOf is how often something is to happen.
func countOf(timing tree.Node) int {
	n, _ := strconv.Atoi(timing.Path("repeat", "count").Text())
	return max(n, 1)
}

func textsOf(list tree.Node) []string {
	var all []string
	for n := range list.Items() {
		all = append(all, n.Str())
	}
	return all
}
