package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"
)

// requestLife is how long a person has to sign in and decide.
const requestLife = 15 * time.Minute

// pending is an authorization request that was found in order, while the person
// signs in and decides.
type pending struct {
	ID        string `json:"-"`
	Client    string `json:"client"`
	Redirect  string `json:"redirect"`
	State     string `json:"state"`
	Scope     string `json:"scope"` // negotiated
	Challenge string `json:"challenge"`
	Launch    string `json:"launch,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
	Browser   string `json:"browser"` // that it came from

	// What is asked of the sign-in itself.
	Begun  time.Time `json:"begun"`
	Login  bool      `json:"login,omitempty"`
	Silent bool      `json:"-"`
	MaxAge *int      `json:"maxAge,omitempty"` // seconds
	ACR    []string  `json:"acr,omitempty"`

	// Local is the page of ours that the person goes on to, where no app asks.
	Local string `json:"local,omitempty"`
}

// next is where the person goes on once signed in.
func (p *pending) next() string {
	if p.Local != "" {
		return p.Local
	}
	return "/oauth/consent?request=" + p.ID
}

// authorize is https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#obtain-authorization-code
//
// What is wrong with app or address is told to the person, since nobody is to be
// sent to an address that is not the app's; everything else is told to the app.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil || r.Method == http.MethodPost && r.URL.RawQuery != "" || single(r.Form) != nil {
		s.wrong(w, r, "The request cannot be read, or a parameter comes twice.", "请求无法读取，或参数重复。")
		return
	}
	form := r.Form
	c, err := s.client(ctx, form.Get("client_id"))
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if c == nil || c.Principal != "" {
		s.wrong(w, r, "The app is not registered here.", "该应用未在此注册。")
		return
	}
	if !slices.Contains(c.Redirects, form.Get("redirect_uri")) {
		s.wrong(w, r, "The app asks to be answered at an address that it is not registered with.", "应用的回调地址未注册。")
		return
	}
	p := &pending{Client: c.ID, Redirect: form.Get("redirect_uri"), State: form.Get("state"), Challenge: form.Get("code_challenge"),
		Launch: form.Get("launch"), Nonce: form.Get("nonce")}
	if err := s.judge(ctx, r, c, p); err != nil {
		s.answer(w, r, p, refusalOf(err))
		return
	}
	if p.Silent {
		s.silent(w, r, p)
		return
	}
	if err := s.begin(w, r, p); err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/oauth/consent?request="+p.ID, http.StatusSeeOther)
}

// judge finds what is wrong with a request of a known app.
func (s *Server) judge(ctx context.Context, r *http.Request, c *Client, p *pending) error {
	form := r.Form
	for _, name := range []string{"request", "request_uri", "registration"} {
		if form.Has(name) {
			return fosite.ErrRequestNotSupported.WithHintf("%s is not taken here.", name)
		}
	}
	if _, err := s.fosite.NewAuthorizeRequest(ctx, r); err != nil {
		return err
	}
	switch {
	case strings.TrimRight(form.Get("aud"), "/") != s.Base:
		return fosite.ErrInvalidRequest.WithHintf("aud must be the FHIR server that the token is for: %s", s.Base)
	case form.Get("code_challenge_method") != "S256" || !validChallenge(form.Get("code_challenge")):
		return fosite.ErrInvalidRequest.WithHint("PKCE is needed: code_challenge, the base64url of a SHA-256, with code_challenge_method=S256.")
	case len(form.Get("nonce")) > 256 || len(form.Get("state")) > 1024:
		return fosite.ErrInvalidRequest.WithHint("state or nonce is too long.")
	}
	if err := p.wanted(form.Get("prompt"), form.Get("max_age"), form.Get("acr_values")); err != nil {
		return err
	}
	p.Scope = strings.Join(s.negotiate(c, form.Get("scope"), false), " ")
	if p.Scope == "" {
		return fosite.ErrInvalidScope.WithHint("scope must name something that the app is registered for.")
	}
	if p.Launch != "" || has(p.Scope, "launch") {
		_, err := s.launched(ctx, p, "")
		return err
	}
	return nil
}

// silent answers prompt=none: a person has always to decide here.
func (s *Server) silent(w http.ResponseWriter, r *http.Request, p *pending) {
	p.Begun = s.clock()
	x, _, err := s.signedIn(r)
	if err == nil {
		err = s.enough(r.Context(), p, x)
	}
	known := (*fosite.RFC6749Error)(nil)
	switch {
	case errors.Is(err, errSession), errors.Is(err, errAgain), errors.Is(err, errSecond):
		s.answer(w, r, p, refusalOf(fosite.ErrLoginRequired))
	case errors.As(err, &known):
		s.answer(w, r, p, refusalOf(known))
	case err != nil:
		s.broken(w, r, err)
	default:
		s.answer(w, r, p, refusalOf(fosite.ErrConsentRequired.WithHint("A person has to decide here; leave out prompt=none.")))
	}
}

// begin keeps the request, for this browser alone.
func (s *Server) begin(w http.ResponseWriter, r *http.Request, p *pending) error {
	browser, err := s.browser(w, r)
	if err != nil {
		return err
	}
	p.Browser, p.Begun = s.derived("browser", browser), s.clock()
	if p.ID, err = s.secret(""); err != nil {
		return err
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = s.store.PutSlip(r.Context(), &Slip{Kind: requestSlip, Hash: hashOf(p.ID), Expires: s.clock().Add(requestLife), Body: string(body)})
	return err
}

// request is a pending one of this browser.
func (s *Server) request(r *http.Request, id string) (*pending, error) {
	slip, err := s.store.Slip(r.Context(), requestSlip, hashOf(id))
	if err != nil || slip == nil || !slip.Used.IsZero() || !s.clock().Before(slip.Expires) {
		return nil, err
	}
	p := &pending{ID: id}
	if err := json.Unmarshal([]byte(slip.Body), p); err != nil {
		return nil, err
	}
	if cookie, err := r.Cookie(browserCookie); err != nil || s.derived("browser", cookie.Value) != p.Browser {
		return nil, nil //nolint:nilerr // another browser: for this one there is no such request
	}
	return p, nil
}

// refusalOf is what the app is told of an error.
func refusalOf(err error) url.Values {
	known := fosite.ErrorToRFC6749Error(err)
	v := url.Values{"error": {known.ErrorField}, "error_description": {known.GetDescription()}}
	return v
}

// answer sends the browser back to the app: with what it sent, and who answers
// (RFC 9207, against mix-up).
func (s *Server) answer(w http.ResponseWriter, r *http.Request, p *pending, v url.Values) {
	u, err := url.Parse(p.Redirect)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	q := u.Query()
	for name, values := range v {
		q[name] = values
	}
	if p.State != "" {
		q.Set("state", p.State)
	}
	q.Set("iss", s.Issuer())
	u.RawQuery = q.Encode()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
}
