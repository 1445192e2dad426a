package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"tenon/server/witness"
)

type witnessCommand struct {
	Name   string   `help:"Name of the witness, such as example.org/witness; needed the first time." env:"TENON_WITNESS_NAME"`
	Folder string   `help:"Folder of its key and of what it has seen; kept apart from the server's." default:"./witness" type:"path" env:"TENON_WITNESS_FOLDER"`
	Listen string   `help:"Address to listen on." default:"127.0.0.1:8090" env:"TENON_WITNESS_LISTEN"`
	Log    []string `help:"Public key of a log to watch: logKey of the trust file." required:"" env:"TENON_WITNESS_LOG"`
}

// Run watches until it is stopped.
func (c *witnessCommand) Run(ctx context.Context, out io.Writer) error {
	w, err := witness.New(witness.Options{Name: c.Name, Folder: c.Folder, Logs: c.Log})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\nwatches at http://%s; give the server --anchor-witnesses '%s http://%s'\n", w.Key(), l.Addr(), w.Key(), l.Addr())
	s := &http.Server{Handler: w.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.Shutdown(last); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
