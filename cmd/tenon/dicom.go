package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"tenon/dicomweb/dimse"
	"tenon/server/app"
)

// dicomCommand is about DICOM's own protocol.
type dicomCommand struct {
	Peer peerCommand `cmd:"" help:"Application entities that may call over DIMSE, or be called."`
	Pull pullCommand `cmd:"" help:"Have a registered PACS send a study to a running server."`
}

type peerCommand struct {
	Add    peerAdd    `cmd:"" help:"Register an application entity, or replace its registration."`
	List   peerList   `cmd:"" help:"List them: title, principal, permissions, address, from where."`
	Remove peerRemove `cmd:"" help:"Remove one; its next association is rejected."`
}

type peerAdd struct {
	app.Config  `embed:""`
	AE          string   `arg:"" name:"title" help:"Its AE title, e.g. CT1."`
	Principal   string   `required:"" help:"Whom it acts for: PractitionerRole/x or Device/x."`
	Allow       []string `help:"store, find, retrieve, receive, commit, provide (it is asked for studies); none but C-ECHO by default."`
	Address     string   `help:"host:port where it listens: for C-MOVE to it, and what is sent to it."`
	Web         string   `help:"URL of its DICOMweb services: what is sent to it, and what it is asked for, goes there."`
	TokenFile   string   `help:"File with the bearer token that its DICOMweb services want." type:"existingfile"`
	OverTLS     bool     `name:"tls" help:"It is called over TLS."`
	From        []string `help:"Address or network that it calls from; may be repeated. Needed without a certificate, unless it is called by DICOMweb alone."`
	Certificate string   `help:"File with its certificate (PEM), which it must show." type:"existingfile"`
}

// Run registers it.
func (c *peerAdd) Run(ctx context.Context, out io.Writer) error {
	p := &dimse.Peer{Title: c.AE, Principal: c.Principal, Allow: c.Allow, Address: c.Address, TLS: c.OverTLS, From: c.From, Web: c.Web}
	if c.TokenFile != "" {
		token, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return err
		}
		p.Token = strings.TrimSpace(string(token))
	}
	var certificate []byte
	if c.Certificate != "" {
		var err error
		if certificate, err = os.ReadFile(c.Certificate); err != nil {
			return err
		}
	}
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := a.AddPeer(ctx, p, certificate); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s is registered: %s\n", p.Title, orNone(p.Allow))
	return err
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "echo"
	}
	return strings.Join(list, ",")
}

type peerList struct {
	app.Config `embed:""`
}

// Run prints one line an application entity.
func (c *peerList) Run(ctx context.Context, out io.Writer) error {
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	list, err := a.Peers(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		from := strings.Join(p.From, ",")
		if p.Certificate != "" {
			from = strings.TrimPrefix(from+",certificate:"+p.Certificate[:16], ",")
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", p.Title, p.Principal, orNone(p.Allow), p.Address+p.Web, from); err != nil {
			return err
		}
	}
	return nil
}

type peerRemove struct {
	app.Config `embed:""`
	AE         string `arg:"" name:"title"`
}

// Run removes it.
func (c *peerRemove) Run(ctx context.Context) error {
	a, err := app.Open(ctx, c.Config)
	if err != nil {
		return err
	}
	defer a.Close()
	return a.RemovePeer(ctx, c.AE)
}
