package webauthn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"math"
	"math/big"
)

// Algorithms of signatures that are taken, in the order of preference.
// https://www.iana.org/assignments/cose/cose.xhtml#algorithms
const (
	ES256 = -7
	EdDSA = -8
	RS256 = -257
)

// Algorithms is what a site asks authenticators for.
var Algorithms = []int64{ES256, EdDSA, RS256}

var errKey = errors.New("the public key is none, or of an algorithm that was not asked for")

// coseKey reads a public key.
// https://www.rfc-editor.org/rfc/rfc9053#section-7
func coseKey(m map[any]any) (crypto.PublicKey, error) {
	number := func(label int64) int64 { n, _ := m[label].(int64); return n }
	octets := func(label int64) []byte { b, _ := m[label].([]byte); return b }
	switch alg, kind := number(3), number(1); {
	case alg == ES256 && kind == 2 && number(-1) == 1:
		x, y := octets(-2), octets(-3)
		if len(x) != 32 || len(y) != 32 {
			return nil, errKey
		}
		k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return nil, errKey
		}
		return k, nil
	case alg == EdDSA && kind == 1 && number(-1) == 6:
		if x := octets(-2); len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x), nil
		}
	case alg == RS256 && kind == 3:
		n, e := new(big.Int).SetBytes(octets(-1)), new(big.Int).SetBytes(octets(-2))
		if n.BitLen() >= 2048 && n.BitLen() <= 4096 && e.IsInt64() && e.Int64() > 2 && e.Int64() <= math.MaxInt32 && e.Bit(0) == 1 {
			return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
		}
	}
	return nil, errKey
}

// algorithmOf is the one that a key of coseKey signs with.
func algorithmOf(k crypto.PublicKey) int64 {
	switch k.(type) {
	case *ecdsa.PublicKey:
		return ES256
	case ed25519.PublicKey:
		return EdDSA
	}
	return RS256
}

// signed tells whether a signature over a message is of a key.
func signed(k crypto.PublicKey, message, signature []byte) bool {
	sum := sha256.Sum256(message)
	switch k := k.(type) {
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256() && ecdsa.VerifyASN1(k, sum[:], signature)
	case ed25519.PublicKey:
		return ed25519.Verify(k, message, signature)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], signature) == nil
	}
	return false
}
