package store

import (
	"context"
	"errors"
	"iter"

	"tenon/dicomweb/index"
	"tenon/server/access"
)

// instancePlace is where the reading of instances goes on.
type instancePlace struct {
	series string
	ord    int64
	uid    string
}

// Pages of instances: as many rows, or as many bytes of their content.
const (
	instancePage  = 500
	instanceBytes = 8 << 20
)

// Instances implements index.Store.
func (x Images) Instances(ctx context.Context, reach access.Predicate, k index.Key) iter.Seq2[*index.Result, error] {
	return func(yield func(*index.Result, error) bool) {
		from := instancePlace{ord: -1 << 63}
		for more := true; more; {
			var page []index.Result
			var err error
			if page, more, err = x.instances(ctx, reach, k, from); err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				if !yield(&page[i], nil) {
					return
				}
			}
			if more {
				last := &page[len(page)-1].Instance
				from = instancePlace{last.Series, ordinal(last.Number), last.UID}
			}
		}
	}
}

// instances reads one page behind a place in the order. Every page judges the
// reach anew. The rows of study and series are read once a page, not with every
// instance.
func (x Images) instances(ctx context.Context, reach access.Predicate, k index.Key, from instancePlace) (page []index.Result, more bool, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, false, err
	}
	err = x.s.engine.read(ctx, long, func(q querier) error {
		page = nil
		if k.Instance != "" {
			return x.instance(ctx, q, tenant, reach, k, &page)
		}
		above, err := x.above(ctx, q, tenant, reach, k)
		if err != nil || len(above) == 0 {
			return err
		}
		more, err = x.below(ctx, q, tenant, k, from, above, &page)
		return err
	})
	return page, more, err
}

// Standing implements index.Store.
func (x Images) Standing(ctx context.Context, reach access.Predicate, study string) (found *index.Study, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return found, x.s.engine.read(ctx, short, func(q querier) error {
		st := newStatement(tenant, x.s.engine.dialect())
		st.add("SELECT s.uid, s.resource, s.patient, r.version, r.updated")
		if err := st.images(ctx, q, reach, index.StudyLevel, index.Key{Study: study}, nil); err != nil {
			return err
		}
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			found = &index.Study{}
			return c.scan(&found.UID, &found.Resource, &found.Patient, &found.Stamp.Version, &found.Stamp.Updated)
		})
	})
}

// instance reads one.
func (x Images) instance(ctx context.Context, q querier, tenant int64, reach access.Predicate, k index.Key, page *[]index.Result) error {
	st := newStatement(tenant, x.s.engine.dialect())
	st.add("SELECT " + resultColumns(index.InstanceLevel) + contentColumns)
	if err := st.images(ctx, q, reach, index.InstanceLevel, k, nil); err != nil {
		return err
	}
	return each(ctx, q, st.sql(), st.args, func(c cursor) error {
		*page = append(*page, index.Result{})
		return scanContent(c, &(*page)[len(*page)-1])
	})
}

// above reads the series of the key that are in reach, with their study.
func (x Images) above(ctx context.Context, q querier, tenant int64, reach access.Predicate, k index.Key) (map[string]*index.Result, error) {
	st := newStatement(tenant, x.s.engine.dialect())
	st.add("SELECT " + resultColumns(index.SeriesLevel))
	if err := st.images(ctx, q, reach, index.SeriesLevel, k, nil); err != nil {
		return nil, err
	}
	above := map[string]*index.Result{}
	return above, each(ctx, q, st.sql(), st.args, func(c cursor) error {
		r := &index.Result{}
		err := c.scan(resultDest(r, index.SeriesLevel)...)
		above[r.Series.UID] = r
		return err
	})
}

// below reads the instances of these series from a place on; more tells that the
// page is full.
func (x Images) below(ctx context.Context, q querier, tenant int64, k index.Key, from instancePlace, above map[string]*index.Result, page *[]index.Result) (more bool, err error) {
	st := newStatement(tenant, x.s.engine.dialect())
	st.add("SELECT "+instanceColumns+contentColumns+" FROM dicom_instance i WHERE i.tenant = ? AND i.study = ?", tenant, k.Study)
	if k.Series != "" {
		st.add(" AND i.series = ?", k.Series)
	}
	st.add(" AND (i.series, i.ord, i.uid) > (?, ?, ?) ORDER BY i.series, i.ord, i.uid LIMIT ?", from.series, from.ord, from.uid, int64(instancePage))
	size, seen := 0, 0
	err = each(ctx, q, st.sql(), st.args, func(c cursor) error {
		seen++
		var r index.Result
		if err := scanContentOf(c, &r, levelDest(&r, 2)); err != nil {
			return err
		}
		up := above[r.Instance.Series]
		if up == nil {
			return nil // stored since the series were read; the next reader sees it
		}
		r.Study, r.Series = up.Study, up.Series
		*page = append(*page, r)
		if size += len(r.Instance.Content.Metadata) + len(r.Instance.Content.Frames) + len(r.Instance.Content.Bulk); size > instanceBytes {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return true, nil
	}
	return seen == instancePage && len(*page) > 0, err
}
