package ledger

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// The one kind of JWS that exists here: ES256 with the chain in x5c. Nothing in
// a message chooses the algorithm; a header that says otherwise is refused.
// https://www.rfc-editor.org/rfc/rfc7515 and /rfc7518#section-3.4
const (
	jwsAlgorithm = "ES256"
	jwsType      = "tenon-manifest+jws"
	maxJWS       = 2 << 20
	maxChain     = 4
)

type jwsHeader struct {
	Algorithm string   `json:"alg"`
	Type      string   `json:"typ"`
	Chain     []string `json:"x5c"`
}

var raw64 = base64.RawURLEncoding.Strict()

// SignManifest makes the compact JWS of a manifest. key is the person's P-256
// key and certificate (DER) its certificate; both and the manifest's signer
// must belong together.
func SignManifest(key crypto.Signer, certificate []byte, m Manifest) (string, error) {
	c, err := x509.ParseCertificate(certificate)
	if err != nil {
		return "", fmt.Errorf("ledger: signer's certificate: %w", err)
	}
	public, ok := c.PublicKey.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() || !public.Equal(key.Public()) {
		return "", errors.New("ledger: the signing key is not the certificate's")
	}
	if principalOf(c) != m.Signer {
		return "", fmt.Errorf("ledger: the certificate is of %s, the manifest of %s", principalOf(c), m.Signer)
	}
	payload, err := m.encode()
	if err != nil {
		return "", err
	}
	head, err := json.Marshal(jwsHeader{jwsAlgorithm, jwsType, []string{base64.StdEncoding.EncodeToString(certificate)}})
	if err != nil {
		return "", err
	}
	signed := raw64.EncodeToString(head) + "." + raw64.EncodeToString(payload)
	sum := sha256.Sum256([]byte(signed))
	der, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("ledger: sign: %w", err)
	}
	fixed, err := fixedSignature(der)
	if err != nil {
		return "", err
	}
	return signed + "." + raw64.EncodeToString(fixed), nil
}

// fixedSignature turns an ASN.1 signature into r ‖ s of 32 bytes each.
func fixedSignature(der []byte) ([]byte, error) {
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		return nil, fmt.Errorf("ledger: sign: %w", err)
	}
	out := make([]byte, 64)
	rs.R.FillBytes(out[:32])
	rs.S.FillBytes(out[32:])
	return out, nil
}

// VerifyManifest checks a JWS and returns what was signed and by whom. The
// chain is judged at the signing time. With a nil authority the chain is not
// judged: the signature is then of whoever made the certificate.
func VerifyManifest(jws string, authority *x509.Certificate) (Manifest, *x509.Certificate, error) {
	head, payload, signature, signed, err := splitJWS(jws)
	if err != nil {
		return Manifest{}, nil, fmt.Errorf("ledger: signature: %w", err)
	}
	chain, err := chainOf(head)
	if err != nil {
		return Manifest{}, nil, fmt.Errorf("ledger: signature: %w", err)
	}
	public, ok := chain[0].PublicKey.(*ecdsa.PublicKey)
	if !ok || public.Curve != elliptic.P256() {
		return Manifest{}, nil, errors.New("ledger: signature: the certificate's key is not of P-256")
	}
	sum := sha256.Sum256([]byte(signed))
	r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	if !ecdsa.Verify(public, sum[:], r, s) {
		return Manifest{}, nil, errors.New("ledger: signature: it does not fit what is signed")
	}
	m, err := parseManifest(payload)
	if err != nil {
		return m, nil, fmt.Errorf("ledger: signature: %w", err)
	}
	if p := principalOf(chain[0]); p == "" || p != m.Signer {
		return m, nil, fmt.Errorf("ledger: signature: the manifest names %s, the certificate is of %q", m.Signer, p)
	}
	if authority != nil {
		if err := checkChain(chain[0], chain[1:], authority, m.When); err != nil {
			return m, nil, fmt.Errorf("ledger: signature: %w", err)
		}
	}
	return m, chain[0], nil
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
	if len(out[2]) != 64 {
		return nil, nil, nil, "", errors.New("an ES256 signature has 64 bytes")
	}
	return out[0], out[1], out[2], jws[:len(jws)-len(parts[2])-1], nil
}

func chainOf(head []byte) ([]*x509.Certificate, error) {
	var h jwsHeader
	if err := strictJSON(head, 64<<10, &h); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if h.Algorithm != jwsAlgorithm || h.Type != jwsType {
		return nil, fmt.Errorf("header: alg %q and typ %q, want %s and %s", h.Algorithm, h.Type, jwsAlgorithm, jwsType)
	}
	if len(h.Chain) == 0 || len(h.Chain) > maxChain {
		return nil, fmt.Errorf("header: x5c of %d certificates, want 1 to %d", len(h.Chain), maxChain)
	}
	chain := make([]*x509.Certificate, len(h.Chain))
	for i, text := range h.Chain {
		der, err := base64.StdEncoding.Strict().DecodeString(text)
		if err == nil {
			chain[i], err = x509.ParseCertificate(der)
		}
		if err != nil {
			return nil, errors.New("header: x5c holds something that is no certificate")
		}
	}
	return chain, nil
}
