package ledger

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"io"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// sm2Suite is the national suite: SM2 signatures over SM3 (GB/T 32918.2, GB/T
// 32905) with the user id that GM/T 0009 gives where none is agreed. JOSE has
// no name for it, so its alg is the object identifier of SM3withSM2, which
// collides with no other: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.1
//
// The module is not certified; a certified one (GB/T 37092) takes its place
// behind this interface.
type sm2Suite struct{}

func (sm2Suite) name() string { return SM2 }
func (sm2Suite) alg() string  { return "urn:oid:1.2.156.10197.1.501" }

func (sm2Suite) fits(public crypto.PublicKey) bool {
	_, ok := onCurve(public, sm2.P256())
	return ok
}

func (sm2Suite) generate(random io.Reader) (crypto.Signer, error) { return sm2.GenerateKey(random) }

func (sm2Suite) marshal(key crypto.Signer) ([]byte, error) { return smx509.MarshalPKCS8PrivateKey(key) }

func (sm2Suite) sign(random io.Reader, key crypto.Signer, text []byte) ([]byte, error) {
	der, err := key.Sign(random, text, sm2.DefaultSM2SignerOpts) // it hashes itself, the user id first
	if err != nil {
		return nil, err
	}
	return fixedSignature(der)
}

func (sm2Suite) verify(public crypto.PublicKey, text, signature []byte) bool {
	key, ok := onCurve(public, sm2.P256())
	if !ok || len(signature) != fixedSize {
		return false
	}
	return sm2.VerifyWithSM2(key, nil, text, new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

func (sm2Suite) create(random io.Reader, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) ([]byte, error) {
	return smx509.CreateCertificate(random, template, parent, public, by)
}

func parseNational(der []byte) (*x509.Certificate, error) {
	c, err := smx509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if out := c.ToX509(); national(out) || c.SignatureAlgorithm == smx509.SM2WithSM3 {
		return out, nil
	}
	return nil, errSuite // what is not national is the standard library's to judge
}

func parseNationalKey(der []byte) (any, error) {
	key, err := smx509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if plain, ok := key.(*ecdsa.PrivateKey); ok { // of another curve
		return nil, errors.Join(errSuite, errors.New(plain.Curve.Params().Name))
	}
	return key, nil
}

// national tells whether a certificate of the chain needs the national rules.
func national(certificates ...*x509.Certificate) bool {
	for _, c := range certificates {
		if _, ok := onCurve(c.PublicKey, sm2.P256()); ok {
			return true
		}
	}
	return false
}

func nationalPool(certificates []*x509.Certificate) *smx509.CertPool {
	pool := smx509.NewCertPool()
	for _, c := range certificates {
		pool.AddCert((*smx509.Certificate)(c))
	}
	return pool
}

// nationalChains is x509's Verify where SM2 has a part.
func nationalChains(c *x509.Certificate, between, roots []*x509.Certificate, o x509.VerifyOptions) ([][]*x509.Certificate, error) {
	chains, err := (*smx509.Certificate)(c).Verify(smx509.VerifyOptions{
		Roots: nationalPool(roots), Intermediates: nationalPool(between), CurrentTime: o.CurrentTime, KeyUsages: o.KeyUsages,
	})
	if err != nil {
		return nil, err
	}
	out := make([][]*x509.Certificate, len(chains))
	for i, chain := range chains {
		for _, c := range chain {
			out[i] = append(out[i], c.ToX509())
		}
	}
	return out, nil
}

func parseNationalCRL(der []byte) (*x509.RevocationList, error) {
	l, err := smx509.ParseRevocationList(der)
	if err != nil {
		return nil, err
	}
	return l.ToX509(), nil
}

func nationalCRLFrom(l *x509.RevocationList, issuer *x509.Certificate) error {
	return (*smx509.RevocationList)(l).CheckSignatureFrom((*smx509.Certificate)(issuer))
}
