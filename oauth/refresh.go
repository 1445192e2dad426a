package oauth

import (
	"context"
	"time"

	"github.com/ory/fosite"
)

// refreshGrace is how long after its use a refresh token still gives the same
// successor, to clients that asked twice or did not get the answer. Later a used
// one was stolen: then all ends.
const refreshGrace = 30 * time.Second

// firstRefresh makes the refresh token of a grant that has one.
func (s *Server) firstRefresh(ctx context.Context, g *Grant) (string, error) {
	if !has(g.Scope, "offline_access") && !has(g.Scope, "online_access") {
		return "", nil
	}
	token, err := s.secret("tr_")
	if err != nil {
		return "", err
	}
	return token, s.keepRefresh(ctx, g, token)
}

func (s *Server) keepRefresh(ctx context.Context, g *Grant, token string) error {
	until := s.clock().Add(offlineLife)
	if until.After(g.Expires) {
		until = g.Expires
	}
	_, err := s.store.PutSlip(ctx, &Slip{Kind: refreshSlip, Hash: hashOf(token), Grant: g.ID, Expires: until})
	return err
}

// refreshFlow gives a new access token and the successor of the refresh token. The
// successor is derived from the token itself with the server's key, so that all
// who show one token within the grace get the same one, on whichever server, and
// none of them is kept in clear.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#refresh-access-token
type refreshFlow struct{ s *Server }

func (refreshFlow) CanSkipClientAuth(context.Context, fosite.AccessRequester) bool { return false }

func (refreshFlow) CanHandleTokenEndpointRequest(_ context.Context, r fosite.AccessRequester) bool {
	return r.GetGrantTypes().ExactOne("refresh_token")
}

func (f refreshFlow) HandleTokenEndpointRequest(ctx context.Context, r fosite.AccessRequester) error {
	s, form, in := f.s, r.GetRequestForm(), r.GetSession().(*session)
	token, now := form.Get("refresh_token"), s.clock()
	slip, err := s.store.Slip(ctx, refreshSlip, hashOf(token))
	if err != nil {
		return err
	}
	if slip == nil || !now.Before(slip.Expires) {
		return fosite.ErrInvalidGrant.WithHint("The refresh token is unknown or has expired.")
	}
	g, err := s.store.Grant(ctx, slip.Grant)
	if err != nil {
		return err
	}
	if g == nil || g.Client != r.GetClient().GetID() {
		return fosite.ErrInvalidGrant.WithHint("The refresh token was given to another app.")
	}
	in.grant = g
	if err := s.alive(ctx, g); err != nil {
		return err
	}
	if err := s.online(ctx, g); err != nil {
		return err
	}
	scope := g.Scope
	if form.Has("scope") {
		ok := false
		if scope, ok = subset(g.Scope, form.Get("scope")); !ok {
			return fosite.ErrInvalidScope.WithHint("scope must be a part of what was granted.")
		}
	}
	if err := s.rotate(ctx, g, slip, now); err != nil {
		return err
	}
	in.scope, in.life = scope, appLife
	in.refresh = "tr_" + s.derived("refresh", token)
	return s.keepRefresh(ctx, g, in.refresh)
}

// rotate uses the token up, or tells one that was used from one that was stolen.
func (s *Server) rotate(ctx context.Context, g *Grant, slip *Slip, now time.Time) error {
	first, err := s.store.UseSlip(ctx, refreshSlip, slip.Hash, now)
	if err != nil || first {
		return err
	}
	slip, err = s.store.Slip(ctx, refreshSlip, slip.Hash)
	if err != nil {
		return err
	}
	if slip != nil && now.Sub(slip.Used) <= refreshGrace {
		return nil
	}
	if err := s.store.RevokeGrant(ctx, g.ID); err != nil {
		return err
	}
	return fosite.ErrInvalidGrant.WithHint("The refresh token was used before: what was granted is revoked, since somebody else may hold it.")
}

// online refuses an app that may work while its user is there, once the user has
// gone.
func (s *Server) online(ctx context.Context, g *Grant) error {
	if has(g.Scope, "offline_access") {
		return nil
	}
	if g.Session != "" {
		x, err := s.store.Session(ctx, g.Session)
		if err != nil {
			return err
		}
		if s.lasts(x) {
			return s.see(ctx, x)
		}
	}
	return fosite.ErrInvalidGrant.WithHint("The person is no longer signed in.")
}

func (f refreshFlow) PopulateTokenEndpointResponse(ctx context.Context, r fosite.AccessRequester, a fosite.AccessResponder) error {
	if !f.CanHandleTokenEndpointRequest(ctx, r) {
		return fosite.ErrUnknownRequest
	}
	return f.s.populate(ctx, r, a)
}
