package webauthn

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"errors"
)

// Party is the site: its domain and its origin, "clinic.example" and
// "https://clinic.example".
type Party struct{ ID, Origin string }

// Credential is a key pair of an authenticator, as a site keeps it.
type Credential struct {
	ID      []byte
	Key     []byte // the public key, PKIX in DER
	Counter uint32 // of signatures, where the authenticator counts
	Movable bool   // it may be on several machines of the person
}

// Register judges the answer of navigator.credentials.create: a new credential for
// this site, made in answer to challenge (base64url without padding).
// https://www.w3.org/TR/webauthn-2/#sctn-registering-a-new-credential
func (p Party) Register(challenge string, client, attestation []byte) (*Credential, error) {
	if err := p.asked(client, "webauthn.create", challenge); err != nil {
		return nil, err
	}
	item, rest, err := decode(attestation, 0)
	if err != nil || len(rest) != 0 {
		return nil, errCBOR
	}
	m, _ := item.(map[any]any)
	raw, _ := m["authData"].([]byte)
	d, err := p.judged(raw)
	if err != nil {
		return nil, err
	}
	if d.id == nil {
		return nil, errData
	}
	key, err := coseKey(d.key)
	if err != nil {
		return nil, err
	}
	statement, ok := m["attStmt"].(map[any]any)
	if !ok {
		return nil, errCBOR
	}
	sum := sha256.Sum256(client)
	switch m["fmt"] {
	case "none":
		ok = len(statement) == 0
	case "packed": // by the credential itself: browsers leave that one when asked for none
		signature, _ := statement["sig"].([]byte)
		ok = len(statement) == 2 && statement["alg"] == algorithmOf(key) && signed(key, append(bytes.Clone(raw), sum[:]...), signature)
	default:
		ok = false
	}
	if !ok {
		return nil, errors.New("the authenticator says who made it, which was not asked for, or says so wrongly")
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return &Credential{ID: bytes.Clone(d.id), Key: der, Counter: d.counter, Movable: d.flags&flagMovable != 0}, nil
}

// Verify judges the answer of navigator.credentials.get with a credential that is
// kept, and tells the authenticator's new count. Whether that went back is told as an
// error; the keeper has to move it forward for one caller alone.
// https://www.w3.org/TR/webauthn-2/#sctn-verifying-assertion
func (p Party) Verify(challenge string, c *Credential, client, raw, signature []byte) (counter uint32, err error) {
	if err := p.asked(client, "webauthn.get", challenge); err != nil {
		return 0, err
	}
	d, err := p.judged(raw)
	if err != nil {
		return 0, err
	}
	key, err := x509.ParsePKIXPublicKey(c.Key)
	if err != nil {
		return 0, err
	}
	sum := sha256.Sum256(client)
	switch {
	case !signed(key, append(bytes.Clone(raw), sum[:]...), signature):
		return 0, errors.New("the signature is not of this credential")
	case (d.flags&flagMovable != 0) != c.Movable:
		return 0, errors.New("the credential may be moved now, or no more: that never changes")
	case (d.counter != 0 || c.Counter != 0) && d.counter <= c.Counter:
		return 0, errors.New("the count of signatures went back: the credential may have been copied")
	}
	return d.counter, nil
}
