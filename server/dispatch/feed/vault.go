package feed

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// vault seals the values of headers with AES-256-GCM, each bound to its
// subscription and its own name, so that none can be put in the place of another.
type vault struct {
	aead   cipher.AEAD
	random io.Reader
}

func newVault(key []byte, random io.Reader) (*vault, error) {
	if len(key) != 32 {
		return nil, errors.New("feed: the key that seals headers must have 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &vault{aead, random}, err
}

func (v *vault) seal(subscription, value string) (id string, sealed []byte, err error) {
	name, err := uuid.NewRandomFromReader(v.random)
	if err != nil {
		return "", nil, err
	}
	nonce := make([]byte, v.aead.NonceSize())
	if _, err := io.ReadFull(v.random, nonce); err != nil {
		return "", nil, err
	}
	id = name.String()
	return id, v.aead.Seal(nonce, nonce, []byte(value), []byte(subscription+"/"+id)), nil
}

func (v *vault) open(subscription, id string, sealed []byte) (string, error) {
	n := v.aead.NonceSize()
	if len(sealed) < n {
		return "", fmt.Errorf("feed: the secret %s of Subscription/%s is cut off", id, subscription)
	}
	value, err := v.aead.Open(nil, sealed[:n], sealed[n:], []byte(subscription+"/"+id))
	if err != nil {
		return "", fmt.Errorf("feed: the secret %s of Subscription/%s does not open: %w", id, subscription, err)
	}
	return string(value), nil
}
