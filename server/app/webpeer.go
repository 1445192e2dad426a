package app

import (
	"context"
	"io"
	"iter"
	"net/http"

	"tenon/dicomweb/dimse"
	"tenon/dicomweb/index"
	"tenon/dicomweb/remote"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// DICOMweb peers: what the operator has registered with a URL is asked there, by
// the client that every request of this server leaves through.

// web is the other server of a peer.
func (a *App) web(p *dimse.Peer) *remote.Server {
	return &remote.Server{URL: p.Web, Token: p.Token, Client: a.outbound(p.Web)}
}

// allowedPeer audits that a peer is asked, and refuses one that may not be.
func (a *App) allowedPeer(ctx context.Context, who *access.Context, p *dimse.Peer, title, permission, operation string) error {
	e := dimse.Event{Title: title, Principal: who.Principal, Remote: title, Operation: operation, RequestID: who.RequestID, Allowed: p.May(permission)}
	if p != nil {
		e.Remote = p.Address + p.Web
	}
	if err := a.auditPeer(ctx, e); err != nil {
		return err
	}
	if !e.Allowed {
		return issue.Errorf(issue.NotFound, "%.16q is no system that may be asked for this.", title).Rule("dicom-peer")
	}
	return nil
}

// sendWeb sends what is under a key by STOW-RS.
func (a *App) sendWeb(ctx context.Context, who *access.Context, p *dimse.Peer, k index.Key) (*dimse.Sent, error) {
	if err := a.allowedPeer(ctx, who, p, p.Title, dimse.MayReceive, "stow-send"); err != nil {
		return nil, err
	}
	door := a.images.Load().Direct("dicomweb")
	next, stop := iter.Pull2(door.Retrieve(ctx, who, "stow-send", k))
	defer stop()
	row, err, ok := next()
	if err == nil && !ok {
		err = issue.Errorf(issue.NotFound, "Nothing is stored under this URL, or it is not visible to you.").Rule("not-found")
	}
	if err != nil {
		return nil, err
	}
	files := func(yield func(*remote.File, error) bool) {
		for ; ok && err == nil; row, err, ok = next() {
			of := row
			if !yield(&remote.File{Instance: of.Instance.UID, Syntax: of.Instance.TransferSyntax, Open: func() (io.ReadCloser, error) {
				return door.Open(ctx, who, of, of.Instance.TransferSyntax)
			}}, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
	out, err := a.web(p).Store(ctx, row.Study.UID, files)
	if err != nil {
		a.log.Error("dicomweb", "what", "stow-send", "peer", p.Title, "error", err)
		return nil, issue.Errorf(issue.Transient, "%s cannot be reached, or did not take it.", p.Title).Rule("dicom-peer").WithStatus(http.StatusBadGateway)
	}
	return &dimse.Sent{Peer: p.Title, Stored: out.Stored, Warned: out.Warned, Failed: out.Failed}, nil
}

// puller is dicomweb.Puller.
type puller struct{ a *App }

// Web implements dicomweb.Puller.
func (x puller) Web(r *http.Request, who *access.Context, title string) (func(string, func(io.Reader) error) error, error) {
	p, err := x.a.Store.Peer(r.Context(), "main", title)
	if err != nil || p == nil || p.Web == "" {
		return nil, err
	}
	if err := x.a.allowedPeer(r.Context(), who, p, title, dimse.MayProvide, "wado-pull"); err != nil {
		return nil, err
	}
	return func(path string, take func(io.Reader) error) error {
		return x.a.web(p).Retrieve(r.Context(), path, take)
	}, nil
}

// Move implements dicomweb.Puller.
func (x puller) Move(r *http.Request, who *access.Context, title string, k index.Key) (*dimse.Pulled, error) {
	p, err := x.a.Store.Peer(r.Context(), "main", title)
	if err != nil {
		return nil, err
	}
	if err := x.a.allowedPeer(r.Context(), who, p, title, dimse.MayProvide, "c-move-pull"); err != nil {
		return nil, err
	}
	if x.a.dimse == nil {
		return nil, issue.Errorf(issue.NotSupported, "This server speaks no DIMSE; its operator may switch it on with dimse-listen.").Rule("dimse-off")
	}
	return x.a.dimse.Pull(r.Context(), who, p, k)
}
