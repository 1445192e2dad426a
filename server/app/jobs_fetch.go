package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"tenon/fhir/issue"
)

// longestFetch bounds the fetching of one file of an import.
const longestFetch = 6 * time.Hour

// fetch opens a file of an import where the guard of the server lets requests go.
// No credentials are sent.
func (a *App) fetch(ctx context.Context, url string) (io.ReadCloser, error) {
	client := a.guard().Client(a.Config.Outbound.Proxy)
	client.Timeout = longestFetch
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fetchFault("The address of a file cannot be read.")
	}
	r.Header.Set("Accept", "application/fhir+ndjson")
	res, err := client.Do(r)
	if err != nil {
		var refused *issue.Failure
		if errors.As(err, &refused) {
			refused.At("input.url")
			return nil, refused
		}
		return nil, fmt.Errorf("a file of an import cannot be fetched: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	_ = res.Body.Close()
	if res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests {
		return nil, fmt.Errorf("a file of an import was answered with %d", res.StatusCode)
	}
	return nil, fetchFault(fmt.Sprintf("A file was answered with the status %d, not 200.", res.StatusCode))
}

func fetchFault(text string) error {
	return issue.Errorf(issue.Processing, "%s", text).At("input.url").Rule("import-fetch").Chinese("无法获取导入文件。")
}
