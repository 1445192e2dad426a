package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/record"
	"tenon/server/revision"
	"tenon/server/search"
)

// CheckReport counts what Check looked at and lists what it found.
type CheckReport struct {
	Resources, Versions, Blobs int
	Findings                   []string

	passed map[search.Key]bool // whose rows are not judged
}

// mostFindings bounds the list.
const mostFindings = 1000

func (c *CheckReport) found(format string, args ...any) {
	if len(c.Findings) < mostFindings {
		c.Findings = append(c.Findings, fmt.Sprintf(format, args...))
	}
}

// Check rebuilds what is derived from the record and compares: digests of
// versions, index rows of current ones, unbroken version numbers, and a content
// for every blob that is named. It changes nothing.
func (a *App) Check(ctx context.Context) (*CheckReport, error) {
	registry, err := a.searchable(ctx)
	if err != nil {
		return nil, err
	}
	report := &CheckReport{passed: map[search.Key]bool{}}
	if err := a.passedOver(ctx, registry, report.passed); err != nil {
		return nil, err
	}
	var last *record.Version
	err = a.Store.EachVersion(ctx, func(v record.Version) error {
		report.Versions++
		report.version(last, &v)
		if last != nil && (last.Type != v.Type || last.ID != v.ID) {
			if err := a.checkCurrent(ctx, registry, report, last); err != nil {
				return err
			}
		}
		last = &v
		return nil
	})
	if err == nil && last != nil {
		err = a.checkCurrent(ctx, registry, report, last)
	}
	if err != nil {
		return nil, err
	}
	if err := a.checkWhole(ctx, report); err != nil {
		return nil, err
	}
	return report, a.checkBlobs(ctx, report)
}

// checkWhole looks at the index as a whole: its format, and rows that belong to
// nothing.
func (a *App) checkWhole(ctx context.Context, c *CheckReport) error {
	held, err := a.Store.Held(ctx, []string{})
	if err != nil {
		return err
	}
	if held.Format < search.Format {
		c.found("index: its rows are of format %d, not %d: a running server makes them anew, or tenon reindex", held.Format, search.Format)
	}
	stray, err := a.Store.CheckStray(ctx)
	for _, s := range stray {
		c.found("index: %s", s)
	}
	return err
}

// searchable are the search parameters in force, the posted ones included.
func (a *App) searchable(ctx context.Context) (*search.Registry, error) {
	base := a.Config.BaseURL
	if base == "" {
		base = "http://" + a.Config.Listen + "/fhir"
	}
	model, err := search.NewRegistry(r4.Model(), search.WithBase(base))
	if err != nil {
		return nil, err
	}
	k, err := revision.New(ctx, revision.Options{Base: r4.Library(), Model: r4.Model(), Search: model, Store: a.Store, Log: a.log, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return k.Current().Search, nil
}

// passedOver are the keys of posted search parameters that are not in force, or
// not complete: rows of theirs may lie in the index, and answer nothing.
func (a *App) passedOver(ctx context.Context, registry *search.Registry, passed map[search.Key]bool) error {
	known := registry.Known()
	return a.Store.EachBody(ctx, "SearchParameter", func(body []byte) error {
		for _, key := range revision.KeysOf(body) {
			passed[key] = !known[key]
		}
		return nil
	})
}

// version judges one version beside the one before it.
func (c *CheckReport) version(last, v *record.Version) {
	next := int64(1)
	if last != nil && last.Type == v.Type && last.ID == v.ID {
		next = last.Version + 1
	}
	if v.Version != next {
		c.found("%s/%s: version %d where %d was expected", v.Type, v.ID, v.Version, next)
	}
	if sha256.Sum256(v.Body) != v.Digest {
		c.found("%s/%s/_history/%d: the digest does not fit the stored bytes", v.Type, v.ID, v.Version)
	}
}

// checkCurrent compares the index rows of a current version.
func (a *App) checkCurrent(ctx context.Context, registry *search.Registry, c *CheckReport, v *record.Version) error {
	c.Resources++
	if !v.Deleted {
		doc, err := tree.Parse(v.Body)
		if err != nil {
			c.found("%s/%s: the stored bytes are no resource", v.Type, v.ID)
			return nil //nolint:nilerr // a finding, not a failure of the check
		}
		if v.Rows, err = registry.Index(doc.Root()); err != nil {
			c.found("%s/%s: cannot be indexed", v.Type, v.ID)
			return nil //nolint:nilerr // a finding
		}
	}
	differs, err := a.Store.CheckIndex(ctx, v, func(k search.Key) bool { return !c.passed[k] })
	for _, d := range differs {
		c.found("%s/%s: index: %s", v.Type, v.ID, d)
	}
	return err
}

func (a *App) checkBlobs(ctx context.Context, c *CheckReport) error {
	return a.Store.EachBlob(ctx, func(b record.BlobRow) error {
		c.Blobs++
		r, err := a.Blobs.Open(ctx, b.Digest)
		if err != nil {
			c.found("blob %x: %v", b.Digest, err)
			return nil //nolint:nilerr // a finding
		}
		defer r.Close()
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil || [32]byte(h.Sum(nil)) != b.Digest || r.Size() != b.Size {
			c.found("blob %x: the content does not fit its digest and size", b.Digest)
		}
		return nil
	})
}
