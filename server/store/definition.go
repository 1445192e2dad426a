package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tenon/server/access"
	"tenon/server/record"
	"tenon/server/revision"
)

// Held implements revision.Store.
func (s *Store) Held(ctx context.Context, types []string) (*revision.Held, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	var h *revision.Held
	err = s.engine.view(ctx, func(q querier) error {
		h = &revision.Held{Number: 1, Format: 1, Complete: map[revision.Posted]int64{}}
		if _, err := one(ctx, q, definitionsNow, []any{tenant}, &h.Number); err != nil {
			return err
		}
		for _, part := range []func(context.Context, querier, int64, *revision.Held) error{s.postedOf(types), heldPackages, heldSystems, heldComplete, heldFormat} {
			if err := part(ctx, q, tenant, h); err != nil {
				return err
			}
		}
		return nil
	})
	return h, err
}

func (s *Store) postedOf(types []string) func(context.Context, querier, int64, *revision.Held) error {
	return func(ctx context.Context, q querier, tenant int64, h *revision.Held) error {
		st := newStatement(tenant, s.engine.dialect())
		st.add("SELECT type, id, version, updated FROM resource WHERE tenant = ? AND deleted = 0 AND ", tenant).inTexts("type", types)
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var p revision.Posted
			var updated int64
			err := c.scan(&p.Type, &p.ID, &p.Version, &updated)
			p.Updated = moment(updated)
			h.Posted = append(h.Posted, p)
			return err
		})
	}
}

const (
	packagesNow = "SELECT key, name, version, title, resources, dependencies, added FROM package WHERE tenant = ? AND ready = 1 ORDER BY key"
	systemsNow  = "SELECT key, url, version, concepts, added FROM code_system WHERE tenant = ? AND ready = 1 ORDER BY key"
)

func heldPackages(ctx context.Context, q querier, tenant int64, h *revision.Held) error {
	return each(ctx, q, packagesNow, []any{tenant}, func(c cursor) error {
		var p revision.Package
		var n, added int64
		var dependencies string
		if err := c.scan(&p.Key, &p.Name, &p.Version, &p.Title, &n, &dependencies, &added); err != nil {
			return err
		}
		p.Resources, p.Added = int(n), moment(added)
		h.Packages = append(h.Packages, p)
		return json.Unmarshal([]byte(dependencies), &h.Packages[len(h.Packages)-1].Dependencies)
	})
}

func heldSystems(ctx context.Context, q querier, tenant int64, h *revision.Held) error {
	return each(ctx, q, systemsNow, []any{tenant}, func(c cursor) error {
		var x revision.System
		var n, added int64
		err := c.scan(&x.Key, &x.URL, &x.Version, &n, &added)
		x.Concepts, x.Added = int(n), moment(added)
		h.Systems = append(h.Systems, x)
		return err
	})
}

// completePrefix begins the names of the states that tell which version of a
// search parameter has all its rows: complete:SearchParameter/x/3.
const completePrefix = "complete:"

func heldComplete(ctx context.Context, q querier, tenant int64, h *revision.Held) error {
	return each(ctx, q, "SELECT name, value FROM state WHERE tenant = ? AND name >= ? AND name < ?",
		[]any{tenant, completePrefix, after(completePrefix)}, func(c cursor) error {
			var name string
			var signature int64
			if err := c.scan(&name, &signature); err != nil {
				return err
			}
			parts := strings.Split(strings.TrimPrefix(name, completePrefix), "/")
			if len(parts) != 3 {
				return fmt.Errorf("store: state %q", name)
			}
			version, err := strconv.ParseInt(parts[2], 10, 64)
			h.Complete[revision.Posted{Type: parts[0], ID: parts[1], Version: version}] = signature
			return err
		})
}

func heldFormat(ctx context.Context, q querier, tenant int64, h *revision.Held) error {
	format := int64(h.Format)
	_, err := one(ctx, q, "SELECT value FROM state WHERE tenant = ? AND name = ?", []any{tenant, formatState}, &format)
	h.Format = int(format)
	return err
}

// define changes definitions in one transaction and advances their revision. No
// unit that was prepared under the old one commits after it.
func (s *Store) define(ctx context.Context, change func(q querier, tenant int64) error) error {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return s.engine.update(ctx, func(q querier) error {
		if lock := s.engine.dialect().lockDefinitions; lock != "" {
			if _, err := q.exec(ctx, lock, []any{tenant}); err != nil {
				return err
			}
		}
		if err := change(q, tenant); err != nil {
			return err
		}
		_, err := q.exec(ctx, advanceDefinitions, []any{tenant})
		return err
	})
}

// Body implements revision.Store.
func (s *Store) Body(ctx context.Context, typ, id string, version int64) ([]byte, error) {
	v, err := s.ReadVersion(ctx, access.Everything{}, typ, id, version)
	if errors.Is(err, record.ErrAbsent) {
		return nil, fmt.Errorf("store: version %d of %s/%s is not there", version, typ, id)
	}
	if err != nil {
		return nil, err
	}
	return v.Body, nil
}

// Bodies implements revision.Store.
func (s *Store) Bodies(ctx context.Context, types []string, visit func(p revision.Posted, body []byte) error) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.engine.view(ctx, func(q querier) error {
		st := newStatement(tenant, s.engine.dialect())
		st.add("SELECT type, id, version, updated, body FROM resource WHERE tenant = ? AND deleted = 0 AND ", tenant).inTexts("type", types)
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var p revision.Posted
			var updated int64
			var body []byte
			if err := c.scan(&p.Type, &p.ID, &p.Version, &updated, &body); err != nil {
				return err
			}
			p.Updated = moment(updated)
			return visit(p, body)
		})
	})
}

// EachBody gives the bytes of every version of the resources of a type, old and
// deleted ones included.
func (s *Store) EachBody(ctx context.Context, typ string, visit func(body []byte) error) error {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return s.engine.view(ctx, func(q querier) error {
		return each(ctx, q, "SELECT body FROM resource WHERE tenant = ? AND type = ? UNION ALL "+
			"SELECT h.body FROM resource r JOIN history h ON h.rid = r.rid WHERE r.tenant = ? AND r.type = ?", []any{tenant, typ, tenant, typ}, func(c cursor) error {
			var body []byte
			if err := c.scan(&body); err != nil || len(body) == 0 {
				return err
			}
			return visit(body)
		})
	})
}
