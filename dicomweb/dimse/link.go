package dimse

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// received is one PDU that was read, or the error that ended the reading.
type received struct {
	kind pduType
	body []byte
	err  error
}

// link is one connection under the upper layer protocol. One goroutine reads
// ahead by one PDU, so that C-CANCEL, release and abort are seen while an answer
// is being sent; it lives until the connection is closed.
type link struct {
	conn    net.Conn
	w       *bufio.Writer
	in      chan received
	free    chan []byte
	done    chan struct{}
	idle    time.Duration
	maxData int // of P-DATA-TF that we take
	peerMax int // of P-DATA-TF that the peer takes

	contexts map[byte]Context // accepted ones
	body     []byte           // of the P-DATA-TF that is being consumed
	rest     []byte           // of it, unread
	released bool
}

// Bounds of what the other side may let us wait for.
const (
	defaultIdle = 60 * time.Second
	bodyTime    = 60 * time.Second // for the body of one PDU
	writeTime   = 60 * time.Second // for one PDU to leave
)

func newLink(conn net.Conn, idle time.Duration, maxData int) *link {
	if idle == 0 {
		idle = defaultIdle
	}
	if maxData == 0 {
		maxData = defaultMaxData
	}
	l := &link{conn: conn, in: make(chan received), free: make(chan []byte, 2), done: make(chan struct{}),
		idle: idle, maxData: maxData, contexts: map[byte]Context{}}
	l.w = bufio.NewWriterSize(timed{conn}, 64<<10)
	l.free <- nil
	l.free <- nil
	go l.read()
	return l
}

// timed bounds every write.
type timed struct{ net.Conn }

func (t timed) Write(b []byte) (int, error) {
	if err := t.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return t.Conn.Write(b)
}

// close ends the connection and the goroutine that reads it.
func (l *link) close() {
	close(l.done)
	_ = l.conn.Close()
}

func (l *link) read() {
	r := bufio.NewReaderSize(l.conn, 64<<10)
	for {
		var buf []byte
		select {
		case buf = <-l.free:
		case <-l.done:
			return
		}
		p := l.readPDU(r, buf)
		select {
		case l.in <- p:
		case <-l.done:
			return
		}
		if p.err != nil {
			return
		}
	}
}

// readPDU waits for a header as long as the other side wants, but for its body
// for a while only.
func (l *link) readPDU(r *bufio.Reader, buf []byte) (p received) {
	if p.err = l.conn.SetReadDeadline(time.Time{}); p.err != nil {
		return p
	}
	if _, p.err = r.Peek(1); p.err != nil {
		return p
	}
	if p.err = l.conn.SetReadDeadline(time.Now().Add(bodyTime)); p.err != nil {
		return p
	}
	var n int
	if p.kind, n, p.err = readHeader(r, l.maxData); p.err != nil {
		return p
	}
	if p.kind == associateRQ || p.kind == associateAC {
		p.body, p.err = readAll(r, n)
		return p
	}
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	p.body = buf[:n]
	_, p.err = io.ReadFull(r, p.body)
	return p
}

// readAll reads n bytes and holds no more than came.
func readAll(r io.Reader, n int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && len(b) < n {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

var (
	errIdle     = errors.New("dimse: the other side sent nothing for too long")
	errReleased = errors.New("dimse: released")
	errAborted  = errors.New("dimse: the other side aborted")
)

// next waits for a PDU; the one before is done with.
func (l *link) next(ctx context.Context) (received, error) {
	timer := time.NewTimer(l.idle)
	defer timer.Stop()
	select {
	case p := <-l.in:
		return p, p.err
	case <-timer.C:
		return received{}, errIdle
	case <-ctx.Done():
		return received{}, ctx.Err()
	}
}

// pdv is the next piece of a message. A release is answered, and ends the
// reading with errReleased.
func (l *link) pdv(ctx context.Context) (pdv, error) {
	for len(l.rest) == 0 {
		l.giveBack()
		p, err := l.next(ctx)
		if err != nil {
			return pdv{}, err
		}
		if err := l.arrived(p); err != nil {
			return pdv{}, err
		}
	}
	v, rest, err := nextPDV(l.rest)
	l.rest = rest
	if err == nil && l.contexts[v.context].ID == 0 {
		err = breach(invalidParameter, "presentation context %d was not accepted", v.context)
	}
	return v, err
}

// giveBack lets the reader have the buffer of a PDU that is consumed.
func (l *link) giveBack() {
	if l.body != nil {
		l.free <- l.body[:cap(l.body)][:0]
		l.body = nil
	}
}

// arrived takes one PDU of an established association.
func (l *link) arrived(p received) error {
	switch p.kind {
	case dataTF:
		l.body, l.rest = p.body, p.body
		if len(p.body) == 0 {
			return breach(invalidParameter, "a P-DATA-TF without an item")
		}
		return nil
	case releaseRQ:
		l.released = true
		if err := l.send(releaseRP, make([]byte, 4)); err != nil {
			return err
		}
		return errReleased
	case abortPDU:
		return errAborted
	}
	return breach(unexpectedPDU, "a PDU of type %d inside an association", p.kind)
}

// send sends one PDU.
func (l *link) send(t pduType, body []byte) error {
	if _, err := l.w.Write(appendPDU(nil, t, body)); err != nil {
		return err
	}
	return l.w.Flush()
}

// abort tells the other side that the association has ended; source 2 is the
// provider.
func (l *link) abort(err error) {
	reason, source := byte(0), byte(2)
	if f, ok := errors.AsType[*Fault](err); ok {
		reason = f.Reason
	}
	_ = l.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = l.conn.Write(appendPDU(nil, abortPDU, []byte{0, 0, source, reason}))
}

// fragment is the most bytes of a message that one P-DATA-TF carries.
func (l *link) fragment() int {
	n := l.peerMax
	if n == 0 || n > defaultMaxData {
		n = defaultMaxData
	}
	return (n - 6) &^ 1
}

// command sends a command set; it leaves with what follows it, or with flush.
func (l *link) command(context byte, c *Command) error {
	b := appendCommand(nil, c)
	for size := l.fragment(); ; {
		piece := b[:min(len(b), size)]
		b = b[len(piece):]
		if err := l.piece(context, 1|flag(len(b) == 0)<<1, piece); err != nil || len(b) == 0 {
			return err
		}
	}
}

// piece writes one P-DATA-TF with one item.
func (l *link) piece(context, control byte, data []byte) error {
	n := len(data)
	head := []byte{byte(dataTF), 0, byte((n + 6) >> 24), byte((n + 6) >> 16), byte((n + 6) >> 8), byte(n + 6),
		byte((n + 2) >> 24), byte((n + 2) >> 16), byte((n + 2) >> 8), byte(n + 2), context, control}
	if _, err := l.w.Write(head); err != nil {
		return err
	}
	_, err := l.w.Write(data)
	return err
}

// dataSet sends a data set as it is read.
func (l *link) dataSet(context byte, r io.Reader) error {
	size := l.fragment()
	now, ahead := make([]byte, size), make([]byte, size)
	n, err := io.ReadFull(r, now)
	for err == nil {
		var m int
		if m, err = io.ReadFull(r, ahead); errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("dimse: read what is sent: %w", err)
		}
		if err := l.piece(context, 0, now[:n]); err != nil {
			return err
		}
		now, ahead, n = ahead, now, m
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("dimse: read what is sent: %w", err)
	}
	if err := l.piece(context, 2, now[:n]); err != nil {
		return err
	}
	return l.w.Flush()
}

// write sends a command, and a data set where one is given.
func (l *link) write(context byte, c *Command, data []byte) error {
	c.DataSet = data != nil
	if err := l.command(context, c); err != nil {
		return err
	}
	for size := l.fragment(); c.DataSet; c.DataSet = len(data) > 0 {
		piece := data[:min(len(data), size)]
		data = data[len(piece):]
		if err := l.piece(context, flag(len(data) == 0)<<1, piece); err != nil {
			return err
		}
	}
	return l.w.Flush()
}
