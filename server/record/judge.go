package record

import (
	"fmt"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/dispatch"
)

// judge asks casework about every touched case: may it become what the draft
// makes of it, and what follows. Effects join the same unit.
func (p *preparation) judge() error {
	if err := p.stray(); err != nil {
		return err
	}
	if p.in.erases != nil {
		return p.erasing()
	}
	if err := p.follow(); err != nil {
		return err
	}
	judged := map[string]bool{}
	for _, t := range p.sorted() {
		judged[t.id] = true
		if err := p.judgeOne(t, p.who); err != nil {
			return err
		}
	}
	// What was done because of one case may be a member of others: they learn of
	// it as of something that the server did. Each is judged once.
	for again := true; again; {
		again = false
		for _, t := range p.sorted() {
			if !judged[t.id] {
				judged[t.id], again = true, true
				if err := p.judgeOne(t, serverFor(p.who)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// follow writes what the server does together with the draft.
func (p *preparation) follow() error {
	if p.in.follows == nil {
		return nil
	}
	bodies, err := p.in.follows(p)
	if err != nil {
		return err
	}
	for _, body := range bodies {
		if err := p.effect(nil, body, true); err != nil {
			return err
		}
	}
	return nil
}

// serverFor is the server acting on what somebody did.
func serverFor(who *access.Context) *access.Context {
	return &access.Context{Tenant: who.Tenant, Kind: access.Server, Principal: "server", RequestID: who.RequestID}
}

func (p *preparation) judgeOne(t *touched, who *access.Context) error {
	before, err := p.snapshot(t, false)
	if err != nil {
		return err
	}
	after, err := p.snapshot(t, true)
	if err != nil {
		return err
	}
	var d casework.Decision
	if m := p.in.timer; m != nil {
		if d, err = p.r.o.Engine.Due(after, m.Kind, m.Body); err != nil {
			return err
		}
	} else if d = p.r.o.Engine.Decide(before, after, who); len(d.Refusal) > 0 {
		return refusal(d)
	}
	return p.carryOut(t, d)
}

// stray refuses the Task of a stage that a client made outside any case; inside
// one casework refuses it, and names what stands between.
func (p *preparation) stray() error {
	for _, w := range p.writes {
		if w == nil || w.typ != "Task" || w.before != nil || p.in.trusted || !stageTask(w.root) {
			continue
		}
		cases, err := p.casesOf(w.typ, w.id)
		if err != nil {
			return err
		}
		if len(cases) > 0 {
			continue
		}
		return issue.Errorf(issue.BusinessRule, "The Tasks of a case are made by the process: open a case by PlanDefinition/$apply and complete its stages.").
			At("Task.code").Rule("stage-by-process").Clause("R001-185").WithStatus(409).Chinese("流程任务由系统生成，不可手工创建。")
	}
	return nil
}

// refusal renders unmet conditions as issues.
func refusal(d casework.Decision) error {
	f := &issue.Failure{Status: d.Status}
	for _, u := range d.Refusal {
		rule := u.Condition
		if u.Gate != "" {
			rule = u.Gate + "/" + u.Condition
		}
		text := u.Text
		if u.State != "" && u.State != casework.Unsatisfied {
			text += " (" + string(u.State) + ")"
		}
		f.Issues = append(f.Issues, issue.Issue{
			Type: issue.BusinessRule, Rule: rule, Path: "Task.status",
			Text: text, Chinese: u.Chinese, Clause: u.Clause,
		})
	}
	return f
}

// carryOut writes the effects of a decision and the access table of the case.
func (p *preparation) carryOut(t *touched, d casework.Decision) error {
	for _, e := range d.Effects {
		if e.Message != nil {
			p.unit.Outbox = append(p.unit.Outbox, dispatch.Message{
				Tenant: p.r.o.Tenant, Sink: e.Message.Sink, Kind: e.Message.Kind, Key: e.Message.Key,
				Case: t.id, Body: e.Message.Body, Created: p.at, Due: e.Message.Due,
			})
		}
		for _, body := range [][]byte{e.Create, e.Update} {
			if len(body) == 0 {
				continue
			}
			if err := p.effect(t, body, e.Beside); err != nil {
				return fmt.Errorf("record: effect on case %s: %w", t.id, err)
			}
		}
	}
	p.unit.Cases = append(p.unit.Cases, t.id)
	if t.data == nil || !sameGrants(t.data.Grants, d.Grants) {
		p.unit.Grants = append(p.unit.Grants, CaseGrants{Case: t.id, Grants: d.Grants})
	}
	return nil
}

func sameGrants(a, b []casework.Grant) bool {
	order := func(x, y casework.Grant) int { return strings.Compare(x.Principal, y.Principal) }
	a, b = slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order)
	return slices.Equal(a, b)
}

// effect writes one resource on behalf of the server. An effect on something that
// the draft itself writes replaces the draft's body, so that one version results.
func (p *preparation) effect(t *touched, body []byte, beside bool) error {
	root, err := parsed(body)
	if err != nil {
		return err
	}
	typ, id := root.Path("resourceType").Str(), root.Path("id").Str()
	if w := p.writeOf(typ, id); w != nil {
		return p.amend(w, body, root)
	}
	w := &write{op: Op{Method: "POST", Type: typ, ID: id}, typ: typ, id: id, body: body, root: root, server: true}
	if id == "" {
		if w.id, err = p.r.newID(); err != nil {
			return err
		}
	} else {
		w.op.Method = "PUT"
		if w.before, err = p.r.current(p.ctx, access.Everything{}, typ, id); err != nil {
			return err
		}
		p.relyOn(w)
		if err := p.touchAll(typ, id); err != nil {
			return err
		}
	}
	if err := p.makeOne(w); err != nil {
		return err
	}
	p.writes = append(p.writes, w)
	if beside {
		return nil
	}
	return p.enter(t.id, typ, w.id, w)
}

// touchAll brings in every case that holds a resource which the server changes.
func (p *preparation) touchAll(typ, id string) error {
	ids, err := p.storedIn(typ, id)
	if err != nil {
		return err
	}
	for _, c := range ids {
		if _, err := p.touch(c); err != nil {
			return err
		}
	}
	return nil
}

// amend replaces the body of a write by what the server makes of it, taking back
// the leaf and the audit row of the first body.
func (p *preparation) amend(w *write, body []byte, root tree.Node) error {
	ref := fmt.Sprintf("%s/%s/_history/%d", w.typ, w.id, w.version.Version)
	for i := range p.unit.Leaves {
		if p.unit.Leaves[i].Ref == ref {
			p.unit.Leaves = slices.Delete(p.unit.Leaves, i, i+1)
			break
		}
	}
	for i := range p.unit.Audit {
		if p.unit.Audit[i].Entity == ref {
			p.unit.Audit = slices.Delete(p.unit.Audit, i, i+1)
			break
		}
	}
	w.body, w.root, w.judged = body, root, false
	if err := p.check(w); err != nil {
		return err
	}
	if err := p.store(w); err != nil {
		return err
	}
	for i, other := range p.writes {
		if other == w && i < len(p.outcome.Results) {
			p.outcome.Results[i].Version = w.version
		}
	}
	return nil
}

// finish puts versions, members, signatures and jobs into the unit.
func (p *preparation) finish() error {
	for _, w := range p.writes {
		if w == nil {
			continue
		}
		if w.typ == "Flag" {
			p.holding(w)
		}
		p.unit.Versions = append(p.unit.Versions, *w.version)
		if w.op.Blob != nil {
			p.unit.Blobs = append(p.unit.Blobs, *w.op.Blob)
		}
		if p.r.o.Jobs != nil && !w.version.Deleted {
			p.unit.Outbox = append(p.unit.Outbox, p.r.o.Jobs(w.version, w.root)...)
		}
	}
	for _, t := range p.sorted() {
		p.unit.Members = append(p.unit.Members, t.joined...)
		if s := p.in.signature; s != nil && t.id == p.in.caseID {
			made := *s
			made.Provenance = p.writes[0].id
			p.unit.Signatures = append(p.unit.Signatures, CaseSignature{Case: t.id, Signature: made})
		}
		for i := range p.unit.Audit {
			if p.unit.Audit[i].Case == "" {
				p.unit.Audit[i].Case = t.id
			}
		}
	}
	if s := p.in.signature; s != nil && p.in.caseID == "" {
		made := *s
		made.Provenance = p.writes[0].id
		p.unit.Signatures = append(p.unit.Signatures, CaseSignature{Signature: made})
	}
	p.blobLeaves()
	p.unit.Outbox = append(p.unit.Outbox, p.in.messages...)
	return p.accounts()
}
