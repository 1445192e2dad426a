package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tenon/server/record"
)

// reconcileCommand compares a replica, the files of a bulk export, with what the
// server says it would export now or as of a time.
type reconcileCommand struct {
	Token string   `help:"Access token of the party, where the manifest is asked of a server." env:"TENON_TOKEN"`
	Until string   `help:"As of this instant: transactionTime of the export. Now, if it is not given."`
	Types []string `name:"type" help:"Resource types; all by default."`
	Ours  string   `arg:"" name:"url|manifest" help:"Base URL of the FHIR door, or a file with the answer of its $reconcile."`
	Paths []string `arg:"" name:"path" help:"Files of the replica (.ndjson, also .gz) or folders with such." type:"path"`
}

// mostReplicaLine bounds one resource of a replica.
const mostReplicaLine = 64 << 20

// Run prints counts and differences; a difference is exit code 1.
func (c *reconcileCommand) Run(ctx context.Context, out io.Writer) error {
	ours, err := c.manifest(ctx)
	if err != nil {
		return err
	}
	theirs := map[string]record.Kept{}
	for _, path := range c.Paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || name != path && !strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".ndjson") {
				return err
			}
			return c.replica(name, theirs)
		})
		if err != nil {
			return err
		}
	}
	r := record.Compare(ours, theirs)
	for _, l := range []struct {
		name string
		refs []string
	}{{"missing", r.Missing}, {"extra", r.Extra}, {"other", r.Other}} {
		for _, ref := range l.refs {
			fmt.Fprintf(out, "%s %s\n", l.name, ref)
		}
	}
	fmt.Fprintf(out, "%d on the server, %d kept, %d the same; difference %d\n", r.Ours, r.Theirs, r.Same, r.Difference())
	if n := r.Difference(); n > 0 {
		return fmt.Errorf("reconcile: %d resources differ", n)
	}
	return nil
}

// manifest is the server's, asked for or read from a file.
func (c *reconcileCommand) manifest(ctx context.Context) (map[string]record.Kept, error) {
	if !strings.HasPrefix(c.Ours, "http://") && !strings.HasPrefix(c.Ours, "https://") {
		f, err := os.Open(c.Ours)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return record.ReadManifest(f)
	}
	query := url.Values{}
	if c.Until != "" {
		query.Set("until", c.Until)
	}
	if len(c.Types) > 0 {
		query.Set("_type", strings.Join(c.Types, ","))
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.Ours, "/")+"/$reconcile?"+query.Encode(), http.NoBody)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+c.Token)
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return nil, fmt.Errorf("reconcile: the server answered %s: %s", res.Status, why)
	}
	return record.ReadManifest(res.Body)
}

// replica adds a file of the replica.
func (c *reconcileCommand) replica(name string, all map[string]record.Kept) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, mostReplicaLine)
	for n := 1; lines.Scan(); n++ {
		k, err := record.KeptOf(lines.Bytes())
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if _, twice := all[k.Reference]; twice {
			return fmt.Errorf("%s:%d: %s comes twice", name, n, k.Reference)
		}
		all[k.Reference] = k
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: a resource is larger than %d bytes", name, mostReplicaLine)
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
