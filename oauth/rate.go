package oauth

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Rates bound how often an address, an app or a name may ask this server, so that
// guessing stays slow and one caller does not crowd out others. They are of one
// server each; lock-outs of persons are of all.
type Rates struct {
	Address float64 // requests a second of one address to sign-in, token and the like
	Client  float64 // … of one app to the token endpoint
	Name    float64 // … of one name to the sign-in
	Burst   float64 // how many seconds' worth may come at once
}

// The rates where nothing is configured.
var usualRates = Rates{Address: 50, Client: 50, Name: 5, Burst: 20}

// mostBuckets bounds what is remembered.
const mostBuckets = 100_000

// limiter is a token bucket for each key.
type limiter struct {
	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

// take tells how long a key has to wait, zero where it may go on.
func (l *limiter) take(key string, rate, most float64, now time.Time) time.Duration {
	if rate <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known {
		if len(l.buckets) >= mostBuckets {
			l.forget(now)
		}
		b = bucket{left: most, at: now}
	}
	b.left = min(most, b.left+now.Sub(b.at).Seconds()*rate)
	b.at = now
	var wait time.Duration
	if b.left >= 1 {
		b.left--
	} else {
		wait = time.Duration((1 - b.left) / rate * float64(time.Second))
	}
	l.buckets[key] = b
	return wait
}

// forget drops what is a minute old, and all where that is not enough.
func (l *limiter) forget(now time.Time) {
	for key, b := range l.buckets {
		if now.Sub(b.at) > time.Minute {
			delete(l.buckets, key)
		}
	}
	if len(l.buckets) >= mostBuckets {
		clear(l.buckets)
	}
}

// limited answers 429 where an address asks too often.
func (s *Server) limited(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.slowDown(w, r, "address "+addressOf(r), s.Rates.Address) {
			next(w, r)
		}
	}
}

// slowDown answers 429 where a key asks too often.
// https://www.rfc-editor.org/rfc/rfc6585#section-4
func (s *Server) slowDown(w http.ResponseWriter, r *http.Request, key string, rate float64) bool {
	wait := s.limiter.take(key, rate, math.Max(1, rate*s.Rates.Burst), s.clock())
	if wait <= 0 {
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	if strings.Contains(r.Header.Get("Accept"), "text/html") || strings.HasPrefix(r.URL.Path, "/oauth/sign-in") || strings.HasPrefix(r.URL.Path, "/oauth/authorize") {
		s.page(w, http.StatusTooManyRequests, "message", message{"Too many requests: wait a moment and try again.", "请求过于频繁，请稍后再试。"})
		return true
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusTooManyRequests, map[string]string{"error": "temporarily_unavailable", "error_description": "Too many requests: wait as long as Retry-After says."})
	return true
}
