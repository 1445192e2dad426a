package search

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// Request is one search as a door received it.
type Request struct {
	// Type is where the search begins: "Patient", "" for all types, or a
	// compartment: "Patient/1/Observation", "Patient/1/*".
	Type      string
	Params    []Param
	Strict    bool   // Prefer: handling=strict
	Principal string // who asks; page cursors are bound to it
	// Reach is the caller's predicate for a resource type. It is put on every
	// alias; nil, or a nil result, reaches nothing.
	Reach   func(typ string) access.Predicate
	Part    bool      // what the caller may see in part is found too (see WithSight)
	Now     time.Time // for the prefix ap on dates
	BaseURL string    // own FHIR base; "" is that of the Registry
	// DefaultCount and MaxCount replace the page sizes of the Registry if set.
	DefaultCount, MaxCount int
}

// Bounds of one query.
const (
	maxValues = 1000 // alternatives of one parameter
	maxDepth  = 16   // chains and _has inside one another
)

// Parse reads a query into a plan. Errors are *issue.Failure with status 400
// that name parameter, value and rule. An unknown parameter is an error under
// strict handling and a warning in Told otherwise; everything else that cannot
// be honoured is always an error.
//
// https://hl7.org/fhir/R4/search.html
func (r *Registry) Parse(q Request) (*Plan, *Told, error) {
	if len(q.Params) > maxParams {
		return nil, nil, refuse(issue.TooCostly, "search-limit", "", "查询参数过多。", "The query has more than %d parameters.", maxParams)
	}
	p := newParser(r, q)
	if err := p.place(); err != nil {
		return nil, nil, err
	}
	for _, param := range q.Params {
		if err := p.param(param); err != nil {
			if err = p.lenient(param, err); err != nil {
				return nil, nil, err
			}
		}
	}
	if err := p.finish(); err != nil {
		return nil, nil, err
	}
	p.inPart()
	return &p.plan, &p.told, nil
}

// parser holds what one query has said so far.
type parser struct {
	*Registry
	q      Request
	base   string
	plan   Plan
	told   Told
	seen   map[string]bool
	over   []string // the types searched, never empty
	cursor string
	branch int  // types that chains were followed through
	counts bool // _count=0 or _summary=count
}

func newParser(r *Registry, q Request) *parser {
	p := &parser{Registry: r, q: q, base: strings.TrimRight(q.BaseURL, "/"), seen: map[string]bool{}}
	if p.base == "" {
		p.base = r.base
	}
	if q.DefaultCount == 0 {
		p.q.DefaultCount = r.count
	}
	if q.MaxCount == 0 {
		p.q.MaxCount = r.most
	}
	p.plan.Count = min(p.q.DefaultCount, p.q.MaxCount)
	return p
}

// param takes one parameter: a control parameter or a condition.
func (p *parser) param(param Param) error {
	name, modifier, _ := strings.Cut(param.Name, ":")
	if control, ok := controls[name]; ok {
		if err := control(p, modifier, param); err != nil {
			return err
		}
		p.understood(param)
		return nil
	}
	if strings.TrimSpace(param.Value) == "" {
		return refuse(issue.Invalid, ruleEmpty, param.Name, "参数 "+param.Name+" 没有值。", "The parameter has no value.")
	}
	clause, err := p.overAll(param.Name, param.Value)
	if err != nil {
		return at(err, param.Name)
	}
	p.plan.Root.Where = append(p.plan.Root.Where, clause...)
	p.understood(param)
	return nil
}

func (p *parser) understood(param Param) {
	if param.Name != cursorParam {
		p.told.Self = append(p.told.Self, param)
	}
}

// lenient turns what the client must be told of, but what need not end the
// search, into a warning; strict handling keeps it an error.
// https://hl7.org/fhir/R4/search.html#errors
func (p *parser) lenient(param Param, err error) error {
	f := issue.As(err)
	if f == nil || p.q.Strict || f.Issues[0].Rule != ruleUnknown && f.Issues[0].Rule != ruleEmpty {
		return err
	}
	warning := f.Issues[0]
	warning.Severity = issue.Warning
	warning.Path = param.Name
	warning.Text += " It was ignored; the answer may hold more than was asked for."
	warning.Chinese += "该参数已被忽略，结果可能多于所需。"
	p.told.Warnings = append(p.told.Warnings, warning)
	return nil
}

// finish checks what parameters mean together.
func (p *parser) finish() error {
	if p.told.Summary == "text" && len(p.plan.Include) > 0 {
		return refuse(issue.Invalid, "search-summary-include", "_summary", "_summary=text 不能与 _include、_revinclude 同用。",
			"_summary=text cannot be combined with _include or _revinclude.")
	}
	if len(p.told.Elements) > 0 && p.told.Summary != "" && p.told.Summary != "false" {
		return refuse(issue.Invalid, "search-summary-elements", "_elements", "_elements 不能与 _summary 同用。",
			"_elements cannot be combined with _summary=%s.", p.told.Summary)
	}
	if p.counts {
		p.plan.Count, p.plan.Total = 0, true // _total=none has nothing to say here: the total is all that is asked for
		p.plan.Include, p.plan.Sort = nil, nil
	}
	p.told.bind(p.cursors, p.scope())
	if p.cursor == "" {
		return nil
	}
	c, err := p.told.open(p.cursor)
	if err != nil {
		return err
	}
	p.plan.After = c
	return nil
}

// scope is what a cursor is good for: this caller, with this reach, this query.
func (p *parser) scope() string {
	return fmt.Sprintf("%q\n%#v\n%s?%s", p.q.Principal, p.plan.Root.Reach, p.q.Type, EncodeQuery(p.told.Self))
}

// reach is the caller's predicate for a type, never nil.
func (p *parser) reach(typ string) access.Predicate {
	if p.q.Reach == nil {
		return access.Nothing{}
	}
	if predicate := p.q.Reach(typ); predicate != nil {
		return predicate
	}
	return access.Nothing{}
}

// reachAny is the predicate for an alias of several types: each type with its
// own reach, types of equal reach together.
func (p *parser) reachAny(types []string) access.Predicate {
	if len(types) == 0 {
		types = p.model.Resources()
	}
	var groups []access.AllOf
	for _, typ := range types {
		one := p.reach(typ)
		i := slices.IndexFunc(groups, func(g access.AllOf) bool { return equal(g[1], one) })
		if i < 0 {
			groups = append(groups, access.AllOf{access.TypeIn{typ}, one})
			continue
		}
		groups[i][0] = append(groups[i][0].(access.TypeIn), typ)
	}
	if len(groups) == 1 {
		return groups[0][1]
	}
	union := make(access.AnyOf, len(groups))
	for i, g := range groups {
		union[i] = g
	}
	return union
}

func equal(a, b access.Predicate) bool { return fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b) }
