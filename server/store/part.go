package store

import (
	"context"
	"fmt"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// A reach that was widened by access.InPart finds resources above the caller's
// level. They leave the store without their elements above it: whoever asks by
// such a reach cannot get the whole by mistake. What was not graded for it
// (column part is 0), and what the reach shows whole, costs nothing here.

// Mask leaves the elements of a resource above a level out and says what the rest
// grades. It fails where the resource cannot be shown to this level.
type Mask func(body []byte, level access.Level) ([]byte, record.Grade, error)

// partly is a row whose version may have to be shown in part.
type partly struct {
	rid     int64
	version int64 // of an old version, 0 for the current one
	part    access.Level
	show    func(level access.Level) error // in part
}

// masking decides which rows are shown in part, by the statement that decides on
// reach.
type masking struct {
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
	mask   Mask
}

// whole stands for a level above all others.
const whole = 9

// apply shows those of the rows in part that the reach does not show whole.
func (m *masking) apply(reach access.Predicate, types []string, rows []partly) error {
	if len(rows) == 0 || unguarded {
		return nil
	}
	folded, err := fold(access.Whole(reach), types)
	if err != nil {
		return err
	}
	levels := map[[2]int64]access.Level{}
	for _, old := range []bool{false, true} {
		s := m.levels(folded, reach, rows, old)
		if s == nil {
			continue
		}
		err := each(m.ctx, m.q, s.sql(), s.args, func(c cursor) error {
			var rid, version, level int64
			err := c.scan(&rid, &version, &level)
			levels[[2]int64{rid, version}] = access.Level(level)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, row := range rows {
		level := levels[[2]int64{row.rid, row.version}]
		switch {
		case level == whole:
		case level < row.part: // the reach has shrunk since the row was found
			return issue.Errorf(issue.Transient, "What you may see has changed meanwhile; ask again.").WithStatus(503).Rule("reach-moved").Chinese("访问权限刚刚变化，请重试。")
		default:
			if err := row.show(level); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
	}
	return nil
}

// levels selects up to which level the rows are shown; nil where there are none.
func (m *masking) levels(folded, reach access.Predicate, rows []partly, old bool) *statement {
	var rids, versions []int64
	for _, row := range rows {
		if (row.version != 0) == old {
			rids, versions = append(rids, row.rid), append(versions, row.version)
		}
	}
	if len(rids) == 0 {
		return nil
	}
	s := newStatement(m.tenant, m.d)
	if !old {
		s.add("SELECT r.rid, 0, CASE WHEN ")
		s.folded("r", folded)
		s.shownTo("r", reach)
		return s.add(" FROM resource r WHERE ").inRows("r.rid", rids)
	}
	s.add("SELECT h.rid, h.version, CASE WHEN ")
	s.foldedThen("h", "r", folded)
	s.shownTo("h", reach)
	return s.add(" FROM history h JOIN resource r ON r.rid = h.rid WHERE ").inRows("h.rid", rids).add(" AND ").inRows("h.version", versions)
}

// shownTo appends the highest level that a case gives to one of the principals.
func (s *statement) shownTo(v string, reach access.Predicate) {
	principals, least := ceilingsOf(reach)
	s.add(fmt.Sprintf(" THEN %d ELSE ", whole))
	if len(principals) == 0 {
		s.add(fmt.Sprintf("%d END", least))
		return
	}
	m, a := s.alias("m"), s.alias("a")
	s.add("coalesce((SELECT max("+a+".ceiling) FROM member "+m+" "+s.forced()+" case_access "+a+" ON "+a+".tenant = "+m+
		".tenant AND "+a+".case_id = "+m+".case_id WHERE "+m+".rid = "+v+".rid AND ").inTexts(a+".principal", principals)
	s.add(fmt.Sprintf("), %d) END", least))
}

// ceilingsOf are the principals whose cases show parts, and the level to which
// all cases do.
func ceilingsOf(p access.Predicate) (principals []string, least access.Level) {
	var parts []access.Predicate
	switch p := p.(type) {
	case access.InCase:
		if p.Part > 0 {
			principals = p.Principals
		}
	case access.AnyCase:
		if p.Part > 0 {
			least = p.Ceiling
		}
	case access.AnyOf:
		parts = p
	case access.AllOf:
		parts = p
	}
	for _, one := range parts {
		more, level := ceilingsOf(one)
		principals, least = append(principals[:len(principals):len(principals)], more...), max(least, level)
	}
	return principals, least
}

// versions shows versions in part where they are not shown whole. rids are their
// rows; those that are not the current version are old.
func (m *masking) versions(reach access.Predicate, types []string, all []record.Version, rids []int64, old []bool) error {
	if !access.ShowsParts(reach) {
		return nil
	}
	var rows []partly
	for i := range all {
		v := &all[i]
		if v.Part == 0 {
			continue
		}
		row := partly{rid: rids[i], part: v.Part, show: func(level access.Level) error { return m.version(v, level) }}
		if old[i] {
			row.version = v.Version
		}
		rows = append(rows, row)
	}
	return m.apply(reach, types, rows)
}

func (m *masking) version(v *record.Version, level access.Level) error {
	v.Shown = level
	if v.Deleted {
		return nil
	}
	body := v.Body
	v.Body = nil
	if m.mask == nil {
		return fmt.Errorf("%s/%s is to be shown in part, and nothing leaves elements out", v.Type, v.ID)
	}
	body, g, err := m.mask(body, level)
	if err == nil {
		v.Body, v.Level, v.Integrity = body, g.Level, g.Integrity
	}
	return err
}

// hits does the same for what a search has found.
func (r *run) inPart(reach access.Predicate, types []string, hits []found) error {
	if !access.ShowsParts(reach) {
		return nil
	}
	m := masking{r.ctx, r.q, r.d, r.tenant, r.hints.mask}
	var rows []partly
	for i := range hits {
		h := &hits[i].hit
		if hits[i].part == 0 {
			continue
		}
		rows = append(rows, partly{rid: hits[i].rid, part: hits[i].part, show: func(level access.Level) error {
			v := record.Version{Type: h.Type, ID: h.ID, Body: h.Body}
			h.Body = nil
			err := m.version(&v, level)
			h.Body, h.Level, h.Integrity, h.Shown = v.Body, v.Level, v.Integrity, level
			return err
		}})
	}
	return m.apply(reach, types, rows)
}
