package store

import "context"

// RaiseEpoch is what a migration of a newer version does.
func (s *Store) RaiseEpoch(ctx context.Context, epoch int64) error {
	return s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "UPDATE schema_epoch SET epoch = ?", []any{epoch})
		return err
	})
}
