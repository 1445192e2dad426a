package syslog

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// Message is one entry. https://www.rfc-editor.org/rfc/rfc5424#section-6
type Message struct {
	At   time.Time
	Host string
	App  string
	ID   string // MSGID
	Text string // UTF-8
}

// priority is facility 10 (security/authorization), severity 5 (notice).
const priority = 10*8 + 5

// Append writes the message without its frame.
func (m *Message) Append(b []byte) []byte {
	b = fmt.Appendf(b, "<%d>1 %s %s %s - %s - ", priority, m.At.UTC().Format("2006-01-02T15:04:05.000000Z"), name(m.Host, 255), name(m.App, 48), name(m.ID, 32))
	b = append(b, "\ufeff"...)
	return append(b, m.Text...)
}

// name is a field of the header: printable ASCII without spaces, "-" for none.
func name(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	if s = s[:min(len(s), most)]; s == "" {
		return "-"
	}
	return s
}

// frame is MSG-LEN SP SYSLOG-MSG. https://www.rfc-editor.org/rfc/rfc5425#section-4.3.1
func frame(b []byte, m *Message) []byte {
	text := m.Append(nil)
	b = strconv.AppendInt(b, int64(len(text)), 10)
	return append(append(b, ' '), text...)
}

// Sender sends groups of messages to one collector.
type Sender struct {
	Address string
	// TLS makes the settings of a connection, each time anew, so that certificates
	// may be changed on disk.
	TLS func() (*tls.Config, error)
	// Settle is how long the collector must stay after the last message; half a
	// second by default.
	Settle time.Duration
	// Patience bounds a group; 20 seconds by default.
	Patience time.Duration
}

const (
	settle   = 500 * time.Millisecond
	patience = 20 * time.Second
)

// ErrUnsure says that the collector may not have read all of the group.
var ErrUnsure = errors.New("syslog: the collector did not confirm the end of the messages")

// Send delivers a group, or tells why it must be sent again.
func (s *Sender) Send(ctx context.Context, group []Message) error {
	wait, most := s.Settle, s.Patience
	if wait <= 0 {
		wait = settle
	}
	if most <= 0 {
		most = patience
	}
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	conn, end, err := s.dial(ctx)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	ended := make(chan error, 1) // the collector sends nothing: what is read is the end
	go func() {
		n, err := io.Copy(io.Discard, conn)
		if err == nil && (n > 0 || !end.orderly(conn.ConnectionState().Version)) {
			err = io.ErrUnexpectedEOF
		}
		ended <- err
	}()
	if err := write(conn, group); err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	select {
	case err := <-ended:
		return errors.Join(ErrUnsure, err)
	case <-time.After(wait):
	}
	if err := conn.CloseWrite(); err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	if err := <-ended; err != nil { // without close_notify anybody on the way may have ended it
		return errors.Join(ErrUnsure, err)
	}
	return nil
}

// write sends the messages in their frames.
func write(conn *tls.Conn, group []Message) error {
	w, buffer := bufio.NewWriterSize(conn, 64<<10), []byte(nil)
	for i := range group {
		buffer = frame(buffer[:0], &group[i])
		if _, err := w.Write(buffer); err != nil {
			return err
		}
	}
	return w.Flush()
}

func (s *Sender) dial(ctx context.Context) (*tls.Conn, *ending, error) {
	c, err := s.TLS()
	if err != nil {
		return nil, nil, err
	}
	plain, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, nil, err
	}
	end := &ending{Conn: plain}
	conn := tls.Client(end, c)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // the handshake says what was wrong
		return nil, nil, err
	}
	return conn, end, nil
}
