package casework

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// A new demand (X4, clause 9.4.2): the design is confirmed, the device is in
// order, and the patient wants something else. That is no change but a new case,
// opened with the parameter prior-request, the order of the earlier one.
//
//	carried over      patient, agreed figures (but those that a plan marks anew),
//	                  the agreement, team and consent while they are in force
//	confirmed anew    images and plan of a date after the demand, an order of its
//	                  own whose priorRequest is the earlier one, every signature
//	left as it is     the earlier case and its device: it is used, or withdrawn (X3)

// earlier is what a new case takes from the one before it.
type earlier struct {
	order, patient string
	demand         time.Time
	root           tree.Node
}

// earlierOf judges prior-request and demand; nil when there is none.
func (e *Engine) earlierOf(o Opening, p *Plan) (*earlier, error) {
	order := referenceOf(parameter(o.Params, "prior-request"))
	if order == "" {
		if parameter(o.Params, "demand").Exists() {
			return nil, missing("prior-request", "valueReference to the order that the demand goes beyond", "R001-218")
		}
		return nil, nil //nolint:nilnil // no earlier case, and that is no fault
	}
	if o.Prior == nil {
		return nil, notPrior("prior-order", 422, fmt.Sprintf("%s is the order of no case of yours.", order), "该订单不属于您可见的病例。")
	}
	plan, err := e.planOf(o.Prior)
	if err != nil {
		return nil, err
	}
	v := newView(o.Prior, plan)
	if err := v.mayFollow(order, p, o); err != nil {
		return nil, err
	}
	demand, err := demandOf(o, v)
	return &earlier{order: order, patient: v.patient, demand: demand, root: v.root.Root}, err
}

func notPrior(rule string, status int, english, chinese string) error {
	return issue.Errorf(issue.BusinessRule, "%s", english).At("Parameters.parameter[prior-request]").Rule(rule).Clause("R001-218").WithStatus(status).Chinese(chinese)
}

// mayFollow says what stands against a new case after this one.
func (v *view) mayFollow(order string, p *Plan, o Opening) error {
	subject := referenceOf(parameter(o.Params, "subject"))
	switch {
	case !slices.ContainsFunc(v.named("order"), func(r *Resource) bool { return r.Ref() == order }):
		return notPrior("prior-order", 422, fmt.Sprintf("%s is not the order in force of the case %s.", order, v.root.Ref()), "所引用的资源不是该病例的现行订单。")
	case v.plan.URL != p.URL:
		return notPrior("prior-plan", 422, fmt.Sprintf("The case of %s runs on %s; a new demand is another case of the same process.", order, v.plan.URL), "新病例须采用与原病例相同的流程。")
	case o.Actor == nil || v.hospital != o.Actor.Organization:
		return notPrior("prior-hospital", 409, "The case of "+order+" is another hospital's: a device is made for, and used by, the hospital that ordered it.", "原病例属于其他医院。")
	case subject != "" && subject != v.patient:
		return notPrior("prior-patient", 422, fmt.Sprintf("%s is the order of another patient than %s.", order, subject), "原订单属于另一名患者。")
	}
	if v.root.Root.Field("status").Str() != "in-progress" {
		return nil
	}
	for _, k := range v.plan.Exceptions.Changes {
		if k.Until != "" && !v.completed(k.Until) {
			return notPrior("prior-early", 409, fmt.Sprintf("%s of %s is not completed: what the patient wants now is a change of that case (X1, kind %s), or cancel it.", k.Until, v.root.Ref(), k.Code),
				fmt.Sprintf("原病例的 %s 尚未完成：请在原病例中提出变更（X1），或取消原病例。", k.Until))
		}
	}
	for _, x := range v.exceptions {
		if x.open() && (x.code == exceptionChange || x.code == exceptionNonconformity) {
			return notPrior("prior-unsettled", 409, fmt.Sprintf("%s (%s) of %s is open: decide it first.", x.code, x.task.Ref(), v.root.Ref()), "原病例有未决的变更或不合格，请先处理。")
		}
	}
	return nil
}

// demandOf is when the patient voiced the demand: the parameter, or now.
func demandOf(o Opening, v *view) (time.Time, error) {
	n := parameter(o.Params, "demand")
	if !n.Exists() {
		return o.Now, nil
	}
	at, _, ok := span(n.Str())
	opened, _, _ := span(v.root.Root.Field("authoredOn").Str())
	if !ok || at.After(o.Now) || at.Before(opened) {
		return at, issue.Errorf(issue.Value, "demand is the dateTime at which the patient voiced the demand: not in the future, and not before the earlier case was opened.").
			At("Parameters.parameter[demand]").Rule("parameter-value").Clause("R001-218").WithStatus(422).Chinese("demand 须为提出需求的时间，不得晚于现在或早于原病例开启。")
	}
	return at, nil
}

// carriedOver is the figure of the earlier case where the new one states none.
func (x *earlier) carriedOver(s *Setting) tree.Node {
	if x == nil || s.Anew {
		return tree.Node{}
	}
	for in := range x.root.Field("input").Items() {
		if hasCode(in.Field("type"), systemSetting, s.Code) {
			return valueOf(in)
		}
	}
	return tree.Node{}
}

// readPrior reads from the root Task which order the case goes beyond, and since when.
func (v *view) readPrior() {
	for _, ref := range referencesOf(v.root.Root.Field("basedOn")) {
		if strings.HasPrefix(ref, "DeviceRequest/") {
			v.prior = ref
		}
	}
	for in := range v.root.Root.Field("input").Items() {
		if hasCode(in.Field("type"), systemLink, "demand") {
			v.demand, _, _ = span(valueOf(in).Str())
		}
	}
}

// outdated tells whether a signature was made before a new demand, over something
// that is confirmed anew. What stands beside the cases (documents that a plan
// marks own: consent, team, agreement) keeps what was signed.
func (v *view) outdated(sig *Signature) bool {
	if v.prior == "" || !sig.When.Before(v.demand) {
		return false
	}
	for _, s := range v.plan.Stages {
		for i := range s.Outputs {
			if s.Outputs[i].Own && slices.ContainsFunc(v.documents("output", s.Code, s.Outputs[i].Code), func(r *Resource) bool { return r.Ref() == sig.Target }) {
				return false
			}
		}
	}
	return true
}

// anew() says that each study, acquisition or plan is of a date after the demand
// of the case; in a case that follows no other one it holds.
var anewPredicate = predicate("anew", 0, "boolean", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	if e.prior == "" {
		return yes(true), nil
	}
	all := true
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil {
			return yes(false), nil
		}
		if until, ok := dated(r); !ok || !until.After(e.demand) {
			e.because(fmt.Sprintf("%s is not of a date after the demand of %s.", r.Ref(), instant(e.demand)), fmt.Sprintf("%s 的日期不晚于提出需求的时间 %s。", r.Ref(), instant(e.demand)))
			all = false
		}
	}
	if len(focus) == 0 {
		return nil, nil
	}
	return yes(all), nil
})

// dated is when what a resource tells of took place, to the end of what its date
// leaves open.
func dated(r *Resource) (time.Time, bool) {
	for _, at := range []string{
		r.Root.Field("started").Str(), r.Root.Field("performedDateTime").Str(), r.Root.Path("performedPeriod", "start").Str(), r.Root.Field("created").Str(),
	} {
		if _, until, ok := span(at); ok {
			return until, true
		}
	}
	return time.Time{}, false
}

// followsPrior() says that each order is another one than that of the earlier case
// and names it in priorRequest, itself or through the orders that it replaced.
var followsPriorPredicate = predicate("followsPrior", 0, "boolean", func(e *evaluation, focus fhirpath.Collection, _ []string) (fhirpath.Collection, error) {
	if e.prior == "" {
		return yes(true), nil
	}
	if len(focus) == 0 {
		return nil, nil
	}
	for _, item := range focus {
		r := e.resourceOf(item)
		if r == nil || r.Ref() == e.prior || !e.replaces(r, map[string]bool{}) {
			e.because(fmt.Sprintf("The order must be a new one with priorRequest = %s.", e.prior), fmt.Sprintf("须为新订单，且 priorRequest = %s。", e.prior))
			return yes(false), nil
		}
	}
	return yes(true), nil
})

func (v *view) replaces(order *Resource, seen map[string]bool) bool {
	seen[order.Ref()] = true
	for _, ref := range referencesOf(order.Root.Field("priorRequest")) {
		if ref == v.prior {
			return true
		}
		if next := v.byRef[ref]; next != nil && !seen[ref] && v.replaces(next, seen) {
			return true
		}
	}
	return false
}
