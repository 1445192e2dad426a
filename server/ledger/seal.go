package ledger

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"io"

	"golang.org/x/crypto/argon2"
)

// ErrSecret says that a signing secret does not open the key, or that the
// sealed key was changed: the two look the same.
var ErrSecret = errors.New("ledger: the secret does not open the signing key")

// MinSecret is how many characters a signing secret has at least.
const MinSecret = 8

// Cost is how much work one guess at a secret takes (argon2id).
// https://www.rfc-editor.org/rfc/rfc9106#section-4
type Cost struct {
	Passes  uint32
	KiB     uint32 // of memory
	Threads uint8
}

// DefaultCost is 19 MiB, two passes, one lane: the smallest of the settings
// that OWASP holds equal, since a server of two cores signs for many. What
// guesses there are online ends with the lock after five wrong secrets.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
var DefaultCost = Cost{Passes: 2, KiB: 19 << 10, Threads: 1}

// What a sealed key may ask for at most: it lies in a database that somebody
// may have changed.
var maxCost = Cost{Passes: 16, KiB: 256 << 10, Threads: 16}

// A sealed key: magic, passes, memory, threads, salt, nonce, and the key in
// PKCS #8 under AES-256-GCM with all before it as additional data.
const (
	sealMagic  = "TNS1"
	sealSalt   = 13
	sealNonce  = sealSalt + 16
	sealedText = sealNonce + 12
	maxSealed  = 4 << 10
)

// derivations bounds how many secrets are worked on at once, since each takes
// its memory.
var derivations = make(chan struct{}, 4)

// sealKey takes a key in PKCS #8.
func sealKey(plain []byte, secret string, cost Cost, random io.Reader) ([]byte, error) {
	out := make([]byte, sealedText, maxSealed)
	copy(out, sealMagic)
	binary.BigEndian.PutUint32(out[4:], cost.Passes)
	binary.BigEndian.PutUint32(out[8:], cost.KiB)
	out[12] = cost.Threads
	if _, err := io.ReadFull(random, out[sealSalt:]); err != nil {
		return nil, err
	}
	aead, err := secretCipher(secret, out[sealSalt:sealNonce], cost)
	if err != nil {
		return nil, err
	}
	return aead.Seal(out, out[sealNonce:sealedText], plain, out[:sealedText]), nil
}

// OpenSigner opens a person's key with that person's secret; ErrSecret when it
// does not.
func OpenSigner(sealed []byte, secret string) (crypto.Signer, error) {
	if len(sealed) <= sealedText || len(sealed) > maxSealed || string(sealed[:4]) != sealMagic {
		return nil, ErrSecret
	}
	cost := Cost{binary.BigEndian.Uint32(sealed[4:]), binary.BigEndian.Uint32(sealed[8:]), sealed[12]}
	if cost.Passes > maxCost.Passes || cost.KiB > maxCost.KiB || cost.Threads > maxCost.Threads || cost.Passes == 0 || cost.Threads == 0 {
		return nil, ErrSecret
	}
	aead, err := secretCipher(secret, sealed[sealSalt:sealNonce], cost)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, sealed[sealNonce:sealedText], sealed[sealedText:], sealed[:sealedText])
	if err != nil {
		return nil, ErrSecret
	}
	key, err := parseKey(plain)
	if err != nil {
		return nil, ErrSecret
	}
	return key, nil
}

func secretCipher(secret string, salt []byte, cost Cost) (cipher.AEAD, error) {
	derivations <- struct{}{}
	key := argon2.IDKey([]byte(secret), salt, cost.Passes, cost.KiB, cost.Threads, 32)
	<-derivations
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
