package oauth

import (
	"net/http"
	"slices"
	"time"

	"tenon/server/access"
)

// administrator is a platform administrator who has just shown who it is, with the
// second factor where the policy asks for it; nil: it answered.
func (s *Server) administrator(w http.ResponseWriter, r *http.Request) *Session {
	x, who := s.visitor(w, r, pending{})
	if x == nil {
		return nil
	}
	if who.Kind != access.Person || !who.Has(access.ADMIN) {
		s.page(w, http.StatusForbidden, "message", message{"This page is for administrators.", "此页面仅限管理员使用。"})
		return nil
	}
	due, err := s.Provider.due(r.Context(), who, x.second(), s.clock())
	if err != nil {
		s.broken(w, r, err)
		return nil
	}
	if due == nil {
		return x
	}
	seconds := int(due.MaxAge / time.Second)
	x, _ = s.visitor(w, r, pending{MaxAge: &seconds, ACR: []string{due.ACR}})
	return x
}

// admin shows the registrations that wait.
func (s *Server) admin(w http.ResponseWriter, r *http.Request) {
	x := s.administrator(w, r)
	if x == nil {
		return
	}
	waiting, err := s.Waiting(r.Context())
	if err != nil {
		s.broken(w, r, err)
		return
	}
	type app struct {
		*Client
		Lines []line
	}
	list := make([]app, len(waiting))
	for i, c := range waiting {
		list[i].Client = c
		for _, text := range c.Scopes {
			list[i].Lines = append(list[i].Lines, told(text))
		}
	}
	s.page(w, http.StatusOK, "admin", map[string]any{"Guard": s.accountGuard(x), "Waiting": list, "Done": r.URL.Query().Get("done")})
}

// administer approves or rejects a registration, or signs a person out everywhere.
func (s *Server) administer(w http.ResponseWriter, r *http.Request) {
	x, _ := s.mine(w, r)
	if x == nil {
		return
	}
	if x = s.administrator(w, r); x == nil {
		return
	}
	form, ctx := r.PostForm, r.Context()
	var err error
	found := true
	switch {
	case form.Has("approve"), form.Has("reject"):
		found, err = s.Approve(ctx, x.Principal, form.Get("approve")+form.Get("reject"), form.Has("approve"))
	case form.Has("principal"):
		_, err = s.SignOut(ctx, form.Get("principal"))
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if !found {
		s.wrong(w, r, "Nobody waits by this id (any more).", "没有该待审批的应用。")
		return
	}
	http.Redirect(w, r, "/oauth/admin?done=1", http.StatusSeeOther)
}

// launchable are the apps that an EHR may open for a person.
func launchable(apps []*Client) []*Client {
	return slices.DeleteFunc(apps, func(c *Client) bool { return c.Launch == "" || c.Pending })
}
