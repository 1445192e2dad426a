package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tenon/server/ledger"
)

// maxAnswer bounds a revocation list or an answer about one certificate.
const maxAnswer = 4 << 20

// askTime bounds all questions about one certificate: a person waits.
const askTime = 15 * time.Second

// ask adds to the evidence what says that a certificate was not revoked at a time:
// a list of the operator's folder, else the answer of the responder or the list
// that the certificate names. Without an answer nothing is signed.
func (a *App) ask(ctx context.Context, l ledger.Link, e *ledger.Evidence, at time.Time) error {
	for _, der := range a.Config.Signing.lists() {
		if done, err := keepAnswer(l, e, &ledger.Evidence{CRLs: [][]byte{der}}, at); done || err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	client := a.guard().Client(a.Config.Outbound.Proxy)
	var failures []error
	if request := l.OCSPRequest(); request != nil {
		der, err := fetched(ctx, client, http.MethodPost, l.Certificate.OCSPServer[0], "application/ocsp-request", request)
		if err == nil {
			if done, err := keepAnswer(l, e, &ledger.Evidence{OCSPs: [][]byte{der}}, at); done || err != nil {
				return err
			}
		}
		failures = append(failures, err)
	}
	for _, url := range l.Certificate.CRLDistributionPoints {
		der, err := fetched(ctx, client, http.MethodGet, url, "", nil)
		if err == nil {
			if done, err := keepAnswer(l, e, &ledger.Evidence{CRLs: [][]byte{der}}, at); done || err != nil {
				return err
			}
		}
		failures = append(failures, err)
	}
	if err := errors.Join(failures...); err != nil {
		a.log.Warn("nothing says whether a certificate was revoked", "serial", l.Certificate.SerialNumber.String(), "error", err)
	}
	return fmt.Errorf("nothing says whether the certificate %v was revoked: neither a list of the server nor the address that it names", l.Certificate.SerialNumber)
}

// keepAnswer keeps an answer that is one.
func keepAnswer(l ledger.Link, e, answer *ledger.Evidence, at time.Time) (bool, error) {
	done, err := l.Answered(answer, at)
	if done {
		e.CRLs, e.OCSPs = append(e.CRLs, answer.CRLs...), append(e.OCSPs, answer.OCSPs...)
	}
	return done, err
}

func fetched(ctx context.Context, client *http.Client, method, url, typ string, body []byte) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if typ != "" {
		q.Header.Set("Content-Type", typ)
	}
	r, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err == nil && (r.StatusCode != http.StatusOK || len(answer) > maxAnswer) {
		err = fmt.Errorf("%s answers %d with %d bytes", url, r.StatusCode, len(answer))
	}
	return answer, err
}
