package record

import (
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/server/access"
	"tenon/server/ledger"
)

// allowAll asks for every operation whether the caller may do it, and carries
// out patches: from here on each write has its body.
func (p *preparation) allowAll() error {
	p.targets.writes = make(map[string]*write, len(p.writes))
	for i, w := range p.writes {
		if w == nil {
			continue
		}
		if err := p.allow(w); err != nil {
			return at(err, i, p.draft)
		}
		if err := p.patched(w); err != nil {
			return at(err, i, p.draft)
		}
		p.targets.writes[w.typ+"/"+w.id] = w
	}
	return nil
}

func (p *preparation) patched(w *write) error {
	if w.op.Method != "PATCH" {
		return nil
	}
	patched, err := Patched(p.r.o.Model, w.op.Format, p.at, w.before.Body, w.body)
	if err != nil {
		return err
	}
	w.body = patched
	if w.root, err = parsed(patched); err != nil {
		return err
	}
	return p.linkOne(w)
}

// make turns every operation into a version: well formed, with id and meta,
// indexed and graded.
func (p *preparation) make() error {
	for i, w := range p.writes {
		if w == nil {
			continue
		}
		if err := p.makeOne(w); err != nil {
			return at(err, i, p.draft)
		}
		r := &p.outcome.Results[i]
		r.Status, r.Version, r.Warnings = statusFor(w), w.version, append(r.Warnings, w.warnings...)
	}
	for i, first := range p.same {
		p.outcome.Results[i] = Result{Status: 200, Version: p.writes[first].version}
	}
	for i, w := range p.writes {
		if w == nil || w.version.Deleted {
			continue
		}
		if err := p.checkDigests(w); err != nil {
			return at(err, i, p.draft)
		}
	}
	return nil
}

func statusFor(w *write) int {
	switch {
	case w.op.Method == "DELETE":
		return 204
	case w.before == nil || w.before.Deleted:
		return 201
	}
	return 200
}

func (p *preparation) makeOne(w *write) error {
	if w.op.Method == "DELETE" {
		return p.tombstone(w)
	}
	if err := p.admit(w); err != nil {
		return err
	}
	if !w.judged {
		if err := p.check(w); err != nil {
			return err
		}
	}
	return p.store(w)
}

// allow asks the write table of access; what the server does for the caller was
// judged before.
func (p *preparation) allow(w *write) error {
	if p.in.trusted || w.server {
		return nil
	}
	verb := access.Update
	switch {
	case w.op.Method == "DELETE":
		verb = access.Delete
	case w.before == nil:
		verb = access.Create
	}
	if err := p.who.Allow(verb, w.typ); err != nil {
		return err
	}
	if err := guardPart(w); err != nil {
		return err
	}
	if w.before != nil && access.IsSecurity(w.before.Owner) && p.who.Kind != access.Operator {
		return issue.Errorf(issue.Forbidden, "%s/%s is about the security of an organisation; it is closed with $review and changed by nobody.", w.typ, w.id).
			Rule("security-task").Chinese("安全审查任务只能通过 $review 完成，不可修改。")
	}
	return p.guardSigned(w)
}

// confine keeps what an app writes with the patient in its context, and a
// resource that it changes with the patient that it was about.
func (p *preparation) confine(w *write, about string) error {
	if p.in.trusted || w.server {
		return nil
	}
	if w.before == nil || w.before.Deleted {
		return p.who.Confine(access.Create, w.typ, about)
	}
	return p.who.Confine(access.Update, w.typ, about)
}

// guardSigned keeps clients from changing what only $sign may write.
func (p *preparation) guardSigned(w *write) error {
	if w.typ == "Provenance" && w.before != nil {
		return issue.Errorf(issue.BusinessRule, "Provenance/%s is part of the record and cannot be changed or deleted; add a new one.", w.id).
			Rule("provenance-immutable").WithStatus(409).Chinese("溯源记录不可修改或删除。")
	}
	return nil
}

// stageTask tells whether a Task claims to be part of the process of a case.
func stageTask(root tree.Node) bool {
	for c := range root.Path("code", "coding").Items() {
		if c.Field("system").Str() == "urn:tenon:stage" {
			return true
		}
	}
	return false
}

// check judges shape and identity of the body.
func (p *preparation) check(w *write) error {
	if got := w.root.Path("resourceType").Str(); got != w.typ {
		return issue.Errorf(issue.Invalid, "The URL names a %s, the body is a %q.", w.typ, got).At("resourceType").Rule("type-mismatch").WithStatus(400)
	}
	if got := w.root.Path("id").Str(); got != "" && got != w.id && (w.op.Method == "PUT" || w.op.Method == "PATCH") {
		return issue.Errorf(issue.Invalid, "The URL names the id %q, the body has %q.", w.id, got).At(w.typ + ".id").Rule("id-mismatch").WithStatus(400)
	}
	if w.root.Path("id").Str() == "" && w.op.Method == "PUT" && w.op.Criteria == "" && !w.server && !p.in.trusted {
		return issue.Errorf(issue.Invalid, "The body of an update must carry the id %q of the URL.", w.id).At(w.typ + ".id").Rule("id-missing").WithStatus(400)
	}
	if !validate.IsID(w.id) {
		return issue.Errorf(issue.Value, "%q is not an id: 1 to 64 of A-Z a-z 0-9 - and .", w.id).At(w.typ + ".id").Rule("id-grammar").WithStatus(400)
	}
	if w.op.Method == "PUT" && w.before != nil && subset(w.root) {
		return issue.Errorf(issue.BusinessRule, "The body is tagged SUBSETTED: it is a part of %s/%s, and putting it back would lose the rest. Read the whole resource, or patch it.", w.typ, w.id).
			At(w.typ + ".meta.tag").Rule("subsetted").WithStatus(422).Chinese("正文只是资源的一部分，不能覆盖完整资源。")
	}
	var err error
	w.warnings, err = p.shape(w)
	return err
}

// subset tells a part of a resource from the whole.
// https://hl7.org/fhir/R4/search.html#summary
func subset(root tree.Node) bool {
	for tag := range root.Path("meta", "tag").Items() {
		if tag.Field("code").Str() == "SUBSETTED" && tag.Field("system").Str() == "http://terminology.hl7.org/CodeSystem/v3-ObservationValue" {
			return true
		}
	}
	return false
}

// store makes the version: id and meta are spliced into the caller's bytes.
func (p *preparation) store(w *write) error {
	v := &Version{
		Type: w.typ, ID: w.id, Version: 1, Updated: p.at, Method: w.op.Method,
		Owner: p.who.Organization, Author: p.who.Principal,
	}
	if w.server {
		v.Author = "server"
	}
	if w.before != nil {
		v.Version = w.before.Version + 1
		v.Owner = w.before.Owner // the first author's organisation keeps it
		if !v.Updated.After(w.before.Updated) {
			v.Updated = w.before.Updated.Add(time.Millisecond)
		}
	}
	if w.op.Blob != nil {
		v.Blob = fmt.Sprintf("%x", w.op.Blob.Digest)
	}
	root, err := unlabelled(w.root)
	if err != nil {
		return err
	}
	body, err := tree.Splice(root.Doc(), w.id, fmt.Sprint(v.Version), v.Updated)
	if err != nil {
		return err
	}
	v.Body = body
	if w.root, err = parsed(body); err != nil {
		return err
	}
	if v.Rows, err = p.rev.Search.Index(w.root); err != nil {
		return err
	}
	v.Patient = p.r.about(w.root, w.id)
	if err := p.confine(w, v.Patient); err != nil {
		return err
	}
	p.grade(v, w.root)
	return p.seal(w, v)
}

func (p *preparation) grade(v *Version, root tree.Node) {
	if p.r.o.Grader == nil {
		v.Level = 5 // ungraded is strictly limited
		return
	}
	g := p.r.o.Grader.Grade(root)
	v.Level, v.Integrity, v.Grading, v.Part = g.Level, g.Integrity, g.Table, g.Part
}

// tombstone is the version that a delete leaves: no body; its leaf says what was
// deleted and when.
func (p *preparation) tombstone(w *write) error {
	if w.before == nil {
		return absent(w.typ, w.id)
	}
	v := &Version{
		Type: w.typ, ID: w.id, Version: w.before.Version + 1, Updated: p.at, Deleted: true, Method: "DELETE",
		Owner: w.before.Owner, Author: p.who.Principal, Patient: w.before.Patient,
		Level: w.before.Level, Integrity: w.before.Integrity, Grading: w.before.Grading, Part: w.before.Part,
	}
	if !v.Updated.After(w.before.Updated) {
		v.Updated = w.before.Updated.Add(time.Millisecond)
	}
	return p.seal(w, v)
}

// seal gives the version digest, salt, leaf and audit row.
func (p *preparation) seal(w *write, v *Version) error {
	v.Digest = sha256.Sum256(v.Body)
	if _, err := io.ReadFull(p.r.o.Random, v.Salt[:]); err != nil {
		return fmt.Errorf("record: salt: %w", err)
	}
	leaf := ledger.VersionLeaf(ledger.VersionRow{
		Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Deleted: v.Deleted, Body: v.Body, Salt: v.Salt,
	})
	p.unit.Leaves = append(p.unit.Leaves, leaf)
	ref := leaf.Ref
	operation := p.draft.Operation
	who := p.who
	if w.server {
		operation, who = "effect", nil
	}
	row := p.r.audit(who, actionOf(v.Method), operation, ref, statusFor(w))
	row.Door, row.Patient = p.draft.Door, v.Patient
	if w.server {
		row.Principal, row.RequestID = "server", p.who.RequestID
	}
	p.unit.Audit = append(p.unit.Audit, row)
	w.version = v
	return nil
}
