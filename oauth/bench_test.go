package oauth_test

import (
	"testing"
	"time"
)

// BenchmarkAuthenticate is the check of a token per request, from the cache:
// a microsecond at most (design §12).
func BenchmarkAuthenticate(b *testing.B) {
	p, _, _, _ := provider()
	token, err := p.Issue(b.Context(), "PractitionerRole/clin", time.Hour, "")
	if err != nil {
		b.Fatal(err)
	}
	header := "Bearer " + token
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Authenticate(b.Context(), header); err != nil {
			b.Fatal(err)
		}
	}
}
