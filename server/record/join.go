package record

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
)

// touched is one case that the draft writes into.
type touched struct {
	id      string
	data    *CaseData          // as it is stored; nil when the draft opens the case
	stored  *casework.Snapshot // of data, once it was asked for
	members map[string]bool
	joined  []Member             // what the draft adds
	carried []casework.Signature // over documents that join, made in another case
}

// join finds the cases that the draft touches: those that hold what it writes,
// and those that it makes a resource part of.
//
//	what joins                                     | because
//	-----------------------------------------------|--------------------------------
//	root Task and Tasks with partOf it             | the process
//	focus, for, input, output … of a stage Task    | a document of the stage
//	resource with a reference to a Task of the case| extension case, context.related …
//	Provenance whose target is a member            | signature, custody
//	DetectedIssue, AdverseEvent of a patient's     |
//	Device that is a member                        | nonconformity
//	Binary of a member's Attachment                | content of the document
//	Procedure, DeviceUseStatement on a member      |
//	Device                                         | use, which G-USE judges
func (p *preparation) join() error {
	if m := p.in.timer; m != nil {
		if _, err := p.touch(m.Case); err != nil {
			return err
		}
	}
	for i, w := range p.writes {
		if w == nil {
			continue
		}
		if err := p.joinOne(w); err != nil {
			return at(err, i, p.draft)
		}
	}
	return nil
}

func (p *preparation) joinOne(w *write) error {
	if w.before != nil {
		ids, err := p.storedIn(w.typ, w.id)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := p.touch(id); err != nil {
				return err
			}
		}
		if len(ids) > 0 && p.in.erases == nil && (w.op.Method == "DELETE" || w.op.Sheds) {
			return issue.Errorf(issue.BusinessRule, "%s/%s is part of the case Task/%s; the record of a case is never deleted. Supersede it instead.",
				w.typ, w.id, ids[0]).Rule("case-member-delete").WithStatus(409).Chinese("病例资料不可删除。")
		}
	}
	if w.op.Method == "DELETE" {
		return nil
	}
	if p.in.opens != "" && w.typ == "Task" {
		if err := p.enter(p.in.opens, w.typ, w.id, w); err != nil {
			return err
		}
		return p.joinDocuments(w)
	}
	return p.joinByReference(w)
}

// joinByReference enters the resource into the cases that its references lead to.
func (p *preparation) joinByReference(w *write) error {
	var targets []string
	references(w.root, func(ref tree.Node) { targets = append(targets, ref.Str()) })
	slices.Sort(targets)
	for _, ref := range slices.Compact(targets) {
		typ, id, ok := p.r.local(ref)
		if !ok || typ != "Task" && w.typ != "Provenance" && !problemOf(w.typ, typ) || !mayJoin(w.typ) {
			continue
		}
		if typ == "Device" && problemOf(w.typ, typ) {
			made, err := p.madeForPatient(id)
			if err != nil {
				return err
			}
			if !made {
				continue
			}
		}
		if err := p.knows(w, typ, id); err != nil {
			return err
		}
		cases, err := p.casesOf(typ, id)
		if err != nil {
			return err
		}
		if err := p.enterAll(cases, w, typ); err != nil {
			return err
		}
	}
	if err := p.joinUse(w); err != nil {
		return err
	}
	if err := p.custodyOf(w); err != nil {
		return err
	}
	return p.joinDocuments(w)
}

// custodyOf refuses a record of custody that joins no case: its delivery list is
// named by no stage yet, and a Provenance is never written anew, so that what was
// handed over would be told by nothing. https://hl7.org/fhir/R4/provenance.html
func (p *preparation) custodyOf(w *write) error {
	if w.typ != "Provenance" || w.before != nil || p.in.trusted || !isCustody(w.root) {
		return nil
	}
	if err := p.custodyInTime(w); err != nil {
		return err
	}
	for _, t := range p.cases {
		if t.members[w.typ+"/"+w.id] {
			return nil
		}
	}
	return issue.Errorf(issue.BusinessRule, "No stage of a case that you are let into names the delivery list that this record of custody is about; name it in Task.output (delivery-list) first.").
		Rule("custody-of-delivery").Clause("R001-171").At("Provenance.target").WithStatus(422).Chinese("请先将交付清单列入任务输出，再登记交接记录。")
}

// clocksApart is how far the clock of who records a hand-over may be ahead.
const clocksApart = time.Minute

// custodyInTime refuses a hand-over that has not taken place yet: a Provenance is
// never written anew, and one of a day to come would stand against its list.
func (p *preparation) custodyInTime(w *write) error {
	when := w.root.Field("occurredDateTime").Str()
	if when == "" {
		when = w.root.Path("occurredPeriod", "start").Str()
	}
	from, ok := casework.Moment(when)
	if !ok || !from.After(p.at.Add(clocksApart)) {
		return nil
	}
	return issue.Errorf(issue.BusinessRule, "The hand-over is dated %s, which is still to come: record it when it has taken place.", when).
		Rule("custody-in-future").Clause("R001-171").At("Provenance.occurred").WithStatus(422).Chinese("交接时间尚未到来，请在交接发生后登记。")
}

// isCustody tells whether a Provenance records that a device was handed over.
func isCustody(root tree.Node) bool {
	for c := range root.Path("activity", "coding").Items() {
		if c.Field("system").Str() == "urn:tenon:custody" {
			return true
		}
	}
	return false
}

// problemOf tells whether a type reports problems of another.
func problemOf(report, typ string) bool {
	return typ == "Device" && (report == "DetectedIssue" || report == "AdverseEvent")
}

// madeForPatient tells whether a Device in reach is somebody's: a problem of it is
// one of its cases. A machine or software that cases share is nobody's.
func (p *preparation) madeForPatient(id string) (bool, error) {
	v, err := p.r.current(p.ctx, p.who.ReachNamed(), "Device", id)
	return v != nil && v.Patient != "", err
}

// knows refuses a reference to a Task that is not there in the words of one that
// is out of reach: else the answer would tell the two apart. What the resource
// refers to already stays, and who reaches everything may import references that
// lead nowhere.
func (p *preparation) knows(w *write, typ, id string) error {
	known := w.before != nil && bytes.Contains(w.before.Body, []byte(typ+"/"+id+`"`))
	if typ != "Task" || known || p.writeOf(typ, id) != nil || p.who.Kind == access.Operator || p.who.Kind == access.Server {
		return nil
	}
	v, err := p.r.current(p.ctx, p.who.ReachNamed(), typ, id)
	if err == nil && v == nil {
		err = absent(typ, id)
	}
	return err
}

// enterAll enters a resource into the cases of a target that it refers to. A
// Provenance about something that several cases share joins those that its writer
// is let into; a signature, the one that it was asked for.
func (p *preparation) enterAll(cases []string, w *write, target string) error {
	for _, c := range cases {
		if target != "Task" {
			if s := p.in.signature; s != nil && p.in.caseID != c {
				continue
			}
			if in, err := p.within(c); err != nil || !in {
				if err != nil {
					return err
				}
				continue
			}
		}
		if err := p.enter(c, w.typ, w.id, w); err != nil {
			return err
		}
	}
	return nil
}

// joinDocuments enters what a stage Task names into its case, and the Binary of
// every document of a case.
func (p *preparation) joinDocuments(w *write) error {
	cases, err := p.casesOf(w.typ, w.id)
	if err != nil {
		return err
	}
	for _, c := range cases {
		var failed error
		if w.typ == "Task" {
			known, err := p.statedBefore(w, c)
			if err != nil {
				return err
			}
			stated(w, c, func(ref tree.Node) {
				if typ, id, ok := p.r.local(ref.Str()); ok && failed == nil && mayJoin(typ) && !known[ref.Str()] {
					failed = p.enter(c, typ, id, nil)
				}
			})
		}
		if failed == nil {
			failed = p.enterContents(c, w.root)
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

// statedBefore are the references that a Task of the case had already: who changes
// the Task adds nothing by them. The server may have written one to what is in the
// reach of others (the family of a stopped device type, which is its maker's).
func (p *preparation) statedBefore(w *write, caseID string) (map[string]bool, error) {
	t := p.cases[caseID]
	if w.before == nil || w.before.Deleted || t == nil || t.data == nil ||
		!slices.ContainsFunc(t.data.Members, func(v Version) bool { return v.Type == w.typ && v.ID == w.id }) {
		return nil, nil
	}
	was, err := parsed(w.before.Body)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	references(was, func(ref tree.Node) { known[ref.Str()] = true })
	return known, nil
}

// stated visits the references of a Task that make what they lead to part of its
// case: all, but that of a root Task to the order of an earlier case, which stays
// in that case alone.
func stated(w *write, caseID string, each func(ref tree.Node)) {
	for name, child := range w.root.Fields() {
		if name != "basedOn" || w.id != caseID {
			references(child, each)
		}
	}
}

// mayJoin keeps definitions and parties out of cases: they are read by all.
func mayJoin(typ string) bool {
	return !slices.Contains(access.Directory, typ) && typ != "VerificationResult"
}

// casesOf also knows what this draft adds.
func (p *preparation) casesOf(typ, id string) ([]string, error) {
	var ids []string
	for _, t := range p.cases {
		if t.members[typ+"/"+id] {
			ids = append(ids, t.id)
		}
	}
	if w := p.targets.writes[typ+"/"+id]; w == nil || w.before != nil { // what this draft creates is stored in none
		stored, err := p.storedIn(typ, id)
		if err != nil {
			return nil, err
		}
		ids = append(ids, stored...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// storedIn are the cases that hold a resource in the record, asked once a draft: all
// steps are judged by the same answer. The list is the caller's.
func (p *preparation) storedIn(typ, id string) ([]string, error) {
	ref := typ + "/" + id
	ids, known := p.holders[ref]
	if !known {
		var err error
		if ids, err = p.r.o.Store.CasesOf(p.ctx, typ, id); err != nil {
			return nil, err
		}
		if p.holders == nil {
			p.holders = map[string][]string{}
		}
		p.holders[ref] = ids
	}
	return slices.Clone(ids), nil
}

// touch loads a case once.
func (p *preparation) touch(id string) (_ *touched, err error) {
	if t, ok := p.cases[id]; ok {
		return t, nil
	}
	t := &touched{id: id, members: map[string]bool{}}
	if id != p.in.opens {
		if t.data, err = p.r.o.Store.Snapshot(p.ctx, id); err != nil {
			return nil, err
		}
		for _, m := range t.data.Members {
			t.members[m.Type+"/"+m.ID] = true
		}
		p.unit.Reads.Cases = append(p.unit.Reads.Cases, CaseRead{Case: id, Revision: t.data.Revision})
	} else {
		p.unit.Reads.Cases = append(p.unit.Reads.Cases, CaseRead{Case: id})
	}
	p.cases[id] = t
	return t, nil
}

// within tells whether the caller is let into the case.
func (p *preparation) within(caseID string) (bool, error) {
	if caseID == p.in.opens {
		return true, nil
	}
	root, err := p.r.current(p.ctx, p.who.ReachNamed(), "Task", caseID)
	return root != nil, err
}

// enter makes a resource a member. The caller must be let into the case, which
// else reads as absent: joining is no way to write into it. w is the write of the
// resource when the draft writes it; else the caller must be able to read it, and
// it must be about the case's patient or about none: a reference is no way to
// grant oneself access.
func (p *preparation) enter(caseID, typ, id string, w *write) error {
	t, err := p.touch(caseID)
	if err != nil || t.members[typ+"/"+id] {
		return err
	}
	if in, err := p.within(caseID); err != nil || !in {
		return cmp.Or(err, absent("Task", caseID))
	}
	ref := typ + "/" + id
	if w == nil {
		w = p.writeOf(typ, id)
	}
	var patient string
	var root tree.Node
	if w != nil && w.version != nil {
		patient, root = w.version.Patient, w.root
	} else {
		v, err := p.r.current(p.ctx, p.who.ReachNamed(), typ, id)
		if err != nil {
			return err
		}
		if v == nil || v.Deleted {
			return issue.Errorf(issue.NotFound, "The case refers to %s, which is not there or not in your reach.", ref).
				Rule("reference-target").WithStatus(422).Chinese("所引用的资源不存在或不可见。")
		}
		patient = v.Patient
		if root, err = parsed(v.Body); err != nil {
			return err
		}
	}
	switch of := p.patientOf(t); {
	case patient == "" || patient == of:
	case of != "":
		return issue.Errorf(issue.BusinessRule, "%s is about %s, the case Task/%s is about another patient.", ref, patient, caseID).
			Rule("other-patient").Clause("R001-166").WithStatus(422).Chinese("该资源属于另一名患者，不能加入本病例。")
	case caseID != p.in.opens: // an agreement is between organisations: what is in it both of them read
		return issue.Errorf(issue.BusinessRule, "%s is about %s, the case Task/%s is about no patient.", ref, patient, caseID).
			Rule("other-patient").Clause("R001-150 R001-166").WithStatus(422).Chinese("本病例不涉及患者，患者资料不能加入。")
	}
	t.members[ref] = true
	t.joined = append(t.joined, Member{Case: caseID, Type: typ, ID: id})
	if err := p.enterContents(caseID, root); err != nil || w != nil {
		return err
	}
	return p.carry(t, typ, id)
}

// enterContents makes the Binaries members that a document of the case names.
func (p *preparation) enterContents(caseID string, root tree.Node) (err error) {
	p.r.attachments(root, func(binary, _ string) {
		if err == nil {
			err = p.enter(caseID, "Binary", binary, nil)
		}
	})
	return err
}

// carry lets the signatures over a document count in the case that it joins: a
// standing agreement is signed once, in its own case. Their Provenances join too.
func (p *preparation) carry(t *touched, typ, id string) error {
	cases, err := p.storedIn(typ, id)
	if err != nil {
		return err
	}
	for _, other := range cases {
		if other == t.id {
			continue
		}
		data, err := p.r.o.Store.Snapshot(p.ctx, other)
		if err != nil {
			return err
		}
		for _, s := range data.Signatures {
			if ref := "Provenance/" + s.Provenance; s.Target == typ+"/"+id && !t.members[ref] {
				t.members[ref] = true
				t.joined = append(t.joined, Member{Case: t.id, Type: "Provenance", ID: s.Provenance})
				t.carried = append(t.carried, s)
			}
		}
	}
	return nil
}

func (p *preparation) writeOf(typ, id string) *write {
	for _, w := range p.writes {
		if w != nil && w.typ == typ && w.id == id {
			return w
		}
	}
	return nil
}

// patientOf is the patient that the root Task of a case is for.
func (p *preparation) patientOf(t *touched) string {
	if w := p.writeOf("Task", t.id); w != nil && w.version != nil {
		return w.version.Patient
	}
	if t.data == nil {
		return ""
	}
	for _, m := range t.data.Members {
		if m.Type == "Task" && m.ID == t.id {
			return m.Patient
		}
	}
	return ""
}

// sorted returns the touched cases in the order of their ids, in which the store
// locks them.
func (p *preparation) sorted() []*touched {
	out := make([]*touched, 0, len(p.cases))
	for _, t := range p.cases {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b *touched) int { return cmp.Compare(a.id, b.id) })
	return out
}
