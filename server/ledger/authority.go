package ledger

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"strings"
	"time"
)

// Authority certifies the signing keys of persons. Its certificate is what a
// verifier outside must know. Keys of the national suite have an authority of
// their own, made when the first of them is issued.
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
	return k.authorityOf(ecdsaSuite{})
}

// authorityOf makes the PEM of a new authority.
func (k *Keys) authorityOf(s suite) ([]byte, error) {
	key, err := s.generate(k.options.Random)
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
	der, err := s.create(k.options.Random, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := s.marshal(key)
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
			c, err := parseCertificate(block.Bytes)
			if err != nil {
				return nil, err
			}
			if a.Certificate == nil {
				a.Certificate = c
			}
		case "PRIVATE KEY":
			key, err := parseKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			a.key = key
		}
	}
	if a.Certificate == nil || a.key == nil {
		return nil, errors.New("it needs a CERTIFICATE and an EC PRIVATE KEY (PKCS #8)")
	}
	public, ok := a.Certificate.PublicKey.(*ecdsa.PublicKey)
	if !ok || !public.Equal(a.key.Public()) || !a.Certificate.IsCA {
		return nil, errors.New("certificate and key must belong together, be of P-256 or SM2, and the certificate of an authority")
	}
	return a, nil
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
