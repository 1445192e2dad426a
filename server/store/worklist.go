package store

import (
	"context"
	"strings"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
	"tenon/server/search"
)

var (
	openDue   = search.KeyOf("Task", "open-due")
	openAs    = search.KeyOf("Task", "open-as")
	openCase  = search.KeyOf("Task", "open-case")
	taskOwner = search.KeyOf("Task", "owner")
)

// How a worklist begins: with the cases of somebody who has few, with the open
// stages of roles that have few, or with what is due first, where much of it is
// wanted.
var (
	fewCases int64 = 300
	fewOpen  int64 = 1500
)

// OpenTasks implements record.Worklists. All statements see one state of the
// database.
func (s *Store) OpenTasks(ctx context.Context, q *record.OpenTasks) (*record.OpenPage, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	page := &record.OpenPage{}
	err = s.engine.view(ctx, func(c querier) error {
		w := &openLoad{OpenTasks: q, ctx: ctx, q: c, d: s.engine.dialect(), tenant: tenant}
		return w.page(page)
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

type openLoad struct {
	*record.OpenTasks
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
}

func (w *openLoad) statement() *statement { return newStatement(w.tenant, w.d) }

func (w *openLoad) page(page *record.OpenPage) error {
	s, err := w.candidates()
	if err != nil {
		return err
	}
	err = each(w.ctx, w.q, s.sql(), s.args, func(c cursor) error {
		var t record.OpenTask
		var rid, due int64
		err := c.scan(&rid, &due, &t.Task, &t.Case)
		t.Due = moment(due)
		page.Tasks = append(page.Tasks, t)
		return err
	})
	if err != nil {
		return err
	}
	if len(page.Tasks) > w.Count {
		page.Tasks, page.More = page.Tasks[:w.Count], true
	}
	return w.cases(page)
}

// candidates selects row, due date, id and case of the Tasks, in order, one more
// than the page holds.
func (w *openLoad) candidates() (*statement, error) {
	s := w.statement()
	few, err := w.few("SELECT 1 FROM case_access WHERE tenant = ? AND principal = ?", fewCases, w.tenant, w.Principal)
	if err != nil {
		return nil, err
	}
	j := s.forced()
	s.add("SELECT d.rid, d.low, r.id, t.target FROM ")
	switch {
	case few:
		s.add("case_access a "+j+" reference_row t ON t.tenant = a.tenant AND t.target = a.case_id AND t.key = ? AND t.type = 'Task' "+
			j+" date_row d ON d.rid = t.rid AND d.key = ? "+j+" resource r ON r.rid = d.rid WHERE a.tenant = ? AND a.principal = ? AND r.level <= a.ceiling",
			int64(openCase), int64(openDue), w.tenant, w.Principal)
	default:
		if err := w.fromOpen(s); err != nil {
			return nil, err
		}
		if err := s.add(" AND ").reach("r", access.InCase{Principals: []string{w.Principal}}, []string{"Task"}); err != nil {
			return nil, err
		}
	}
	s.add(" AND r.deleted = 0")
	w.filter(s)
	if w.After.Task != "" {
		s.add(" AND d.low >= ? AND (d.low > ? OR d.rid > COALESCE((SELECT p.rid FROM resource p WHERE p.tenant = ? AND p.type = 'Task' AND p.id = ?), 0))",
			micros(w.After.Due), micros(w.After.Due), w.tenant, w.After.Task)
	}
	return s.add(" ORDER BY d.low, d.rid LIMIT ?", int64(w.Count+1)), nil
}

// few tells whether a select finds no more than most rows, without counting on.
func (w *openLoad) few(sql string, most int64, args ...any) (bool, error) {
	var n int64
	_, err := one(w.ctx, w.q, "SELECT count(*) FROM ("+sql+" LIMIT ?) x", append(args, most+1), &n)
	return n <= most, err
}

// fromOpen begins with the open stages of the roles and stages where these are
// few, else with those that are due first.
func (w *openLoad) fromOpen(s *statement) error {
	codes, system := w.Stages, "urn:tenon:stage"
	if len(codes) == 0 {
		codes, system = w.Roles, "urn:tenon:role"
	}
	count := w.statement()
	count.add("SELECT 1 FROM token_row k WHERE k.tenant = ? AND k.key = ? AND k.system = ? AND ", w.tenant, int64(openAs), systemOf(system)).inTexts("k.code", codes)
	few, err := w.few(count.sql(), fewOpen, count.args...)
	if err != nil {
		return err
	}
	j := s.forced()
	if few {
		s.add("token_row k "+j+" date_row d ON d.rid = k.rid AND d.key = ? "+j+" resource r ON r.rid = d.rid "+
			j+" reference_row t ON t.rid = d.rid AND t.key = ? WHERE k.tenant = ? AND k.key = ? AND k.system = ? AND ",
			int64(openDue), int64(openCase), w.tenant, int64(openAs), systemOf(system)).inTexts("k.code", codes)
		return nil
	}
	s.add("date_row d "+j+" resource r ON r.rid = d.rid "+j+" reference_row t ON t.rid = d.rid AND t.key = ? WHERE d.tenant = ? AND d.key = ?",
		int64(openCase), w.tenant, int64(openDue))
	return nil
}

func (w *openLoad) filter(s *statement) {
	w.as(s, "urn:tenon:role", w.Roles)
	w.as(s, "urn:tenon:stage", w.Stages)
	if w.Owner != "" {
		typ, id, _ := strings.Cut(w.Owner, "/")
		s.add(" AND EXISTS (SELECT 1 FROM reference_row o WHERE o.rid = d.rid AND o.key = ? AND o.target = ? AND o.type = ?", int64(taskOwner), bounded(id), typ).shut()
	}
	if !w.Until.IsZero() {
		s.add(" AND d.low <= ?", micros(w.Until))
	}
}

func (w *openLoad) as(s *statement, system string, codes []string) {
	if len(codes) == 0 {
		return
	}
	k := s.alias("k")
	s.add(" AND EXISTS (SELECT 1 FROM token_row "+k+" WHERE "+k+".rid = d.rid AND "+k+".key = ? AND "+k+".system = ? AND ", int64(openAs), systemOf(system))
	s.inTexts(k+".code", codes).shut()
}

// cases loads all Tasks of the cases, and their signatures.
func (w *openLoad) cases(page *record.OpenPage) error {
	page.Cases = map[string]*record.CaseData{}
	var ids []string
	for _, t := range page.Tasks {
		if page.Cases[t.Case] == nil {
			page.Cases[t.Case] = &record.CaseData{Case: t.Case}
			ids = append(ids, t.Case)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	s := w.statement()
	s.add("SELECT "+versionColumns+", m.case_id FROM member m "+s.forced()+" resource r ON r.rid = m.rid WHERE m.tenant = ? AND m.type = 'Task' AND ", w.tenant)
	s.inTexts("m.case_id", ids).add(" AND r.deleted = 0 ORDER BY r.rid")
	err := each(w.ctx, w.q, s.sql(), s.args, func(c cursor) error {
		var v record.Version
		var id string
		if err := scanVersion(c, &v, &id); err != nil {
			return err
		}
		page.Cases[id].Members = append(page.Cases[id].Members, v)
		return nil
	})
	if err != nil {
		return err
	}
	return w.signatures(page, ids)
}

func (w *openLoad) signatures(page *record.OpenPage, ids []string) error {
	s := w.statement().add("SELECT case_id, target, version, digest, role, purpose, at, outcome FROM signature WHERE tenant = ? AND ", w.tenant)
	s.inTexts("case_id", ids).add(" ORDER BY seq")
	return each(w.ctx, w.q, s.sql(), s.args, func(c cursor) error {
		var sig casework.Signature
		var id, role string
		var digest []byte
		var at int64
		err := c.scan(&id, &sig.Target, &sig.Version, &digest, &role, &sig.Purpose, &at, &sig.Outcome)
		sig.Role, sig.When = access.Role(role), moment(at)
		copy(sig.Digest[:], digest)
		page.Cases[id].Signatures = append(page.Cases[id].Signatures, sig)
		return err
	})
}
