package oauth

import (
	"encoding/json"
	"net/http"
	"slices"
)

// capabilities are what the server does, in the words of SMART.
// https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html#smart-on-fhir-oauth-authorization-endpoints-and-capabilities
func (s *Server) capabilities() []string {
	list := []string{
		"launch-ehr", "launch-standalone", "authorize-post",
		"client-public", "client-confidential-symmetric", "client-confidential-asymmetric",
		"context-banner", "context-style", "context-ehr-patient", "context-ehr-encounter", "context-standalone-patient", "context-standalone-encounter",
		"permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2",
		"smart-app-state",
	}
	if s.Signing != nil {
		list = append(list, "sso-openid-connect")
	}
	return list
}

// smart is the SMART configuration.
func (s *Server) smart() map[string]any {
	m := s.common()
	m["capabilities"] = s.capabilities()
	m["associated_endpoints"] = []map[string]any{{"url": s.at(statePath), "capabilities": []string{"smart-app-state"}}}
	if s.Brands != nil {
		m["user_access_brand_bundle"] = s.at("/oauth/brands")
		identifier := map[string]string{"value": s.Brands.value}
		if s.Brands.system != "" {
			identifier["system"] = s.Brands.system
		}
		m["user_access_brand_identifier"] = identifier
	}
	if s.Signing == nil {
		delete(m, "issuer")
		delete(m, "jwks_uri")
	}
	return m
}

func (s *Server) common() map[string]any {
	return map[string]any{
		"issuer":                                           s.Issuer(),
		"jwks_uri":                                         s.at("/oauth/jwks"),
		"authorization_endpoint":                           s.at("/oauth/authorize"),
		"token_endpoint":                                   s.at("/oauth/token"),
		"introspection_endpoint":                           s.at("/oauth/introspect"),
		"revocation_endpoint":                              s.at("/oauth/revoke"),
		"registration_endpoint":                            s.at("/oauth/register"),
		"management_endpoint":                              s.at("/oauth/account"),
		"grant_types_supported":                            []string{"authorization_code", "refresh_token", "client_credentials"},
		"response_types_supported":                         []string{"code"},
		"response_modes_supported":                         []string{"query"},
		"code_challenge_methods_supported":                 []string{"S256"},
		"token_endpoint_auth_methods_supported":            []string{"client_secret_basic", "client_secret_post", "private_key_jwt"},
		"token_endpoint_auth_signing_alg_values_supported": []string{"RS384", "ES384"},
		"scopes_supported": append(slices.Clone(plain),
			"patient/*.cruds", "user/*.cruds", "system/*.cruds", "patient/*.rs", "user/*.rs", "system/*.rs", "patient/*.read", "user/*.read", "system/*.read"),
		"authorization_response_iss_parameter_supported": true,
	}
}

// openid is https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
func (s *Server) openid() map[string]any {
	m := s.common()
	m["subject_types_supported"] = []string{"public"}
	m["id_token_signing_alg_values_supported"] = []string{"RS256"}
	m["claims_supported"] = []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "fhirUser", "profile"}
	m["acr_values_supported"] = acrValues[:2]
	m["prompt_values_supported"] = []string{"none", "login", "consent", "select_account"}
	m["request_parameter_supported"] = false
	m["request_uri_parameter_supported"] = false
	return m
}

// published answers anybody, from any origin, whatever they accept.
func published(w http.ResponseWriter, r *http.Request, document any) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if r.Method == http.MethodOptions {
		w.Header().Set("Access-Control-Allow-Methods", "GET, HEAD")
		w.Header().Set("Access-Control-Allow-Headers", "Accept, Content-Type")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := json.Marshal(document)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = w.Write(body)
}
