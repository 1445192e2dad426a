package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"

	"tenon/fhir/definition"
	"tenon/server/revision"
)

// A package is loaded in steps: BeginPackage, AddToPackage in any number of
// transactions, and Finish, which puts all that was loaded in force at once.
// What is never finished is in force for nobody, and is deleted by Drop, or by
// a load a day later.

// leftover is how long a load that broke off stays.
const leftover = 24 * time.Hour

// BeginPackage implements revision.Loading.
func (s *Store) BeginPackage(ctx context.Context, p revision.Package) (key int64, err error) {
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return 0, err
	}
	if err := s.sweepPackages(ctx, tenant); err != nil {
		return 0, err
	}
	list := p.Dependencies
	if list == nil {
		list = []string{}
	}
	dependencies, err := json.Marshal(list)
	if err != nil {
		return 0, err
	}
	err = s.engine.update(ctx, func(q querier) error {
		_, err := one(ctx, q, "INSERT INTO package (tenant, added, resources, ready, name, version, title, dependencies) VALUES (?, ?, 0, 0, ?, ?, ?, ?) RETURNING key",
			[]any{tenant, micros(s.o.Clock()), p.Name, p.Version, p.Title, string(dependencies)}, &key)
		return err
	})
	return key, err
}

// AddToPackage implements revision.Loading.
func (s *Store) AddToPackage(ctx context.Context, key int64, from int, entries []revision.Entry) error {
	sets := make([][]any, len(entries))
	for i, e := range entries {
		r := e.Resource
		sets[i] = []any{key, int64(from + i), r.Type, r.URL, r.Version, r.ID, r.Name, r.Status, r.Of, r.Derivation, r.Kind, packed(e.Body)}
	}
	return s.engine.update(ctx, func(q querier) error {
		if err := q.execMany(ctx, "INSERT INTO package_resource (package, seq, type, url, version, id, name, status, of_type, derivation, kind, body) "+
			"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", sets); err != nil {
			return fmt.Errorf("store: package: %w", err)
		}
		_, err := q.exec(ctx, "UPDATE package SET resources = ? WHERE key = ?", []any{int64(from + len(entries)), key})
		return err
	})
}

// Finish implements revision.Loading; every server knows within a second.
func (s *Store) Finish(ctx context.Context, packages, systems []int64) error {
	return s.define(ctx, func(q querier, _ int64) error {
		for _, key := range packages {
			if err := replace(ctx, q, "package", "name", key); err != nil {
				return err
			}
		}
		for _, key := range systems {
			if err := replace(ctx, q, "code_system", "url", key); err != nil {
				return err
			}
		}
		return nil
	})
}

// replace puts one row in force and others of its name and version out of it.
func replace(ctx context.Context, q querier, table, name string, key int64) error {
	if _, err := q.exec(ctx, "UPDATE "+table+" SET ready = 0, added = 0 WHERE ready = 1 AND key <> ? AND EXISTS (SELECT 1 FROM "+table+" n WHERE n.key = ? "+
		"AND n.tenant = "+table+".tenant AND n."+name+" = "+table+"."+name+" AND n.version = "+table+".version)", []any{key, key}); err != nil {
		return err
	}
	n, err := q.exec(ctx, "UPDATE "+table+" SET ready = 1 WHERE key = ?", []any{key})
	if err == nil && n == 0 {
		err = fmt.Errorf("store: %s %d is gone: it was taken for a load that broke off", table, key)
	}
	return err
}

// Drop implements revision.Loading.
func (s *Store) Drop(ctx context.Context, packages, systems []int64) error {
	err := s.define(ctx, func(q querier, tenant int64) error {
		for _, key := range packages {
			if _, err := q.exec(ctx, "UPDATE package SET ready = 0, added = 0 WHERE tenant = ? AND key = ?", []any{tenant, key}); err != nil {
				return err
			}
		}
		for _, key := range systems {
			if _, err := q.exec(ctx, "UPDATE code_system SET ready = 0, added = 0 WHERE tenant = ? AND key = ?", []any{tenant, key}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return err
	}
	return errors.Join(s.sweepPackages(ctx, tenant), s.sweepSystems(ctx, tenant))
}

// sweepPackages deletes what is not in force and not being loaded.
func (s *Store) sweepPackages(ctx context.Context, tenant int64) error {
	return s.sweep(ctx, tenant, "package", "package_resource", "package")
}

// sweep deletes the parts in pieces, so that nobody waits long, then the row.
func (s *Store) sweep(ctx context.Context, tenant int64, table, parts, column string) error {
	var keys []int64
	err := s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, "SELECT key FROM "+table+" WHERE tenant = ? AND ready = 0 AND added < ?", []any{tenant, micros(s.o.Clock().Add(-leftover))}, func(c cursor) error {
			var key int64
			err := c.scan(&key)
			keys = append(keys, key)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		for n := int64(1); n > 0; {
			err := s.engine.update(ctx, func(q querier) (err error) {
				n, err = q.exec(ctx, "DELETE FROM "+parts+" WHERE "+column+" = ? AND seq IN (SELECT seq FROM "+parts+" WHERE "+column+" = ? ORDER BY seq LIMIT 200)", []any{key, key})
				return err
			})
			if err != nil {
				return err
			}
		}
		if err := s.engine.update(ctx, func(q querier) error {
			_, err := q.exec(ctx, "DELETE FROM "+table+" WHERE key = ? AND ready = 0", []any{key})
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// PackageResources implements revision.Store.
func (s *Store) PackageResources(ctx context.Context, p revision.Package) (all []*definition.Resource, err error) {
	err = s.engine.read(ctx, long, func(q querier) error {
		all = nil
		return each(ctx, q, "SELECT seq, type, url, version, id, name, status, of_type, derivation, kind FROM package_resource WHERE package = ? ORDER BY seq",
			[]any{p.Key}, func(c cursor) error {
				var seq int64
				r := definition.Resource{Package: p.String()}
				if err := c.scan(&seq, &r.Type, &r.URL, &r.Version, &r.ID, &r.Name, &r.Status, &r.Of, &r.Derivation, &r.Kind); err != nil {
					return err
				}
				all = append(all, definition.New(r, func() ([]byte, error) { return s.packageBody(p, seq) }))
				return nil
			})
	})
	return all, err
}

// bodyTimeout bounds the read of one definition of a package.
const bodyTimeout = 10 * time.Second

func (s *Store) packageBody(p revision.Package, seq int64) (body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), bodyTimeout)
	defer cancel()
	found := false
	err = s.engine.read(ctx, short, func(q querier) error {
		found, err = one(ctx, q, "SELECT body FROM package_resource WHERE package = ? AND seq = ?", []any{p.Key, seq}, &body)
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("store: package %s was removed", p)
	}
	if err != nil {
		return nil, err
	}
	return unpacked(body)
}

// packer and unpacker are safe for concurrent use and keep no state between
// calls. https://www.rfc-editor.org/rfc/rfc8878
var (
	packer, _   = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderLowmem(true))
)

func packed(body []byte) []byte { return packer.EncodeAll(body, nil) }

func unpacked(body []byte) ([]byte, error) {
	out, err := unpacker.DecodeAll(body, nil)
	if err != nil {
		return nil, fmt.Errorf("store: a definition cannot be unpacked: %w", err)
	}
	return out, nil
}
