package ledger

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Names of suites, as an operator chooses them for a person's key.
const (
	ES256 = "ES256" // ECDSA on P-256 with SHA-256
	RS256 = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
	SM2   = "SM2"   // SM2 with SM3, GB/T 32918.2 and GB/T 32905
)

// suite is one way to sign: its keys, its certificates, its signatures. The
// suite of a signature follows from the certificate's key; what a message says
// of itself must agree and decides nothing.
type suite interface {
	// name is one of the constants above; alg is what stands in a JWS.
	name() string
	alg() string
	// fits tells whether a public key is one of this suite.
	fits(public crypto.PublicKey) bool
	generate(random io.Reader) (crypto.Signer, error)
	marshal(key crypto.Signer) ([]byte, error) // PKCS #8
	sign(random io.Reader, key crypto.Signer, text []byte) ([]byte, error)
	verify(public crypto.PublicKey, text, signature []byte) bool
	create(random io.Reader, template, parent *x509.Certificate, public crypto.PublicKey, by crypto.Signer) ([]byte, error)
}

var suites = []suite{ecdsaSuite{}, rsaSuite{}, sm2Suite{}}

var errSuite = errors.New("the key is none of ES256 (P-256), RS256 (RSA of 2048 to 8192 bits) or SM2")

// suiteOf is the suite of a public key.
func suiteOf(public crypto.PublicKey) (suite, error) {
	for _, s := range suites {
		if s.fits(public) {
			return s, nil
		}
	}
	return nil, errSuite
}

func suiteNamed(name string) (suite, error) {
	for _, s := range suites {
		if s.name() == name {
			return s, nil
		}
	}
	return nil, fmt.Errorf("ledger: no suite %q: one of ES256, RS256, SM2", name)
}

// parseCertificate reads a certificate of any suite. The standard library reads
// all but those with an SM2 key or signature.
func parseCertificate(der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err == nil && c.PublicKey != nil && c.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		return c, nil
	}
	if national, nerr := parseNational(der); nerr == nil {
		return national, nil
	}
	return c, err
}

// parseKey reads a private key of any suite from PKCS #8.
func parseKey(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if key, err = parseNationalKey(der); err != nil {
			return nil, err
		}
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errSuite
	}
	_, err = suiteOf(signer.Public())
	return signer, err
}

// fixedSize is r ‖ s of two curves of 256 bits.
// https://www.rfc-editor.org/rfc/rfc7518#section-3.4
const fixedSize = 64

// fixedSignature turns an ASN.1 signature into r ‖ s of 32 bytes each.
func fixedSignature(der []byte) ([]byte, error) {
	r, s := new(big.Int), new(big.Int)
	in := cryptobyte.String(der)
	var pair cryptobyte.String
	if !in.ReadASN1(&pair, asn1.SEQUENCE) || !in.Empty() || !pair.ReadASN1Integer(r) || !pair.ReadASN1Integer(s) || !pair.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 256 || s.BitLen() > 256 {
		return nil, errors.New("ledger: sign: the key made no signature of two numbers")
	}
	out := make([]byte, fixedSize)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

func onCurve(public crypto.PublicKey, curve elliptic.Curve) (*ecdsa.PublicKey, bool) {
	key, ok := public.(*ecdsa.PublicKey)
	return key, ok && key.Curve == curve
}

// rsaBits bounds RSA keys: shorter ones are weak, longer ones a way to make the
// verifier work.
const (
	rsaLeast = 2048
	rsaMost  = 8192
	rsaOwn   = 3072 // of keys that this server makes
)

func rsaKey(public crypto.PublicKey) (*rsa.PublicKey, bool) {
	key, ok := public.(*rsa.PublicKey)
	return key, ok && key.N.BitLen() >= rsaLeast && key.N.BitLen() <= rsaMost
}
