// Package webhook connects an MES over signed REST/JSON: job orders are posted
// to it, its news are posted to us. Both bodies have a published JSON Schema
// (schema/), both ways are signed with a shared secret and idempotent.
package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"tenon/server/dispatch"
)

// Sink posts job orders to the MES.
type Sink struct {
	URL    string
	Secret string
	Client *http.Client // the guarded client of the app
	Clock  func() time.Time
}

var _ dispatch.Sink = (*Sink)(nil)

// Name implements dispatch.Sink.
func (s *Sink) Name() string { return "mes" }

// Deliver posts the message. A 4xx other than 408, 409, 425 and 429 is for good:
// the MES has understood and refused.
func (s *Sink) Deliver(ctx context.Context, m dispatch.Message) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, bytes.NewReader(m.Body))
	if err != nil {
		return &dispatch.Permanent{Err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Tenon-Kind", m.Kind)
	req.Header.Set(headerKey, m.Key)
	sign(req.Header, s.Secret, s.Clock(), m.Body)
	res, err := s.Client.Do(req)
	if err != nil {
		return fmt.Errorf("webhook: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<20))
	switch {
	case res.StatusCode < 300, res.StatusCode == http.StatusConflict: // 409: it has it already
		return nil
	case res.StatusCode >= 500, res.StatusCode == http.StatusRequestTimeout,
		res.StatusCode == http.StatusTooEarly, res.StatusCode == http.StatusTooManyRequests:
		return fmt.Errorf("webhook: the MES answered %s", res.Status)
	}
	return &dispatch.Permanent{Err: fmt.Errorf("webhook: the MES answered %s", res.Status)}
}
