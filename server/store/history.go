package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"tenon/server/access"
	"tenon/server/record"
)

// historyBytes bounds the bodies of one page: one version may have megabytes.
const historyBytes = 32 << 20

// place is where a version stands in the order of a history: downwards by time,
// then by row, then by version. It is given once and never changes.
type place struct {
	updated, rid, version int64
	size                  int64
	current               bool
}

func (p place) compare(o place) int {
	return cmp.Or(cmp.Compare(o.updated, p.updated), cmp.Compare(o.rid, p.rid), cmp.Compare(o.version, p.version))
}

// past is one question for a history.
type past struct {
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
	reach  access.Predicate
	record.HistoryQuery
	after *place
	mask  Mask
	rows  []int64 // where only these resources are asked for
	few   bool
}

// HistoryOf implements record.Store.
func (s *Store) HistoryOf(ctx context.Context, reach access.Predicate, q record.HistoryQuery) (*record.HistoryPage, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	page := &record.HistoryPage{}
	err = s.engine.view(ctx, func(conn querier) error {
		p := &past{ctx: ctx, q: conn, d: s.engine.dialect(), tenant: tenant, reach: reach, mask: s.o.Mask, HistoryQuery: q}
		places, err := p.find()
		if err != nil {
			return err
		}
		places, page.More = p.cut(places)
		page.Versions, err = p.bodies(places)
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// find lists the places of the page and one more.
func (p *past) find() ([]place, error) {
	if err := p.begin(); err != nil {
		return nil, err
	}
	types := []string{p.Type}
	if p.Type == "" && !p.few {
		var err error
		if types, err = p.types(); err != nil {
			return nil, err
		}
	}
	var all []place
	for _, typ := range types {
		more, err := p.of(typ)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
		slices.SortFunc(all, place.compare)
		all = all[:min(len(all), p.Count+1)]
	}
	return all, nil
}

// begin resolves the instance or the place that the page begins behind, and
// lists what the caller reaches if that is little.
func (p *past) begin() error {
	if p.ID != "" {
		rid, err := p.row(p.Type, p.ID)
		if err != nil {
			return err
		}
		p.rows, p.few = []int64{rid}, true
	}
	if p.Before.ID != "" {
		after, err := p.placeOf(p.Before)
		if err != nil {
			return err
		}
		p.after = after
	}
	if p.few {
		return nil
	}
	var types []string
	if p.Type != "" {
		types = []string{p.Type}
	}
	folded, err := fold(p.reach, types)
	if err != nil {
		return err
	}
	r := &run{ctx: p.ctx, q: p.q, d: p.d, tenant: p.tenant}
	if err := r.listReach(folded, types); err != nil {
		return err
	}
	p.rows, p.few = r.few, r.listed
	return nil
}

// row is the row number of a resource that the caller reaches.
func (p *past) row(typ, id string) (rid int64, err error) {
	s := newStatement(p.tenant, p.d).add("SELECT r.rid FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND ", p.tenant, typ, id)
	if err := s.reach("r", p.reach, []string{typ}); err != nil {
		return 0, err
	}
	found, err := one(p.ctx, p.q, s.sql(), s.args, &rid)
	if err == nil && !found {
		err = record.ErrAbsent
	}
	return rid, err
}

func (p *past) placeOf(v record.VersionRef) (*place, error) {
	rid, err := p.row(v.Type, v.ID)
	if err != nil {
		return nil, err
	}
	at := &place{rid: rid, version: v.Version}
	found, err := one(p.ctx, p.q, "SELECT updated FROM resource WHERE rid = ? AND version = ? UNION ALL SELECT updated FROM history WHERE rid = ? AND version = ?",
		[]any{rid, v.Version, rid, v.Version}, &at.updated)
	if err == nil && !found {
		err = record.ErrAbsent
	}
	return at, err
}

// types are those of which there is a resource, by skipping from one to the next.
func (p *past) types() (types []string, err error) {
	err = each(p.ctx, p.q, "WITH RECURSIVE t (type) AS (SELECT min(type) FROM resource WHERE tenant = ? UNION ALL "+
		"SELECT (SELECT min(r.type) FROM resource r WHERE r.tenant = ? AND r.type > t.type) FROM t WHERE t.type IS NOT NULL) "+
		"SELECT type FROM t WHERE type IS NOT NULL", []any{p.tenant, p.tenant}, func(c cursor) error {
		var typ string
		err := c.scan(&typ)
		types = append(types, typ)
		return err
	})
	return types, err
}

// of lists the places of one type, or of the rows that are asked for.
func (p *past) of(typ string) ([]place, error) {
	var types []string
	if typ != "" {
		types = []string{typ}
	}
	folded, err := fold(p.reach, types)
	if err != nil {
		return nil, err
	}
	if _, none := folded.(access.Nothing); none || p.few && len(p.rows) == 0 {
		return nil, nil
	}
	var all []place
	for _, s := range []*statement{p.currentOnes(typ, folded), p.olderOnes(typ, folded)} {
		err := each(p.ctx, p.q, s.sql(), s.args, func(c cursor) error {
			var at place
			var current int64
			err := c.scan(&at.rid, &at.version, &at.updated, &at.size, &current)
			at.current = current != 0
			all = append(all, at)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (p *past) currentOnes(typ string, reach access.Predicate) *statement {
	s := newStatement(p.tenant, p.d).add("SELECT r.rid, r.version, r.updated, length(r.body), 1 FROM resource r WHERE ")
	p.among(s, "r", typ)
	if !p.To.IsZero() {
		s.add(" AND r.updated < ?", micros(p.To))
	}
	s.add(" AND ")
	s.folded("r", reach)
	return s.add(" ORDER BY r.updated DESC, r.rid DESC LIMIT ?", int64(p.Count+1))
}

// olderOnes judges the reach on the version as it was, and on the resource as it
// is: who has lost the one has lost the other.
func (p *past) olderOnes(typ string, reach access.Predicate) *statement {
	s := newStatement(p.tenant, p.d).add("SELECT h.rid, h.version, h.updated, length(h.body), 0 FROM history h " + p.forced() + " resource r ON r.rid = h.rid WHERE ")
	p.among(s, "h", typ)
	if !p.To.IsZero() {
		s.add(" AND h.updated < ? AND coalesce((SELECT n.updated FROM history n WHERE n.rid = h.rid AND n.version = h.version + 1), r.updated) > ?",
			micros(p.To), micros(p.From))
	}
	s.add(" AND ")
	s.folded("r", reach)
	s.add(" AND ")
	s.foldedThen("h", "r", reach)
	return s.add(" ORDER BY h.updated DESC, h.rid DESC, h.version DESC LIMIT ?", int64(p.Count+1))
}

func (p *past) forced() string { return newStatement(p.tenant, p.d).forced() }

// among appends type, rows, time and place.
func (p *past) among(s *statement, alias, typ string) {
	if p.few {
		s.inRows(alias+".rid", p.rows).add(" AND ")
	}
	s.add(alias+".tenant = ?", p.tenant)
	if typ != "" {
		s.add(" AND "+alias+".type = ?", typ)
	}
	if !p.Since.IsZero() {
		s.add(" AND "+alias+".updated >= ?", micros(p.Since))
	}
	if p.after != nil {
		s.add(" AND ("+alias+".updated, "+alias+".rid, "+alias+".version) < (?, ?, ?)", p.after.updated, p.after.rid, p.after.version)
	}
}

// cut keeps as many as are asked for and as fit.
func (p *past) cut(all []place) (kept []place, more bool) {
	bytes := int64(0)
	for i, at := range all {
		bytes += at.size
		if i == p.Count || i > 0 && bytes > historyBytes {
			return all[:i], true
		}
	}
	return all, false
}

// bodies reads the versions at these places, in their order.
func (p *past) bodies(places []place) ([]record.Version, error) {
	at := make(map[[2]int64]int, len(places))
	var now, then, versions []int64
	for i, pl := range places {
		at[[2]int64{pl.rid, pl.version}] = i
		if pl.current {
			now = append(now, pl.rid)
			continue
		}
		then, versions = append(then, pl.rid), append(versions, pl.version)
	}
	out := make([]record.Version, len(places))
	take := func(c cursor) error {
		var v record.Version
		var rid int64
		err := scanVersion(c, &v, &rid)
		out[at[[2]int64{rid, v.Version}]] = v
		return err
	}
	if len(now) > 0 {
		s := newStatement(p.tenant, p.d).add("SELECT "+versionColumns+", r.rid FROM resource r WHERE ").inRows("r.rid", now)
		if err := each(p.ctx, p.q, s.sql(), s.args, take); err != nil {
			return nil, err
		}
	}
	if len(then) > 0 {
		s := p.pairs(then, versions)
		if err := each(p.ctx, p.q, s.sql(), s.args, take); err != nil {
			return nil, err
		}
	}
	rids, old := make([]int64, len(places)), make([]bool, len(places))
	for i, pl := range places {
		rids[i], old[i] = pl.rid, !pl.current
	}
	m := masking{p.ctx, p.q, p.d, p.tenant, p.mask}
	return out, m.versions(p.reach, nil, out, rids, old)
}

// pairs selects old versions by row and number.
func (p *past) pairs(rows, versions []int64) *statement {
	s := newStatement(p.tenant, p.d).add("SELECT " + historyColumns + ", h.rid FROM ")
	rid, version := "w.rid", "w.version"
	if p.d.postgres {
		s.add("unnest(?::bigint[], ?::bigint[]) w (rid, version)", rows, versions)
	} else {
		list := make([][2]int64, len(rows))
		for i := range rows {
			list[i] = [2]int64{rows[i], versions[i]}
		}
		text, _ := json.Marshal(list) // numbers always encode
		s.add("json_each(?) w", string(text))
		rid, version = "json_extract(w.value, '$[0]')", "json_extract(w.value, '$[1]')"
	}
	return s.add(" " + p.forced() + " history h ON h.rid = " + rid + " AND h.version = " + version + " JOIN resource r ON r.rid = h.rid")
}
