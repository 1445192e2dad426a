package ledger

import (
	"crypto/x509"
	"errors"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Link is a certificate and who issued it: whether it was revoked is to be asked.
type Link struct {
	Certificate, Issuer *x509.Certificate
}

// Links are those of the chains in which a person's own certificate stands; it
// fails where none leads to a root.
func (a *Authorities) Links(chain [][]byte, at time.Time) ([]Link, error) {
	var all []*x509.Certificate
	for _, der := range chain {
		c, err := parseCertificate(der)
		if err != nil {
			return nil, errors.New("ledger: a part of the chain is no certificate")
		}
		all = append(all, c)
	}
	if len(all) == 0 || len(all) > maxChain {
		return nil, errors.New("ledger: a chain has one to four certificates")
	}
	if err := signs(all[0]); err != nil {
		return nil, err
	}
	chains, err := chainsTo(a.Roots, all[0], all[1:], at)
	if err != nil {
		return nil, err
	}
	var links []Link
	for i := range chains[0][:len(chains[0])-1] {
		links = append(links, Link{chains[0][i], chains[0][i+1]})
	}
	return links, nil
}

// OCSPRequest asks a responder about a certificate; nil where OCSP has no words
// for it (SM2) or the certificate names no responder.
func (l Link) OCSPRequest() []byte {
	if national(l.Certificate, l.Issuer) || len(l.Certificate.OCSPServer) == 0 {
		return nil
	}
	der, err := ocsp.CreateRequest(l.Certificate, l.Issuer, nil)
	if err != nil {
		return nil
	}
	return der
}

// Answered tells whether the evidence says, for the time, that the certificate was
// not revoked. An error says that it was.
func (l Link) Answered(e *Evidence, at time.Time) (bool, error) {
	err := e.about(l.Certificate, l.Issuer, at)
	var none unanswered
	if errors.As(err, &none) {
		return false, nil
	}
	return err == nil, err
}

// unanswered says that nothing was kept about a certificate.
type unanswered string

func (u unanswered) Error() string { return string(u) }
