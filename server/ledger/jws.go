package ledger

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The one kind of JWS that exists here: compact, with the chain in x5c. Nothing
// in a message chooses the algorithm: it follows from the certificate's key, and
// a header that says otherwise is refused.
// https://www.rfc-editor.org/rfc/rfc7515
const (
	jwsType  = "tenon-manifest+jws"
	maxJWS   = 2 << 20
	maxChain = 4
)

type jwsHeader struct {
	Algorithm string   `json:"alg"`
	Type      string   `json:"typ"`
	Chain     []string `json:"x5c"`
}

var raw64 = base64.RawURLEncoding.Strict()

// SignManifest makes the compact JWS of a manifest. key is the person's key and
// certificate (DER) its certificate; both and the manifest's signer must belong
// together.
func SignManifest(key crypto.Signer, certificate []byte, m Manifest) (string, error) {
	c, err := parseCertificate(certificate)
	if err != nil {
		return "", fmt.Errorf("ledger: signer's certificate: %w", err)
	}
	s, err := suiteOf(c.PublicKey)
	if err != nil {
		return "", fmt.Errorf("ledger: signer's certificate: %w", err)
	}
	if !sameKey(c.PublicKey, key.Public()) {
		return "", errors.New("ledger: the signing key is not the certificate's")
	}
	if principalOf(c) != m.Signer {
		return "", fmt.Errorf("ledger: the certificate is of %s, the manifest of %s", principalOf(c), m.Signer)
	}
	text, err := signingInput(s, m, certificate)
	if err != nil {
		return "", err
	}
	signature, err := s.sign(rand.Reader, key, []byte(text))
	if err != nil {
		return "", fmt.Errorf("ledger: sign: %w", err)
	}
	return text + "." + raw64.EncodeToString(signature), nil
}

// SigningInput is what the holder of a certificate (first of the chain, DER)
// signs outside the server: header and manifest of the JWS, joined by a dot. The
// JWS is this text, a dot and the signature in base64url. alg is the JOSE name
// of the algorithm.
func SigningInput(m Manifest, chain ...[]byte) (text, alg string, err error) {
	if len(chain) == 0 || len(chain) > maxChain {
		return "", "", fmt.Errorf("ledger: a chain of %d certificates, want 1 to %d", len(chain), maxChain)
	}
	c, err := parseCertificate(chain[0])
	if err != nil {
		return "", "", errors.New("ledger: the certificate is none")
	}
	s, err := suiteOf(c.PublicKey)
	if err != nil {
		return "", "", fmt.Errorf("ledger: %w", err)
	}
	text, err = signingInput(s, m, chain...)
	return text, s.alg(), err
}

func signingInput(s suite, m Manifest, chain ...[]byte) (string, error) {
	payload, err := m.encode()
	if err != nil {
		return "", err
	}
	h := jwsHeader{Algorithm: s.alg(), Type: jwsType}
	for _, der := range chain {
		h.Chain = append(h.Chain, base64.StdEncoding.EncodeToString(der))
	}
	head, err := json.Marshal(h)
	if err != nil {
		return "", err
	}
	return raw64.EncodeToString(head) + "." + raw64.EncodeToString(payload), nil
}

func sameKey(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// VerifyManifest checks a JWS of a key that an authority certified and returns
// what was signed and by whom; see Authorities.Verify.
func VerifyManifest(jws string, authority *x509.Certificate) (Manifest, *x509.Certificate, error) {
	var by *Authorities
	if authority != nil {
		by = &Authorities{Signers: []*x509.Certificate{authority}}
	}
	s, err := by.Verify(jws, nil)
	if err != nil {
		return Manifest{}, nil, err
	}
	return s.Manifest, s.Certificate, nil
}

// openJWS checks the signature of a JWS against the key of its own certificate.
func openJWS(jws string) (m Manifest, chain []*x509.Certificate, name string, err error) {
	head, payload, signature, signed, err := splitJWS(jws)
	if err != nil {
		return m, nil, "", err
	}
	chain, alg, err := chainOf(head)
	if err != nil {
		return m, nil, "", err
	}
	s, err := suiteOf(chain[0].PublicKey)
	if err != nil {
		return m, nil, "", fmt.Errorf("the certificate: %w", err)
	}
	if alg != s.alg() {
		return m, nil, "", fmt.Errorf("header: alg %q beside a key of %s", printable(alg), s.name())
	}
	if !s.verify(chain[0].PublicKey, []byte(signed), signature) {
		return m, nil, "", errors.New("it does not fit what is signed")
	}
	m, err = parseManifest(payload)
	return m, chain, s.name(), err
}

// ManifestIn reads the manifest of a JWS whose signature fits its own
// certificate. Whose certificate that is, Authorities.Verify judges.
func ManifestIn(jws string) (Manifest, *x509.Certificate, error) {
	m, chain, _, err := openJWS(jws)
	if err != nil {
		return m, nil, fmt.Errorf("ledger: signature: %w", err)
	}
	return m, chain[0], nil
}

// Payload is the manifest's text in a JWS, unchecked.
func Payload(jws string) []byte {
	_, payload, _, _, _ := splitJWS(jws) //nolint:dogsled // only one part is asked for
	return payload
}

func splitJWS(jws string) (head, payload, signature []byte, signed string, err error) {
	if len(jws) > maxJWS {
		return nil, nil, nil, "", fmt.Errorf("%d bytes, at most %d", len(jws), maxJWS)
	}
	parts := strings.Split(jws, ".")
	if len(parts) != 3 {
		return nil, nil, nil, "", errors.New("a compact JWS has three parts")
	}
	var out [3][]byte
	for i, p := range parts {
		if strings.ContainsAny(p, "\r\n") { // the decoder would skip them
			return nil, nil, nil, "", errors.New("a part is not base64url")
		}
		if out[i], err = raw64.DecodeString(p); err != nil {
			return nil, nil, nil, "", errors.New("a part is not base64url")
		}
	}
	return out[0], out[1], out[2], jws[:len(jws)-len(parts[2])-1], nil
}

func chainOf(head []byte) (chain []*x509.Certificate, alg string, err error) {
	var h jwsHeader
	if err := strictJSON(head, 64<<10, &h); err != nil {
		return nil, "", fmt.Errorf("header: %w", err)
	}
	if h.Type != jwsType || !slices.ContainsFunc(suites, func(s suite) bool { return s.alg() == h.Algorithm }) {
		return nil, "", fmt.Errorf("header: alg %q and typ %q, want one of a suite and %s", printable(h.Algorithm), printable(h.Type), jwsType)
	}
	if len(h.Chain) == 0 || len(h.Chain) > maxChain {
		return nil, "", fmt.Errorf("header: x5c of %d certificates, want 1 to %d", len(h.Chain), maxChain)
	}
	for _, text := range h.Chain {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil {
			return nil, "", errors.New("header: x5c holds something that is no certificate")
		}
		c, err := parseCertificate(der)
		if err != nil {
			return nil, "", errors.New("header: x5c holds something that is no certificate")
		}
		chain = append(chain, c)
	}
	return chain, h.Algorithm, nil
}
