package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// algCosignature is the signature type of cosignature/v1: Ed25519 over the
// checkpoint and the time at which the witness saw it.
// https://c2sp.org/tlog-cosignature
const algCosignature = 0x04

// Cosigner checks the cosignatures of one witness.
type Cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// NewCosigner reads a witness's verifier key: name+hash+base64(0x04 ‖ key).
func NewCosigner(vkey string) (*Cosigner, error) {
	name, rest, ok := strings.Cut(vkey, "+")
	hash, key, ok2 := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(key)
	if !ok || !ok2 || err != nil || name == "" || strings.ContainsAny(name, " \t\r\n") || len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature {
		return nil, fmt.Errorf("ledger: %q is no key of a witness: name+hash+base64 of 0x04 and an Ed25519 key", printable(vkey))
	}
	c := &Cosigner{name: name, key: raw[1:], hash: cosignerHash(name, raw[1:])}
	if fmt.Sprintf("%08x", c.hash) != hash {
		return nil, fmt.Errorf("ledger: the key of the witness %q does not have its hash", printable(name))
	}
	return c, nil
}

func cosignerHash(name string, key []byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{algCosignature})
	h.Write(key)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// Name is the witness's name.
func (c *Cosigner) Name() string { return c.name }

// KeyHash implements note.Verifier.
func (c *Cosigner) KeyHash() uint32 { return c.hash }

// Verify implements note.Verifier: the signature is a time and an Ed25519
// signature over it and the text.
func (c *Cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	return at < 1<<40 && ed25519.Verify(c.key, cosignedText(at, text), signature[8:])
}

func cosignedText(at uint64, text []byte) []byte {
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", at), text...)
}

// Open checks the witness's cosignature on a checkpoint and tells its time.
func (c *Cosigner) Open(signed []byte) (time.Time, error) {
	if len(signed) > maxNote {
		return time.Time{}, errors.New("the checkpoint is too long")
	}
	n, err := note.Open(signed, note.VerifierList(c))
	if err != nil {
		return time.Time{}, fmt.Errorf("it is not cosigned by the witness %s", c.name)
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil || len(raw) < 12 {
		return time.Time{}, errors.New("the cosignature is none")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw[4:])), 0).UTC(), nil //nolint:gosec // bounded by Verify
}

// Cosign makes a witness's signature line of a checkpoint's text.
func Cosign(name string, key ed25519.PrivateKey, text string, at time.Time) string {
	public := key.Public().(ed25519.PublicKey) //nolint:errcheck,forcetypeassert // by its documentation
	seconds := uint64(at.Unix())               //nolint:gosec // a time of our own
	raw := binary.BigEndian.AppendUint32(nil, cosignerHash(name, public))
	raw = binary.BigEndian.AppendUint64(raw, seconds)
	raw = append(raw, ed25519.Sign(key, cosignedText(seconds, []byte(text)))...)
	return "— " + name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// CosignerKey is the verifier key that others keep of a witness.
func CosignerKey(name string, public ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", name, cosignerHash(name, public), base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, public...)))
}
