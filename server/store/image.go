package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"tenon/dicomweb/index"
	"tenon/server/access"
)

// Images is the DICOM index of the store: index.Store. Reach is judged on the
// ImagingStudy of a study, by the same statement that finds it.
type Images struct{ s *Store }

var _ index.Store = Images{}

// Images is the DICOM index in the same database.
func (s *Store) Images() Images { return Images{s} }

// levels are the tables of a query with their aliases, and their own columns
// that a result carries.
var levels = []struct {
	table, alias, join string
	own                []string
	level              index.Level
}{
	{"dicom_study", "s", "", []string{"resource", "patient"}, index.StudyLevel},
	{"dicom_series", "e", "e.tenant = s.tenant AND e.study = s.uid", []string{"study", "institution"}, index.SeriesLevel},
	{"dicom_instance", "i", "i.tenant = e.tenant AND i.study = e.study AND i.series = e.uid", []string{"study", "series"}, index.InstanceLevel},
}

const contentColumns = ", i.digest, i.size, i.pixel_offset, i.pixel_length, i.deflated, i.frame_table, i.bulk_table, i.metadata"

// resultColumns are the columns of the levels up to this one.
func resultColumns(level index.Level) string {
	names := []string{"COALESCE(r.version, 0)", "COALESCE(r.updated, 0)"}
	for _, l := range levels[:level] {
		for _, c := range append(l.own[:len(l.own):len(l.own)], attributeColumns(l.level)...) {
			names = append(names, l.alias+"."+c)
		}
	}
	return strings.Join(names, ", ")
}

// resultDest points to where resultColumns are scanned to.
func resultDest(r *index.Result, level index.Level) []any {
	own := [][]any{
		{&r.Study.Resource, &r.Study.Patient}, {&r.Series.Study, &r.Series.Institution}, {&r.Instance.Study, &r.Instance.Series},
	}
	dest := []any{&r.Study.Stamp.Version, &r.Study.Stamp.Updated}
	for n, l := range levels[:level] {
		dest = append(dest, own[n]...)
		for i := range index.Attributes {
			if index.Attributes[i].Level == l.level {
				dest = append(dest, index.Attributes[i].Field(r))
			}
		}
	}
	return dest
}

// instanceColumns are the columns of the level of instances alone.
var instanceColumns = "i." + strings.Join(append(levels[2].own[:2:2], attributeColumns(index.InstanceLevel)...), ", i.")

// scanContent scans a result with all of its content.
func scanContent(c cursor, r *index.Result) error {
	return scanContentOf(c, r, resultDest(r, index.InstanceLevel))
}

// scanContentOf scans what dest points to, and the content behind it.
func scanContentOf(c cursor, r *index.Result, dest []any) error {
	var digest []byte
	var deflated int64
	x := &r.Instance.Content
	err := c.scan(append(dest, &digest, &x.Size, &x.Pixels.Offset, &x.Pixels.Length, &deflated,
		&x.Frames, &x.Bulk, &x.Metadata)...)
	copy(x.Digest[:], digest)
	x.Deflated = deflated != 0
	return err
}

// Search implements index.Store.
func (x Images) Search(ctx context.Context, reach access.Predicate, q *index.Query) (*index.Page, error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	page := &index.Page{}
	err = x.s.engine.read(ctx, long, func(c querier) error {
		st := newStatement(tenant, x.s.engine.dialect())
		st.add("SELECT " + resultColumns(q.Level))
		if q.Content {
			st.add(", i.metadata")
		}
		if err := st.images(ctx, c, reach, q.Level, q.Key, q.Matches); err != nil {
			return err
		}
		for _, m := range q.Matches {
			st.add(" AND ")
			if err := st.imageMatch(m); err != nil {
				return err
			}
		}
		st.add(" ORDER BY "+[]string{"s.study_date DESC, s.uid", "s.uid, e.ord, e.uid", "s.uid, e.uid, i.ord, i.uid"}[q.Level-1]+
			" LIMIT ? OFFSET ?", int64(q.Limit+1), int64(q.Offset))
		return each(ctx, c, st.sql(), st.args, func(row cursor) error {
			if len(page.Results) == q.Limit {
				page.More = true
				return nil
			}
			page.Results = append(page.Results, index.Result{})
			r := &page.Results[len(page.Results)-1]
			dest := resultDest(r, q.Level)
			if q.Content {
				dest = append(dest, &r.Instance.Content.Metadata)
			}
			return row.scan(dest...)
		})
	})
	return page, err
}

// images appends the tables down to a level with what always holds: the tenant,
// the reach, and the part of the hierarchy that the key names. Where an index finds
// few studies for a match the query starts from these, else from what the caller
// reaches where that is few.
func (s *statement) images(ctx context.Context, q querier, reach access.Predicate, level index.Level, k index.Key, matches []index.Match) error {
	types := []string{"ImagingStudy"}
	folded, err := fold(reach, types)
	if err != nil {
		return err
	}
	var few []int64
	var uids []string
	found, listed := k.Study != "", false // a study that is named is found by its UID
	if !found {
		if uids, found, err = s.fewStudies(ctx, q, matches); err != nil {
			return err
		}
	}
	if !found {
		if few, listed, err = s.fewImages(ctx, q, folded, types); err != nil {
			return err
		}
	}
	first, second := "dicom_study s", "resource r"
	if listed {
		first, second = second, first
	}
	s.add(" FROM " + first + " " + s.forced() + " " + second + " ON r.tenant = s.tenant AND r.type = 'ImagingStudy' AND r.id = s.resource")
	for _, l := range levels[1:level] {
		s.add(" " + s.forced() + " " + l.table + " " + l.alias + " ON " + l.join)
	}
	s.add(" WHERE r.tenant = ? AND s.tenant = ? AND r.type = 'ImagingStudy' AND r.deleted = 0 AND ", s.tenant, s.tenant)
	s.folded("r", folded)
	switch {
	case listed:
		s.add(" AND ").inRows("r.rid", few)
	case found && k.Study == "":
		s.add(" AND ").inTexts("s.uid", uids)
	}
	for n, uid := range []string{k.Study, k.Series, k.Instance}[:level] {
		if uid != "" {
			s.add(" AND "+levels[n].alias+".uid = ?", uid)
		}
	}
	return nil
}

// fewImages lists the rows in reach when they are few.
func (s *statement) fewImages(ctx context.Context, q querier, folded access.Predicate, types []string) ([]int64, bool, error) {
	r := &run{ctx: ctx, q: q, d: s.d, tenant: s.tenant}
	err := r.listReach(folded, types)
	return r.few, r.listed, err
}

// Holdings implements index.Store.
func (x Images) Holdings(ctx context.Context, reach access.Predicate, q *index.HoldingsQuery) (*index.Holdings, error) {
	s := x.s
	if q.Tenant != "" && q.Tenant != s.o.Tenant {
		s = s.Tenant(q.Tenant)
	}
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	h := &index.Holdings{}
	err = s.engine.view(ctx, func(c querier) error { return holdings(ctx, c, s.engine.dialect(), tenant, reach, q, h) })
	if err != nil {
		return nil, err
	}
	return h, nil
}

// holdings reads the study and whether it is in reach, then what is below it.
func holdings(ctx context.Context, q querier, d dialect, tenant int64, reach access.Predicate, of *index.HoldingsQuery, h *index.Holdings) error {
	st := newStatement(tenant, d)
	st.add("SELECT " + resultColumns(index.StudyLevel) + ", CASE WHEN ")
	if err := st.reach("r", reach, []string{"ImagingStudy"}); err != nil {
		return err
	}
	st.add(" AND r.deleted = 0 THEN 1 ELSE 0 END FROM dicom_study s LEFT JOIN resource r ON r.tenant = s.tenant AND r.type = 'ImagingStudy' "+
		"AND r.id = s.resource WHERE s.tenant = ? AND s.uid = ?", tenant, of.Study)
	err := each(ctx, q, st.sql(), st.args, func(c cursor) error {
		var r index.Result
		var reachable int64
		err := c.scan(append(resultDest(&r, index.StudyLevel), &reachable)...)
		h.Study, h.Reachable = &r.Study, reachable != 0
		return err
	})
	if err != nil {
		return err
	}
	return heldRows(ctx, q, d, tenant, of, h)
}

// heldRows reads series and instances without regard to reach.
func heldRows(ctx context.Context, q querier, d dialect, tenant int64, of *index.HoldingsQuery, h *index.Holdings) error {
	columns := func(n int) string {
		l := levels[n]
		return "SELECT " + l.alias + "." + strings.Join(append(l.own[:2:2], attributeColumns(l.level)...), ", "+l.alias+".")
	}
	series := newStatement(tenant, d).add(columns(1)+" FROM dicom_series e WHERE e.tenant = ? AND (e.study = ? OR ", tenant, of.Study)
	series.inTexts("e.uid", of.Series).add(") ORDER BY e.ord, e.uid")
	if err := each(ctx, q, series.sql(), series.args, func(c cursor) error {
		var r index.Result
		err := c.scan(levelDest(&r, 1)...)
		h.Series = append(h.Series, r.Series)
		return err
	}); err != nil {
		return err
	}
	instance := func(to *[]index.Instance) func(cursor) error {
		return func(c cursor) error {
			var r index.Result
			var digest []byte
			err := c.scan(append(levelDest(&r, 2), &digest)...)
			if to == &h.Instances {
				copy(r.Instance.Content.Digest[:], digest)
			}
			*to = append(*to, r.Instance)
			return err
		}
	}
	if len(of.Instances) > 0 {
		named := newStatement(tenant, d).add(columns(2)+", i.digest FROM dicom_instance i WHERE i.tenant = ? AND ", tenant)
		named.inTexts("i.uid", of.Instances).add(" ORDER BY i.uid")
		if err := each(ctx, q, named.sql(), named.args, instance(&h.Instances)); err != nil {
			return err
		}
	}
	if of.Members == 0 {
		return nil
	}
	return each(ctx, q, columns(2)+", i.digest FROM dicom_instance i WHERE i.tenant = ? AND i.study = ? ORDER BY i.series, i.ord, i.uid LIMIT ?",
		[]any{tenant, of.Study, int64(of.Members)}, instance(&h.Members))
}

// levelDest is resultDest of one level alone.
func levelDest(r *index.Result, n int) []any {
	all := resultDest(r, levels[n].level)
	return all[len(resultDest(r, levels[n].level-1)):]
}

// imageMatch appends one matching key.
func (s *statement) imageMatch(m index.Match) error {
	a := m.Attribute
	alias := levels[a.Level-1].alias
	column := alias + "." + a.Column
	switch {
	case a.Path != nil:
		s.imageValue(alias, a.Key(), func(value string) { s.textMatch(value, m) })
	case a.Kind == index.Name:
		s.nameMatch(m)
	case a.Kind == index.List:
		v := s.alias("v")
		if s.d.postgres {
			s.add("EXISTS (SELECT 1 FROM unnest(string_to_array(" + column + `, '\')) ` + v + " (value) WHERE ")
		} else {
			s.add("EXISTS (SELECT 1 FROM json_each('[' || replace(json_quote(" + column + `), '\\', '","') || ']') ` + v + " WHERE ")
		}
		s.textMatch(v+".value", m)
		s.add(")")
	case a.Kind == index.Integer:
		s.integers(column, m.Values)
	default:
		s.textMatch(column, m)
	}
	return nil
}

// imageValue appends that a row of dicom_value meets a condition.
func (s *statement) imageValue(alias, path string, condition func(value string)) {
	v := s.alias("v")
	s.add("EXISTS (SELECT 1 FROM dicom_value "+v+" WHERE "+v+".tenant = s.tenant AND "+v+".uid = "+alias+".uid AND "+v+".path = ? AND ", path)
	condition(v + ".value")
	s.add(")")
}

// nameMatch appends a name: one of its component groups, or its words.
func (s *statement) nameMatch(m index.Match) {
	s.add("(")
	if m.Attribute.Column == "patient_name" {
		n := s.alias("n")
		s.add("EXISTS (SELECT 1 FROM dicom_name " + n + " WHERE " + n + ".tenant = s.tenant AND " + n + ".study = s.uid AND ")
		s.textMatch(n+".folded", m)
		s.add(")")
	} else {
		s.imageValue("s", index.GroupsKey(m.Attribute.Tag), func(value string) { s.textMatch(value, m) })
	}
	if f := m.Fuzzy; f != nil {
		key := index.WordsKey(m.Attribute.Tag)
		begins := func(prefix string) { s.imageValue("s", key, func(value string) { s.wildcard(value, prefix+"*") }) }
		s.add(" OR ")
		begins(f.Whole)
		s.add(" OR (")
		for i, word := range f.Each {
			if i > 0 {
				s.add(" AND ")
			}
			begins(word)
		}
		s.add(")")
	}
	s.add(")")
}

func (s *statement) integers(column string, values []string) {
	s.add("(")
	for i, v := range values {
		if i > 0 {
			s.add(" OR ")
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			s.add(column+" = ?", n)
		} else {
			s.add("FALSE")
		}
	}
	s.orFalse(len(values)).add(")")
}

func (s *statement) textMatch(column string, m index.Match) {
	switch m.Op {
	case index.Like:
		s.add("(")
		for i, v := range m.Values {
			if i > 0 {
				s.add(" OR ")
			}
			s.wildcard(column, v)
		}
		s.orFalse(len(m.Values)).add(")")
	case index.Between:
		s.add("(" + column + " <> ''")
		if m.From != "" {
			s.add(" AND "+column+" >= ?", m.From)
		}
		if m.To != "" {
			s.add(" AND "+column+" <= ?", m.To)
		}
		s.add(")")
	default:
		values := slices.Clone(m.Values)
		for i := range values {
			values[i] = shortened(values[i])
		}
		s.inTexts(column, values)
	}
}

// wildcard appends a pattern in which * is any run and ? any one character.
func (s *statement) wildcard(column, pattern string) {
	if !s.d.postgres {
		s.add(column+" GLOB ?", strings.ReplaceAll(pattern, "[", "[[]"))
		return
	}
	like := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`, "*", "%", "?", "_").Replace(pattern)
	s.add(column+` LIKE ? ESCAPE '\'`, like)
}
