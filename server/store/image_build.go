package store

import (
	"context"
	"fmt"

	"tenon/dicomweb/index"
)

var _ index.Builder = Images{}

// Pending implements index.Builder.
func (x Images) Pending(ctx context.Context, paths []string) (map[string]string, error) {
	tenant, err := x.s.tenantID(ctx, true)
	if err != nil {
		return nil, err
	}
	pending := map[string]string{}
	for _, p := range paths {
		pending[p] = ""
	}
	return pending, x.s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, "SELECT path, at, done FROM dicom_index WHERE tenant = ?", []any{tenant}, func(c cursor) error {
			var path, at string
			var done int64
			err := c.scan(&path, &at, &done)
			if _, ok := pending[path]; ok && done != 0 {
				delete(pending, path)
			} else if ok {
				pending[path] = at
			}
			return err
		})
	})
}

// Behind implements index.Builder.
func (x Images) Behind(ctx context.Context, uid string, n int) (list []index.Result, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return list, x.s.engine.read(ctx, long, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT s.uid, s.patient_name, s.referring_physician, i.series, i.uid, i.metadata FROM dicom_instance i JOIN dicom_study s "+
			"ON s.tenant = i.tenant AND s.uid = i.study WHERE i.tenant = ? AND i.uid > ? ORDER BY i.uid LIMIT ?", []any{tenant, uid, int64(n)}, func(c cursor) error {
			var r index.Result
			err := c.scan(&r.Study.UID, &r.Study.PatientName, &r.Study.ReferringPhysician, &r.Series.UID, &r.Instance.UID, &r.Instance.Content.Metadata)
			list = append(list, r)
			return err
		})
	})
}

const indexedUpTo = "INSERT INTO dicom_index (tenant, path, at, done) VALUES (?, ?, ?, ?) ON CONFLICT (tenant, path) DO UPDATE SET at = excluded.at, done = excluded.done"

// Build implements index.Builder.
func (x Images) Build(ctx context.Context, rows []*index.Value, paths []string, at string, done bool) error {
	tenant, err := x.s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	var values, places [][]any
	for _, r := range rows {
		for _, v := range r.Values {
			values = append(values, []any{tenant, r.Path, shortened(v), r.UID})
		}
	}
	for _, p := range paths {
		places = append(places, []any{tenant, p, at, truth(done)})
	}
	return x.s.engine.update(ctx, func(q querier) error {
		if err := q.execMany(ctx, insertValue, values); err != nil {
			return fmt.Errorf("store: rows of images: %w", err)
		}
		return q.execMany(ctx, indexedUpTo, places)
	})
}
