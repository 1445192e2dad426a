package oauth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"tenon/server/access"
)

// A session ends when nothing was done with it for a while, and at the latest
// after a working day, whatever was done.
const (
	sessionCookie = "tenon_session"
	sessionLife   = 8 * time.Hour
	sessionIdle   = 2 * time.Hour
	// seenEvery is how exactly it is known when a session was last used.
	seenEvery = time.Minute
)

// Session is a person who is signed in in a browser.
type Session struct {
	ID        string
	Tenant    string
	Principal string
	Hash      [32]byte // of the cookie, which changes whenever the person shows anew who it is
	Started   time.Time
	Shown     time.Time // when the person last showed who it is
	Methods   []string  // how, in the words of RFC 8176
	Seen      time.Time // last use, to a minute
	Expires   time.Time
	Ended     time.Time // signed out; zero: not yet
	Agent     string    // what the browser says it is
	Address   string    // that it was begun from
}

// Sessions keeps who is signed in.
type Sessions interface {
	PutSession(ctx context.Context, x *Session) error
	// Session and SessionOf return nil when there is none.
	Session(ctx context.Context, id string) (*Session, error)
	SessionOf(ctx context.Context, hash [32]byte) (*Session, error)
	// Sessions are those of a person that have not ended, the newest first.
	Sessions(ctx context.Context, tenant, principal string) ([]*Session, error)
	// RenewSession replaces Hash, Shown, Methods and Seen.
	RenewSession(ctx context.Context, x *Session) error
	SeeSession(ctx context.Context, id string, at time.Time) error
	// EndSession is of a session of this person alone; false: there is none.
	EndSession(ctx context.Context, tenant, principal, id string, at time.Time) (bool, error)
	// EndSessions ends all of a person's but one, and tells how many.
	EndSessions(ctx context.Context, tenant, principal, but string, at time.Time) (int, error)
}

// Attempts counts what was tried in a window of time, over all servers.
type Attempts interface {
	// Attempt counts one more and tells how many there were in the window.
	Attempt(ctx context.Context, key string, at time.Time, window time.Duration) (int, error)
	Attempts(ctx context.Context, key string, at time.Time, window time.Duration) (int, error)
	ForgetAttempts(ctx context.Context, key string) error
}

// lasts tells whether a session is still one.
func (s *Server) lasts(x *Session) bool {
	now := s.clock()
	return x != nil && x.Tenant == s.Tenant && x.Ended.IsZero() && now.Before(x.Expires) && now.Before(x.Seen.Add(s.Idle))
}

// open signs a person in in this browser, with a new secret: the session of the
// same person goes on, that of another one ends.
func (s *Server) open(w http.ResponseWriter, r *http.Request, principal string, methods ...string) error {
	ctx, now := r.Context(), s.clock()
	secret, err := s.secret("")
	if err != nil {
		return err
	}
	old, err := s.cookieSession(r)
	if err != nil {
		return err
	}
	if old != nil && old.Principal != principal {
		if _, err := s.store.EndSession(ctx, s.Tenant, old.Principal, old.ID, now); err != nil {
			return err
		}
		old = nil
	}
	if old != nil {
		old.Hash, old.Shown, old.Methods, old.Seen = hashOf(secret), now, methods, now
		s.setCookie(w, sessionCookie, secret, old.Expires.Sub(now))
		return s.store.RenewSession(ctx, old)
	}
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return err
	}
	s.setCookie(w, sessionCookie, secret, s.Life)
	return s.store.PutSession(ctx, &Session{ID: id.String(), Tenant: s.Tenant, Principal: principal, Hash: hashOf(secret), Started: now, Shown: now,
		Methods: methods, Seen: now, Expires: now.Add(s.Life), Agent: clipText(r.UserAgent(), 200), Address: addressOf(r)})
}

func clipText(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(len(runes), most)])
}

// addressOf is where a request comes from.
func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

var errSession = errors.New("nobody is signed in")

// cookieSession is the session of this browser while it lasts, nil without one.
func (s *Server) cookieSession(r *http.Request) (*Session, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, nil //nolint:nilerr // no cookie, no session
	}
	x, err := s.store.SessionOf(r.Context(), hashOf(c.Value))
	if err != nil || !s.lasts(x) {
		return nil, err
	}
	return x, nil
}

// signedIn is who is signed in in this browser, and what they may see now.
func (s *Server) signedIn(r *http.Request) (*Session, *access.Context, error) {
	x, err := s.cookieSession(r)
	if err != nil {
		return nil, nil, err
	}
	if x == nil {
		return nil, nil, errSession
	}
	who, err := s.Provider.resolve(r.Context(), x.Principal)
	if err != nil {
		return nil, nil, errSession
	}
	who.RequestID = r.Header.Get("X-Request-Id")
	return x, who, s.see(r.Context(), x)
}

// see remembers that a session is in use.
func (s *Server) see(ctx context.Context, x *Session) error {
	if s.clock().Before(x.Seen.Add(seenEvery)) {
		return nil
	}
	return s.store.SeeSession(ctx, x.ID, s.clock())
}

// signOut ends the session of this browser; apps that work online end with it.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	x, err := s.cookieSession(r)
	if err == nil && x != nil {
		if _, err = s.store.EndSession(r.Context(), s.Tenant, x.Principal, x.ID, s.clock()); err == nil {
			err = s.Audit(r.Context(), Event{Operation: "sign-out", Principal: x.Principal, Outcome: http.StatusOK})
		}
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.setCookie(w, sessionCookie, "", 0)
	s.page(w, http.StatusOK, "message", message{"You are signed out.", "您已退出登录。"})
}

// SignOut ends all sessions of a person, and the apps that work online in them: the
// act of an administrator.
func (s *Server) SignOut(ctx context.Context, principal string) (int, error) {
	n, err := s.store.EndSessions(ctx, s.Tenant, principal, "", s.clock())
	if err == nil {
		err = s.Audit(ctx, Event{Operation: "sign-out", Principal: principal, Outcome: http.StatusOK})
	}
	return n, err
}

// second is when a session showed a second factor; zero: it did not.
func (x *Session) second() time.Time {
	if slices.Contains(x.Methods, "mfa") {
		return x.Shown
	}
	return time.Time{}
}
