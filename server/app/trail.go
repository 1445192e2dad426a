package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/google/uuid"

	"tenon/server/audit"
	"tenon/server/record"
	"tenon/server/syslog"
)

// Trail says where the audit goes besides the database.
type Trail struct {
	Syslog string `help:"host:port of a syslog collector over TLS (RFC 5425) that gets every audit event as an audit message of ATNA (ITI-20); none by default." env:"TENON_AUDIT_SYSLOG"`
	Name   string `help:"Name in the certificate of the collector; its host by default." env:"TENON_AUDIT_NAME"`
	Roots  string `help:"File with certificates (PEM) of authorities for the collector; those of the system by default." env:"TENON_AUDIT_ROOTS" type:"path"`
	Cert   string `help:"File with the certificate (PEM) that is shown to the collector; read anew for each connection." env:"TENON_AUDIT_CERT" type:"path"`
	Key    string `help:"File with the private key (PEM) of that certificate." env:"TENON_AUDIT_KEY" type:"path"`
}

func (t *Trail) validate() error {
	if err := paired("audit", t.Cert, t.Key); err != nil {
		return err
	}
	if t.Syslog == "" {
		return nil
	}
	if host, port, err := net.SplitHostPort(t.Syslog); err != nil || host == "" || port == "" {
		return fmt.Errorf("audit-syslog: %q is not host:port", t.Syslog)
	}
	if _, err := t.tls(); err != nil {
		return err
	}
	return nil
}

// tls are the settings of one connection, read from the files as they are now.
func (t *Trail) tls() (*tls.Config, error) {
	host, _, err := net.SplitHostPort(t.Syslog)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if t.Name != "" {
		c.ServerName = t.Name
	}
	if c.RootCAs, err = poolIn("audit-roots", t.Roots); err != nil {
		return nil, err
	}
	c.Certificates, err = pairIn("audit", t.Cert, t.Key)
	return c, err
}

// How the audit is sent: so many batches at once, by one server at a time, which
// loses the task when it has not been heard of for a while.
const (
	trailGroup = 200
	trailLease = time.Minute
	trailEvery = time.Second
	trailWaits = 30 * time.Second // at most, while the collector does not answer
)

// keepSent sends what comes into the log to the collector until the context ends.
// It runs beside the doors and holds none of them up: what cannot be sent waits in
// the database.
func (a *App) keepSent(ctx context.Context) {
	if a.Config.Trail.Syslog == "" {
		return
	}
	t := &trail{a: a, name: "syslog " + a.Config.Trail.Syslog, holder: uuid.NewString(),
		sender: &syslog.Sender{Address: a.Config.Trail.Syslog, TLS: a.Config.Trail.tls}}
	wait := trailEvery
	for {
		more, err := t.turn(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Error("the audit is not sent to the collector; it waits", "error", err)
			wait = min(2*wait, trailWaits)
		case more:
			wait = 0
		default:
			wait = trailEvery
		}
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			_ = a.Store.LeaveAuditExport(last, t.name, t.holder) // else it ends with its time
			return
		case <-time.After(wait):
			wait = max(wait, trailEvery)
		}
	}
}

// trail is the sending of one server.
type trail struct {
	a            *App
	name, holder string
	sender       *syslog.Sender
}

// turn sends one group; more tells that there may be another one.
func (t *trail) turn(ctx context.Context) (more bool, err error) {
	from, ok, err := t.a.Store.TakeAuditExport(ctx, t.name, t.holder, t.a.clock().Add(trailLease))
	if err != nil || !ok {
		return false, err
	}
	batches, next, err := t.a.Store.AuditLeaves(ctx, from, trailGroup)
	if err != nil || next == from {
		return false, err
	}
	messages, err := t.messages(batches)
	if err != nil {
		return false, err
	}
	if len(messages) > 0 {
		if err := t.sender.Send(ctx, messages); err != nil {
			return false, err
		}
	}
	return len(batches) > 0, t.a.Store.MoveAuditExport(ctx, t.name, t.holder, from, next)
}

func (t *trail) messages(batches []record.AuditBatch) (all []syslog.Message, err error) {
	source := audit.Source{URL: t.a.Config.BaseURL, Name: "Tenon"}
	host, err := os.Hostname()
	if err != nil {
		host = "-"
	}
	for _, b := range batches {
		for i := range b.Rows {
			e := record.AuditEvent{Audit: b.Rows[i], Batch: b.ID, Row: i, Recorded: b.At}
			text, err := audit.DICOM(&e, source)
			if err != nil {
				return nil, err
			}
			all = append(all, syslog.Message{At: b.At, Host: host, App: "tenon", ID: audit.MessageID, Text: text})
		}
	}
	return all, nil
}
