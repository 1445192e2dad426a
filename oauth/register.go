package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Dynamic registration: an app asks, an administrator decides. Until then it is no
// app to anybody.
// https://www.rfc-editor.org/rfc/rfc7591

// How many may wait, and for how long.
const (
	mostPending = 100
	pendingLife = 30 * 24 * time.Hour
)

// metadata is what an app says of itself. Addresses that it names are fetched by
// nobody before its approval, and those of logos and policies never.
type metadata struct {
	Redirects []string        `json:"redirect_uris"`
	Method    string          `json:"token_endpoint_auth_method"`
	Grants    []string        `json:"grant_types"`
	Responses []string        `json:"response_types"`
	Name      string          `json:"client_name"`
	Scope     string          `json:"scope"`
	Contacts  []string        `json:"contacts"`
	Keys      json.RawMessage `json:"jwks"`
	KeysURL   string          `json:"jwks_uri"`
	Launch    string          `json:"initiate_login_uri"`
	Statement string          `json:"software_statement"`
}

// errMetadata is what is wrong with a registration, in the words of RFC 7591 §3.2.2.
type errMetadata struct{ code, text string }

func (e errMetadata) Error() string { return e.code + ": " + e.text }

func badMetadata(format string, args ...any) error {
	return errMetadata{"invalid_client_metadata", fmt.Sprintf(format, args...)}
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	c, secret, err := s.registered(w, r)
	if known := (errMetadata{}); errors.As(err, &known) {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": known.code, "error_description": known.text})
		return
	}
	if err == nil {
		err = s.Audit(r.Context(), Event{Operation: "register-app", Client: c.ID, Outcome: http.StatusAccepted})
	}
	if err != nil {
		s.Log.Error("register", "error", err)
		writeJSON(w, http.StatusInternalServerError, map[string]string{"error": "server_error"})
		return
	}
	writeJSON(w, http.StatusCreated, c.information(secret))
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// registered keeps what is asked for, unapproved.
func (s *Server) registered(w http.ResponseWriter, r *http.Request) (*Client, string, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, "", badMetadata("the body must be application/json")
	}
	var m metadata
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestForm)).Decode(&m); err != nil {
		return nil, "", badMetadata("the body is no JSON object of client metadata")
	}
	c, secret, err := s.clientOf(&m)
	if err != nil {
		return nil, "", err
	}
	waiting, err := s.Waiting(r.Context())
	if err != nil {
		return nil, "", err
	}
	if len(waiting) >= mostPending {
		return nil, "", badMetadata("%d registrations wait for approval already; ask the operator", len(waiting))
	}
	return c, secret, s.store.PutClient(r.Context(), c)
}

// methodsOf are the ways of RFC 7591 in our words.
var methodsOf = map[string]string{"none": MethodNone, "": MethodSecret, "client_secret_basic": MethodSecret, "client_secret_post": MethodSecret, "private_key_jwt": MethodKey}

func (s *Server) clientOf(m *metadata) (*Client, string, error) {
	method, known := methodsOf[m.Method]
	switch {
	case m.Statement != "":
		return nil, "", errMetadata{"unapproved_software_statement", "software statements are not taken here"}
	case !known:
		return nil, "", badMetadata("token_endpoint_auth_method is none, client_secret_basic, client_secret_post or private_key_jwt")
	case slices.ContainsFunc(m.Grants, func(g string) bool { return g != "authorization_code" && g != "refresh_token" }):
		return nil, "", badMetadata("grant_types are authorization_code and refresh_token; backends are registered by the operator")
	case slices.ContainsFunc(m.Responses, func(g string) bool { return g != "code" }):
		return nil, "", badMetadata("response_types is code")
	case len(m.Redirects) == 0 || len(m.Redirects) > 10 || len(m.Contacts) > 10:
		return nil, "", errMetadata{"invalid_redirect_uri", "one to ten redirect_uris are needed"}
	}
	id, err := s.secret("")
	if err != nil {
		return nil, "", err
	}
	now := s.clock().UTC()
	c := &Client{ID: "dyn-" + strings.Trim(id[:20], "-_") + "0", Tenant: s.Tenant, Name: m.Name, Method: method, Redirects: m.Redirects, Launch: m.Launch,
		Scopes: strings.Fields(m.Scope), Keys: m.Keys, KeysURL: m.KeysURL, Created: now, Pending: true, Contacts: m.Contacts}
	secret := ""
	if method == MethodSecret {
		if secret, err = s.secret(""); err == nil {
			c.Secret, err = HashSecret(secret)
		}
		if err != nil {
			return nil, "", err
		}
	}
	if err := c.checkURLs(); err != nil {
		return nil, "", errMetadata{"invalid_redirect_uri", err.Error()}
	}
	if err := c.Check(); err != nil {
		return nil, "", badMetadata("%v", err)
	}
	return c, secret, nil
}

// information is the answer of RFC 7591 §3.2.1.
func (c *Client) information(secret string) map[string]any {
	m := map[string]any{"client_id": c.ID, "client_id_issued_at": c.Created.Unix(), "client_name": c.Name, "redirect_uris": c.Redirects,
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}, "scope": strings.Join(c.Scopes, " "),
		"token_endpoint_auth_method": map[string]string{MethodNone: "none", MethodSecret: "client_secret_basic", MethodKey: "private_key_jwt"}[c.Method],
		"approval_status":            "pending"}
	if secret != "" {
		m["client_secret"], m["client_secret_expires_at"] = secret, 0
	}
	if c.KeysURL != "" {
		m["jwks_uri"] = c.KeysURL
	}
	if len(c.Keys) > 0 {
		m["jwks"] = c.Keys
	}
	return m
}

// Waiting are the registrations that nobody has decided on. Those that waited too
// long are forgotten.
func (s *Server) Waiting(ctx context.Context) ([]*Client, error) {
	all, err := s.store.Clients(ctx, s.Tenant)
	if err != nil {
		return nil, err
	}
	var list []*Client
	for _, c := range all {
		switch {
		case !c.Pending:
		case s.clock().After(c.Created.Add(pendingLife)):
			if _, err := s.store.RemoveClient(ctx, s.Tenant, c.ID); err != nil {
				return nil, err
			}
		default:
			list = append(list, c)
		}
	}
	return list, nil
}

// Approve makes a registration that waits an app, or removes it. False: there is
// none that waits.
func (s *Server) Approve(ctx context.Context, by, id string, yes bool) (bool, error) {
	c, err := s.store.Client(ctx, s.Tenant, id)
	if err != nil || c == nil || !c.Pending {
		return false, err
	}
	e := Event{Operation: "approve-app", Principal: by, Client: id, Outcome: http.StatusOK}
	if yes {
		c.Pending = false
		err = s.store.PutClient(ctx, c)
	} else {
		e.Operation = "reject-app"
		_, err = s.store.RemoveClient(ctx, s.Tenant, id)
	}
	if err != nil {
		return false, err
	}
	return true, s.Audit(ctx, e)
}
