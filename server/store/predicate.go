package store

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tenon/server/access"
	"tenon/server/search"
)

// fold simplifies a reach for an alias of these types (none: any type), so that
// what types alone decide is decided here. Nil means nothing. A predicate that
// this room does not know is an error: it must never widen what is read.
func fold(p access.Predicate, types []string) (access.Predicate, error) {
	if unguarded {
		return access.Everything{}, nil
	}
	switch p := p.(type) {
	case nil:
		return access.Nothing{}, nil
	case access.Everything, access.Nothing:
		return p, nil
	case access.OwnedBy:
		if p.Organization == "" {
			return access.Nothing{}, nil // rows of the server itself have no owner
		}
		return p, nil
	case access.InCase:
		if len(p.Principals) == 0 || slices.Contains(p.Principals, "") {
			return access.Nothing{}, nil
		}
		return p, nil
	case access.AnyCase:
		if p.Ceiling == 0 {
			return access.Nothing{}, nil
		}
		return p, nil
	case access.Is:
		if len(types) > 0 && !slices.Contains(types, p.Type) {
			return access.Nothing{}, nil
		}
		return p, nil
	case access.About:
		if !strings.HasPrefix(p.Patient, "Patient/") {
			return access.Nothing{}, nil
		}
		return p, nil
	case access.Unwithheld:
		return foldUnwithheld(p, types), nil
	case access.Matching:
		return foldMatching(p, types)
	case access.TypeIn:
		return foldTypes(p, types), nil
	case access.AnyOf:
		return foldAny(p, types)
	case access.AllOf:
		return foldAll(p, types)
	}
	return nil, fmt.Errorf("store: unknown predicate %T: refused", p)
}

// foldMatching refuses a condition that search has not compiled, or that the
// store cannot put into SQL.
func foldMatching(p access.Matching, types []string) (access.Predicate, error) {
	where, ok := p.Condition.([]search.Clause)
	if !ok || len(where) == 0 {
		return access.Nothing{}, nil
	}
	if len(types) > 0 && !slices.Contains(types, p.Type) {
		return access.Nothing{}, nil
	}
	if err := newStatement(0, dialect{}).all("r", where); err != nil {
		return nil, err
	}
	return p, nil
}

func foldTypes(p access.TypeIn, types []string) access.Predicate {
	if len(types) == 0 {
		return p
	}
	var both access.TypeIn
	for _, t := range types {
		if slices.Contains(p, t) {
			both = append(both, t)
		}
	}
	switch len(both) {
	case 0:
		return access.Nothing{}
	case len(types):
		return access.Everything{}
	}
	return both
}

func foldAny(parts access.AnyOf, types []string) (access.Predicate, error) {
	var kept access.AnyOf
	all := false
	for _, p := range parts {
		f, err := fold(p, types)
		if err != nil {
			return nil, err
		}
		switch f.(type) {
		case access.Nothing:
		case access.Everything:
			all = true
		default:
			kept = append(kept, f)
		}
	}
	switch {
	case all:
		return access.Everything{}, nil
	case len(kept) == 0:
		return access.Nothing{}, nil
	case len(kept) == 1:
		return kept[0], nil
	}
	return kept, nil
}

func foldAll(parts access.AllOf, types []string) (access.Predicate, error) {
	var kept access.AllOf
	none := false
	for _, p := range parts {
		f, err := fold(p, types)
		if err != nil {
			return nil, err
		}
		switch f.(type) {
		case access.Nothing:
			none = true
		case access.Everything:
		default:
			kept = append(kept, f)
		}
	}
	switch {
	case none:
		return access.Nothing{}, nil
	case len(kept) == 0:
		return access.Everything{}, nil
	case len(kept) == 1:
		return kept[0], nil
	}
	return kept, nil
}

// reach appends the condition that the resource r meets the predicate.
func (s *statement) reach(r string, p access.Predicate, types []string) error {
	folded, err := fold(p, types)
	if err != nil {
		return err
	}
	s.folded(r, folded)
	return nil
}

// reachThen appends AND with the same condition on v, an old version of the
// resource r: whoever reaches the resource as it is may not have reached it as it
// was.
func (s *statement) reachThen(v, r string, p access.Predicate, types []string) error {
	folded, err := fold(p, types)
	if err != nil {
		return err
	}
	s.add(" AND ")
	s.foldedThen(v, r, folded)
	return nil
}

func (s *statement) folded(r string, p access.Predicate) { s.foldedThen(r, r, p) }

// foldedThen is folded on v, a version of the resource r; only r has the id.
func (s *statement) foldedThen(v, r string, p access.Predicate) {
	switch p := p.(type) {
	case access.Everything:
		s.add("TRUE")
	case access.OwnedBy:
		s.add(v+".owner = ?", p.Organization)
		if p.Loose {
			s.loose(v)
		}
	case access.InCase:
		m, a := s.alias("m"), s.alias("a")
		s.add("EXISTS (SELECT 1 FROM member " + m + " " + s.forced() + " case_access " + a + " ON " + a + ".tenant = " + m +
			".tenant AND " + a + ".case_id = " + m + ".case_id WHERE " + m + ".rid = " + v + ".rid AND ")
		s.upTo(v, a+".ceiling", p.Part).add(" AND ")
		s.inTexts(a+".principal", p.Principals).shut()
	case access.AnyCase:
		m := s.alias("m")
		s.add("(").upTo(v, strconv.Itoa(int(p.Ceiling)), p.Part).add(" AND EXISTS (SELECT 1 FROM member " + m + " WHERE " + m + ".rid = " + v + ".rid))")
	case access.Is:
		s.add("("+v+".type = ? AND "+r+".id = ?)", p.Type, p.ID)
	case access.About:
		s.about(v, r, p.Patient)
	case access.Unwithheld:
		s.unwithheld(v, r, p)
	case access.Matching:
		s.matching(v, r, p)
	case access.TypeIn:
		s.inTexts(v+".type", p)
	case access.AnyOf:
		s.foldedList(v, r, p, " OR ")
	case access.AllOf:
		s.foldedList(v, r, p, " AND ")
	default: // Nothing, and what fold let through by mistake
		s.add("FALSE")
	}
}

// upTo appends that the version v is not above a level, or can be shown to it in
// part; part is what that level must not be below (access.InPart), or 0.
func (s *statement) upTo(v, level string, part access.Level) *statement {
	if part == 0 {
		return s.add(v + ".level <= " + level)
	}
	s.add("(" + v + ".level <= " + level + " OR " + v + ".part > 0 AND " + v + ".part <= " + level)
	if part > 1 {
		s.add(" AND " + strconv.Itoa(int(part)) + " <= " + level)
	}
	return s.add(")")
}

// about is met by what is about the patient, and by what is about nobody in a
// case of the patient.
func (s *statement) about(v, r, patient string) {
	m, c := s.alias("m"), s.alias("c")
	s.add("("+v+".patient = ? OR "+v+".patient = '' AND EXISTS (SELECT 1 FROM member "+m+" "+s.forced()+" resource "+c+" ON "+c+".tenant = "+m+
		".tenant AND "+c+".type = 'Task' AND "+c+".id = "+m+".case_id WHERE "+m+".rid = "+r+".rid AND "+c+".patient = ?", patient, patient).shut().add(")")
}

// matching is met by a current version alone: the index has no rows of old ones.
func (s *statement) matching(v, r string, p access.Matching) {
	where, _ := p.Condition.([]search.Clause)
	if v != r || len(where) == 0 {
		s.add("FALSE")
		return
	}
	s.add("("+r+".type = ? AND ", p.Type)
	if err := s.all(r, where); err != nil {
		s.add(" FALSE") // fold has tried it: this cannot happen, and would fail as SQL
	}
	s.add(")")
}

// loose keeps of what an organisation owns that which is in no case, and the
// machines and stock that cases share.
func (s *statement) loose(r string) {
	m := s.alias("m")
	s.add(" AND (NOT EXISTS (SELECT 1 FROM member " + m + " WHERE " + m + ".rid = " + r + ".rid) OR " +
		r + ".type IN ('Device', 'Substance') AND " + r + ".patient = '')")
}

func (s *statement) foldedList(v, r string, parts []access.Predicate, operator string) {
	s.add("(")
	for i, p := range parts {
		if i > 0 {
			s.add(operator)
		}
		s.foldedThen(v, r, p)
	}
	s.add(")")
}

// reachWithin are sets in each of which the reach lies; those of a patient, which
// are the smallest, come first. The rest of the reach is asked of what they find.
func reachWithin(p access.Predicate, types []string, blank func() *statement) (all [][]*statement) {
	parts, ok := p.(access.AllOf)
	if !ok {
		parts = access.AllOf{p}
	}
	for _, one := range parts {
		sets := reachSets(one, types, blank)
		switch {
		case len(sets) == 0:
		case aboutOne(one):
			all = slices.Insert(all, 0, sets)
		default:
			all = append(all, sets)
		}
	}
	return all
}

// aboutOne tells whether a predicate keeps to patients that it names.
func aboutOne(p access.Predicate) bool {
	switch p := p.(type) {
	case access.About:
		return true
	case access.AnyOf:
		return len(p) > 0 && !slices.ContainsFunc(p, func(one access.Predicate) bool { return !aboutOne(one) })
	case access.AllOf:
		return slices.ContainsFunc(p, aboutOne)
	}
	return false
}

// reachSets are selects of the row numbers that meet a folded predicate, where
// it begins with cases, owners or single resources; none where it does not. What
// they find together is the reach.
func reachSets(p access.Predicate, types []string, blank func() *statement) (sets []*statement) {
	parts, ok := p.(access.AnyOf)
	if !ok {
		parts = access.AnyOf{p}
	}
	for _, part := range parts {
		s := blank()
		switch p := part.(type) {
		case access.InCase:
			s.inCases(p, types)
		case access.OwnedBy:
			s.add("SELECT o.rid FROM resource o WHERE o.tenant = ? AND o.owner = ?", s.tenant, p.Organization)
			if len(types) > 0 {
				s.add(" AND ").inTexts("o.type", types)
			}
			if p.Loose {
				s.loose("o")
			}
		case access.Is:
			s.add("SELECT rid FROM resource WHERE tenant = ? AND type = ? AND id = ?", s.tenant, p.Type, p.ID)
		case access.About:
			s.add("SELECT o.rid FROM resource o WHERE o.tenant = ? AND o.patient = ? AND o.patient <> ''", s.tenant, p.Patient)
			if len(types) > 0 {
				s.add(" AND ").inTexts("o.type", types)
			}
			sets = append(sets, s)
			s = blank() // of the cases of the patient what is about nobody; all members do here
			s.add("SELECT m.rid FROM resource c "+s.forced()+" member m ON m.tenant = c.tenant AND m.case_id = c.id WHERE c.tenant = ? AND c.type = 'Task' AND c.patient = ? AND c.patient <> ''", s.tenant, p.Patient)
			if len(types) > 0 {
				s.add(" AND ").inTexts("m.type", types)
			}
		case access.AllOf:
			within := reachWithin(p, types, blank)
			if len(within) == 0 {
				return nil
			}
			sets = append(sets, within[0]...)
			continue
		default:
			return nil
		}
		sets = append(sets, s)
	}
	return sets
}

// inCases selects the members of the cases that are open to one of the
// principals, a resource once for each of them. It begins with the cases on
// PostgreSQL, too, which would rather read all members in the order of a LIMIT:
// OFFSET 0 keeps the inner select as it stands.
func (s *statement) inCases(p access.InCase, types []string) {
	inner, end := " CROSS JOIN member m WHERE", ""
	if s.d.postgres {
		inner, end = ", LATERAL (SELECT m.rid FROM member m WHERE", " OFFSET 0) m WHERE"
	}
	join := " m.tenant = a.tenant AND m.case_id = a.case_id"
	s.add("SELECT m.rid FROM case_access a" + inner + join)
	if len(types) > 0 {
		s.add(" AND ").inTexts("m.type", types)
	}
	if s.d.postgres {
		s.add(end)
	} else {
		s.add(" AND")
	}
	s.add(" a.tenant = ? AND ", s.tenant).inTexts("a.principal", p.Principals)
}
