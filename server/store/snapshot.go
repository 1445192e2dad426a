package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"strings"
	"sync"

	"tenon/server/record"
	"tenon/server/search"
)

// Snapshot implements record.Store. All of it is one state of the database.
//
//	members            every resource of the case
//	hop 1              parties that a member refers to, and the plan that the
//	                   root Task instantiates
//	hop 2              parties that those refer to (role → person, organisation)
//	limits             ObservationDefinitions of the hospital that opened the case
//	processes          ActivityDefinitions that the Tasks of the case take as input
//	verification       VerificationResults that target a party, a process, or a
//	                   member Device, DeviceDefinition or Substance
func (s *Store) Snapshot(ctx context.Context, caseID string) (*record.CaseData, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	var data *record.CaseData
	err = s.engine.view(ctx, func(q querier) error {
		l := &caseLoad{ctx: ctx, q: q, d: s.engine.dialect(), tenant: tenant, plans: &s.plans, data: &record.CaseData{Case: caseID}, have: map[int64]bool{}}
		data = l.data
		return l.load()
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

type caseLoad struct {
	ctx    context.Context
	q      querier
	d      dialect
	tenant int64
	plans  *planBodies
	data   *record.CaseData
	have   map[int64]bool
}

// parties are the types of the directory that references lead to.
var parties = []string{
	"DeviceDefinition", "Endpoint", "HealthcareService", "Location", "Organization", "Practitioner", "PractitionerRole", "RelatedPerson",
}

// load takes two round trips, and more only for a plan that was not read before:
// what the id of the case leads to, and what its Tasks say beyond that.
func (l *caseLoad) load() (err error) {
	d := l.data
	found := false
	steps := make([][]record.Version, stepVerified+1)
	whole := l.whole()
	if err := l.q.askAll(l.ctx, []ask{
		{caseRevision, []any{l.tenant, d.Case}, func(c cursor) error { found = true; return c.scan(&d.Revision) }},
		askGrants(l.tenant, d.Case, &d.Grants),
		askSignatures(l.tenant, l.d, d.Case, &d.Signatures),
		{whole.sql(), whole.args, func(c cursor) error { return l.step(c, steps) }},
	}); err != nil {
		return err
	}
	if !found {
		return record.ErrAbsent
	}
	d.Members = steps[stepMember]
	d.Directory = append(steps[stepFirst], steps[stepSecond]...)
	return l.said(steps[stepVerified])
}

// said loads what the Tasks of the case say that no row of an index follows, and
// puts verified behind it.
func (l *caseLoad) said(verified []record.Version) error {
	root, processes := l.tasks()
	var plans []planKey
	var limits, made []record.Version
	var asks []ask
	url, id, pinned := root.instantiates()
	if url != "" || id != "" {
		asks = append(asks, l.askPlans(url, id, pinned, &plans))
	}
	if hospital := root.Owner.Reference; hospital != "" {
		asks = append(asks, l.askVersions(&limits, l.selecting("FROM resource r WHERE r.tenant = ? AND r.owner = ? AND r.type = 'ObservationDefinition'", l.tenant, hospital)))
	}
	if len(processes) > 0 {
		asks = append(asks, l.askVersions(&made, l.selecting("FROM resource r WHERE r.tenant = ? AND r.type = 'ActivityDefinition' AND ", l.tenant).inTexts("r.id", processes)),
			l.askVersions(&verified, l.verifying(processes)))
	}
	if err := l.q.askAll(l.ctx, asks); err != nil {
		return err
	}
	if err := l.plan(plans); err != nil {
		return err
	}
	l.data.Directory = append(append(append(l.data.Directory, limits...), made...), verified...)
	return nil
}

// rootTask is what the root Task says of where the case comes from.
type rootTask struct {
	Owner                                  struct{ Reference string }
	InstantiatesCanonical, InstantiatesURI string
}

// tasks reads the root Task, and the ActivityDefinitions that the Tasks of the case
// take as input: a definition is nobody's member, and what production must record
// stands in it.
func (l *caseLoad) tasks() (root rootTask, processes []string) {
	for i := range l.data.Members {
		m := &l.data.Members[i]
		if m.Type != "Task" {
			continue
		}
		if m.ID == l.data.Case {
			_ = json.Unmarshal(m.Body, &root) // stored bytes are a Task
		}
		if !bytes.Contains(m.Body, []byte("ActivityDefinition/")) {
			continue
		}
		var task struct {
			Input []struct{ ValueReference struct{ Reference string } }
		}
		_ = json.Unmarshal(m.Body, &task) // stored bytes are a Task
		for _, in := range task.Input {
			ref, _, _ := strings.Cut(in.ValueReference.Reference, "/_history/")
			if at := strings.LastIndex(ref, "ActivityDefinition/"); at >= 0 {
				processes = append(processes, ref[at+len("ActivityDefinition/"):])
			}
		}
	}
	return root, processes
}

// instantiates is a canonical url|version, or a URL or reference that ends in
// PlanDefinition/id.
func (t *rootTask) instantiates() (url, id, version string) {
	if url, version, _ = strings.Cut(t.InstantiatesCanonical, "|"); url == "" {
		url = t.InstantiatesURI
	}
	return url, url[strings.LastIndexByte(url, '/')+1:], version
}

func (l *caseLoad) selecting(from string, args ...any) *statement {
	return newStatement(l.tenant, l.d).add("SELECT "+versionColumns+", r.rid "+from, args...)
}

// askVersions appends what a select finds and was not there.
func (l *caseLoad) askVersions(to *[]record.Version, s *statement) ask {
	s.add(" AND r.deleted = 0 ORDER BY r.rid")
	return ask{s.sql(), s.args, func(c cursor) error {
		var v record.Version
		var rid int64
		if err := scanVersion(c, &v, &rid); err != nil || l.have[rid] {
			return err
		}
		l.have[rid] = true
		*to = append(*to, v)
		return nil
	}}
}

var (
	planURL     = search.KeyOf("PlanDefinition", "url")
	planVersion = search.KeyOf("PlanDefinition", "version")
)

// askPlans asks which PlanDefinitions the root Task may instantiate.
func (l *caseLoad) askPlans(url, id, pinned string, to *[]planKey) ask {
	return ask{"SELECT r.rid, r.version FROM resource r WHERE r.tenant = ? AND r.type = 'PlanDefinition' AND r.deleted = 0 AND (r.id = ? OR r.rid IN " +
		"(SELECT u.rid FROM uri_row u WHERE u.tenant = ? AND u.key = ? AND u.uri = ?)) ORDER BY r.rid",
		[]any{l.tenant, id, l.tenant, int64(planURL), bounded(url)}, func(c cursor) error {
			k := planKey{pinned: pinned}
			err := c.scan(&k.rid, &k.version)
			*to = append(*to, k)
			return err
		}}
}

// plan loads the PlanDefinition that the root Task instantiates. A case pins the
// version of its plan: where the current version of the definition is another
// one, the newest stored version that bears the pinned number is given.
func (l *caseLoad) plan(found []planKey) error {
	for _, k := range found {
		if l.have[k.rid] {
			continue
		}
		v, err := l.planAt(k)
		if err != nil {
			return err
		}
		l.have[k.rid] = true
		l.data.Directory = append(l.data.Directory, v)
	}
	return nil
}

// planAt reads the plan that a case pins, where it was not read before.
func (l *caseLoad) planAt(k planKey) (record.Version, error) {
	if v, ok := l.plans.get(k); ok {
		return v, nil
	}
	var all []record.Version
	a := l.askVersions(&all, l.selecting("FROM resource r WHERE r.rid = ?", k.rid))
	err := each(l.ctx, l.q, a.sql, a.args, a.row)
	if err != nil || len(all) == 0 {
		return record.Version{}, cmp.Or(err, record.ErrStale)
	}
	v := all[0]
	if k.pinned != "" {
		if err := l.pin(&v, k.rid, k.pinned); err != nil {
			return v, err
		}
	}
	l.plans.put(k, v)
	return v, nil
}

// planKey is a plan as a case pins it: the row and its current version say which
// stored version bears the number, and what is stored never changes.
type planKey struct {
	rid, version int64
	pinned       string
}

// planBodies keeps the plans of cases: the largest document of each, and the same
// in many. A plan that is deleted or erased is not asked for.
type planBodies struct {
	mu  sync.Mutex
	all map[planKey]record.Version
}

// mostPlans bounds how many plans are kept.
const mostPlans = 16

func (p *planBodies) get(k planKey) (record.Version, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.all[k]
	return v, ok
}

func (p *planBodies) put(k planKey, v record.Version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all == nil || len(p.all) >= mostPlans {
		p.all = map[planKey]record.Version{}
	}
	p.all[k] = v
}

func (l *caseLoad) pin(v *record.Version, rid int64, pinned string) error {
	var current int64
	found, err := one(l.ctx, l.q, "SELECT rid FROM token_row WHERE rid = ? AND key = ? AND code = ?",
		[]any{rid, int64(planVersion), bounded(pinned)}, &current)
	if err != nil || found {
		return err
	}
	done := false
	return each(l.ctx, l.q, "SELECT "+historyColumns+" FROM resource r JOIN history h ON h.rid = r.rid WHERE r.rid = ? ORDER BY h.version DESC",
		[]any{rid}, func(c cursor) error {
			var older record.Version
			if err := scanVersion(c, &older); err != nil || done || older.Deleted {
				return err
			}
			var plan struct{ Version string }
			if json.Unmarshal(older.Body, &plan) == nil && plan.Version == pinned {
				*v, done = older, true
			}
			return nil
		})
}
