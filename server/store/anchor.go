package store

import (
	"context"

	"tenon/server/ledger"
)

const anchorColumns = "kind, name, size, at, note, token"

// PutAnchor keeps what somebody outside says of a state of the log. The first
// word about a state counts.
func (s *Store) PutAnchor(ctx context.Context, a ledger.Anchor) error {
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO anchor ("+anchorColumns+") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			[]any{a.Kind, a.Name, a.Size, micros(a.At), a.Note, filled(a.Token)})
		return err
	})
}

// AnchorsOver implements ledger.Anchors.
func (s *Store) AnchorsOver(ctx context.Context, index int64) ([]ledger.Anchor, error) {
	return s.anchors(ctx, "WHERE a.size = (SELECT min(b.size) FROM anchor b WHERE b.kind = a.kind AND b.name = a.name AND b.size > ?)", index)
}

// NewestAnchors are, of each kind and name, those of the largest state.
func (s *Store) NewestAnchors(ctx context.Context) ([]ledger.Anchor, error) {
	return s.anchors(ctx, "WHERE a.size = (SELECT max(b.size) FROM anchor b WHERE b.kind = a.kind AND b.name = a.name)")
}

func (s *Store) anchors(ctx context.Context, where string, args ...any) (found []ledger.Anchor, err error) {
	err = s.engine.read(ctx, short, func(q querier) error {
		found = nil
		return each(ctx, q, "SELECT "+anchorColumns+" FROM anchor a "+where+" ORDER BY size, kind, name", args, func(c cursor) error {
			a, err := scanAnchor(c)
			found = append(found, a)
			return err
		})
	})
	return found, err
}

func scanAnchor(c cursor) (a ledger.Anchor, err error) {
	var at int64
	err = c.scan(&a.Kind, &a.Name, &a.Size, &at, &a.Note, &a.Token)
	a.At = moment(at)
	return a, err
}

// Anchors implements ledger.Anchored.
func (r *Records) Anchors(ctx context.Context, each func(ledger.Anchor) error) error {
	for kind, name, size := "", "", int64(-1); ; {
		var page []ledger.Anchor
		err := r.read(ctx, func(q querier) error {
			page = nil
			return eachAnchor(ctx, q, &page, kind, name, size)
		})
		if err != nil {
			return err
		}
		for _, a := range page {
			if err := each(a); err != nil {
				return err
			}
			kind, name, size = a.Kind, a.Name, a.Size
		}
		if len(page) < pageRows {
			return nil
		}
	}
}

func eachAnchor(ctx context.Context, q querier, page *[]ledger.Anchor, kind, name string, size int64) error {
	return each(ctx, q, "SELECT "+anchorColumns+" FROM anchor WHERE (kind, name, size) > (?, ?, ?) ORDER BY kind, name, size LIMIT ?",
		[]any{kind, name, size, int64(pageRows)}, func(c cursor) error {
			a, err := scanAnchor(c)
			*page = append(*page, a)
			return err
		})
}
