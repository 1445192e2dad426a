package oauth_test

import (
	"testing"

	"tenon/oauth"
)

// RFC 6238, appendix B: the last six of the eight digits for SHA-1.
func TestOneTimeCode(t *testing.T) {
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := oauth.OneTimeCode([]byte("12345678901234567890"), at/30); got != want {
			t.Errorf("OneTimeCode(%d) = %s, want %s", at, got, want)
		}
	}
}
