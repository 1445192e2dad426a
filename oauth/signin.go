package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Locks of the sign-in page, and its cookie.
const (
	wrongMost     = 5
	wrongLock     = 15 * time.Minute
	browserCookie = "tenon_browser"
)

// browser is the secret of this browser, new where it has none: what a form is
// guarded with.
func (s *Server) browser(w http.ResponseWriter, r *http.Request) (string, error) {
	if c, err := r.Cookie(browserCookie); err == nil && len(c.Value) >= 40 {
		return c.Value, nil
	}
	secret, err := s.secret("")
	if err == nil {
		s.setCookie(w, browserCookie, secret, 0)
	}
	return secret, err
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/oauth", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(s.Issuer(), "https:")}
	switch {
	case value == "":
		c.MaxAge = -1
	case age > 0:
		c.MaxAge = int(age / time.Second)
	}
	http.SetCookie(w, c)
}

// guard is what a form of this request carries, so that no other page can post it.
func (s *Server) guard(p *pending) string { return s.derived("guard", p.ID+p.Browser) }

// posted reads a form of ours: of a pending request, with its guard.
func (s *Server) posted(w http.ResponseWriter, r *http.Request) *pending {
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		s.wrong(w, r, "The form cannot be read.", "表单无法读取。")
		return nil
	}
	p, err := s.request(r, r.PostForm.Get("request"))
	if err != nil {
		s.broken(w, r, err)
		return nil
	}
	if p == nil || r.PostForm.Get("guard") != s.guard(p) {
		s.wrong(w, r, "The request has expired, or is of another browser. Go back to the app and begin anew.", "请求已过期，或来自其他浏览器，请返回应用重新开始。")
		return nil
	}
	return p
}

// signIn takes name and password. What is wrong of the two, or whether the name is
// locked, is not told.
func (s *Server) signIn(w http.ResponseWriter, r *http.Request) {
	p := s.posted(w, r)
	if p == nil {
		return
	}
	if s.slowDown(w, r, "name "+strings.ToLower(strings.TrimSpace(clipText(r.PostForm.Get("name"), 100))), s.Rates.Name) {
		return
	}
	l, due, err := s.login(r.Context(), r.PostForm.Get("name"), r.PostForm.Get("password"))
	if errors.Is(err, errLogin) {
		s.signInPage(w, r, http.StatusUnauthorized, p, true)
		return
	}
	if err == nil && due {
		s.askSecond(w, r, p, l.Principal, "pwd")
		return
	}
	if err == nil {
		err = s.open(w, r, l.Principal, "pwd")
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, p.next(), http.StatusSeeOther)
}

// errLogin is all that is told of a refused sign-in.
var errLogin = errors.New("name or password is wrong, or the name is locked")

// login judges name and password; due tells that the person has a second factor,
// which is to be shown before anybody is signed in.
func (s *Server) login(ctx context.Context, name, password string) (l *Login, due bool, err error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if l, err = s.store.Login(ctx, s.Tenant, name); err != nil {
		return nil, false, err
	}
	ok, err := s.rightPassword(ctx, l, name, password)
	if err != nil {
		return nil, false, err
	}
	if ok {
		if due, err = s.enrolled(ctx, l.Principal); err != nil {
			return nil, false, err
		}
		_, err := s.Provider.resolve(ctx, l.Principal)
		ok = err == nil
	}
	if err := s.auditLogin(ctx, l, ok, due); err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, errLogin
	}
	return l, due, nil
}

// rightPassword judges the password of a login (nil: of nobody). It is counted before
// it is judged, so that of many that come at once no more are judged than of many that
// come one after the other; and it takes as long where it is not judged.
func (s *Server) rightPassword(ctx context.Context, l *Login, name, password string) (bool, error) {
	judged, hash := false, nobodysHash
	if l != nil {
		locked, err := s.lockedOut(ctx, l.Principal)
		if err != nil {
			return false, err
		}
		now := s.clock()
		if !locked {
			if judged, err = s.store.LoginAttempt(ctx, s.Tenant, name, wrongMost, now, now.Add(wrongLock)); err != nil {
				return false, err
			}
		}
	}
	if judged {
		hash = l.Hash
	}
	if !verifySecret(hash, password) || !judged {
		return false, nil
	}
	return true, s.store.LoginRight(ctx, s.Tenant, name)
}

// auditLogin keeps how a sign-in was judged.
func (s *Server) auditLogin(ctx context.Context, l *Login, ok, due bool) error {
	e := Event{Operation: "sign-in", Outcome: http.StatusUnauthorized}
	if l != nil {
		e.Principal = l.Principal
	}
	if ok {
		e.Outcome = http.StatusOK
	}
	if due {
		e.Operation = "password"
	}
	return s.Audit(ctx, e)
}
