package oauth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/ory/fosite"
)

// introspect is https://hl7.org/fhir/smart-app-launch/STU2.2/token-introspection.html
//
// An app asks with its own credentials, or with a token of its own. It learns of
// tokens that were given to it; of all, where it is registered to.
func (s *Server) introspect(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := s.form(w, r); err != nil {
		s.fosite.WriteAccessError(ctx, w, nil, err)
		return
	}
	asking, err := s.inspector(ctx, r)
	if err != nil {
		w.Header().Set("WWW-Authenticate", `Bearer realm="oauth"`)
		s.fosite.WriteAccessError(ctx, w, nil, err)
		return
	}
	answer, err := s.inspected(ctx, asking, r.PostForm.Get("token"))
	if err != nil {
		s.Log.Error("introspect", "error", err)
		s.fosite.WriteAccessError(ctx, w, nil, fosite.ErrServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *Server) inspector(ctx context.Context, r *http.Request) (*Client, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		c, err := s.whoAsks(ctx, r, r.PostForm)
		if err != nil || c.Method == MethodNone {
			return nil, fosite.ErrInvalidClient.WithHint("Introspection needs an app that shows who it is.")
		}
		return c, nil
	}
	who, err := s.Provider.Authenticate(ctx, "Bearer "+token)
	if err != nil || who.Scopes == nil {
		return nil, fosite.ErrRequestUnauthorized.WithHint("The token is none of an app, or no longer good.")
	}
	c, err := s.client(ctx, who.Scopes.Client)
	if err != nil || c == nil {
		return nil, fosite.ErrRequestUnauthorized
	}
	return c, nil
}

// inspected tells what a token is; of one that the asker may not know of, no more
// than that it is not active.
func (s *Server) inspected(ctx context.Context, by *Client, token string) (map[string]any, error) {
	inactive := map[string]any{"active": false}
	t, err := s.store.Token(ctx, sha256.Sum256([]byte(token)))
	if err != nil || t == nil || t.Grant == "" || t.Revoked || t.Tenant != s.Tenant || !s.clock().Before(t.Expires) {
		return inactive, err
	}
	g, err := s.store.Grant(ctx, t.Grant)
	if err != nil {
		return nil, err
	}
	if g == nil || g.Client != by.ID && !by.Inspects || s.alive(ctx, g) != nil {
		return inactive, nil
	}
	m := g.context()
	m["active"], m["scope"], m["client_id"], m["exp"], m["iat"] = true, t.Scope, g.Client, t.Expires.Unix(), t.Issued.Unix()
	m["token_type"], m["aud"] = "Bearer", s.Base
	if g.ACR != "" { // https://www.rfc-editor.org/rfc/rfc9470#section-6.2
		m["acr"], m["amr"], m["auth_time"] = g.ACR, g.Methods, g.SignedIn.Unix()
	}
	if has(g.Scope, "openid") {
		m["iss"], m["sub"] = s.Issuer(), s.subject(g.Principal)
		if has(g.Scope, "fhirUser") {
			m["fhirUser"] = s.Base + "/" + g.Principal
		}
	}
	return m, nil
}

// revoke is https://www.rfc-editor.org/rfc/rfc7009: a refresh token ends all that
// was granted with it, an access token itself.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	s.cors(w, r)
	ctx := r.Context()
	err := s.form(w, r)
	if err == nil {
		err = s.revoked(ctx, r)
	}
	if err != nil {
		if fosite.ErrorToRFC6749Error(err).CodeField >= 500 {
			s.Log.Error("revoke", "error", err)
			err = fosite.ErrServerError
		}
		s.fosite.WriteAccessError(ctx, w, nil, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Server) revoked(ctx context.Context, r *http.Request) error {
	c, err := s.whoAsks(ctx, r, r.PostForm)
	if err != nil {
		return fosite.ErrInvalidClient.WithHint(err.Error())
	}
	token := r.PostForm.Get("token")
	t, err := s.store.Token(ctx, hashOf(token))
	if err != nil {
		return err
	}
	grant := ""
	if t != nil {
		grant = t.Grant
	} else {
		slip, err := s.store.Slip(ctx, refreshSlip, hashOf(token))
		if err != nil {
			return err
		}
		if slip != nil {
			grant = slip.Grant
		}
	}
	g, err := s.store.Grant(ctx, grant)
	if err != nil || g == nil || g.Client != c.ID { // what is not theirs, or not there, is no error: RFC 7009 §2.2
		return err
	}
	if t != nil {
		err = s.Provider.Revoke(ctx, token)
	} else {
		err = s.store.RevokeGrant(ctx, g.ID)
	}
	if err != nil {
		return err
	}
	return s.Audit(ctx, Event{Operation: "revoke", Principal: g.Principal, Patient: g.Patient, Client: g.Client, Outcome: 200})
}
