package oauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys of apps: how they are read, fetched and found.
// https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#signature-verification

// mostKeys bounds the keys of one app, largestKeys the bytes of a set.
const (
	mostKeys    = 64
	largestKeys = 256 << 10
)

// readKeys reads a JWKS. Keys for something else are left out; a private key is
// refused, since it is no longer its owner's alone.
func readKeys(text []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []rawKey `json:"keys"`
	}
	if len(text) > largestKeys {
		return nil, fmt.Errorf("the JWKS has more than %d bytes", largestKeys)
	}
	if err := unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("the JWKS cannot be read: %w", err)
	}
	if len(set.Keys) > mostKeys {
		return nil, fmt.Errorf("the JWKS has more than %d keys", mostKeys)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if err := k.UnmarshalJSON(raw); err != nil {
			continue // of a kind that is not known here
		}
		if !k.IsPublic() {
			return nil, errors.New("the JWKS holds a private or a symmetric key: publish public ones alone")
		}
		if usable(&k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the JWKS has no key for RS384 (RSA of 2048 bits at least) or ES384 (P-384) with a kid")
	}
	return keys, nil
}

// rawKey is one key as it stands in its set.
type rawKey []byte

func (r *rawKey) UnmarshalJSON(b []byte) error { *r = append((*r)[:0], b...); return nil }

// usable tells a key that may verify one of the algorithms. "use" may be left out,
// as in the examples of the guide.
func usable(k *jose.JSONWebKey) bool {
	return k.KeyID != "" && (k.Use == "" || k.Use == "sig") && algorithmOf(k) != "" && (k.Algorithm == "" || k.Algorithm == string(algorithmOf(k)))
}

// algorithmOf is the one algorithm that a key is taken for: the header of an
// assertion chooses none.
func algorithmOf(k *jose.JSONWebKey) jose.SignatureAlgorithm {
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192 {
			return jose.RS384
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P384() {
			return jose.ES384
		}
	}
	return ""
}

// Fetched is a document with how long it may be kept.
type Fetched struct {
	Body         []byte
	CacheControl string
}

// Fetch gets a document from an address of an app. Whoever gives it guards the
// addresses; a longer body than limit is an error.
type Fetch func(ctx context.Context, url string, limit int64) (*Fetched, error)

// How long keys are kept: never longer than their owner says. Without a word, or
// where they were just fetched, not for nothing either: an unknown kid asks again
// only after a pause.
const (
	keysLife    = 5 * time.Minute
	longestLife = time.Hour
	fetchPause  = 10 * time.Second
	fetchTime   = 5 * time.Second
)

// keyring keeps the keys that were fetched. Who waits for a slow address keeps
// waiting others for the same address alone.
type keyring struct {
	fetch Fetch
	clock func() time.Time
	mu    sync.Mutex
	kept  map[string]*keptKeys
}

type keptKeys struct {
	mu      sync.Mutex
	keys    []jose.JSONWebKey
	until   time.Time
	fetched time.Time
	err     error
}

var errNoKey = errors.New("no key of the app has this kid and kind")

// find is the one key of an app with this kid and algorithm.
func (r *keyring) find(ctx context.Context, c *Client, kid string, alg jose.SignatureAlgorithm) (any, error) {
	if c.KeysURL == "" {
		keys, err := readKeys(c.Keys)
		if err != nil {
			return nil, err
		}
		return oneKey(keys, kid, alg)
	}
	keys, fresh, err := r.of(ctx, c.KeysURL, false)
	if err != nil {
		return nil, err
	}
	key, err := oneKey(keys, kid, alg)
	if !errors.Is(err, errNoKey) || fresh {
		return key, err
	}
	if keys, _, err = r.of(ctx, c.KeysURL, true); err != nil { // it may have been rotated in
		return nil, err
	}
	return oneKey(keys, kid, alg)
}

func oneKey(keys []jose.JSONWebKey, kid string, alg jose.SignatureAlgorithm) (found any, err error) {
	err = errNoKey
	for i := range keys {
		if k := &keys[i]; k.KeyID == kid && algorithmOf(k) == alg {
			if found != nil {
				return nil, errors.New("several keys of the app have this kid and kind")
			}
			found, err = k.Key, nil
		}
	}
	return found, err
}

// of are the keys at an address, kept or fetched; again asks for newer ones, if
// the last question is not too near.
func (r *keyring) of(ctx context.Context, address string, again bool) (keys []jose.JSONWebKey, fresh bool, err error) {
	if r.fetch == nil {
		return nil, false, errors.New("this server fetches no keys")
	}
	k := r.place(address)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := r.clock()
	paused := now.Before(k.fetched.Add(fetchPause))
	if now.Before(k.until) && !again || paused && (again || k.err != nil) {
		return k.keys, false, k.err
	}
	ctx, stop := context.WithTimeout(ctx, fetchTime)
	defer stop()
	k.keys, k.err, k.fetched, k.until = nil, nil, now, now
	got, err := r.fetch(ctx, address, largestKeys)
	if err == nil {
		k.keys, k.err = readKeys(got.Body)
		k.until = now.Add(lifeOf(got.CacheControl))
	} else {
		k.err = fmt.Errorf("the keys of the app cannot be fetched: %w", err)
	}
	return k.keys, true, k.err
}

// place is where the keys of an address are kept.
func (r *keyring) place(address string) *keptKeys {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kept[address]
	if k == nil {
		if len(r.kept) >= 1000 {
			clear(r.kept)
		}
		k = new(keptKeys)
		r.kept[address] = k
	}
	return k
}

// lifeOf reads how long an answer may be kept.
// https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2
func lifeOf(control string) time.Duration {
	life := keysLife
	for part := range strings.SplitSeq(strings.ToLower(control), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "no-store", "no-cache":
			return 0
		case "max-age":
			if n, err := strconv.Atoi(strings.Trim(value, `"`)); err == nil && n >= 0 {
				life = min(time.Duration(n)*time.Second, longestLife)
			}
		}
	}
	return life
}
