package webauthn_test

import (
	"bytes"
	"testing"

	"tenon/oauth/webauthn"
	"tenon/test/standin/authenticator"
)

var party = webauthn.Party{ID: "clinic.test", Origin: "https://clinic.test"}

const challenge = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

func newKey(t testing.TB, algorithm string) *authenticator.Key {
	t.Helper()
	k, err := authenticator.New(party.ID, party.Origin, algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func registered(t testing.TB, k *authenticator.Key, packed bool) (*webauthn.Credential, error) {
	t.Helper()
	client, attestation, err := k.Create(challenge, packed)
	if err != nil {
		t.Fatal(err)
	}
	return party.Register(challenge, client, attestation)
}

func shown(t testing.TB, k *authenticator.Key, c *webauthn.Credential) (uint32, error) {
	t.Helper()
	client, raw, signature, err := k.Get(challenge)
	if err != nil {
		t.Fatal(err)
	}
	return party.Verify(challenge, c, client, raw, signature)
}

func TestRegisterAndVerify(t *testing.T) {
	for _, algorithm := range []string{"ES256", "EdDSA", "RS256"} {
		for _, packed := range []bool{false, true} {
			k := newKey(t, algorithm)
			c, err := registered(t, k, packed)
			if err != nil || !bytes.Equal(c.ID, k.ID) || c.Counter != 1 {
				t.Fatalf("Register(%s, packed %v) = %+v, %v", algorithm, packed, c, err)
			}
			if n, err := shown(t, k, c); err != nil || n != 2 {
				t.Errorf("Verify(%s) = %d, %v, want 2", algorithm, n, err)
			}
		}
	}
}

func TestWhatIsTaken(t *testing.T) {
	for name, change := range map[string]func(*authenticator.Key){
		"it counts nothing":           func(k *authenticator.Key) { k.Counter = 0 },
		"it may be on other machines": func(k *authenticator.Key) { k.Flags |= authenticator.Movable | authenticator.Moved },
		"extensions are said":         func(k *authenticator.Key) { k.Extensions = authenticator.Map(authenticator.Text("x"), []byte{0xf5}) },
		"members nobody knows":        func(k *authenticator.Key) { k.Client = map[string]any{"other_keys_can_be_added_here": "x"} },
	} {
		k := newKey(t, "ES256")
		change(k)
		c, err := registered(t, k, false)
		if err != nil {
			t.Errorf("%s: Register: %v", name, err)
			continue
		}
		if _, err := shown(t, k, c); err != nil {
			t.Errorf("%s: Verify: %v", name, err)
		}
	}
}

// attacks are answers that an honest key would not give; each is refused at both
// ceremonies.
var attacks = map[string]func(*authenticator.Key){
	"other origin":              func(k *authenticator.Key) { k.Origin = "https://clinic.test.evil.test" },
	"other port":                func(k *authenticator.Key) { k.Origin += ":8443" },
	"plain http":                func(k *authenticator.Key) { k.Origin = "http://clinic.test" },
	"other site":                func(k *authenticator.Key) { k.Site = "evil.test" },
	"in a frame of another":     func(k *authenticator.Key) { k.Client = map[string]any{"crossOrigin": true} },
	"below another page":        func(k *authenticator.Key) { k.Client = map[string]any{"topOrigin": "https://evil.test"} },
	"other ceremony":            func(k *authenticator.Key) { k.Client = map[string]any{"type": "payment.get"} },
	"other challenge":           func(k *authenticator.Key) { k.Client = map[string]any{"challenge": "AAAA"} },
	"challenge of another type": func(k *authenticator.Key) { k.Client = map[string]any{"challenge": 5} },
	"nobody was verified":       func(k *authenticator.Key) { k.Flags = authenticator.Present },
	"nobody was there":          func(k *authenticator.Key) { k.Flags = authenticator.Verified },
	"moved and not to be":       func(k *authenticator.Key) { k.Flags |= authenticator.Moved },
	"bytes at the end":          func(k *authenticator.Key) { k.Extensions = []byte{0xa0, 0} },
	"extensions are no map":     func(k *authenticator.Key) { k.Extensions = []byte{0x01} },
}

func TestAttacks(t *testing.T) {
	for name, change := range attacks {
		k := newKey(t, "ES256")
		honest := *k
		c, err := registered(t, k, true)
		if err != nil {
			t.Fatal(err)
		}
		change(k)
		k.Counter = 9
		if _, err := shown(t, k, c); err == nil {
			t.Errorf("%s: the assertion is taken", name)
		}
		if _, err := registered(t, k, true); err == nil {
			t.Errorf("%s: the registration is taken", name)
		}
		honest.Counter = 2
		if _, err := shown(t, &honest, c); err != nil {
			t.Errorf("%s: twin: %v", name, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	k := newKey(t, "ES256")
	k.Counter = 5
	c, err := registered(t, k, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*authenticator.Key){
		"the count stands still":  func(k *authenticator.Key) { k.Counter = 5 },
		"the count goes back":     func(k *authenticator.Key) { k.Counter = 4 },
		"the count ends":          func(k *authenticator.Key) { k.Counter = 0 },
		"movable now":             func(k *authenticator.Key) { k.Counter, k.Flags = 6, k.Flags|authenticator.Movable },
		"the key of another":      func(k *authenticator.Key) { k.Counter, k.Signer = 6, newKey(t, "ES256").Signer },
		"a key of another family": func(k *authenticator.Key) { k.Counter, k.Signer = 6, newKey(t, "RS256").Signer },
	} {
		lying := *k
		change(&lying)
		if n, err := shown(t, &lying, c); err == nil {
			t.Errorf("%s: Verify = %d, want an error", name, n)
		}
	}
	k.Counter = 6
	client, raw, signature, _ := k.Get(challenge)
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if _, err := party.Verify(challenge, c, client, changed, signature); err == nil {
			t.Errorf("byte %d of the data changed: taken", i)
		}
	}
	if _, err := party.Verify(challenge, c, append(client, ' '), raw, signature); err == nil {
		t.Error("a space more in the client data: taken")
	}
	if _, err := party.Verify("", c, client, raw, signature); err == nil {
		t.Error("no challenge: taken")
	}
	if n, err := party.Verify(challenge, c, client, raw, signature); err != nil || n != 6 {
		t.Errorf("twin: Verify = %d, %v, want 6", n, err)
	}
}

func TestRegisterRefuses(t *testing.T) {
	k := newKey(t, "ES256")
	client, _, _ := k.Create(challenge, false)
	cose := func(pairs ...[]byte) []byte { return authenticator.Map(pairs...) }
	i, b := authenticator.Int, authenticator.Bytes
	x := make([]byte, 32)
	with := func(key []byte, format string, statement ...[]byte) []byte {
		_, whole, _ := k.Create(challenge, false)
		_, raw, _, _ := k.Get(challenge)
		raw[32] |= 0x40
		raw = append(append(append(append(raw, make([]byte, 16)...), 0, byte(len(k.ID))), k.ID...), key...)
		if key == nil {
			return whole
		}
		return authenticator.Map(authenticator.Text("fmt"), authenticator.Text(format), authenticator.Text("attStmt"), authenticator.Map(statement...), authenticator.Text("authData"), b(raw))
	}
	good, _, _ := authenticator.COSE(k.Signer.Public())
	for name, attestation := range map[string][]byte{
		"nothing":                         nil,
		"no map":                          i(1),
		"an empty map":                    authenticator.Map(),
		"a point not on the curve":        with(cose(i(1), i(2), i(3), i(-7), i(-1), i(1), i(-2), b(x), i(-3), b(x)), "none"),
		"another curve":                   with(cose(i(1), i(2), i(3), i(-35), i(-1), i(2), i(-2), b(x), i(-3), b(x)), "none"),
		"an algorithm of another key":     with(cose(i(1), i(2), i(3), i(-8), i(-1), i(1), i(-2), b(x), i(-3), b(x)), "none"),
		"RSA of 1024 bits":                with(cose(i(1), i(3), i(3), i(-257), i(-1), b(bytes.Repeat([]byte{255}, 128)), i(-2), b([]byte{1, 0, 1})), "none"),
		"RSA with the exponent 1":         with(cose(i(1), i(3), i(3), i(-257), i(-1), b(bytes.Repeat([]byte{255}, 256)), i(-2), b([]byte{1})), "none"),
		"Ed25519 cut":                     with(cose(i(1), i(1), i(3), i(-8), i(-1), i(6), i(-2), b(x[:31])), "none"),
		"none, with a statement":          with(good, "none", authenticator.Text("alg"), i(-7)),
		"packed without a signature":      with(good, "packed"),
		"packed with an empty one":        with(good, "packed", authenticator.Text("alg"), i(-7), authenticator.Text("sig"), b(nil)),
		"a maker's statement (x5c)":       with(good, "packed", authenticator.Text("alg"), i(-7), authenticator.Text("sig"), b(x), authenticator.Text("x5c"), b(x)),
		"a format that nobody asked for":  with(good, "tpm"),
		"a byte after it":                 append(with(good, "none"), 0),
		"a label twice in the key":        with(cose(i(1), i(2), i(1), i(2)), "none"),
		"a length that is longer than it": {0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"nested too deep":                 bytes.Repeat([]byte{0x81}, 10_000),
		"an indefinite length":            {0xbf, 0xff},
	} {
		if c, err := party.Register(challenge, client, attestation); err == nil {
			t.Errorf("%s: Register = %+v, want an error", name, c)
		}
	}
	if _, err := party.Register(challenge, client, with(good, "none")); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// FuzzRegister throws bytes at the door: it answers with an error or a credential that
// verifies nothing of others, and never falls.
func FuzzRegister(f *testing.F) {
	for _, algorithm := range []string{"ES256", "EdDSA"} {
		k, err := authenticator.New(party.ID, party.Origin, algorithm)
		if err != nil {
			f.Fatal(err)
		}
		client, attestation, _ := k.Create(challenge, true)
		f.Add(client, attestation)
		client, attestation, _ = k.Create(challenge, false)
		f.Add(client, attestation)
	}
	f.Add([]byte(`{}`), []byte{0xa1, 0x20, 0x5b})
	other := &webauthn.Credential{Key: []byte{0x30}}
	f.Fuzz(func(t *testing.T, client, attestation []byte) {
		if c, err := party.Register(challenge, client, attestation); err == nil && (len(c.ID) == 0 || len(c.Key) == 0) {
			t.Errorf("Register = %+v without an error", c)
		}
		if _, err := party.Verify(challenge, other, client, attestation, attestation); err == nil {
			t.Error("Verify without a key takes it")
		}
	})
}
