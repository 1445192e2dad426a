package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tenon/server/access"
)

// asking is what the page of consent is about.
type asking struct {
	p       *pending
	client  *Client
	session *Session
	who     *access.Context
	launch  *launchBody // nil: the app began by itself
}

// ask finds who decides about what; it answers itself where that cannot be.
func (s *Server) ask(w http.ResponseWriter, r *http.Request, p *pending) *asking {
	a := &asking{p: p}
	var err error
	if a.session, a.who, err = s.signedIn(r); errors.Is(err, errSession) {
		s.signInPage(w, r, http.StatusOK, p, false)
		return nil
	}
	if err == nil && s.lacking(w, r, p, a.session) {
		return nil
	}
	if err == nil {
		a.client, err = s.client(r.Context(), p.Client)
	}
	if err == nil && a.client == nil {
		s.wrong(w, r, "The app is not registered here any more.", "该应用已被移除。")
		return nil
	}
	if err == nil && p.Launch != "" {
		a.launch, err = s.launched(r.Context(), p, a.session.Principal)
		if known := (*fosite.RFC6749Error)(nil); errors.As(err, &known) {
			s.answer(w, r, p, refusalOf(err))
			return nil
		}
	}
	if err != nil {
		s.broken(w, r, err)
		return nil
	}
	return a
}

// consent shows the page, or that of the sign-in.
func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p, err := s.request(r, q.Get("request"))
	if err != nil {
		s.broken(w, r, err)
		return
	}
	if p == nil {
		s.wrong(w, r, "The request has expired, or is of another browser. Go back to the app and begin anew.", "请求已过期，或来自其他浏览器，请返回应用重新开始。")
		return
	}
	if a := s.ask(w, r, p); a != nil {
		s.consentPage(w, r, http.StatusOK, a, q.Get("find"), false)
	}
}

// context is the patient that is given without a choice, "" where there is none.
func (a *asking) patient() string {
	switch {
	case a.launch != nil:
		return a.launch.Patient
	case strings.HasPrefix(a.session.Principal, "Patient/"):
		return a.session.Principal
	}
	return ""
}

// choose tells whether the page asks for a patient.
func (a *asking) choose() bool {
	return a.launch == nil && a.patient() == "" && (patientNeeded(a.p.Scope) || encounterAsked(a.p.Scope))
}

// encounterAsked tells whether an app asks for an encounter in context.
func encounterAsked(scope string) bool { return has(scope, "launch/encounter") }

// decide takes the decision.
func (s *Server) decide(w http.ResponseWriter, r *http.Request) {
	p := s.posted(w, r)
	if p == nil {
		return
	}
	a := s.ask(w, r, p)
	if a == nil {
		return
	}
	scope := chosen(p.Scope, r.PostForm["scope"])
	if r.PostForm.Get("decision") != "allow" || scope == "" {
		s.refuseAsked(w, r, a)
		return
	}
	t := Terms{Scope: scope, Patient: a.patient(), Nonce: p.Nonce, Session: a.session.ID, SignedIn: a.session.Shown, Methods: a.session.Methods}
	t.ACR, _ = a.p.met(a.session.Methods)
	if a.launch != nil {
		t.Encounter, t.Intent, t.Banner, t.Context = a.launch.Encounter, a.launch.Intent, a.launch.Banner, a.launch.Context
	}
	needed := patientNeeded(scope) || a.launch == nil && encounterAsked(scope)
	if a.choose() && needed {
		if id := r.PostForm.Get("patient"); id != "" {
			t.Patient = "Patient/" + id
		}
	}
	if needed {
		ok, err := s.reaches(r.Context(), a.who, t.Patient)
		if err != nil {
			s.broken(w, r, err)
			return
		}
		if !ok {
			s.consentPage(w, r, http.StatusUnprocessableEntity, a, "", true)
			return
		}
	}
	if a.launch == nil && encounterAsked(scope) && !s.encounter(w, r, a, &t) {
		return
	}
	s.allow(w, r, a, t)
}

// encounter takes the encounter of the patient that the person chose, or asks for
// one; false: it has answered. A patient without encounters has none in context, nor
// has whoever chooses none.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#requesting-context-with-scopes
func (s *Server) encounter(w http.ResponseWriter, r *http.Request, a *asking, t *Terms) bool {
	_, patient, _ := strings.Cut(t.Patient, "/")
	list, err := s.Chart.Encounters(r.Context(), a.who, patient)
	if err != nil {
		s.broken(w, r, err)
		return false
	}
	id := r.PostForm.Get("encounter")
	switch {
	case len(list) == 0 || id == "none":
		return true
	case slices.ContainsFunc(list, func(c Choice) bool { return c.ID == id }):
		t.Encounter = "Encounter/" + id
		return true
	}
	s.page(w, http.StatusOK, "encounter", map[string]any{"Request": a.p.ID, "Guard": s.guard(a.p), "App": a.client.Name,
		"Patient": patient, "Scopes": r.PostForm["scope"], "Encounters": list}, a.p.Redirect)
	return false
}

// allow keeps the grant and sends the code; a request and a launch are good once.
func (s *Server) allow(w http.ResponseWriter, r *http.Request, a *asking, t Terms) {
	ctx, now := r.Context(), s.clock()
	first, err := s.store.UseSlip(ctx, requestSlip, hashOf(a.p.ID), now)
	if err == nil && first && a.launch != nil {
		first, err = s.store.UseSlip(ctx, launchSlip, hashOf(a.p.Launch), now)
	}
	if err == nil && !first {
		s.wrong(w, r, "This was decided already. Go back to the app and begin anew.", "该请求已处理，请返回应用重新开始。")
		return
	}
	var g *Grant
	var code string
	if err == nil {
		g, err = s.newGrant(ctx, a.client, a.session.Principal, s.lifeOfGrant(t.Scope), t)
	}
	if err == nil {
		code, err = s.newCode(ctx, g, a.p.Redirect, a.p.Challenge)
	}
	if err == nil {
		err = s.Audit(ctx, Event{Operation: "consent", Principal: g.Principal, Patient: g.Patient, Client: g.Client, Outcome: http.StatusOK})
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.answer(w, r, a.p, url.Values{"code": {code}})
}

func (s *Server) refuseAsked(w http.ResponseWriter, r *http.Request, a *asking) {
	_, err := s.store.UseSlip(r.Context(), requestSlip, hashOf(a.p.ID), s.clock())
	if err == nil {
		err = s.Audit(r.Context(), Event{Operation: "consent", Principal: a.session.Principal, Client: a.client.ID, Outcome: http.StatusForbidden})
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.answer(w, r, a.p, refusalOf(fosite.ErrAccessDenied.WithHint("The person said no.")))
}

func (s *Server) lifeOfGrant(scope string) time.Duration {
	switch {
	case has(scope, "offline_access"):
		return grantLife
	case has(scope, "online_access"):
		return s.Life
	}
	return appLife
}

// optional tells a scope that the page lets the person leave out: what is about
// data, and access while the person is away.
func optional(scope string) bool {
	_, err := access.ParseScope(scope)
	return err == nil || scope == "offline_access"
}

// chosen is what the person allows of what was negotiated. Without anything about
// data, or the person's identity, nothing is allowed.
func chosen(negotiated string, ticked []string) string {
	var out []string
	useful := false
	for text := range strings.FieldsSeq(negotiated) {
		if optional(text) && !slices.Contains(ticked, text) {
			continue
		}
		_, err := access.ParseScope(text)
		useful = useful || err == nil || text == "openid" || text == "launch" || text == "launch/patient"
		out = append(out, text)
	}
	if !useful {
		return ""
	}
	return strings.Join(out, " ")
}
