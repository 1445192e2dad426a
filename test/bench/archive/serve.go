package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	_ "net/http/pprof" //nolint:gosec // only where TENON_BENCH_PPROF names an address
	"os"
	"time"

	"tenon/server/app"
)

// serve is the server under test: it prints its address and a token, and stops
// when its input ends.
func serve(ctx context.Context, data string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, app.Config{Listen: l.Addr().String(), Data: data, Database: "sqlite", Sample: true})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	token, err := a.IssueToken(ctx, "PractitionerRole/clin-wang", time.Hour, "bench")
	if err != nil {
		return errors.Join(err, l.Close(), a.Close())
	}
	fmt.Println(l.Addr(), token)
	if profile := os.Getenv("TENON_BENCH_PPROF"); profile != "" {
		beside := &http.Server{Addr: profile, Handler: http.DefaultServeMux, ReadHeaderTimeout: time.Second}
		go func() { _ = beside.ListenAndServe() }()
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return errors.Join(a.ServeOn(ctx, l), a.Close())
}

// admit makes a patient whom files belong to.
func (p *peer) admit(ctx context.Context, fhir, id string) error {
	body := `{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"` + id + `"}],"name":[{"text":"Bench"}]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fhir+"/Patient", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/fhir+json")
	req.Header.Set("Authorization", "Bearer "+p.token)
	res, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("create the patient: %s", res.Status)
	}
	return nil
}
