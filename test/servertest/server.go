package servertest

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tenon/server/app"
)

// Server is a running server.
type Server struct {
	*Client
	App    *app.App
	Config app.Config

	once sync.Once
	stop func() error
}

// Start opens a server on a free port and serves until the test ends or Stop.
// What Config leaves empty is filled: SQLite, a folder of the test.
func Start(t testing.TB, c app.Config) *Server {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = l.Addr().String()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	if c.Database == "" {
		c.Database = "sqlite"
	}
	a, err := app.Open(t.Context(), c)
	if err != nil {
		t.Fatal(errors.Join(err, l.Close()))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- a.ServeOn(ctx, l) }()
	s := &Server{Client: At("http://" + c.Listen), App: a, Config: c}
	s.stop = func() error {
		cancel()
		s.Client.Close()
		return errors.Join(<-done, a.Close())
	}
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// Stop stops the server gracefully; once is enough.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.once.Do(func() {
		if err := s.stop(); err != nil {
			t.Errorf("stop the server: %v", err)
		}
	})
}

// Token issues an access token, as `tenon user token` does.
func (s *Server) Token(t testing.TB, principal string) string {
	t.Helper()
	token, err := s.App.IssueToken(t.Context(), principal, time.Hour, "test")
	if err != nil {
		t.Fatalf("a token for %s: %v", principal, err)
	}
	return token
}

// SQLite is the file of the embedded database.
func (s *Server) SQLite() string { return filepath.Join(s.Config.Data, "db", "tenon.db") }
