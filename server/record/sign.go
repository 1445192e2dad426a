package record

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
)

// Sign puts a person's signature under the exact current version of a resource
// of a case: the operation {Type}/{id}/$sign. It answers with the Provenance
// that carries the JWS.
//
// Parameters in:
//
//	role     code    1..1  role in which the person signs (urn:tenon:role)
//	purpose  code    1..1  what for (urn:tenon:signature-purpose)
//	secret   string  1..1  the person's own signing secret; never kept
//	version  string  0..1  version that the person saw; another current one is 412
//	case     string  0..1  root Task id, when the resource is in several cases
//	outcome  code    0..1  conform or nonconform, for a judgement
//	comment  string  0..1  reason or remark
//	condition string 0..*  conditions of the plan that this signature answers for
func (r *Recorder) Sign(ctx context.Context, who *access.Context, typ, id string, params []byte) (*Result, error) {
	if err := r.entry(who, typ); err != nil {
		return nil, err
	}
	if !who.CanSign() || r.o.Signers == nil {
		return nil, r.refuse(ctx, who, signDraft(typ, id), issue.Errorf(issue.Forbidden, "Only a person signs; %s is none.", who.Principal).
			Rule("sign-person").Clause("R001-034").Chinese("只有自然人可以签名。"))
	}
	in, err := signInput(params)
	if err != nil {
		return nil, r.refuse(ctx, who, signDraft(typ, id), err)
	}
	for range attempts {
		res, err := r.signOnce(ctx, who, typ, id, in)
		if f := issue.As(err); f != nil && f.Issues[0].Rule == "sign-moved" && in.version == "" {
			continue
		}
		return res, err
	}
	return nil, issue.Errorf(issue.Conflict, "%s/%s keeps changing; read it again and sign what you saw.", typ, id).Rule("contention")
}

func signDraft(typ, id string) *Draft {
	return &Draft{Door: "fhir", Operation: "sign", Ops: []Op{{Method: "POST", Type: typ, ID: id}}}
}

type signing struct {
	role, purpose, secret, version, caseID, outcome, comment string
	conditions                                               []string
}

func signInput(params []byte) (*signing, error) {
	root, err := parsed(params)
	if err != nil {
		return nil, err
	}
	in := &signing{}
	fields := map[string]*string{"role": &in.role, "purpose": &in.purpose, "secret": &in.secret, "version": &in.version,
		"case": &in.caseID, "outcome": &in.outcome, "comment": &in.comment}
	for p := range root.Field("parameter").Items() {
		name := p.Field("name").Str()
		value := p.Field("valueString").Str() + p.Field("valueCode").Str()
		if name == "condition" {
			in.conditions = append(in.conditions, value)
			continue
		}
		field, known := fields[name]
		if !known {
			return nil, issue.Errorf(issue.Invalid, "$sign has no parameter %q.", name).At("Parameters.parameter").Rule("sign-parameter").WithStatus(400)
		}
		*field = value
	}
	for _, need := range []string{"role", "purpose", "secret"} {
		if *fields[need] == "" {
			return nil, issue.Errorf(issue.Required, "$sign needs the parameter %s.", need).At("Parameters.parameter[" + need + "]").Rule("sign-parameter").WithStatus(400)
		}
	}
	return in, nil
}

func (r *Recorder) signOnce(ctx context.Context, who *access.Context, typ, id string, in *signing) (*Result, error) {
	v, err := r.current(ctx, who.Reach(), typ, id)
	if err != nil {
		return nil, err
	}
	refuse := func(err error) (*Result, error) { return nil, r.refuse(ctx, who, signDraft(typ, id), err) }
	if v == nil || v.Deleted {
		return refuse(absent(typ, id))
	}
	if in.version != "" && in.version != fmt.Sprint(v.Version) {
		return refuse(issue.Errorf(issue.Conflict, "You asked to sign version %s, but %s/%s is at version %d. Read it again and sign what you saw.",
			in.version, typ, id, v.Version).Rule("sign-version").WithStatus(412).Chinese("文件已有新版本，请重新阅读后签名。"))
	}
	data, err := r.caseOf(ctx, who, v, in.caseID)
	if err != nil {
		return refuse(err)
	}
	s, err := snapshotOf(data)
	if err != nil {
		return nil, err
	}
	s.Now = r.now()
	target := memberOf(s, typ, id)
	if target == nil || target.Version != v.Version {
		return nil, issue.Errorf(issue.Conflict, "%s/%s changed meanwhile.", typ, id).Rule("sign-moved")
	}
	stage, unmet := r.o.Engine.MaySign(s, *target, access.Role(in.role), in.purpose, who)
	if len(unmet) > 0 {
		return refuse(refusal(casework.Decision{Refusal: unmet, Status: 403}))
	}
	sig := &casework.Signature{
		Target: typ + "/" + id, Version: v.Version, Digest: v.Digest, Role: access.Role(in.role), Purpose: in.purpose,
		Stage: stage, Signer: who.Principal, Person: who.Person, When: s.Now, Outcome: in.outcome, Conditions: in.conditions,
	}
	manifest := r.manifest(s, *target, sig, in)
	key, certificate, err := r.o.Signers.Unlock(ctx, who.Principal, in.secret)
	if err != nil {
		return refuse(err)
	}
	jws, err := ledger.SignManifest(key, certificate, manifest)
	if err != nil {
		return nil, fmt.Errorf("record: sign: %w", err)
	}
	body, err := provenance(data.Case, sig, in, jws)
	if err != nil {
		return nil, err
	}
	d := &Draft{Door: "fhir", Operation: "sign", Ops: []Op{{Method: "POST", Type: "Provenance", Body: body}}}
	outcome, err := r.submit(ctx, who, d, internal{signature: sig, caseID: data.Case, trusted: true})
	if err != nil {
		return nil, err
	}
	return &outcome.Results[0], nil
}

// caseOf finds the one case in which the signature counts.
func (r *Recorder) caseOf(ctx context.Context, who *access.Context, v *Version, wanted string) (*CaseData, error) {
	ids, err := r.o.Store.CasesOf(ctx, v.Type, v.ID)
	if err != nil {
		return nil, err
	}
	var in []string
	for _, id := range ids {
		root, err := r.current(ctx, who.Reach(), "Task", id)
		if err != nil {
			return nil, err
		}
		if root != nil && (wanted == "" || wanted == id) {
			in = append(in, id)
		}
	}
	switch len(in) {
	case 1:
		return r.o.Store.Snapshot(ctx, in[0])
	case 0:
		return nil, issue.Errorf(issue.BusinessRule, "%s/%s is in no case of yours: only documents of a case are signed here.", v.Type, v.ID).
			Rule("sign-case").Chinese("该资源不属于您可见的病例，不能签名。")
	}
	return nil, issue.Errorf(issue.BusinessRule, "%s/%s is in several cases; name one with the parameter case.", v.Type, v.ID).Rule("sign-case")
}

func memberOf(s *casework.Snapshot, typ, id string) *casework.Resource {
	for i := range s.Resources {
		if s.Resources[i].Type == typ && s.Resources[i].ID == id {
			return &s.Resources[i]
		}
	}
	return nil
}

// manifest lists what is signed: the target, the content that it names, and, for
// a stage, its outputs.
func (r *Recorder) manifest(s *casework.Snapshot, target casework.Resource, sig *casework.Signature, in *signing) ledger.Manifest {
	m := ledger.Manifest{
		Case: s.Case, Stage: sig.Stage, Role: string(sig.Role), Purpose: sig.Purpose, Signer: sig.Signer,
		When: sig.When, Outcome: in.outcome, Comment: in.comment, Conditions: in.conditions,
	}
	seen := map[string]bool{}
	var add func(res casework.Resource)
	add = func(res casework.Resource) {
		if seen[res.Ref()] {
			return
		}
		seen[res.Ref()] = true
		m.Entries = append(m.Entries, ledger.ManifestEntry{Reference: fmt.Sprintf("%s/_history/%d", res.Ref(), res.Version), Digest: res.Digest})
		r.attachments(res.Root, func(id, _ string) {
			if b := memberOf(s, "Binary", id); b != nil {
				add(*b)
			}
		})
		var content [32]byte
		if n, err := hex.Decode(content[:], []byte(res.Blob)); err == nil && n == len(content) {
			m.Attachments = append(m.Attachments, ledger.Attachment{Reference: res.Ref(), Digest: content})
		}
	}
	add(target)
	if target.Type == "Task" {
		references(target.Root.Field("output"), func(ref tree.Node) {
			if typ, id, ok := r.local(ref.Str()); ok {
				if out := memberOf(s, typ, id); out != nil {
					add(*out)
				}
			}
		})
	}
	return m
}

// provenance is the resource that carries the signature.
func provenance(caseID string, sig *casework.Signature, in *signing, jws string) ([]byte, error) {
	when := sig.When.Format("2006-01-02T15:04:05.000Z07:00")
	coding := func(system, code string) map[string]any {
		return map[string]any{"coding": []any{map[string]any{"system": system, "code": code}}}
	}
	purpose := map[string]any{"system": "urn:tenon:signature-purpose", "code": sig.Purpose}
	res := map[string]any{
		"resourceType": "Provenance",
		"extension":    []any{map[string]any{"url": caseExtension, "valueReference": map[string]any{"reference": "Task/" + caseID}}},
		"target":       []any{map[string]any{"reference": fmt.Sprintf("%s/_history/%d", sig.Target, sig.Version)}},
		"recorded":     when,
		"activity":     coding("urn:tenon:signature-purpose", sig.Purpose),
		"agent": []any{map[string]any{
			"role": []any{coding("urn:tenon:role", string(sig.Role))},
			"who":  map[string]any{"reference": sig.Signer},
		}},
		"signature": []any{map[string]any{
			"type": []any{purpose}, "when": when, "who": map[string]any{"reference": sig.Signer},
			"targetFormat": "application/fhir+json", "sigFormat": "application/jose",
			"data": base64.StdEncoding.EncodeToString([]byte(jws)),
		}},
	}
	if in.outcome != "" {
		res["reason"] = []any{map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:judgement", "code": in.outcome}}, "text": in.comment}}
	} else if in.comment != "" {
		res["reason"] = []any{map[string]any{"text": in.comment}}
	}
	return json.Marshal(res)
}
