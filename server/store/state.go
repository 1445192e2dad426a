package store

import (
	"context"
	"strings"

	"tenon/oauth"
)

const stateColumns = "id, client, subject, system, code, version, updated, sealed"

// AddState implements oauth.States.
func (s *Store) AddState(ctx context.Context, tenant string, x *oauth.State, alike int, bytes int64) (added bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		added = false
		var count int64
		if _, err := one(ctx, q, "SELECT count(*) FROM oauth_state WHERE tenant = ? AND subject = ? AND code = ? AND system = ? AND client = ?",
			[]any{tenant, x.Subject, x.Code.Code, x.Code.System, x.Client}, &count); err != nil || count >= int64(alike) {
			return err
		}
		if full, err := stateFull(ctx, q, tenant, x, bytes); err != nil || full {
			return err
		}
		_, err := q.exec(ctx, "INSERT INTO oauth_state (tenant, "+stateColumns+", size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			[]any{tenant, x.ID, x.Client, x.Subject, x.Code.System, x.Code.Code, x.Version, micros(x.Updated), x.Sealed, int64(len(x.Sealed))})
		added = err == nil
		return err
	})
	return added, err
}

// stateFull tells whether an app would keep more than it may.
func stateFull(ctx context.Context, q querier, tenant string, x *oauth.State, bytes int64) (bool, error) {
	var kept int64
	_, err := one(ctx, q, "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM oauth_state WHERE tenant = ? AND client = ? AND id <> ?", []any{tenant, x.Client, x.ID}, &kept)
	return kept+int64(len(x.Sealed)) > bytes, err
}

// State implements oauth.States.
func (s *Store) State(ctx context.Context, tenant, id string) (*oauth.State, error) {
	list, err := s.states(ctx, "tenant = ? AND id = ?", tenant, id)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

// StatesOf implements oauth.States.
func (s *Store) StatesOf(ctx context.Context, tenant, subject string, code oauth.StateCode) ([]*oauth.State, error) {
	return s.states(ctx, "tenant = ? AND subject = ? AND code = ? AND system = ? ORDER BY updated, id", tenant, subject, code.Code, code.System)
}

func (s *Store) states(ctx context.Context, where string, args ...any) (list []*oauth.State, err error) {
	err = s.engine.readSecrets(ctx, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT "+stateColumns+" FROM oauth_state WHERE "+where, args, func(row cursor) error {
			x := new(oauth.State)
			var updated int64
			err := row.scan(&x.ID, &x.Client, &x.Subject, &x.Code.System, &x.Code.Code, &x.Version, &updated, &x.Sealed)
			x.Updated = moment(updated)
			list = append(list, x)
			return err
		})
	})
	return list, err
}

// ReplaceState implements oauth.States.
func (s *Store) ReplaceState(ctx context.Context, tenant string, x *oauth.State, bytes int64) (replaced bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		replaced = false
		if full, err := stateFull(ctx, q, tenant, x, bytes); err != nil || full {
			return err
		}
		n, err := q.exec(ctx, "UPDATE oauth_state SET version = ?, updated = ?, sealed = ?, size = ? WHERE tenant = ? AND id = ? AND version = ?",
			[]any{x.Version, micros(x.Updated), x.Sealed, int64(len(x.Sealed)), tenant, x.ID, x.Version - 1})
		replaced = n > 0
		return err
	})
	return replaced, err
}

// DropState implements oauth.States.
func (s *Store) DropState(ctx context.Context, tenant, id string, version int64) (dropped bool, err error) {
	err = s.engine.updateSecrets(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM oauth_state WHERE tenant = ? AND id = ? AND version = ?", []any{tenant, id, version})
		dropped = n > 0
		return err
	})
	return dropped, err
}

// ForgetStates drops what apps keep about subjects that are not there any more.
func (s *Store) ForgetStates(ctx context.Context, tenant string) error {
	number, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	var subjects []string
	err = s.engine.readSecrets(ctx, func(q querier) error {
		subjects = nil
		return each(ctx, q, "SELECT DISTINCT subject FROM oauth_state WHERE tenant = ? AND subject <> ''", []any{tenant}, func(row cursor) error {
			subjects = append(subjects, "")
			return row.scan(&subjects[len(subjects)-1])
		})
	})
	for _, subject := range subjects {
		if err != nil {
			return err
		}
		typ, id, _ := strings.Cut(subject, "/")
		there := false
		err = s.engine.read(ctx, short, func(q querier) (err error) {
			var n int64
			there, err = one(ctx, q, "SELECT 1 FROM resource WHERE tenant = ? AND type = ? AND id = ? AND deleted = 0", []any{number, typ, id}, &n)
			return err
		})
		if err == nil && !there {
			err = s.secret(ctx, "DELETE FROM oauth_state WHERE tenant = ? AND subject = ?", tenant, subject)
		}
	}
	return err
}
