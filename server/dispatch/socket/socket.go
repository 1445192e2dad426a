// Package socket is the websocket channel of subscriptions: a client connects,
// binds subscriptions, and is told of their events. It decides nothing of who may
// hear what; the feed does.
//
//	bind <id>                 as the caller of the connection → bound <id>, then ping <id>
//	bind-with-token <token>   of $get-ws-binding-token → notification bundles
//
// https://hl7.org/fhir/R4/subscription.html#2.46.7.2
package socket

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/coder/websocket"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch/feed"
)

// Bounds of one connection.
const (
	mostMessage = 1 << 10 // bytes of what a client says
	mostBound   = 100     // subscriptions
	mostAsked   = 500     // messages
	writeTime   = 20 * time.Second
	pingEvery   = 30 * time.Second
	unboundTime = time.Minute // until the first binding
)

// Feed is what a connection needs of the feed.
type Feed interface {
	Listen(ctx context.Context, who *access.Context, id string) (*feed.Stream, error)
	ListenWith(ctx context.Context, token string) ([]*feed.Stream, error)
}

// Door takes connections.
type Door struct {
	feed    Feed
	origins []string // hosts whose pages may connect from a browser
	log     *slog.Logger
	stop    context.CancelFunc
	running context.Context //nolint:containedctx // ends with the door

	mu   sync.Mutex
	open int
	of   map[string]int // connections of a principal, "" for those of nobody yet
	all  sync.WaitGroup
}

// How many connections there may be at once: in all, of one principal, and of
// clients that have not said yet who they are, so that these keep nobody out.
const (
	most        = 1000
	mostOf      = 20
	mostUnknown = 200
)

// New returns a Door; origins are hosts whose pages may connect.
func New(f Feed, origins []string, log *slog.Logger) *Door {
	d := &Door{feed: f, origins: origins, log: log, of: map[string]int{}}
	d.running, d.stop = context.WithCancel(context.Background())
	return d
}

// Close ends all connections and waits for them.
func (d *Door) Close() {
	d.mu.Lock()
	d.stop()
	d.mu.Unlock()
	d.all.Wait()
}

// Serve speaks with one client until it goes; who is nil where nobody is known.
func (d *Door) Serve(w http.ResponseWriter, r *http.Request, who *access.Context) {
	c := &client{d: d, who: who, bound: map[string]bool{}}
	if who != nil {
		c.owner = who.Principal
	}
	if !d.enter(c.owner) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	defer d.leave(c)
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: d.origins, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // answered
	}
	conn.SetReadLimit(mostMessage)
	ctx, cancel := context.WithCancel(d.running)
	c.conn, c.cancel = conn, cancel
	defer c.close()
	c.listen(ctx)
}

func (d *Door) enter(owner string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open >= most || d.running.Err() != nil || !d.room(owner) {
		return false
	}
	d.open++
	d.of[owner]++
	d.all.Add(1)
	return true
}

func (d *Door) room(owner string) bool {
	if owner == "" {
		return d.of[""] < mostUnknown
	}
	return d.of[owner] < mostOf
}

// adopt counts a connection of nobody as one of who bound it; false where that
// one has enough.
func (d *Door) adopt(c *client, owner string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.owner != "" {
		return true
	}
	if !d.room(owner) {
		return false
	}
	d.lessOf("")
	d.of[owner]++
	c.owner = owner
	return true
}

func (d *Door) lessOf(owner string) {
	if d.of[owner]--; d.of[owner] <= 0 {
		delete(d.of, owner)
	}
}

func (d *Door) leave(c *client) {
	d.mu.Lock()
	d.open--
	d.lessOf(c.owner)
	d.mu.Unlock()
	d.all.Done()
}

// client is one connection.
type client struct {
	d      *Door
	conn   *websocket.Conn
	who    *access.Context
	owner  string // who it counts for, "" while that is not known; guarded by the door
	cancel context.CancelFunc
	told   sync.WaitGroup

	mu    sync.Mutex
	bound map[string]bool
}

func (c *client) close() {
	c.cancel()
	_ = c.conn.CloseNow()
	c.told.Wait()
}

// listen takes what the client says until it goes.
func (c *client) listen(ctx context.Context) {
	first, stop := context.WithTimeout(ctx, unboundTime)
	defer stop()
	wait := first
	for range mostAsked {
		kind, message, err := c.conn.Read(wait)
		if err != nil {
			return
		}
		if kind != websocket.MessageText {
			_ = c.conn.Close(websocket.StatusUnsupportedData, "text is expected")
			return
		}
		if err := c.answer(ctx, string(message)); err != nil {
			return
		}
		if c.some() && wait == first {
			wait = ctx
			c.told.Go(func() { c.alive(ctx) })
		}
	}
	_ = c.conn.Close(websocket.StatusPolicyViolation, "too many messages")
}

// alive ends the connection where the client does not answer any more.
func (c *client) alive(ctx context.Context) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		wait, stop := context.WithTimeout(ctx, writeTime)
		err := c.conn.Ping(wait)
		stop()
		if err != nil {
			c.cancel()
			return
		}
	}
}

func (c *client) some() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.bound) > 0
}

// Command is what a client says.
type Command struct{ Verb, Argument string }

var command = regexp.MustCompile(`^(bind|bind-with-token)[: ]+([A-Za-z0-9._-]{1,128})\s*$`)

// ParseCommand reads a message of a client; ok is false where it is none.
func ParseCommand(message string) (c Command, ok bool) {
	m := command.FindStringSubmatch(message)
	if m == nil {
		return c, false
	}
	return Command{m[1], m[2]}, true
}

// answer does what the client asks. The error is one that ends the connection.
func (c *client) answer(ctx context.Context, message string) error {
	asked, ok := ParseCommand(message)
	if !ok {
		return c.write(ctx, []byte("error: bind <id> or bind-with-token <token> is expected"))
	}
	var streams []*feed.Stream
	var err error
	if asked.Verb == "bind" {
		var s *feed.Stream
		if s, err = c.d.feed.Listen(ctx, c.who, asked.Argument); err == nil {
			streams = append(streams, s)
		}
	} else {
		streams, err = c.d.feed.ListenWith(ctx, asked.Argument)
	}
	if f := issue.As(err); f != nil {
		return c.write(ctx, []byte("error: "+f.Issues[0].Text))
	}
	if err != nil {
		c.d.log.Error("a websocket is not bound", "error", err)
		return errors.Join(err, c.conn.Close(websocket.StatusInternalError, "the server failed"))
	}
	return c.follow(ctx, asked.Verb == "bind", streams)
}

var errCrowded = errors.New("socket: the principal has too many connections")

// follow tells the client of each stream, in a goroutine of its own.
func (c *client) follow(ctx context.Context, say bool, streams []*feed.Stream) error {
	if len(streams) > 0 && !c.d.adopt(c, streams[0].By()) {
		return errors.Join(errCrowded, c.conn.Close(websocket.StatusPolicyViolation, "too many connections"))
	}
	for _, s := range streams {
		c.mu.Lock()
		twice, full := c.bound[s.ID()], len(c.bound) >= mostBound
		if !full {
			c.bound[s.ID()] = true
		}
		c.mu.Unlock()
		if full && !twice {
			return c.write(ctx, []byte("error: this connection has the most subscriptions that it may"))
		}
		if say {
			if err := c.write(ctx, []byte("bound "+s.ID())); err != nil {
				return err
			}
		}
		if !twice {
			c.told.Go(func() { c.tell(ctx, s) })
		}
	}
	return nil
}

func (c *client) tell(ctx context.Context, s *feed.Stream) {
	for {
		message, sent, err := s.Next(ctx)
		if f := issue.As(err); f != nil {
			c.mu.Lock()
			delete(c.bound, s.ID())
			c.mu.Unlock()
			_ = c.write(ctx, []byte("unbound "+s.ID()+": "+f.Issues[0].Text)) // who has gone need not know
			if f.Issues[0].Type == issue.Login {
				c.cancel() // nobody who may ask for anything is left at the other end
			}
			return
		}
		if err == nil {
			if err = c.write(ctx, message); err == nil {
				err = sent(ctx)
			}
		}
		if err != nil {
			if ctx.Err() == nil {
				c.d.log.Warn("a websocket is ended", "subscription", s.ID())
			}
			c.cancel()
			return
		}
	}
}

func (c *client) write(ctx context.Context, message []byte) error {
	wait, stop := context.WithTimeout(ctx, writeTime)
	defer stop()
	return c.conn.Write(wait, websocket.MessageText, message)
}
