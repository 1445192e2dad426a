package socket

import (
	"context"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// Stream is a websocket on which only the server speaks.
type Stream struct {
	conn *websocket.Conn
	done chan struct{}
}

// sendWithin bounds how long one message may take to a slow client.
const sendWithin = 5 * time.Second

// OpenStream accepts a websocket of a page of these origins, or of no page; what it
// refuses it answers.
func OpenStream(w http.ResponseWriter, r *http.Request, origins []string) (*Stream, error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: origins, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(1 << 10)
	s := &Stream{conn: conn, done: make(chan struct{})}
	closed := conn.CloseRead(context.Background()) // answers pings, and ends when the client does
	go func() {
		<-closed.Done()
		close(s.done)
	}()
	return s, nil
}

// Send sends a text; a client that does not take it is given up.
func (s *Stream) Send(ctx context.Context, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, message)
}

// Done ends with the client.
func (s *Stream) Done() <-chan struct{} { return s.done }

// Close ends the stream.
func (s *Stream) Close() { _ = s.conn.CloseNow() }
