package app

import (
	"errors"
	"net/http"
	"time"
)

// outbound is the one client for requests to others: bounded in time, and it
// follows no redirect, since that would send a signed body to an address that
// nobody configured.
func outbound() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("redirects are not followed")
		},
	}
}
