package ledger

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"tenon/fhir/issue"
)

// Issued is a person's signing key: the certificate, and the private key sealed
// under the person's secret.
type Issued struct {
	Certificate []byte // DER
	Sealed      []byte
}

func (k *Keys) nationalFile() string { return filepath.Join(k.dir, "authority-sm2.pem") }

// openNational opens the national authority, and makes it the first time.
func (k *Keys) openNational() error {
	text, err := keep(k.nationalFile(), func() ([]byte, error) { return k.authorityOf(sm2Suite{}) })
	if err == nil {
		k.national, err = parseAuthority(text)
	}
	if err == nil && !national(k.national.Certificate) {
		err = fmt.Errorf("its key is not of SM2")
	}
	if err != nil {
		return fmt.Errorf("ledger: authority-sm2: %w", err)
	}
	return nil
}

// authorityFor is the authority that certifies keys of a suite.
func (k *Keys) authorityFor(s suite) (*Authority, error) {
	if s.name() != SM2 {
		return k.Authority, nil
	}
	if k.national == nil {
		if err := k.openNational(); err != nil {
			return nil, err
		}
	}
	return k.national, nil
}

// Authorities are the certificates of all own authorities.
func (k *Keys) Authorities() []*x509.Certificate {
	all := []*x509.Certificate{k.Authority.Certificate}
	if k.national != nil {
		all = append(all, k.national.Certificate)
	}
	return all
}

// IssueSigner makes an ES256 key for a principal; see IssueSignerOf.
func (k *Keys) IssueSigner(principal, name, secret string) (*Issued, error) {
	return k.IssueSignerOf(ES256, principal, name, secret)
}

// IssueSignerOf makes a key of a suite (ES256, RS256, SM2) for a principal
// ("PractitionerRole/x"), certifies it under the name, and seals it under the
// secret, which is not kept: whoever forgets it gets a new key, and no reset of
// anything else opens the old one.
func (k *Keys) IssueSignerOf(suite, principal, name, secret string) (*Issued, error) {
	if n := utf8.RuneCountInString(secret); n < MinSecret {
		return nil, issue.Errorf(issue.Value, "the signing secret has %d characters; choose at least %d", n, MinSecret).
			Rule("sign-secret-short").Chinese(fmt.Sprintf("签名口令至少需要%d个字符。", MinSecret))
	}
	s, err := suiteNamed(suite)
	if err != nil {
		return nil, err
	}
	key, err := s.generate(k.options.Random)
	if err != nil {
		return nil, err
	}
	der, err := k.certify(s, principal, name, key.Public(), k.options.Clock().AddDate(signerYears, 0, 0))
	if err != nil {
		return nil, err
	}
	plain, err := s.marshal(key)
	if err != nil {
		return nil, err
	}
	sealed, err := sealKey(plain, secret, k.options.Cost, k.options.Random)
	if err != nil {
		return nil, err
	}
	return &Issued{Certificate: der, Sealed: sealed}, nil
}

// Bind certifies that the key of a person's own certificate, issued by somebody
// else, is a principal's. The binding (DER) ends no later than the certificate.
func (k *Keys) Bind(principal, name string, own *x509.Certificate) ([]byte, error) {
	s, err := suiteOf(own.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("ledger: bind: %w", err)
	}
	return k.certify(s, principal, name, own.PublicKey, own.NotAfter)
}

func (k *Keys) certify(s suite, principal, name string, public any, until time.Time) ([]byte, error) {
	if typ, id, ok := strings.Cut(principal, "/"); !ok || typ == "" || id == "" || strings.ContainsAny(principal, " \t\r\n%?#") {
		return nil, issue.Errorf(issue.Value, "%q is no reference to a principal, such as PractitionerRole/x", principal).Rule("sign-principal")
	}
	by, err := k.authorityFor(s)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: Certified(name)},
		URIs:      []*url.URL{{Scheme: "urn", Opaque: principalURN + principal}},
		NotBefore: k.options.Clock().Add(-time.Minute), NotAfter: until,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{documentSigning},
		BasicConstraintsValid: true,
	}
	making := s
	if own, err := suiteOf(by.Certificate.PublicKey); err == nil {
		making = own
	}
	der, err := making.create(k.options.Random, template, by.Certificate, public, by.key)
	if err != nil {
		return nil, fmt.Errorf("ledger: issue certificate: %w", err)
	}
	return der, nil
}

// Certified is a name as a certificate holds it: as much as fits.
// https://www.rfc-editor.org/rfc/rfc5280#appendix-A.1 (ub-common-name)
func Certified(name string) string {
	if r := []rune(name); len(r) > 64 {
		return string(r[:64])
	}
	return name
}
