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

func (l *caseLoad) load() (err error) {
	d := l.data
	found, err := one(l.ctx, l.q, caseRevision, []any{l.tenant, d.Case}, &d.Revision)
	if err != nil {
		return err
	}
	if !found {
		return record.ErrAbsent
	}
	if d.Grants, err = grantsOf(l.ctx, l.q, l.tenant, d.Case); err != nil {
		return err
	}
	if d.Signatures, err = signaturesOf(l.ctx, l.q, l.d, l.tenant, d.Case); err != nil {
		return err
	}
	members, err := l.versions(&d.Members, l.selecting(
		"FROM member m "+l.join()+" resource r ON r.rid = m.rid WHERE m.tenant = ? AND m.case_id = ?", l.tenant, d.Case))
	if err != nil {
		return err
	}
	first, err := l.versions(&d.Directory, l.referred(members))
	if err != nil {
		return err
	}
	second, err := l.versions(&d.Directory, l.referred(first))
	if err != nil {
		return err
	}
	if err := l.plan(); err != nil {
		return err
	}
	if err := l.limits(); err != nil {
		return err
	}
	made, err := l.processes()
	if err != nil {
		return err
	}
	_, err = l.versions(&d.Directory, l.verified(append(append(append(verifiable(d.Members, members), first...), second...), made...)))
	return err
}

// processes loads the ActivityDefinitions that the Tasks of the case take as
// input: a definition is nobody's member, and what production must record stands
// in it.
func (l *caseLoad) processes() ([]int64, error) {
	var ids []string
	for i := range l.data.Members {
		m := &l.data.Members[i]
		if m.Type != "Task" || !bytes.Contains(m.Body, []byte("ActivityDefinition/")) {
			continue
		}
		var task struct {
			Input []struct{ ValueReference struct{ Reference string } }
		}
		_ = json.Unmarshal(m.Body, &task) // stored bytes are a Task
		for _, in := range task.Input {
			ref, _, _ := strings.Cut(in.ValueReference.Reference, "/_history/")
			if at := strings.LastIndex(ref, "ActivityDefinition/"); at >= 0 {
				ids = append(ids, ref[at+len("ActivityDefinition/"):])
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return l.versions(&l.data.Directory, l.selecting("FROM resource r WHERE r.tenant = ? AND r.type = 'ActivityDefinition' AND ", l.tenant).inTexts("r.id", ids))
}

func (l *caseLoad) join() string { return (&statement{d: l.d}).forced() }

func (l *caseLoad) selecting(from string, args ...any) *statement {
	return newStatement(l.tenant, l.d).add("SELECT "+versionColumns+", r.rid "+from, args...)
}

// versions appends what a select finds and was not there, and returns its rows.
func (l *caseLoad) versions(to *[]record.Version, s *statement) (rows []int64, err error) {
	s.add(" AND r.deleted = 0 ORDER BY r.rid")
	err = each(l.ctx, l.q, s.sql(), s.args, func(c cursor) error {
		var v record.Version
		var rid int64
		if err := scanVersion(c, &v, &rid); err != nil || l.have[rid] {
			return err
		}
		l.have[rid] = true
		*to = append(*to, v)
		rows = append(rows, rid)
		return nil
	})
	return rows, err
}

// referred selects the parties that these rows refer to.
func (l *caseLoad) referred(rows []int64) *statement {
	s := l.selecting("FROM reference_row t " + l.join() + " resource r ON r.tenant = t.tenant AND r.type = t.type AND r.id = t.target WHERE ")
	return s.inRows("t.rid", rows).add(" AND ").inTexts("t.type", parties)
}

var verificationTarget = search.KeyOf("VerificationResult", "target")

// verified selects the VerificationResults that target these rows.
func (l *caseLoad) verified(rows []int64) *statement {
	s := l.selecting("FROM resource x "+l.join()+" reference_row t ON t.tenant = x.tenant AND t.target = x.id AND t.type = x.type AND t.key = ? "+
		l.join()+" resource r ON r.rid = t.rid WHERE r.type = 'VerificationResult' AND ", int64(verificationTarget))
	return s.inRows("x.rid", rows)
}

// verifiable are the rows of the members that a VerificationResult may be about
// and that are no parties; rows run beside members.
func verifiable(members []record.Version, rows []int64) []int64 {
	var out []int64
	for i := range members {
		switch members[i].Type {
		case "Device", "DeviceDefinition", "Substance":
			out = append(out, rows[i])
		}
	}
	return out
}

var (
	planURL     = search.KeyOf("PlanDefinition", "url")
	planVersion = search.KeyOf("PlanDefinition", "version")
)

// limits loads the hospital's own definitions of what values are held against. A
// case is judged by the guide's and by these; those of others, the manufacturer
// among them, configure nothing here.
func (l *caseLoad) limits() error {
	hospital := ""
	for i := range l.data.Members {
		if m := &l.data.Members[i]; m.Type == "Task" && m.ID == l.data.Case {
			var task struct{ Owner struct{ Reference string } }
			_ = json.Unmarshal(m.Body, &task) // stored bytes are a Task
			hospital = task.Owner.Reference
		}
	}
	if hospital == "" {
		return nil
	}
	_, err := l.versions(&l.data.Directory, l.selecting(
		"FROM resource r WHERE r.tenant = ? AND r.owner = ? AND r.type = 'ObservationDefinition'", l.tenant, hospital))
	return err
}

// plan loads the PlanDefinition that the root Task instantiates. A case pins the
// version of its plan: where the current version of the definition is another
// one, the newest stored version that bears the pinned number is given.
func (l *caseLoad) plan() error {
	url, id, pinned := l.instantiates()
	if url == "" && id == "" {
		return nil
	}
	var found []planKey
	err := each(l.ctx, l.q, "SELECT r.rid, r.version FROM resource r WHERE r.tenant = ? AND r.type = 'PlanDefinition' AND r.deleted = 0 AND (r.id = ? OR r.rid IN "+
		"(SELECT u.rid FROM uri_row u WHERE u.tenant = ? AND u.key = ? AND u.uri = ?)) ORDER BY r.rid",
		[]any{l.tenant, id, l.tenant, int64(planURL), bounded(url)}, func(c cursor) error {
			k := planKey{pinned: pinned}
			err := c.scan(&k.rid, &k.version)
			found = append(found, k)
			return err
		})
	for _, k := range found {
		if l.have[k.rid] || err != nil {
			continue
		}
		var v record.Version
		if v, err = l.planAt(k); err == nil {
			l.have[k.rid] = true
			l.data.Directory = append(l.data.Directory, v)
		}
	}
	return err
}

// planAt reads the plan that a case pins, where it was not read before.
func (l *caseLoad) planAt(k planKey) (record.Version, error) {
	if v, ok := l.plans.get(k); ok {
		return v, nil
	}
	var all []record.Version
	_, err := l.versions(&all, l.selecting("FROM resource r WHERE r.rid = ?", k.rid))
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

// instantiates reads what the root Task says: a canonical url|version, or a URL
// or reference that ends in PlanDefinition/id.
func (l *caseLoad) instantiates() (url, id, version string) {
	for i := range l.data.Members {
		m := &l.data.Members[i]
		if m.Type != "Task" || m.ID != l.data.Case {
			continue
		}
		var task struct{ InstantiatesCanonical, InstantiatesURI string }
		_ = json.Unmarshal(m.Body, &task) // stored bytes are a Task
		if url, version, _ = strings.Cut(task.InstantiatesCanonical, "|"); url == "" {
			url = task.InstantiatesURI
		}
		id = url[strings.LastIndexByte(url, '/')+1:]
	}
	return url, id, version
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
