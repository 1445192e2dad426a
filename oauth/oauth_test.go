package oauth_test

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/fhir/issue"
	"tenon/oauth"
	"tenon/server/access"
)

// memory is a Store of tokens alone; the real ones are tested in server/store.
type memory struct {
	oauth.Store
	mu     sync.Mutex
	tokens map[[32]byte]oauth.Token
	asked  int
}

func (m *memory) PutToken(_ context.Context, t oauth.Token) error {
	m.tokens[t.Hash] = t
	return nil
}

func (m *memory) Token(_ context.Context, hash [32]byte) (*oauth.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	t, ok := m.tokens[hash]
	if !ok {
		return nil, nil
	}
	return &t, nil
}

func (m *memory) RevokeToken(_ context.Context, hash [32]byte) error {
	t := m.tokens[hash]
	t.Revoked = true
	m.tokens[hash] = t
	return nil
}

// Factor and Passkeys: nobody has a second one.
func (m *memory) Factor(context.Context, string, string) (*oauth.Factor, error) { return nil, nil }

func (m *memory) Passkeys(context.Context, string, string) ([]*oauth.Passkey, error) { return nil, nil }

// directory is what the principals are now.
type directory map[string]string

func (d directory) Resource(_ context.Context, typ, id string) ([]byte, error) {
	body, ok := d[typ+"/"+id]
	if !ok {
		return nil, nil
	}
	return []byte(body), nil
}

func people() directory {
	return directory{
		"Organization/h": `{"resourceType":"Organization","id":"h","type":[{"coding":[{"code":"prov"}]}]}`,
		"Organization/m": `{"resourceType":"Organization","id":"m","type":[{"coding":[{"system":"urn:tenon:side","code":"manufacturer"}]}]}`,
		"PractitionerRole/clin": `{"resourceType":"PractitionerRole","id":"clin","active":true,"practitioner":{"reference":"Practitioner/p"},
			"organization":{"reference":"Organization/h"},"code":[{"coding":[{"system":"urn:tenon:role","code":"CLIN"},{"system":"http://snomed.info/sct","code":"DES"}]}]}`,
		"PractitionerRole/des": `{"resourceType":"PractitionerRole","id":"des","practitioner":{"reference":"Practitioner/d"},
			"organization":{"reference":"Organization/m"},"code":[{"coding":[{"system":"urn:tenon:role","code":"DES"}]}]}`,
		"PractitionerRole/gone": `{"resourceType":"PractitionerRole","id":"gone","active":false}`,
		"Patient/a":             `{"resourceType":"Patient","id":"a"}`,
		"Device/mes":            `{"resourceType":"Device","id":"mes","owner":{"reference":"Organization/m"}}`,
		"Observation/x":         `{"resourceType":"Observation","id":"x"}`,
	}
}

func provider() (*oauth.Provider, *memory, directory, *time.Time) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	m, d := &memory{tokens: map[[32]byte]oauth.Token{}}, people()
	return oauth.New(m, d, "main", func() time.Time { return now }), m, d, &now
}

func refused(t *testing.T, err error) {
	t.Helper()
	if f := issue.As(err); f == nil || f.HTTPStatus() != 401 {
		t.Errorf("err = %v, want 401", err)
	}
}

func TestPrincipals(t *testing.T) {
	p, _, _, _ := provider()
	tests := []struct {
		principal string
		kind      access.Kind
		side      access.Side
		role      access.Role
		person    string
	}{
		{"PractitionerRole/clin", access.Person, access.Hospital, access.CLIN, "Practitioner/p"},
		{"PractitionerRole/des", access.Person, access.Manufacturer, access.DES, "Practitioner/d"},
		{"Patient/a", access.Patient, access.NoSide, access.PAT, "Patient/a"},
		{"Device/mes", access.System, access.Manufacturer, access.MES, ""},
	}
	for _, tt := range tests {
		t.Run(tt.principal, func(t *testing.T) {
			token, err := p.Issue(t.Context(), tt.principal, time.Hour, "")
			if err != nil {
				t.Fatal(err)
			}
			who, err := p.Authenticate(t.Context(), "Bearer "+token)
			if err != nil {
				t.Fatal(err)
			}
			if who.Kind != tt.kind || who.Side != tt.side || len(who.Roles) != 1 || who.Roles[0] != tt.role || who.Person != tt.person || who.Principal != tt.principal {
				t.Errorf("Authenticate = %+v, want %+v", who, tt)
			}
		})
	}
}

func TestIssueRefuses(t *testing.T) {
	p, m, _, _ := provider()
	for _, principal := range []string{"PractitionerRole/gone", "PractitionerRole/nobody", "Observation/x", "operator", ""} {
		if _, err := p.Issue(t.Context(), principal, time.Hour, ""); err == nil {
			t.Errorf("Issue(%q) made a token", principal)
		}
	}
	if len(m.tokens) != 0 {
		t.Errorf("%d tokens were stored", len(m.tokens))
	}
}

func TestTokenIsKeptAsDigest(t *testing.T) {
	p, m, _, _ := provider()
	token, err := p.Issue(t.Context(), "Patient/a", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := m.tokens[sha256.Sum256([]byte(token))]; !ok || len(token) < 40 {
		t.Errorf("token %d characters, stored %v", len(token), ok)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	p, _, _, _ := provider()
	token, err := p.Issue(t.Context(), "Patient/a", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic " + token, token, "Bearer " + token[:len(token)-1], "Bearer " + strings.ToUpper(token), "Bearer " + token + " x"} {
		_, err := p.Authenticate(t.Context(), header)
		refused(t, err)
	}
	if _, err := p.Authenticate(t.Context(), "bearer "+token); err != nil { // RFC 9110 §11.1: the scheme has no case
		t.Errorf("bearer in lower case: %v", err)
	}
}

func TestLifeOfAToken(t *testing.T) {
	p, m, d, now := provider()
	token, err := p.Issue(t.Context(), "PractitionerRole/clin", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	ask := func() error { _, err := p.Authenticate(t.Context(), "Bearer "+token); return err }
	for range 3 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if m.asked != 1 {
		t.Errorf("the store was asked %d times within a second, want 1", m.asked)
	}
	d["PractitionerRole/clin"] = strings.Replace(d["PractitionerRole/clin"], `"active":true`, `"active":false`, 1)
	*now = now.Add(time.Second)
	refused(t, ask()) // a removed person's token is worthless within a second
	d["PractitionerRole/clin"] = people()["PractitionerRole/clin"]
	*now = now.Add(time.Second)
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	if err := p.Revoke(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	refused(t, ask()) // here at once
	again, err := p.Issue(t.Context(), "PractitionerRole/clin", time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	token = again
	*now = now.Add(time.Hour)
	refused(t, ask()) // expired
}
