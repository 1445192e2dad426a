package store

import (
	"context"

	"tenon/dicomweb/index"
	"tenon/server/access"
	"tenon/server/ledger"
	"tenon/server/record"
)

var _ index.Feed = Images{}

// insertChange takes the version from the resource, which the unit wrote before
// the rows of the door.
const insertChange = "INSERT INTO dicom_change (tenant, ref, body) SELECT r.tenant, 'ImagingStudy/' || r.id || '/_history/' || r.version, ? " +
	"FROM resource r WHERE r.tenant = ? AND r.type = 'ImagingStudy' AND r.id = ?"

// Windows of the log that one request looks through.
const (
	changeWindow  = 50_000
	changeWindows = 20
)

// leafOf is a version in the log.
type leafOf struct {
	record.VersionRef
	sequence, at int64
}

// Changes implements index.Feed.
func (x Images) Changes(ctx context.Context, reach access.Predicate, after int64, limit int) (list []*index.Changed, next int64, done bool, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, 0, false, err
	}
	err = x.s.engine.read(ctx, long, func(q querier) error {
		list, next, done = nil, after, false
		var end *int64
		if _, err := one(ctx, q, "SELECT max(size) FROM checkpoint", nil, &end); err != nil {
			return err
		}
		for range changeWindows {
			if end == nil || next >= *end {
				done = true
				return nil
			}
			to := min(next+changeWindow, *end)
			leaves, err := x.leaves(ctx, q, next, to, limit-len(list)+1)
			if err != nil {
				return err
			}
			if len(leaves) > limit-len(list) { // the window holds more than fits
				leaves = leaves[:limit-len(list)]
				to = leaves[len(leaves)-1].sequence
			}
			found, err := x.changes(ctx, q, tenant, reach, leaves)
			if err != nil {
				return err
			}
			next, list = to, append(list, found...)
			if len(list) == limit {
				done = next >= *end
				return nil
			}
		}
		return nil
	})
	return list, next, done, err
}

// leaves are versions of ImagingStudies in a part of the log. The sequence number
// is the index in the log plus one.
func (x Images) leaves(ctx context.Context, q querier, from, to int64, limit int) (list []leafOf, err error) {
	return list, each(ctx, q, "SELECT idx, ref, at FROM leaf WHERE idx >= ? AND idx < ? AND kind = 'version' AND ref >= 'ImagingStudy/' AND ref < 'ImagingStudy0' ORDER BY idx LIMIT ?",
		[]any{from, to, int64(limit)}, func(c cursor) error {
			var l leafOf
			var ref string
			if err := c.scan(&l.sequence, &ref, &l.at); err != nil {
				return err
			}
			l.sequence++
			var sound bool
			if l.VersionRef, sound = record.ParseVersionRef(ref); sound {
				list = append(list, l)
			}
			return nil
		})
}

// changes keeps those of the tenant whose resource is in reach now.
func (x Images) changes(ctx context.Context, q querier, tenant int64, reach access.Predicate, leaves []leafOf) ([]*index.Changed, error) {
	if len(leaves) == 0 {
		return nil, nil
	}
	ids := make([]string, 0, len(leaves))
	refs := make([]string, 0, len(leaves))
	for _, l := range leaves {
		ids, refs = append(ids, l.ID), append(refs, ledger.VersionRef(l.Type, l.ID, l.Version))
	}
	st := newStatement(tenant, x.s.engine.dialect()).
		add("SELECT r.id, r.patient, s.uid, CASE WHEN r.deleted = 1 AND EXISTS (SELECT 1 FROM erasure e WHERE e.tenant = r.tenant AND e.ref = 'ImagingStudy/' || r.id || '/_history/1') "+
			"THEN r.version ELSE 0 END FROM resource r LEFT JOIN dicom_study s ON s.tenant = r.tenant AND s.resource = r.id WHERE r.tenant = ? AND r.type = 'ImagingStudy' AND ", tenant)
	st.inTexts("r.id", ids).add(" AND ")
	if err := st.reach("r", reach, []string{"ImagingStudy"}); err != nil {
		return nil, err
	}
	seen, erased := map[string]*index.Changed{}, map[string]int64{} // by id; with the version of the deletion
	err := each(ctx, q, st.sql(), st.args, func(c cursor) error {
		r := &index.Changed{}
		var uid *string
		var gone int64
		err := c.scan(&r.Resource, &r.Patient, &uid, &gone)
		erased[r.Resource] = gone
		if uid != nil {
			r.Study = *uid
		}
		seen[r.Resource] = r
		return err
	})
	if err != nil {
		return nil, err
	}
	bodies, err := x.changeBodies(ctx, q, tenant, refs)
	if err != nil {
		return nil, err
	}
	var list []*index.Changed
	for i, l := range leaves {
		r := seen[l.ID]
		if r == nil || r.Study == "" && bodies[refs[i]] == nil && erased[l.ID] != l.Version {
			continue // out of reach, or no study of this archive
		}
		one := *r
		one.Erased = erased[l.ID] == l.Version
		one.Sequence, one.Version, one.At, one.Body = l.sequence, l.Version, moment(l.at), bodies[refs[i]]
		list = append(list, &one)
	}
	return list, nil
}

func (x Images) changeBodies(ctx context.Context, q querier, tenant int64, refs []string) (map[string][]byte, error) {
	st := newStatement(tenant, x.s.engine.dialect()).add("SELECT ref, body FROM dicom_change WHERE tenant = ? AND ", tenant)
	st.inTexts("ref", refs)
	bodies := map[string][]byte{}
	return bodies, each(ctx, q, st.sql(), st.args, func(c cursor) error {
		var ref string
		var body []byte
		err := c.scan(&ref, &body)
		bodies[ref] = append([]byte{}, body...)
		return err
	})
}

// removal are the statements of each level.
var removal = map[index.Level][]string{
	index.StudyLevel: {
		"DELETE FROM dicom_name WHERE tenant = ? AND study = ?", "DELETE FROM dicom_value WHERE tenant = ? AND uid = ?", "DELETE FROM dicom_study WHERE tenant = ? AND uid = ?",
	},
	index.SeriesLevel:   {"DELETE FROM dicom_value WHERE tenant = ? AND uid = ?", "DELETE FROM dicom_series WHERE tenant = ? AND uid = ?"},
	index.InstanceLevel: {"DELETE FROM dicom_value WHERE tenant = ? AND uid = ?", "DELETE FROM dicom_instance WHERE tenant = ? AND uid = ?"},
}

// remove takes a row out of the index; what is not there makes the unit stale.
func remove(ctx context.Context, w doorWriter, tenant int64, r *index.Removal) error {
	statements := removal[r.Level]
	for i, sql := range statements {
		var err error
		if args := []any{tenant, r.UID}; i == len(statements)-1 {
			err = w.must(ctx, sql, args)
		} else {
			_, err = w.exec(ctx, sql, args)
		}
		if err != nil {
			return err
		}
	}
	if r.Level != index.InstanceLevel {
		return nil
	}
	return giveUp(ctx, w, tenant, r.Digest)
}
