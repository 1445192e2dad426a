package casework

import (
	"slices"

	"tenon/fhir/issue"
)

// keepsFloor refuses a plan that drops or changes a floor condition or a
// signature of the embedded plan with the same url: a hospital's own plan may
// tighten, never loosen (design law 3). One that is made after none of them has no
// floor and is refused.
func keepsFloor(plan *Plan, embedded map[string]*Plan) error {
	f := issue.New()
	at := func(place, format string, args ...any) {
		x := issue.Errorf(issue.BusinessRule, format, args...).Rule("plan-floor").At(place)
		f.Issues = append(f.Issues, x.Issues[0])
	}
	based := false
	for _, base := range embedded {
		if base.URL != plan.URL {
			continue
		}
		based = true
		plan.droppedHeader(base, at)
		for _, s := range base.Stages {
			droppedFrom(plan.Stage(s.Code), s, at)
		}
		droppedExceptions(&plan.Exceptions, &base.Exceptions, func(what, id string) {
			at("PlanDefinition.extension", "The plan must keep the %s %s as it is, or make it stricter.", what, id)
		})
	}
	if !based {
		at("PlanDefinition.url", "The url %q is that of no plan of the guide: an own plan bears the url of the one that it tightens, and a version of its own.", plan.URL)
	}
	if len(f.Issues) == 0 {
		return nil
	}
	return f.WithStatus(422)
}

// belowFloor refuses a new case on an own plan that was in force before the guide
// raised its floor, and says what to do.
func belowFloor(plan *Plan, floor error) error {
	f := issue.Errorf(issue.BusinessRule, "The plan %s lies below the floor of the guide now in force: cases that run go on by it, a new one is not opened. Post it anew with what is missing and another version, let one ADMIN and one QA sign it (purpose %s), and apply that.",
		plan.Canonical(), purposeActivation).At("PlanDefinition").Rule("plan-floor").Clause("R001-035").WithStatus(409).
		Chinese("该计划低于现行指南的最低要求：已开启的病例继续按原版本执行，不可再开启新病例。请补足要求、另取版本号，并经 ADMIN 与 QA 两人签署后使用。")
	if missing := issue.As(floor); missing != nil {
		f.Issues = append(f.Issues, missing.Issues...)
	}
	return f
}

// fault notes what of the floor is missing, with its place.
type fault func(place, format string, args ...any)

// droppedHeader judges what holds for all stages: retention, gates, roles, figures.
func (p *Plan) droppedHeader(base *Plan, at fault) {
	const place = "PlanDefinition.extension"
	if p.shorter(base) {
		at(place, "The plan must keep records no shorter than the one that it is made after (R001-166).")
	}
	for _, g := range base.Gates {
		if o := p.Gate(g.Code); o == nil || o.Status != g.Status {
			at(place, "The plan must keep the gate %s and its status %d.", g.Code, g.Status)
		}
	}
	for _, r := range base.Roles {
		o := p.Role(r.Role)
		if o == nil || r.Principal && !o.Principal || slices.ContainsFunc(r.Qualifications, func(q string) bool { return !slices.Contains(o.Qualifications, q) }) {
			at(place, "The plan must keep what the role %s needs.", r.Role)
		}
	}
	for _, s := range base.Settings {
		if !slices.ContainsFunc(p.Settings, func(o Setting) bool { return o.Code == s.Code && o.Type == s.Type && (!s.Anew || o.Anew) }) {
			at(place, "The plan must keep the setting %s.", s.Code)
		}
	}
}

func droppedFrom(own, base *Stage, at fault) {
	lost := func(what, id string) {
		at("PlanDefinition.action["+base.Code+"]", "The plan must keep the %s %s of %s as it is.", what, id, base.Code)
	}
	if own == nil {
		lost("stage", base.Code)
		return
	}
	if own.Owner != base.Owner || base.Named && !own.Named {
		lost("owner", string(base.Owner))
	}
	for _, role := range own.Roles {
		if !slices.Contains(base.Roles, role) {
			lost("participants without", string(role))
		}
	}
	for _, after := range base.After {
		if !slices.Contains(own.After, after) {
			lost("predecessor", after)
		}
	}
	for _, d := range base.Inputs {
		if i := slices.IndexFunc(own.Inputs, func(o Document) bool { return o.Code == d.Code }); i < 0 || own.Inputs[i].loosens(&d) {
			lost("input", d.Code)
		}
	}
	for _, d := range base.Outputs {
		if o := own.output(d.Code); o == nil || o.loosens(&d) {
			lost("output", d.Code)
		}
	}
	for _, c := range base.Conditions {
		if c.Floor && !slices.ContainsFunc(own.Conditions, func(o Condition) bool {
			return o.ID == c.ID && o.Source == c.Source && o.Kind == c.Kind && o.Waiver == c.Waiver && o.Gate == c.Gate && o.Job == c.Job
		}) {
			lost("condition", c.ID)
		}
	}
	for _, r := range base.Signatures {
		if !slices.ContainsFunc(own.Signatures, func(o SignatureRule) bool {
			return o.ID == r.ID && slices.Equal(o.Roles, r.Roles) && o.Purpose == r.Purpose && o.Document == r.Document && o.Stage == r.Stage && o.Optional == r.Optional
		}) {
			lost("signature", r.ID)
		}
	}
}

// loosens tells whether a document asks for less than that of the base.
func (d *Document) loosens(base *Document) bool {
	return d.Min < base.Min || base.Sealed && !d.Sealed || base.Own && !d.Own || base.Hazard != d.Hazard || !base.profiledIn(d)
}
