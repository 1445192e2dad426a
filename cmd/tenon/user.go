package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tenon/server/app"
)

type user struct {
	Token    token    `cmd:"" help:"Issue an access token for a PractitionerRole, Patient, RelatedPerson or Device; it is printed once."`
	Revoke   revoke   `cmd:"" help:"Make a token worthless."`
	Password password `cmd:"" help:"Let a person sign in by a name; the password is read from standard input."`
	Key      key      `cmd:"" help:"Issue a signing key; the person's secret is read from standard input."`

	SecondFactor secondFactor `cmd:"" help:"Give a person a second factor for the sign-in (an authenticator app), or take all away, security keys too."`

	Invite  invite     `cmd:"" help:"Print an address at which a person chooses a password, good once."`
	List    userList   `cmd:"" help:"List who can sign in: name, principal, state."`
	SignOut signOut    `cmd:"" help:"End all sessions of a person, and the apps that work online in them."`
	Link    link       `cmd:"" help:"Say whom a subject of another OpenID provider is here."`
	Disable disable    `cmd:"" help:"Say in the directory that a person is not active: all tokens are refused within a second."`
	Enable  enable     `cmd:"" help:"Let a disabled person act again."`
	Remove  removeUser `cmd:"" help:"End a person's account: not active, no name, no second factor, no session, no app."`

	Certificate certificate `cmd:"" help:"Bind a person's own certificate, whose key is elsewhere; the chain (PEM, leaf first) is read from standard input."`
}

type token struct {
	app.Config `embed:""`
	Principal  string        `arg:"" help:"e.g. PractitionerRole/clin-wang"`
	Life       time.Duration `help:"How long it lives." default:"12h"`
	Note       string        `help:"What it is for."`
}

// Run prints the token on a line of its own.
func (t *token) Run(ctx context.Context, out io.Writer) error {
	a, err := app.Open(ctx, t.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	made, err := a.IssueToken(ctx, t.Principal, t.Life, t.Note)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, made)
	return err
}

type revoke struct {
	app.Config `embed:""`
	Token      string `arg:""`
}

func (r *revoke) Run(ctx context.Context) error {
	a, err := app.Open(ctx, r.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.RevokeToken(ctx, r.Token)
}

type password struct {
	app.Config `embed:""`
	Principal  string `arg:"" help:"e.g. PractitionerRole/clin-wang"`
	Name       string `required:"" help:"What the person types to sign in."`
}

// Run reads the password from standard input.
func (p *password) Run(ctx context.Context, out io.Writer) error {
	secret, err := readSecret()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, p.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.SetPassword(ctx, p.Principal, p.Name, secret); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s signs in as %s now\n", p.Principal, p.Name)
	return err
}

type secondFactor struct {
	app.Config `embed:""`
	Principal  string `arg:"" help:"e.g. PractitionerRole/clin-wang"`
	Name       string `help:"What the authenticator app shows; the principal by default."`
	Remove     bool   `help:"Take all second factors away, security keys too."`
}

// Run prints what the person needs, once: the address for the app on the first
// line, then the recovery codes.
func (f *secondFactor) Run(ctx context.Context, out io.Writer) error {
	a, err := app.Open(ctx, f.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	if f.Remove {
		return a.RemoveFactor(ctx, f.Principal)
	}
	if f.Name == "" {
		f.Name = f.Principal
	}
	address, recovery, err := a.EnrolFactor(ctx, f.Principal, f.Name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n%s\n", address, strings.Join(recovery, "\n"))
	return err
}

type key struct {
	app.Config `embed:""`
	Principal  string `arg:"" help:"e.g. PractitionerRole/clin-wang"`
	Suite      string `help:"Algorithms: ES256, RS256, or SM2 (SM2 with SM3)." default:"ES256" enum:"ES256,RS256,SM2"`
}

// Run reads the secret from standard input, so that it stands in no process list.
func (k *key) Run(ctx context.Context, out io.Writer) error {
	raw, err := io.ReadAll(io.LimitReader(os.Stdin, 4096))
	if err != nil {
		return err
	}
	secret := strings.TrimRight(string(raw), "\r\n")
	if len(secret) < 12 {
		return errors.New("secret: it must have at least 12 characters")
	}
	a, err := app.Open(ctx, k.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.IssueSignerOf(ctx, k.Suite, k.Principal, secret); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s can sign now\n", k.Principal)
	return err
}

type certificate struct {
	app.Config `embed:""`
	Principal  string `arg:"" help:"e.g. PractitionerRole/clin-wang"`
}

// Run reads the chain from standard input.
func (c *certificate) Run(ctx context.Context, out io.Writer) error {
	chain, err := io.ReadAll(io.LimitReader(os.Stdin, 64<<10))
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.BindCertificate(ctx, c.Principal, chain); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s signs with the own certificate now\n", c.Principal)
	return err
}
