package feed

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
)

// Stream is what one websocket hears of one subscription. It is used by one
// goroutine.
type Stream struct {
	e       *Engine
	id      string
	by      string // who bound it
	session string // and with which token: what is told ends with it
	token   bool   // bound with a token: told as of the backport
	greeted bool
	told    int64 // up to which event
	sent    time.Time
}

// Listen binds by the id of a subscription, as a caller who is known.
func (e *Engine) Listen(ctx context.Context, who *access.Context, id string) (*Stream, error) {
	if who == nil {
		return nil, issue.Errorf(issue.Login, "To bind by an id, connect with a token in the header Authorization; or bind with a token of $get-ws-binding-token.").
			Rule("no-token").Chinese("请先登录。")
	}
	if err := e.alive(ctx, who.Session); err != nil {
		return nil, err
	}
	now, err := e.o.Resolve(ctx, who.Authority()) // a connection outlives roles
	if err != nil {
		return nil, err
	}
	row, _, err := e.own(ctx, now, id, "subscription-bind")
	if err != nil {
		return nil, err
	}
	return &Stream{e: e, id: id, by: who.Principal, session: who.Session, told: row.Delivered, greeted: true}, nil
}

// ListenWith binds with a token of Bind.
func (e *Engine) ListenWith(ctx context.Context, token string) ([]*Stream, error) {
	b, err := e.take(ctx, token)
	if err != nil {
		return nil, err
	}
	var all []*Stream
	for _, id := range b.Subscriptions {
		all = append(all, &Stream{e: e, id: id, by: b.Principal, session: b.Session, token: true, told: -1})
	}
	return all, nil
}

// alive refuses a session that has ended.
func (e *Engine) alive(ctx context.Context, session string) error {
	if session == "" || e.o.Alive == nil {
		return nil
	}
	return e.o.Alive(ctx, session)
}

// ID is the id of the subscription.
func (s *Stream) ID() string { return s.id }

// By is the principal who bound it.
func (s *Stream) By() string { return s.by }

// Next waits for the next message; sent is called once it has left. The error is
// an issue where the stream has ended: the subscription is off or gone, the
// subscriber is nobody any more, or the token that bound it is no longer good.
func (s *Stream) Next(ctx context.Context) (message []byte, sent func(context.Context) error, err error) {
	for {
		news := s.e.news()
		message, upTo, err := s.due(ctx)
		if err != nil {
			return nil, nil, err
		}
		if message != nil {
			return message, func(ctx context.Context) error { return s.delivered(ctx, upTo) }, nil
		}
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-news:
		case <-time.After(s.e.o.Poll):
		}
	}
}

var errEnded = issue.Errorf(issue.NotFound, "The subscription is off or gone.").Rule("subscription-off").Chinese("订阅已停用或不存在。")

// due is what is to be told now, nil for nothing, and up to which event.
func (s *Stream) due(ctx context.Context) ([]byte, int64, error) {
	if err := s.e.alive(ctx, s.session); err != nil {
		return nil, 0, err
	}
	rows, err := s.e.o.Store.Subscriptions(ctx, []string{s.id})
	if err != nil {
		return nil, 0, err
	}
	if len(rows) == 0 || rows[0].Status == "off" {
		return nil, 0, errEnded
	}
	row := &rows[0]
	spec, err := s.e.spec(row)
	if err != nil || spec.Channel != subscription.WebSocket || !spec.End.IsZero() && !s.e.o.Clock().Before(spec.End) {
		return nil, 0, errors.Join(errEnded, err)
	}
	// what is told is what the subscriber may see, whoever listens
	who, err := s.e.o.Resolve(ctx, row.authority())
	if err != nil {
		return nil, 0, err
	}
	if s.told < 0 {
		s.told = row.Delivered
	}
	st := statusOf(row, spec)
	if !s.greeted {
		return s.bundle(st, subscription.Handshake, nil), s.told, nil
	}
	if row.Last <= s.told {
		if s.token && spec.Heartbeat > 0 && s.e.o.Clock().Sub(s.sent) >= spec.Heartbeat {
			return s.bundle(st, subscription.Heartbeat, nil), s.told, nil
		}
		return nil, 0, nil
	}
	if !s.token || !spec.Backport() {
		return []byte("ping " + s.id), row.Last, nil
	}
	events, err := s.e.o.Store.Events(ctx, s.id, s.told+1, row.Last, spec.MaxCount)
	if err != nil {
		return nil, 0, err
	}
	if len(events) == 0 { // kept no longer
		s.told = row.Last
		return nil, 0, nil
	}
	focus, err := s.e.focus(ctx, who, events, spec.Content)
	if err != nil {
		return nil, 0, err
	}
	focus = fitting(focus)
	return s.bundle(st, subscription.EventNews, focus), focus[len(focus)-1].Number, nil
}

func (s *Stream) bundle(st *subscription.Status, kind string, focus []subscription.Focus) []byte {
	id := uuid.New()
	return st.Notification(s.e.o.BaseURL, kind, id.String(), s.e.o.Clock(), focus)
}

// delivered notes what has left.
func (s *Stream) delivered(ctx context.Context, upTo int64) error {
	s.greeted, s.sent = true, s.e.o.Clock()
	if upTo <= s.told {
		return nil
	}
	s.told = upTo
	return s.e.o.Store.Delivered(ctx, s.id, upTo)
}
