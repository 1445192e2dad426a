package oauth

import (
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-jose/go-jose/v4"
)

// idToken says who granted the request, signed with RS256.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#scopes-for-requesting-identity-data
func (s *Server) idToken(_ context.Context, g *Grant) (string, error) {
	if s.Signing == nil {
		return "", errors.New("oauth: openid was granted without a key to sign with")
	}
	keys, err := s.Signing()
	if err != nil {
		return "", err
	}
	now := s.clock()
	claims := map[string]any{
		"iss": s.Issuer(), "sub": s.subject(g.Principal), "aud": g.Client, "iat": now.Unix(), "exp": now.Add(appLife).Unix(),
	}
	if !g.SignedIn.IsZero() {
		claims["auth_time"] = g.SignedIn.Unix()
	}
	if len(g.Methods) > 0 { // https://www.rfc-editor.org/rfc/rfc8176
		claims["amr"] = g.Methods
	}
	if g.ACR != "" {
		claims["acr"] = g.ACR
	}
	if g.Nonce != "" {
		claims["nonce"] = g.Nonce
	}
	if has(g.Scope, "fhirUser") {
		claims["fhirUser"] = s.Base + "/" + g.Principal
	}
	if has(g.Scope, "profile") {
		claims["profile"] = s.Base + "/" + g.Principal
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: keys[0], KeyID: keyID(&keys[0].PublicKey)}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// subject is the same for one principal in all apps and says nothing by itself.
func (s *Server) subject(principal string) string { return s.derived("subject", principal)[:32] }

// keyID is made of the key, so that servers that share one name it alike.
func keyID(k *rsa.PublicKey) string {
	sum := sha256.Sum256(k.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// jwks are the public keys, also those that no longer sign.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	if s.Signing != nil {
		keys, err := s.Signing()
		if err != nil {
			s.Log.Error("jwks", "error", err)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		for _, k := range keys {
			set.Keys = append(set.Keys, jose.JSONWebKey{Key: &k.PublicKey, KeyID: keyID(&k.PublicKey), Algorithm: string(jose.RS256), Use: "sig"})
		}
	}
	published(w, r, set)
}
