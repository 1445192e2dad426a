package app

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tenon/fhir/issue"
	"tenon/oauth"
	"tenon/server/ledger"
)

// Signing says whose certificates persons may sign with beside the keys that this
// server keeps for them.
type Signing struct {
	Roots      string `help:"File with the certificates (PEM) of authorities outside, whose certificates persons may sign with. None by default." env:"TENON_SIGN_ROOTS" type:"path"`
	Revocation string `help:"Folder with revocation lists (*.crl, DER) of these authorities; what is not there is asked at the address in the certificate." env:"TENON_SIGN_REVOCATION" type:"path"`
	TSA        string `help:"URL of a time stamp authority (RFC 3161) for checkpoints of the log." env:"TENON_SIGN_TSA"`
	TSARoots   string `help:"File with the certificates (PEM) of authorities that the time stamp authority is judged by." env:"TENON_SIGN_TSA_ROOTS" type:"path"`
}

// outsiders are the certificates of authorities outside.
type outsiders struct {
	roots, tsa []*x509.Certificate
}

func (s *Signing) open() (o outsiders, err error) {
	if o.roots, err = certificatesIn(s.Roots); err != nil {
		return o, fmt.Errorf("sign-roots: %w", err)
	}
	if o.tsa, err = certificatesIn(s.TSARoots); err != nil {
		return o, fmt.Errorf("sign-tsa-roots: %w", err)
	}
	if (s.TSA == "") != (len(o.tsa) == 0) {
		return o, errors.New("sign-tsa: a time stamp authority needs sign-tsa-roots to be judged by, and the other way round")
	}
	return o, nil
}

// BindCertificate makes a person's own certificate the one that the person signs
// with. chain is PEM, the leaf first. It takes the place of a key that is kept here.
func (a *App) BindCertificate(ctx context.Context, principal string, chain []byte) error {
	who, err := a.OAuth.Principal(ctx, principal)
	if err != nil {
		return err
	}
	var ders [][]byte
	var all []byte
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("a %s is no part of a chain: the private key stays with its owner", block.Type)
		}
		ders, all = append(ders, block.Bytes), append(all, block.Bytes...)
	}
	links, err := a.authorities().Links(ders, a.clock())
	if err != nil {
		return err
	}
	binding, err := a.keys.Bind(principal, who.Person, links[0].Certificate)
	if err != nil {
		return err
	}
	return a.Store.PutSigner(ctx, oauth.Signer{Principal: principal, Certificate: binding, Chain: all, Created: a.clock()})
}

func (a *App) authorities() *ledger.Authorities {
	return &ledger.Authorities{Signers: a.keys.Authorities(), Roots: a.outside.roots}
}

// Chain implements record.Signers.
func (s signers) Chain(ctx context.Context, principal string) ([][]byte, error) {
	_, chain, err := s.own(ctx, principal)
	return chain, err
}

func (s signers) own(ctx context.Context, principal string) (*oauth.Signer, [][]byte, error) {
	held, err := s.store.Signer(ctx, principal)
	if err != nil {
		return nil, nil, err
	}
	if held == nil || len(held.Chain) == 0 {
		return nil, nil, issue.Errorf(issue.Forbidden, "%s is known by no certificate of its own; an administrator binds it, or sign with the secret.", principal).
			Rule("sign-no-certificate").Chinese("该用户未登记本人证书。")
	}
	chain, err := ledger.SplitChain(held.Chain)
	return held, chain, err
}

// Judge implements record.Signers: the signature fits, its certificate is the one
// that the person is known by, leads to a configured root, and was not revoked.
func (s signers) Judge(ctx context.Context, principal, jws string) (*ledger.Evidence, error) {
	held, chain, err := s.own(ctx, principal)
	if err != nil {
		return nil, err
	}
	m, leaf, err := ledger.ManifestIn(jws)
	if err != nil {
		return nil, notSigned(err)
	}
	if string(leaf.Raw) != string(chain[0]) {
		return nil, notSigned(errors.New("it is by another certificate than the one that you are known by"))
	}
	by := s.a.authorities()
	links, err := by.Links(chain, m.When)
	if err != nil {
		return nil, notSigned(err)
	}
	e := &ledger.Evidence{Binding: held.Certificate}
	for _, link := range links {
		if err := s.a.ask(ctx, link, e, m.When); err != nil {
			return nil, notSigned(err)
		}
	}
	if _, err := by.Verify(jws, e); err != nil {
		return nil, notSigned(err)
	}
	return e, nil
}

func notSigned(err error) error {
	return issue.Errorf(issue.Forbidden, "The signature was not taken: %s.", strings.TrimPrefix(strings.TrimPrefix(err.Error(), "ledger: "), "signature: ")).
		Rule("sign-certificate").Clause("R000-021").Chinese("签名或证书未通过校验，未签名。")
}

// lists are the revocation lists of the folder.
func (s *Signing) lists() [][]byte {
	if s.Revocation == "" {
		return nil
	}
	names, _ := filepath.Glob(filepath.Join(s.Revocation, "*.crl")) // fails on a bad pattern only
	var all [][]byte
	for _, name := range names {
		if der, err := os.ReadFile(name); err == nil { //nolint:gosec // the operator's own
			all = append(all, der)
		}
	}
	return all
}
