package rules

// https://hl7.org/fhir/R4/measurereport-definitions.html#MeasureReport.group.measureScore

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// score judges measureScore by the Measure's scoring.
func (r *report) score(group tree.Node, at string) {
	score, here := group.Field("measureScore"), at+".measureScore"
	switch {
	case r.kind == "data-collection":
		if score.Exists() {
			r.fail(here, "measure-score", "a data-collection report has no score", "data-collection 类型的报告不能有得分")
		}
		return
	case r.scoring == "cohort":
		if score.Exists() {
			r.fail(here, "measure-score", "found a score, but the Measure's scoring is cohort, which has none", "Measure 的 scoring 为 cohort，不能有得分")
		}
		return
	case r.scoring == "":
		return
	case !score.Exists() && !group.Field("_measureScore").Exists():
		r.c.fail(at, issue.Required, "measure-score",
			"there is no score, which a "+r.scoring+" Measure has", "scoring 为 "+r.scoring+" 的报告必须有得分")
		return
	}
	value := score.Field("value")
	if !value.Exists() {
		if !score.Field("extension").Exists() {
			r.c.fail(here, issue.Required, "measure-score-value",
				"the score of a "+r.scoring+" Measure needs a value", "scoring 为 "+r.scoring+" 的得分必须有 value")
		}
		return
	}
	r.unit(score, here)
	if r.scoring == "proportion" {
		r.proportion(value, here)
	}
}

// proportion is a plain number from 0 to 1.
func (r *report) proportion(value tree.Node, at string) {
	low, ok := ucum.CompareNumbers(value.Text(), "0")
	high, _ := ucum.CompareNumbers(value.Text(), "1")
	if ok && (low < 0 || high > 0) {
		r.c.fail(at+".value", issue.Value, "measure-score-range",
			fmt.Sprintf("found a proportion of %s, expected one from 0 to 1", value.Text()),
			fmt.Sprintf("比例为 %s，应在 0 与 1 之间", value.Text()))
	}
}

// unit judges the score's unit: none for a proportion, else the one that the
// Measure fixes.
func (r *report) unit(score tree.Node, at string) {
	if r.scoring == "proportion" {
		for _, name := range []string{"unit", "system", "code"} {
			if score.Field(name).Exists() {
				r.fail(at+"."+name, "measure-score-unit", "found a unit, but a proportion has none", "比例得分不能有单位")
			}
		}
		return
	}
	for e := range r.measure.Field("extension").Items() {
		fixed := e.Field("valueCoding")
		if text(e, "url") != "http://hl7.org/fhir/StructureDefinition/questionnaire-unit" || !fixed.Exists() {
			continue
		}
		if text(score, "code") != text(fixed, "code") || text(score, "system") != text(fixed, "system") {
			r.c.fail(at, issue.CodeInvalid, "measure-score-unit",
				fmt.Sprintf("found the unit %s, expected %s, which the Measure fixes", issue.Quote(text(score, "code")), issue.Quote(text(fixed, "code"))),
				fmt.Sprintf("单位为 %s，Measure 规定为 %s", issue.Quote(text(score, "code")), issue.Quote(text(fixed, "code"))))
		}
	}
}

// stratifiers pairs those of the report with those of the Measure; a report
// gives a stratifier several codes when it has components.
func (r *report) stratifiers(own, defined tree.Node, at string) {
	list := own.Field("stratifier")
	if list.Len() == 1 && defined.Field("stratifier").Len() == 1 && !list.First().Field("code").Exists() {
		return
	}
	r.pairStrata(list, defined.Field("stratifier"), at)
}

func (r *report) pairStrata(list, defined tree.Node, at string) {
	index := byCode(defined)
	i := 0
	for s := range list.Items() {
		here := under(at, "stratifier", i)
		i++
		codes := s.Field("code")
		if !codes.Exists() {
			r.fail(here, "measure-stratifier-code", "the stratifier has no code to find it in the Measure", "stratifier 没有 code，无法在 Measure 中找到")
			continue
		}
		found := false
		for code := range codes.Items() {
			found = found || index.find(code).Exists()
		}
		if !found && !components(defined) {
			r.fail(here, "measure-stratifier-code", "the stratifier's code is none of the Measure's", "stratifier 的 code 不在 Measure 中")
		}
	}
}

func components(list tree.Node) bool {
	for s := range list.Items() {
		if s.Field("component").Exists() {
			return true
		}
	}
	return false
}

// concepts finds items by a coding or the text of their code.
type concepts map[[2]string]tree.Node

func byCode(items tree.Node) concepts {
	index := concepts{}
	for item := range items.Items() {
		index.each(item.Field("code"), func(key [2]string) bool {
			if _, taken := index[key]; !taken {
				index[key] = item
			}
			return true
		})
	}
	return index
}

func (concepts) each(code tree.Node, visit func(key [2]string) bool) {
	codings := code.Field("coding")
	for c := range codings.Items() {
		if !visit([2]string{text(c, "system"), text(c, "code")}) {
			return
		}
	}
	if t := text(code, "text"); t != "" && codings.Len() == 0 {
		visit([2]string{"text", t})
	}
}

func (x concepts) find(code tree.Node) (found tree.Node) {
	x.each(code, func(key [2]string) bool {
		found = x[key]
		return !found.Exists()
	})
	return found
}

func sameConcept(a, b tree.Node) bool {
	index := concepts{}
	index.each(a, func(key [2]string) bool { index[key] = a; return true })
	return index.find(b).Exists()
}

// concept shows a code in a message.
func concept(code tree.Node) string {
	if t := text(code, "text"); t != "" {
		return issue.Quote(t)
	}
	return issue.Quote(code.Path("coding", "code").Str())
}
