package oauth

import (
	"slices"
	"strings"

	"tenon/server/access"
)

// mostScopes bounds what is asked for at once.
const mostScopes = 100

// negotiate is what of the scopes that are asked for an app may get: each is
// narrowed to what it is registered for; what is unknown is left out. system
// tells the scopes of a backend from those of an app of persons.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
func (s *Server) negotiate(c *Client, asked string, system bool) []string {
	var granted []string
	add := func(text string) {
		if !slices.Contains(granted, text) && len(granted) < mostScopes {
			granted = append(granted, text)
		}
	}
	for text := range strings.FieldsSeq(asked) {
		if slices.Contains(plain, text) {
			if !system && slices.Contains(c.Scopes, text) && (text != "openid" && text != "fhirUser" || s.Signing != nil) {
				add(text)
			}
			continue
		}
		want, err := access.ParseScope(text)
		if err != nil || (want.For == access.SystemScope) != system || want.Type != "*" && !s.IsType(want.Type) || !s.compiles(want) {
			continue
		}
		for _, got := range within(c, want) {
			if got.String() == want.String() {
				add(text) // in the words of the app, which may be those of version 1
			} else {
				add(got.String())
			}
		}
	}
	return granted
}

// within narrows one scope to the registered ones.
func within(c *Client, want access.Scope) (list []access.Scope) {
	for _, text := range c.Scopes {
		have, err := access.ParseScope(text)
		if err != nil || have.For != want.For {
			continue
		}
		got := want
		got.Verbs &= have.Verbs
		switch {
		case have.Type == "*" || have.Type == want.Type:
		case want.Type == "*":
			got.Type = have.Type
		default:
			continue
		}
		got.Params = slices.Clone(want.Params)
		for _, p := range have.Params {
			if !slices.Contains(got.Params, p) {
				got.Params = append(got.Params, p)
			}
		}
		if len(got.Params) > 0 && !ofState(&got) {
			got.Verbs &= readOnly // what a condition leaves is known of what is stored alone
		}
		if got.Verbs != 0 && !slices.ContainsFunc(list, func(l access.Scope) bool { return l.String() == got.String() }) {
			list = append(list, got)
		}
	}
	return list
}

// readOnly are the verbs that a scope with parameters is granted for.
var readOnly = func() access.Verbs {
	s, err := access.ParseScope("user/*.rs")
	if err != nil {
		panic(err)
	}
	return s.Verbs
}()

// ofState tells a scope on app state by its code, which holds for writes there. In
// the record no write is covered by a scope with parameters (access.Confine).
func ofState(s *access.Scope) bool {
	return s.Type == "Basic" && !slices.ContainsFunc(s.Params, func(p access.ScopeParam) bool { return p.Name != "code" })
}

// compiles tells whether the search parameters of a scope are ones.
func (s *Server) compiles(want access.Scope) bool {
	if len(want.Params) == 0 {
		return true
	}
	if s.Provider.Compile == nil {
		return false
	}
	_, err := s.Provider.Compile(want.Type, want.Params)
	return err == nil
}

// subset tells whether every scope of one list lies in another, and gives it.
// What is not there word by word may be a part of a wider scope.
func subset(of, asked string) (string, bool) {
	var out []string
	for text := range strings.FieldsSeq(asked) {
		if !has(of, text) && !partOf(of, text) {
			return "", false
		}
		out = append(out, text)
	}
	return strings.Join(out, " "), len(out) > 0
}

func partOf(of, text string) bool {
	want, err := access.ParseScope(text)
	if err != nil {
		return false
	}
	for wide := range strings.FieldsSeq(of) {
		have, err := access.ParseScope(wide)
		if err == nil && want.Within(have) {
			return true
		}
	}
	return false
}
