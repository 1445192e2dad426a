package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"tenon/adapters/mes/webhook"
	"tenon/server/dispatch"
)

// Notices say where notices go beside the case: reminders, nonconformities, jobs
// that the MES does not stop. Each is a Communication in its case, which
// Subscriptions carry to those who may see it; a gateway (mail, messages) gets
// the same without anything about the patient.
type Notices struct {
	URL    string `help:"Where notices are posted as signed JSON, in the form of the MES webhook (Tenon-Kind is the kind of notice). None by default: they are in the case alone." env:"TENON_NOTICE_URL"`
	Secret string `help:"Shared secret of the signatures; at least 32 characters." env:"TENON_NOTICE_SECRET"`
}

func (n *Notices) validate() error {
	if n.URL == "" {
		return nil
	}
	if u, err := url.Parse(n.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("notice-url: %q is not an http(s) URL", n.URL)
	}
	if len(n.Secret) < 32 {
		return errors.New("notice-secret: it must have at least 32 characters")
	}
	return nil
}

// notices is the sink of the outbox for them.
func (a *App) notices() dispatch.Sink {
	n := noticeSink{}
	if c := a.Config.Notices; c.URL != "" {
		n.to = &webhook.Sink{URL: c.URL, Secret: c.Secret, Client: a.outbound(c.URL), Clock: a.clock}
	}
	return n
}

type noticeSink struct{ to *webhook.Sink }

// Name implements dispatch.Sink.
func (noticeSink) Name() string { return "notice" }

// Deliver implements dispatch.Sink; without a gateway the Communication is all.
func (n noticeSink) Deliver(ctx context.Context, m dispatch.Message) error {
	if n.to == nil {
		return nil
	}
	return n.to.Deliver(ctx, m)
}
