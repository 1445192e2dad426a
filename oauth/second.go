package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// halfLife is how long somebody has for the second factor after the password.
const halfLife = 5 * time.Minute

// halfSlip is a sign-in whose password was right and whose second factor is due.
const halfSlip SlipKind = "half"

// halfBody says whose sign-in it is, how it began, and for which request of which
// browser.
type halfBody struct {
	Principal string   `json:"principal"`
	Methods   []string `json:"amr"`
	Request   string   `json:"request"` // derived from it
}

// askSecond shows the page for the second factor. Until it is shown nobody is
// signed in.
func (s *Server) askSecond(w http.ResponseWriter, r *http.Request, p *pending, principal string, methods ...string) {
	ticket, err := s.secret("")
	if err == nil {
		var body []byte
		if body, err = json.Marshal(halfBody{principal, methods, s.derived("half", p.ID+p.Browser)}); err == nil {
			_, err = s.store.PutSlip(r.Context(), &Slip{Kind: halfSlip, Hash: hashOf(ticket), Expires: s.clock().Add(halfLife), Body: string(body)})
		}
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.secondPage(w, r, http.StatusOK, p, principal, ticket, false)
}

// secondPage asks for what the person has of it; for a code only where it is enough
// for the request.
func (s *Server) secondPage(w http.ResponseWriter, r *http.Request, status int, p *pending, principal, ticket string, wrong bool) {
	ctx := r.Context()
	f, err := s.store.Factor(ctx, s.Tenant, principal)
	var keys []*Passkey
	if err == nil {
		keys, err = s.store.Passkeys(ctx, s.Tenant, principal)
	}
	options := ""
	if err == nil && len(keys) > 0 {
		options, err = s.showOptions(s.keyChallenge(ticket), keys)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	_, enough := p.met([]string{"otp", "mfa"})
	s.page(w, status, "second", map[string]any{"Request": p.ID, "Guard": s.guard(p), "Ticket": ticket, "Wrong": wrong, "Options": options,
		"Code": f != nil && enough || len(keys) == 0}, p.Redirect)
}

// second takes the code, or what a security key has signed. What is wrong of it, or
// whether the name is locked meanwhile, is not told; each wrong one counts as a wrong
// password does.
func (s *Server) second(w http.ResponseWriter, r *http.Request) {
	p := s.posted(w, r)
	if p == nil {
		return
	}
	ticket := r.PostForm.Get("ticket")
	half, err := s.half(r.Context(), p, ticket)
	if err == nil && half == nil { // too late: from the beginning
		s.signInPage(w, r, http.StatusUnauthorized, p, true)
		return
	}
	method := "otp"
	if err == nil {
		method, err = s.passSecond(r.Context(), half, ticket, r.PostForm)
	}
	if errors.Is(err, errLogin) {
		s.secondPage(w, r, http.StatusUnauthorized, p, half.Principal, ticket, true)
		return
	}
	if err == nil {
		err = s.open(w, r, half.Principal, append(half.Methods, method, "mfa")...)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, p.next(), http.StatusSeeOther)
}

// half is the sign-in of a ticket, for this request of this browser; nil where
// there is none (any more).
func (s *Server) half(ctx context.Context, p *pending, ticket string) (*halfBody, error) {
	slip, err := s.store.Slip(ctx, halfSlip, hashOf(ticket))
	if err != nil || slip == nil || !slip.Used.IsZero() || !s.clock().Before(slip.Expires) {
		return nil, err
	}
	b := new(halfBody)
	if err := json.Unmarshal([]byte(slip.Body), b); err != nil {
		return nil, err
	}
	if b.Request != s.derived("half", p.ID+p.Browser) {
		return nil, nil
	}
	return b, nil
}

// passSecond judges code or key, and tells which it was; errLogin for a wrong one,
// and for a person who is locked out.
func (s *Server) passSecond(ctx context.Context, half *halfBody, ticket string, form url.Values) (method string, err error) {
	ok := false
	if form.Has("credential") {
		ok, method, err = s.showsKey(ctx, half.Principal, ticket, form)
	} else {
		method = "otp"
		ok, err = s.showsCode(ctx, half.Principal, form.Get("code"))
	}
	if ok && err == nil {
		ok, err = s.store.UseSlip(ctx, halfSlip, hashOf(ticket), s.clock())
	}
	if ok && err == nil {
		_, resolved := s.Provider.resolve(ctx, half.Principal)
		ok = resolved == nil
	}
	if err != nil {
		return "", err
	}
	return method, s.auditSecond(ctx, half.Principal, ok)
}

// auditSecond keeps how a second factor was judged; errLogin for a wrong one.
func (s *Server) auditSecond(ctx context.Context, principal string, ok bool) error {
	e := Event{Operation: "sign-in", Principal: principal, Outcome: http.StatusOK}
	if !ok {
		e.Operation, e.Outcome = "second-factor", http.StatusUnauthorized
	}
	if err := s.Audit(ctx, e); err != nil {
		return err
	}
	if !ok {
		return errLogin
	}
	return nil
}

// showsCode tells whether a code is the person's, and counts those that are not:
// after five of them none is taken for a quarter of an hour.
func (s *Server) showsCode(ctx context.Context, principal, code string) (ok bool, err error) {
	f, err := s.store.Factor(ctx, s.Tenant, principal)
	if err != nil || f == nil {
		return false, err
	}
	return s.counted(ctx, principal, func() (bool, error) { return s.proven(ctx, f, code) })
}

// counted judges a proof of a person who is not locked out, and counts wrong ones. Each
// counts before it is judged, so that no more of them are judged that come at once.
func (s *Server) counted(ctx context.Context, principal string, judge func() (bool, error)) (ok bool, err error) {
	if locked, err := s.lockedOut(ctx, principal); err != nil || locked {
		return false, err
	}
	if n, err := s.store.Attempt(ctx, secondKey(s.Tenant, principal), s.clock(), wrongLock); err != nil || n > wrongMost {
		return false, err
	}
	if ok, err = judge(); err != nil || !ok {
		return false, err
	}
	return true, s.store.ForgetAttempts(ctx, secondKey(s.Tenant, principal))
}

// lockedOut tells who has shown too many wrong codes.
func (s *Server) lockedOut(ctx context.Context, principal string) (bool, error) {
	n, err := s.store.Attempts(ctx, secondKey(s.Tenant, principal), s.clock(), wrongLock)
	return n >= wrongMost, err
}

func secondKey(tenant, principal string) string { return "second " + tenant + " " + principal }

// enrolled tells whether a person has a second factor.
func (s *Server) enrolled(ctx context.Context, principal string) (bool, error) {
	return hasFactor(ctx, s.store, s.Tenant, principal)
}
