package dicomweb

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
)

// Rows of extra attributes, and of the words of names, for what was stored before
// they were indexed. A run goes on where the one before it stopped.

// buildStep is how many instances are read at a time.
const buildStep = 200

// Build makes what is missing. Until it has ended, extra attributes are refused:
// an answer that lacks matches looks like a whole one.
func (d *Door) Build(ctx context.Context) error {
	if d.o.Builder == nil {
		return nil
	}
	wanted := map[string]*index.Attribute{index.NamesKey: nil}
	paths := []string{index.NamesKey}
	for _, a := range d.o.Extra {
		wanted[a.Key()] = a
		paths = append(paths, a.Key())
	}
	pending, err := d.o.Builder.Pending(ctx, paths)
	if err != nil {
		return fmt.Errorf("dicomweb: index: %w", err)
	}
	for len(pending) > 0 {
		// Those that stand at the same instance go on together.
		from := ""
		for _, at := range pending {
			from = at
		}
		var group []string
		var extra []*index.Attribute
		for path, at := range pending {
			if at == from {
				group = append(group, path)
				if wanted[path] != nil {
					extra = append(extra, wanted[path])
				}
			}
		}
		slices.Sort(group)
		at, done, err := d.buildOn(ctx, from, group, extra)
		if err != nil {
			return err
		}
		for _, path := range group {
			if pending[path] = at; done {
				delete(pending, path)
			}
		}
	}
	d.built.Store(true)
	return nil
}

// buildOn makes the rows of the next instances.
func (d *Door) buildOn(ctx context.Context, from string, group []string, extra []*index.Attribute) (at string, done bool, err error) {
	list, err := d.o.Builder.Behind(ctx, from, buildStep)
	if err != nil {
		return "", false, fmt.Errorf("dicomweb: index: %w", err)
	}
	var rows []*index.Value
	var text []byte
	named := ""
	at = from
	for i := range list {
		r := &list[i]
		at = r.Instance.UID
		if slices.Contains(group, index.NamesKey) && named != r.Study.UID {
			named = r.Study.UID
			rows = append(rows, r.Study.NameValues()...)
		}
		if len(extra) == 0 {
			continue
		}
		if text, err = d.codec.unpack(text[:0], r.Instance.Content.Metadata); err != nil {
			return "", false, err
		}
		values, err := index.Values(bytes.ReplaceAll(text, []byte(basePlace), nil), index.Key{Study: r.Study.UID, Series: r.Series.UID, Instance: r.Instance.UID}, extra)
		if err != nil {
			return "", false, err
		}
		rows = append(rows, values...)
	}
	done = len(list) < buildStep
	if err := d.o.Builder.Build(ctx, rows, group, at, done); err != nil {
		return "", false, fmt.Errorf("dicomweb: index: %w", err)
	}
	return at, done, nil
}

// refuseUnbuilt refuses a query that would miss instances.
func (d *Door) refuseUnbuilt(s *sought) error {
	if d.o.Builder == nil || d.built.Load() {
		return nil
	}
	for _, m := range s.Matches {
		if m.Attribute.Path != nil || m.Fuzzy != nil {
			return issue.Errorf(issue.Transient, "The index of %s is being built for what was stored before; ask again in a while.", m.Attribute.Tag).
				Rule("qido-index").WithStatus(http.StatusServiceUnavailable)
		}
	}
	return nil
}
