package record

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
)

// Sign puts a person's signature under the exact current version of a resource
// of a case, or of a plan (activate.go): the operation {Type}/{id}/$sign. It answers with the Provenance
// that carries the JWS.
//
// Parameters in:
//
//	role     code    1..1  role in which the person signs (urn:tenon:role)
//	purpose  code    1..1  what for (urn:tenon:signature-purpose)
//	secret   string  1..1  the person's own signing secret; never kept
//	version  string  0..1  version that the person saw; another current one is 412
//	case     string  0..1  root Task id, when the resource is in several cases
//	outcome  code    0..1  conform or nonconform, for a judgement; refused: the
//	                       person refuses to sign and says why
//	comment  string  0..1  reason or remark; 1..1 with outcome refused
//	condition string 0..*  conditions of the plan that this signature answers for
//
// A person whose certificate is of somebody else signs in two calls: Prepare, and
// this one with the parameter jws alone (and case).
func (r *Recorder) Sign(ctx context.Context, who *access.Context, typ, id string, params []byte) (*Result, error) {
	if err := r.entry(who, typ); err != nil {
		return nil, err
	}
	if !who.CanSign() || r.o.Signers == nil {
		return nil, r.refuse(ctx, who, signDraft(typ, id), notPerson(who))
	}
	if err := who.Stepped(); err != nil {
		return nil, r.refuse(ctx, who, signDraft(typ, id), err)
	}
	in, err := signInput(params)
	if err == nil && in.jws != "" {
		err = in.fromJWS(who, r.now())
	}
	if err != nil {
		return nil, r.refuse(ctx, who, signDraft(typ, id), err)
	}
	for range attempts {
		res, err := r.signOnce(ctx, who, typ, id, in)
		if f := issue.As(err); f != nil && f.Issues[0].Rule == "sign-moved" && in.version == "" && in.jws == "" {
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

	jws  string    // made outside
	when time.Time // that it says
}

// signInput reads the parameters of $sign; those of a JWS stand in its manifest.
func signInput(params []byte) (*signing, error) {
	root, err := parsed(params)
	if err != nil {
		return nil, err
	}
	in := &signing{}
	fields := map[string]*string{"role": &in.role, "purpose": &in.purpose, "secret": &in.secret, "version": &in.version,
		"case": &in.caseID, "outcome": &in.outcome, "comment": &in.comment, "jws": &in.jws}
	for p := range root.Field("parameter").Items() {
		name := p.Field("name").Str()
		value := p.Field("valueString").Str() + p.Field("valueCode").Str()
		if name == "condition" {
			in.conditions = append(in.conditions, value)
			continue
		}
		if name == "prepare" && p.Field("valueBoolean").Exists() {
			continue // said by the call
		}
		field, known := fields[name]
		if !known {
			return nil, badSign(name, "there is no such parameter")
		}
		*field = value
	}
	if in.jws != "" {
		if in.role+in.purpose+in.secret+in.version+in.outcome+in.comment != "" || in.conditions != nil {
			return nil, badSign("jws", "what is signed says the rest: it stands alone, or with case")
		}
		return in, nil
	}
	if in.outcome == casework.Refused {
		if unmet := casework.MayRefuse(in.purpose, in.comment); len(unmet) > 0 {
			return nil, refusal(casework.Decision{Refusal: unmet, Status: 422})
		}
	}
	return in, in.needs("role", in.role, "purpose", in.purpose)
}

func (in *signing) needs(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return issue.Errorf(issue.Required, "$sign needs the parameter %s.", pairs[i]).At("Parameters.parameter[" + pairs[i] + "]").Rule("sign-parameter").WithStatus(400)
		}
	}
	return nil
}

func badSign(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of $sign cannot be honoured: %s.", name, why).At("Parameters.parameter").Rule("sign-parameter").WithStatus(400)
}

// draftOf finds the target, its case, and whether the person may sign it, and
// makes the manifest.
func (r *Recorder) draftOf(ctx context.Context, who *access.Context, typ, id string, in *signing) (*drafted, error) {
	if err := who.Permit(access.Create, "Provenance"); err != nil {
		return nil, err
	}
	v, err := r.current(ctx, who.Reach(), typ, id)
	if err != nil {
		return nil, err
	}
	if v == nil || v.Deleted {
		return nil, absent(typ, id)
	}
	if in.version != "" && in.version != fmt.Sprint(v.Version) {
		return nil, issue.Errorf(issue.Conflict, "You asked to sign version %s, but %s/%s is at version %d. Read it again and sign what you saw.",
			in.version, typ, id, v.Version).Rule("sign-version").WithStatus(412).Chinese("文件已有新版本，请重新阅读后签名。")
	}
	if typ == "PlanDefinition" && in.purpose == activation {
		return r.draftActivation(ctx, who, v, in)
	}
	data, err := r.caseOf(ctx, who, v, in.caseID)
	if err != nil {
		return nil, err
	}
	s, err := r.asSeen(ctx, data)
	if err != nil {
		return nil, err
	}
	target := memberOf(s, typ, id)
	if target == nil || target.Version != v.Version {
		return nil, issue.Errorf(issue.Conflict, "%s/%s changed meanwhile.", typ, id).Rule("sign-moved")
	}
	stage, unmet := r.o.Engine.MaySign(s, *target, access.Role(in.role), in.purpose, who)
	if len(unmet) > 0 {
		return nil, refusal(casework.Decision{Refusal: unmet, Status: 403})
	}
	when, err := in.moment(s)
	if err != nil {
		return nil, err
	}
	sig := &casework.Signature{
		Target: typ + "/" + id, Version: v.Version, Digest: v.Digest, Role: access.Role(in.role), Purpose: in.purpose,
		Stage: stage, Signer: who.Principal, Person: who.Person, When: when, Outcome: in.outcome, Conditions: in.conditions,
	}
	return &drafted{caseID: data.Case, signature: sig, manifest: r.manifest(s, *target, sig, in), given: data.Signatures}, nil
}

// behind is how far another server's clock may be ahead of this one's.
const behind = 5 * time.Second

// moment is the time of the signature: never before one that the case has. A clock
// that went back signs nothing.
func (in *signing) moment(s *casework.Snapshot) (time.Time, error) {
	when := s.Now
	if in.jws != "" {
		return in.when, nil
	}
	for _, given := range s.Signatures {
		if given.When.Sub(s.Now) > behind {
			return when, issue.Errorf(issue.Conflict, "The case has a signature of %s, the server's clock says %s: it went back. Tell the operator.",
				given.When.Format(time.RFC3339), s.Now.Format(time.RFC3339)).Rule("sign-clock").Clause("R001-035").WithStatus(409).Chinese("服务器时钟早于已有签名时间，不能签名，请联系管理员。")
		}
		when = later(when, given.When)
	}
	return when, nil
}

// drafted is what is about to be signed.
type drafted struct {
	caseID    string // "" for a plan
	signature *casework.Signature
	manifest  ledger.Manifest
	given     []casework.Signature // in the case, or over the plan, so far
}

func (r *Recorder) signOnce(ctx context.Context, who *access.Context, typ, id string, in *signing) (*Result, error) {
	refuse := func(err error) (*Result, error) { return nil, r.refuse(ctx, who, signDraft(typ, id), err) }
	if err := in.needs("secret", in.secret+in.jws); err != nil {
		return refuse(err)
	}
	clock, err := r.clockStatement(ctx)
	if err != nil {
		return refuse(err)
	}
	d, err := r.draftOf(ctx, who, typ, id, in)
	if f := issue.As(err); f != nil && f.Issues[0].Rule == "sign-moved" {
		return nil, err // asked again
	} else if err != nil {
		return refuse(err)
	}
	jws, evidence, err := r.signed(ctx, who, d, in)
	if err != nil {
		return refuse(err)
	}
	body, err := provenance(d, in, jws, evidence, clock)
	if err != nil {
		return nil, err
	}
	draft := &Draft{Door: "fhir", Operation: "sign", Ops: []Op{{Method: "POST", Type: "Provenance", Body: body}}}
	outcome, err := r.submit(ctx, who, draft, internal{signature: d.signature, caseID: d.caseID, trusted: true})
	if err != nil {
		return nil, err
	}
	return &outcome.Results[0], nil
}

// signed makes the JWS with the key that the secret opens, or judges the one that
// the person made.
func (r *Recorder) signed(ctx context.Context, who *access.Context, d *drafted, in *signing) (string, *ledger.Evidence, error) {
	if in.jws != "" {
		return r.signedOutside(ctx, who, d, in)
	}
	key, certificate, err := r.o.Signers.Unlock(ctx, who.Principal, in.secret)
	if err != nil {
		return "", nil, err
	}
	if err := certifiedFor(who, certificate); err != nil {
		return "", nil, err
	}
	jws, err := ledger.SignManifest(key, certificate, d.manifest)
	if err != nil {
		return "", nil, fmt.Errorf("record: sign: %w", err)
	}
	return jws, nil, nil
}

// certifiedFor refuses the key of another person than the one who has the role now:
// gates count persons, and the certificate is what proves who one is.
func certifiedFor(who *access.Context, certificate []byte) error {
	person, err := ledger.PersonOf(certificate)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if person == ledger.Certified(who.Person) {
		return nil
	}
	return issue.Errorf(issue.Forbidden, "The signing key of %s was issued for %q; the role is that of %q now. Have a key issued for that person.", who.Principal, person, who.Person).
		Rule("sign-key-person").Clause("R001-034").Chinese("该签名密钥是为另一人签发的，请为现任人员重新签发。")
}

// clockStatement says what the time of a signature rests on.
func (r *Recorder) clockStatement(ctx context.Context) (string, error) {
	if r.o.Time == nil {
		return "", nil
	}
	return r.o.Time.Statement(ctx)
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

// clockExtension says, in Provenance.signature, where the time came from and how
// far off the clock was found.
const clockExtension = "urn:tenon:extension:clock"

// provenance is the resource that carries the signature.
func provenance(d *drafted, in *signing, jws string, evidence *ledger.Evidence, clock string) ([]byte, error) {
	sig := d.signature
	when := sig.When.Format("2006-01-02T15:04:05.000Z07:00")
	coding := func(system, code string) map[string]any {
		return map[string]any{"coding": []any{map[string]any{"system": system, "code": code}}}
	}
	purpose := map[string]any{"system": "urn:tenon:signature-purpose", "code": sig.Purpose}
	signature := map[string]any{
		"type": []any{purpose}, "when": when, "who": map[string]any{"reference": sig.Signer},
		"targetFormat": "application/fhir+json", "sigFormat": "application/jose",
		"data": base64.StdEncoding.EncodeToString([]byte(jws)),
	}
	var more []any
	if clock != "" {
		more = append(more, map[string]any{"url": clockExtension, "valueString": clock})
	}
	if evidence != nil {
		more = append(more, evidence.Extension())
	}
	if more != nil {
		signature["extension"] = more
	}
	res := map[string]any{
		"resourceType": "Provenance",
		"target":       []any{map[string]any{"reference": fmt.Sprintf("%s/_history/%d", sig.Target, sig.Version)}},
		"recorded":     when,
		"activity":     coding("urn:tenon:signature-purpose", sig.Purpose),
		"agent": []any{map[string]any{
			"role": []any{coding("urn:tenon:role", string(sig.Role))},
			"who":  map[string]any{"reference": sig.Signer},
		}},
		"signature": []any{signature},
	}
	if d.caseID != "" {
		res["extension"] = []any{map[string]any{"url": caseExtension, "valueReference": map[string]any{"reference": "Task/" + d.caseID}}}
	}
	if in.outcome != "" {
		res["reason"] = []any{map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:verdict", "code": in.outcome}}, "text": in.comment}}
	} else if in.comment != "" {
		res["reason"] = []any{map[string]any{"text": in.comment}}
	}
	return json.Marshal(res)
}
