package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"

	"tenon/dicomweb"
	"tenon/dicomweb/dimse"
	"tenon/dicomweb/index"
	"tenon/dicomweb/remote"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// DIMSE is DICOM's own protocol; off unless an address to listen on is given.
type DIMSE struct {
	Listen string        `help:"Address (host:port) on which DICOM application entities are answered; none by default." env:"TENON_DIMSE_LISTEN"`
	Title  string        `help:"AE title of this server." default:"TENON" env:"TENON_DIMSE_TITLE"`
	Cert   string        `help:"File with certificate and chain (PEM); with it associations are TLS only." env:"TENON_DIMSE_CERT" type:"path"`
	Key    string        `help:"File with the private key (PEM) of the certificate." env:"TENON_DIMSE_KEY" type:"path"`
	Roots  string        `help:"File with certificates (PEM) of authorities for the certificates of peers: each must then show one." env:"TENON_DIMSE_ROOTS" type:"path"`
	Most   int           `help:"Associations at the same time." default:"64" env:"TENON_DIMSE_MOST"`
	Idle   time.Duration `help:"How long a peer may send nothing before its association is aborted." default:"1m" env:"TENON_DIMSE_IDLE"`
}

func (d *DIMSE) validate() error {
	if d.Title != "" && !dimse.ValidTitle(d.Title) {
		return fmt.Errorf("dimse-title: %q is no AE title: 1 to 16 printable characters of ASCII, no backslash", d.Title)
	}
	if err := paired("dimse", d.Cert, d.Key); err != nil {
		return err
	}
	if d.Roots != "" && d.Cert == "" {
		return errors.New("dimse-roots: certificates of peers need TLS: give dimse-cert and dimse-key")
	}
	if d.Most < 0 || d.Idle < 0 {
		return errors.New("dimse-most, dimse-idle: they cannot be negative")
	}
	if d.Listen == "" {
		return nil
	}
	if _, port, err := net.SplitHostPort(d.Listen); err != nil || port == "" {
		return fmt.Errorf("dimse-listen: %q is not host:port", d.Listen)
	}
	return nil
}

// tls are the settings towards peers that call, and that are called; both nil
// without a certificate. Roots are the only authorities where they are given.
func (d *DIMSE) tls() (called, calling *tls.Config, err error) {
	pool, err := poolIn("dimse-roots", d.Roots)
	if err != nil {
		return nil, nil, err
	}
	calling = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}
	if d.Cert == "" {
		return nil, calling, nil
	}
	if calling.Certificates, err = pairIn("dimse", d.Cert, d.Key); err != nil {
		return nil, nil, err
	}
	called = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: calling.Certificates, ClientAuth: tls.RequestClientCert}
	if pool != nil {
		called.ClientCAs, called.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	return called, calling, nil
}

// openDIMSE listens where it is configured; Start serves what calls.
func (a *App) openDIMSE(door *dicomweb.Door) error {
	d := &a.Config.DIMSE
	if d.Listen == "" || a.dimse != nil {
		return nil
	}
	called, calling, err := d.tls()
	if err != nil {
		return err
	}
	title := d.Title
	if title == "" {
		title = "TENON"
	}
	direct := door.Direct("dimse")
	a.dimse = dimse.New(dimse.Options{
		Title: title, Archive: direct, Worklist: direct, Peers: peers{a}, Who: a.OAuth.Principal, Audit: a.auditPeer,
		Dial: a.dialPeer, TLS: calling, MaxAssociations: d.Most, Idle: d.Idle,
		Log: func(_ context.Context, what string, err error) { a.log.Error("dimse", "what", what, "error", err) },
	})
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", d.Listen)
	if err != nil {
		return fmt.Errorf("dimse-listen: %w", err)
	}
	if called != nil {
		l = tls.NewListener(l, called)
	}
	a.listening.Store(&l)
	return nil
}

// sendImages sends to a peer; it needs DIMSE, which is off by default.
func (a *App) sendImages(ctx context.Context, who *access.Context, title string, k index.Key) (*dimse.Sent, error) {
	if p, err := a.Store.Peer(ctx, "main", title); err != nil || p != nil && p.Web != "" {
		if err != nil {
			return nil, err
		}
		return a.sendWeb(ctx, who, p, k)
	}
	if a.dimse == nil {
		return nil, issue.Errorf(issue.NotSupported, "This server speaks no DIMSE; its operator may switch it on with dimse-listen.").Rule("dimse-off")
	}
	return a.dimse.Send(ctx, who, title, k)
}

// serveDIMSE serves until the context ends.
func (a *App) serveDIMSE(ctx context.Context) {
	if err := a.dimse.Serve(ctx, *a.listening.Load()); err != nil {
		a.log.Error("dimse", "error", err)
	}
}

// DIMSEAddr is where DICOM application entities are answered, or nil.
func (a *App) DIMSEAddr() net.Addr {
	l := a.listening.Load()
	if l == nil {
		return nil
	}
	return (*l).Addr()
}

// dialPeer connects to an address that the operator has registered, which is
// thereby allowed.
func (a *App) dialPeer(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
}

// auditPeer keeps who called, or is called, before the answer. The address is that of
// who asked: the peer's own when it connects, the client's of the door that calls it.
func (a *App) auditPeer(ctx context.Context, e dimse.Event) error {
	row := record.Audit{At: a.clock().UTC(), Action: "E", Door: "dimse", Operation: e.Operation, Principal: e.Principal, Outcome: 200,
		Entity: "peer/" + e.Title + " " + e.Remote, RequestID: e.RequestID, Address: addressIn(ctx)}
	if e.Operation == "dimse-associate" {
		row.Address = hostOf(e.Remote)
	}
	if !e.Allowed {
		row.Outcome = 403
	}
	house, err := a.houseOf(ctx, e.Principal)
	if err != nil {
		return err
	}
	row.Organization = house
	return a.Store.Audit(ctx, []record.Audit{row})
}

// peers are those of the tenant.
type peers struct{ a *App }

// Peer implements dimse.Peers.
func (p peers) Peer(ctx context.Context, title string) (*dimse.Peer, error) {
	return p.a.Store.Peer(ctx, "main", title)
}

// stations are the AE titles that act for a principal.
func (a *App) stations(ctx context.Context, principal string) (titles []string, err error) {
	list, err := a.Store.Peers(ctx, "main")
	for _, p := range list {
		if p.Principal == principal {
			titles = append(titles, p.Title)
		}
	}
	return titles, err
}

// AddPeer registers an application entity, or replaces its registration.
// certificate is the PEM of its certificate, or nil.
func (a *App) AddPeer(ctx context.Context, p *dimse.Peer, certificate []byte) error {
	if certificate != nil {
		block, _ := pem.Decode(certificate)
		if block == nil || block.Type != "CERTIFICATE" {
			return errors.New("certificate: no certificate in PEM")
		}
		sum := sha256.Sum256(block.Bytes)
		p.Certificate = hex.EncodeToString(sum[:])
	}
	if p.Web != "" {
		if err := remote.CheckURL(p.Web); err != nil {
			return fmt.Errorf("web: %w", err)
		}
	}
	if err := p.Check(); err != nil {
		return err
	}
	who, err := a.OAuth.Principal(ctx, p.Principal)
	if err != nil {
		return err
	}
	if who.Kind == access.Patient {
		return issue.Errorf(issue.Login, "%s is a patient or a relative, not a machine or a role of staff.", p.Principal).Rule("principal-type")
	}
	p.Created = a.clock().UTC()
	return a.Store.PutPeer(ctx, "main", p)
}

// Peers are the registered application entities by title.
func (a *App) Peers(ctx context.Context) ([]*dimse.Peer, error) { return a.Store.Peers(ctx, "main") }

// RemovePeer removes an application entity; associations that are open end by
// themselves.
func (a *App) RemovePeer(ctx context.Context, title string) error {
	found, err := a.Store.RemovePeer(ctx, "main", title)
	if err == nil && !found {
		err = fmt.Errorf("no application entity %q is registered", title)
	}
	return err
}
