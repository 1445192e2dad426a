package oauth

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"tenon/server/access"
)

// Sessions and locks of the sign-in page.
const (
	sessionLife   = 8 * time.Hour
	wrongMost     = 5
	wrongLock     = 15 * time.Minute
	sessionCookie = "tenon_session"
	browserCookie = "tenon_browser"
)

// sessionBody is who is signed in, and since when.
type sessionBody struct {
	Principal string    `json:"principal"`
	At        time.Time `json:"at"`
	// Methods are how, in the words of RFC 8176.
	Methods []string `json:"amr,omitempty"`
	hash    string
}

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
	l, due, err := s.login(r.Context(), r.PostForm.Get("name"), r.PostForm.Get("password"))
	if errors.Is(err, errLogin) {
		s.signInPage(w, r, http.StatusUnauthorized, p, true)
		return
	}
	if err == nil && due {
		s.askSecond(w, r, p, l)
		return
	}
	if err == nil {
		err = s.open(w, r, l.Principal, "pwd")
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/oauth/consent?request="+p.ID, http.StatusSeeOther)
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
	now, hash := s.clock(), nobodysHash
	locked := l != nil && now.Before(l.Locked)
	if l != nil && !locked {
		hash = l.Hash
	}
	ok := verifySecret(hash, password) && l != nil && !locked
	if ok {
		f, err := s.store.Factor(ctx, s.Tenant, l.Principal)
		if err != nil {
			return nil, false, err
		}
		due = f != nil
	}
	if l != nil && !locked && !due { // a right password alone does not end the count of wrong codes
		if err := s.store.LoginFailed(ctx, s.Tenant, name, ok, wrongMost, now.Add(wrongLock)); err != nil {
			return nil, false, err
		}
	}
	if ok {
		_, err := s.Provider.resolve(ctx, l.Principal)
		ok = err == nil
	}
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
	if err := s.Audit(ctx, e); err != nil {
		return nil, false, err
	}
	if !ok {
		return nil, false, errLogin
	}
	return l, due, nil
}

// open begins a session with a new secret.
func (s *Server) open(w http.ResponseWriter, r *http.Request, principal string, methods ...string) error {
	secret, err := s.secret("")
	if err != nil {
		return err
	}
	body, err := json.Marshal(sessionBody{Principal: principal, At: s.clock(), Methods: methods})
	if err != nil {
		return err
	}
	if _, err := s.store.PutSlip(r.Context(), &Slip{Kind: sessionSlip, Hash: hashOf(secret), Expires: s.clock().Add(sessionLife), Body: string(body)}); err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, secret, sessionLife)
	return nil
}

var errSession = errors.New("nobody is signed in")

// sessionOf is the session with a hash (hex), while it lasts.
func (s *Server) sessionOf(ctx context.Context, hash string) (*sessionBody, error) {
	b, err := hex.DecodeString(hash)
	if err != nil || len(b) != 32 {
		return nil, errSession
	}
	slip, err := s.store.Slip(ctx, sessionSlip, [32]byte(b))
	if err != nil {
		return nil, err
	}
	if slip == nil || !slip.Used.IsZero() || !s.clock().Before(slip.Expires) {
		return nil, errSession
	}
	body := &sessionBody{hash: hash}
	return body, json.Unmarshal([]byte(slip.Body), body)
}

// signedIn is who is signed in in this browser, and what they may see now.
func (s *Server) signedIn(r *http.Request) (*sessionBody, *access.Context, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, nil, errSession
	}
	hash := hashOf(c.Value)
	body, err := s.sessionOf(r.Context(), hex.EncodeToString(hash[:]))
	if err != nil {
		return nil, nil, err
	}
	who, err := s.Provider.resolve(r.Context(), body.Principal)
	if err != nil {
		return nil, nil, errSession
	}
	who.RequestID = r.Header.Get("X-Request-Id")
	return body, who, nil
}

// signOut ends the session of this browser; apps that work online end with it.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	if body, _, err := s.signedIn(r); err == nil {
		b, err := hex.DecodeString(body.hash)
		if err == nil {
			_, err = s.store.UseSlip(r.Context(), sessionSlip, [32]byte(b), s.clock())
		}
		if err == nil {
			err = s.Audit(r.Context(), Event{Operation: "sign-out", Principal: body.Principal, Outcome: http.StatusOK})
		}
		if err != nil {
			s.broken(w, r, err)
			return
		}
	}
	s.setCookie(w, sessionCookie, "", 0)
	s.page(w, http.StatusOK, "", "message", message{"You are signed out.", "您已退出登录。"})
}
