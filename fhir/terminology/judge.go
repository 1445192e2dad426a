package terminology

import "strings"

// query is one question about one code, asked of one set after another.
type query struct {
	system, version, code string
	depth, work           int
	hit                   *clause // the include that had it
	why                   reason  // why it is Unknown
}

// A value set may name others; so deep, and so many in one question.
const (
	maxDepth = 24
	maxWork  = 4096
)

// judge tells whether the code is one of the set.
func (v *ValueSet) judge(q *query) Verdict {
	if q.work++; q.depth > maxDepth || q.work > maxWork {
		q.why = tooDeep(v)
		return Unknown
	}
	if len(v.include.list) == 0 {
		if v.stored == nil {
			q.why = noContent(v)
		}
		return v.stored.judge(q)
	}
	q.depth++
	verdict := v.composed(q)
	q.depth--
	if verdict == Unknown {
		return v.stored.judge(q)
	}
	return verdict
}

func (v *ValueSet) composed(q *query) Verdict {
	verdict, hit := v.include.judge(q)
	if verdict == NotMember {
		return NotMember
	}
	switch excluded, _ := v.exclude.judge(q); excluded {
	case Member:
		return NotMember
	case Unknown:
		verdict = Unknown
	}
	if verdict == Member && v.activeOnly && v.s.inactive(q) {
		return NotMember
	}
	if hit != nil && (hit.system != "" || q.hit == nil) {
		q.hit = hit
	}
	return verdict
}

// judge is the union of the clauses, and the one that has the code.
func (cs *clauses) judge(q *query) (Verdict, *clause) {
	verdict := NotMember
	for _, list := range [...][]*clause{cs.bySystem[q.system], cs.bySystem[""]} {
		for _, c := range list {
			switch c.judge(q) {
			case Member:
				return Member, c
			case Unknown:
				verdict = Unknown
			}
		}
	}
	return verdict, nil
}

// judge is the intersection of all that the clause says.
func (c *clause) judge(q *query) Verdict {
	if c.system != "" && c.system != q.system {
		return NotMember
	}
	verdict := Member
	if c.system != "" {
		if verdict = c.own(q); verdict == NotMember {
			return NotMember
		}
	}
	for _, m := range c.imports {
		one := Unknown
		if set := m.get(); set != nil {
			one = set.judge(q)
		} else {
			q.why = noImport(m.url)
		}
		if one == NotMember {
			return NotMember
		}
		if one == Unknown {
			verdict = Unknown
		}
	}
	if c.system == "" && len(c.imports) == 0 {
		return NotMember
	}
	return verdict
}

// own judges by system, list and filters.
func (c *clause) own(q *query) Verdict {
	if c.version != "" && q.version != "" && !sameVersion(c.version, q.version) {
		return NotMember
	}
	if c.listed != nil {
		if _, ok := c.listed[c.fold(q.code)]; !ok {
			return NotMember
		}
		if len(c.filters) == 0 && c.unclear.kind == 0 {
			return Member
		}
	}
	if c.unclear.kind != 0 {
		q.why = c.unclear
		return Unknown
	}
	if c.cs == nil {
		q.why = noSystem(c.system, c.version)
		return Unknown
	}
	if q.version != "" && c.cs.grammar == nil && !sameVersion(q.version, c.cs.version) && q.version != c.version {
		q.why = noSystem(c.system, q.version)
		return Unknown
	}
	return c.test(q)
}

// test asks the code system. Where it is another version than the one named, a
// code that it has is one all the same, because a code keeps its meaning from
// version to version; that it lacks one says nothing.
// https://hl7.org/fhir/R4/codesystem.html#concepts
func (c *clause) test(q *query) Verdict {
	i, t, verdict := c.cs.has(q.code)
	if verdict == Member && !c.passes(t, i, q.code) {
		verdict = NotMember
	}
	switch {
	case verdict == NotMember && c.other:
		q.why = noSystem(c.system, c.version)
		return Unknown
	case verdict == Unknown:
		q.why = notAll(c.cs)
	}
	return verdict
}

// sameVersion tells whether one names the other, wholly or by its beginning.
func sameVersion(a, b string) bool {
	return a == b || b == "" || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}

// inactive tells whether the code is known to be retired.
func (s *Server) inactive(q *query) bool {
	i, t, v := s.system(q.system, q.version).has(q.code)
	return v == Member && t != nil && t.has(i, flagInactive)
}
