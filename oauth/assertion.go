package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// unmarshal is json.Unmarshal; keys and claims are small and ours to read.
func unmarshal(text []byte, into any) error { return json.Unmarshal(text, into) }

// assertionType is RFC 7523's.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// An assertion lives for five minutes at most; clocks may differ by a minute.
const (
	assertionLife    = 5 * time.Minute
	clockSkew        = time.Minute
	longestAssertion = 16 << 10
)

// assertionAlgorithms are what a server must take at least one of.
var assertionAlgorithms = []jose.SignatureAlgorithm{jose.RS384, jose.ES384}

// claims of an assertion.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expires  *float64 `json:"exp"`
	NotYet   *float64 `json:"nbf"`
	Issued   *float64 `json:"iat"`
	Number   string   `json:"jti"`
}

// audience is one text or a list.
type audience []string

func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// assertion checks the JWT by which a client shows who it is, and uses its number
// up. id is the client_id of the form, "" where it has none.
// https://hl7.org/fhir/smart-app-launch/STU2.2/client-confidential-asymmetric.html#signature-verification
func (s *Server) assertion(ctx context.Context, text, id string) (*Client, error) {
	if len(text) > longestAssertion {
		return nil, errors.New("the assertion is too long")
	}
	token, err := jose.ParseSignedCompact(text, assertionAlgorithms)
	if err != nil {
		return nil, fmt.Errorf("the assertion is no JWT signed with RS384 or ES384")
	}
	var c claims
	if err := unmarshal(token.UnsafePayloadWithoutVerification(), &c); err != nil {
		return nil, errors.New("the claims of the assertion cannot be read")
	}
	if c.Issuer == "" || c.Issuer != c.Subject || id != "" && id != c.Issuer {
		return nil, errors.New("iss and sub of the assertion must both be the client_id")
	}
	client, err := s.client(ctx, c.Issuer)
	if err != nil {
		return nil, err
	}
	if client == nil || client.Method != MethodKey {
		return nil, errors.New("no app of this client_id shows who it is by a key")
	}
	if err := s.signed(ctx, client, token); err != nil {
		return nil, err
	}
	if err := s.timely(&c); err != nil {
		return nil, err
	}
	return client, s.once(ctx, &c)
}

// signed verifies the signature by the one key that the header names.
func (s *Server) signed(ctx context.Context, client *Client, token *jose.JSONWebSignature) error {
	if len(token.Signatures) != 1 {
		return errors.New("the assertion has not one signature")
	}
	head := token.Signatures[0].Protected
	for name := range head.ExtraHeaders {
		switch name {
		case jose.HeaderType:
		case "jku":
			if jku, _ := head.ExtraHeaders[name].(string); client.KeysURL == "" || jku != client.KeysURL {
				return errors.New("jku is not the address that the app is registered with")
			}
		default:
			return fmt.Errorf("the header %q is not taken", name)
		}
	}
	if head.JSONWebKey != nil {
		return errors.New("a key within the assertion is not taken")
	}
	if head.KeyID == "" {
		return errors.New("the header of the assertion names no kid")
	}
	key, err := s.keyring.find(ctx, client, head.KeyID, jose.SignatureAlgorithm(head.Algorithm))
	if err != nil {
		return err
	}
	if _, err := token.Verify(key); err != nil {
		return errors.New("the signature of the assertion does not fit its key")
	}
	return nil
}

// timely judges audience and times.
func (s *Server) timely(c *claims) error {
	now := s.clock()
	at := func(n *float64) time.Time { return time.Unix(int64(*n), 0) }
	switch {
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return a == s.at("/oauth/token") || a == s.Issuer() }):
		return fmt.Errorf("aud of the assertion must be %s", s.at("/oauth/token"))
	case c.Expires == nil || *c.Expires < 0 || *c.Expires > 1e11:
		return errors.New("exp of the assertion is missing")
	case !now.Before(at(c.Expires).Add(clockSkew)):
		return errors.New("the assertion has expired")
	case at(c.Expires).After(now.Add(assertionLife + clockSkew)):
		return errors.New("exp of the assertion is more than five minutes ahead")
	case c.NotYet != nil && at(c.NotYet).After(now.Add(clockSkew)), c.Issued != nil && at(c.Issued).After(now.Add(clockSkew)):
		return errors.New("the assertion is of the future")
	case c.Number == "" || len(c.Number) > 255:
		return errors.New("jti of the assertion is missing or too long")
	}
	return nil
}

// once refuses a number that this client has used before: last, so that an
// assertion that is refused for something else uses nothing up.
func (s *Server) once(ctx context.Context, c *claims) error {
	fresh, err := s.store.PutSlip(ctx, &Slip{Kind: numberSlip, Hash: sha256.Sum256([]byte(c.Issuer + "\x00" + c.Number)),
		Expires: time.Unix(int64(*c.Expires), 0).Add(2 * clockSkew)})
	if err != nil {
		return err
	}
	if !fresh {
		return errors.New("jti of the assertion was used before")
	}
	return nil
}
