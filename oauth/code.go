package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/ory/fosite"
)

// A code lives for a minute. Shown again later than this it was stolen, and what
// was granted by it ends; sooner it may be a client that asked twice.
const (
	codeLife   = time.Minute
	doubleTake = 10 * time.Second
)

// codeBody is what a code remembers of the request that it answers.
type codeBody struct {
	Redirect  string `json:"redirect"`
	Challenge string `json:"challenge"`
}

// newCode makes the code of a grant.
func (s *Server) newCode(ctx context.Context, g *Grant, redirect, challenge string) (string, error) {
	code, err := s.secret("")
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(codeBody{redirect, challenge})
	if err != nil {
		return "", err
	}
	_, err = s.store.PutSlip(ctx, &Slip{Kind: codeSlip, Hash: hashOf(code), Grant: g.ID, Expires: s.clock().Add(codeLife), Body: string(body)})
	return code, err
}

// codeFlow redeems a code: once, by the app that it was made for, with the
// verifier of its challenge. A wrong verifier uses nothing up and opens nothing.
// https://www.rfc-editor.org/rfc/rfc7636#section-4.6
type codeFlow struct{ s *Server }

func (codeFlow) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

func (codeFlow) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne("authorization_code")
}

func (f codeFlow) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	s, form, in := f.s, r.GetRequestForm(), r.GetSession().(*session)
	hash, now := hashOf(form.Get("code")), s.clock()
	slip, err := s.store.Slip(ctx, codeSlip, hash)
	if err != nil {
		return err
	}
	if slip == nil || !now.Before(slip.Expires) && slip.Used.IsZero() {
		return fosite.ErrInvalidGrant.WithHint("The code is unknown or has expired.")
	}
	g, err := s.store.Grant(ctx, slip.Grant)
	if err != nil {
		return err
	}
	var body codeBody
	if err := json.Unmarshal([]byte(slip.Body), &body); err != nil {
		return err
	}
	switch {
	case g == nil || g.Client != r.GetClient().GetID():
		return fosite.ErrInvalidGrant.WithHint("The code was given to another app.")
	case form.Get("redirect_uri") != body.Redirect:
		return fosite.ErrInvalidGrant.WithHint("redirect_uri is not that of the authorization request.")
	case !verified(form.Get("code_verifier"), body.Challenge):
		return fosite.ErrInvalidGrant.WithHint("code_verifier is missing or does not fit the code_challenge.")
	}
	in.grant = g
	first, err := s.store.UseSlip(ctx, codeSlip, hash, now)
	if err != nil {
		return err
	}
	if !first {
		if slip, err = s.store.Slip(ctx, codeSlip, hash); err == nil && slip != nil && now.Sub(slip.Used) > doubleTake {
			err = s.store.RevokeGrant(ctx, g.ID)
		}
		if err != nil {
			return err
		}
		return fosite.ErrInvalidGrant.WithHint("The code was used before.")
	}
	if err := s.alive(ctx, g); err != nil {
		return err
	}
	in.scope, in.life, in.first = g.Scope, appLife, true
	in.refresh, err = s.firstRefresh(ctx, g)
	return err
}

// verified compares a verifier with its challenge, S256 alone.
func verified(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || !validChallenge(challenge) {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(challengeFor(verifier)), []byte(challenge)) == 1
}

func challengeFor(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// validChallenge tells the base64url of 32 bytes.
func validChallenge(challenge string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	return err == nil && len(b) == sha256.Size
}

func (f codeFlow) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, a fosite.AccessResponder) error {
	if !f.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	return f.s.populate(ctx, r, a)
}
