package feed

import (
	"strings"

	"tenon/server/access"
)

// Warrant is by which leave an app subscribed for its user, or as a machine; without a
// Grant no app was between. What is told is judged by it, and ends with its grant.
// Each write by the app replaces it, so that a new grant goes on where an old one ends;
// a write without an app leaves it, so that nobody widens what an endpoint hears.
type Warrant struct {
	Subscription string `json:"-"`
	Client       string `json:"client,omitempty"`
	Patient      string `json:"patient,omitempty"` // in context
	Grant        string `json:"grant,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// warrantOf is the row that a caller's write of a subscription comes with.
func warrantOf(who *access.Context, id string) []any {
	if who.Scopes == nil {
		return nil
	}
	return []any{&Warrant{Subscription: id, Client: who.Scopes.Client, Patient: who.Scopes.Patient, Grant: who.Scopes.Grant, Scope: who.Scopes.String()}}
}

// authority is in whose name, and by whose leave, is told.
func (w *Warrant) authority(subscriber string) access.Authority {
	return access.Authority{Principal: subscriber, Grant: w.Grant, Scope: w.Scope}
}

// holds tells whether a caller may change what a subscriber has made, and hear it.
func (w *Warrant) holds(who *access.Context, subscriber string) bool {
	begun := &access.Context{Tenant: who.Tenant, Principal: subscriber}
	if w.Grant != "" {
		begun.Scopes = &access.Scopes{Client: w.Client, Patient: w.Patient, Grant: w.Grant}
		for text := range strings.FieldsSeq(w.Scope) {
			s, err := access.ParseScope(text)
			if err != nil {
				return false
			}
			begun.Scopes.List = append(begun.Scopes.List, s)
		}
	}
	return who.Holds(begun)
}

// authority is that of a subscription.
func (r *Row) authority() access.Authority { return r.Warrant.authority(r.Subscriber) }
