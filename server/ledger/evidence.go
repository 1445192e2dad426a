package ledger

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ocsp"

	"tenon/fhir/tree"
)

// Evidence is kept with a signature that was made with a person's own
// certificate, so that it can be judged when the issuer is no more.
type Evidence struct {
	Binding []byte   // DER: certificate of the server's authority over the same key, that names the principal
	CRLs    [][]byte // DER, https://www.rfc-editor.org/rfc/rfc5280#section-5
	OCSPs   [][]byte // DER, https://www.rfc-editor.org/rfc/rfc6960
}

// EvidenceExtension stands in Provenance.signature.
const EvidenceExtension = "urn:tenon:extension:signature-evidence"

// What a hostile Provenance can make a verifier read.
const (
	maxRevocations    = 8
	maxRevocationSize = 4 << 20
)

// signingGrace is how long after the signing time what is told of revocation may
// begin: the person signs first, and the server asks then.
const signingGrace = 30 * time.Minute

// Extension is the evidence as it stands in Provenance.signature.
func (e *Evidence) Extension() map[string]any {
	part := func(url string, der []byte) map[string]any {
		return map[string]any{"url": url, "valueBase64Binary": base64.StdEncoding.EncodeToString(der)}
	}
	parts := []any{part("binding", e.Binding)}
	for _, c := range e.CRLs {
		parts = append(parts, part("crl", c))
	}
	for _, o := range e.OCSPs {
		parts = append(parts, part("ocsp", o))
	}
	return map[string]any{"url": EvidenceExtension, "extension": parts}
}

// EvidenceOf reads the evidence of a signature; nil if there is none.
func EvidenceOf(signature tree.Node) (*Evidence, error) {
	for x := range signature.Field("extension").Items() {
		if x.Field("url").Str() != EvidenceExtension {
			continue
		}
		e := &Evidence{}
		for p := range x.Field("extension").Items() {
			der, err := base64.StdEncoding.DecodeString(p.Field("valueBase64Binary").Str())
			if err != nil || len(der) > maxRevocationSize {
				return nil, errors.New("evidence that is not base64, or too long")
			}
			switch url := p.Field("url").Str(); url {
			case "binding":
				e.Binding = der
			case "crl":
				e.CRLs = append(e.CRLs, der)
			case "ocsp":
				e.OCSPs = append(e.OCSPs, der)
			default:
				return nil, fmt.Errorf("evidence of the kind %q", printable(url))
			}
		}
		if len(e.CRLs)+len(e.OCSPs) > maxRevocations {
			return nil, fmt.Errorf("more than %d answers about revocation", maxRevocations)
		}
		return e, nil
	}
	return nil, nil
}

// unrevoked asks for every certificate of a chain but its root.
func (e *Evidence) unrevoked(chain []*x509.Certificate, at time.Time) error {
	for i := range chain[:len(chain)-1] {
		if err := e.about(chain[i], chain[i+1], at); err != nil {
			return err
		}
	}
	return nil
}

// about asks whether a certificate was in force at the time. What says nothing
// about it counts for nothing; without an answer it is refused.
func (e *Evidence) about(c, issuer *x509.Certificate, at time.Time) error {
	told := false
	for _, der := range e.OCSPs {
		if known, err := byOCSP(der, c, issuer, at); err != nil {
			return err
		} else if known {
			told = true
		}
	}
	for _, der := range e.CRLs {
		if known, err := byCRL(der, c, issuer, at); err != nil {
			return err
		} else if known {
			told = true
		}
	}
	if !told {
		return unanswered(fmt.Sprintf("nothing was kept that says whether the certificate %v of %s was revoked at %s", c.SerialNumber, printable(c.Issuer.String()), instant(at)))
	}
	return nil
}

func current(from, until, at time.Time) bool {
	return !from.After(at.Add(signingGrace)) && !until.Before(at)
}

func byOCSP(der []byte, c, issuer *x509.Certificate, at time.Time) (bool, error) {
	if national(issuer) {
		return false, nil // golang.org/x/crypto/ocsp knows no SM2: a CRL tells
	}
	r, err := ocsp.ParseResponseForCert(der, c, issuer)
	if err != nil || !r.NextUpdate.IsZero() && !current(r.ThisUpdate, r.NextUpdate, at) || r.ThisUpdate.After(at.Add(signingGrace)) {
		return false, nil //nolint:nilerr // an answer about another certificate, or none
	}
	if r.NextUpdate.IsZero() && r.ThisUpdate.Before(at.Add(-24*time.Hour)) {
		return false, nil // an old answer without an end
	}
	if r.Status == ocsp.Revoked && !r.RevokedAt.After(at) {
		return true, revoked(c, r.RevokedAt)
	}
	return r.Status == ocsp.Good || r.Status == ocsp.Revoked, nil
}

func byCRL(der []byte, c, issuer *x509.Certificate, at time.Time) (bool, error) {
	l, err := parseCRL(der)
	if err != nil || crlFrom(l, issuer) != nil || !current(l.ThisUpdate, l.NextUpdate, at) || !covers(l, c) {
		return false, nil //nolint:nilerr // a list of another issuer, or of another time
	}
	for _, r := range l.RevokedCertificateEntries {
		if r.SerialNumber.Cmp(c.SerialNumber) == 0 && !r.RevocationTime.After(at) {
			return true, revoked(c, r.RevocationTime)
		}
	}
	return true, nil
}

func parseCRL(der []byte) (*x509.RevocationList, error) {
	if l, err := x509.ParseRevocationList(der); err == nil && l.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return l, nil
	}
	return parseNationalCRL(der)
}

func crlFrom(l *x509.RevocationList, issuer *x509.Certificate) error {
	if national(issuer) {
		return nationalCRLFrom(l, issuer)
	}
	return l.CheckSignatureFrom(issuer)
}

func revoked(c *x509.Certificate, at time.Time) error {
	return fmt.Errorf("the certificate %v of %s was revoked at %s", c.SerialNumber, printable(c.Issuer.String()), instant(at))
}
