package casework

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/fhirpath"
	"tenon/fhir/tree"
)

// inspects('S06', 'order') says that the inspection reports of its input answer
// every parameter of the order: for each parameter a result of the report (an
// Observation whose code has the parameter's) that passed and, where the order
// states a range and the result is a number, lies in it; or an extension
// not-applicable of the report that names the parameter, or of the parameter
// itself. The coverage and the gaps are told (clauses 5.3.1, 6.2.3).
var inspectsPredicate = predicate("inspects", 2, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	orders := e.documents("output", args[0], args[1])
	if len(focus) == 0 || len(orders) == 0 {
		return nil, nil
	}
	results, left := e.resultsOf(focus)
	answered, total := 0, 0
	var gaps []string
	for _, order := range orders {
		for p := range order.Root.Field("parameter").Items() {
			code := codeOf(p.Field("code"), systemParameter)
			if inapplicableBecause(p) != "" {
				continue
			}
			total++
			if slices.Contains(left, code) || e.answered(p, code, results) {
				answered++
				continue
			}
			gaps = append(gaps, code)
		}
	}
	if len(gaps) > 0 {
		list := strings.Join(gaps, ", ")
		e.because(fmt.Sprintf("%d of %d parameters of the order have a passing inspection result; none answers %s.", answered, total, list),
			fmt.Sprintf("订单 %d 项参数中 %d 项有合格检验结果，缺：%s。", total, answered, list))
	}
	return yes(len(gaps) == 0), nil
})

// resultsOf are the Observations that the reports name, and the parameters that
// they say do not apply.
func (e *evaluation) resultsOf(reports fhirpath.Collection) (results []*Resource, notApplicable []string) {
	for _, item := range reports {
		r := e.resourceOf(item)
		if r == nil {
			continue
		}
		for _, ref := range referencesOf(r.Root.Field("result")) {
			if o := e.byRef[ref]; o != nil && o.Type == "Observation" {
				results = append(results, o)
			}
		}
		for _, ext := range extensions(r.Root, extensionPrefix+"not-applicable") {
			notApplicable = append(notApplicable, valueOf(ext).Str())
		}
	}
	return results, notApplicable
}

// answered tells whether one of the results is about the parameter, passed, and
// within what the order asks; a number beyond that is told.
func (e *evaluation) answered(parameter tree.Node, code string, results []*Resource) bool {
	found := false
	for _, o := range results {
		if !aboutParameter(o.Root.Field("code"), parameter.Field("code"), code) || !passedResult(o.Root) {
			continue
		}
		asked, measurable := sound(parameter)
		value, number := sound(o.Root.Field("valueQuantity"))
		if measurable && number && !asked.single() {
			l := asLimit(code, asked)
			if verdict, why := l.judge(value); verdict == nonconform {
				e.because(o.Ref()+": "+why.english, o.Ref()+"："+why.chinese)
				continue
			}
		}
		found = true
	}
	return found
}

// aboutParameter tells whether a result is about a parameter of the order. Where
// the order says which characteristic it means (the thickness, of dimensions),
// the result must be about that one.
func aboutParameter(result, parameter tree.Node, code string) bool {
	if meant := codesOf(parameter, systemCharacteristic); len(meant) > 0 {
		return slices.ContainsFunc(meant, func(c string) bool { return hasCode(result, systemCharacteristic, c) })
	}
	return hasCode(result, systemParameter, code) || hasCode(result, systemCharacteristic, code)
}

// asLimit is a figure that a case itself states, to hold a value against.
func asLimit(id string, f figure) *limit {
	return &limit{id: id, unit: f.unit, bounds: bounds{low: f.low, high: f.high}}
}

func passedResult(o tree.Node) bool {
	return o.Field("status").Str() == "final" && hasCode(o.Field("interpretation"), "urn:tenon:verdict", "pass")
}

// answers('S09', 'verification-plan') says that the reports of its input have,
// for each item of the plan (a section with a code below acceptance-criteria), a
// result of that code, and that it passed (clause 5.3.5.4).
var answersPredicate = predicate("answers", 2, "boolean", func(e *evaluation, focus fhirpath.Collection, args []string) (fhirpath.Collection, error) {
	plans := e.documents("output", args[0], args[1])
	if len(focus) == 0 || len(plans) == 0 {
		return nil, nil
	}
	results, _ := e.resultsOf(focus)
	var open []string
	items := 0
	for _, plan := range plans {
		for _, item := range planItems(plan.Root) {
			items++
			if !slices.ContainsFunc(results, func(o *Resource) bool {
				return passedResult(o.Root) && sameCode(o.Root.Field("code"), item.Field("code"))
			}) {
				open = append(open, labelOf(item))
			}
		}
	}
	if len(open) > 0 {
		list := strings.Join(open, ", ")
		e.because("Items of the plan without a passing result: "+list+".", "方案条目缺少合格结果："+list+"。")
	}
	return yes(items > 0 && len(open) == 0), nil
})

func planItems(plan tree.Node) []tree.Node {
	var items []tree.Node
	for s := range plan.Field("section").Items() {
		if hasCode(s.Field("code"), "urn:tenon:section", "acceptance-criteria") {
			for item := range s.Field("section").Items() {
				items = append(items, item)
			}
		}
	}
	return items
}

func labelOf(section tree.Node) string {
	if title := section.Field("title").Str(); title != "" {
		return title
	}
	return section.Path("code", "coding", "code").Str()
}

// sameCode tells whether two concepts share a coding.
func sameCode(a, b tree.Node) bool {
	for c := range a.Field("coding").Items() {
		if system, code := c.Field("system").Str(), c.Field("code").Str(); code != "" && hasCode(b, system, code) {
			return true
		}
	}
	return false
}
