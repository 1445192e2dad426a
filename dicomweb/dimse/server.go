package dimse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tenon/server/access"
)

// Options are the parts of a Server. Title, Archive, Peers, Who and Audit are
// needed; the rest has working zero values.
type Options struct {
	Title   string // our AE title
	Archive Archive
	Peers   Peers
	// Worklist is what the modality worklist shows; nil: it is not offered.
	Worklist Worklist
	// Who is the access context of a principal now.
	Who func(ctx context.Context, principal string) (*access.Context, error)
	// Audit makes one event of an association durable; what cannot be audited is
	// rejected.
	Audit func(ctx context.Context, e Event) error
	// Dial connects to a peer's address; nil: plainly.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS is what peers that want it are called with.
	TLS *tls.Config

	MaxAssociations int           // at the same time: 64
	MaxOfPeer       int           // of them of one peer: 16
	MaxPDU          int           // bytes of a P-DATA-TF that we take: 128 KiB
	MaxInstance     int64         // bytes of a data set: 8 GiB
	MaxMatches      int           // of one C-FIND: 20,000
	Idle            time.Duration // how long a peer may send nothing: 1 minute
	Log             func(ctx context.Context, what string, err error)
}

// Event is what happened to an association: who called, and what became of it.
type Event struct {
	Title     string // calling AE title, as it was sent
	Principal string // "" where the peer is unknown
	Remote    string // address
	Operation string // "associate", "c-move …"
	RequestID string // of the association, or of the request that leads to it
	Allowed   bool
}

// Server answers associations.
type Server struct {
	o       Options
	open    chan struct{}
	serial  atomic.Uint64
	mu      sync.Mutex
	callers map[string]int
	conns   map[net.Conn]struct{}
	closed  bool
	running sync.WaitGroup
}

// New makes a server; it panics where a needed part is missing.
func New(o Options) *Server {
	if o.Archive == nil || o.Peers == nil || o.Who == nil || o.Audit == nil || !ValidTitle(o.Title) {
		panic("dimse: Title, Archive, Peers, Who and Audit are needed")
	}
	whole(&o.MaxAssociations, 64)
	whole(&o.MaxOfPeer, 16)
	whole(&o.MaxPDU, defaultMaxData)
	whole(&o.MaxInstance, 8<<30)
	whole(&o.MaxMatches, 20_000)
	whole(&o.Idle, defaultIdle)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	if o.Log == nil {
		o.Log = func(context.Context, string, error) {}
	}
	return &Server{o: o, open: make(chan struct{}, o.MaxAssociations), callers: map[string]int{}, conns: map[net.Conn]struct{}{}}
}

func whole[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Serve answers what calls the listener until the context ends; then it closes
// the listener and the associations, and returns when they have ended.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.running.Wait()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close(); s.closeAll() })
	defer stop()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("dimse: accept: %w", err)
			}
			time.Sleep(50 * time.Millisecond) // out of descriptors, say: others must end first
			continue
		}
		s.running.Go(func() { s.serve(ctx, conn) })
	}
}

func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		_ = c.Close()
	}
}

// hold notes a connection, so that the end of the server ends it.
func (s *Server) hold(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.conns[conn] = struct{}{}
	}
	return !s.closed
}

func (s *Server) let(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
}

// artim is how long the request of an association, and a TLS handshake, may
// take (PS3.8 §9.1.5).
const artim = 15 * time.Second

// serve serves one connection. A fault of one association never ends another.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer func() {
		if p := recover(); p != nil {
			s.o.Log(ctx, "dimse", fmt.Errorf("panic: %v", p))
		}
	}()
	if !s.hold(conn) {
		return
	}
	defer s.let(conn)
	select {
	case s.open <- struct{}{}:
		defer func() { <-s.open }()
	default:
		_, _ = conn.Write(appendPDU(nil, associateRJ, []byte{0, rejectedTransient, sourcePresentation, reasonLimit}))
		return
	}
	if t, ok := conn.(*tls.Conn); ok {
		shake, cancel := context.WithTimeout(ctx, artim)
		err := t.HandshakeContext(shake)
		cancel()
		if err != nil {
			return
		}
	}
	a := &association{server: s, link: newLink(conn, artim, s.o.MaxPDU)}
	defer a.link.close()
	if ok, err := a.establish(ctx); !ok {
		if err != nil {
			a.link.abort(err)
			s.tell(ctx, err)
		}
		return
	}
	defer s.leave(a.peer.Title)
	a.link.idle = s.o.Idle
	err := a.serve(ctx)
	switch {
	case errors.Is(err, errReleased):
		a.lingers()
	case errors.Is(err, errAborted), errors.Is(err, io.EOF):
	default:
		a.link.abort(err)
		s.tell(ctx, err)
	}
}

// tell logs what is no doing of the other side or of the network.
func (s *Server) tell(ctx context.Context, err error) {
	var n net.Error
	if _, ok := errors.AsType[*Fault](err); ok || ctx.Err() != nil || errors.As(err, &n) || errors.Is(err, errIdle) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return
	}
	s.o.Log(ctx, "dimse", err)
}

// enter counts an association of a peer.
func (s *Server) enter(title string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callers[title] >= s.o.MaxOfPeer {
		return false
	}
	s.callers[title]++
	return true
}

func (s *Server) leave(title string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callers[title]--; s.callers[title] == 0 {
		delete(s.callers, title)
	}
}

// requestID names an association in audit and log.
func (s *Server) requestID() string {
	return "dimse-" + strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.FormatUint(s.serial.Add(1), 36)
}

// storage tells whether a SOP class is one whose instances are stored
// (PS3.4 annexes B, GG).
func storage(class string) bool {
	rest, ok := strings.CutPrefix(class, "1.2.840.10008.5.1.4.")
	if !ok {
		return false
	}
	for _, arc := range []string{"1.1.", "34.7", "34.10", "38.1", "39.1", "43.1", "44.1", "45.1"} {
		if rest == arc || strings.HasPrefix(rest, arc) && strings.HasSuffix(arc, ".") {
			return true
		}
	}
	return false
}
