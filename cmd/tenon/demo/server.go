package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"tenon/server/app"
)

// mesSecret signs job orders and news between the server and the stand-in MES.
const mesSecret = "shared secret of the demo's two sides"

// server is Tenon as `tenon serve --sample` runs it, without --dev: every request
// needs a token.
type server struct {
	app  *app.App
	root string        // "http://127.0.0.1:4711"
	life time.Duration // of the tokens
	data string
	keep bool
	end  context.CancelFunc
	done chan error
}

// start opens a server on a free loopback port with a folder of its own.
func start(ctx context.Context, o Options, mesURL string) (*server, error) {
	s := &server{life: time.Hour, data: o.Keep, keep: o.Keep != "", done: make(chan error, 1)}
	if !s.keep {
		var err error
		if s.data, err = os.MkdirTemp("", "tenon-demo-"); err != nil {
			return nil, err
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.root = "http://" + l.Addr().String()
	database := o.Database
	if database == "" {
		database = "sqlite"
	}
	s.app, err = app.Open(ctx, app.Config{
		Listen: l.Addr().String(), Data: s.data, Database: database, BaseURL: s.root + "/fhir", Sample: true,
		MES: app.MES{URL: mesURL, Secret: mesSecret, Device: "mes"},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the server: %w", err), l.Close(), s.remove())
	}
	var serving context.Context
	serving, s.end = context.WithCancel(ctx)
	go func() { s.done <- s.app.ServeOn(serving, l) }()
	return s, nil
}

func (s *server) close() error {
	s.end()
	return errors.Join(<-s.done, s.app.Close(), s.remove())
}

func (s *server) remove() error {
	if s.keep {
		return nil
	}
	return os.RemoveAll(s.data)
}

// trust is the trust file, as `tenon trust` writes it: kept outside the server.
func (s *server) trust(ctx context.Context) []byte {
	var b bytes.Buffer
	must(s.app.WriteTrust(ctx, &b))
	return b.Bytes()
}
