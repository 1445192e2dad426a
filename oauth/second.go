package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// halfLife is how long somebody has for the second factor after the password.
const halfLife = 5 * time.Minute

// halfSlip is a sign-in whose password was right and whose second factor is due.
const halfSlip SlipKind = "half"

// halfBody says whose sign-in it is and for which request of which browser.
type halfBody struct {
	Name      string `json:"name"`
	Principal string `json:"principal"`
	Request   string `json:"request"` // derived from it
}

// askSecond shows the page for the second factor. Until it is shown nobody is
// signed in.
func (s *Server) askSecond(w http.ResponseWriter, r *http.Request, p *pending, l *Login) {
	ticket, err := s.secret("")
	if err == nil {
		var body []byte
		if body, err = json.Marshal(halfBody{l.Name, l.Principal, s.derived("half", p.ID+p.Browser)}); err == nil {
			_, err = s.store.PutSlip(r.Context(), &Slip{Kind: halfSlip, Hash: hashOf(ticket), Expires: s.clock().Add(halfLife), Body: string(body)})
		}
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.secondPage(w, http.StatusOK, p, ticket, false)
}

func (s *Server) secondPage(w http.ResponseWriter, status int, p *pending, ticket string, wrong bool) {
	s.page(w, status, p.Redirect, "second", map[string]any{"Request": p.ID, "Guard": s.guard(p), "Ticket": ticket, "Wrong": wrong})
}

// second takes the code. What is wrong of it, or whether the name is locked
// meanwhile, is not told; each wrong one counts as a wrong password does.
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
	if err == nil {
		err = s.passSecond(r.Context(), half, ticket, r.PostForm.Get("code"))
	}
	if errors.Is(err, errLogin) {
		s.secondPage(w, http.StatusUnauthorized, p, ticket, true)
		return
	}
	if err == nil {
		err = s.open(w, r, half.Principal, "pwd", "otp", "mfa")
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/oauth/consent?request="+p.ID, http.StatusSeeOther)
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

// passSecond judges the code; errLogin for a wrong one, and for a name that is
// locked.
func (s *Server) passSecond(ctx context.Context, half *halfBody, ticket, code string) error {
	l, err := s.store.Login(ctx, s.Tenant, half.Name)
	if err != nil {
		return err
	}
	f, err := s.store.Factor(ctx, s.Tenant, half.Principal)
	if err != nil {
		return err
	}
	ok, now := false, s.clock()
	open := l != nil && f != nil && l.Principal == half.Principal && !now.Before(l.Locked)
	if open {
		if ok, err = s.proven(ctx, f, code); err != nil {
			return err
		}
		if err := s.store.LoginFailed(ctx, s.Tenant, half.Name, ok, wrongMost, now.Add(wrongLock)); err != nil {
			return err
		}
	}
	if ok {
		ok, err = s.store.UseSlip(ctx, halfSlip, hashOf(ticket), now)
	}
	if ok && err == nil {
		_, resolved := s.Provider.resolve(ctx, half.Principal)
		ok = resolved == nil
	}
	if err != nil {
		return err
	}
	e := Event{Operation: "sign-in", Principal: half.Principal, Outcome: http.StatusOK}
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
