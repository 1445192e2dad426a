package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/dispatch"
	"tenon/server/dispatch/feed"
	"tenon/server/dispatch/socket"
	"tenon/server/rest"
	"tenon/server/revision"
)

// Feeds are the settings of subscriptions.
type Feeds struct {
	Most      int           `help:"How many subscriptions one person or system may have; 50 by default." env:"TENON_SUBSCRIPTIONS_MOST"`
	Retention time.Duration `help:"How long events are kept for $events; 720h by default." env:"TENON_SUBSCRIPTIONS_RETENTION"`
	Patience  time.Duration `help:"How long an endpoint is tried that does not answer; 240h by default." env:"TENON_SUBSCRIPTIONS_PATIENCE"`
	Backoff   time.Duration `help:"Wait after the first failure of an endpoint, doubled each time up to an hour; 1s by default." env:"TENON_SUBSCRIPTIONS_BACKOFF"`
	Lease     time.Duration `help:"After how long another server repeats a delivery whose server has gone; 90s by default." env:"TENON_SUBSCRIPTIONS_LEASE"`
}

// openFeed makes the feed of subscriptions; it learns of the recorder later.
func (a *App) openFeed() error {
	key, err := a.secret("subscription.key")
	if err != nil {
		return err
	}
	guard := a.guard()
	f := a.Config.Feeds
	a.feed, err = feed.New(feed.Options{
		Store: a.Store, Definitions: func() *revision.Revision { return a.keeper.Current() }, Resolve: a.resolve,
		Alive:  func(ctx context.Context, session string) error { return a.OAuth.Alive(ctx, session) },
		Client: guard.Client(a.Config.Outbound.Proxy), Permit: func(u *url.URL) error { return guard.Permit(u) },
		Key: key, BaseURL: a.Config.BaseURL, SocketURL: socketURL(a.Config.BaseURL), Random: rand.Reader, Clock: a.clock, Log: a.log,
		Most: f.Most, Retention: f.Retention, Patience: f.Patience, Backoff: f.Backoff, Lease: f.Lease,
	})
	a.sockets = socket.New(a.feed, a.origins(), a.log)
	return err
}

// origins are hosts whose pages may connect, as the websocket door wants them.
func (a *App) origins() (hosts []string) {
	for _, o := range a.Config.Origins {
		if u, err := url.Parse(o); err == nil && u.Host != "" {
			o = u.Host
		}
		hosts = append(hosts, o)
	}
	return hosts
}

// socketURL is where websockets connect: below the FHIR door.
func socketURL(base string) string {
	return "ws" + strings.TrimPrefix(base, "http") + "/websocket"
}

// resolve says who acts by an authority now. The operator of --dev is one while the
// server runs so.
func (a *App) resolve(ctx context.Context, by access.Authority) (*access.Context, error) {
	principal := by.Principal
	if principal == "operator" && a.Config.Dev {
		return &access.Context{Tenant: "main", Kind: access.Operator, Principal: principal}, nil
	}
	if !strings.Contains(principal, "/") {
		return nil, issue.Errorf(issue.Login, "%s is nobody who could be told.", principal).Rule("principal-unknown")
	}
	return a.OAuth.Acting(ctx, by)
}

// socket takes websockets of subscribers. A caller who is not known may bind
// with a token alone.
func (a *App) socket() echo.HandlerFunc {
	return func(c echo.Context) error {
		who := rest.Who(c)
		if who == nil && c.Request().Header.Get("Authorization") != "" {
			return c.NoContent(http.StatusUnauthorized)
		}
		a.sockets.Serve(c.Response(), c.Request(), who)
		return nil
	}
}

// revival tries a subscription again whose dead letter the operator revives.
type revival struct{ feed *feed.Engine }

func (revival) Name() string { return "subscription" }

func (r revival) Deliver(ctx context.Context, m dispatch.Message) error {
	var of struct {
		Subscription string `json:"subscription"`
	}
	if err := json.Unmarshal(m.Body, &of); err != nil {
		return &dispatch.Permanent{Err: fmt.Errorf("a dead letter of a subscription: %w", err)}
	}
	if of.Subscription == "" {
		return &dispatch.Permanent{Err: errors.New("a dead letter of no subscription")}
	}
	return r.feed.Revive(ctx, of.Subscription)
}
