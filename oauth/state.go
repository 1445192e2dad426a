package oauth

import (
	"context"
	"slices"
	"strings"
	"time"

	"tenon/server/access"
)

// App state: a small Basic that an app keeps here about a patient, its user or
// nobody, at an address of its own beside the record. It is no part of the record:
// no search of the record finds it, and the server makes no use of it.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html
//
// Four things decide, each of which must agree:
//
//	scope         user/Basic or patient/Basic, with no parameter but this very code
//	association   the code is of the app's own origin, or its registration names it
//	owner         the app wrote it itself, or its registration names the code
//	subject       the patient in context (patient/), or whom the user is or reaches (user/)
//
// What is about nobody is read with user/ scopes, and written by an administrator
// with an app whose registration names the code. What an app may not see is as
// though it were not there.

// Bounds of app state. The size of one is that of the standard.
const (
	largestState   = 256 << 10
	mostAlike      = 16        // of one app with one code about one subject
	mostStateBytes = 256 << 20 // of one app
)

// StateCode tells one kind of state from others.
type StateCode struct{ System, Code string }

func (c StateCode) String() string { return c.System + "|" + c.Code }

// State is one item of app state.
type State struct {
	ID      string
	Client  string
	Subject string // "Patient/x", "" about nobody
	Code    StateCode
	Version int64
	Updated time.Time
	Sealed  []byte // the Basic without id and meta, for this server's key alone
}

// States keeps app state.
type States interface {
	// AddState returns false where the app has alike many with this code and subject,
	// or bytes many of all, already.
	AddState(ctx context.Context, tenant string, x *State, alike int, bytes int64) (bool, error)
	// State returns nil where there is none.
	State(ctx context.Context, tenant, id string) (*State, error)
	// StatesOf are those of all apps, what was changed last at the end.
	StatesOf(ctx context.Context, tenant, subject string, code StateCode) ([]*State, error)
	// ReplaceState writes a version over the one before it; false: that is not the
	// newest, or the app has bytes many of all already.
	ReplaceState(ctx context.Context, tenant string, x *State, bytes int64) (bool, error)
	// DropState returns false where the version is not the newest.
	DropState(ctx context.Context, tenant, id string, version int64) (bool, error)
}

// stateCaller is an app that asks for state, in somebody's name.
type stateCaller struct {
	who *access.Context
	app *Client
}

// holds tells whether a scope is granted for the verb, whatever the code is.
func (c *stateCaller) holds(v access.Verb) bool {
	return slices.ContainsFunc(c.who.Scopes.List, func(s access.Scope) bool { return stateScope(&s, v, nil) })
}

// stateScope tells whether a scope is about app state with a code; nil: with any.
func stateScope(s *access.Scope, v access.Verb, code *StateCode) bool {
	if s.For == access.SystemScope || s.Type != "*" && s.Type != "Basic" || !s.Verbs.Has(v) {
		return false
	}
	return !slices.ContainsFunc(s.Params, func(p access.ScopeParam) bool {
		return p.Name != "code" || code != nil && p.Value != code.String()
	})
}

// named tells whether the registration names the code for the verb: an operator has
// looked at that.
func (c *stateCaller) named(v access.Verb, code StateCode) bool {
	return slices.ContainsFunc(c.app.Scopes, func(text string) bool {
		s, err := access.ParseScope(text)
		return err == nil && len(s.Params) > 0 && stateScope(&s, v, &code)
	})
}

// associated tells whether the app may use the code at all.
func (c *stateCaller) associated(v access.Verb, code StateCode) bool {
	return c.named(v, code) || slices.ContainsFunc(c.app.origins(), func(origin string) bool {
		return code.System == origin || strings.HasPrefix(code.System, origin+"/")
	})
}

// owns tells whether a state is the app's, or is shared with it.
func (c *stateCaller) owns(v access.Verb, x *State) bool {
	return x.Client == c.app.ID || c.named(v, x.Code)
}

// may tells whether the caller may do this with state of a code about a subject.
func (s *Server) may(ctx context.Context, c *stateCaller, v access.Verb, code StateCode, subject string) (bool, error) {
	if !c.associated(v, code) {
		return false, nil
	}
	of := func(whose string) bool {
		return slices.ContainsFunc(c.who.Scopes.List, func(s access.Scope) bool { return s.For == whose && stateScope(&s, v, &code) })
	}
	switch {
	case subject == "":
		return of(access.UserScope) && (v == access.Search || c.named(v, code) && slices.Contains(c.who.Roles, access.ADMIN) && c.who.Stepped() == nil), nil
	case of(access.UserScope) && (subject == c.who.Principal || subject == c.who.Person):
		return true, nil
	case of(access.UserScope), of(access.PatientScope) && subject == c.who.Scopes.Patient:
		return s.reachesSubject(ctx, c.who, subject)
	}
	return false, nil
}

// reachesSubject tells whether the user reaches a patient, whatever the app may
// read. What is about other users is theirs alone.
func (s *Server) reachesSubject(ctx context.Context, who *access.Context, subject string) (bool, error) {
	switch typ, _, _ := strings.Cut(subject, "/"); typ {
	case "Patient", "RelatedPerson", "Person":
		user := *who
		user.Scopes = nil
		return s.reaches(ctx, &user, subject)
	}
	return false, nil
}

// stateSeal names what is sealed, so that rows cannot be put in each other's place.
func stateSeal(x *State) string {
	return strings.Join([]string{"app state", x.ID, x.Client, x.Subject, x.Code.String()}, "\x00")
}
