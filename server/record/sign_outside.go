package record

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
)

// preparedLife is how long what was prepared may wait for its signature.
const preparedLife = 10 * time.Minute

// Prepare is the first of the two calls by which a person signs with an own
// certificate, whose key never comes here: {Type}/{id}/$sign with prepare = true
// and what Sign takes but secret. Nothing is written. Parameters out:
//
//	signing-input  string        header and manifest of the JWS; sign these bytes
//	alg            code          JOSE name of the algorithm
//	manifest       base64Binary  the manifest in the clear, for the person to see
//	expires        instant       until when the second call is taken
//
// The JWS is signing-input, a dot and the signature in base64url without padding.
// https://www.rfc-editor.org/rfc/rfc7515#section-5.1
func (r *Recorder) Prepare(ctx context.Context, who *access.Context, typ, id string, params []byte) ([]byte, error) {
	if err := r.entry(who, typ); err != nil {
		return nil, err
	}
	err := who.Stepped()
	var body []byte
	if err == nil {
		body, err = r.prepare(ctx, who, typ, id, params)
	}
	if err != nil {
		return nil, r.refuse(ctx, who, signDraft(typ, id), err)
	}
	row := r.audit(who, "E", "sign-prepare", typ+"/"+id, 200)
	return body, r.o.Store.Audit(ctx, []Audit{row})
}

func (r *Recorder) prepare(ctx context.Context, who *access.Context, typ, id string, params []byte) ([]byte, error) {
	if !who.CanSign() || r.o.Signers == nil {
		return nil, notPerson(who)
	}
	in, err := signInput(params)
	if err != nil {
		return nil, err
	}
	if in.secret+in.jws != "" {
		return nil, badSign("prepare", "neither secret nor jws is given before there is something to sign")
	}
	if _, err := r.clockStatement(ctx); err != nil {
		return nil, err
	}
	chain, err := r.o.Signers.Chain(ctx, who.Principal)
	if err != nil {
		return nil, err
	}
	d, err := r.draftOf(ctx, who, typ, id, in)
	if err != nil {
		return nil, err
	}
	text, alg, err := ledger.SigningInput(d.manifest, chain...)
	if err != nil {
		return nil, err
	}
	manifest, err := d.manifest.Text()
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"resourceType": "Parameters", "parameter": []any{
		map[string]any{"name": "signing-input", "valueString": text},
		map[string]any{"name": "alg", "valueCode": alg},
		map[string]any{"name": "manifest", "valueBase64Binary": base64.StdEncoding.EncodeToString(manifest)},
		map[string]any{"name": "expires", "valueInstant": d.signature.When.Add(preparedLife).Format("2006-01-02T15:04:05.000Z07:00")},
	}})
}

func notPerson(who *access.Context) error {
	return issue.Errorf(issue.Forbidden, "Only a person signs; %s is none.", who.Principal).
		Rule("sign-person").Clause("R001-034").Chinese("只有自然人可以签名。")
}

// fromJWS takes from what was signed what the person wants. It must be hers, and
// of a moment ago: the time in it was the server's when it was prepared.
func (in *signing) fromJWS(who *access.Context, now time.Time) error {
	m, _, err := ledger.ManifestIn(in.jws)
	if err != nil {
		return badSign("jws", err.Error())
	}
	if age := now.Sub(m.When); age < 0 || age > preparedLife {
		return issue.Errorf(issue.Conflict, "What was signed was prepared at %s; it is taken within %s. Prepare it anew.", m.When.Format(time.RFC3339), preparedLife).
			Rule("sign-prepared").WithStatus(409).Chinese("签名内容已过期，请重新准备。")
	}
	if m.Signer != who.Principal {
		return issue.Errorf(issue.Forbidden, "The manifest names %s as its signer, you are %s.", m.Signer, who.Principal).Rule("sign-own").Chinese("只能提交本人的签名。")
	}
	if in.caseID == "" {
		in.caseID = m.Case
	}
	in.role, in.purpose, in.outcome, in.comment, in.conditions, in.when = m.Role, m.Purpose, m.Outcome, m.Comment, m.Conditions, m.When
	if in.outcome == casework.Refused {
		if unmet := casework.MayRefuse(in.purpose, in.comment); len(unmet) > 0 {
			return refusal(casework.Decision{Refusal: unmet, Status: 422})
		}
	}
	return nil
}

// signedOutside takes a JWS only over the very manifest that the server would
// make now, once, by the certificate that the person is known by.
func (r *Recorder) signedOutside(ctx context.Context, who *access.Context, d *drafted, in *signing) (string, *ledger.Evidence, error) {
	want, err := d.manifest.Text()
	if err != nil {
		return "", nil, err
	}
	if !bytes.Equal(want, ledger.Payload(in.jws)) {
		return "", nil, issue.Errorf(issue.Conflict, "%s is not what was signed any more, or the manifest was changed. Prepare it anew.", d.signature.Target).
			Rule("sign-manifest").WithStatus(409).Chinese("签名内容与当前版本不一致，请重新准备。")
	}
	if slices.ContainsFunc(d.given, func(s casework.Signature) bool {
		return s.Target == d.signature.Target && s.Signer == d.signature.Signer && s.Purpose == d.signature.Purpose && s.When.Equal(d.signature.When)
	}) {
		return "", nil, issue.Errorf(issue.Duplicate, "This signature is in the record already.").Rule("sign-twice").WithStatus(409).Chinese("该签名已存在。")
	}
	evidence, err := r.o.Signers.Judge(ctx, who.Principal, in.jws)
	if err != nil {
		return "", nil, err
	}
	return in.jws, evidence, certifiedFor(who, evidence.Binding)
}
