package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"tenon/dicomweb/dimse"
)

// pullCommand asks a running server to pull a study (POST /dicomweb/pull). Who asks is
// the holder of the token: a person of the hospital, whose reach and name hold.
type pullCommand struct {
	Server    string `help:"Root of the running server." default:"http://127.0.0.1:8080" env:"TENON_SERVER"`
	TokenFile string `help:"File with the access token of a person of the hospital; TENON_TOKEN without it." type:"existingfile"`
	Token     string `hidden:"" env:"TENON_TOKEN"`
	Series    string `help:"Series Instance UID: this series alone."`
	Patient   string `help:"Patient/x: whose the study is, where the Patient ID in it identifies nobody."`
	Task      string `help:"Task/x: root of the case that it is for."`
	AE        string `arg:"" name:"title" help:"AE title of the PACS, as it is registered."`
	Study     string `arg:"" help:"Study Instance UID."`
}

// Run prints what came; an instance that failed is exit code 1.
func (c *pullCommand) Run(ctx context.Context, out io.Writer) error {
	token := c.Token
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(b))
	}
	query := url.Values{"peer": {c.AE}, "study": {c.Study}}
	for name, v := range map[string]string{"series": c.Series, "patient": c.Patient, "task": c.Task} {
		if v != "" {
			query.Set(name, v)
		}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.Server, "/")+"/dicomweb/pull?"+query.Encode(), http.NoBody)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // the token goes nowhere else
	res, err := client.Do(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	return c.told(out, res, body)
}

func (c *pullCommand) told(out io.Writer, res *http.Response, body []byte) error {
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusAccepted {
		var why struct{ Detail string }
		if json.Unmarshal(body, &why) != nil || why.Detail == "" {
			why.Detail = "no reason is given"
		}
		return fmt.Errorf("pull: the server answered %s: %s", res.Status, why.Detail)
	}
	var p dimse.Pulled
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("pull: the answer cannot be read: %w", err)
	}
	fmt.Fprintf(out, "%s: %d stored, %d with a warning, %d failed\n", p.Peer, p.Completed, p.Warned, p.Failed)
	for _, reason := range p.Reasons {
		fmt.Fprintln(out, reason)
	}
	if p.Failed > 0 {
		return fmt.Errorf("pull: %d instances are not stored", p.Failed)
	}
	return nil
}
