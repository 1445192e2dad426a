package dimse

import (
	"context"
	"errors"
	"io"
)

// maxCommand bounds a command set.
const maxCommand = 64 << 10

// message is a command that arrived, with the data set behind it, if any. The
// data set must be read to its end, or drained, before the next message.
type message struct {
	*Command
	context Context
	link    *link
	ctx     context.Context
	piece   []byte
	last    bool
	read    int64
	err     error
}

// message waits for the next message.
func (l *link) message(ctx context.Context) (*message, error) {
	var b []byte
	var id byte
	for {
		v, err := l.pdv(ctx)
		if err != nil {
			return nil, err
		}
		if !v.command || id != 0 && v.context != id {
			return nil, breach(unexpectedPDU, "a piece of another message inside a command set")
		}
		if id = v.context; len(b)+len(v.data) > maxCommand {
			return nil, breach(invalidParameter, "a command set of more than %d bytes", maxCommand)
		}
		if b = append(b, v.data...); v.last {
			break
		}
	}
	c, err := parseCommand(b)
	if err != nil {
		return nil, err
	}
	return &message{Command: c, context: l.contexts[id], link: l, ctx: ctx, last: !c.DataSet}, nil
}

// Read reads the data set as it arrives.
func (m *message) Read(p []byte) (int, error) {
	for len(m.piece) == 0 && m.err == nil {
		if m.last {
			return 0, io.EOF
		}
		v, err := m.link.pdv(m.ctx)
		switch {
		case errors.Is(err, errReleased):
			m.err = breach(unexpectedPDU, "a release inside a data set")
		case err != nil:
			m.err = err
		case v.command || v.context != m.context.ID:
			m.err = breach(unexpectedPDU, "a piece of another message inside a data set")
		default:
			m.piece, m.last = v.data, v.last
		}
	}
	if m.err != nil {
		return 0, m.err
	}
	n := copy(p, m.piece)
	m.piece = m.piece[n:]
	m.read += int64(n)
	return n, nil
}

// drain passes over what is left of the data set, up to a limit.
func (m *message) drain(limit int64) error {
	_, err := io.Copy(io.Discard, io.LimitReader(m, limit+1))
	if err == nil && !m.last {
		err = breach(invalidParameter, "a data set of more than %d bytes", limit)
	}
	return err
}

// reply answers the message.
func (m *message) reply(c *Command, data []byte) error {
	c.Field, c.Responded = m.Field|response, m.ID
	if c.Class == "" {
		c.Class = m.Class
	}
	return m.link.write(m.context.ID, c, data)
}

// cancelled looks whether C-CANCEL for the message has arrived, without waiting.
// Whatever else arrives while an answer is being sent breaks the protocol, since
// one operation at a time was agreed.
func (m *message) cancelled() (bool, error) {
	l := m.link
	if len(l.rest) == 0 {
		l.giveBack()
		select {
		case p := <-l.in:
			if p.err != nil {
				return false, p.err
			}
			if err := l.arrived(p); err != nil {
				return false, err
			}
		default:
			return false, nil
		}
	}
	c, err := l.message(m.ctx)
	if err != nil {
		return false, err
	}
	if c.Field != cCancel {
		return false, breach(unexpectedPDU, "a command %#04x while another one is being answered", c.Field)
	}
	return c.Responded == m.ID, nil
}
