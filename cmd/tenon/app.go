package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"tenon/oauth"
	"tenon/server/app"
)

// appCommand registers apps and backends that may ask for tokens.
type appCommand struct {
	Add    appAdd    `cmd:"" help:"Register an app or a backend, or replace its registration."`
	List   appList   `cmd:"" help:"List registered apps: id, method, in whose name, scopes, name."`
	Remove appRemove `cmd:"" help:"Remove an app; all that was granted to it ends within a second."`

	Waiting appWaiting `cmd:"" help:"List apps that registered themselves and wait for approval."`
	Approve appApprove `cmd:"" help:"Approve one of them."`
	Reject  appReject  `cmd:"" help:"Reject one of them."`
}

type appAdd struct {
	app.Config `embed:""`
	ID         string   `arg:"" help:"The client_id, e.g. growth-chart."`
	Name       string   `required:"" help:"What people read when they are asked for consent."`
	Redirect   []string `help:"Address that it is answered at, compared byte by byte; may be repeated." sep:"none"`
	LaunchURL  string   `help:"Where an EHR launch begins."`
	Scope      []string `required:"" help:"What it may ask for at most, e.g. patient/*.rs; may be repeated." sep:"none"`
	Keys       string   `help:"File with its public keys (JWKS)." type:"existingfile"`
	KeysURL    string   `help:"Address of its public keys (JWKS)."`
	Secret     bool     `help:"It shows a secret, which is read from standard input."`
	Principal  string   `help:"In whose name a backend acts: Device/x or Organization/x. It then gets client_credentials."`
	Inspects   bool     `help:"Let it ask what tokens of other apps are."`
}

// Run registers the app.
func (c *appAdd) Run(ctx context.Context, out io.Writer) error {
	made, err := c.client()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.AddApp(ctx, made); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is registered: %s\n", made.ID, made.Method)
	return err
}

func (c *appAdd) client() (*oauth.Client, error) {
	made := &oauth.Client{ID: c.ID, Name: c.Name, Redirects: c.Redirect, Launch: c.LaunchURL, KeysURL: c.KeysURL, Principal: c.Principal,
		Inspects: c.Inspects, Method: oauth.MethodNone}
	for _, s := range c.Scope {
		made.Scopes = append(made.Scopes, strings.Fields(s)...)
	}
	if c.Keys != "" || c.KeysURL != "" {
		made.Method = oauth.MethodKey
	}
	if c.Keys != "" {
		keys, err := os.ReadFile(c.Keys)
		if err != nil {
			return nil, err
		}
		made.Keys = keys
	}
	if !c.Secret {
		return made, nil
	}
	if made.Method == oauth.MethodKey {
		return nil, errors.New("an app shows a key or a secret, not both")
	}
	secret, err := readSecret()
	if err != nil {
		return nil, err
	}
	made.Method = oauth.MethodSecret
	made.Secret, err = oauth.HashSecret(secret)
	return made, err
}

// readSecret reads a line of standard input, so that it stands in no process list.
func readSecret() (string, error) {
	raw, err := io.ReadAll(io.LimitReader(os.Stdin, 4096))
	return strings.TrimRight(string(raw), "\r\n"), err
}

type appList struct {
	app.Config `embed:""`
}

// Run prints one line an app.
func (c *appList) Run(ctx context.Context, out io.Writer) error {
	return opened(ctx, c.Config, func(a *app.App) error {
		list, err := a.Apps(ctx)
		return told(out, list, err, func(x *oauth.Client) string {
			who := x.Principal
			if who == "" {
				who = "persons"
			}
			return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", x.ID, x.Method, who, strings.Join(x.Scopes, " "), x.Name)
		})
	})
}

type appRemove struct {
	app.Config `embed:""`
	ID         string `arg:""`
}

// Run removes an app.
func (c *appRemove) Run(ctx context.Context) error {
	return opened(ctx, c.Config, func(a *app.App) error { return a.RemoveApp(ctx, c.ID) })
}
