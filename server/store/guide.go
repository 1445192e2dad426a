package store

import (
	"context"
	"strings"
)

// guidePrefix begins the names of the states that tell under which revision of
// definitions the database held an embedded guide whole: guide:<digest>.
const guidePrefix = "guide:"

// Guides are the guides that the database once held whole: by their digest, the
// last revision of definitions under which that was seen.
func (s *Store) Guides(ctx context.Context) (map[string]int64, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	err = s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, "SELECT name, value FROM state WHERE tenant = ? AND name >= ? AND name < ?",
			[]any{tenant, guidePrefix, after(guidePrefix)}, func(c cursor) error {
				var name string
				var number int64
				err := c.scan(&name, &number)
				all[strings.TrimPrefix(name, guidePrefix)] = number
				return err
			})
	})
	return all, err
}

// NoteGuide notes that the database held a guide whole under a revision of
// definitions; a later note is never taken back.
func (s *Store) NoteGuide(ctx context.Context, digest string, number int64) error {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO state (tenant, name, value) VALUES (?, ?, ?) ON CONFLICT (tenant, name) "+
			"DO UPDATE SET value = excluded.value WHERE excluded.value > state.value", []any{tenant, guidePrefix + digest, number})
		return err
	})
}
