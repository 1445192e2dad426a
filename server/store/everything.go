package store

import (
	"context"
	"slices"
	"strings"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// Everything implements record.Gatherer. All statements of a page see one state
// of the database.
func (s *Store) Everything(ctx context.Context, g *record.Gathering) (*record.EverythingPage, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	page := &record.EverythingPage{}
	err = s.engine.view(ctx, func(q querier) error {
		e := &gathering{ctx: ctx, q: q, d: s.engine.dialect(), tenant: tenant, mask: s.o.Mask, Gathering: g}
		return e.page(page)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// gathering is one page of $everything in the making.
type gathering struct {
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
	after  int64 // row behind which the page begins
	mask   Mask
	*record.Gathering
}

// gathered is a resource that belongs to the page, before its body is read.
type gathered struct{ rid, size int64 }

func (e *gathering) statement() *statement { return newStatement(e.tenant, e.d) }

func (e *gathering) page(page *record.EverythingPage) error {
	first, err := e.begin()
	if err != nil {
		return err
	}
	var found []gathered
	var core func(rows []int64) ([]int64, error) // those of the rows that are not linked ones
	if len(e.Subjects) > 0 {
		var own, all []int64
		if own, all, err = e.ofSubjects(); err != nil {
			return err
		}
		core = func([]int64) ([]int64, error) { return own, nil }
		found, err = e.wanted(all, first)
	} else {
		core = e.coreOf
		found, err = e.ofAll()
	}
	if err != nil {
		return err
	}
	found, page.More = cutGathered(found, e.Count)
	rows := make([]int64, len(found))
	for i := range found {
		rows[i] = found[i].rid
	}
	mine, err := core(rows)
	if err != nil {
		return err
	}
	page.Resources, err = e.bodies(rows, mine)
	return err
}

// begin finds the place of the page. The one that is asked for comes first,
// whatever its row; first is its row where this is the first page.
func (e *gathering) begin() (first int64, err error) {
	row := func(typ, id string) (rid int64, err error) {
		s := e.statement().add("SELECT r.rid FROM resource r WHERE r.tenant = ? AND r.type = ? AND r.id = ? AND ", e.tenant, typ, id)
		reach := e.Reach
		if typ == e.Type && slices.Contains(e.Subjects, id) {
			reach = e.Named
		}
		if err := s.reach("r", reach, []string{typ}); err != nil {
			return 0, err
		}
		found, err := one(e.ctx, e.q, s.sql(), s.args, &rid)
		if err == nil && !found {
			err = record.ErrAbsent
		}
		return rid, err
	}
	if e.After != "" && (e.ID == "" || e.After != e.Type+"/"+e.ID) {
		typ, id, _ := strings.Cut(e.After, "/")
		e.after, err = row(typ, id)
		return 0, err
	}
	if e.After == "" && e.ID != "" {
		return row(e.Type, e.ID)
	}
	return 0, nil
}

// ofSubjects lists the rows of the compartment and of the cases, and those with
// what they refer to.
func (e *gathering) ofSubjects() (own, all []int64, err error) {
	if own, err = e.compartment(); err != nil {
		return nil, nil, err
	}
	linked, err := e.linked(own, nil)
	if err != nil {
		return nil, nil, err
	}
	more, err := e.linked(linked, []string{"PractitionerRole"})
	if err != nil {
		return nil, nil, err
	}
	all = slices.Concat(own, linked, more)
	slices.Sort(all)
	return own, slices.Compact(all), nil
}

var (
	taskSubject = search.KeyOf("Task", "subject")
	taskPatient = search.KeyOf("Task", "patient")
	fileAddress = search.KeyOf("DocumentReference", "location")
)

// compartment lists what belongs to the subjects itself.
func (e *gathering) compartment() ([]int64, error) {
	s := e.statement()
	s.add("SELECT r.rid FROM resource r WHERE r.rid IN (SELECT t.rid FROM reference_row t WHERE t.tenant = ? AND t.type = ? AND ", e.tenant, e.Type)
	s.inTexts("t.target", e.Subjects).add(" AND ").inRows("t.key", keyNumbers(e.Keys))
	s.add(" UNION SELECT o.rid FROM resource o WHERE o.tenant = ? AND o.type = ? AND ", e.tenant, e.Type).inTexts("o.id", e.Subjects)
	if e.Type == "Patient" {
		j := s.forced()
		s.add(" UNION SELECT m.rid FROM reference_row t "+j+" resource c ON c.rid = t.rid "+j+" member m ON m.tenant = c.tenant AND m.case_id = c.id "+
			j+" resource x ON x.rid = m.rid WHERE t.tenant = ? AND t.type = 'Patient' AND t.key IN (?, ?) AND ", e.tenant, int64(taskSubject), int64(taskPatient))
		s.inTexts("t.target", e.Subjects).add(" AND c.type = 'Task' AND c.deleted = 0 AND ")
		if err := s.reach("c", e.Reach, []string{"Task"}); err != nil {
			return nil, err
		}
		s.add(" AND ").inTexts("x.patient", e.about())
	}
	s.add(") AND r.deleted = 0 AND (")
	if err := s.reach("r", e.Reach, nil); err != nil {
		return nil, err
	}
	if access.ShowsParts(e.Named) {
		s.add(" OR r.type = ? AND ", e.Type).inTexts("r.id", e.Subjects).add(" AND ")
		if err := s.reach("r", e.Named, []string{e.Type}); err != nil {
			return nil, err
		}
	}
	s.add(")")
	e.cared(s, "r")
	return e.numbers(s)
}

// about are the patients that a linked resource may be about, and nobody.
func (e *gathering) about() []string { return append([]string{""}, e.Patients...) }

// linked lists what these rows refer to.
func (e *gathering) linked(rows []int64, types []string) ([]int64, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	s := e.statement()
	j := s.forced()
	s.add("SELECT DISTINCT r.rid FROM reference_row t " + j + " resource x ON x.rid = t.rid " + j +
		" resource r ON r.tenant = t.tenant AND r.type = t.type AND r.id = t.target WHERE ")
	s.inRows("t.rid", rows).add(" AND r.deleted = 0 AND ").inTexts("r.patient", e.about()).add(" AND ")
	if err := s.reach("r", e.Reach, nil); err != nil {
		return nil, err
	}
	if len(types) > 0 {
		s.add(" AND ").inTexts("x.type", types)
	}
	found, err := e.numbers(s)
	if err != nil {
		return nil, err
	}
	files, err := e.files(rows)
	return append(found, files...), err
}

// files lists the Binaries that documents among these rows name.
func (e *gathering) files(rows []int64) ([]int64, error) {
	s := e.statement().add("SELECT u.uri FROM uri_row u WHERE u.key = ? AND ", int64(fileAddress)).inRows("u.rid", rows)
	var ids []string
	err := each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
		var uri string
		err := c.scan(&uri)
		if e.BaseURL != "" {
			uri = strings.TrimPrefix(uri, e.BaseURL+"/")
		}
		if id, ok := strings.CutPrefix(uri, "Binary/"); ok {
			ids = append(ids, id)
		}
		return err
	})
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	s = e.statement().add("SELECT r.rid FROM resource r WHERE r.tenant = ? AND r.type = 'Binary' AND ", e.tenant).inTexts("r.id", ids)
	s.add(" AND r.deleted = 0 AND ").inTexts("r.patient", e.about()).add(" AND ")
	if err := s.reach("r", e.Reach, []string{"Binary"}); err != nil {
		return nil, err
	}
	return e.numbers(s)
}

func (e *gathering) numbers(s *statement) (rows []int64, err error) {
	err = each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
		var rid int64
		err := c.scan(&rid)
		rows = append(rows, rid)
		return err
	})
	slices.Sort(rows)
	return rows, err
}

// gatheredChunk is how many rows are asked for their sizes at once.
const gatheredChunk = 5000

// wanted keeps of sorted rows those that the page may hold, and one more.
func (e *gathering) wanted(rows []int64, first int64) (found []gathered, err error) {
	subject := int64(0) // is not met again behind its first place
	if e.ID != "" {
		if _, err := one(e.ctx, e.q, "SELECT rid FROM resource WHERE tenant = ? AND type = ? AND id = ?", []any{e.tenant, e.Type, e.ID}, &subject); err != nil {
			return nil, err
		}
	}
	take := func(rows []int64) error {
		s := e.statement().add("SELECT r.rid, length(r.body) FROM resource r WHERE ").inRows("r.rid", rows)
		e.filter(s, "r")
		s.add(" ORDER BY r.rid LIMIT ?", int64(e.Count+1-len(found)))
		return each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
			var g gathered
			err := c.scan(&g.rid, &g.size)
			found = append(found, g)
			return err
		})
	}
	if first != 0 {
		if err := take([]int64{first}); err != nil {
			return nil, err
		}
	}
	rows = slices.DeleteFunc(rows, func(rid int64) bool { return rid <= e.after || rid == subject })
	for chunk := range slices.Chunk(rows, gatheredChunk) {
		if len(found) > e.Count {
			break
		}
		if err := take(chunk); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// filter appends _type and _since.
func (e *gathering) filter(s *statement, r string) {
	if len(e.Types) > 0 {
		s.add(" AND ").inTexts(r+".type", e.Types)
	}
	if !e.Since.IsZero() {
		s.add(" AND "+r+".updated >= ?", micros(e.Since))
	}
}

// cared appends that the dates of care of r, if it has any, touch the period.
func (e *gathering) cared(s *statement, r string) {
	if len(e.Dates) == 0 {
		return
	}
	keys := keyNumbers(e.Dates)
	s.add(" AND (NOT EXISTS (SELECT 1 FROM date_row d WHERE d.rid = "+r+".rid AND ").inRows("d.key", keys)
	s.add(") OR EXISTS (SELECT 1 FROM date_row d WHERE d.rid = "+r+".rid AND ").inRows("d.key", keys)
	if !e.From.IsZero() {
		s.add(" AND d.high >= ?", micros(e.From))
	}
	if !e.To.IsZero() {
		s.add(" AND d.low < ?", micros(e.To))
	}
	s.add("))")
}

// cutGathered keeps as many as are asked for and as fit.
func cutGathered(all []gathered, count int) (kept []gathered, more bool) {
	bytes := int64(0)
	for i := range all {
		bytes += all[i].size
		if i == count || i > 0 && bytes > historyBytes {
			return all[:i], true
		}
	}
	return all, false
}

// bodies reads these rows, in their order; own are sorted.
func (e *gathering) bodies(rows, own []int64) ([]record.Gathered, error) {
	out := make([]record.Gathered, len(rows))
	if len(rows) == 0 {
		return out, nil
	}
	all, at := make([]record.Version, len(rows)), make(map[int64]int, len(rows))
	for i, rid := range rows {
		at[rid] = i
	}
	s := e.statement().add("SELECT "+versionColumns+", r.rid FROM resource r WHERE ").inRows("r.rid", rows)
	err := each(e.ctx, e.q, s.sql(), s.args, func(c cursor) error {
		var v record.Version
		var rid int64
		err := scanVersion(c, &v, &rid)
		all[at[rid]] = v
		return err
	})
	if err != nil {
		return nil, err
	}
	m := masking{e.ctx, e.q, e.d, e.tenant, e.mask}
	if err := m.versions(e.Named, nil, all, rows, make([]bool, len(rows))); err != nil {
		return nil, err
	}
	for i, v := range all {
		_, mine := slices.BinarySearch(own, rows[i])
		out[i] = record.Gathered{Version: v, Linked: !mine}
	}
	return out, nil
}

func keyNumbers(keys []search.Key) []int64 {
	out := make([]int64, len(keys))
	for i, k := range keys {
		out[i] = int64(k)
	}
	return out
}
