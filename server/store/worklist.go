package store

import (
	"context"
	"slices"
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
// wanted. Between few and a fifth of it PostgreSQL lists the open stages of the
// roles and walks what is due first past that list, in memory: to look up when each
// of them is due costs more.
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
	n, err := w.upTo("SELECT 1 FROM case_access WHERE tenant = ? AND principal = ?", fewCases, w.tenant, w.Principal)
	if err != nil {
		return nil, err
	}
	if n <= fewCases {
		w.fromCases(s)
	} else if err := w.fromOpen(s); err != nil {
		return nil, err
	}
	return s.add(" ORDER BY d.low, d.rid LIMIT ?", int64(w.Count+1)), nil
}

// fromCases begins with the cases of the person.
func (w *openLoad) fromCases(s *statement) {
	j := s.forced()
	s.add("SELECT d.rid, d.low, r.id, t.target FROM case_access a "+j+" reference_row t ON t.tenant = a.tenant AND t.target = a.case_id AND t.key = ? AND t.type = 'Task' "+
		j+" date_row d ON d.rid = t.rid AND d.key = ? "+j+" resource r ON r.rid = d.rid WHERE a.tenant = ? AND a.principal = ? AND r.level <= a.ceiling AND r.deleted = 0",
		int64(openCase), int64(openDue), w.tenant, w.Principal)
	w.filter(s, w.open())
}

// upTo counts the rows of a select, one more than most at the most.
func (w *openLoad) upTo(sql string, most int64, args ...any) (n int64, err error) {
	_, err = one(w.ctx, prepared(w.q), "SELECT count(*) FROM ("+sql+" LIMIT ?) x", append(args, most+1), &n)
	return n, err
}

// fromOpen puts open stages in their order first, those of the roles and stages
// where these are few, and looks at their Tasks and cases only until the page is
// full.
func (w *openLoad) fromOpen(s *statement) error {
	lead, n, others, err := w.lead()
	if err != nil {
		return err
	}
	listed := lead != nil && w.d.postgres && n > fewOpen/5
	columns := "r.id, t.target"
	if w.d.postgres {
		columns = "x.id, x.target"
	}
	s.add("SELECT d.rid, d.low, " + columns + " FROM (SELECT d.rid, d.low FROM ")
	if lead != nil && !listed {
		s.add("(SELECT DISTINCT rid FROM (").join(lead).add(") q) o " + s.forced() + " date_row d ON d.rid = o.rid")
	} else {
		s.add("date_row d")
	}
	s.add(" WHERE d.tenant = ? AND d.key = ?", w.tenant, int64(openDue))
	if listed { // IS TRUE keeps it a set that is asked, not a join that loses the order
		s.add(" AND (d.rid IN (").join(lead).add(")) IS TRUE")
	}
	w.filter(s, others)
	s.add(" ORDER BY d.low, d.rid) d")
	w.task(s)
	return nil
}

// task joins the Task of d and its case, where the person reaches it. It is looked
// up row by row: a join of sets would lose the order and read all.
func (w *openLoad) task(s *statement) {
	begin, end := " CROSS JOIN resource r CROSS JOIN reference_row t", ""
	if w.d.postgres {
		begin, end = ", LATERAL (SELECT r.id, t.target FROM resource r JOIN reference_row t ON t.rid = r.rid", " OFFSET 0) x"
	}
	s.add(begin+" WHERE r.rid = d.rid AND t.rid = d.rid AND t.key = ? AND r.deleted = 0 AND EXISTS "+
		"(SELECT 1 FROM case_access a WHERE a.tenant = ? AND a.case_id = t.target AND a.principal = ? AND r.level <= a.ceiling)"+end,
		int64(openCase), w.tenant, w.Principal)
}

func (w *openLoad) filter(s *statement, asked []openAsCodes) {
	for _, as := range asked {
		k := s.alias("k")
		s.add(" AND EXISTS (SELECT 1 FROM token_row " + k + " WHERE " + k + ".tenant = d.tenant AND " + k + ".rid = d.rid AND ")
		as.in(s, k).shut()
	}
	if w.Owner != "" {
		typ, id, _ := strings.Cut(w.Owner, "/")
		s.add(" AND EXISTS (SELECT 1 FROM reference_row o WHERE o.rid = d.rid AND o.key = ? AND o.target = ? AND o.type = ?", int64(taskOwner), bounded(id), typ).shut()
	}
	if !w.Until.IsZero() {
		s.add(" AND d.low <= ?", micros(w.Until))
	}
	if w.After.Task != "" {
		s.add(" AND d.low >= ? AND (d.low > ? OR d.rid > COALESCE((SELECT p.rid FROM resource p WHERE p.tenant = ? AND p.type = 'Task' AND p.id = ?), 0))",
			micros(w.After.Due), micros(w.After.Due), w.tenant, w.After.Task)
	}
}

// openAsCodes are codes of a system, one of which an open stage must bear.
type openAsCodes struct {
	system string
	codes  []string
}

// open is what is asked of an open stage: its code, its roles.
func (w *openLoad) open() (all []openAsCodes) {
	for _, as := range []openAsCodes{{"urn:tenon:stage", w.Stages}, {"urn:tenon:role", w.Roles}} {
		if len(as.codes) > 0 {
			all = append(all, as)
		}
	}
	return all
}

// in compares a row of tokens with the codes.
func (a openAsCodes) in(s *statement, k string) *statement {
	return s.add(k+".key = ? AND "+k+".system = ? AND ", int64(openAs), systemOf(a.system)).inTexts(k+".code", a.codes)
}

// lead selects the open stages of what is asked first that has few, and returns how
// many these are and what else is asked; nil where all have many.
func (w *openLoad) lead() (lead *statement, n int64, others []openAsCodes, err error) {
	asked := w.open()
	for i, as := range asked {
		s := as.in(w.statement().add("SELECT k.rid FROM token_row k WHERE k.tenant = ? AND ", w.tenant), "k")
		n, err := w.upTo(s.sql(), fewOpen, s.args...)
		if err != nil {
			return nil, 0, nil, err
		}
		if n <= fewOpen {
			return s, n, slices.Concat(asked[:i], asked[i+1:]), nil
		}
	}
	return nil, 0, asked, nil
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
	return w.q.askAll(w.ctx, []ask{w.askTasks(page, ids), w.askSignatures(page, ids)})
}

func (w *openLoad) askTasks(page *record.OpenPage, ids []string) ask {
	s := w.statement().add("SELECT " + versionColumns + ", m.case_id FROM member m")
	s.nest("*", "resource", "r").add("r.rid = m.rid AND r.deleted = 0").nested("r").add(" WHERE m.tenant = ? AND m.type = 'Task' AND ", w.tenant)
	s.inTexts("m.case_id", ids).add(" ORDER BY r.rid")
	return ask{s.sql(), s.args, func(c cursor) error {
		var v record.Version
		var id string
		if err := scanVersion(c, &v, &id); err != nil {
			return err
		}
		page.Cases[id].Members = append(page.Cases[id].Members, v)
		return nil
	}}
}

func (w *openLoad) askSignatures(page *record.OpenPage, ids []string) ask {
	s := w.statement().add("SELECT case_id, target, version, digest, role, purpose, at, outcome FROM signature WHERE tenant = ? AND ", w.tenant)
	s.inTexts("case_id", ids).add(" ORDER BY seq")
	return ask{s.sql(), s.args, func(c cursor) error {
		var sig casework.Signature
		var id, role string
		var digest []byte
		var at int64
		err := c.scan(&id, &sig.Target, &sig.Version, &digest, &role, &sig.Purpose, &at, &sig.Outcome)
		sig.Role, sig.When = access.Role(role), moment(at)
		copy(sig.Digest[:], digest)
		page.Cases[id].Signatures = append(page.Cases[id].Signatures, sig)
		return err
	}}
}
