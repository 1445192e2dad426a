package oauth

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ory/fosite"

	"tenon/server/access"
)

// largestForm bounds what is posted here.
const largestForm = 64 << 10

// How long what is issued lives.
const (
	appLife     = time.Hour       // access token of an app
	backendLife = 5 * time.Minute // … of a backend: SHOULD NOT exceed 300 s
	offlineLife = 90 * 24 * time.Hour
	grantLife   = 365 * 24 * time.Hour
	jobLife     = 48 * time.Hour // of a backend's grant, with what it has started
)

// session carries what a flow found to where its answer is written.
type session struct {
	fosite.DefaultSession
	grant   *Grant
	scope   string
	life    time.Duration
	refresh string // refresh token to give
	first   bool   // the answer to a code: with an id_token
}

// Clone implements fosite.Session.
func (s *session) Clone() fosite.Session { c := *s; return &c }

// token is https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-access-token
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.cors(w, r)
	ctx := r.Context()
	if err := s.form(w, r); err != nil {
		s.fosite.WriteAccessError(ctx, w, nil, err)
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code", "refresh_token", "client_credentials":
	case "":
		s.fosite.WriteAccessError(ctx, w, nil, fosite.ErrInvalidRequest.WithHint("grant_type is missing."))
		return
	default:
		s.fosite.WriteAccessError(ctx, w, nil, fosite.ErrUnsupportedGrantType.WithHint("grant_type is authorization_code, refresh_token or client_credentials here."))
		return
	}
	if s.slowDown(w, r, "client "+s.askingClient(r), s.Rates.Client) {
		return
	}
	in := new(session)
	request, err := s.fosite.NewAccessRequest(ctx, r, in)
	if err != nil {
		s.failToken(ctx, w, r, in, err)
		return
	}
	answer, err := s.fosite.NewAccessResponse(ctx, request)
	if err != nil {
		s.failToken(ctx, w, r, in, err)
		return
	}
	s.fosite.WriteAccessResponse(ctx, w, request, answer)
}

// failToken answers, and audits, a refusal. What is not the client's doing is
// logged, and told as a failure of the server.
func (s *Server) failToken(ctx context.Context, w http.ResponseWriter, r *http.Request, in *session, err error) {
	known := fosite.ErrorToRFC6749Error(err)
	e := Event{Operation: "token", Client: clipped(r.PostForm.Get("client_id")), Outcome: known.CodeField}
	if in.grant != nil {
		e.Client, e.Principal, e.Patient = in.grant.Client, in.grant.Principal, in.grant.Patient
	}
	if audited := s.Audit(ctx, e); audited != nil {
		err = errors.Join(audited, err)
		known = fosite.ErrServerError
	}
	if known.CodeField >= 500 {
		s.Log.Error("token", "error", err)
		known = fosite.ErrServerError
	}
	if known.CodeField == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="oauth"`)
	}
	s.fosite.WriteAccessError(ctx, w, nil, known)
}

// askingClient is the app that a request says to be of; nobody has judged it yet.
func (s *Server) askingClient(r *http.Request) string {
	if id, _, ok := r.BasicAuth(); ok {
		return clipped(id)
	}
	if id := clipped(r.PostForm.Get("client_id")); id != "" {
		return id
	}
	return addressOf(r) // of an assertion, or of a refresh without client_id
}

func clipped(s string) string {
	if !clientID.MatchString(s) {
		return ""
	}
	return s
}

// form reads what is posted. A parameter that comes twice, or in the URL, is
// refused: two readers could take different ones.
func (s *Server) form(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return fosite.ErrInvalidRequest.WithHint("The body must be application/x-www-form-urlencoded.")
	}
	if r.URL.RawQuery != "" {
		return fosite.ErrInvalidRequest.WithHint("Parameters belong into the body, none into the address.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil {
		return fosite.ErrInvalidRequest.WithHint("The body is too large or cannot be read.")
	}
	return single(r.PostForm)
}

func single(form url.Values) error {
	for name, values := range form {
		if len(values) > 1 {
			return fosite.ErrInvalidRequest.WithHintf("The parameter %s comes several times.", clipName(name))
		}
	}
	return nil
}

func clipName(s string) string {
	if len(s) > 40 || strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
		return "of the request"
	}
	return s
}

// newGrant keeps what is granted to an app.
func (s *Server) newGrant(ctx context.Context, c *Client, principal string, life time.Duration, t Terms) (*Grant, error) {
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return nil, err
	}
	now := s.clock()
	g := &Grant{ID: id.String(), Tenant: s.Tenant, Client: c.ID, Principal: principal, Created: now, Expires: now.Add(life), Terms: t}
	return g, s.store.PutGrant(ctx, g)
}

// populate issues the access token and fills the answer.
func (s *Server) populate(ctx context.Context, request fosite.AccessRequester, answer fosite.AccessResponder) error {
	in, ok := request.GetSession().(*session)
	if !ok || in.grant == nil {
		return fosite.ErrServerError
	}
	token, err := s.secret("tn_")
	if err != nil {
		return err
	}
	now := s.clock()
	err = s.store.PutToken(ctx, Token{Hash: hashOf(token), Principal: in.grant.Principal, Tenant: s.Tenant, Issued: now, Expires: now.Add(in.life),
		Note: "app " + in.grant.Client, Grant: in.grant.ID, Scope: in.scope})
	if err != nil {
		return err
	}
	answer.SetAccessToken(token)
	answer.SetTokenType("Bearer")
	answer.SetExpiresIn(in.life)
	answer.SetScopes(strings.Fields(in.scope))
	for name, value := range in.grant.context() {
		answer.SetExtra(name, value)
	}
	if in.grant.Session != "" { // a person looks at the app
		answer.SetExtra("smart_style_url", s.at(stylePath))
	}
	if in.refresh != "" {
		answer.SetExtra("refresh_token", in.refresh)
	}
	if in.first && has(in.scope, "openid") {
		id, err := s.idToken(ctx, in.grant)
		if err != nil {
			return err
		}
		answer.SetExtra("id_token", id)
	}
	return s.Audit(ctx, Event{Operation: "token", Principal: in.grant.Principal, Patient: in.grant.Patient, Client: in.grant.Client, Outcome: 200})
}

// context are the launch context parameters of a grant.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#launch-context-arrives-with-your-access_token
func (g *Grant) context() map[string]any {
	m := map[string]any{}
	if _, id, ok := strings.Cut(g.Patient, "/"); ok {
		m["patient"] = id
	}
	if _, id, ok := strings.Cut(g.Encounter, "/"); ok {
		m["encounter"] = id
	}
	if g.Intent != "" {
		m["intent"] = g.Intent
	}
	if len(g.Context) > 0 {
		m["fhirContext"] = g.Context
	}
	if g.Banner != nil {
		m["need_patient_banner"] = *g.Banner
	}
	return m
}

// alive refuses a grant whose principal is no longer there, and one that was
// revoked or has expired.
func (s *Server) alive(ctx context.Context, g *Grant) error {
	if g == nil || g.Revoked || g.Tenant != s.Tenant || !s.clock().Before(g.Expires) {
		return fosite.ErrInvalidGrant.WithHint("What was granted has expired or was revoked; ask anew.")
	}
	if _, err := s.Provider.resolve(ctx, g.Principal); err != nil {
		return fosite.ErrInvalidGrant.WithHint("Whoever granted this is no longer known here.")
	}
	return nil
}

// backendFlow is SMART Backend Services.
// https://hl7.org/fhir/smart-app-launch/STU2.2/backend-services.html
type backendFlow struct{ s *Server }

func (backendFlow) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

func (backendFlow) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne("client_credentials")
}

func (f backendFlow) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	s, c := f.s, r.GetClient().(asked).Client
	if c.Principal == "" {
		return fosite.ErrUnauthorizedClient.WithHint("This app acts for persons: it asks by authorization_code.")
	}
	scope := strings.Join(s.negotiate(c, r.GetRequestForm().Get("scope"), true), " ")
	if scope == "" {
		return fosite.ErrInvalidScope.WithHint("scope must name what this backend is registered for, such as system/Observation.rs.")
	}
	if _, err := s.Provider.resolve(ctx, c.Principal); err != nil {
		return fosite.ErrInvalidClient.WithHint("Whom this backend acts for is no longer known here.")
	}
	g, err := s.newGrant(ctx, c, c.Principal, jobLife, Terms{Scope: scope})
	if err != nil {
		return err
	}
	in := r.GetSession().(*session)
	in.grant, in.scope, in.life = g, scope, backendLife
	return nil
}

func (f backendFlow) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, a fosite.AccessResponder) error {
	if !f.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	return f.s.populate(ctx, r, a)
}

// patientNeeded tells whether scopes are about the patient in context.
func patientNeeded(scope string) bool {
	for text := range strings.FieldsSeq(scope) {
		if sc, err := access.ParseScope(text); err == nil && sc.For == access.PatientScope || text == "launch/patient" {
			return true
		}
	}
	return false
}
