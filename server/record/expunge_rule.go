package record

import (
	"fmt"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// The marks by which the record says that something is to be kept.
//
//	legal hold   meta.tag or meta.security of the resource, or an active Flag
//	             about its patient with this code
//	retention    extension of meta with a date; DocumentReference.context.period;
//	             Device.expirationDate; and for all that is about a patient the
//	             years of the configuration, counted from its last change
const (
	holdSystem         = "urn:tenon:hold"
	holdCode           = "legal-hold"
	retentionExtension = "urn:tenon:extension:retention-until"
)

// judge asks every rule that forbids the erasure of one resource.
func (e *part) judge() error {
	if err := e.judgeAlone(); err != nil {
		return err
	}
	return e.needed()
}

// judgeAlone leaves out what others need.
func (e *part) judgeAlone() (err error) {
	if !e.current.Deleted && len(e.cases) == 0 {
		return e.stays("expunge-current", "R000-015", "it is not deleted: delete it first", "请先删除该资源。")
	}
	if e.remains, err = e.r.o.Store.Remains(e.ctx, e.typ, e.id); err != nil {
		return fmt.Errorf("record: expunge: %w", err)
	}
	if e.remains.Last == nil {
		return e.stays("expunge-done", "", "nothing is left of it", "该资源已无可永久删除的内容。")
	}
	if e.remains.Images != nil {
		e.remains.Contents = append(e.remains.Contents, e.remains.Images.Contents...)
	}
	last, err := parsed(e.remains.Last.Body)
	if err != nil {
		return err
	}
	for _, rule := range []func(tree.Node) error{e.proof, e.inCases, e.held, e.retained} {
		if err := rule(last); err != nil {
			return err
		}
	}
	return nil
}

// stays refuses. The text never tells what is out of the caller's reach.
func (e *part) stays(rule, clause, why, chinese string) error {
	f := issue.Errorf(issue.BusinessRule, "%s is not erased: %s.", e.ref(), why).Rule(rule).WithStatus(409).Chinese(chinese)
	if clause != "" {
		f = f.Clause(clause)
	}
	return f
}

// proof keeps what proves something itself.
func (e *part) proof(last tree.Node) error {
	switch {
	case e.typ == "AuditEvent" || e.typ == "Provenance" || e.typ == "Task" && len(e.cases) > 0 || last.Field("contentType").Str() == CertificateType:
		return e.stays("expunge-proof", "R000-018", "it is part of the proof of the record", "溯源与证明资料不可永久删除。")
	case e.remains.Signed && len(e.cases) == 0:
		return e.stays("expunge-signed", "R001-166", "a version of it is signed", "已签名的资料不可永久删除。")
	case e.remains.Images != nil && len(e.cases) == 0:
		return e.stays("expunge-images", "R001-166", "the images of the study are kept", "该检查的影像仍在保存。")
	}
	return nil
}

// held asks for legal holds, whoever may see them.
func (e *part) held(last tree.Node) error {
	held := marked(last)
	if patient := e.remains.Last.Patient; !held && patient != "" && !e.reads.locks(holdLock(patient)) {
		var read ReadSet
		var err error
		if held, read, err = e.r.flagged(e.ctx, e.who, patient); err != nil {
			return err
		}
		e.reads.add(read)
	}
	if held {
		return e.stays("legal-hold", "R000-015", "it is under a legal hold, which must be lifted first", "该资料处于法律保全状态。")
	}
	return nil
}

func coded(concept tree.Node, system, code string) bool {
	return slices.ContainsFunc(slices.Collect(concept.Field("coding").Items()), func(c tree.Node) bool {
		return c.Field("system").Str() == system && c.Field("code").Str() == code
	})
}

// retained asks until when the resource is to be kept. A date that cannot be read
// keeps it.
func (e *part) retained(last tree.Node) error {
	until := datesOf(last, e.typ)
	if len(e.cases) > 0 { // what a version once said counts, though somebody shortened it later
		earlier, err := e.r.o.Store.Earlier(e.ctx, []string{e.ref()})
		if err != nil {
			return fmt.Errorf("record: expunge: %w", err)
		}
		for i := range earlier {
			root, err := parsed(earlier[i].Body)
			if err != nil {
				return err
			}
			until = append(until, datesOf(root, e.typ)...)
		}
	}
	now := e.r.now()
	for _, text := range until {
		if text == "" {
			continue
		}
		if end, ok := endOf(text); !ok || end.After(now) {
			return e.stays("retention", "R000-015", "it is to be kept until "+clipped(text), "该资料仍在保存期限内。")
		}
	}
	if years := e.r.o.RetentionYears; years > 0 && e.remains.Last.Patient != "" {
		if end := e.remains.Last.Updated.AddDate(years, 0, 0); end.After(now) {
			return e.stays("retention", "R001-166", fmt.Sprintf("what is about a patient is kept for %d years, until %s", years, end.Format(time.DateOnly)), "患者资料仍在保存期限内。")
		}
	}
	return nil
}

// datesOf are the days until which a resource says that it is kept.
func datesOf(root tree.Node, typ string) (until []string) {
	for x := range root.Path("meta", "extension").Items() {
		if x.Field("url").Str() == retentionExtension {
			until = append(until, x.Field("valueDate").Str()+x.Field("valueDateTime").Str())
		}
	}
	switch typ {
	case "DocumentReference":
		until = append(until, root.Path("context", "period", "end").Str())
	case "Device":
		until = append(until, root.Field("expirationDate").Str())
	}
	return until
}

// endOf is the end of a date of any precision.
func endOf(text string) (time.Time, bool) {
	for _, f := range []struct {
		layout string
		year   int
		month  int
		day    int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}, {time.RFC3339, 0, 0, 0}} {
		if at, err := time.Parse(f.layout, text); err == nil {
			return at.AddDate(f.year, f.month, f.day), true
		}
	}
	return time.Time{}, false
}

// needed keeps what others refer to, but for the requests to erase it and for
// what is part of the same cases and goes with it, or proves that they were.
func (e *part) needed() error {
	all, err := e.r.o.Store.Referrers(e.ctx, e.who.Reach(), e.typ, e.id, 1000)
	if err != nil {
		return fmt.Errorf("record: expunge: %w", err)
	}
	seen, err := e.named()
	if err != nil {
		return err
	}
	unseen := len(all) == 1000 // perhaps there are more
	for i := range all {
		f := &all[i]
		if f.Case {
			if within, err := e.within(f); err != nil || within {
				if err != nil {
					return err
				}
				continue
			}
		}
		if f.Type == "Task" {
			key, err := e.r.o.Store.KeySeen(e.ctx, expungeDoor, f.ID)
			if err != nil {
				return err
			}
			if key != nil {
				continue
			}
		}
		if f.Reached {
			seen = append(seen, f.Ref())
		} else {
			unseen = true
		}
	}
	if len(seen) > 0 || unseen {
		return needed(e.ref(), seen)
	}
	return nil
}

// certified keeps everybody else from writing what certifies an erasure.
func (p *preparation) certified() error {
	if p.in.trusted {
		return nil
	}
	for i, w := range p.writes {
		if w == nil || w.server || w.typ != "Binary" {
			continue
		}
		was := ""
		if w.before != nil && !w.before.Deleted {
			if root, err := parsed(w.before.Body); err == nil {
				was = root.Field("contentType").Str()
			}
		}
		if was == CertificateType || w.op.Method != "DELETE" && w.root.Field("contentType").Str() == CertificateType {
			return at(issue.Errorf(issue.Forbidden, "A Binary of contentType %s certifies an erasure; only $expunge writes one, and it stays.", CertificateType).
				At("Binary.contentType").Rule("erasure-certificate").WithStatus(403).Chinese("永久删除证明只能由系统生成，且不可更改。"), i, p.draft)
		}
	}
	return nil
}
