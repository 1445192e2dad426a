package access

import (
	"fmt"
	"slices"
	"strings"
)

// Facts are what a decision about one resource rests on besides who asks.
type Facts struct {
	Type, ID string
	Owner    string // organisation that brought it in
	Patient  string // "Patient/x" that it is about, or ""
	Level    Level
	Cases    []CaseFacts
	Consents []string // that withhold something of the patient: "Consent/x"
}

// CaseFacts are those of one case that holds the resource.
type CaseFacts struct {
	ID        string
	Open      bool  // to the principal
	Ceiling   Level // with Open
	Gated     bool  // a disclosure gate stands before the manufacturer
	Disclosed bool  // it is passed
	Consented bool  // a consent is in force, or none is needed yet
}

// Rule is a conjunct of the policy: a code of urn:tenon:access-rule.
type Rule string

// The rules, in the order in which they are told. RuleScopes must hold where an
// app is between; of the grounds directory, organisation, self, case and
// emergency one must. The grounds rest on stage, consent and level.
const (
	RuleScopes       Rule = "scopes"
	RuleCompartment  Rule = "compartment"
	RuleDirectory    Rule = "directory"
	RuleEverything   Rule = "everything"
	RuleSelf         Rule = "self"
	RuleOrganization Rule = "organization"
	RuleMembership   Rule = "membership"
	RuleStage        Rule = "stage"
	RuleConsent      Rule = "consent"
	RuleLevel        Rule = "level"
	RuleEmergency    Rule = "emergency"
)

// Conjunct is one part of an explanation. Asked is false where the rule says
// nothing about this caller; then Met has no meaning.
type Conjunct struct {
	Rule       Rule
	Asked, Met bool
	// Bars: unmet, it refuses whatever the grounds give but an emergency.
	Bars  bool
	Value string // what was looked at, such as "L5 > L4"
}

// Explain takes a decision apart. holds tells whether the resource meets a
// predicate, by the statement that decides reads. What a person reaches is
// told whole; the decision itself is holds(c.ReachTo(v)).
func (c *Context) Explain(v Verb, f *Facts, holds func(Predicate) (bool, error)) ([]Conjunct, error) {
	e := &explaining{c: c, f: f, holds: holds}
	e.scopes(v)
	e.ground(RuleDirectory, f.Type)
	e.ground(RuleEverything, c.Principal)
	e.ground(RuleSelf, c.Principal)
	e.ground(RuleOrganization, f.Owner+" / "+c.Organization)
	e.cases(v)
	for _, g := range c.opened(v) {
		e.ask(g.rule, true, c.unheld(v, g.meets, true), g.meets.(About).Patient)
	}
	return e.all, e.err
}

// ground asks for the grounds of one rule, if the caller has any.
func (e *explaining) ground(r Rule, value string) {
	meets := e.c.ground(r)
	e.ask(r, len(meets) > 0, meets, value)
}

// ground is what the caller reaches by one rule.
func (c *Context) ground(r Rule) (meets AnyOf) {
	for _, g := range c.grounds() {
		if g.rule == r {
			meets = append(meets, g.meets)
		}
	}
	return meets
}

type explaining struct {
	c     *Context
	f     *Facts
	holds func(Predicate) (bool, error)
	all   []Conjunct
	err   error
}

func (e *explaining) say(r Rule, asked, met bool, value string) {
	e.all = append(e.all, Conjunct{Rule: r, Asked: asked, Met: asked && met, Value: value})
}

func (e *explaining) ask(r Rule, asked bool, p Predicate, value string) {
	if !asked || p == nil || e.err != nil {
		e.say(r, false, false, value)
		return
	}
	met, err := e.holds(p)
	e.err = err
	e.say(r, true, met, value)
}

// scopes are those of the app, and the patient in its context.
func (e *explaining) scopes(v Verb) {
	s := e.c.Scopes
	if s == nil {
		e.say(RuleScopes, false, false, "")
		e.say(RuleCompartment, false, false, "")
		return
	}
	e.ask(RuleScopes, true, s.predicate(v), s.String())
	e.ask(RuleCompartment, s.Patient != "", About{s.Patient}, s.Patient)
}

// cases tells of membership and what it rests on.
func (e *explaining) cases(v Verb) {
	var open, closed, undisclosed, unconsented []string
	ceiling := Level(0)
	for _, c := range e.f.Cases {
		if e.c.Kind == Person && e.c.regulates() {
			c.Open, c.Ceiling = true, ceilingRegulator
		}
		if c.Open {
			open, ceiling = append(open, "Task/"+c.ID), max(ceiling, c.Ceiling)
		} else {
			closed = append(closed, "Task/"+c.ID)
		}
		if c.Gated && !c.Disclosed {
			undisclosed = append(undisclosed, "Task/"+c.ID)
		}
		if !c.Consented {
			unconsented = append(unconsented, "Task/"+c.ID)
		}
	}
	by := e.c.ground(RuleMembership)
	in := len(e.f.Cases) > 0 && len(by) > 0
	e.say(RuleMembership, in, len(open) > 0, strings.Join(slices.Concat(open, closed), " "))
	maker := e.c.Side == Manufacturer
	e.say(RuleStage, in && maker, len(undisclosed) == 0, strings.Join(undisclosed, " "))
	e.consent(v, in, unconsented)
	// membership and level are one condition of the statement; where it does not hold
	// though the case is open, it is the level
	e.ask(RuleLevel, in && len(open) > 0, by, fmt.Sprintf("L%d / L%d", e.f.Level, ceiling))
}

// consent tells whether the cases have one in force, and whether the patient
// withholds the resource.
func (e *explaining) consent(v Verb, in bool, unconsented []string) {
	own := e.c.own()
	held := e.c.unheld(v, own, false)
	e.say(RuleConsent, in, len(unconsented) == 0, strings.Join(unconsented, " "))
	all, bound := held.(AllOf)
	if !bound || e.err != nil {
		return
	}
	passed, err := e.holds(all[1])
	if e.err = err; err != nil || passed {
		return
	}
	told := &e.all[len(e.all)-1]
	told.Asked, told.Met, told.Bars = true, false, true
	told.Value = strings.Join(append(unconsented, e.f.Consents...), " ")
}

// Decided tells what the conjuncts amount to: the scopes, and one of the grounds
// that no consent bars.
func Decided(all []Conjunct) bool {
	met := func(r Rule) bool {
		return slices.ContainsFunc(all, func(c Conjunct) bool { return c.Rule == r && c.Asked && c.Met })
	}
	if slices.ContainsFunc(all, func(c Conjunct) bool { return c.Rule == RuleScopes && c.Asked && !c.Met }) {
		return false
	}
	if met(RuleEverything) || met(RuleEmergency) {
		return true
	}
	if slices.ContainsFunc(all, func(c Conjunct) bool { return c.Bars && !c.Met }) {
		return false
	}
	return met(RuleDirectory) || met(RuleSelf) || met(RuleOrganization) || met(RuleMembership) && met(RuleLevel)
}

// Words are what a rule asks, in English and Chinese; the CodeSystem
// urn:tenon:access-rule says the same, with a definition.
func (r Rule) Words() (english, chinese string) {
	w := ruleWords[r]
	return w[0], w[1]
}

var ruleWords = map[Rule][2]string{
	RuleScopes:       {"The app's scopes cover what is done with the type", "应用的授权范围涵盖该操作"},
	RuleCompartment:  {"The resource is about the patient in the app's context", "资源属于应用当前患者"},
	RuleDirectory:    {"The type defines the process or names its parties", "资源类型为流程定义或机构人员目录"},
	RuleEverything:   {"The caller operates the server", "调用者为系统运维"},
	RuleSelf:         {"The resource is the caller's own record", "资源为本人档案"},
	RuleOrganization: {"The caller's organisation brought the resource in", "资源由调用者所在机构建立"},
	RuleMembership:   {"The resource is in a case that is open to the caller", "资源属于对调用者开放的病例"},
	RuleStage:        {"The case has been disclosed to the manufacturer", "病例已向企业披露"},
	RuleConsent:      {"A consent is in force", "知情同意有效"},
	RuleLevel:        {"The data level does not exceed what the case gives to the caller", "数据级别不超过病例授予的级别"},
	RuleEmergency:    {"The caller has emergency access to the patient", "调用者持有该患者的紧急访问"},
}
