// Package authenticator is a security key in software, for tests: it makes key pairs
// for sites and signs with them as WebAuthn says. A test may make it lie.
//
// https://www.w3.org/TR/webauthn-2/#sctn-authenticator-ops
package authenticator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// The flags of authenticator data.
const (
	Present, Verified, Movable, Moved = 0x01, 0x04, 0x08, 0x10
	credential, extensions            = 0x40, 0x80
)

// Key is an authenticator with one credential, and what the browser before it says.
type Key struct {
	ID      []byte
	Site    string // the domain
	Origin  string
	Flags   byte
	Counter uint32 // of the next answer; 0: it counts nothing
	Signer  crypto.Signer
	// Client is added to what the browser says.
	Client map[string]any
	// Extensions are CBOR that follows the authenticator data.
	Extensions []byte
}

// New makes a credential: algorithm is "ES256", "EdDSA" or "RS256".
func New(site, origin, algorithm string) (k *Key, err error) {
	k = &Key{ID: make([]byte, 32), Site: site, Origin: origin, Flags: Present | Verified, Counter: 1}
	_, _ = rand.Read(k.ID)
	switch algorithm {
	case "ES256":
		k.Signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, k.Signer, err = ed25519.GenerateKey(rand.Reader)
	case "RS256":
		k.Signer, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		err = fmt.Errorf("algorithm %q", algorithm)
	}
	return k, err
}

// Create answers navigator.credentials.create, and counts. packed: the credential
// signs the statement itself.
func (k *Key) Create(challenge string, packed bool) (client, attestation []byte, err error) {
	client = k.client("webauthn.create", challenge)
	cose, alg, err := COSE(k.Signer.Public())
	if err != nil {
		return nil, nil, err
	}
	raw := k.data(credential)
	raw = append(raw, make([]byte, 16)...)
	raw = binary.BigEndian.AppendUint16(raw, uint16(len(k.ID))) //nolint:gosec // short
	raw = append(append(append(raw, k.ID...), cose...), k.Extensions...)
	k.count()
	format, statement := "none", Map()
	if packed {
		signature, err := k.sign(raw, client)
		if err != nil {
			return nil, nil, err
		}
		format, statement = "packed", Map(Text("alg"), Int(alg), Text("sig"), Bytes(signature))
	}
	return client, Map(Text("fmt"), Text(format), Text("attStmt"), statement, Text("authData"), Bytes(raw)), nil
}

// Get answers navigator.credentials.get, and counts.
func (k *Key) Get(challenge string) (client, raw, signature []byte, err error) {
	client, raw = k.client("webauthn.get", challenge), append(k.data(0), k.Extensions...)
	signature, err = k.sign(raw, client)
	k.count()
	return client, raw, signature, err
}

func (k *Key) count() {
	if k.Counter > 0 {
		k.Counter++
	}
}

func (k *Key) client(ceremony, challenge string) []byte {
	m := map[string]any{"type": ceremony, "challenge": challenge, "origin": k.Origin, "crossOrigin": false}
	for name, v := range k.Client {
		m[name] = v
	}
	b, _ := json.Marshal(m)
	return b
}

func (k *Key) data(flags byte) []byte {
	sum := sha256.Sum256([]byte(k.Site))
	if k.Extensions != nil {
		flags |= extensions
	}
	return binary.BigEndian.AppendUint32(append(sum[:], k.Flags|flags), k.Counter)
}

func (k *Key) sign(raw, client []byte) ([]byte, error) {
	sum := sha256.Sum256(client)
	message := append(append([]byte(nil), raw...), sum[:]...)
	if _, ok := k.Signer.(ed25519.PrivateKey); ok {
		return k.Signer.Sign(rand.Reader, message, crypto.Hash(0))
	}
	digest := sha256.Sum256(message)
	return k.Signer.Sign(rand.Reader, digest[:], crypto.SHA256)
}

// COSE writes a public key, and tells its algorithm.
// https://www.rfc-editor.org/rfc/rfc9053#section-7
func COSE(public crypto.PublicKey) (key []byte, alg int64, err error) {
	switch p := public.(type) {
	case *ecdsa.PublicKey:
		point, err := p.Bytes()
		if err != nil {
			return nil, 0, err
		}
		return Map(Int(1), Int(2), Int(3), Int(-7), Int(-1), Int(1), Int(-2), Bytes(point[1:33]), Int(-3), Bytes(point[33:])), -7, nil
	case ed25519.PublicKey:
		return Map(Int(1), Int(1), Int(3), Int(-8), Int(-1), Int(6), Int(-2), Bytes(p)), -8, nil
	case *rsa.PublicKey:
		return Map(Int(1), Int(3), Int(3), Int(-257), Int(-1), Bytes(p.N.Bytes()), Int(-2), Bytes([]byte{1, 0, 1})), -257, nil
	}
	return nil, 0, fmt.Errorf("no COSE for %T", public)
}
