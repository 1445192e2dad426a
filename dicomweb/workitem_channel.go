package dicomweb

import (
	"context"
	"errors"
	"sync"
)

// Stream is an open channel of events; Done ends with the client.
type Stream interface {
	Send(ctx context.Context, message []byte) error
	Done() <-chan struct{}
	Close()
}

// events are the channels that are open, or about to be.
type events struct {
	mu   sync.Mutex
	open map[*channel]bool
	last int64
}

// channel is one of them. It is listed before its client learns that it is open:
// what happens in between is kept for it, since the client relies on being told.
type channel struct {
	title string
	r     *request

	mu     sync.Mutex
	stream Stream   // nil: it is about to open
	early  [][]byte // told meanwhile
	closed bool
}

// Bounds of channels, and of what one is told before it is open.
const (
	maxChannels = 256
	maxEarly    = 256
)

var errClosed = errors.New("dicomweb: the channel is closed, or tells of more than it can keep")

// send tells the client, or keeps the message until the channel is open.
func (c *channel) send(ctx context.Context, message []byte) error {
	c.mu.Lock()
	stream := c.stream
	switch {
	case c.closed || stream == nil && len(c.early) == maxEarly:
		c.mu.Unlock()
		return errClosed
	case stream == nil:
		c.early = append(c.early, message)
	}
	c.mu.Unlock()
	if stream == nil {
		return nil
	}
	return stream.Send(ctx, message)
}

// begin opens the channel with what it was told before; false: it is closed.
func (c *channel) begin(ctx context.Context, s Stream) bool {
	for {
		c.mu.Lock()
		early := c.early
		if c.early = nil; len(early) == 0 || c.closed {
			c.stream = s
			open := !c.closed
			c.mu.Unlock()
			return open
		}
		c.mu.Unlock()
		for _, message := range early { // unlocked: a slow client keeps nobody
			if s.Send(ctx, message) != nil {
				return false
			}
		}
	}
}

// close ends the channel.
func (c *channel) close() {
	c.mu.Lock()
	c.closed = true
	stream := c.stream
	c.mu.Unlock()
	if stream != nil {
		stream.Close()
	}
}

// Close ends the channels of events.
func (d *Door) Close() {
	for _, c := range d.events.list() {
		c.close()
	}
}

// add lists a channel; false: there are too many.
func (e *events) add(c *channel) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.open) >= maxChannels {
		return false
	}
	if e.open == nil {
		e.open = map[*channel]bool{}
	}
	e.open[c] = true
	return true
}

func (e *events) drop(c *channel) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, c)
}

// list are the channels as they are now.
func (e *events) list() []*channel {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*channel, 0, len(e.open))
	for c := range e.open {
		list = append(list, c)
	}
	return list
}

// next numbers an event.
func (e *events) next() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.last++
	return e.last
}
