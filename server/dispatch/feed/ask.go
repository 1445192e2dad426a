package feed

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"time"

	"github.com/google/uuid"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
	"tenon/server/record"
)

// Bounds of what one question is answered with.
const (
	mostStatus = 1000
	mostEvents = 500
	// bindingLife is how long a token can be used to bind a websocket.
	bindingLife = 5 * time.Minute
)

// Status is the Bundle of $status: of the subscriptions with these ids, or of all
// that the caller reaches; status limits them where it is not empty. One that is
// asked for alone and out of reach is not-found.
// http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status
func (e *Engine) Status(ctx context.Context, who *access.Context, ids, status []string, alone bool) ([]byte, error) {
	rows, err := e.reached(ctx, who, ids, "subscription-status")
	if err != nil {
		return nil, err
	}
	if alone && len(rows) == 0 {
		return nil, absent(ids[0])
	}
	wanted := map[string]bool{}
	for _, s := range status {
		wanted[s] = true
	}
	all := make([]subscription.Status, 0, len(rows))
	for i := range rows {
		if len(wanted) > 0 && !wanted[rows[i].Status] {
			continue
		}
		spec, _ := e.spec(&rows[i]) // of one that cannot be read the reason says it
		all = append(all, *statusOf(&rows[i], spec))
	}
	return subscription.Found(e.o.BaseURL, all), nil
}

func absent(id string) error {
	return issue.Errorf(issue.NotFound, "There is no Subscription/%s.", id).Rule("not-found").Chinese("资源不存在或不可见。")
}

// reached are the subscriptions whose resources the caller reaches; ids nil asks
// for all. The audit is kept. One that was just created may not be taken in yet:
// it is told as it was written.
func (e *Engine) reached(ctx context.Context, who *access.Context, ids []string, operation string) ([]Row, error) {
	if err := who.Permit(access.Read, "Subscription"); err != nil {
		return nil, err
	}
	rows, err := e.o.Store.Subscriptions(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[string]Row{}
	var refs []record.VersionRef
	for _, r := range rows {
		byID[r.ID] = r
		if ids == nil && len(refs) < mostStatus {
			refs = append(refs, record.VersionRef{Type: "Subscription", ID: r.ID})
		}
	}
	for _, id := range ids {
		refs = append(refs, record.VersionRef{Type: "Subscription", ID: id})
	}
	found, err := e.record.Disclose(ctx, who, operation, refs)
	if err != nil {
		return nil, err
	}
	var all []Row
	for _, v := range found {
		if v == nil || v.Deleted {
			continue
		}
		r, known := byID[v.ID]
		if !known {
			r = *e.rowOf(v, v.Author)
			if r.Warrant, err = e.o.Store.Warrant(ctx, v.ID); err != nil {
				return nil, err
			}
			if r.Status == "active" {
				r.Status = "requested"
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// own is one subscription that the caller has made; an operator has any.
func (e *Engine) own(ctx context.Context, who *access.Context, id, operation string) (*Row, *subscription.Spec, error) {
	rows, err := e.reached(ctx, who, []string{id}, operation)
	if err != nil {
		return nil, nil, err
	}
	if len(rows) == 0 {
		return nil, nil, absent(id)
	}
	r := &rows[0]
	if !r.Warrant.holds(who, r.Subscriber) && who.Kind != access.Operator {
		return nil, nil, issue.Errorf(issue.Forbidden, "The events of Subscription/%s are its subscriber's.", id).
			Rule("subscription-subscriber").Chinese("仅订阅者本人可查看其事件。")
	}
	spec, err := e.spec(r)
	return r, spec, err
}

// Events is the Bundle of $events: those numbered since to until (0: no bound)
// that are kept, with the content asked for, or that of the subscription.
// http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events
func (e *Engine) Events(ctx context.Context, who *access.Context, id string, since, until int64, content string) ([]byte, error) {
	row, spec, err := e.own(ctx, who, id, "subscription-events")
	if err != nil {
		return nil, err
	}
	if until <= 0 {
		until = math.MaxInt64
	}
	events, err := e.o.Store.Events(ctx, id, since, until, mostEvents)
	if err != nil {
		return nil, err
	}
	if content == "" {
		content = spec.Content
	}
	focus, err := e.focus(ctx, who, events, content)
	if err != nil {
		return nil, err
	}
	name, err := uuid.NewRandomFromReader(e.o.Random)
	if err != nil {
		return nil, err
	}
	return statusOf(row, spec).Notification(e.o.BaseURL, subscription.QueryEvent, name.String(), e.o.Clock(), fitting(focus)), nil
}

// Bind makes a token that binds a websocket to the caller's subscriptions, once.
// http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-get-ws-binding-token
func (e *Engine) Bind(ctx context.Context, who *access.Context, ids []string) (token string, expires time.Time, address string, err error) {
	for _, id := range ids {
		_, spec, err := e.own(ctx, who, id, "subscription-bind")
		if err != nil {
			return "", expires, "", err
		}
		if spec.Channel != subscription.WebSocket {
			return "", expires, "", issue.Errorf(issue.BusinessRule, "Subscription/%s has the channel %s; only a websocket is bound.", id, spec.Channel).
				WithStatus(422).Rule("subscription-channel").Chinese("该订阅不是 websocket 通道。")
		}
	}
	secret := make([]byte, 32)
	if _, err := io.ReadFull(e.o.Random, secret); err != nil {
		return "", expires, "", err
	}
	token = base64.RawURLEncoding.EncodeToString(secret)
	expires = e.o.Clock().Add(bindingLife)
	b := Binding{Principal: who.Principal, Session: who.Session, Subscriptions: ids, Expires: expires}
	return token, expires, e.o.SocketURL, e.o.Store.PutBinding(ctx, sha256.Sum256([]byte(token)), b)
}

// errBinding is the answer to a token that binds nothing.
var errBinding = issue.Errorf(issue.Login, "The token is unknown, used or expired. Ask for a new one.").Rule("binding-token").Chinese("绑定令牌无效或已过期。")

func (e *Engine) take(ctx context.Context, token string) (*Binding, error) {
	b, err := e.o.Store.TakeBinding(ctx, sha256.Sum256([]byte(token)))
	if err == nil && b == nil {
		err = errBinding
	}
	return b, err
}

// Topics are the canonical URLs of the topics.
func (*Engine) Topics() []string {
	all := make([]string, len(subscription.Topics))
	for i, t := range subscription.Topics {
		all[i] = t.URL
	}
	return all
}

// SocketURL is where websockets connect.
func (e *Engine) SocketURL() string { return e.o.SocketURL }

// Revive implements what the outbox does with a dead letter that the operator
// revives: the subscription is tried again.
func (e *Engine) Revive(ctx context.Context, id string) error {
	if id == "" {
		return errors.New("feed: no subscription is named")
	}
	err := e.o.Store.Resume(ctx, id)
	poke(e.send)
	return err
}
