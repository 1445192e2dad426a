package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A hospital's own sign-in: another OpenID provider says who the person is.
//
//	sign-in → authorize there → callback: code → id_token → whom it is here → session
//
// Whom a subject is here stands in a link that an administrator made, or follows
// from a number that the provider vouches for and the directory holds once. An
// e-mail address links nobody.
// https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth

// Issuer is another OpenID provider whom this server believes.
type Issuer struct {
	Name   string `json:"name"`   // of the address: lower case letters, digits, -
	Label  string `json:"label"`  // what people read
	Issuer string `json:"issuer"` // compared byte by byte
	Client string `json:"client"`
	Secret string `json:"secret"`
	// NumberClaim is the claim with the person's number, NumberSystem the system of
	// the Practitioner.identifier that holds it; without them links alone count.
	NumberClaim  string `json:"numberClaim,omitempty"`
	NumberSystem string `json:"numberSystem,omitempty"`
}

var issuerName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,30}$`)

// Check tells what is wrong with a provider.
func (i *Issuer) Check() error {
	u, err := url.Parse(i.Issuer)
	switch {
	case !issuerName.MatchString(i.Name) || i.Label == "":
		return fmt.Errorf("provider %q: a name of lower case letters, digits and -, and a label are needed", i.Name)
	case err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || !secure(u):
		return fmt.Errorf("provider %s: the issuer %q is not an https URL", i.Name, i.Issuer)
	case i.Client == "" || i.Secret == "":
		return fmt.Errorf("provider %s: client and secret are needed", i.Name)
	case (i.NumberClaim == "") != (i.NumberSystem == ""):
		return fmt.Errorf("provider %s: numberClaim and numberSystem go together", i.Name)
	case strings.HasPrefix(i.NumberClaim, "email"), i.NumberClaim == "preferred_username", i.NumberClaim == "name":
		return fmt.Errorf("provider %s: the claim %q may change hands, so it links nobody", i.Name, i.NumberClaim)
	}
	return nil
}

// Links keeps whom subjects of other providers are here.
type Links interface {
	PutLink(ctx context.Context, tenant, issuer, subject, principal string, at time.Time) error
	// Link returns "" where there is none.
	Link(ctx context.Context, tenant, issuer, subject string) (string, error)
	RemoveLinks(ctx context.Context, tenant, principal string) error
}

// Staff finds the principals behind a number that a provider vouches for.
type Staff func(ctx context.Context, system, value string) (principals []string, err error)

const (
	abroadSlip SlipKind = "abroad" // somebody who signs in at another provider
	abroadLife          = 10 * time.Minute
	mostAnswer          = 256 << 10
)

// abroad is what is remembered of somebody who signs in elsewhere.
type abroad struct {
	Provider string `json:"provider"`
	Request  string `json:"request"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// document is what a provider publishes of itself.
type document struct {
	Issuer    string `json:"issuer"`
	Authorize string `json:"authorization_endpoint"`
	Token     string `json:"token_endpoint"`
	Keys      string `json:"jwks_uri"`
	AlwaysISS bool   `json:"authorization_response_iss_parameter_supported"`
}

func (s *Server) provider(name string) *Issuer {
	for i := range s.Issuers {
		if s.Issuers[i].Name == name {
			return &s.Issuers[i]
		}
	}
	return nil
}

// ask sends a request to a provider and reads its JSON. The guard of addresses is
// the caller's client.
func (s *Server) askProvider(ctx context.Context, r *http.Request, into any) error {
	ctx, stop := context.WithTimeout(ctx, fetchTime)
	defer stop()
	r = r.WithContext(ctx)
	r.Header.Set("Accept", "application/json")
	res, err := s.Ask(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", r.URL.Host, res.StatusCode)
	}
	return json.NewDecoder(http.MaxBytesReader(nil, res.Body, mostAnswer)).Decode(into)
}

func (s *Server) fetchJSON(ctx context.Context, address string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return s.askProvider(ctx, r, into)
}

// published reads what a provider says of itself: of itself, and of no other.
func (s *Server) discovered(ctx context.Context, i *Issuer) (*document, error) {
	d := new(document)
	if err := s.fetchJSON(ctx, strings.TrimRight(i.Issuer, "/")+"/.well-known/openid-configuration", d); err != nil {
		return nil, err
	}
	if d.Issuer != i.Issuer {
		return nil, fmt.Errorf("the document of %s says that it is of %q", i.Issuer, d.Issuer)
	}
	for _, address := range []string{d.Authorize, d.Token, d.Keys} {
		if u, err := url.Parse(address); err != nil || u.Host == "" || !secure(u) {
			return nil, fmt.Errorf("the document of %s names %q, which is no https URL", i.Issuer, address)
		}
	}
	return d, nil
}

func (s *Server) callback() string { return s.at("/oauth/sign-in/callback") }

// goAbroad sends the person to the provider that was chosen on the sign-in page.
func (s *Server) goAbroad(w http.ResponseWriter, r *http.Request) {
	p := s.posted(w, r)
	if p == nil {
		return
	}
	i := s.provider(r.PostForm.Get("provider"))
	if i == nil {
		s.wrong(w, r, "There is no such provider.", "没有该登录方式。")
		return
	}
	d, err := s.discovered(r.Context(), i)
	if err != nil {
		s.Log.Error("sign-in elsewhere", "provider", i.Name, "error", err)
		s.page(w, http.StatusBadGateway, "message", message{"The other sign-in does not answer. Try again later.", "外部登录服务无响应，请稍后再试。"})
		return
	}
	b := abroad{Provider: i.Name, Request: p.ID}
	state, err := s.secret("")
	if err == nil {
		b.Nonce, err = s.secret("")
	}
	if err == nil {
		b.Verifier, err = s.secret("")
	}
	var body []byte
	if err == nil {
		body, err = json.Marshal(b)
	}
	if err == nil {
		_, err = s.store.PutSlip(r.Context(), &Slip{Kind: abroadSlip, Hash: hashOf(state), Expires: s.clock().Add(abroadLife), Body: string(body)})
	}
	u, bad := url.Parse(d.Authorize)
	if err = errors.Join(err, bad); err != nil {
		s.broken(w, r, err)
		return
	}
	q := u.Query()
	for name, value := range map[string]string{"response_type": "code", "client_id": i.Client, "redirect_uri": s.callback(), "scope": "openid",
		"state": state, "nonce": b.Nonce, "code_challenge": challengeFor(b.Verifier), "code_challenge_method": "S256"} {
		q.Set(name, value)
	}
	if p.Login || p.MaxAge != nil {
		q.Set("prompt", "login")
	}
	u.RawQuery = q.Encode()
	// A page that leads on, and no redirect: a browser holds every address that a form
	// is redirected to against the policy of the form's page, and a provider may send
	// people on to hosts that nobody knows here.
	s.page(w, http.StatusOK, "onward", map[string]any{"Label": i.Label, "Address": u.String()})
}

// comeBack takes the answer of the provider that this browser was sent to.
func (s *Server) comeBack(w http.ResponseWriter, r *http.Request) {
	ctx, q := r.Context(), r.URL.Query()
	if single(q) != nil {
		s.wrong(w, r, "A parameter comes twice.", "参数重复。")
		return
	}
	p, b, err := s.returned(r, q.Get("state"))
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if p == nil {
		s.wrong(w, r, "The request has expired, or is of another browser. Go back to the app and begin anew.", "请求已过期，或来自其他浏览器，请返回应用重新开始。")
		return
	}
	principal, err := s.whoIsIt(ctx, b, q)
	e := Event{Operation: "sign-in", Principal: principal, Outcome: http.StatusOK}
	if err != nil {
		s.Log.Warn("sign-in elsewhere was refused", "provider", b.Provider, "error", err)
		e.Outcome = http.StatusUnauthorized
	}
	has := false
	if err == nil {
		if has, err = s.enrolled(ctx, principal); err == nil && has {
			e.Operation = "federated"
		}
	}
	if audited := s.Audit(ctx, e); audited != nil {
		s.broken(w, r, audited)
		return
	}
	switch {
	case err != nil:
		s.page(w, http.StatusUnauthorized, "message", message{"The other sign-in was refused, or names nobody here. Ask your administrator.", "外部登录被拒绝，或未关联本系统账户，请联系管理员。"})
	case has:
		s.askSecond(w, r, p, principal, "fed")
	default:
		if err := s.open(w, r, principal, "fed"); err != nil {
			s.broken(w, r, err)
			return
		}
		http.Redirect(w, r, p.next(), http.StatusSeeOther)
	}
}

// returned is the request that a state belongs to, of this browser; good once.
func (s *Server) returned(r *http.Request, state string) (*pending, *abroad, error) {
	slip, err := s.store.Slip(r.Context(), abroadSlip, hashOf(state))
	if err != nil || slip == nil || !slip.Used.IsZero() || !s.clock().Before(slip.Expires) {
		return nil, nil, err
	}
	b := new(abroad)
	if err := json.Unmarshal([]byte(slip.Body), b); err != nil {
		return nil, nil, err
	}
	p, err := s.request(r, b.Request)
	if err != nil || p == nil {
		return nil, nil, err
	}
	first, err := s.store.UseSlip(r.Context(), abroadSlip, hashOf(state), s.clock())
	if err != nil || !first {
		return nil, nil, err
	}
	return p, b, nil
}

// whoIsIt redeems the code where the person was sent to, and nowhere else, and
// says whom the id_token names here.
func (s *Server) whoIsIt(ctx context.Context, b *abroad, q url.Values) (string, error) {
	i := s.provider(b.Provider)
	if i == nil {
		return "", errors.New("the provider is configured no more")
	}
	d, err := s.discovered(ctx, i)
	if err != nil {
		return "", err
	}
	if iss := q.Get("iss"); iss != i.Issuer && (iss != "" || d.AlwaysISS) { // mix-up, RFC 9207
		return "", fmt.Errorf("the answer is of %q", clipText(iss, 100))
	}
	if q.Get("error") != "" || q.Get("code") == "" {
		return "", fmt.Errorf("it refuses: %q", clipText(q.Get("error"), 60))
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {s.callback()}, "code_verifier": {b.Verifier}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(i.Client), url.QueryEscape(i.Secret))
	var answer struct {
		ID string `json:"id_token"`
	}
	if err := s.askProvider(ctx, r, &answer); err != nil {
		return "", err
	}
	c, err := s.believed(ctx, i, d, answer.ID, b.Nonce)
	if err != nil {
		return "", err
	}
	return s.hereAs(ctx, i, c)
}

// foreign are the claims of an id_token of another provider.
type foreign struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Party    string   `json:"azp"`
	Expires  float64  `json:"exp"`
	Issued   float64  `json:"iat"`
	Nonce    string   `json:"nonce"`
	all      map[string]any
}

// believed verifies an id_token.
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
func (s *Server) believed(ctx context.Context, i *Issuer, d *document, text, nonce string) (*foreign, error) {
	if len(text) > longestAssertion {
		return nil, errors.New("the id_token is too long")
	}
	token, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256})
	if err != nil || len(token.Signatures) != 1 {
		return nil, errors.New("the id_token is none, or of an algorithm that is not taken")
	}
	var set jose.JSONWebKeySet
	if err := s.fetchJSON(ctx, d.Keys, &set); err != nil {
		return nil, err
	}
	var payload []byte
	for _, k := range set.Key(token.Signatures[0].Protected.KeyID) {
		if !k.IsPublic() || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != token.Signatures[0].Protected.Algorithm {
			continue
		}
		if payload, err = token.Verify(k); err == nil {
			break
		}
	}
	if payload == nil {
		return nil, errors.New("the signature of the id_token fits no key of the provider")
	}
	c := new(foreign)
	if err := errors.Join(unmarshal(payload, c), unmarshal(payload, &c.all)); err != nil {
		return nil, errors.New("the claims of the id_token cannot be read")
	}
	now := s.clock()
	switch {
	case c.Issuer != i.Issuer:
		return nil, errors.New("the id_token is of another issuer")
	case !slices.Contains(c.Audience, i.Client) || len(c.Audience) > 1 && c.Party != i.Client || c.Party != "" && c.Party != i.Client:
		return nil, errors.New("the id_token is for another client")
	case !now.Before(time.Unix(int64(c.Expires), 0).Add(clockSkew)) || time.Unix(int64(c.Issued), 0).After(now.Add(clockSkew)):
		return nil, errors.New("the id_token has expired, or is of the future")
	case nonce == "" || c.Nonce != nonce:
		return nil, errors.New("the id_token is not of this sign-in")
	case c.Subject == "" || len(c.Subject) > 255:
		return nil, errors.New("the id_token names nobody")
	}
	return c, nil
}

// hereAs is whom a subject is here: by its link, or by a number that one person of
// the directory has in one active role.
func (s *Server) hereAs(ctx context.Context, i *Issuer, c *foreign) (string, error) {
	principal, err := s.store.Link(ctx, s.Tenant, i.Issuer, c.Subject)
	if err != nil {
		return "", err
	}
	if number, _ := c.all[i.NumberClaim].(string); principal == "" && i.NumberClaim != "" && number != "" && s.Staff != nil {
		found, err := s.Staff(ctx, i.NumberSystem, number)
		if err != nil {
			return "", err
		}
		if len(found) == 1 {
			principal = found[0]
		}
	}
	if principal == "" {
		return "", errors.New("nobody here is linked with the subject")
	}
	who, err := s.Provider.resolve(ctx, principal)
	if err == nil && (!who.CanSign() || who.Person == "") {
		err = errors.New("whom the subject is linked with is no person")
	}
	return principal, err
}

// Link says whom a subject of a provider is here.
func (s *Server) Link(ctx context.Context, issuer, subject, principal string) error {
	if !slices.ContainsFunc(s.Issuers, func(i Issuer) bool { return i.Issuer == issuer }) {
		return fmt.Errorf("issuer: %q is no provider that is configured", issuer)
	}
	who, err := s.Provider.resolve(ctx, principal)
	if err != nil {
		return err
	}
	if !who.CanSign() || who.Person == "" || subject == "" || len(subject) > 255 {
		return fmt.Errorf("%s is no person, or the subject is empty or too long", principal)
	}
	return s.store.PutLink(ctx, s.Tenant, issuer, subject, principal, s.clock())
}
