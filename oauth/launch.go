package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// launchLife is how long an app has to begin after it was launched.
const launchLife = 10 * time.Minute

// launchBody is the context that an app is launched with: for one person and one
// app.
type launchBody struct {
	Principal string          `json:"principal"`
	Client    string          `json:"client"`
	Patient   string          `json:"patient,omitempty"`
	Encounter string          `json:"encounter,omitempty"`
	Intent    string          `json:"intent,omitempty"`
	Banner    *bool           `json:"needPatientBanner,omitempty"`
	Context   json.RawMessage `json:"fhirContext,omitempty"`
}

// launch makes an opaque launch for the caller, who comes with a token of the
// EHR, and tells the address to open.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#launch-app-ehr-launch
func (s *Server) launch(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	w.Header().Set("Cache-Control", "no-store")
	b, address, err := s.launchFor(ctx, w, r)
	var token string
	if err == nil {
		token, err = s.keepLaunch(ctx, b)
	}
	if f := issue.As(err); f != nil {
		w.Header().Set("Content-Type", "application/fhir+json")
		w.WriteHeader(f.HTTPStatus())
		_ = json.NewEncoder(w).Encode(f.Outcome())
		return
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	address = s.launchAddress(address, token)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"launch": token, "url": address.String()})
}

func (s *Server) launchFor(ctx context.Context, w http.ResponseWriter, r *http.Request) (*launchBody, *url.URL, error) {
	who, err := s.Provider.Authenticate(ctx, r.Header.Get("Authorization"))
	if err != nil {
		return nil, nil, err
	}
	if err := who.NoApp(); err != nil {
		return nil, nil, err
	}
	if who.Kind != access.Person && who.Kind != access.Patient {
		return nil, nil, badLaunch("", "Only a person launches an app.")
	}
	var b launchBody
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestForm))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return nil, nil, badLaunch("", "The body is not a JSON object with client, patient, encounter, intent, needPatientBanner and fhirContext.")
	}
	u, err := s.judgeLaunch(ctx, who, &b)
	return &b, u, err
}

func badLaunch(at, text string) error {
	return issue.Errorf(issue.Invalid, "%s", text).WithStatus(400).At(at).Rule("launch").Chinese("启动请求有误。")
}

// judgeLaunch finds where the app of a launch is opened, by whom it is, and that
// the person reaches what it is about.
func (s *Server) judgeLaunch(ctx context.Context, who *access.Context, b *launchBody) (*url.URL, error) {
	b.Principal = who.Principal
	c, err := s.client(ctx, b.Client)
	if err != nil {
		return nil, err
	}
	if c == nil || c.Launch == "" {
		return nil, badLaunch("client", "The app is unknown, or has no launch URL.")
	}
	if !soundContext(b.Context) || len(b.Intent) > 200 {
		return nil, badLaunch("fhirContext", "fhirContext is a list of objects with a reference, a canonical or an identifier, none of them a Patient or Encounter without a role.")
	}
	for at, ref := range map[string]*string{"Patient": &b.Patient, "Encounter": &b.Encounter} {
		if *ref == "" {
			continue
		}
		*ref = at + "/" + strings.TrimPrefix(*ref, at+"/")
		if ok, err := s.reaches(ctx, who, *ref); err != nil {
			return nil, err
		} else if !ok {
			return nil, issue.Errorf(issue.NotFound, "There is no %s.", *ref).At(strings.ToLower(at)).Rule("not-found").Chinese("资源不存在或不可见。")
		}
	}
	return url.Parse(c.Launch)
}

// reaches tells whether a person reaches what would be in context.
func (s *Server) reaches(ctx context.Context, who *access.Context, ref string) (bool, error) {
	typ, id, _ := strings.Cut(ref, "/")
	if s.Chart == nil || id == "" {
		return false, nil
	}
	return s.Chart.Reaches(ctx, who, typ, id)
}

func (s *Server) keepLaunch(ctx context.Context, b *launchBody) (string, error) {
	token, err := s.secret("")
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(b)
	if err != nil {
		return "", err
	}
	_, err = s.store.PutSlip(ctx, &Slip{Kind: launchSlip, Hash: hashOf(token), Expires: s.clock().Add(launchLife), Body: string(body)})
	return token, err
}

// launched is the context of a request that an EHR began: its app's and, where
// principal is known, its person's.
func (s *Server) launched(ctx context.Context, p *pending, principal string) (*launchBody, error) {
	refused := fosite.ErrInvalidRequest.WithHint("launch is missing, unknown, used or expired, or the scope launch was not granted: launch the app anew.")
	if p.Launch == "" || !has(p.Scope, "launch") {
		return nil, refused
	}
	slip, err := s.store.Slip(ctx, launchSlip, hashOf(p.Launch))
	if err != nil {
		return nil, err
	}
	if slip == nil || !slip.Used.IsZero() || !s.clock().Before(slip.Expires) {
		return nil, refused
	}
	b := new(launchBody)
	if err := json.Unmarshal([]byte(slip.Body), b); err != nil {
		return nil, err
	}
	if b.Client != p.Client || principal != "" && b.Principal != principal {
		return nil, refused
	}
	return b, nil
}

// soundContext judges a fhirContext.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#fhircontext
func soundContext(text json.RawMessage) bool {
	if len(text) == 0 {
		return true
	}
	var list []struct {
		Reference  string          `json:"reference"`
		Canonical  string          `json:"canonical"`
		Identifier json.RawMessage `json:"identifier"`
		Role       *string         `json:"role"`
	}
	if json.Unmarshal(text, &list) != nil {
		return false
	}
	for _, c := range list {
		if c.Reference == "" && c.Canonical == "" && len(c.Identifier) == 0 || c.Role != nil && *c.Role != "launch" && !strings.Contains(*c.Role, ":") { // other roles are absolute URIs
			return false
		}
		own := strings.HasPrefix(c.Reference, "Patient/") || strings.HasPrefix(c.Reference, "Encounter/")
		if own && (c.Role == nil || *c.Role == "launch") {
			return false
		}
	}
	return true
}
