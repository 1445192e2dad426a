package store

import (
	"context"
	"encoding/hex"
	"strings"

	"tenon/dicomweb/index"
	"tenon/server/record"
)

// notedOf are rows of the quarantine about a study: what was kept apart before it
// was stored, what a rejection note hides, and files as they were before a
// correction. One that is held is not the study's.
const notedOf = "FROM dicom_quarantine WHERE tenant = ? AND state <> 'held' AND body LIKE '%\"study\":\"' || CAST(? AS TEXT) || '\"%'"

// neededBeside asks whether something but one study needs a content.
const neededBeside = "SELECT 1 FROM resource WHERE tenant = ? AND blob = ? AND blob <> '' UNION ALL SELECT 1 FROM history WHERE tenant = ? AND blob = ? AND blob <> '' " +
	"UNION ALL SELECT 1 FROM dicom_instance WHERE tenant = ? AND digest = ? AND study <> ? " +
	"UNION ALL SELECT 1 FROM dicom_quarantine WHERE tenant = ? AND digest = ? AND state IN ('held', 'hidden', 'note', 'revoked', 'corrected') AND id NOT IN (SELECT id " + notedOf + ") LIMIT 1"

// images lists what hangs on an ImagingStudy of this archive: UIDs, and the files
// that nothing else needs. staged is when the study was last stored to.
func (l *remaining) images(id string, newest record.RemainingVersion) error {
	left := &record.RemainingImages{}
	found, err := one(l.ctx, l.q, "SELECT uid FROM dicom_study WHERE tenant = ? AND resource = ?", []any{l.tenant, id}, &left.Study)
	if err != nil || !found {
		return err
	}
	l.left.Images = left
	own := []any{l.tenant, left.Study}
	for _, x := range []struct {
		to    *[]string
		table string
	}{{&left.Series, "dicom_series"}, {&left.Instances, "dicom_instance"}} {
		err := each(l.ctx, l.q, "SELECT uid FROM "+x.table+" WHERE tenant = ? AND study = ? ORDER BY uid", own, func(c cursor) error {
			*x.to = append(*x.to, "")
			return c.scan(&(*x.to)[len(*x.to)-1])
		})
		if err != nil {
			return err
		}
	}
	var digests [][]byte
	err = each(l.ctx, l.q, "SELECT digest FROM dicom_instance WHERE tenant = ? AND study = ? UNION SELECT digest "+notedOf, append(own, own...), func(c cursor) error {
		digests = append(digests, nil)
		return c.scan(&digests[len(digests)-1])
	})
	if err != nil {
		return err
	}
	for _, digest := range digests {
		c := record.RemainingContent{Digest: [32]byte(digest), Staged: newest.Updated}
		name, n := hex.EncodeToString(digest), int64(0)
		args := []any{l.tenant, name, l.tenant, name, l.tenant, digest, left.Study, l.tenant, digest, l.tenant, left.Study}
		needed, err := one(l.ctx, l.q, neededBeside, args, &n)
		if err == nil && !needed {
			err = l.keep(&left.Contents, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eraseImages takes the rows of a study out of the index, what the change feed and
// the quarantine told of it with them. Whoever adds to the study writes its
// ImagingStudy too, which makes the unit stale.
func eraseImages(ctx context.Context, w doorWriter, tenant int64, id string, x *record.RemainingImages) error {
	for _, at := range []struct {
		level index.Level
		uids  []string
	}{{index.InstanceLevel, x.Instances}, {index.SeriesLevel, x.Series}, {index.StudyLevel, []string{x.Study}}} {
		for _, uid := range at.uids {
			for _, sql := range removal[at.level] {
				if _, err := w.exec(ctx, sql, []any{tenant, uid}); err != nil {
					return err
				}
			}
		}
	}
	if _, err := w.exec(ctx, "DELETE "+notedOf, []any{tenant, x.Study}); err != nil {
		return err
	}
	_, err := w.exec(ctx, "DELETE FROM dicom_change WHERE tenant = ? AND ref >= ? AND ref < ?",
		[]any{tenant, "ImagingStudy/" + id + "/_history/", "ImagingStudy/" + id + "/_history0"})
	return err
}

// eraseWorkitems takes the work items away whose Tasks are of these cases alone:
// the Task stays, its data set names the patient.
func eraseWorkitems(ctx context.Context, w doorWriter, tenant int64, cases []string) error {
	list, args := "(?"+strings.Repeat(", ?", len(cases)-1)+")", []any{tenant, tenant}
	for range 2 {
		for _, c := range cases {
			args = append(args, c)
		}
	}
	_, err := w.exec(ctx, "DELETE FROM dicom_workitem WHERE tenant = ? AND resource IN (SELECT r.id FROM member m JOIN resource r ON r.rid = m.rid "+
		"WHERE m.tenant = ? AND m.type = 'Task' AND m.case_id IN "+list+" AND NOT EXISTS (SELECT 1 FROM member o WHERE o.rid = m.rid AND o.case_id NOT IN "+list+"))", args)
	return err
}
