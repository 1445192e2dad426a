package dimse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"tenon/dicomweb/dicom"
)

// Client is the side of an association that asks.
type Client struct {
	link *link
	next uint16 // Message ID

	// Of sub-operations: who asked for them, and whether C-CANCEL for the
	// operation within was read.
	origin    string
	originID  uint16
	within    uint16
	cancelled bool
	broken    bool
}

// Rejected is an association that the other side refused (PS3.8 table 9-21).
type Rejected struct{ Result, Source, Reason byte }

func (r *Rejected) Error() string {
	return fmt.Sprintf("dimse: the association was rejected: result %d, source %d, reason %d", r.Result, r.Source, r.Reason)
}

// Request opens an association.
type Request struct {
	Called, Calling string // AE titles
	Contexts        []Context
	Roles           []Role
	Idle            time.Duration // how long the other side may send nothing: 1 minute
}

// Open opens an association over a connection, which the Client then owns. An
// error may be a *Rejected.
func Open(ctx context.Context, conn net.Conn, r Request) (*Client, error) {
	c := &Client{link: newLink(conn, r.Idle, 0)}
	if err := c.open(ctx, r); err != nil {
		c.link.close()
		return nil, err
	}
	return c, nil
}

func (c *Client) open(ctx context.Context, r Request) error {
	rq := &associate{Called: r.Called, Calling: r.Calling, Contexts: r.Contexts, Roles: r.Roles, MaxLength: defaultMaxData}
	if _, err := c.link.w.Write(appendAssociate(nil, rq)); err != nil {
		return err
	}
	if err := c.link.w.Flush(); err != nil {
		return err
	}
	p, err := c.link.next(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.kind == associateRJ && len(p.body) == 4:
		return &Rejected{p.body[1], p.body[2], p.body[3]}
	case p.kind == abortPDU:
		return errAborted
	case p.kind != associateAC:
		return breach(unexpectedPDU, "a PDU of type %d as the answer to an association", p.kind)
	}
	c.link.free <- nil
	ac, err := parseAssociate(p.body, true)
	if err != nil {
		return err
	}
	if c.link.peerMax = int(min(ac.MaxLength, defaultMaxData)); ac.MaxLength != 0 && ac.MaxLength < minMaxData {
		return breach(invalidParameter, "PDUs of %d bytes are too small", ac.MaxLength)
	}
	c.agree(rq.Contexts, ac)
	return nil
}

// agree keeps the contexts that were accepted with one of the transfer syntaxes
// that were offered.
func (c *Client) agree(offered []Context, ac *associate) {
	for _, o := range offered {
		for _, x := range ac.Contexts {
			if x.ID != o.ID || x.Result != accepted || len(x.Syntaxes) != 1 {
				continue
			}
			for _, s := range o.Syntaxes {
				if s == x.Syntaxes[0] {
					c.link.contexts[o.ID] = Context{ID: o.ID, Abstract: o.Abstract, Syntaxes: x.Syntaxes}
				}
			}
		}
	}
}

// call opens an association to a peer.
func (s *Server) call(ctx context.Context, p *Peer, contexts []Context) (*Client, error) {
	return Dial(ctx, s.o.Dial, s.o.TLS, p, Request{Calling: s.o.Title, Contexts: contexts, Idle: s.o.Idle})
}

// Dial connects to a peer, over TLS where it wants that, and opens an
// association; Request.Called is the peer's title.
func Dial(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), config *tls.Config, p *Peer, r Request) (*Client, error) {
	if p.Address == "" {
		return nil, fmt.Errorf("dimse: no address of %s is known", p.Title)
	}
	short, cancel := context.WithTimeout(ctx, artim)
	defer cancel()
	conn, err := dial(short, "tcp", p.Address)
	if err != nil {
		return nil, err
	}
	if p.TLS {
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		if config.ServerName == "" {
			config = config.Clone()
			config.ServerName, _, _ = net.SplitHostPort(p.Address)
		}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(short); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conn = secure
	}
	r.Called = p.Title
	return Open(ctx, conn, r)
}

// Close ends the connection without a word; Release ends it in order.
func (c *Client) Close() { c.link.close() }

// Release ends the association; Close is still needed.
func (c *Client) Release(ctx context.Context) error {
	if err := c.link.send(releaseRQ, make([]byte, 4)); err != nil {
		return err
	}
	for {
		p, err := c.link.next(ctx)
		if err != nil {
			return err
		}
		switch p.kind {
		case releaseRP:
			return nil
		case dataTF:
			c.link.body = p.body
			c.link.giveBack()
		default:
			return errAborted
		}
	}
}

// Accepted finds an accepted context of a SOP class.
func (c *Client) Accepted(class string) (Context, bool) {
	var best Context
	for _, x := range c.link.contexts {
		if x.Abstract == class && (best.ID == 0 || x.ID < best.ID) {
			best = x
		}
	}
	return best, best.ID != 0
}

func (c *Client) id() uint16 {
	c.next++
	return c.next
}

// response waits for the response to a message.
func (c *Client) response(ctx context.Context, id uint16) (*message, error) {
	for {
		m, err := c.link.message(ctx)
		switch {
		case err != nil:
			return nil, err
		case m.Field == cCancel && c.within != 0 && m.Responded == c.within:
			c.cancelled = true
		case m.isResponse() && m.Responded == id:
			return m, nil
		default:
			return nil, breach(unexpectedPDU, "a command %#04x while a response is awaited", m.Field)
		}
	}
}

// Echo is C-ECHO.
func (c *Client) Echo(ctx context.Context) (uint16, error) {
	x, ok := c.Accepted(verification)
	if !ok {
		return statusNoSuchClass, nil
	}
	id := c.id()
	if err := c.link.write(x.ID, &Command{Field: cEcho, ID: id, Class: verification}, nil); err != nil {
		return 0, err
	}
	m, err := c.response(ctx, id)
	if err != nil {
		return 0, err
	}
	return m.Status, nil
}

// store is C-STORE of a data set in the transfer syntax of the context.
func (c *Client) store(ctx context.Context, x Context, class, instance string, data io.Reader) (status uint16, err error) {
	defer func() { c.broken = c.broken || err != nil }()
	id := c.id()
	q := &Command{Field: cStore, ID: id, Class: class, Instance: instance, DataSet: true, Originator: c.origin, OriginID: c.originID}
	if err := c.link.command(x.ID, q); err != nil {
		return 0, err
	}
	if err := c.link.dataSet(x.ID, data); err != nil {
		return 0, err
	}
	m, err := c.response(ctx, id)
	if err != nil {
		return 0, err
	}
	return m.Status, m.drain(maxIdentifier)
}

// Ask sends a query or a retrieval with its identifier and gives every response
// with its data set, the last one too, whose status is returned.
func (c *Client) Ask(ctx context.Context, field uint16, x Context, destination string, identifier []Element, each func(*Command, *dicom.File) error) (uint16, error) {
	id := c.id()
	data := appendDataSet([]byte{}, withCharset(identifier), x.Syntaxes[0] == dicom.ImplicitLittleEndian)
	if err := c.link.write(x.ID, &Command{Field: field, ID: id, Class: x.Abstract, Destination: destination}, data); err != nil {
		return 0, err
	}
	for {
		m, err := c.response(ctx, id)
		if err != nil {
			return 0, err
		}
		var f *dicom.File
		if m.DataSet {
			if f, err = readDataSet(m, x.Syntaxes[0]); err != nil {
				return 0, err
			}
			if err := m.drain(maxIdentifier); err != nil {
				return 0, err
			}
		}
		if err := each(m.Command, f); err != nil {
			return 0, err
		}
		if m.Status != statusPending && m.Status != statusPendingPart {
			return m.Status, nil
		}
	}
}
