package record

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
)

// A member of a case is erased when the retention of every case that it is in has
// ended: closed, over, under no legal hold. With the root Task of a case go all
// members that nothing else keeps. What stays in any event is the frame: the Tasks
// of the case and its Provenances, signatures among them, which prove what took
// place. Who asks and who confirms is an administrator of the organisation that
// owns the case; neither need be in it.

// endedCase is one case whose retention was found to have ended.
type endedCase struct {
	id, owner string
	kept      casework.Retention
	members   []Version
}

// judge finds what the erasure is about, and asks every rule that forbids it.
func (e *expunge) judge() error {
	e.parts, e.kept, e.reads, e.ended, e.going = nil, nil, ReadSet{}, map[string]*endedCase{}, map[string]bool{}
	cases, err := e.r.o.Store.CasesOf(e.ctx, e.Type, e.ID)
	if err != nil {
		return err
	}
	for _, id := range cases {
		if err := e.end(id); err != nil {
			return err
		}
	}
	if e.Type == "Task" && slices.Contains(cases, e.ID) {
		return e.whole(e.ended[e.ID])
	}
	reach := e.who.Reach()
	if len(cases) > 0 {
		reach = access.Everything{} // its owner keeps the record
	}
	v, err := e.r.current(e.ctx, reach, e.Type, e.ID)
	if err != nil {
		return err
	}
	if v == nil {
		return absent(e.Type, e.ID)
	}
	p := &part{expunge: e, typ: e.Type, id: e.ID, current: v, cases: cases}
	e.owner, e.parts = v.Owner, []*part{p}
	if err := p.judge(); err != nil {
		return err
	}
	for _, c := range e.ended {
		e.owner = c.owner
		if c.kept.Basis == p.ref() && slices.ContainsFunc(c.members, func(m Version) bool { return !frame(m.Type) && m.Type+"/"+m.ID != p.ref() }) {
			return p.stays("expunge-basis", "R001-166", "it says until when the rest of Task/"+c.id+" is kept, and goes last", "该资料确定病例其余资料的保存期限，须最后销毁。")
		}
	}
	return nil
}

// frame tells what stays of a case.
func frame(typ string) bool { return typ == "Task" || typ == "Provenance" }

// whole takes all members of a case. What a rule keeps is told, and stays.
func (e *expunge) whole(c *endedCase) error {
	e.owner = c.owner
	var first error
	keep := func(ref string, err error) error {
		f := issue.As(err)
		if f == nil {
			return err
		}
		if first == nil {
			first = err
		}
		rule := f.Issues[0].Rule
		if rule == "not-found" || rule == "expunge-owner" {
			rule = "expunge-case" // of another's case no more is told
		}
		e.kept = append(e.kept, ledger.KeptMember{Ref: ref, Rule: rule})
		return nil
	}
	for i := range c.members {
		m := &c.members[i]
		if frame(m.Type) {
			continue
		}
		p := &part{expunge: e, typ: m.Type, id: m.ID, current: m}
		var err error
		if p.cases, err = e.r.o.Store.CasesOf(e.ctx, m.Type, m.ID); err != nil {
			return err
		}
		if err = p.judgeAlone(); err == nil {
			e.parts, e.going[p.ref()] = append(e.parts, p), true
		} else if err = keep(p.ref(), err); err != nil {
			return err
		}
	}
	for before := -1; before != len(e.parts); { // what stays keeps what it refers to
		before = len(e.parts)
		for _, p := range slices.Clone(e.parts) {
			if err := p.needed(); err != nil {
				if err = keep(p.ref(), err); err != nil {
					return err
				}
				e.parts = slices.DeleteFunc(e.parts, func(x *part) bool { return x == p })
				delete(e.going, p.ref())
			}
		}
	}
	if len(e.kept) > 0 { // as long as something stays, so does what says until when
		e.parts = slices.DeleteFunc(e.parts, func(p *part) bool {
			basis := p.ref() == c.kept.Basis
			if basis {
				e.kept = append(e.kept, ledger.KeptMember{Ref: p.ref(), Rule: "expunge-basis"})
			}
			return basis
		})
	}
	if len(e.parts) > 0 {
		return nil
	}
	if first == nil {
		first = (&part{expunge: e, typ: e.Type, id: e.ID}).stays("expunge-done", "", "no member of the case is left but what proves that it was", "该病例已无可销毁的资料。")
	}
	return first
}

// end refuses where a case is another's, or is still to be kept.
func (e *expunge) end(id string) error {
	if e.ended[id] != nil {
		return nil
	}
	data, err := e.r.o.Store.Snapshot(e.ctx, id)
	if err != nil {
		return err
	}
	s, err := e.r.snapshotOf(data)
	if err != nil {
		return err
	}
	c := &endedCase{id: id, owner: rootOwner(s), members: data.Members}
	if err := e.keeps(c); err != nil {
		return err
	}
	if c.kept, err = e.r.retentionOf(e.ctx, s); err != nil {
		return err
	}
	p := &part{expunge: e, typ: e.Type, id: e.ID}
	if !c.kept.Due(e.r.now()) {
		english, chinese := keptWords(c.kept)
		return p.stays("expunge-case", "R001-166", "it belongs to the record of a case"+english, "病例资料不可永久删除"+chinese+"。")
	}
	held, read, err := e.r.heldCase(e.ctx, e.who, s)
	e.reads.add(read)
	if err == nil && held {
		err = p.stays("legal-hold", "R000-015", "its case is under a legal hold, which must be lifted first", "该病例处于法律保全状态。")
	}
	if err == nil {
		e.ended[id] = c
	}
	return err
}

func rootOwner(s *casework.Snapshot) string {
	for i := range s.Resources {
		if r := &s.Resources[i]; r.Type == "Task" && r.ID == s.Case {
			return r.Root.Path("owner", "reference").Str()
		}
	}
	return ""
}

// keeps refuses an administrator of another organisation than the owner's; one
// who is not in the case learns nothing of it.
func (e *expunge) keeps(c *endedCase) error {
	if e.who.Kind == access.Operator || c.owner != "" && c.owner == e.who.Organization {
		return nil
	}
	v, err := e.r.current(e.ctx, e.who.Reach(), e.Type, e.ID)
	if err != nil {
		return err
	}
	if v == nil {
		return absent(e.Type, e.ID)
	}
	return issue.Errorf(issue.Forbidden, "%s/%s belongs to the record of a case of %s, whose administrators alone may erase it.", e.Type, e.ID, c.owner).
		Rule("expunge-owner").Clause("R000-015").WithStatus(403).Chinese("仅病例所属机构的管理员可销毁该资料。")
}

// inCases asks the cases that a member of the whole is in beside.
func (e *part) inCases(tree.Node) error {
	for _, id := range e.cases {
		if err := e.end(id); err != nil {
			return err
		}
	}
	return nil
}

// within tells whether a referrer needs the part no more: it goes too, or it is of
// the frame, and all its cases have ended.
func (e *part) within(f *Referrer) (bool, error) {
	if !frame(f.Type) {
		return e.going[f.Ref()], nil
	}
	cases, err := e.r.o.Store.CasesOf(e.ctx, f.Type, f.ID)
	if err != nil || len(cases) == 0 {
		return false, err
	}
	return !slices.ContainsFunc(cases, func(id string) bool { return e.ended[id] == nil }), nil
}

// named are the documents of the cases that stay and have the part as content: an
// attachment's url is no reference that a search finds.
func (e *part) named() (by []string, err error) {
	if e.typ != "Binary" {
		return nil, nil
	}
	for _, c := range e.ended {
		for i := range c.members {
			m := &c.members[i]
			if ref := m.Type + "/" + m.ID; e.going[ref] || frame(m.Type) || slices.Contains(by, ref) || !bytes.Contains(m.Body, []byte(e.id)) {
				continue
			}
			root, err := parsed(m.Body)
			if err != nil {
				return nil, err
			}
			e.r.attachments(root, func(binary, _ string) {
				if binary == e.id && !slices.Contains(by, m.Type+"/"+m.ID) {
					by = append(by, m.Type+"/"+m.ID)
				}
			})
		}
	}
	return by, nil
}

// retentions are the rules by which the cases may go, for the certificate.
func (e *expunge) retentions() []ledger.ErasedCase {
	var out []ledger.ErasedCase
	for _, c := range e.ended {
		out = append(out, ledger.ErasedCase{
			Case: "Task/" + c.id, Rule: "validity", Clause: c.kept.Clause, Until: c.kept.Until.UTC().Format(time.RFC3339), Basis: c.kept.Basis,
		})
	}
	slices.SortFunc(out, func(a, b ledger.ErasedCase) int { return strings.Compare(a.Case, b.Case) })
	return out
}

// retentionOf is until when a case is kept. A validity that was once in force
// counts though somebody shortened it later: else the record could be made to
// fall due by who wants it gone.
func (r *Recorder) retentionOf(ctx context.Context, s *casework.Snapshot) (casework.Retention, error) {
	var refs []string
	for i := range s.Resources {
		if m := &s.Resources[i]; m.Version > 1 && (m.Type == "Device" || m.Type == "Contract") {
			refs = append(refs, m.Ref())
		}
	}
	earlier, err := r.o.Store.Earlier(ctx, refs)
	if err != nil {
		return casework.Retention{}, fmt.Errorf("record: retention of Task/%s: %w", s.Case, err)
	}
	var past []casework.Resource
	for i := range earlier {
		v := &earlier[i]
		root, err := parsed(v.Body)
		if err != nil {
			return casework.Retention{}, err
		}
		if status := root.Field("status").Str(); status == "executed" || status == "active" {
			past = append(past, casework.Resource{Type: v.Type, ID: v.ID, Version: v.Version, Root: root})
		}
	}
	return r.o.Engine.Retention(s, past...), nil
}

// erasing judges an erasure again under the revisions that the unit relies on: a
// hold, a date or a member may have come since it was prepared.
func (p *preparation) erasing() error {
	e := *p.in.erases
	e.ctx = p.ctx
	for id := range e.ended {
		if _, err := p.touch(id); err != nil {
			return err
		}
	}
	if err := e.judge(); err != nil {
		return err
	}
	if !slices.EqualFunc(e.parts, p.in.erases.parts, func(a, b *part) bool { return a.ref() == b.ref() && a.current.Version == b.current.Version }) {
		return issue.Errorf(issue.Conflict, "What Task/%s asks to erase changed meanwhile; confirm again.", e.Request).Rule("expunge-changed").WithStatus(409).Chinese("待销毁资料已变化，请重新确认。")
	}
	for _, t := range p.sorted() {
		p.unit.Cases = append(p.unit.Cases, t.id)
	}
	p.unit.Reads.add(e.reads)
	return nil
}
