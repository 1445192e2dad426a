package feed

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tenon/fhir/issue"
	"tenon/server/dispatch/subscription"
)

// mostAnswer is how much of an endpoint's answer is read; none of it is used.
const mostAnswer = 64 << 10

// poster sends to the endpoint of one subscription.
// https://hl7.org/fhir/R4/subscription.html#2.46.7.1
type poster struct {
	e      *Engine
	spec   *subscription.Spec
	header http.Header
}

// poster opens the headers of the channel.
func (e *Engine) poster(ctx context.Context, r *Row, spec *subscription.Spec) (*poster, error) {
	p := &poster{e: e, spec: spec, header: http.Header{}}
	if len(spec.Headers) == 0 {
		return p, nil
	}
	sealed, err := e.o.Store.ChannelSecrets(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, line := range spec.Headers {
		h := subscription.HeaderOf(line)
		if h.Secret != "" {
			if h.Value, err = e.vault.open(r.ID, h.Secret, sealed[h.Secret]); err != nil {
				return nil, err
			}
		}
		p.header.Add(h.Name, h.Value)
	}
	return p, nil
}

// events tells of events: all in one notification to a topic's subscriber, one
// by one to one of R4, who is not told of what is out of reach.
func (p *poster) events(ctx context.Context, st *subscription.Status, focus []subscription.Focus) error {
	if p.spec.Backport() {
		return p.bundle(ctx, st, subscription.EventNews, focus)
	}
	for _, f := range focus {
		switch {
		case p.spec.Content == subscription.Empty:
			if err := p.send(ctx, http.MethodPost, p.spec.Endpoint, nil); err != nil {
				return err
			}
		case f.Body != nil:
			if err := p.send(ctx, http.MethodPut, below(p.spec.Endpoint, f.Type+"/"+f.ID), f.Body); err != nil {
				return err
			}
		}
	}
	return nil
}

// below is the address of a resource at an endpoint that stands for a FHIR base.
func below(endpoint, path string) string {
	address, query, found := strings.Cut(endpoint, "?")
	address = strings.TrimSuffix(address, "/") + "/" + path
	if found {
		address += "?" + query
	}
	return address
}

func (p *poster) bundle(ctx context.Context, st *subscription.Status, kind string, focus []subscription.Focus) error {
	id, err := uuid.NewRandomFromReader(p.e.o.Random)
	if err != nil {
		return err
	}
	return p.send(ctx, http.MethodPost, p.spec.Endpoint, st.Notification(p.e.o.BaseURL, kind, id.String(), p.e.o.Clock(), focus))
}

// send makes one request. The error says what a subscriber needs to know, and
// nothing about the network of this server.
func (p *poster) send(ctx context.Context, method, address string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, p.spec.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return errors.New("the endpoint is no address that can be asked")
	}
	for name, values := range p.header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "Tenon")
	if body != nil {
		r.Header.Set("Content-Type", "application/fhir+json")
	}
	answer, err := p.e.o.Client.Do(r)
	if err != nil {
		return p.reason(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, mostAnswer)) // nothing of it matters
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return errors.New("the endpoint answered " + strconv.Itoa(answer.StatusCode))
	}
	return nil
}

func (p *poster) reason(err error) error {
	var refused *tls.CertificateVerificationError
	switch {
	case issue.As(err) != nil:
		return errors.New(strings.TrimSuffix(issue.As(err).Issues[0].Text, "."))
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the endpoint did not answer within " + p.spec.Timeout.Round(time.Second).String())
	case errors.As(err, &refused):
		return errors.New("the certificate of the endpoint is not trusted")
	}
	return errors.New("the endpoint cannot be reached")
}
