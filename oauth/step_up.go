package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// The classes of authentication, weakest first; the strongest is in the words of
// OpenID's EAP profile.
// https://openid.net/specs/openid-connect-eap-acr-values-1_0.html
const (
	ACRSingle = "urn:tenon:acr:single" // one factor
	ACRMulti  = "urn:tenon:acr:multi"  // two
	ACRPhish  = "phr"                  // two, one of them a key that no other site can ask for
)

var acrValues = []string{ACRSingle, ACRMulti, ACRPhish}

// secondMethods are what a second factor adds to the methods of a session.
var secondMethods = []string{"otp", "hwk", "swk", "mfa"}

// acrOf is the class of how somebody showed who it is.
func acrOf(methods []string) string {
	switch {
	case slices.Contains(methods, "mfa") && (slices.Contains(methods, "hwk") || slices.Contains(methods, "swk")):
		return ACRPhish
	case slices.Contains(methods, "mfa"):
		return ACRMulti
	}
	return ACRSingle
}

// Who is asked for a second factor before a privileged act.
const (
	SecondOff      = "off"
	SecondEnrolled = "enrolled" // those who have one
	SecondRequired = "required" // everybody
)

// StepUp says who shows a second factor before a signature, administration or
// erasure, and how long ago it may have been.
type StepUp struct {
	Who   string        // SecondOff, SecondEnrolled (default) or SecondRequired
	Fresh time.Duration // 15 minutes by default
}

const freshDefault = 15 * time.Minute

// due is what a person must show before a privileged act: who last showed a second
// factor at shown.
func (p *Provider) due(ctx context.Context, who *access.Context, shown, now time.Time) (*access.Challenge, error) {
	fresh := p.StepUp.Fresh
	if fresh <= 0 {
		fresh = freshDefault
	}
	if p.StepUp.Who == SecondOff || !who.CanSign() || !shown.IsZero() && now.Before(shown.Add(fresh)) {
		return nil, nil
	}
	if p.StepUp.Who != SecondRequired {
		has, err := hasFactor(ctx, p.store, p.tenant, who.Principal)
		if err != nil || !has {
			return nil, err
		}
	}
	return &access.Challenge{ACR: ACRMulti, MaxAge: fresh}, nil
}

// hasFactor tells whether a person has a second factor of any kind.
func hasFactor(ctx context.Context, store Store, tenant, principal string) (bool, error) {
	f, err := store.Factor(ctx, tenant, principal)
	if err != nil || f != nil {
		return f != nil, err
	}
	keys, err := store.Passkeys(ctx, tenant, principal)
	return len(keys) > 0, err
}

// wanted reads what an app asks of the sign-in itself.
// https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest
func (p *pending) wanted(prompt, maxAge, acr string) error {
	prompts := strings.Fields(prompt)
	for _, one := range prompts {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, one) || one == "none" && len(prompts) > 1 {
			return fosite.ErrInvalidRequest.WithHint("prompt is none, or some of login, consent and select_account.")
		}
	}
	p.Login = slices.Contains(prompts, "login") || slices.Contains(prompts, "select_account")
	p.Silent = slices.Contains(prompts, "none")
	if maxAge != "" {
		n, err := strconv.Atoi(maxAge)
		if err != nil || n < 0 {
			return fosite.ErrInvalidRequest.WithHint("max_age is a number of seconds.")
		}
		p.MaxAge = &n
	}
	if p.ACR = strings.Fields(acr); len(p.ACR) > 20 {
		return fosite.ErrInvalidRequest.WithHint("acr_values is too long.")
	}
	return nil
}

// errUnmet is what an app is told of a class of authentication that this person
// cannot reach.
// https://openid.net/specs/openid-connect-unmet-authentication-requirements-1_0.html
var errUnmet = &fosite.RFC6749Error{ErrorField: "unmet_authentication_requirements", CodeField: http.StatusBadRequest,
	DescriptionField: "The person has no second factor that is enough, or the class of authentication is unknown here."}

// errAgain and errSecond tell what a session still lacks for a request.
var (
	errAgain  = errors.New("the person is to sign in anew")
	errSecond = errors.New("the person is to show a second factor")
)

// enough judges a session for a request: nil, errAgain, errSecond or errUnmet.
func (s *Server) enough(ctx context.Context, p *pending, x *Session) error {
	if x.Shown.Before(p.Begun) && (p.Login || p.MaxAge != nil && s.clock().Sub(x.Shown) > time.Duration(*p.MaxAge)*time.Second) {
		return errAgain
	}
	if _, ok := p.met(x.Methods); ok {
		return nil
	}
	reachable, err := s.reachable(ctx, x.Principal)
	if err != nil {
		return err
	}
	if slices.Contains(x.Methods, "mfa") && !slices.Contains(p.ACR, ACRPhish) || !slices.ContainsFunc(p.ACR, func(a string) bool { return slices.Contains(reachable, a) }) {
		return errUnmet
	}
	return errSecond
}

// met is the first class of those asked for that methods reach.
func (p *pending) met(methods []string) (string, bool) {
	have := slices.Index(acrValues, acrOf(methods))
	if len(p.ACR) == 0 {
		return acrValues[have], true
	}
	for _, asked := range p.ACR {
		if at := slices.Index(acrValues, asked); at >= 0 && at <= have {
			return asked, true
		}
	}
	return "", false
}

// reachable are the classes that a person can reach with what is enrolled.
func (s *Server) reachable(ctx context.Context, principal string) ([]string, error) {
	has, err := s.enrolled(ctx, principal)
	if err != nil || !has {
		return acrValues[:1], err
	}
	keys, err := s.store.Passkeys(ctx, s.Tenant, principal)
	if err != nil || len(keys) == 0 {
		return acrValues[:2], err
	}
	return acrValues, nil
}

// lacking answers what a session lacks for a request: by the page on which it is
// shown, or to the app where that cannot be. False: it lacks nothing.
func (s *Server) lacking(w http.ResponseWriter, r *http.Request, p *pending, x *Session) bool {
	err := s.enough(r.Context(), p, x)
	switch {
	case err == nil:
		return false
	case errors.Is(err, errAgain):
		s.signInPage(w, r, http.StatusOK, p, false)
	case errors.Is(err, errSecond):
		first := slices.DeleteFunc(slices.Clone(x.Methods), func(m string) bool { return slices.Contains(secondMethods, m) })
		s.askSecond(w, r, p, x.Principal, first...)
	case errors.Is(err, errUnmet) && p.Local == "":
		s.answer(w, r, p, refusalOf(errUnmet))
	case errors.Is(err, errUnmet):
		s.wrong(w, r, "This needs a second factor, and you have none: enrol one at /oauth/account.", "此操作需要第二验证因素，请先在账户页面登记。")
	default:
		s.broken(w, r, err)
	}
	return true
}

// stepUp takes a code from the holder of a token without an app: of scripts and of
// an EHR's own client. The token is good for privileged acts for a while then. An
// app sends its person to the pages instead and never sees a code.
func (s *Server) stepUp(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	ctx := r.Context()
	who, err := s.Provider.Authenticate(ctx, r.Header.Get("Authorization"))
	if err == nil {
		err = who.NoApp()
	}
	if err == nil && !who.CanSign() {
		err = issue.Errorf(issue.Forbidden, "Only a person has a second factor.").Rule("step-up-person").Chinese("仅自然人可进行双因素验证。")
	}
	if err == nil {
		err = s.stepped(ctx, w, r, who)
	}
	if f := issue.As(err); f != nil {
		if f.HTTPStatus() == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="oauth"`)
		}
		w.Header().Set("Content-Type", "application/fhir+json")
		w.WriteHeader(f.HTTPStatus())
		_ = json.NewEncoder(w).Encode(f.Outcome())
		return
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) stepped(ctx context.Context, w http.ResponseWriter, r *http.Request, who *access.Context) error {
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" || single(r.PostForm) != nil {
		return issue.Errorf(issue.Invalid, "The body is a form with code=…, and nothing stands in the address.").Rule("step-up-form").WithStatus(http.StatusBadRequest)
	}
	ok, err := s.showsCode(ctx, who.Principal, r.PostForm.Get("code"))
	if err != nil {
		return err
	}
	if err := s.auditSecond(ctx, who.Principal, ok); err != nil {
		if errors.Is(err, errLogin) {
			return issue.Errorf(issue.Login, "The code is wrong or was used, the person has no second factor, or is locked out for %v.", wrongLock).
				Rule("step-up-code").Chinese("验证码错误或已使用，或账户已锁定。")
		}
		return err
	}
	hash, err := sessionHash(who.Session)
	if err != nil {
		return err
	}
	if err := s.store.StepToken(ctx, hash, s.clock()); err != nil {
		return fmt.Errorf("oauth: step up: %w", err)
	}
	s.Provider.forget(hash)
	return nil
}
