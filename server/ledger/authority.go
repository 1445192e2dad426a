package ledger

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// Authority certifies the signing keys of persons. Its certificate is what a
// verifier outside must know.
type Authority struct {
	Certificate *x509.Certificate
	key         crypto.Signer
}

// How long certificates hold.
const (
	authorityYears = 30 // implants are traced for life
	signerYears    = 3
)

// documentSigning is id-kp-documentSigning, https://www.rfc-editor.org/rfc/rfc9336
var documentSigning = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}

const principalURN = "tenon:principal:"

func (k *Keys) openAuthority(path string) error {
	text, err := k.options.Authority, error(nil)
	if text == nil {
		if text, err = keep(path, k.newAuthority); err != nil {
			return err
		}
	}
	k.Authority, err = parseAuthority(text)
	return err
}

func (k *Keys) newAuthority() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), k.options.Random)
	if err != nil {
		return nil, err
	}
	now := k.options.Clock()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Tenon signer authority", Organization: []string{k.Signer.Name()}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(k.options.Random, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: der})    // a buffer takes all
	_ = pem.Encode(&b, &pem.Block{Type: "PRIVATE KEY", Bytes: secret}) // likewise
	return b.Bytes(), nil
}

// parseAuthority reads a certificate and its key from PEM.
func parseAuthority(text []byte) (*Authority, error) {
	a := &Authority{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			if a.Certificate == nil {
				a.Certificate = c
			}
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			a.key, _ = key.(*ecdsa.PrivateKey)
		}
	}
	if a.Certificate == nil || a.key == nil {
		return nil, errors.New("it needs a CERTIFICATE and an EC PRIVATE KEY (PKCS #8)")
	}
	public, ok := a.Certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || !public.Equal(a.key.Public()) || !a.Certificate.IsCA || public.Curve != elliptic.P256() {
		return nil, errors.New("certificate and key must belong together, be of P-256, and the certificate of an authority")
	}
	return a, nil
}

// Issued is a person's signing key: the certificate, and the private key sealed
// under the person's secret.
type Issued struct {
	Certificate []byte // DER
	Sealed      []byte
}

// IssueSigner makes a P-256 key for a principal ("PractitionerRole/x"),
// certifies it under the name, and seals it under the secret, which is not kept.
func (k *Keys) IssueSigner(principal, name, secret string) (*Issued, error) {
	if n := utf8.RuneCountInString(secret); n < MinSecret {
		return nil, issue.Errorf(issue.Value, "the signing secret has %d characters; choose at least %d", n, MinSecret).
			Rule("sign-secret-short").Chinese(fmt.Sprintf("签名口令至少需要%d个字符。", MinSecret))
	}
	if typ, id, ok := strings.Cut(principal, "/"); !ok || typ == "" || id == "" || strings.ContainsAny(principal, " \t\r\n%?#") {
		return nil, issue.Errorf(issue.Value, "%q is no reference to a principal, such as PractitionerRole/x", principal).Rule("sign-principal")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), k.options.Random)
	if err != nil {
		return nil, err
	}
	if r := []rune(name); len(r) > 64 { // ub-common-name
		name = string(r[:64])
	}
	now := k.options.Clock()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		URIs:      []*url.URL{{Scheme: "urn", Opaque: principalURN + principal}},
		NotBefore: now.Add(-time.Minute), NotAfter: now.AddDate(signerYears, 0, 0),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{documentSigning},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(k.options.Random, template, k.Authority.Certificate, key.Public(), k.Authority.key)
	if err != nil {
		return nil, fmt.Errorf("ledger: issue certificate: %w", err)
	}
	sealed, err := sealKey(key, secret, k.options.Cost, k.options.Random)
	if err != nil {
		return nil, err
	}
	return &Issued{Certificate: der, Sealed: sealed}, nil
}

// principalOf is the principal that a certificate was issued to, or "".
func principalOf(c *x509.Certificate) string {
	for _, u := range c.URIs {
		if p, ok := strings.CutPrefix(u.Opaque, principalURN); ok && u.Scheme == "urn" {
			return p
		}
	}
	return ""
}

// checkChain tells whether the authority issued the certificate to a person and
// it held at the time.
func checkChain(c *x509.Certificate, more []*x509.Certificate, authority *x509.Certificate, at time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(authority)
	for _, m := range more {
		between.AddCert(m)
	}
	_, err := c.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	switch {
	case err != nil:
		return fmt.Errorf("the signer's certificate: %w", err)
	case c.IsCA || c.KeyUsage&x509.KeyUsageContentCommitment == 0:
		return errors.New("the signer's certificate is not one for signing documents")
	}
	return nil
}
