package rules

// https://hl7.org/fhir/R4/measure.html

import (
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// measureRule warns of a Measure whose reports could not be told apart.
func measureRule(c *Context, n tree.Node) {
	groups := n.Field("group")
	if groups.Len() == 0 {
		c.warn("", issue.Required, "measure-no-group", "the Measure has no group: nothing can be reported", "Measure 没有 group，无法报告")
		return
	}
	i := 0
	for g := range groups.Items() {
		at := under("", "group", i)
		i++
		measureCode(c, g, groups.Len(), at, "group")
		populations := g.Field("population")
		if populations.Len() == 0 {
			c.warn(at, issue.Required, "measure-no-population", "the group has no population", "group 没有 population")
		}
		measureCodes(c, g, at, "population")
		measureCodes(c, g, at, "stratifier")
		j := 0
		for s := range g.Field("stratifier").Items() {
			measureCodes(c, s, under(at, "stratifier", j), "component")
			j++
		}
	}
}

func measureCodes(c *Context, n tree.Node, at, name string) {
	list := n.Field(name)
	i := 0
	for item := range list.Items() {
		measureCode(c, item, list.Len(), under(at, name, i), name)
		i++
	}
}

// measureCode wants a code where there are several.
func measureCode(c *Context, n tree.Node, of int, at, name string) {
	if of > 1 && !n.Field("code").Exists() {
		c.warn(at, issue.Required, "measure-no-code",
			fmt.Sprintf("this %s has no code, so a report can't tell it from the others", name),
			fmt.Sprintf("此 %s 没有 code，报告中无法与其他区分", name))
	}
}

// report is a MeasureReport with its Measure.
type report struct {
	c             *Context
	measure       tree.Node
	kind, scoring string
}

// measureReportRule judges a MeasureReport by its Measure.
// https://hl7.org/fhir/R4/measurereport.html
func measureReportRule(c *Context, n tree.Node) {
	canonical := text(n, "measure")
	if canonical == "" {
		return
	}
	m := findMeasure(c, n, canonical)
	if !m.Exists() {
		c.warn(".measure", issue.NotFound, "measure-unresolved",
			fmt.Sprintf("the Measure %s is not known here: the report was not judged by it", issue.Quote(canonical)),
			fmt.Sprintf("此处没有 Measure %s，未据其校验报告", issue.Quote(canonical)))
		return
	}
	r := &report{c: c, measure: m, kind: text(n, "type")}
	for coding := range m.Field("scoring").Field("coding").Items() {
		switch code := text(coding, "code"); code {
		case "proportion", "ratio", "continuous-variable", "cohort":
			r.scoring = code
		}
	}
	if r.scoring == "" {
		c.inform(".measure", issue.BusinessRule, "measure-scoring",
			"the Measure's scoring is none of proportion, ratio, continuous-variable and cohort: scores were not judged",
			"Measure 的 scoring 不是 proportion、ratio、continuous-variable 或 cohort，未校验得分")
	}
	r.groups(n)
}

func findMeasure(c *Context, n tree.Node, canonical string) tree.Node {
	if strings.HasPrefix(canonical, "#") {
		for r := range n.Field("contained").Items() {
			if text(r, "resourceType") == "Measure" && text(r, "id") == canonical[1:] {
				return r
			}
		}
		return tree.Node{}
	}
	if d := c.Library.Find("Measure", canonical); d != nil {
		if m, err := d.Node(); err == nil {
			return m
		}
	}
	if c.Resolve != nil {
		if m, ok := c.Resolve(canonical); ok && text(m, "resourceType") == "Measure" {
			return m
		}
	}
	return tree.Node{}
}

// groups pairs the report's groups with the Measure's: by code, or as the only
// ones that there are.
func (r *report) groups(n tree.Node) {
	own, defined := n.Field("group"), r.measure.Field("group")
	if own.Len() == 1 && defined.Len() == 1 {
		g, d := own.First(), defined.First()
		if g.Field("code").Exists() && d.Field("code").Exists() && !sameConcept(g.Field("code"), d.Field("code")) {
			r.fail(under("", "group", 0), "measure-group-code", "the group's code is not that of the Measure's group", "group 的 code 与 Measure 不符")
		}
		r.group(g, d, under("", "group", 0))
		return
	}
	r.pair(own, defined, "", "group", r.kind == "data-collection", r.group)
}

// pair judges the items of a list in the report by those in the Measure.
func (r *report) pair(own, defined tree.Node, at, name string, partial bool, judge func(own, defined tree.Node, at string)) {
	index := byCode(defined)
	used := map[int]bool{}
	i := 0
	for item := range own.Items() {
		here := under(at, name, i)
		i++
		code := item.Field("code")
		d := index.find(code)
		switch {
		case !code.Exists():
			r.fail(here, "measure-"+name+"-code", "the "+name+" has no code to find it in the Measure", name+" 没有 code，无法在 Measure 中找到")
		case !d.Exists():
			r.fail(here, "measure-"+name+"-code", "the "+name+"'s code is none of the Measure's", name+" 的 code 不在 Measure 中")
		case used[d.ID()]:
			r.fail(here, "measure-"+name+"-twice", "the "+name+" with this code was reported before", "相同 code 的 "+name+" 重复出现")
		default:
			used[d.ID()] = true
			judge(item, d, here)
		}
	}
	for d := range defined.Items() {
		if !used[d.ID()] && !partial && !observed(d) {
			r.fail(at, "measure-"+name+"-missing", "the report lacks the "+name+" "+concept(d.Field("code"))+" of the Measure", "报告缺少 Measure 中的 "+name+" "+concept(d.Field("code")))
		}
	}
}

// observed is a population that is calculated, not counted.
func observed(n tree.Node) bool {
	for c := range n.Field("code").Field("coding").Items() {
		if text(c, "code") == "measure-observation" {
			return true
		}
	}
	return false
}

func (r *report) group(own, defined tree.Node, at string) {
	r.pair(own.Field("population"), defined.Field("population"), at, "population", false, r.population)
	r.score(own, at)
	if own.Field("stratifier").Exists() || defined.Field("stratifier").Exists() {
		r.stratifiers(own, defined, at)
	}
}

// population judges the count: it is of the subjects that a list names.
func (r *report) population(own, _ tree.Node, at string) {
	listed := own.Field("subjectResults").Exists()
	if r.kind == "subject-list" {
		return
	}
	if listed {
		r.fail(at, "measure-subjects", "found subjectResults, which only a subject-list has", "只有 subject-list 类型的报告才能有 subjectResults")
	}
	if !own.Field("count").Exists() {
		r.c.warn(at, issue.BusinessRule, "measure-count", "the population has no count", "population 没有 count")
	}
}

func (r *report) fail(at, rule, text, chinese string) {
	r.c.fail(at, issue.BusinessRule, rule, text, chinese)
}
