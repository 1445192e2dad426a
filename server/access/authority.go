package access

import "slices"

// Authority is in whose name, and by whose leave, something goes on when its
// request is over: it is kept with a job and turned into a Context each time that
// the job needs one.
type Authority struct {
	Principal string
	Grant     string // of the app that asked; "" where no app was between
	Scope     string // with a Grant: what the token of the request was good for
}

// Authority is that of the caller.
func (c *Context) Authority() Authority {
	a := Authority{Principal: c.Principal}
	if c.Scopes != nil {
		a.Grant, a.Scope = c.Scopes.Grant, c.Scopes.String()
	}
	return a
}

// Holds tells whether what was begun by another caller is the caller's too: by
// the same principal and, where an app asks, by this app, about the patient in
// its context and within its scopes. Who asks without an app holds all of his own.
func (c *Context) Holds(begun *Context) bool {
	if c == nil || begun == nil || c.Tenant != begun.Tenant || c.Principal != begun.Principal {
		return false
	}
	return c.Scopes == nil || begun.Scopes != nil && c.Scopes.cover(begun.Scopes)
}

// cover tells whether each scope of another set of the same app lies within one
// of these.
func (s *Scopes) cover(other *Scopes) bool {
	if s.Client != other.Client || s.Patient != other.Patient {
		return false
	}
	for _, narrow := range other.List {
		if !slices.ContainsFunc(s.List, narrow.Within) {
			return false
		}
	}
	return true
}

// Within tells whether whatever the scope allows is allowed by a wider one.
func (s Scope) Within(wide Scope) bool {
	return wide.For == s.For && (wide.Type == "*" || wide.Type == s.Type) && s.Verbs&^wide.Verbs == 0 &&
		!slices.ContainsFunc(wide.Params, func(p ScopeParam) bool { return !slices.Contains(s.Params, p) })
}

// String is the scopes in the grammar of version 2, by spaces.
func (s *Scopes) String() string {
	text := ""
	for i, one := range s.List {
		if i > 0 {
			text += " "
		}
		text += one.String()
	}
	return text
}
