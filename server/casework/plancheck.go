package casework

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/profiles"
)

// CheckPlan proves that a PlanDefinition is a process that a case can run on: all
// that CompilePlan demands, the floor of the embedded plan of the same url, and
// that it speaks to people in both languages and with known words. It returns
// every fault; none when the plan is sound.
func (e *Engine) CheckPlan(root tree.Node) []issue.Issue {
	plan, err := CompilePlan(root)
	if f := issue.As(err); f != nil {
		return f.Issues
	}
	c := &compiler{plan: plan}
	c.words()
	plans, err := e.embedded()
	if err != nil {
		return []issue.Issue{{Type: issue.Exception, Rule: "plan", Text: err.Error()}}
	}
	if f := issue.As(keepsFloor(plan, plans)); f != nil {
		c.faults = append(c.faults, f.Issues...)
	}
	return c.faults
}

// words judges titles, texts and codes.
func (c *compiler) words() {
	if c.plan.Title == "" || c.plan.Chinese == "" {
		c.fault("PlanDefinition.title", "A plan has a title in English and Chinese.")
	}
	for _, g := range c.plan.Gates {
		if g.Status < 400 || g.Status > 499 || g.Text == "" || g.Chinese == "" {
			c.fault("PlanDefinition.extension", "The gate %q has a status from 400 to 499 and a text in English and Chinese.", g.Code)
		}
	}
	for _, s := range c.plan.Settings {
		if s.Text == "" || s.Chinese == "" || s.Clause == "" {
			c.fault("PlanDefinition.extension", "The setting %q has a clause, and a text in English and Chinese.", s.Code)
		}
		c.word("PlanDefinition.extension", systemSetting, s.Code)
	}
	for _, s := range c.plan.Stages {
		at := "PlanDefinition.action[" + s.Code + "]"
		if s.Title == "" || s.Chinese == "" || len(s.Clauses) == 0 {
			c.fault(at, "A stage has a clause, and a title in English and Chinese.")
		}
		c.word(at, systemStage, s.Code)
		// A form of the hospital's own has a canonical of its own.
		if strings.HasPrefix(s.Form, "urn:tenon:") && !theGuide().defines(s.Form) {
			c.fault(at+".documentation", "The guide has no form %q.", s.Form)
		}
		if strings.HasPrefix(s.Activity, "urn:tenon:") && !theGuide().defines(s.Activity) {
			c.fault(at+".definitionCanonical", "The guide has no activity %q.", s.Activity)
		}
		for _, list := range [][]Document{s.Inputs, s.Outputs} {
			for _, d := range list {
				c.word(at, systemDocument, d.Code)
			}
		}
		for _, r := range s.Signatures {
			c.word(at+".signature["+r.ID+"]", "urn:tenon:signature-purpose", r.Purpose)
		}
		for _, cond := range s.Conditions {
			c.named(at+".condition["+cond.ID+"]", cond.Source)
		}
	}
}

// arguments finds predicates whose argument names something of the plan or guide.
var arguments = regexp.MustCompile(`\b(setting|within)\('([^']*)'`)

// named judges that settings are those of the plan, limits those of the guide.
func (c *compiler) named(at, source string) {
	for _, m := range arguments.FindAllStringSubmatch(source, -1) {
		switch m[1] {
		case "setting":
			if !slices.ContainsFunc(c.plan.Settings, func(s Setting) bool { return s.Code == m[2] }) {
				c.fault(at, "The setting %q is none of the plan.", m[2])
			}
		case "within":
			c.word(at, "urn:tenon:limit", m[2])
		}
	}
}

func (c *compiler) word(at, system, code string) {
	if known := vocabulary()[system]; known != nil && !known[code] {
		c.fault(at, "The code %q is none of %s.", code, system)
	}
}

// vocabulary are the codes of the guide by system.
var vocabulary = sync.OnceValue(func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse(body)
		if err != nil || doc.Root().Field("resourceType").Str() != "CodeSystem" {
			continue
		}
		url := doc.Root().Field("url").Str()
		if !strings.HasPrefix(url, "urn:tenon:") {
			continue
		}
		all[url] = map[string]bool{}
		for concept := range doc.Root().Field("concept").Items() {
			all[url][concept.Field("code").Str()] = true
		}
	}
	return all
})
