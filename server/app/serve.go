package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/rest"
	"tenon/server/store"
)

// Version is the version of this source.
const Version = "0.1.0"

// grace is how long requests in flight may take after a stop was asked for.
const grace = 15 * time.Second

// Serve opens, listens and serves until the context ends, then stops gracefully.
func Serve(ctx context.Context, c Config, out io.Writer) error {
	a, err := Open(ctx, c)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", a.Config.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), a.Close())
	}
	a.welcome(out)
	return errors.Join(a.ServeOn(ctx, l), a.Close())
}

// ServeOn serves on a listener until the context ends.
func (a *App) ServeOn(ctx context.Context, l net.Listener) error {
	h, err := a.Handler()
	if err != nil {
		return err
	}
	trusted, err := a.Config.TrustedProxies.networks()
	if err != nil {
		return err
	}
	h = behind(trusted, h)
	if l, err = a.secured(l); err != nil {
		return err
	}
	ctx, outdated := context.WithCancelCause(ctx)
	defer outdated(nil)
	a.Start(ctx)
	a.background.Go(func() { a.keepFitting(ctx, outdated) })
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = srv.Shutdown(last)
	if cause := context.Cause(ctx); errors.Is(cause, store.ErrNewer) {
		err = errors.Join(cause, err)
	}
	return err
}

// fittingEvery is how soon a server notices that it must not use the schema any more.
const fittingEvery = 2 * time.Second

// keepFitting stops a server beside which a newer one has changed the schema in a way
// that this one does not know.
func (a *App) keepFitting(ctx context.Context, outdated context.CancelCauseFunc) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(fittingEvery):
		}
		if err := a.Store.Ready(ctx); errors.Is(err, store.ErrNewer) {
			a.log.Error("this server stops", "error", err)
			outdated(err)
			return
		}
	}
}

// Handler is all doors behind one front: request id, recovery, the caller.
func (a *App) Handler() (http.Handler, error) {
	fhir, dicom, err := a.doors()
	if err != nil {
		return nil, err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Use(a.front, pace(slowest))
	e.Use(middleware.GzipWithConfig(middleware.GzipConfig{Level: 1, MinLength: 1024, Skipper: func(c echo.Context) bool {
		r := c.Request() // ranges are of the plain content, and these doors code their own answers
		return r.Header.Get("Range") != "" || strings.HasPrefix(r.URL.Path, "/fhir/") || r.URL.Path == "/fhir" || strings.HasPrefix(r.URL.Path, "/dicomweb")
	}}))
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", a.ready)
	e.GET("/", home)
	a.oauthRoutes(e)
	doors := e.Group("/fhir", a.identify)
	doors.GET("/Task/:id/$follow-up", a.followUp)
	doors.GET("/websocket", a.socket())
	fhir.Register(doors)
	e.Any("/dicomweb", echo.WrapHandler(dicom))
	e.Any("/dicomweb/*", echo.WrapHandler(dicom))
	if m := a.mes(); m != nil {
		e.Any("/adapters/mes/*", echo.WrapHandler(m), a.certified)
	}
	return e, nil
}

// ready answers 200 once the database answers, has the schema, and the ledger
// keeps up.
func (a *App) ready(c echo.Context) error {
	if err := a.Store.Ready(c.Request().Context()); err != nil {
		a.log.Error("not ready", "error", err)
		return c.String(http.StatusServiceUnavailable, "not ready\n")
	}
	return c.String(http.StatusOK, "ready\n")
}

// front gives every request an id, turns a panic into a 500 without detail, and
// logs the line of the request: never its query, never its body.
func (a *App) front(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		id := c.Request().Header.Get("X-Request-Id")
		if len(id) == 0 || len(id) > 64 {
			id = uuid.NewString()
		}
		c.SetRequest(located(c.Request(), id))
		c.Request().Header.Set("X-Request-Id", id)
		c.Response().Header().Set("X-Request-Id", id)
		a.strict(c)
		defer func() {
			p := recover()
			if p == http.ErrAbortHandler { //nolint:errorlint // a panic value
				panic(p) // an answer that broke off must not look whole
			}
			if p != nil {
				a.log.Error("panic", "request", id, "method", c.Request().Method, "route", c.Path())
				err = c.NoContent(http.StatusInternalServerError)
			}
		}()
		return next(c)
	}
}

// identify leaves the caller for the FHIR door.
func (a *App) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := a.caller(c.Request())
		if err != nil && issue.As(err) == nil {
			return err
		}
		if err == nil {
			rest.SetWho(c, who)
		} else if c.Request().Header.Get("Authorization") != "" {
			rest.SetDenial(c, issue.As(err))
		}
		return next(c)
	}
}

// caller says who asks. With --dev a request without a token acts as the
// operator, who reads and imports but never signs or passes a gate.
func (a *App) caller(r *http.Request) (*access.Context, error) {
	header := r.Header.Get("Authorization")
	if header == "" && a.Config.Dev {
		return &access.Context{Tenant: "main", Kind: access.Operator, Principal: "operator", RequestID: r.Header.Get("X-Request-Id"), Address: addressOf(r)}, nil
	}
	who, err := a.OAuth.Authenticate(r.Context(), header)
	if err == nil {
		err = a.Recorder.Inlet(r.Context(), who)
	}
	if err != nil {
		return nil, err
	}
	request := *who
	request.RequestID, request.Address = r.Header.Get("X-Request-Id"), addressOf(r)
	return a.emergency(r, &request)
}
