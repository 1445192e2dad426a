package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"tenon/server/app"
	"tenon/server/record"
	"tenon/server/store/rawtest"
)

// serve is the server under test: Tenon on one address, and beside it on another
// what only the measurement needs. It tells both, and ends when its input does.
func serve(ctx context.Context, database, data string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	beside, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, app.Config{Listen: l.Addr().String(), Data: data, Database: database, Dev: true, Sample: true})
	if err != nil {
		return err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: besides(a)}
	go func() { _ = srv.Serve(beside) }()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	fmt.Printf("%s %s\n", l.Addr(), beside.Addr())
	return errors.Join(a.ServeOn(ctx, l), srv.Close(), a.Close())
}

// besides answers from memory with the same audit row (what HTTP and the audit
// cost here), issues tokens, and profiles.
func besides(a *app.App) http.Handler {
	body := rawtest.Body(0)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /memory", func(w http.ResponseWriter, r *http.Request) {
		row := record.Audit{At: time.Now(), Principal: "operator", Door: "fhir", Action: "R", Operation: "read", Entity: "Observation/x", Outcome: 200}
		if err := a.Store.Audit(r.Context(), []record.Audit{row}); err != nil {
			http.Error(w, "audit", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/fhir+json")
		_, _ = w.Write(body)
	})
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		token, err := a.IssueToken(r.Context(), r.URL.Query().Get("principal"), 24*time.Hour, "bench")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, token)
	})
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	return mux
}
