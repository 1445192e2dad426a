package rules

// https://hl7.org/fhir/R4/signatures.html
// https://www.rfc-editor.org/rfc/rfc7515

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	_ "crypto/sha256" // of RS256 …
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// jws is a signature in the compact form: header.payload.signature.
type jws struct {
	signed    string // header.payload as they are signed, detached: header.
	header    tree.Node
	payload   []byte // nil when detached
	signature []byte
	key       crypto.PublicKey // nil when the header has none
	signer    string
	algorithm algorithm
}

type algorithm struct {
	name string
	kind byte // R, P, E, O or N
	hash crypto.Hash
}

var algorithms = map[string]algorithm{
	"RS256": {"RS256", 'R', crypto.SHA256}, "RS384": {"RS384", 'R', crypto.SHA384}, "RS512": {"RS512", 'R', crypto.SHA512},
	"PS256": {"PS256", 'P', crypto.SHA256}, "PS384": {"PS384", 'P', crypto.SHA384}, "PS512": {"PS512", 'P', crypto.SHA512},
	"ES256": {"ES256", 'E', crypto.SHA256}, "ES384": {"ES384", 'E', crypto.SHA384}, "ES512": {"ES512", 'E', crypto.SHA512},
	"EdDSA": {"EdDSA", 'O', 0},
	// SM2 with SM3, which JOSE has no name for: its form is judged, its signature
	// by those who hold its keys.
	"urn:oid:1.2.156.10197.1.501": {"SM2", 'N', 0},
}

var errForm = errors.New("expected header.payload.signature, each in base64url")

// readJWS reads Signature.data. The text may be in base64 once more, as the
// type of data asks, or plain, as some send it.
func readJWS(data string) (*jws, error) {
	if body, err := decode64(data); err == nil {
		data = string(body)
	}
	parts := strings.Split(strings.TrimSpace(data), ".")
	if len(parts) != 3 {
		return nil, errForm
	}
	head, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return nil, errForm
	}
	s := &jws{signed: parts[0] + "."}
	if s.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil || len(s.signature) == 0 {
		return nil, errForm
	}
	if parts[1] != "" {
		if s.payload, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
			return nil, errForm
		}
	}
	var d tree.Doc
	if err := d.Parse(head, tree.Limits{Depth: 16}); err != nil || d.Root().Kind() != tree.Object {
		return nil, errors.New("the header is no JSON object")
	}
	s.header = d.Root()
	known := false
	if s.algorithm, known = algorithms[text(s.header, "alg")]; !known {
		return nil, errors.New("the algorithm " + issue.Quote(text(s.header, "alg")) + " is none that may sign")
	}
	return s, s.readKey()
}

// readKey takes the key from the header's certificate or, without one, its jwk.
func (s *jws) readKey() error {
	if s.algorithm.kind == 'N' {
		return nil
	}
	if cert := s.header.Field("x5c").Index(0); cert.Kind() == tree.String {
		der, err := decode64(cert.Str())
		if err != nil {
			return errors.New("the certificate in x5c is not base64")
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return errors.New("the certificate in x5c can't be read")
		}
		s.key, s.signer = c.PublicKey, c.Subject.String()
		return nil
	}
	if jwk := s.header.Field("jwk"); jwk.Exists() {
		s.key = readJWK(jwk)
		if s.key == nil {
			return errors.New("the key in jwk can't be read")
		}
	}
	return nil
}

// readJWK reads an RSA or Ed25519 key; nil when it is none, or unfit: a huge
// exponent or modulus would take long.
func readJWK(n tree.Node) crypto.PublicKey {
	field := func(name string) []byte {
		b, _ := base64.RawURLEncoding.DecodeString(text(n, name)) //nolint:errcheck // empty then
		return b
	}
	switch text(n, "kty") {
	case "RSA":
		modulus, exponent := field("n"), new(big.Int).SetBytes(field("e"))
		if len(modulus) < 128 || len(modulus) > 1024 || !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 {
			return nil
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(exponent.Int64())}
	case "OKP":
		if x := field("x"); text(n, "crv") == "Ed25519" && len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x)
		}
	}
	return nil
}

// verify tells whether the signature is that of a payload.
func (s *jws) verify(payload []byte) bool {
	message := append([]byte(s.signed), base64.RawURLEncoding.EncodeToString(payload)...)
	digest := message
	if s.algorithm.hash != 0 {
		h := s.algorithm.hash.New()
		h.Write(message)
		digest = h.Sum(nil)
	}
	switch key := s.key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() > 8192 {
			return false
		}
		switch s.algorithm.kind {
		case 'R':
			return rsa.VerifyPKCS1v15(key, s.algorithm.hash, digest, s.signature) == nil
		case 'P':
			return rsa.VerifyPSS(key, s.algorithm.hash, digest, s.signature, nil) == nil
		}
	case *ecdsa.PublicKey:
		size := (key.Curve.Params().BitSize + 7) / 8
		if s.algorithm.kind != 'E' || len(s.signature) != 2*size {
			return false
		}
		return ecdsa.Verify(key, digest, new(big.Int).SetBytes(s.signature[:size]), new(big.Int).SetBytes(s.signature[size:]))
	case ed25519.PublicKey:
		return s.algorithm.kind == 'O' && ed25519.Verify(key, message, s.signature)
	}
	return false
}
