package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/ory/fosite"
)

// errClient is what a client learns of its failure to show who it is: the same for
// an unknown app and a wrong secret.
var errClient = errors.New("the app is unknown, or did not show that it is the one")

// authenticate says which app asks. Every failure is invalid_client.
// https://www.rfc-editor.org/rfc/rfc6749#section-2.3
func (s *Server) authenticate(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	c, err := s.whoAsks(ctx, r, form)
	if err != nil {
		return nil, fosite.ErrInvalidClient.WithWrap(err).WithHint(err.Error())
	}
	return asked{c}, nil
}

func (s *Server) whoAsks(ctx context.Context, r *http.Request, form url.Values) (*Client, error) {
	name, secret, basic := r.BasicAuth()
	asserted := form.Has("client_assertion") || form.Has("client_assertion_type")
	ways := 0
	for _, way := range []bool{r.Header.Get("Authorization") != "", asserted, form.Has("client_secret")} {
		if way {
			ways++
		}
	}
	switch {
	case ways > 1:
		return nil, errors.New("an app shows who it is in one way, not in several")
	case asserted && form.Get("client_assertion_type") != assertionType:
		return nil, errors.New("client_assertion_type must be " + assertionType)
	case asserted:
		return s.assertion(ctx, form.Get("client_assertion"), form.Get("client_id"))
	case r.Header.Get("Authorization") != "" && !basic:
		return nil, errors.New("Authorization must be Basic here")
	case basic:
		id, err := url.QueryUnescape(name)
		plain, err2 := url.QueryUnescape(secret)
		if err != nil || err2 != nil || form.Get("client_id") != "" && form.Get("client_id") != id {
			return nil, errClient
		}
		return s.bySecret(ctx, id, plain)
	case form.Has("client_secret"):
		return s.bySecret(ctx, form.Get("client_id"), form.Get("client_secret"))
	}
	return s.public(ctx, form)
}

func (s *Server) bySecret(ctx context.Context, id, secret string) (*Client, error) {
	c, err := s.client(ctx, id)
	if err != nil {
		return nil, err
	}
	hash := nobodysHash // an unknown app takes as long as a known one
	if c != nil && c.Method == MethodSecret {
		hash = c.Secret
	}
	if !verifySecret(hash, secret) || c == nil || c.Method != MethodSecret {
		return nil, errClient
	}
	return c, nil
}

// public is an app that has nothing to show but what it holds. One that asks with
// a refresh token and without its client_id, as a common library does, is the one
// that the token was given to.
func (s *Server) public(ctx context.Context, form url.Values) (*Client, error) {
	id := form.Get("client_id")
	if id == "" && form.Get("grant_type") == "refresh_token" {
		slip, err := s.store.Slip(ctx, refreshSlip, hashOf(form.Get("refresh_token")))
		if err != nil {
			return nil, err
		}
		if slip == nil {
			return nil, errClient
		}
		grant, err := s.store.Grant(ctx, slip.Grant)
		if err != nil || grant == nil {
			return nil, errors.Join(err, errClient)
		}
		id = grant.Client
	}
	c, err := s.client(ctx, strings.TrimSpace(id))
	if err != nil {
		return nil, err
	}
	if c == nil || c.Method != MethodNone {
		return nil, errClient
	}
	return c, nil
}
