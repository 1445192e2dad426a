package record

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/ledger"
)

// confirm erases, where another person asked for it.
func (e *expunge) confirm() error {
	asked, task, err := e.asked()
	if err != nil {
		return err
	}
	if err := e.second(asked, task); err != nil {
		return err
	}
	binary, err := e.r.newID()
	if err != nil {
		return err
	}
	provenance, err := e.r.newID()
	if err != nil {
		return err
	}
	d := &Draft{Door: "fhir", Operation: "expunge"}
	certificate, erasures := e.certificate(asked, task, ledger.VersionRef("Binary", binary, 1))
	if err := e.r.certify(&certificate); err != nil {
		return err
	}
	content, err := json.Marshal(certificate)
	if err != nil {
		return err
	}
	for _, b := range []struct {
		typ, id string
		body    any
	}{
		{"Binary", binary, map[string]any{"resourceType": "Binary", "id": binary, "contentType": CertificateType, "data": base64.StdEncoding.EncodeToString(content)}},
		{"Provenance", provenance, e.provenance(asked, binary)},
	} {
		body, err := json.Marshal(b.body)
		if err != nil {
			return err
		}
		d.Ops = append(d.Ops, Op{Method: "PUT", Type: b.typ, ID: b.id, Body: body})
	}
	d.Ops = append(d.Ops, Op{Method: "PATCH", Type: "Task", ID: task.ID, IfMatch: fmt.Sprint(task.Version), Format: JSONPatch,
		Body: []byte(`[{"op":"replace","path":"/status","value":"completed"}]`)})
	e.out = Expunged{Certificate: "Binary/" + binary, Provenance: "Provenance/" + provenance, Kept: e.kept}
	for i, x := range erasures {
		if p := e.parts[i]; !p.current.Deleted {
			d.Ops = append(d.Ops, Op{Method: "DELETE", Type: p.typ, ID: p.id, IfMatch: fmt.Sprint(p.current.Version)})
		}
		d.Rows = append(d.Rows, x)
		e.out.Versions += len(x.Versions)
		e.out.Contents += len(x.Contents)
	}
	e.submitted = true
	if _, err := e.r.submit(e.ctx, e.who, d, internal{trusted: true, erases: e}); err != nil {
		return err
	}
	return e.destroy()
}

// second refuses whoever asked, whoever is no natural person, and a request that
// was settled or withdrawn.
func (e *expunge) second(asked tree.Node, task *Version) error {
	requester := asked.Path("requester", "reference").Str() + asked.Path("requester", "display").Str()
	person := asked.Field("input").Index(0).Field("valueString").Str()
	switch {
	case e.who.Kind != access.Person || e.who.Principal == requester || personOf(e.who) == person:
		return issue.Errorf(issue.Forbidden, "An erasure is confirmed by another natural person than %s, who asked for it.", requester).
			Rule("expunge-second").Clause("R000-015").WithStatus(403).Chinese("永久删除须由另一名自然人确认。")
	case task == nil || task.Deleted:
		return absent("Task", e.Request)
	}
	now, err := parsed(task.Body)
	if err != nil {
		return err
	}
	if status := now.Field("status").Str(); status != "requested" {
		return issue.Errorf(issue.Conflict, "The request Task/%s is %s and cannot be confirmed; ask anew.", task.ID, status).
			Rule("expunge-request").WithStatus(409).Chinese("该请求已处理或撤回。")
	}
	return nil
}

// certificate lists what is destroyed, and makes the rows that do so. What it names of each
// is the leaf of the log, which is over a salt that is destroyed too: a digest of
// the bytes alone would let them be guessed.
func (e *expunge) certificate(asked tree.Node, task *Version, certificate string) (ledger.ErasureCertificate, []*Erasure) {
	c := ledger.ErasureCertificate{
		Format: ledger.ErasureFormat, Resource: e.Type + "/" + e.ID, Reason: asked.Path("reasonCode", "text").Str(),
		Request: ledger.VersionRef("Task", task.ID, 1), RequestedBy: asked.Path("requester", "reference").Str() + asked.Path("requester", "display").Str(),
		RequestedAt: asked.Field("authoredOn").Str(), ConfirmedBy: e.who.Principal, ConfirmedAt: e.r.now().Format("2006-01-02T15:04:05.000Z07:00"),
	}
	c.Cases, c.Kept = e.retentions(), e.kept
	erasures := make([]*Erasure, len(e.parts))
	for i, p := range e.parts {
		x := &Erasure{Type: p.typ, ID: p.id, Current: p.current.Version, Certificate: certificate, Cases: p.cases, Images: p.remains.Images}
		if !p.current.Deleted {
			x.Current++ // the deletion goes before
		}
		for _, v := range p.remains.Versions {
			if v.Deleted {
				continue
			}
			x.Versions = append(x.Versions, v.Version)
			c.Erased = append(c.Erased, ledger.ErasedLeaf{Ref: ledger.VersionRef(p.typ, p.id, v.Version), Leaf: hex.EncodeToString(v.Leaf[:]), Size: v.Size})
		}
		for _, b := range p.remains.Contents {
			x.Contents = append(x.Contents, b.Digest)
			c.Erased = append(c.Erased, ledger.ErasedLeaf{Ref: ledger.BlobRef(b.Digest), Leaf: hex.EncodeToString(b.Leaf[:]), Size: b.Size})
		}
		if i == 0 && e.Type == "Task" && e.ended[e.ID] != nil {
			x.Workitems = slices.Collect(maps.Keys(e.ended))
		}
		erasures[i] = x
	}
	return c, erasures
}

// certify seals the certificate where the server has a key to do so. What was a
// part of a case is not erased without.
func (r *Recorder) certify(c *ledger.ErasureCertificate) error {
	if r.o.Certifier != nil {
		return r.o.Certifier.CertifyErasure(c)
	}
	if len(c.Cases) > 0 {
		return errors.New("record: expunge: there is no key to seal the certificate with")
	}
	return nil
}

func (e *expunge) provenance(asked tree.Node, binary string) map[string]any {
	agents := []any{map[string]any{"who": json.RawMessage(asked.Field("requester").Raw())}, agentOf(e.who)}
	targets := make([]any, len(e.parts))
	for i, p := range e.parts {
		targets[i] = map[string]any{"reference": p.ref()}
	}
	return map[string]any{
		"resourceType": "Provenance",
		"target":       targets,
		"recorded":     e.r.now().Format("2006-01-02T15:04:05.000Z07:00"),
		"activity":     map[string]any{"coding": []any{map[string]any{"system": lifecycle, "code": "destroy", "display": "Destroy/Delete Record Lifecycle Event"}}},
		"reason":       []any{map[string]any{"text": asked.Path("reasonCode", "text").Str()}},
		"agent":        agents,
		"entity":       []any{map[string]any{"role": "source", "what": map[string]any{"reference": "Binary/" + binary}}},
	}
}

// destroy overwrites the keys of contents that nothing needs any more. It goes on
// when the client is gone: the record says already that they are erased.
func (e *expunge) destroy() error {
	if e.out.Contents == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), time.Minute)
	defer cancel()
	eraser, ok := e.r.o.Blobs.(Eraser)
	for _, p := range e.parts {
		for _, b := range p.remains.Contents {
			done := false
			if ok {
				var err error
				if done, err = eraser.Erase(ctx, b.Digest, b.Staged.Add(time.Millisecond)); err != nil {
					return fmt.Errorf("record: expunge: %w", err)
				}
			}
			if !done {
				e.out.Waiting++
			}
		}
	}
	return nil
}
