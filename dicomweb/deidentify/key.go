package deidentify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"math/big"
	"strings"
	"time"
)

// Key is the secret that replacements come from; at least 32 bytes.
type Key []byte

var errShortKey = errors.New("deidentify: the key must have at least 32 bytes")

// sum is the keyed hash of a value for a purpose.
func (k Key) sum(purpose, value string) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(purpose + "\x00" + value))
	return h.Sum(nil)
}

// UID is the replacement of a UID: under the root 2.25, 128 bits of the keyed
// hash (PS3.5 §B.2). An empty one stays empty.
func (k Key) UID(uid string) string {
	if uid == "" {
		return ""
	}
	return "2.25." + new(big.Int).SetBytes(k.sum("uid", uid)[:16]).String()
}

// Pseudonym stands for the patient with this Patient ID.
func (k Key) Pseudonym(patient string) string {
	return "P" + strings.ToLower(base32.StdEncoding.EncodeToString(k.sum("patient", patient)[:10]))
}

// maxShift is the most days that dates are moved back.
const maxShift = 3650

// Shift is the number of days by which the dates of a patient are moved back: 1
// to 3650. Adding it to a shifted date gives the true one.
func (k Key) Shift(patient string) int {
	n := new(big.Int).SetBytes(k.sum("shift", patient))
	return 1 + int(n.Mod(n, big.NewInt(maxShift)).Int64())
}

// ShiftDate moves the date at the beginning of a value of DA or DT back; "" where
// there is none.
func ShiftDate(value string, days int) string {
	if len(value) < 8 {
		return ""
	}
	at, err := time.Parse("20060102", value[:8])
	if err != nil {
		return ""
	}
	return at.AddDate(0, 0, -days).Format("20060102") + value[8:]
}
