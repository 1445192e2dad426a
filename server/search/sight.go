package search

import (
	"regexp"
	"slices"

	"tenon/fhir/schema"
	"tenon/server/access"
)

// Sight is the highest level that a member of a type of resource can have, 5
// where it is not known; of a type that is never shown in part always 5.
type Sight func(typ, member string) access.Level

// WithSight lets queries find what a caller may see in part, as long as they do
// not look at what is left out (Request.Part). Without it they find whole
// resources alone.
func WithSight(s Sight) Option { return func(r *Registry) { r.sight = s } }

// see notes the highest level that a parameter looks at.
func (r *Registry) see(sp schema.SearchParameter, p *Parameter) {
	if r.sight == nil || p.Type == "composite" || p.Type == "special" || p.Key == carrierParam {
		return
	}
	highest := access.Level(0)
	for _, alternative := range alternatives(sp.Expression, p.Base) {
		members := memberOf.FindAllStringSubmatch(alternative, -1)
		for _, m := range members {
			if m[1] != p.Base {
				continue
			}
			level := r.sight(p.Base, m[2])
			if p.Base == "Resource" && (m[2] == "id" || m[2] == "meta") { // stands in each part
				level = 1
			}
			highest = max(highest, level)
		}
		if len(members) == 0 {
			return
		}
	}
	if highest == 0 || highest >= 5 {
		return
	}
	if r.looked == nil {
		r.looked = map[Key]access.Level{}
	}
	for _, key := range p.Keys() {
		r.looked[key] = highest
	}
}

var memberOf = regexp.MustCompile(`\b([A-Z][A-Za-z]*)\.([a-z][A-Za-z]*)`)

// inPart widens the reach of the plan to what can be shown in part to the caller,
// alias by alias, where the clauses on it look at nothing that may be left out.
func (p *parser) inPart() {
	if p.sight == nil || !p.q.Part {
		return
	}
	root := &p.plan.Root
	looked := max(1, p.lookedAt(root.Where))
	for _, s := range p.plan.Sort {
		if s.By == "" {
			looked = max(looked, p.lookedBy(s.Key))
		}
	}
	root.Reach = p.shown(root.Types, root.Reach, looked)
	for i := range p.plan.Include {
		inc := &p.plan.Include[i]
		if !inc.Any {
			inc.Looked = p.lookedBy(inc.Key)
		}
		switch {
		case inc.Reverse && inc.Source != "":
			inc.Reach = p.shown([]string{inc.Source}, inc.Reach, max(1, inc.Looked))
		case !inc.Reverse:
			inc.Reach = access.InPart(inc.Reach, 1)
		}
	}
}

// shown leaves the reach of types alone of which nothing is shown in part.
func (p *parser) shown(types []string, reach access.Predicate, looked access.Level) access.Predicate {
	if len(types) > 0 && !slices.ContainsFunc(types, func(typ string) bool { return p.sight(typ, "id") < 5 }) {
		return reach
	}
	return access.InPart(reach, looked)
}

// lookedBy is the highest level that an element under a key can have.
func (p *parser) lookedBy(key Key) access.Level {
	if level, ok := p.looked[key]; ok {
		return level
	}
	return 5
}

// lookedAt is the highest level of an element that clauses look at. Chains end at
// another resource, which must be seen whole.
func (p *parser) lookedAt(where []Clause) (highest access.Level) {
	for _, c := range where {
		highest = max(highest, p.lookedIn(c))
	}
	return highest
}

func (p *parser) lookedIn(c Clause) (highest access.Level) {
	switch c := c.(type) {
	case IDs, Updated, OfType, Member, Has:
		return 1
	case Token:
		return p.lookedBy(c.Key)
	case String:
		return p.lookedBy(c.Key)
	case Date:
		return p.lookedBy(c.Key)
	case Number:
		return p.lookedBy(c.Key)
	case URI:
		return p.lookedBy(c.Key)
	case Reference:
		return p.lookedBy(c.Key)
	case Missing:
		return p.lookedBy(c.Key)
	case Within:
		for _, key := range c.Keys {
			highest = max(highest, p.lookedBy(key))
		}
		return highest
	case Not:
		return p.lookedAt(c.All)
	case Other:
		return p.lookedIn(c.Than)
	case Or:
		for _, where := range c.Any {
			highest = max(highest, p.lookedAt(where))
		}
		return highest
	}
	return 5
}
