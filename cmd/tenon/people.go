package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"tenon/oauth"
	"tenon/server/app"
)

type invite struct {
	app.Config `embed:""`
	Principal  string        `arg:"" help:"e.g. PractitionerRole/clin-wang"`
	Name       string        `required:"" help:"What the person types to sign in."`
	Life       time.Duration `help:"How long the invitation is good." default:"72h"`
}

// Run prints the address that the person opens, once.
func (i *invite) Run(ctx context.Context, out io.Writer) error {
	return opened(ctx, i.Config, func(a *app.App) error {
		address, err := a.Invite(ctx, i.Principal, i.Name, i.Life)
		if err == nil {
			_, err = fmt.Fprintln(out, address)
		}
		return err
	})
}

type userList struct {
	app.Config `embed:""`
}

// Run prints one line a name.
func (l *userList) Run(ctx context.Context, out io.Writer) error {
	return opened(ctx, l.Config, func(a *app.App) error {
		list, err := a.People(ctx)
		return told(out, list, err, func(one *oauth.Login) string {
			state := "open"
			if one.Locked.After(time.Now()) {
				state = "locked until " + one.Locked.UTC().Format(time.RFC3339)
			}
			return fmt.Sprintf("%s\t%s\t%s", one.Name, one.Principal, state)
		})
	})
}

type link struct {
	app.Config `embed:""`
	Principal  string `arg:"" help:"e.g. PractitionerRole/clin-wang"`
	Issuer     string `required:"" help:"Issuer of the other provider, as it is configured."`
	Subject    string `required:"" help:"What it calls the person (sub)."`
}

// Run links a person with a subject of another provider.
func (l *link) Run(ctx context.Context) error {
	return opened(ctx, l.Config, func(a *app.App) error { return a.Link(ctx, l.Issuer, l.Subject, l.Principal) })
}

// person is a command on one person.
type person struct {
	app.Config `embed:""`
	Principal  string `arg:"" help:"e.g. PractitionerRole/clin-wang"`
}

type (
	disable    person
	enable     person
	removeUser person
	signOut    person
)

// Run disables a person.
func (d *disable) Run(ctx context.Context) error {
	return opened(ctx, d.Config, func(a *app.App) error { return a.SetActive(ctx, d.Principal, false) })
}

// Run lets a disabled person act again.
func (e *enable) Run(ctx context.Context) error {
	return opened(ctx, e.Config, func(a *app.App) error { return a.SetActive(ctx, e.Principal, true) })
}

// Run removes a person's account.
func (r *removeUser) Run(ctx context.Context) error {
	return opened(ctx, r.Config, func(a *app.App) error { return a.RemovePerson(ctx, r.Principal) })
}

// Run ends a person's sessions.
func (s *signOut) Run(ctx context.Context, out io.Writer) error {
	return opened(ctx, s.Config, func(a *app.App) error {
		n, err := a.SignOut(ctx, s.Principal)
		if err == nil {
			_, err = fmt.Fprintf(out, "%d sessions ended\n", n)
		}
		return err
	})
}

type appWaiting struct {
	app.Config `embed:""`
}

// Run prints one line a registration.
func (c *appWaiting) Run(ctx context.Context, out io.Writer) error {
	return opened(ctx, c.Config, func(a *app.App) error {
		list, err := a.WaitingApps(ctx)
		return told(out, list, err, func(x *oauth.Client) string {
			return fmt.Sprintf("%s\t%s\t%q\t%q\t%s", x.ID, x.Method, x.Redirects, x.Scopes, x.Name)
		})
	})
}

// waitingApp is a command on a registration that waits.
type waitingApp struct {
	app.Config `embed:""`
	ID         string `arg:""`
}

type (
	appApprove waitingApp
	appReject  waitingApp
)

// Run approves it.
func (c *appApprove) Run(ctx context.Context) error {
	return opened(ctx, c.Config, func(a *app.App) error { return a.ApproveApp(ctx, c.ID, true) })
}

// Run removes it.
func (c *appReject) Run(ctx context.Context) error {
	return opened(ctx, c.Config, func(a *app.App) error { return a.ApproveApp(ctx, c.ID, false) })
}

// told prints one line for each of a list.
func told[T any](out io.Writer, list []T, err error, line func(T) string) error {
	for _, x := range list {
		if _, err := fmt.Fprintln(out, line(x)); err != nil {
			return err
		}
	}
	return err
}

// opened does something with an app that is closed afterwards.
func opened(ctx context.Context, c app.Config, do func(*app.App) error) error {
	a, err := app.Open(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	return do(a)
}
