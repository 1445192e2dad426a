package oauth

import "net/http"

// ServeHTTP answers below /oauth, and the well-known documents.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.pages.ServeHTTP(w, r) }

func (s *Server) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/fhir/.well-known/smart-configuration", func(w http.ResponseWriter, r *http.Request) { published(w, r, s.smart()) })
	m.HandleFunc(stylePath, s.style)
	if s.Brands != nil {
		m.HandleFunc("GET /oauth/brands", s.brands)
		m.HandleFunc("OPTIONS /oauth/brands", s.brands)
	}
	if s.Signing != nil {
		m.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) { published(w, r, s.openid()) })
		m.HandleFunc("/oauth/jwks", s.jwks)
	}
	m.HandleFunc("POST /oauth/token", s.limited(s.token))
	m.HandleFunc("OPTIONS /oauth/token", s.preflight)
	m.HandleFunc("POST /oauth/introspect", s.limited(s.introspect))
	m.HandleFunc("POST /oauth/revoke", s.limited(s.revoke))
	m.HandleFunc("OPTIONS /oauth/revoke", s.preflight)
	m.HandleFunc("GET /oauth/authorize", s.limited(s.authorize))
	m.HandleFunc("POST /oauth/authorize", s.limited(s.authorize))
	m.HandleFunc("POST /oauth/sign-in", s.limited(s.signIn))
	m.HandleFunc("POST /oauth/second-factor", s.limited(s.second))
	m.HandleFunc("GET /oauth/consent", s.consent)
	m.HandleFunc("POST /oauth/consent", s.decide)
	m.HandleFunc("POST /oauth/sign-out", s.signOut)
	m.HandleFunc("GET /oauth/account", s.account)
	m.HandleFunc("POST /oauth/account/sessions", s.endSessions)
	m.HandleFunc("POST /oauth/account/apps", s.endGrant)
	m.HandleFunc("GET /oauth/account/factor", s.enrolPage)
	m.HandleFunc("POST /oauth/account/factor", s.enrol)
	m.HandleFunc("GET /oauth/account/passkey", s.passkeyPage)
	m.HandleFunc("POST /oauth/account/passkey", s.addPasskey)
	m.HandleFunc("POST /oauth/account/passkey/remove", s.removePasskey)
	m.HandleFunc("GET /oauth/account/launch", s.launcher)
	m.HandleFunc("POST /oauth/account/launch", s.launchChosen)
	if len(s.Issuers) > 0 {
		m.HandleFunc("POST /oauth/sign-in/elsewhere", s.limited(s.goAbroad))
		m.HandleFunc("GET /oauth/sign-in/callback", s.limited(s.comeBack))
	}
	m.HandleFunc("GET /oauth/invitation", s.limited(s.invitation))
	m.HandleFunc("POST /oauth/invitation", s.limited(s.acceptInvitation))
	m.HandleFunc("GET /oauth/admin", s.admin)
	m.HandleFunc("POST /oauth/admin", s.administer)
	m.HandleFunc("POST /oauth/register", s.limited(s.register))
	m.HandleFunc("POST /oauth/launch", s.launch)
	m.HandleFunc("POST /oauth/step-up", s.limited(s.stepUp))
	s.stateRoutes(m)
	return m
}

func (s *Server) preflight(w http.ResponseWriter, r *http.Request) {
	s.cors(w, r)
	w.WriteHeader(http.StatusNoContent)
}
