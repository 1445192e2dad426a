package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// inviteSlip is an invitation: whoever opens its address chooses the password of
// one name, once.
const inviteSlip SlipKind = "invitation"

type invitation struct {
	Principal string `json:"principal"`
	Name      string `json:"name"`
}

// Invite makes the address by which a person begins: good once and for a while.
func (s *Server) Invite(ctx context.Context, principal, name string, life time.Duration) (string, error) {
	name, err := s.freeName(ctx, principal, name)
	if err != nil {
		return "", err
	}
	code, err := s.secret("")
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(invitation{principal, name})
	if err != nil {
		return "", err
	}
	_, err = s.store.PutSlip(ctx, &Slip{Kind: inviteSlip, Hash: hashOf(code), Expires: s.clock().Add(life), Body: string(body)})
	return s.at("/oauth/invitation?code=" + url.QueryEscape(code)), err
}

// SetPassword lets a person sign in by a name. An account is of one person: of
// no role without one, and no two share a name.
func (s *Server) SetPassword(ctx context.Context, principal, name, password string) error {
	name, err := s.freeName(ctx, principal, name)
	if err != nil {
		return err
	}
	hash, err := HashSecret(password)
	if err != nil {
		return err
	}
	return s.store.PutLogin(ctx, s.Tenant, &Login{Name: name, Principal: principal, Hash: hash})
}

// freeName is a name that a person may sign in by.
func (s *Server) freeName(ctx context.Context, principal, name string) (string, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "" || len(name) > 100 {
		return "", fmt.Errorf("name: it is empty or too long")
	}
	who, err := s.Provider.resolve(ctx, principal)
	if err != nil {
		return "", err
	}
	if !who.CanSign() {
		return "", fmt.Errorf("%s is no person: it does not sign in", principal)
	}
	if who.Person == "" {
		return "", fmt.Errorf("%s has no practitioner: an account is of one person", principal)
	}
	old, err := s.store.Login(ctx, s.Tenant, name)
	if err == nil && old != nil && old.Principal != principal {
		err = fmt.Errorf("%s signs in as %s: an account is of one person; choose another name", old.Principal, name)
	}
	return name, err
}

// invited is the invitation of a code, nil where there is none (any more).
func (s *Server) invited(ctx context.Context, code string) (*invitation, error) {
	slip, err := s.store.Slip(ctx, inviteSlip, hashOf(code))
	if err != nil || slip == nil || !slip.Used.IsZero() || !s.clock().Before(slip.Expires) {
		return nil, err
	}
	b := new(invitation)
	return b, json.Unmarshal([]byte(slip.Body), b)
}

func (s *Server) noInvitation(w http.ResponseWriter, r *http.Request) {
	s.wrong(w, r, "The invitation is unknown, was used, or has expired. Ask your administrator for a new one.", "邀请无效、已使用或已过期，请联系管理员。")
}

// invitation shows the page on which the password is chosen. It uses nothing up:
// mail filters open addresses, too.
func (s *Server) invitation(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	b, err := s.invited(r.Context(), code)
	switch {
	case err != nil:
		s.broken(w, r, err)
	case b == nil:
		s.noInvitation(w, r)
	default:
		s.page(w, http.StatusOK, "invitation", map[string]any{"Code": code, "Name": b.Name, "Principal": b.Principal})
	}
}

// acceptInvitation takes the password, signs the person in and goes on to the
// second factor.
func (s *Server) acceptInvitation(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	r.Body = http.MaxBytesReader(w, r.Body, largestForm)
	if err := r.ParseForm(); err != nil || r.URL.RawQuery != "" || single(r.PostForm) != nil {
		s.wrong(w, r, "The form cannot be read.", "表单无法读取。")
		return
	}
	code, password := r.PostForm.Get("code"), r.PostForm.Get("password")
	b, err := s.invited(ctx, code)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if b == nil {
		s.noInvitation(w, r)
		return
	}
	if len(password) < 12 || len(password) > 1024 || password != r.PostForm.Get("again") {
		s.page(w, http.StatusUnprocessableEntity, "invitation", map[string]any{"Code": code, "Name": b.Name, "Principal": b.Principal, "Wrong": true})
		return
	}
	if _, err := s.freeName(ctx, b.Principal, b.Name); err != nil {
		s.noInvitation(w, r) // the person is gone, or the name was given to another
		return
	}
	first, err := s.store.UseSlip(ctx, inviteSlip, hashOf(code), s.clock())
	if err == nil && !first {
		s.noInvitation(w, r)
		return
	}
	if err == nil {
		err = s.SetPassword(ctx, b.Principal, b.Name, password)
	}
	if err == nil {
		err = s.Audit(ctx, Event{Operation: "accept-invitation", Principal: b.Principal, Outcome: http.StatusOK})
	}
	// A new password opens no session of who has a second factor already.
	has := false
	if err == nil {
		has, err = s.enrolled(ctx, b.Principal)
	}
	if err == nil && !has {
		err = s.open(w, r, b.Principal, "pwd")
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	http.Redirect(w, r, "/oauth/account/factor", http.StatusSeeOther)
}

// Remove takes everything from a person that lets in: names, second factor,
// sessions, and what apps were granted. The directory says on its own that the
// person is no longer active.
func (s *Server) Remove(ctx context.Context, principal string) error {
	logins, err := s.store.LoginsOf(ctx, s.Tenant, principal)
	if err != nil {
		return err
	}
	for _, name := range logins {
		if _, err := s.store.RemoveLogin(ctx, s.Tenant, name); err != nil {
			return err
		}
	}
	if err := s.store.RemoveLinks(ctx, s.Tenant, principal); err != nil {
		return err
	}
	if _, err := s.RemoveFactor(ctx, principal); err != nil {
		return err
	}
	grants, err := s.store.GrantsOf(ctx, s.Tenant, principal)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := s.store.RevokeGrant(ctx, g.ID); err != nil {
			return err
		}
		s.Provider.forgetGrant(g.ID)
	}
	if _, err := s.SignOut(ctx, principal); err != nil {
		return err
	}
	return s.Audit(ctx, Event{Operation: "remove-person", Principal: principal, Outcome: http.StatusOK})
}
