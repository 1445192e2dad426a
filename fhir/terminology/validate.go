package terminology

// https://hl7.org/fhir/R4/valueset-operation-validate-code.html

import "strings"

// ValidateCode tells whether a code is one of a value set, given by canonical
// URL; "" asks the code system alone. A code without a system is looked for in
// the value set, and right if just one of its systems has it.
func (s *Server) ValidateCode(valueSet string, c Coding, o *CodeOptions) Answer {
	if valueSet == "" {
		return s.validateAlone(c, o)
	}
	var v *ValueSet
	if o != nil && strings.HasPrefix(valueSet, "#") {
		v = (&scope{s: s, contained: o.ContainedIn}).find(valueSet)
	} else {
		v = s.valueSet(valueSet)
	}
	if v == nil {
		return unknown(noImport(valueSet))
	}
	return v.ValidateCode(c, o)
}

// ValidateCode tells whether a code is one of the set.
func (v *ValueSet) ValidateCode(c Coding, o *CodeOptions) Answer {
	if c.System == "" {
		return v.infer(c, o)
	}
	q := query{system: c.System, version: c.Version, code: c.Code}
	return v.answer(&q, c, o)
}

// infer looks for the one system of the set that has the code.
func (v *ValueSet) infer(c Coding, o *CodeOptions) Answer {
	var found Coding
	var hit query
	several, unclear := false, reason{}
	for _, system := range v.systems() {
		q := query{system: system, version: c.Version, code: c.Code}
		switch v.judge(&q) {
		case Member:
			several = several || found.System != ""
			found, hit = c, q
			found.System = system
		case Unknown:
			unclear = q.why
		}
	}
	switch {
	case several, len(v.systems()) >= mostSystems:
		return ambiguous(c, v)
	case found.System != "":
		return v.finish(&hit, Member, found, o)
	case unclear.kind != 0 || len(v.systems()) == 0:
		if unclear.kind == 0 {
			unclear = noContent(v)
		}
		return unknown(unclear)
	}
	return notIn(c, v)
}

func (v *ValueSet) answer(q *query, c Coding, o *CodeOptions) Answer {
	return v.finish(q, v.judge(q), c, o)
}

// finish looks at the code in its own system too.
func (v *ValueSet) finish(q *query, verdict Verdict, c Coding, o *CodeOptions) Answer {
	cs := v.systemFor(q)
	i, t, known := cs.has(c.Code)
	switch {
	case known == NotMember && (q.hit == nil || !q.hit.other) && !(verdict == Unknown && q.why.kind == reasonNoSystem):
		return noCode(c, cs)
	case verdict == Unknown:
		a := unknown(q.why)
		a.System = c.System
		return a
	case verdict == NotMember:
		return notIn(c, v)
	}
	listed := q.hit.concept(c.Code)
	if listed == nil {
		if x := v.stored.concept(c.System, c.Code); x != nil {
			listed = &Concept{Code: x.Code, Display: x.Display, Designations: x.Designations}
		}
	}
	if t == nil || known != Member {
		return judgeTexts(Answer{Verdict: Member, System: c.System}, texts{listed: listed, cs: cs}, c, o)
	}
	if o != nil && o.ActiveOnly && t.has(i, flagInactive) {
		return notIn(c, v)
	}
	if t.has(i, flagAbstract) && listed == nil && (o == nil || !o.Abstract) {
		return isAbstract(c, v)
	}
	return judgeTexts(Answer{Verdict: Member, System: c.System}, texts{cs, t, i, listed}, c, o)
}

// systemFor is the version of the code's system that the question is about.
func (v *ValueSet) systemFor(q *query) *system {
	if q.hit != nil && q.hit.cs != nil && q.hit.system == q.system && (q.version == "" || sameVersion(q.version, q.hit.cs.version)) {
		return q.hit.cs
	}
	return v.s.system(q.system, q.version)
}

// validateAlone asks the code system.
func (s *Server) validateAlone(c Coding, o *CodeOptions) Answer {
	if c.System == "" {
		return ambiguous(c, nil)
	}
	cs := s.system(c.System, c.Version)
	if cs == nil {
		return unknown(noSystem(c.System, c.Version))
	}
	i, t, verdict := cs.has(c.Code)
	switch {
	case verdict == NotMember:
		return noCode(c, cs)
	case verdict == Unknown:
		a := unknown(notAll(cs))
		a.System = c.System
		return a
	case t == nil:
		return Answer{Verdict: Member, System: c.System}
	}
	a := judgeTexts(Answer{Verdict: Member, System: c.System}, texts{cs, t, i, nil}, c, o)
	if a.Problem == NoProblem && t.has(i, flagAbstract) && (o == nil || !o.Abstract) {
		a.Problem = Abstract
		a.Text, a.Chinese = sprintf("the code %[2]s of %[1]s is abstract: it groups others and is not to be used itself", c.System, c.Code, ""),
			sprintf("%[1]s 的代码 %[2]s 为抽象代码，仅用于归类，不可直接使用", c.System, c.Code, "")
	}
	return a
}

// ValidateConcept judges the codings of a CodeableConcept: the first that is
// right counts, else the first that may be, else the first. The index is that
// coding's, -1 without any. A coding without system is not looked for.
func (s *Server) ValidateConcept(valueSet string, codings []Coding, o *CodeOptions) (Answer, int) {
	return Best(codings, func(c Coding) Answer {
		if c.System == "" {
			a := ambiguous(c, nil)
			a.Verdict = NotMember
			return a
		}
		return s.ValidateCode(valueSet, c, o)
	})
}

// Best judges several codings, one of which must be right, as ValidateConcept
// does.
func Best(codings []Coding, judge func(Coding) Answer) (Answer, int) {
	best, at := Answer{Verdict: NotMember, Problem: NotInValueSet, Text: "there is no coding", Chinese: "没有编码"}, -1
	for k, c := range codings {
		if a := judge(c); at < 0 || rank(a) > rank(best) {
			best, at = a, k
		}
	}
	return best, at
}

func rank(a Answer) int {
	switch {
	case a.Verdict == Member && a.Problem == NoProblem:
		return 3
	case a.Verdict == Member:
		return 2
	case a.Verdict == Unknown:
		return 1
	}
	return 0
}
