package ledger

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Authorities are what signatures are judged by.
type Authorities struct {
	// Signers are the server's own: they certify the keys that it keeps for
	// persons, and whose the key of a person's own certificate is.
	Signers []*x509.Certificate
	// Roots are those of persons' own certificates.
	Roots []*x509.Certificate
}

// Signed is a signature that holds.
type Signed struct {
	Manifest    Manifest
	Certificate *x509.Certificate
	Suite       string // ES256, RS256, SM2
	Own         bool   // by the person's own certificate, not by a key that the server keeps
	// Until is when the first of the certificates that it rests on ends. After
	// that it holds only if something else proves that it existed before.
	Until time.Time
}

// Verify checks a JWS and tells what was signed and by whom. Chains are judged at
// the signing time. A certificate that does not name a principal of this server
// needs the evidence that was kept with the signature: the binding of its key to
// the principal, and what said at the time that it was not revoked. With nil
// Authorities chains are not judged: the signature is then of whoever made the
// certificates.
func (a *Authorities) Verify(jws string, e *Evidence) (*Signed, error) {
	m, chain, name, err := openJWS(jws)
	if err != nil {
		return nil, fmt.Errorf("ledger: signature: %w", err)
	}
	s := &Signed{Manifest: m, Certificate: chain[0], Suite: name, Until: chain[0].NotAfter}
	if principalOf(chain[0]) != "" {
		err = a.kept(s, chain)
	} else {
		s.Own = true
		err = a.own(s, chain, e)
	}
	if err != nil {
		return nil, fmt.Errorf("ledger: signature: %w", err)
	}
	return s, nil
}

// kept judges a key that the server keeps for a person.
func (a *Authorities) kept(s *Signed, chain []*x509.Certificate) error {
	if p := principalOf(chain[0]); p != s.Manifest.Signer {
		return fmt.Errorf("the manifest names %s, the certificate is of %q", s.Manifest.Signer, p)
	}
	if a == nil {
		return nil
	}
	_, err := chainsTo(a.Signers, chain[0], chain[1:], s.Manifest.When)
	if err == nil && (chain[0].IsCA || chain[0].KeyUsage&x509.KeyUsageContentCommitment == 0) {
		err = errors.New("the signer's certificate is not one for signing documents")
	}
	return err
}

// own judges a person's own certificate.
func (a *Authorities) own(s *Signed, chain []*x509.Certificate, e *Evidence) error {
	if e == nil || len(e.Binding) == 0 {
		return errors.New("the certificate names no principal, and no binding of its key to one was kept")
	}
	binding, err := parseCertificate(e.Binding)
	if err != nil {
		return errors.New("the binding is no certificate")
	}
	switch p := principalOf(binding); {
	case !sameKey(binding.PublicKey, chain[0].PublicKey):
		return errors.New("the binding is of another key than the certificate")
	case p != s.Manifest.Signer:
		return fmt.Errorf("the manifest names %s, the key is bound to %q", s.Manifest.Signer, p)
	}
	s.Until = earlier(s.Until, binding.NotAfter)
	if a == nil {
		return nil
	}
	if _, err := chainsTo(a.Signers, binding, nil, s.Manifest.When); err != nil {
		return fmt.Errorf("the binding: %w", err)
	}
	if err := signs(chain[0]); err != nil {
		return err
	}
	chains, err := chainsTo(a.Roots, chain[0], chain[1:], s.Manifest.When)
	if err != nil {
		return err
	}
	for _, c := range chains {
		if err = e.unrevoked(c, s.Manifest.When); err == nil {
			for _, link := range c[:len(c)-1] {
				s.Until = earlier(s.Until, link.NotAfter)
			}
			return nil
		}
	}
	return err
}

// signs tells whether a certificate is one that a person signs with.
func signs(c *x509.Certificate) error {
	if c.IsCA || c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageContentCommitment|x509.KeyUsageDigitalSignature) == 0 {
		return errors.New("the signer's certificate is not one for signatures")
	}
	return nil
}

// chainsTo finds chains from a certificate to one of the roots, as they held at
// the time.
func chainsTo(roots []*x509.Certificate, c *x509.Certificate, between []*x509.Certificate, at time.Time) ([][]*x509.Certificate, error) {
	o := x509.VerifyOptions{CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	chains, err := chainsBy(roots, c, between, o)
	if err != nil {
		return nil, fmt.Errorf("the signer's certificate: %w", err)
	}
	return chains, nil
}

func chainsBy(roots []*x509.Certificate, c *x509.Certificate, between []*x509.Certificate, o x509.VerifyOptions) ([][]*x509.Certificate, error) {
	if national(append(append([]*x509.Certificate{c}, between...), roots...)...) {
		return nationalChains(c, between, roots, o)
	}
	o.Roots, o.Intermediates = poolOf(roots), poolOf(between)
	return c.Verify(o)
}

func poolOf(certificates []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert(c)
	}
	return pool
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Certificates reads certificates of any suite from PEM.
func Certificates(text []byte) (all []*x509.Certificate, err error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := parseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no CERTIFICATE in PEM")
	}
	return all, nil
}

// SplitChain takes certificates apart that stand one after the other.
func SplitChain(ders []byte) (all [][]byte, err error) {
	in := cryptobyte.String(ders)
	for !in.Empty() {
		var der cryptobyte.String
		if !in.ReadASN1Element(&der, asn1.SEQUENCE) {
			return nil, errors.New("ledger: the chain is cut off")
		}
		all = append(all, der)
	}
	return all, nil
}
