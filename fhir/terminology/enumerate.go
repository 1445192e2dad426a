package terminology

import (
	"errors"
	"iter"

	"tenon/fhir/issue"
)

// walker visits the codes of a value set one by one. It keeps no list of what
// it has given: a code that an earlier include has is told by asking it.
type walker struct {
	v     *ValueSet
	used  func(*clause) error
	depth int
	work  int
	cost  int
}

// maxCost bounds the comparisons of one expansion: a second or two.
const maxCost = 1 << 27

func (w *walker) set(v *ValueSet, visit func(*candidate) error) error {
	if w.depth++; w.depth > maxDepth {
		return tooDeep(v).failure(issue.Processing)
	}
	if w.work++; w.work > maxWork {
		return tooDeep(v).failure(issue.TooCostly)
	}
	defer func() { w.depth-- }()
	if len(v.include.list) == 0 {
		return w.stored(v, noContent(v), visit)
	}
	if why := v.blocked(map[*ValueSet]bool{}); why.kind != 0 {
		return w.stored(v, why, visit)
	}
	for k, c := range v.include.list {
		err := w.clause(c, func(one *candidate) error {
			keep, err := w.keeps(v, one, k)
			if err != nil || !keep {
				return err
			}
			return visit(one)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// blocked is why the set can't be listed by its compose, if so.
func (v *ValueSet) blocked(seen map[*ValueSet]bool) reason {
	if seen[v] {
		return reason{} // walking it tells of a circle
	}
	seen[v] = true
	for _, c := range v.include.list {
		if why := c.blocked(seen); why.kind != 0 {
			return why
		}
	}
	for _, c := range v.exclude.list {
		if why := c.blocked(seen); why.kind != 0 {
			return why
		}
	}
	return reason{}
}

func (c *clause) blocked(seen map[*ValueSet]bool) reason {
	switch {
	case c.unclear.kind != 0:
		return c.unclear
	case c.system == "" || c.listed != nil:
	case c.cs == nil:
		return noSystem(c.system, c.version)
	case c.cs.grammar == nil && !c.cs.held:
		return notAll(c.cs)
	}
	for _, m := range c.imports {
		set := m.get()
		if set == nil {
			return noImport(m.url)
		}
		if set.stored == nil {
			if why := set.blocked(seen); why.kind != 0 {
				return why
			}
		}
	}
	return reason{}
}

// stored visits the expansion that the definition brings along.
func (w *walker) stored(v *ValueSet, why reason, visit func(*candidate) error) error {
	if v.stored == nil {
		return why.failure(issue.NotFound)
	}
	for i := range v.stored.list {
		x := &v.stored.list[i]
		one := candidate{system: x.System, version: x.Version, code: x.Code, stored: x,
			x: texts{listed: &Concept{Code: x.Code, Display: x.Display, Designations: x.Designations}}}
		if err := visit(&one); err != nil {
			return err
		}
	}
	return nil
}

// keeps tells whether a code of include k is not one of an earlier include, nor
// excluded, nor inactive where that counts.
func (w *walker) keeps(v *ValueSet, one *candidate, k int) (bool, error) {
	q := query{system: one.system, code: one.code}
	for _, earlier := range v.include.list[:k] {
		if earlier.judge(&q) == Member {
			return false, nil
		}
	}
	if err := w.spend(k + q.work + 1); err != nil {
		return false, err
	}
	switch excluded, _ := v.exclude.judge(&q); excluded {
	case Member:
		return false, nil
	case Unknown:
		return false, q.why.failure(issue.NotFound)
	}
	return !v.activeOnly || one.x.t == nil || !one.x.t.has(one.x.i, flagInactive), nil
}

// spend counts comparisons, and refuses when they are too many.
func (w *walker) spend(n int) error {
	if w.cost += n; w.cost > maxCost {
		return issue.Errorf(issue.TooCostly, "The expansion compares too much; narrow the value set.").Rule("expansion-cost").
			Chinese("值集展开计算量过大，请缩小范围。")
	}
	return nil
}

// clause visits what an include has.
func (w *walker) clause(c *clause, visit func(*candidate) error) error {
	for _, m := range c.imports {
		if m.get() == nil {
			return noImport(m.url).failure(issue.NotFound)
		}
	}
	if c.cs != nil && w.used != nil {
		if err := w.used(c); err != nil {
			return err
		}
	}
	switch {
	case c.unclear.kind != 0:
		return c.unclear.failure(issue.NotFound)
	case c.listed != nil:
		return w.listed(c, w.within(c, 0, visit))
	case c.system != "":
		return w.concepts(c, w.within(c, 0, visit))
	case len(c.imports) > 0:
		return w.set(c.imports[0].get(), w.within(c, 1, visit))
	}
	return nil
}

// within keeps what the imported sets have too, from one of them on.
func (w *walker) within(c *clause, from int, visit func(*candidate) error) func(*candidate) error {
	if len(c.imports) <= from {
		return visit
	}
	return func(one *candidate) error {
		for _, m := range c.imports[from:] {
			q := query{system: one.system, code: one.code}
			verdict := m.get().judge(&q)
			if err := w.spend(q.work); err != nil {
				return err
			}
			switch verdict {
			case NotMember:
				return nil
			case Unknown:
				return q.why.failure(issue.NotFound)
			}
		}
		return visit(one)
	}
}

func (w *walker) listed(c *clause, visit func(*candidate) error) error {
	for k := range c.list {
		one := candidate{system: c.system, version: c.version, code: c.list[k].Code, x: texts{cs: c.cs, listed: &c.list[k]}}
		i, t, known := c.cs.has(one.code)
		if known == Member {
			one.x.t, one.x.i = t, i
		}
		if known == NotMember && !c.other || !c.passes(t, i, one.code) {
			continue
		}
		if err := visit(&one); err != nil {
			return err
		}
	}
	return nil
}

func (c *clause) passes(t *table, i uint32, code string) bool {
	for k := range c.filters {
		if !c.filters[k].accepts(t, i, code) {
			return false
		}
	}
	return true
}

// concepts visits the concepts of the system that pass the filters.
func (w *walker) concepts(c *clause, visit func(*candidate) error) error {
	if c.cs == nil {
		return noSystem(c.system, c.version).failure(issue.NotFound)
	}
	if c.cs.grammar != nil {
		return endless(c.cs)
	}
	t, err := c.cs.table()
	if err != nil {
		return err
	}
	if t == nil {
		return notAll(c.cs).failure(issue.NotFound)
	}
	one := candidate{system: c.system, version: c.cs.version, x: texts{cs: c.cs, t: t}}
	each := func(i uint32) error {
		cost := 1
		for k := range c.filters {
			cost += c.filters[k].cost
		}
		if err := w.spend(cost); err != nil {
			return err
		}
		if !c.passes(t, i, "") {
			return nil
		}
		one.code, one.x.i = t.code(i), i
		return visit(&one)
	}
	if k := c.narrow(); k != 0 {
		t.descendants(k-1, func(i uint32) bool {
			err = each(i)
			return err == nil
		})
		return err
	}
	for i := range uint32(len(t.concepts)) {
		if err := each(i); err != nil {
			return err
		}
	}
	return nil
}

// narrow is a root that all must be below, plus 1; 0 is none.
func (c *clause) narrow() uint32 {
	for k := range c.filters {
		if c.filters[k].root != 0 {
			return c.filters[k].root
		}
	}
	return 0
}

func endless(cs *system) error {
	return issue.Errorf(issue.TooCostly, "%s (%s) is a grammar: its codes can be judged but not listed.", cs.title, cs.url).
		Rule("expansion-endless").Chinese("该代码系统由语法定义，只能校验，无法列举。")
}

// Codes yields the codes of a value set, at most limit (the server's limit for
// 0). The last pair may be an error: an *issue.Failure, too-costly when there
// are more.
func (s *Server) Codes(valueSet string, limit int) iter.Seq2[Coding, error] {
	if limit <= 0 {
		limit = s.o.MaxExpansion
	}
	return func(yield func(Coding, error) bool) {
		v := s.valueSet(valueSet)
		if v == nil {
			yield(Coding{}, noImport(valueSet).failure(issue.NotFound))
			return
		}
		enough := errors.New("enough")
		given := 0
		err := (&walker{v: v}).set(v, func(c *candidate) error {
			if given++; given > limit {
				return tooMany(v, limit)
			}
			if !yield(Coding{System: c.system, Version: c.version, Code: c.code}, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(Coding{}, err)
		}
	}
}
