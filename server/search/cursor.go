package search

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// cursors seals the place in a result, so that a client can neither read the
// sort values in it (they may be names of patients, and links end up in logs)
// nor make one up, nor use it for another query or as another person.
//
// The seal is AES-256-GCM; its nonce is an HMAC over scope and text, so that no
// randomness is needed and equal places give equal links.
type cursors struct {
	aead cipher.AEAD
	mac  []byte
}

// maxCursor bounds the length of a cursor in a URL.
const maxCursor = 8192

func newCursors(secret []byte) *cursors {
	block, err := aes.NewCipher(derive(secret, "cursor encryption"))
	if err != nil {
		panic(err) // the key has the right length
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the right block size
	}
	return &cursors{aead: aead, mac: derive(secret, "cursor nonce")}
}

func derive(secret []byte, purpose string) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(purpose))
	return h.Sum(nil)
}

func (c *cursors) seal(at *Cursor, scope string) string {
	text, _ := json.Marshal(at) // strings and a number always encode
	bound := sha256.Sum256([]byte(scope))
	h := hmac.New(sha256.New, c.mac)
	h.Write(bound[:])
	h.Write(text)
	nonce := h.Sum(nil)[:c.aead.NonceSize()]
	return base64.RawURLEncoding.EncodeToString(c.aead.Seal(nonce, nonce, text, bound[:]))
}

func (c *cursors) open(token, scope string) (*Cursor, bool) {
	if len(token) > maxCursor {
		return nil, false
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(sealed) < c.aead.NonceSize() {
		return nil, false
	}
	n := c.aead.NonceSize()
	bound := sha256.Sum256([]byte(scope))
	text, err := c.aead.Open(nil, sealed[:n], sealed[n:], bound[:])
	if err != nil {
		return nil, false
	}
	at := new(Cursor)
	return at, json.Unmarshal(text, at) == nil
}
