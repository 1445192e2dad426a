package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
	"tenon/server/revision"
	"tenon/server/search"
)

// Submit writes a draft. It prepares a unit, commits it, and prepares again when
// what it relied on has changed meanwhile. A refusal is audited; nothing of a
// refused draft is written.
func (r *Recorder) Submit(ctx context.Context, who *access.Context, d *Draft) (*Outcome, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	return r.submit(ctx, who, d, internal{})
}

// internal is what only this room may put into a unit: the marks of operations
// that the server itself performs for the caller.
type internal struct {
	opens     string                               // id of the root Task of a case that this draft opens
	caseID    string                               // of the signature
	signature *casework.Signature                  // of the Provenance that this draft writes
	plan      *casework.Resource                   // with opens: the plan that the case pins
	trusted   bool                                 // bodies were made by the server: allow is not asked
	names     bool                                 // the caller chooses ids: an import
	timer     *dispatch.Message                    // that fell due: its case is looked at again
	follows   func(*preparation) ([][]byte, error) // resources that the server writes in the same unit
	messages  []dispatch.Message                   // of no case, that go out with the unit
	erases    *expunge                             // deletes members of cases whose retention has ended
	quiet     bool                                 // a refusal is not audited here: its parts are tried by themselves
}

func (r *Recorder) submit(ctx context.Context, who *access.Context, d *Draft, in internal) (*Outcome, error) {
	var floor time.Time
	d = onced(ctx, d)
	refuse := func(err error) error {
		if in.quiet {
			return err
		}
		return r.refuse(ctx, who, d, err)
	}
	for try := range attempts {
		if repeat, err := r.repeated(ctx, d); err != nil {
			return nil, err
		} else if repeat != nil {
			return r.again(ctx, who, d, repeat)
		}
		whole, err := r.several(ctx, who, d)
		if err != nil {
			return nil, refuse(err)
		}
		p := &preparation{r: r, ctx: ctx, who: who, draft: whole, in: in, at: later(r.now(), floor)}
		if err := p.run(); err != nil {
			return nil, refuse(err)
		}
		p.outcomeRef()
		if p.unit.empty() {
			return p.outcome, r.o.Store.Audit(ctx, p.unit.Audit)
		}
		reads := postponedOf(ctx).waiting()
		p.unit.Audit = append(p.unit.Audit, reads...)
		err = r.o.Store.Commit(ctx, &p.unit)
		if err == nil {
			postponedOf(ctx).kept(len(reads))
			p.settle()
			return p.outcome, nil
		}
		if !errors.Is(err, ErrStale) {
			return nil, refuse(fmt.Errorf("record: commit: %w", err))
		}
		if err := r.o.Definitions.Refresh(ctx); err != nil {
			return nil, fmt.Errorf("record: definitions: %w", err)
		}
		if floor, err = r.floor(ctx); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Duration(try) * time.Millisecond):
		}
	}
	return nil, refuse(issue.Errorf(issue.Conflict,
		"Others keep changing the same resources. Read them again and repeat the request.").
		Rule("contention").Chinese("数据正被他人修改，请刷新后重试。"))
}

// repeated answers a message of a machine door that was taken before. The same
// number with another content is refused: one of the two would be lost.
func (r *Recorder) repeated(ctx context.Context, d *Draft) (*Outcome, error) {
	for _, k := range d.Keys {
		seen, err := r.o.Store.KeySeen(ctx, k.Door, k.Key)
		if err != nil {
			return nil, err
		}
		if seen == nil {
			continue
		}
		if seen.Digest != k.Digest {
			return nil, issue.Errorf(issue.Duplicate, "The message number %q was used before with another content; give it a new number.", k.Key).
				Rule("idempotency-key")
		}
		return &Outcome{Repeat: seen.Ref}, nil
	}
	return nil, nil
}

// refuse audits a refusal and returns it.
func (r *Recorder) refuse(ctx context.Context, who *access.Context, d *Draft, err error) error {
	f := issue.As(err)
	if f == nil {
		return err
	}
	if auditErr := r.o.Store.Audit(ctx, r.refusals(who, d, f.HTTPStatus())); auditErr != nil {
		return fmt.Errorf("record: audit: %w", auditErr)
	}
	return err
}

// refusals are the audit rows of a refused draft.
func (r *Recorder) refusals(who *access.Context, d *Draft, status int) []Audit {
	rows := make([]Audit, len(d.Ops))
	for i, op := range d.Ops {
		rows[i] = r.audit(who, actionOf(op.Method), d.Operation, op.Type+"/"+op.ID, status)
		rows[i].Door = d.Door
	}
	return rows
}

func (u *Unit) empty() bool {
	return len(u.Versions) == 0 && len(u.Rows) == 0 && len(u.Keys) == 0
}

func actionOf(method string) string {
	return map[string]string{"POST": "C", "PUT": "U", "PATCH": "U", "DELETE": "D"}[method]
}

// preparation makes one unit of a draft. It is used once.
type preparation struct {
	r     *Recorder
	ctx   context.Context
	who   *access.Context
	draft *Draft
	in    internal
	at    time.Time
	rev   *revision.Revision // that the draft is judged by

	targets targets
	unit    Unit
	outcome *Outcome
	writes  []*write // one an operation; nil where nothing is written
	cases   map[string]*touched
	holders map[string][]string // cases in the record that hold Type/id, once asked
	links   map[string]string   // fullUrl of an entry → Type/id
	asked   map[string]int      // condition of an operation that found nothing → that operation
	same    map[int]int         // conditional create → the equal one before it
	refs    map[string]string   // conditional reference → what it matches
	gone    map[string]bool     // what the operations so far delete
}

// write is one operation on its way to a version.
type write struct {
	op      Op
	typ, id string
	before  *Version // current version, nil when there is none
	body    []byte   // resource as it will be stored, before id and meta
	root    tree.Node
	version *Version
	server  bool              // an effect: the server's own doing
	judged  bool              // the body as it is
	tokens  []search.TokenRow // once a conditional reference asked for them

	warnings []issue.Issue
}

// run takes the steps of the room in their order (see the package comment).
func (p *preparation) run() error {
	p.unit = Unit{Tenant: p.r.o.Tenant, At: p.at, Blobs: p.draft.Blobs, Keys: p.draft.Keys, Rows: p.draft.Rows}
	p.outcome = &Outcome{Results: make([]Result, len(p.draft.Ops))}
	p.writes = make([]*write, len(p.draft.Ops))
	p.cases = map[string]*touched{}
	p.links, p.refs, p.gone = map[string]string{}, map[string]string{}, map[string]bool{}
	p.asked, p.same = map[string]int{}, map[int]int{}
	p.rev = p.r.revision()
	p.unit.Reads.Definitions = p.rev.Number
	p.targets = targets{r: p.r, ctx: p.ctx, reach: p.who.ReachNamed(), links: p.links}
	steps := []func() error{p.resolve, p.link, p.allowAll, p.define, p.make, p.plans, p.join, p.codes, p.referred, p.judge, p.activate, p.finish}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// resolve finds out what every operation is about: its id, its current version,
// what its condition matches.
func (p *preparation) resolve() error {
	taken := map[string]int{}
	for i, op := range p.draft.Ops {
		if err := p.r.knownType(op.Type); err != nil {
			return at(err, i, p.draft)
		}
		w := &write{op: op, typ: op.Type, id: op.ID}
		if err := p.permit(w); err != nil {
			return at(err, i, p.draft)
		}
		done, err := p.target(w, i)
		if err != nil {
			return at(err, i, p.draft)
		}
		if op.FullURL != "" && w.id != "" {
			p.links[op.FullURL] = w.typ + "/" + w.id
		}
		if done {
			continue
		}
		if first, twice := taken[w.typ+"/"+w.id]; twice {
			return issue.Errorf(issue.Invalid, "Entries %d and %d write the same resource %s/%s; a transaction may write it once.",
				first, i, w.typ, w.id).Rule("transaction-overlap")
		}
		taken[w.typ+"/"+w.id] = i
		if w.op.Method == "DELETE" {
			p.gone[w.typ+"/"+w.id] = true
		}
		p.writes[i] = w
	}
	return nil
}

// permit refuses what no scope of an app covers before anything is looked up, so
// that the refusal says nothing of any resource.
func (p *preparation) permit(w *write) error {
	if p.in.trusted {
		return nil
	}
	if (w.op.IfNoneExist != "" || w.op.Criteria != "") && !p.who.Permits(access.Search, w.typ) {
		return p.who.Permit(access.Search, w.typ)
	}
	if w.op.Method == "POST" {
		return p.who.Permit(access.Create, w.typ)
	}
	return p.who.Permit(w.verb(), w.typ)
}

// verb is that of an operation on what is there.
func (w *write) verb() access.Verb {
	if w.op.Method == "DELETE" {
		return access.Delete
	}
	return access.Update
}

// target fills id and current version of one operation. done is true when
// nothing needs to be written.
func (p *preparation) target(w *write, i int) (done bool, err error) {
	switch {
	case w.op.IfNoneExist != "":
		return p.createIfNone(w, i)
	case w.op.Criteria != "":
		if done, err := p.byCriteria(w, i); done || err != nil {
			return done, err
		}
	case w.op.Method == "POST":
		w.id, err = p.r.newID()
		return false, err
	}
	if w.id == "" {
		w.id, err = p.r.newID()
		return false, err
	}
	if w.before == nil {
		reach := p.r.inPart(p.who.ReachTo(w.verb()), w.typ)
		if p.in.erases != nil {
			reach = access.Everything{} // whoever keeps the record need not be in the case
		}
		if w.before, err = p.r.current(p.ctx, reach, w.typ, w.id); err != nil {
			return false, err
		}
	}
	p.relyOn(w)
	return p.precondition(w, i)
}

// relyOn puts the version that the write starts from into the read set.
func (p *preparation) relyOn(w *write) {
	read := VersionRead{Type: w.typ, ID: w.id}
	if w.before != nil {
		read.Version = w.before.Version
	}
	p.unit.Reads.Versions = append(p.unit.Reads.Versions, read)
}

// precondition judges If-Match and what the method may do with what is there.
func (p *preparation) precondition(w *write, i int) (done bool, err error) {
	exists := w.before != nil && !w.before.Deleted
	if w.op.IfMatch == "0" && p.draft.Door != "fhir" && !exists {
		return false, nil // a door of ours names a resource that must be new, or deleted
	}
	if w.op.IfNoneMatch == "*" && exists {
		return false, issue.Errorf(issue.Conflict, "If-None-Match: * asks that there is no %s/%s yet, but it is at version %d.", w.typ, w.id, w.before.Version).
			Rule("exists-already").WithStatus(412).Chinese("资源已存在。")
	}
	if w.op.IfMatch != "" {
		if !exists || w.op.IfMatch != "*" && w.op.IfMatch != fmt.Sprint(w.before.Version) {
			return false, staleMatch(w)
		}
	}
	switch w.op.Method {
	case "DELETE":
		if w.before == nil {
			return false, absent(w.typ, w.id)
		}
		if !exists {
			p.outcome.Results[i] = Result{Status: 204}
			return true, nil
		}
	case "PATCH":
		if !exists {
			return false, absent(w.typ, w.id)
		}
	case "PUT":
		if w.before == nil && !p.mayName() {
			return false, issue.Errorf(issue.NotFound,
				"There is no %s/%s, and this server gives new resources their id: use POST.", w.typ, w.id).Rule("no-update-as-create")
		}
	}
	return false, nil
}

func staleMatch(w *write) error {
	now := "does not exist"
	if w.before != nil {
		now = fmt.Sprintf("is at version %d", w.before.Version)
	}
	return issue.Errorf(issue.Conflict, "If-Match names version %s, but %s/%s %s. Read it again and repeat the change on the new version.",
		w.op.IfMatch, w.typ, w.id, now).Rule("stale-if-match").WithStatus(412).Chinese("版本已更新，请重新读取后再修改。")
}

// mayName tells whether the caller may choose the id of a new resource.
func (p *preparation) mayName() bool {
	return p.r.o.UpdateAsCreate || p.in.trusted || p.in.names || p.who.Kind == access.Operator || p.who.Kind == access.Server
}

// createIfNone is the conditional create.
// https://hl7.org/fhir/R4/http.html#ccreate
func (p *preparation) createIfNone(w *write, i int) (bool, error) {
	hit, err := p.match(w, w.op.IfNoneExist)
	if err != nil {
		return false, err
	}
	if hit == nil {
		condition := "POST " + conditionOf(w.typ, w.op.IfNoneExist)
		if first, twice := p.asked[condition]; twice {
			p.same[i] = first
			w.id = p.writes[first].id
			return true, nil
		}
		p.asked[condition] = i
		w.id, err = p.r.newID()
		return false, err
	}
	w.id = hit.ID
	v, err := p.r.o.Store.Read(p.ctx, p.r.inPart(p.who.ReachTo(access.Search), w.typ), w.typ, hit.ID)
	if err != nil {
		return false, err
	}
	p.outcome.Results[i] = Result{Status: 200, Version: v}
	row := p.r.audit(p.who, "R", "conditional-create", w.typ+"/"+w.id, 200)
	row.Patient = v.Patient
	p.unit.Audit = append(p.unit.Audit, row)
	return true, nil
}

// byCriteria resolves a conditional update, patch or delete.
// https://hl7.org/fhir/R4/http.html#cond-update
func (p *preparation) byCriteria(w *write, i int) (bool, error) {
	hit, err := p.match(w, w.op.Criteria)
	if err != nil {
		return false, err
	}
	if hit != nil {
		if w.op.ID != "" && w.op.ID != hit.ID {
			return false, issue.Errorf(issue.Invalid, "The resource has the id %q, but the criteria match %s/%s.", w.op.ID, w.typ, hit.ID).Rule("criteria-id")
		}
		w.id = hit.ID
		return false, nil
	}
	if w.op.Method != "PUT" {
		return false, absent(w.typ, "?"+w.op.Criteria)
	}
	condition := "PUT " + conditionOf(w.typ, w.op.Criteria)
	if first, twice := p.asked[condition]; twice {
		return false, issue.Errorf(issue.Invalid, "Entries %d and %d update what the same criteria match on %s; a transaction may write it once.", first, i, w.typ).
			Rule("transaction-overlap").WithStatus(400)
	}
	p.asked[condition] = i
	return false, p.named(w)
}

// named gives what a conditional update creates the id that its body has, where
// the caller may choose one. https://hl7.org/fhir/R4/http.html#cond-update
func (p *preparation) named(w *write) error {
	root, err := parsed(w.op.Body)
	if err != nil {
		return err
	}
	id := root.Path("id").Str()
	if id == "" {
		return nil
	}
	if !p.mayName() {
		return issue.Errorf(issue.Invalid, "The criteria match nothing, and this server gives new resources their id; leave out the id %q.", clipped(id)).
			At(w.typ + ".id").Rule("no-update-as-create").WithStatus(400)
	}
	w.id = id
	if w.before, err = p.r.current(p.ctx, p.r.inPart(p.who.ReachTo(access.Update), w.typ), w.typ, id); err != nil {
		return err
	}
	if w.before != nil && !w.before.Deleted {
		return issue.Errorf(issue.Conflict, "The criteria match nothing, but there is a %s/%s, which the body names.", w.typ, id).
			Rule("criteria-id").WithStatus(409)
	}
	return nil
}

// mostGone bounds how many deletes of the same draft a match looks behind.
const mostGone = 1000

// match runs the criteria of a conditional interaction within the caller's reach
// and puts what it found into the read set. What the draft deletes, which a
// transaction does first, matches no more.
func (p *preparation) match(w *write, criteria string) (*search.Hit, error) {
	params, err := search.ParseQuery(criteria)
	if err != nil {
		return nil, err
	}
	if len(params) == 0 {
		return nil, issue.Errorf(issue.Invalid, "The criteria of a conditional interaction on %s are empty.", w.typ).Rule("criteria-empty").WithStatus(412)
	}
	plan, _, err := p.r.parse(p.who, w.typ, params, true)
	if err != nil {
		return nil, err
	}
	plan.Count = 2 + min(len(p.gone), mostGone)
	page, err := p.r.o.Store.Search(p.ctx, plan)
	if err != nil {
		return nil, err
	}
	read := MatchRead{Plan: plan, Lock: conditionOf(w.typ, criteria)}
	for _, found := range page.Hits {
		read.Found = append(read.Found, found.ID)
	}
	left := slices.DeleteFunc(page.Hits, func(h search.Hit) bool { return p.gone[h.Type+"/"+h.ID] })
	if len(left) > 1 {
		return nil, issue.Errorf(issue.MultipleMatches, "The criteria match more than one %s; make them more selective.", w.typ).Rule("multiple-matches")
	}
	p.unit.Reads.Matches = append(p.unit.Reads.Matches, read)
	if len(left) == 0 {
		return nil, nil //nolint:nilnil // nothing matches, and that is no fault
	}
	return &left[0], nil
}

// conditionOf is one name for all spellings of the same criteria: decoded and in
// one order. Two that cannot be told to be equal
// have two names.
func conditionOf(typ, criteria string) string {
	params, err := search.ParseQuery(criteria)
	if err != nil {
		return typ + "?" + criteria
	}
	parts := make([]string, len(params))
	for i, param := range params {
		parts[i] = param.Name + "=" + param.Value
	}
	slices.Sort(parts)
	return typ + "?" + strings.Join(slices.Compact(parts), "\x00")
}

// at adds the place of the entry to a failure of a draft with several.
func at(err error, i int, d *Draft) error {
	f := issue.As(err)
	if f == nil || len(d.Ops) < 2 {
		return err
	}
	for k := range f.Issues {
		prefix := fmt.Sprintf("Bundle.entry[%d]", i)
		if f.Issues[k].Path != "" {
			prefix += " / " + f.Issues[k].Path
		}
		f.Issues[k].Path = prefix
	}
	return f
}
