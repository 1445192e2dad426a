package access

import "slices"

// Condition is a question about one resource that only the store can answer. With
// Certain it must be known to hold; without, that it may hold is enough, as of an
// old version, of whose values no index tells.
type Condition struct {
	All, Any []Condition
	Not      *Condition
	// Of a leaf one of these is set.
	Types    []string
	Labels   []Code
	Codes    []Code
	Level    Level // at least, or at most
	AtMost   bool
	Meanings []string
	Number   int // of the provision, with Meanings
	True     bool
	Certain  bool
}

// no is met by nothing, yes by all.
var no, yes = Condition{}, Condition{True: true}

func (c *Condition) constant() (value, ok bool) {
	leaf := c.Not == nil && c.All == nil && c.Any == nil && c.Types == nil && c.Labels == nil && c.Codes == nil && c.Level == 0 && c.Meanings == nil
	return c.True, leaf
}

func anyOf(parts ...Condition) Condition {
	var kept []Condition
	for _, p := range parts {
		value, known := p.constant()
		if known && value {
			return yes
		}
		if !known {
			kept = append(kept, p)
		}
	}
	switch len(kept) {
	case 0:
		return no
	case 1:
		return kept[0]
	}
	return Condition{Any: kept}
}

func allOf(parts ...Condition) Condition {
	var kept []Condition
	for _, p := range parts {
		value, known := p.constant()
		if known && !value {
			return no
		}
		if !known {
			kept = append(kept, p)
		}
	}
	switch len(kept) {
	case 0:
		return yes
	case 1:
		return kept[0]
	}
	return Condition{All: kept}
}

func not(c Condition) Condition {
	if value, known := c.constant(); known {
		return Condition{True: !value}
	}
	return Condition{Not: &c}
}

// answer is what is known of a condition on the caller.
type answer uint8

const (
	fails answer = iota
	unclear
	holds
)

// asking is who asks, as provisions look at it.
type asking struct {
	c         *Context
	verb      Verb
	now       int64
	emergency bool
}

// denied is what a form withholds from the caller.
func (a *asking) denied(f *Form) Condition {
	// In an emergency what a Consent does not name the emergency for stands back.
	return a.within(f.Deny && !a.emergency, !a.emergency, f.Nested)
}

// within is what the provisions leave of a decision: the exceptions that deny, and
// the decision itself where none applies for certain. named tells whether purposes
// are named so far, or need not be.
func (a *asking) within(deny, named bool, nested []Provision) Condition {
	var denied, certain []Condition
	for i := range nested {
		p := &nested[i]
		here := named || len(p.Purposes) > 0
		denied = append(denied, allOf(a.applies(p, false), a.within(p.Deny && (here || deny), here, p.Nested)))
		certain = append(certain, a.applies(p, true))
	}
	if !deny {
		return anyOf(denied...)
	}
	return anyOf(append(denied, not(anyOf(certain...)))...)
}

// applies is the condition on which a provision applies: for certain, or possibly.
func (a *asking) applies(p *Provision, certain bool) Condition {
	for _, got := range []answer{a.period(p), a.actor(p), a.action(p), a.purpose(p)} {
		if got == fails || got == unclear && certain {
			return no
		}
	}
	return allOf(classes(p, certain), labels(p, certain), codes(p, certain), data(p, certain), dated(p, certain))
}

func (a *asking) period(p *Provision) answer {
	if p.Period != nil && (a.now < p.Period[0] || a.now > p.Period[1]) {
		return fails
	}
	return holds
}

// best is the best answer to any of several questions; holds where there are none.
func best[T any](of []T, ask func(T) answer) answer {
	if len(of) == 0 {
		return holds
	}
	got := fails
	for _, one := range of {
		got = max(got, ask(one))
	}
	return got
}

func (a *asking) actor(p *Provision) answer { return best(p.Actors, a.is) }

func (a *asking) is(actor Actor) answer {
	c := a.c
	if len(actor.Roles) > 0 && !slices.ContainsFunc(actor.Roles, func(r string) bool { return slices.Contains(c.Roles, Role(r)) }) {
		return fails
	}
	typ, _, _ := cutRef(actor.Reference)
	switch {
	case actor.Reference == "":
		return holds
	case actor.Reference == c.Principal || actor.Reference == c.Person || actor.Reference == c.Organization:
		return holds
	case slices.Contains([]string{"Organization", "Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Device"}, typ):
		return fails
	}
	return unclear // a Group, a CareTeam, somebody elsewhere
}

func (a *asking) action(p *Provision) answer {
	return best(p.Actions, func(code Code) answer {
		switch {
		case code.System != systemAction:
			return unclear
		case code.Code == "access" || code.Code == "use" || code.Code == "disclose":
			return holds
		case code.Code == "correct" || code.Code == "collect":
			if a.verb == Update || a.verb == Delete || a.verb == Create {
				return holds
			}
			return fails
		}
		return unclear
	})
}

// treats tells whether what the caller does is treatment: people of the two sides,
// patients and the machines that make the device.
func (c *Context) treats() bool {
	switch c.Kind {
	case Person:
		return c.Side != NoSide
	case Patient:
		return true
	case System:
		return c.Side == Manufacturer && c.Principal != c.Organization
	}
	return false
}

func (a *asking) purpose(p *Provision) answer {
	return best(p.Purposes, func(code Code) answer {
		switch {
		case code.System == systemPurpose: // what the case is for; making the device is the manufacturer's
			if code.Code == "custom-device-treatment" && a.c.Side == Manufacturer && !a.emergency {
				return holds
			}
			return fails
		case code.System != systemReason:
			return unclear
		case a.emergency:
			if code.Code == PurposeEmergency || code.Code == "ETREAT" || !p.Deny && (code.Code == "TREAT" || code.Code == "PurposeOfUse") {
				return holds
			}
			return fails
		case code.Code == "PurposeOfUse" || code.Code == "TREAT" && a.c.treats():
			return holds
		case a.c.treats():
			return fails
		}
		return unclear
	})
}

// cannot is the answer to what cannot be judged.
func cannot(certain bool) Condition { return Condition{True: !certain} }

func classes(p *Provision, certain bool) Condition {
	var types []string
	unclear := false
	for _, c := range p.Classes {
		if c.System == systemResource && c.Code != "" {
			types = append(types, c.Code)
		} else {
			unclear = true
		}
	}
	return anyValue(len(p.Classes), unclear, certain, Condition{Types: types}, len(types) > 0)
}

// anyValue is a condition of which one value is enough; without values it holds.
func anyValue(values int, unclear, certain bool, known Condition, some bool) Condition {
	if values == 0 {
		return yes
	}
	all := no
	if some {
		known.Certain = certain
		all = known
	}
	if unclear {
		all = anyOf(all, cannot(certain))
	}
	return all
}

// labels are those of meta.security. A level means what is not below it where it
// denies, and what is not above it where it permits.
func labels(p *Provision, certain bool) Condition {
	var plain []Code
	level, unclear := Level(0), false
	for _, c := range p.Labels {
		switch n := levelOf(c); {
		case n > 0 && (level == 0 || (n < level) == p.Deny):
			level = n
		case n > 0:
		case c.System == "" || c.Code == "" || c.System == systemLevel:
			unclear = true
		default:
			plain = append(plain, c)
		}
	}
	coded := anyValue(len(p.Labels), unclear, certain, Condition{Labels: plain}, len(plain) > 0)
	if level == 0 {
		return coded
	}
	return anyOf(coded, Condition{Level: level, AtMost: !p.Deny})
}

func levelOf(c Code) Level {
	if c.System == systemLevel && len(c.Code) == 2 && c.Code[0] == 'L' && c.Code[1] >= '1' && c.Code[1] <= '5' {
		return Level(c.Code[1] - '0')
	}
	return 0
}

func codes(p *Provision, certain bool) Condition {
	var plain []Code
	for _, c := range p.Codes {
		if c.System != "" && c.Code != "" {
			plain = append(plain, c)
		}
	}
	return anyValue(len(p.Codes), len(plain) < len(p.Codes), certain, Condition{Codes: plain}, len(plain) > 0)
}

var meanings = []string{"instance", "related", "dependents", "authoredby"}

func data(p *Provision, certain bool) Condition {
	var known []string
	for _, m := range p.Data {
		if slices.Contains(meanings, m) {
			known = append(known, m)
		}
	}
	return anyValue(len(p.Data), len(known) < len(p.Data), certain, Condition{Meanings: known, Number: p.Number}, len(known) > 0)
}

func dated(p *Provision, certain bool) Condition {
	if !p.Dated {
		return yes
	}
	return cannot(certain)
}
