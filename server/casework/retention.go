package casework

import (
	"time"

	"tenon/fhir/tree"
)

// RetentionRule says how long the record of a case is kept (clause 6.4): for good,
// or a period beyond the validity of what was made or agreed. It stands in the
// header of the plan as the extension retention.
type RetentionRule struct {
	Permanent bool
	Beyond    tree.Node // Duration after the validity
	Clause    string
}

// Retention is the rule as it stands for one case.
type Retention struct {
	Permanent bool      // kept for good
	Until     time.Time // the last validity and the period; zero while no validity is known, or permanent
	Closed    bool      // nothing of an open case falls due
	Basis     string    // Device/x or Contract/x that is valid longest, or ""
	Clause    string
}

// Due tells whether the record need not be kept any longer.
func (r Retention) Due(now time.Time) bool {
	return !r.Permanent && r.Closed && !r.Until.IsZero() && now.After(r.Until)
}

func (c *compiler) retention(root tree.Node) {
	for _, n := range extensions(root, extensionPrefix+"retention") {
		rule := &RetentionRule{Clause: part(n, "clause")}
		switch code := part(n, "rule"); code {
		case "permanent":
			rule.Permanent = true
		case "validity":
			rule.Beyond = valueOf(extension(n, "period"))
			if _, ok := duration(rule.Beyond); !ok {
				c.fault("PlanDefinition.extension", "The retention counts from the validity: it needs a period, a Duration.")
			}
		default:
			c.fault("PlanDefinition.extension", "The retention %q is neither permanent nor validity.", code)
		}
		c.plan.Retention = rule
	}
}

// Retention says until when the record of a case is kept. A plan that says nothing
// keeps it for good, and so does a validity that nobody recorded. Earlier versions
// of members that were once in force count beside the current ones.
func (e *Engine) Retention(s *Snapshot, earlier ...Resource) Retention {
	r := Retention{Permanent: true, Clause: "R001-166"}
	plan, err := e.planOf(s)
	if err != nil {
		return r
	}
	v := newView(s, plan)
	if v.root != nil {
		r.Closed = v.root.Root.Field("status").Str() != "in-progress"
	}
	rule := e.keptLongest(plan)
	if rule == nil || rule.Permanent {
		return r
	}
	beyond, ok := duration(rule.Beyond)
	if !ok {
		return r
	}
	r.Permanent = false
	for _, all := range [][]Resource{s.Resources, earlier} {
		for i := range all {
			if end, ok := validUntil(&all[i]); ok && end.Add(beyond).After(r.Until) {
				r.Until, r.Basis = end.Add(beyond), all[i].Ref()
			}
		}
	}
	return r
}

// keptLongest is the rule of the plan, or that of the guide's where it came to keep
// longer: records of cases on an older plan are kept by it too.
func (e *Engine) keptLongest(plan *Plan) *RetentionRule {
	plans, err := e.embedded()
	if err != nil {
		return nil
	}
	rule := plan.Retention
	for _, base := range plans {
		if base.URL == plan.URL && (&Plan{Retention: rule}).shorter(base) {
			rule = base.Retention
		}
	}
	return rule
}

// validUntil is the end of the validity of a device or of an agreement.
func validUntil(r *Resource) (time.Time, bool) {
	text := ""
	switch r.Type {
	case "Device":
		text = r.Root.Field("expirationDate").Str()
	case "Contract":
		text = r.Root.Path("applies", "end").Str()
	}
	if text == "" {
		return time.Time{}, false
	}
	_, end, ok := span(text)
	return end, ok
}

// shorter tells whether a plan of one's own keeps less than the embedded one.
func (own *Plan) shorter(base *Plan) bool {
	switch {
	case base.Retention == nil || own.Retention == nil || own.Retention.Permanent:
		return own.Retention != nil && !own.Retention.Permanent
	case base.Retention.Permanent:
		return true
	}
	mine, _ := duration(own.Retention.Beyond)
	least, _ := duration(base.Retention.Beyond)
	return mine < least
}
