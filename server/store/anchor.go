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
