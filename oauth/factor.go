package oauth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HOTP of authenticator apps is over SHA-1
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// The second factor: a code of an authenticator app.
// https://www.rfc-editor.org/rfc/rfc6238

// Factor is the second factor of a person.
type Factor struct {
	Principal string
	Sealed    []byte // the shared secret, for this server's key alone
	Recovery  [][32]byte
	Created   time.Time
}

// Factors keeps second factors.
type Factors interface {
	// PutFactor replaces what the person had, with all recovery codes.
	PutFactor(ctx context.Context, tenant string, f *Factor) error
	// Factor returns nil where the person has none; without Recovery.
	Factor(ctx context.Context, tenant, principal string) (*Factor, error)
	RemoveFactor(ctx context.Context, tenant, principal string) (bool, error)
	// UseStep returns true for one caller alone, and for no step that is not later
	// than all that were used.
	UseStep(ctx context.Context, tenant, principal string, step int64) (bool, error)
	// UseRecovery uses a recovery code up; true for one caller alone.
	UseRecovery(ctx context.Context, tenant, principal string, hash [32]byte) (bool, error)
}

// Steps of half a minute; one before and one after is taken, since clocks differ.
const (
	stepLength    = 30
	codeDigits    = 6
	factorBytes   = 20
	recoveryCodes = 10
)

// Enrol gives a person a new second factor: the address for the authenticator app
// and codes that help once each where the app is lost. Neither is told again.
func (s *Server) Enrol(ctx context.Context, principal, name string) (address string, recovery []string, err error) {
	secret, err := s.factorSecret()
	if err != nil {
		return "", nil, err
	}
	recovery, err = s.keepFactor(ctx, principal, secret)
	return factorAddress(secret, name), recovery, err
}

func (s *Server) factorSecret() ([]byte, error) {
	secret := make([]byte, factorBytes)
	_, err := io.ReadFull(s.Random, secret)
	return secret, err
}

// factorAddress is what an authenticator app reads.
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func factorAddress(secret []byte, name string) string {
	q := url.Values{"secret": {base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)}, "issuer": {"Tenon"}}
	return "otpauth://totp/Tenon:" + url.PathEscape(name) + "?" + q.Encode()
}

// keepFactor makes a secret the person's second factor, with new recovery codes,
// and ends a lock-out by wrong codes of the old one.
func (s *Server) keepFactor(ctx context.Context, principal string, secret []byte) (recovery []string, err error) {
	f := &Factor{Principal: principal, Created: s.clock()}
	if f.Sealed, err = s.seal(principal, secret); err != nil {
		return nil, err
	}
	for range recoveryCodes {
		b := make([]byte, 10)
		if _, err := io.ReadFull(s.Random, b); err != nil {
			return nil, err
		}
		code := strings.ToLower(base32.StdEncoding.EncodeToString(b)) // 80 bits
		recovery = append(recovery, code[:4]+"-"+code[4:8]+"-"+code[8:12]+"-"+code[12:])
		f.Recovery = append(f.Recovery, hashOf(code))
	}
	return recovery, errors.Join(s.store.PutFactor(ctx, s.Tenant, f), s.store.ForgetAttempts(ctx, secondKey(s.Tenant, principal)))
}

// RemoveFactor takes a person's second factors away, security keys too, and ends a
// lock-out by wrong codes. False: there was none.
func (s *Server) RemoveFactor(ctx context.Context, principal string) (bool, error) {
	found, err := s.store.RemoveFactor(ctx, s.Tenant, principal)
	keys, err2 := s.store.RemovePasskeys(ctx, s.Tenant, principal)
	return found || keys, errors.Join(err, err2, s.store.ForgetAttempts(ctx, secondKey(s.Tenant, principal)))
}

// OneTimeCode is the code of a secret at a step.
// https://www.rfc-editor.org/rfc/rfc4226#section-5.3
func OneTimeCode(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	_ = binary.Write(h, binary.BigEndian, step) // a hash takes all
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", codeDigits, (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// proven tells whether a code is of the person's app now, or one that helps once.
// Either is good once, however many ask at the same time.
func (s *Server) proven(ctx context.Context, f *Factor, code string) (bool, error) {
	code = strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(code))
	if len(code) != codeDigits {
		return s.store.UseRecovery(ctx, s.Tenant, f.Principal, hashOf(code))
	}
	secret, err := s.unseal(f.Principal, f.Sealed)
	if err != nil {
		return false, err
	}
	step, ok := s.stepOf(secret, code)
	if !ok {
		return false, nil
	}
	return s.store.UseStep(ctx, s.Tenant, f.Principal, step)
}

// stepOf is the step that a code of a secret is of, now.
func (s *Server) stepOf(secret []byte, code string) (int64, bool) {
	code = strings.ReplaceAll(code, " ", "")
	now := s.clock().Unix() / stepLength
	for step := now - 1; step <= now+1; step++ {
		if subtle.ConstantTimeCompare([]byte(OneTimeCode(secret, step)), []byte(code)) == 1 {
			return step, true
		}
	}
	return 0, false
}

// sealer encrypts for this server's key. What is sealed is bound to its person.
func (s *Server) sealer() (cipher.AEAD, error) {
	h := hmac.New(sha256.New, s.Key)
	h.Write([]byte("second factor"))
	block, err := aes.NewCipher(h.Sum(nil))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (s *Server) seal(principal string, secret []byte) ([]byte, error) {
	a, err := s.sealer()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, a.NonceSize())
	if _, err := io.ReadFull(s.Random, nonce); err != nil {
		return nil, err
	}
	return a.Seal(nonce, nonce, secret, []byte(s.Tenant+"\x00"+principal)), nil
}

func (s *Server) unseal(principal string, sealed []byte) ([]byte, error) {
	a, err := s.sealer()
	if err != nil {
		return nil, err
	}
	if len(sealed) < a.NonceSize() {
		return nil, errors.New("oauth: a second factor is cut")
	}
	return a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(s.Tenant+"\x00"+principal))
}
