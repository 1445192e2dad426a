package oauth

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"tenon/server/access"
)

// Pages of a person's own account: second factor, sessions, apps.

// visitor is who asks for a page of ours. It answers itself where nobody is signed
// in, or not in the way that need asks for, and leads back afterwards.
func (s *Server) visitor(w http.ResponseWriter, r *http.Request, need pending) (*Session, *access.Context) {
	p := &need
	if p.Begun = s.clock(); p.Local == "" {
		p.Local = r.URL.Path
	}
	x, who, err := s.signedIn(r)
	if err == nil {
		if err = s.enough(r.Context(), p, x); err == nil {
			return x, who
		}
	}
	if begun := s.begin(w, r, p); begun != nil {
		s.broken(w, r, begun)
	} else if errors.Is(err, errSession) {
		s.signInPage(w, r, http.StatusOK, p, false)
	} else if !s.lacking(w, r, p, x) {
		http.Redirect(w, r, p.Local, http.StatusSeeOther)
	}
	return nil, nil
}

// accountGuard is what the forms of a session's pages carry.
func (s *Server) accountGuard(x *Session) string {
	return s.derived("account", x.ID+string(x.Hash[:]))
}

// mine reads a form of the account's pages; nil: it answered.
func (s *Server) mine(w http.ResponseWriter, r *http.Request) (*Session, *access.Context) {
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" {
		s.wrong(w, r, "The form cannot be read.", "表单无法读取。")
		return nil, nil
	}
	x, who, err := s.signedIn(r)
	if err != nil && !errors.Is(err, errSession) {
		s.broken(w, r, err)
		return nil, nil
	}
	if err != nil || r.PostForm.Get("guard") != s.accountGuard(x) {
		s.wrong(w, r, "The page has expired: open it anew.", "页面已过期，请重新打开。")
		return nil, nil
	}
	return x, who
}

// granted is an app as its person reads of it.
type grantedApp struct {
	ID, Name, Patient string
	Since             time.Time
	Scopes            []line
}

func (s *Server) account(w http.ResponseWriter, r *http.Request) {
	x, who := s.visitor(w, r, pending{})
	if x == nil {
		return
	}
	ctx := r.Context()
	f, err := s.store.Factor(ctx, s.Tenant, x.Principal)
	var keys []*Passkey
	if err == nil {
		keys, err = s.store.Passkeys(ctx, s.Tenant, x.Principal)
	}
	var sessions []*Session
	if err == nil {
		sessions, err = s.store.Sessions(ctx, s.Tenant, x.Principal)
	}
	var apps []grantedApp
	if err == nil {
		apps, err = s.grantedApps(ctx, x.Principal)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	live := sessions[:0]
	for _, one := range sessions {
		if s.lasts(one) {
			live = append(live, one)
		}
	}
	s.page(w, http.StatusOK, "account", map[string]any{"Guard": s.accountGuard(x), "Principal": x.Principal, "Factor": f, "Keys": keys,
		"Sessions": live, "Here": x.ID, "Apps": apps, "Admin": who.Has(access.ADMIN)})
}

func (s *Server) grantedApps(ctx context.Context, principal string) (list []grantedApp, err error) {
	grants, err := s.store.GrantsOf(ctx, s.Tenant, principal)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		c, err := s.client(ctx, g.Client)
		if err != nil {
			return nil, err
		}
		if c == nil || !s.clock().Before(g.Expires) {
			continue
		}
		app := grantedApp{ID: g.ID, Name: c.Name, Patient: g.Patient, Since: g.Created}
		for text := range strings.FieldsSeq(g.Scope) {
			app.Scopes = append(app.Scopes, told(text))
		}
		list = append(list, app)
	}
	return list, nil
}

// endSessions signs the person out elsewhere: of one session, or of all others.
func (s *Server) endSessions(w http.ResponseWriter, r *http.Request) {
	x, _ := s.mine(w, r)
	if x == nil {
		return
	}
	var err error
	if id := r.PostForm.Get("end"); id == "others" {
		_, err = s.store.EndSessions(r.Context(), s.Tenant, x.Principal, x.ID, s.clock())
	} else {
		_, err = s.store.EndSession(r.Context(), s.Tenant, x.Principal, id, s.clock())
	}
	s.after(w, r, err, Event{Operation: "sign-out", Principal: x.Principal})
}

// endGrant takes back what an app was granted: its tokens end at once here, and
// within a second on all servers.
func (s *Server) endGrant(w http.ResponseWriter, r *http.Request) {
	x, _ := s.mine(w, r)
	if x == nil {
		return
	}
	id := r.PostForm.Get("revoke")
	g, err := s.store.Grant(r.Context(), id)
	e := Event{Operation: "revoke", Principal: x.Principal}
	if err == nil && g != nil && g.Tenant == s.Tenant && g.Principal == x.Principal {
		e.Client, e.Patient = g.Client, g.Patient
		err = s.store.RevokeGrant(r.Context(), id)
		s.Provider.forgetGrant(id)
	}
	s.after(w, r, err, e)
}

// after audits what was done on the account's page and shows it again.
func (s *Server) after(w http.ResponseWriter, r *http.Request, err error, e Event) {
	if err == nil {
		e.Outcome = http.StatusOK
		err = s.Audit(r.Context(), e)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/oauth/account", http.StatusSeeOther)
}
