package rest

import (
	"bufio"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Reconciler is the recorder's part of $reconcile.
type Reconciler interface {
	Manifest(ctx context.Context, who *access.Context, q record.ReconcileQuery, emit func(record.Kept) error) error
	Reconcile(ctx context.Context, who *access.Context, q record.ReconcileQuery, theirs map[string]record.Kept) (*record.Reconciliation, error)
}

func (d *Door) reconcileRoutes() []route {
	return []route{
		{"GET", "/$reconcile", d.manifest, false},
		{"POST", "/$reconcile", d.reconcile, false},
	}
}

// mostDifferences bounds how many of each kind are named; the counts are whole.
const mostDifferences = 1000

// manifest is GET $reconcile?_type=…&until=…: what an export would give the caller,
// as NDJSON of reference, version and digest.
func (d *Door) manifest(c *call) error {
	q, err := c.reconcileQuery()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(&lateLines{c}, 64<<10)
	lines := json.NewEncoder(out)
	if err := d.o.Record.Manifest(c.ctx(), c.who, q, func(k record.Kept) error { return lines.Encode(k) }); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	if !c.Response().Committed { // nothing is kept
		_, _ = (&lateLines{c}).Write(nil)
	}
	c.Response().Flush()
	return nil
}

// lateLines sends the headers with the first lines.
type lateLines struct{ c *call }

func (w *lateLines) Write(p []byte) (int, error) {
	if !w.c.Response().Committed {
		w.c.set("Content-Type", exportFormats[0])
		w.c.Response().WriteHeader(http.StatusOK)
	}
	return w.c.Response().Write(p)
}

// reconcile is POST $reconcile: the caller's manifest, compared with ours.
func (d *Door) reconcile(c *call) error {
	q, err := c.reconcileQuery()
	if err != nil {
		return err
	}
	media, _, err := mime.ParseMediaType(c.header("Content-Type"))
	if err != nil || !slices.Contains(exportFormats[:3], media) {
		return badMedia(c.header("Content-Type"), "application/fhir+ndjson (a manifest: reference, version, digest a line)")
	}
	body, err := c.decoded(d.o.MaxImport)
	if err != nil {
		return bodyFault(err)
	}
	defer body.Close()
	theirs, err := record.ReadManifest(body)
	if issue.As(err) != nil {
		return err
	} else if err != nil {
		return bodyFault(err)
	}
	found, err := d.o.Record.Reconcile(c.ctx(), c.who, q, theirs)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(reconciled(found))
	if err != nil {
		return err
	}
	return c.send(http.StatusOK, answer)
}

// reconciled is a Parameters: counts, and the resources that differ.
func reconciled(r *record.Reconciliation) map[string]any {
	parameter := []map[string]any{}
	for _, n := range []struct {
		name  string
		count int
	}{
		{"difference", r.Difference()}, {"ours", r.Ours}, {"theirs", r.Theirs}, {"same", r.Same},
		{"missing-count", len(r.Missing)}, {"extra-count", len(r.Extra)}, {"other-count", len(r.Other)},
	} {
		parameter = append(parameter, map[string]any{"name": n.name, "valueInteger": n.count})
	}
	for _, l := range []struct {
		name string
		refs []string
	}{{"missing", r.Missing}, {"extra", r.Extra}, {"other", r.Other}} {
		for _, ref := range l.refs[:min(len(l.refs), mostDifferences)] {
			parameter = append(parameter, map[string]any{"name": l.name, "valueString": ref})
		}
	}
	return map[string]any{"resourceType": "Parameters", "parameter": parameter}
}

func (c *call) reconcileQuery() (q record.ReconcileQuery, err error) {
	for name, values := range c.QueryParams() {
		switch {
		case len(values) > 1:
			return q, badReconcile(name, "it comes twice")
		case name == "_type":
			q.Types = strings.Split(values[0], ",")
		case name == "until":
			if q.Until, err = time.Parse(time.RFC3339, values[0]); err != nil {
				return q, badReconcile(name, "it is no instant")
			}
		case name == "_format" || name == "_pretty":
		default:
			return q, badReconcile(name, "there is no such parameter")
		}
	}
	return q, nil
}

func badReconcile(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of $reconcile cannot be honoured: %s.", clip(name), why).
		WithStatus(400).At(clip(name)).Rule("reconcile-input").Chinese("$reconcile 的参数无效。")
}
