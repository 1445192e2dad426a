package oauth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a password, as OWASP recommends for argon2id: 19 MiB, 2 passes.
const (
	hashMemory = 19 << 10
	hashPasses = 2
	hashLanes  = 1
	hashBytes  = 32
	hashSalt   = 16
)

// mostHashing bounds the hashes that are made at once, 19 MiB each.
var hashing = make(chan struct{}, 4)

// HashSecret makes the text that is kept of a password or of an app's secret.
func HashSecret(secret string) (string, error) {
	if len(secret) < 12 || len(secret) > 1024 {
		return "", errors.New("secret: it must have at least 12 characters")
	}
	salt := make([]byte, hashSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	sum := hashed(secret, salt, hashPasses, hashMemory, hashLanes)
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes, b.EncodeToString(salt), b.EncodeToString(sum)), nil
}

func hashed(secret string, salt []byte, passes, memory uint32, lanes uint8) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(secret), salt, passes, memory, lanes, hashBytes)
}

// nobodysHash fits no secret and takes as long as one that does.
var nobodysHash = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes,
	base64.RawStdEncoding.EncodeToString(make([]byte, hashSalt)), base64.RawStdEncoding.EncodeToString(make([]byte, hashBytes)))

// verifySecret tells whether the hash is of the secret.
func verifySecret(hash, secret string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || len(secret) > 1024 {
		return false
	}
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || memory > 256<<10 || passes > 16 || passes == 0 || lanes == 0 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || err2 != nil || len(sum) != hashBytes {
		return false
	}
	return subtle.ConstantTimeCompare(hashed(secret, salt, passes, memory, lanes), sum) == 1
}
