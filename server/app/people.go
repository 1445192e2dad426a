package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tenon/oauth"
	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/search"
)

// The life of a person's account, from invitation to removal. Who a person is and
// which roles it holds stands in the directory (FHIR); this is how it comes in.

// Invite makes the address at which a person chooses a password, good once.
func (a *App) Invite(ctx context.Context, principal, name string, life time.Duration) (string, error) {
	return a.apps.Invite(ctx, principal, name, life)
}

// People lists who can sign in.
func (a *App) People(ctx context.Context) ([]*oauth.Login, error) {
	return a.Store.LoginNames(ctx, "main")
}

// SignOut ends all sessions of a person.
func (a *App) SignOut(ctx context.Context, principal string) (int, error) {
	return a.apps.SignOut(ctx, principal)
}

// SetActive says in the directory whether a person may act: all tokens of one who
// may not are refused within a second, on all servers.
func (a *App) SetActive(ctx context.Context, principal string, active bool) error {
	typ, id, _ := strings.Cut(principal, "/")
	if typ != "PractitionerRole" && typ != "Patient" && typ != "RelatedPerson" && typ != "Device" {
		return fmt.Errorf("%s is neither a PractitionerRole, a Patient, a RelatedPerson nor a Device", principal)
	}
	body, err := directory{a.Store}.Resource(ctx, typ, id)
	if err == nil && body == nil {
		err = fmt.Errorf("there is no %s", principal)
	}
	if err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return err
	}
	fields["active"], _ = json.Marshal(active)
	if body, err = json.Marshal(fields); err != nil {
		return err
	}
	_, err = a.Recorder.Submit(ctx, operatorOf(""), &record.Draft{Door: "cli", Operation: "update", Ops: []record.Op{{Method: "PUT", Type: typ, ID: id, Body: body}}})
	return err
}

// RemovePerson ends a person's account: not active, no name, no second factor, no
// session, no app. The directory keeps who it was.
func (a *App) RemovePerson(ctx context.Context, principal string) error {
	if err := a.SetActive(ctx, principal, false); err != nil {
		return err
	}
	return a.apps.Remove(ctx, principal)
}

// WaitingApps are registrations that wait for approval.
func (a *App) WaitingApps(ctx context.Context) ([]*oauth.Client, error) { return a.apps.Waiting(ctx) }

// ApproveApp decides on a registration that waits.
func (a *App) ApproveApp(ctx context.Context, id string, yes bool) error {
	found, err := a.apps.Approve(ctx, operator, id, yes)
	if err == nil && !found {
		err = fmt.Errorf("no app %q waits for approval", id)
	}
	return err
}

// Link says whom a subject of another provider is here.
func (a *App) Link(ctx context.Context, issuer, subject, principal string) error {
	return a.apps.Link(ctx, issuer, subject, principal)
}

// staff are the active roles of the one Practitioner with a number; none where the
// number is of several people.
func (a *App) staff(ctx context.Context, system, value string) ([]string, error) {
	self := &access.Context{Tenant: "main", Kind: access.Server, Principal: "server"}
	escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `$`, `\$`, `|`, `\|`).Replace
	people, _, err := a.Recorder.Search(ctx, self, "Practitioner", []search.Param{{Name: "identifier", Value: escape(system) + "|" + escape(value)}, {Name: "_count", Value: "2"}}, true)
	if err != nil || len(people.Hits) != 1 {
		return nil, err
	}
	roles, _, err := a.Recorder.Search(ctx, self, "PractitionerRole", []search.Param{{Name: "practitioner", Value: "Practitioner/" + people.Hits[0].ID}, {Name: "active", Value: "true"}, {Name: "_count", Value: "2"}}, true)
	if err != nil {
		return nil, err
	}
	var list []string
	for _, hit := range roles.Hits {
		list = append(list, "PractitionerRole/"+hit.ID)
	}
	return list, nil
}
