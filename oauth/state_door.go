package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// statePath is the FHIR base of app state.
const statePath = "/oauth/app-state"

// stateRoutes are the interactions that the standard names, and no other.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html#app-state-interactions
func (s *Server) stateRoutes(m *http.ServeMux) {
	m.HandleFunc("POST "+statePath+"/Basic", s.stateDoor(access.Create, s.createState))
	m.HandleFunc("GET "+statePath+"/Basic", s.stateDoor(access.Search, s.searchState))
	m.HandleFunc("PUT "+statePath+"/Basic/{id}", s.stateDoor(access.Update, s.updateState))
	m.HandleFunc("DELETE "+statePath+"/Basic/{id}", s.stateDoor(access.Delete, s.deleteState))
	m.HandleFunc("OPTIONS "+statePath+"/Basic", s.statePreflight)
	m.HandleFunc("OPTIONS "+statePath+"/Basic/{id}", s.statePreflight)
	m.HandleFunc(statePath+"/metadata", func(w http.ResponseWriter, r *http.Request) { published(w, r, s.stateCapability()) })
}

func (s *Server) statePreflight(w http.ResponseWriter, r *http.Request) {
	s.cors(w, r)
	if w.Header().Get("Access-Control-Allow-Origin") != "" {
		w.Header().Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
		w.Header().Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, If-Match")
	}
	w.WriteHeader(http.StatusNoContent)
}

// stateAnswer is what a handler has to say.
type stateAnswer struct {
	status int
	state  *State
	body   json.RawMessage
}

type stateHandler func(w http.ResponseWriter, r *http.Request, c *stateCaller) (*stateAnswer, error)

var stateWord = map[access.Verb]string{access.Create: "create", access.Search: "search", access.Update: "update", access.Delete: "delete"}

// stateDoor finds the caller, has the request answered and audits it before the
// answer leaves.
func (s *Server) stateDoor(v access.Verb, next stateHandler) http.HandlerFunc {
	return s.limited(func(w http.ResponseWriter, r *http.Request) {
		s.cors(w, r)
		w.Header().Set("Access-Control-Expose-Headers", "ETag, Location, WWW-Authenticate")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/fhir+json")
		e := Event{Operation: "app-state-" + stateWord[v]}
		var a *stateAnswer
		c, err := s.stateCaller(r, v, &e)
		if err == nil {
			a, err = next(w, r, c)
		}
		if a != nil && a.state != nil && strings.HasPrefix(a.state.Subject, "Patient/") {
			e.Patient = a.state.Subject
		}
		e.Outcome = statusOf(a, err)
		if audited := s.Audit(r.Context(), e); audited != nil {
			a, err = nil, errors.Join(audited, err)
		}
		s.writeState(w, r, a, err)
	})
}

func statusOf(a *stateAnswer, err error) int {
	switch f := issue.As(err); {
	case f != nil:
		return f.HTTPStatus()
	case err != nil:
		return http.StatusInternalServerError
	}
	return a.status
}

// stateCaller is the app that asks. Without an app there is no app state, and
// without a scope nothing is said of any.
func (s *Server) stateCaller(r *http.Request, v access.Verb, e *Event) (*stateCaller, error) {
	who, err := s.Provider.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	if e.Principal = who.Principal; who.Scopes == nil {
		return nil, issue.Errorf(issue.Forbidden, "App state is asked for with the token of an app.").Rule("app-state").Chinese("仅应用可使用此接口。")
	}
	e.Client = who.Scopes.Client
	app, err := s.client(r.Context(), who.Scopes.Client)
	if err != nil {
		return nil, err
	}
	c := &stateCaller{who, app}
	if app == nil || !c.holds(v) {
		return nil, stateForbidden("The token has no scope to %s app state: ask for one such as patient/Basic.cuds.", stateWord[v])
	}
	return c, nil
}

func stateForbidden(format string, args ...any) error {
	return issue.Errorf(issue.Forbidden, format, args...).Rule(access.InsufficientScope).Chinese("该应用的授权范围不允许此操作。")
}

// notTheirs is the answer to a code or a subject that is not the app's to ask about:
// the same for those that are there and those that are not.
func notTheirs() error {
	return stateForbidden("This app may not do this with state of this code about this subject: the code is of the app's own origin or named in its registration; the subject is the patient in context, the user, or a patient whom the user may see.")
}

func failedPrecondition() error {
	return issue.Errorf(issue.Conflict, "There is no such state in this version, or its code or subject is another: search for it and try again.").
		WithStatus(http.StatusPreconditionFailed).At("If-Match").Rule("version").Chinese("数据已被修改或不存在，请重新查询。")
}

func (s *Server) createState(w http.ResponseWriter, r *http.Request, c *stateCaller) (*stateAnswer, error) {
	b, subject, err := s.postedState(w, r)
	if err != nil {
		return nil, err
	}
	if _, versioned := b.Meta["versionId"]; versioned || b.ID != "" {
		return nil, badState("Basic.id", "A new state has no id and no meta.versionId: the server gives them.")
	}
	ctx := r.Context()
	if ok, err := s.may(ctx, c, access.Create, b.coding(), subject); err != nil || !ok {
		return nil, or(err, notTheirs)
	}
	id, err := uuid.NewRandomFromReader(s.Random)
	if err != nil {
		return nil, err
	}
	x := &State{ID: id.String(), Client: c.app.ID, Subject: subject, Code: b.coding(), Version: 1, Updated: s.clock().UTC().Truncate(time.Microsecond)}
	if err := s.sealState(x, b); err != nil {
		return nil, err
	}
	if kept, err := s.store.AddState(ctx, s.Tenant, x, mostAlike, mostStateBytes); err != nil || !kept {
		return nil, or(err, stateFull)
	}
	w.Header().Set("Location", s.at(statePath)+"/Basic/"+x.ID)
	return s.stated(http.StatusCreated, x)
}

func or(err error, refusal func() error) error {
	if err != nil {
		return err
	}
	return refusal()
}

func stateFull() error {
	return issue.Errorf(issue.TooCostly, "An app keeps at most %d states of one code about one subject, and %d MiB in all: delete what it does not need.", mostAlike, mostStateBytes>>20).
		WithStatus(422).Rule("app-state").Chinese("应用自存数据已达上限。")
}

// found is a state that the caller may do this with; one that he may not is as
// though it were not there.
func (s *Server) found(r *http.Request, c *stateCaller, v access.Verb) (*State, error) {
	match := r.Header.Get("If-Match")
	if match == "" {
		return nil, issue.Errorf(issue.Required, `If-Match is needed, such as W/"1", with the ETag of the state as it was read.`).
			WithStatus(http.StatusPreconditionRequired).At("If-Match").Rule("version").Chinese("缺少 If-Match。")
	}
	x, err := s.store.State(r.Context(), s.Tenant, r.PathValue("id"))
	if err != nil || x == nil || match != etagOf(x) || !c.owns(v, x) {
		return nil, or(err, failedPrecondition)
	}
	if ok, err := s.may(r.Context(), c, v, x.Code, x.Subject); err != nil || !ok {
		return nil, or(err, failedPrecondition)
	}
	return x, nil
}

func etagOf(x *State) string { return `W/"` + strconv.FormatInt(x.Version, 10) + `"` }

func (s *Server) updateState(w http.ResponseWriter, r *http.Request, c *stateCaller) (*stateAnswer, error) {
	b, subject, err := s.postedState(w, r)
	if err != nil {
		return nil, err
	}
	if b.ID != r.PathValue("id") {
		return nil, badState("Basic.id", "The id is that of the address.")
	}
	x, err := s.found(r, c, access.Update)
	if err != nil {
		return nil, err
	}
	if b.coding() != x.Code || subject != x.Subject {
		return nil, failedPrecondition()
	}
	x.Version, x.Updated = x.Version+1, s.clock().UTC().Truncate(time.Microsecond)
	if err := s.sealState(x, b); err != nil {
		return nil, err
	}
	kept, err := s.store.ReplaceState(r.Context(), s.Tenant, x, mostStateBytes)
	if err == nil && !kept {
		now, err := s.store.State(r.Context(), s.Tenant, x.ID)
		if err == nil && now != nil && now.Version == x.Version-1 {
			return nil, stateFull()
		}
		return nil, or(err, failedPrecondition)
	}
	if err != nil {
		return nil, err
	}
	return s.stated(http.StatusOK, x)
}

func (s *Server) deleteState(_ http.ResponseWriter, r *http.Request, c *stateCaller) (*stateAnswer, error) {
	x, err := s.found(r, c, access.Delete)
	if err != nil {
		return nil, err
	}
	if gone, err := s.store.DropState(r.Context(), s.Tenant, x.ID, x.Version); err != nil || !gone {
		return nil, or(err, failedPrecondition)
	}
	return &stateAnswer{status: http.StatusNoContent, state: &State{Subject: x.Subject}}, nil
}

// stated answers with a state.
func (s *Server) stated(status int, x *State) (*stateAnswer, error) {
	body, err := s.shown(x)
	return &stateAnswer{status, x, body}, err
}

// postedState reads the body of a request.
func (s *Server) postedState(w http.ResponseWriter, r *http.Request) (*stateBody, string, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/fhir+json" && kind != "application/json" {
		return nil, "", issue.Errorf(issue.NotSupported, "App state is sent as application/fhir+json.").WithStatus(http.StatusUnsupportedMediaType).At("Content-Type").Rule("content-type")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestState))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, "", issue.Errorf(issue.TooLong, "App state has at most %d KiB.", largestState>>10).WithStatus(http.StatusRequestEntityTooLarge).Rule("app-state").Chinese("应用自存数据过大。")
	}
	if err != nil {
		return nil, "", issue.Errorf(issue.Structure, "The body cannot be read.").Rule("app-state")
	}
	return s.readState(text)
}

// searchState answers ?code=system|code with &subject= or &subject:missing=true.
func (s *Server) searchState(_ http.ResponseWriter, r *http.Request, c *stateCaller) (*stateAnswer, error) {
	code, subject, err := s.stateQuery(r)
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if ok, err := s.may(ctx, c, access.Search, code, subject); err != nil || !ok {
		return nil, or(err, notTheirs)
	}
	all, err := s.store.StatesOf(ctx, s.Tenant, subject, code)
	if err != nil {
		return nil, err
	}
	body, err := s.stateBundle(c, all)
	return &stateAnswer{http.StatusOK, &State{Subject: subject}, body}, err
}

func (s *Server) stateQuery(r *http.Request) (code StateCode, subject string, err error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return code, "", badState("code", "The query cannot be read.")
	}
	for name, values := range q {
		if len(values) != 1 || name != "code" && name != "subject" && name != "subject:missing" && name != "_format" {
			return code, "", badState("code", "App state is searched for by code and subject, or by code and subject:missing=true, each once.")
		}
	}
	var whole bool
	if code.System, code.Code, whole = strings.Cut(q.Get("code"), "|"); !whole || code.System == "" || code.Code == "" {
		return code, "", badState("code", "The code is system|code.")
	}
	if q.Has("subject") == q.Has("subject:missing") || q.Has("subject:missing") && q.Get("subject:missing") != "true" {
		return code, "", badState("subject", "Either subject or subject:missing=true is needed.")
	}
	if q.Has("subject") {
		subject, err = s.subjectOf("subject", q.Get("subject"))
	}
	return code, subject, err
}

// stateBundle holds what of the states is the app's to see.
func (s *Server) stateBundle(c *stateCaller, all []*State) (json.RawMessage, error) {
	type mode struct {
		Mode string `json:"mode"`
	}
	type entry struct {
		FullURL  string          `json:"fullUrl"`
		Resource json.RawMessage `json:"resource"`
		Search   mode            `json:"search"`
	}
	list := []entry{}
	for _, x := range all {
		if !c.owns(access.Search, x) {
			continue
		}
		body, err := s.shown(x)
		if err != nil {
			return nil, err
		}
		list = append(list, entry{s.at(statePath) + "/Basic/" + x.ID, body, mode{"match"}})
	}
	bundle := map[string]any{"resourceType": "Bundle", "type": "searchset", "total": len(list)}
	if len(list) > 0 { // FHIR has no empty lists
		bundle["entry"] = list
	}
	return json.Marshal(bundle)
}

func (s *Server) writeState(w http.ResponseWriter, r *http.Request, a *stateAnswer, err error) {
	if f := issue.As(err); f != nil {
		if f.HTTPStatus() == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", "Bearer")
		}
		w.WriteHeader(f.HTTPStatus())
		_ = json.NewEncoder(w).Encode(f.Outcome())
		return
	}
	if err != nil {
		s.Log.Error("app state", "request", r.Header.Get("X-Request-Id"), "route", r.Pattern, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		_ = json.NewEncoder(w).Encode(issue.Errorf(issue.Exception, "The server failed. Try again later.").Outcome())
		return
	}
	if a.state != nil && a.state.Version > 0 {
		w.Header().Set("ETag", etagOf(a.state))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// stateCapability is what the address can do, without a token.
// https://hl7.org/fhir/smart-app-launch/STU2.2/CapabilityStatement-smart-app-state-server.html
func (s *Server) stateCapability() map[string]any {
	code := func(c string) map[string]any { return map[string]any{"code": c} }
	param := func(name, typ string) map[string]any { return map[string]any{"name": name, "type": typ} }
	return map[string]any{
		"resourceType": "CapabilityStatement", "status": "active", "date": "2026-11-24", "kind": "instance", "fhirVersion": "4.0.1",
		"format": []string{"json"}, "implementation": map[string]any{"description": "SMART App State", "url": s.at(statePath)},
		"instantiates": []string{"http://hl7.org/fhir/smart-app-launch/CapabilityStatement/smart-app-state-server"},
		"rest": []any{map[string]any{
			"mode":          "server",
			"documentation": fmt.Sprintf("At most %d KiB each, %d of one code about one subject, %d MiB of one app; kept while the app is registered and the subject is there.", largestState>>10, mostAlike, mostStateBytes>>20),
			"resource": []any{map[string]any{
				"type": "Basic", "supportedProfile": []string{"http://hl7.org/fhir/smart-app-launch/StructureDefinition/smart-app-state-basic"},
				"versioning": "versioned-update", "interaction": []any{code("create"), code("update"), code("delete"), code("search-type")},
				"searchParam": []any{param("code", "token"), param("subject", "reference")},
			}},
		}},
	}
}
