package ledger

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"math/big"
)

// ecdsaSuite is ES256: https://www.rfc-editor.org/rfc/rfc7518#section-3.4
type ecdsaSuite struct{}

func (ecdsaSuite) name() string { return ES256 }
func (ecdsaSuite) alg() string  { return "ES256" }

func (ecdsaSuite) fits(public crypto.PublicKey) bool {
	_, ok := onCurve(public, elliptic.P256())
	return ok
}

func (ecdsaSuite) generate(random io.Reader) (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), random)
}

func (ecdsaSuite) marshal(key crypto.Signer) ([]byte, error) { return x509.MarshalPKCS8PrivateKey(key) }

func (ecdsaSuite) sign(random io.Reader, key crypto.Signer, text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	der, err := key.Sign(random, sum[:], crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return fixedSignature(der)
}

func (ecdsaSuite) verify(public crypto.PublicKey, text, signature []byte) bool {
	key, ok := onCurve(public, elliptic.P256())
	if !ok || len(signature) != fixedSize {
		return false
	}
	sum := sha256.Sum256(text)
	return ecdsa.Verify(key, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
}

func (ecdsaSuite) create(random io.Reader, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) ([]byte, error) {
	return x509.CreateCertificate(random, template, parent, public, by)
}
