package store

import (
	"context"

	"tenon/server/access"
)

// Limited tells whether some case is open to a principal below the highest level,
// so that he may see something in part.
func (s *Store) Limited(ctx context.Context, principal string) (limited bool, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return false, err
	}
	return limited, s.engine.read(ctx, short, func(q querier) error {
		limited = false
		return each(ctx, q, "SELECT 1 FROM case_access WHERE tenant = ? AND principal = ? AND ceiling < ? LIMIT 1",
			[]any{tenant, principal, int64(highest)}, func(cursor) error { limited = true; return nil })
	})
}

// highest is the level above which there is none.
const highest access.Level = 5
