package ledger

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"io"
)

// rsaSuite is RS256: https://www.rfc-editor.org/rfc/rfc7518#section-3.3
type rsaSuite struct{}

func (rsaSuite) name() string { return RS256 }
func (rsaSuite) alg() string  { return "RS256" }

func (rsaSuite) fits(public crypto.PublicKey) bool {
	_, ok := rsaKey(public)
	return ok
}

func (rsaSuite) generate(random io.Reader) (crypto.Signer, error) {
	return rsa.GenerateKey(random, rsaOwn)
}

func (rsaSuite) marshal(key crypto.Signer) ([]byte, error) { return x509.MarshalPKCS8PrivateKey(key) }

func (rsaSuite) sign(random io.Reader, key crypto.Signer, text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	return key.Sign(random, sum[:], crypto.SHA256)
}

func (rsaSuite) verify(public crypto.PublicKey, text, signature []byte) bool {
	key, ok := rsaKey(public)
	sum := sha256.Sum256(text)
	return ok && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature) == nil
}

func (rsaSuite) create(random io.Reader, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) ([]byte, error) {
	return x509.CreateCertificate(random, template, parent, public, by)
}
