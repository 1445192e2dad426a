package store

import (
	"context"
	"math"
	"time"

	"tenon/server/record"
)

// The floor is the time below which nothing is written any more. A version gets
// its time when it is prepared, before its commit; so without a floor one could
// appear behind the back of an export that has told its client "everything up to
// now". Raising the floor waits for the commits that are under way (on
// PostgreSQL they share a lock; on SQLite there is one writer), and every later
// commit whose versions are older is stale and prepared again with a later time.
const (
	floorNow   = "SELECT value FROM state WHERE tenant = ? AND name = 'floor'"
	raiseFloor = "INSERT INTO state (tenant, name, value) VALUES (?, 'floor', ?) " +
		"ON CONFLICT (tenant, name) DO UPDATE SET value = CASE WHEN state.value < excluded.value THEN excluded.value ELSE state.value END"
)

// RaiseFloor fixes a time behind which no version will ever be written: all
// versions with a time up to it have been committed when it returns, and all that
// come are later. It is at or the latest such time before.
func (s *Store) RaiseFloor(ctx context.Context, at time.Time) (fixed time.Time, err error) {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return fixed, err
	}
	floor := micros(at.Truncate(time.Millisecond).Add(time.Millisecond))
	err = s.engine.update(ctx, func(q querier) error {
		if lock := s.engine.dialect().lockDefinitions; lock != "" {
			if _, err := q.exec(ctx, lock, []any{tenant}); err != nil {
				return err
			}
		}
		if _, err := q.exec(ctx, raiseFloor, []any{tenant, floor}); err != nil {
			return err
		}
		_, err := one(ctx, q, floorNow, []any{tenant}, &floor)
		return err
	})
	return moment(floor).Add(-time.Millisecond), err
}

// Floor is the earliest time that a version may have now; zero where none was
// fixed.
func (s *Store) Floor(ctx context.Context) (at time.Time, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return at, err
	}
	err = s.engine.read(ctx, short, func(q querier) error {
		var floor int64
		found, err := one(ctx, q, floorNow, []any{tenant}, &floor)
		if found {
			at = moment(floor)
		}
		return err
	})
	return at, err
}

// earliest is the time of the oldest version of a unit.
func earliest(vs []record.Version) int64 {
	at := int64(math.MaxInt64)
	for i := range vs {
		at = min(at, micros(vs[i].Updated))
	}
	return at
}

// aboveFloor is stale for a unit that would be written behind an export.
func (a *liteApply) aboveFloor(u *record.Unit) error {
	var floor int64
	_, err := one(background, a.c, floorNow, []any{a.tenant}, &floor)
	if err == nil && earliest(u.Versions) < floor {
		err = record.ErrStale
	}
	return err
}
