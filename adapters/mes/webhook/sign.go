package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tenon/fhir/issue"
)

// Headers of a signed message, in both directions.
const (
	headerTime      = "Tenon-Timestamp" // seconds since 1970
	headerSignature = "Tenon-Signature" // v1=hex(HMAC-SHA-256(secret, timestamp "." body))
	headerKey       = "Idempotency-Key"
)

// window is how far the clocks of the two sides may be apart; a message outside
// it is an old recording.
const window = 5 * time.Minute

// sign sets the headers.
func sign(h http.Header, secret string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h.Set(headerTime, stamp)
	h.Set(headerSignature, "v1="+hex.EncodeToString(mac(secret, stamp, body)))
}

func mac(secret, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%s.", stamp)
	m.Write(body)
	return m.Sum(nil)
}

// verify refuses a message that is not signed with the secret, or not now.
func verify(h http.Header, secret string, now time.Time, body []byte) error {
	stamp := h.Get(headerTime)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return refused("%s must be seconds since 1970", headerTime)
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > window || d < -window {
		return refused("%s is more than %v away from the server's time; set the clocks", headerTime, window)
	}
	given, err := hex.DecodeString(trimVersion(h.Get(headerSignature)))
	if err != nil || !hmac.Equal(given, mac(secret, stamp, body)) {
		return refused("%s does not fit the body", headerSignature)
	}
	return nil
}

func trimVersion(s string) string {
	if len(s) > 3 && s[:3] == "v1=" {
		return s[3:]
	}
	return "x" // not hex: refused
}

func refused(format string, args ...any) error {
	return issue.Errorf(issue.Login, format+".", args...).Rule("mes-signature")
}
