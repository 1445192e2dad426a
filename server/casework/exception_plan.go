package casework

import (
	"slices"
	"strconv"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Exceptions is what the header of a plan says of the flows that leave the order
// of stages (mission/stages.md §4) and of deadlines (§6). A plan that says
// nothing of a flow does not have it.
type Exceptions struct {
	Rules        []ExceptionRule
	Changes      []ChangeKind
	Dispositions []Disposition
	Deadlines    []Deadline
}

// ExceptionRule says who files one kind of exception and who signs it before it
// is carried out.
type ExceptionRule struct {
	Code          string        // X1, of urn:tenon:exception
	After         string        // stage that must be completed before, or ""
	Files         []access.Role // who may file it; empty: the server alone
	Signs         []access.Role // each of them signs the same version
	Purpose       string        // of these signatures
	Clauses       []string
	Text, Chinese string
}

// ChangeKind is one row of the change table (mission/stages.md §4, X1.4).
type ChangeKind struct {
	Code          string // of urn:tenon:change-kind
	From          string // stage from which it re-opens, or "": none
	ImagesValid   string // stage instead, when the clinician states that the images are still valid, or ""
	Until         string // stage after whose completion it is a new demand (X4), or ""
	Member        bool   // it names a new member of the team
	Clauses       []string
	Text, Chinese string
}

// Disposition is what becomes of a device that is not in order.
type Disposition struct {
	Code          string // of urn:tenon:disposition
	From          string // stage from which it re-opens, or "": none
	Ends          bool   // the device is never used again
	Change        string // kind of change that is filed with it, or ""
	Unused        bool   // it may end the withdrawal of an unused device (X3) too
	Clauses       []string
	Text, Chinese string
}

// Deadline is a time that the process sets, and how often it is told again.
type Deadline struct {
	Code          string // of urn:tenon:deadline
	Time          time.Duration
	Repeat        time.Duration
	Percent       int // of the time of a stage at which it is told first
	Clauses       []string
	Text, Chinese string
}

// Rule is the rule of an exception, or nil.
func (e *Exceptions) Rule(code string) *ExceptionRule {
	return found(e.Rules, func(r ExceptionRule) bool { return r.Code == code })
}

// Change is the row of a kind of change, or nil.
func (e *Exceptions) Change(code string) *ChangeKind {
	return found(e.Changes, func(k ChangeKind) bool { return k.Code == code })
}

// Disposition is the row of a disposition, or nil.
func (e *Exceptions) Disposition(code string) *Disposition {
	return found(e.Dispositions, func(d Disposition) bool { return d.Code == code })
}

// Deadline is the row of a deadline, or nil.
func (e *Exceptions) Deadline(code string) *Deadline {
	return found(e.Deadlines, func(d Deadline) bool { return d.Code == code })
}

func found[T any](list []T, is func(T) bool) *T {
	if i := slices.IndexFunc(list, is); i >= 0 {
		return &list[i]
	}
	return nil
}

// from are a stage and all that come after it.
func (p *Plan) from(code string) map[string]bool {
	set := map[string]bool{code: true}
	for again := true; again; {
		again = false
		for _, s := range p.Stages {
			if !set[s.Code] && slices.ContainsFunc(s.After, func(before string) bool { return set[before] }) {
				set[s.Code], again = true, true
			}
		}
	}
	return set
}

// exceptions reads the flows, the change table, dispositions and deadlines.
func (c *compiler) exceptions(root tree.Node) {
	e := &c.plan.Exceptions
	for _, n := range extensions(root, extensionPrefix+"exception") {
		e.Rules = append(e.Rules, ExceptionRule{Code: part(n, "code"), After: part(n, "after"), Files: roles(n, "files"), Signs: roles(n, "signs"),
			Purpose: part(n, "purpose"), Clauses: parts(n, "clause"), Text: part(n, "text"), Chinese: part(n, "chinese")})
	}
	for _, n := range extensions(root, extensionPrefix+"change") {
		e.Changes = append(e.Changes, ChangeKind{Code: part(n, "code"), From: part(n, "from"), ImagesValid: part(n, "images-valid"), Until: part(n, "until"),
			Member: part(n, "member") == "true", Clauses: parts(n, "clause"), Text: part(n, "text"), Chinese: part(n, "chinese")})
	}
	for _, n := range extensions(root, extensionPrefix+"disposition") {
		e.Dispositions = append(e.Dispositions, Disposition{Code: part(n, "code"), From: part(n, "from"), Ends: part(n, "ends") == "true", Change: part(n, "change"),
			Unused: part(n, "unused") == "true", Clauses: parts(n, "clause"), Text: part(n, "text"), Chinese: part(n, "chinese")})
	}
	for _, n := range extensions(root, extensionPrefix+"deadline") {
		c.deadline(n)
	}
}

func (c *compiler) deadline(n tree.Node) {
	d := Deadline{Code: part(n, "code"), Clauses: parts(n, "clause"), Text: part(n, "text"), Chinese: part(n, "chinese")}
	var ok bool
	if d.Percent, _ = strconv.Atoi(part(n, "percent")); d.Percent < 0 || d.Percent > 100 {
		c.fault("PlanDefinition.extension", "The deadline %q is told first at %d %% of the time; 0 to 100 is meant.", d.Code, d.Percent)
	}
	for name, to := range map[string]*time.Duration{"time": &d.Time, "repeat": &d.Repeat} {
		value := valueOf(extension(n, name))
		if *to, ok = duration(value); value.Exists() && !ok {
			c.fault("PlanDefinition.extension", "The deadline %q has a %s that is no Duration above 0.", d.Code, name)
		}
	}
	c.plan.Exceptions.Deadlines = append(c.plan.Exceptions.Deadlines, d)
}

func roles(n tree.Node, url string) []access.Role {
	var all []access.Role
	for _, code := range parts(n, url) {
		all = append(all, access.Role(code))
	}
	return all
}

// checkExceptions refuses what names a stage, role or kind that the plan lacks.
func (c *compiler) checkExceptions() {
	const at = "PlanDefinition.extension"
	e := &c.plan.Exceptions
	stage := func(code string) {
		if code != "" {
			c.checkStage(at, code)
		}
	}
	for _, r := range e.Rules {
		stage(r.After)
		for _, role := range append(slices.Clone(r.Files), r.Signs...) {
			c.known(at, role)
		}
		c.worded(r.Code, "exception", r.Text, r.Chinese, r.Clauses)
		if len(r.Signs) > 0 && r.Purpose == "" {
			c.fault(at, "The exception %q is signed; it names the purpose.", r.Code)
		}
	}
	for _, k := range e.Changes {
		stage(k.From)
		stage(k.ImagesValid)
		stage(k.Until)
		c.worded(k.Code, "change", k.Text, k.Chinese, k.Clauses)
	}
	for _, d := range e.Dispositions {
		stage(d.From)
		if d.Change != "" && e.Change(d.Change) == nil {
			c.fault(at, "The disposition %q files a change of the kind %q, which the plan does not have.", d.Code, d.Change)
		}
		c.worded(d.Code, "disposition", d.Text, d.Chinese, d.Clauses)
	}
	for _, d := range e.Deadlines {
		c.worded(d.Code, "deadline", d.Text, d.Chinese, d.Clauses)
	}
}

func (c *compiler) worded(code, what, english, chinese string, clauses []string) {
	if code == "" || english == "" || chinese == "" || len(clauses) == 0 {
		c.fault("PlanDefinition.extension", "The %s %q has a code, a clause, and a text in English and Chinese.", what, code)
	}
}

// droppedExceptions says what of the flows a hospital's own plan has loosened.
func droppedExceptions(own, base *Exceptions, fault func(what, id string)) {
	for _, r := range base.Rules {
		if o := own.Rule(r.Code); o == nil || !covers(o.Signs, r.Signs) || o.Purpose != r.Purpose || !covers(r.Files, o.Files) {
			fault("exception", r.Code)
		}
	}
	for _, k := range base.Changes {
		if o := own.Change(k.Code); o == nil || o.From != k.From || o.ImagesValid != k.ImagesValid || o.Until != k.Until || o.Member != k.Member {
			fault("change", k.Code)
		}
	}
	for _, d := range own.Dispositions {
		b := base.Disposition(d.Code)
		if b == nil || b.From != d.From || b.Ends != d.Ends || b.Change != d.Change || b.Unused != d.Unused {
			fault("disposition", d.Code)
		}
	}
	for _, d := range base.Deadlines {
		if o := own.Deadline(d.Code); o == nil || o.Time > d.Time || o.Repeat > d.Repeat || o.Percent > d.Percent {
			fault("deadline", d.Code)
		}
	}
}

func covers(all, some []access.Role) bool {
	return !slices.ContainsFunc(some, func(r access.Role) bool { return !slices.Contains(all, r) })
}
