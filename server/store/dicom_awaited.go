package store

import (
	"context"
	"time"

	"tenon/dicomweb/index"
)

var _ index.Awaiting = Images{}

// putAwaited takes over what nobody renews any more.
const putAwaited = "INSERT INTO dicom_awaited (tenant, study, pull, patient, task, until) VALUES (?, ?, ?, ?, ?, ?) " +
	"ON CONFLICT (tenant, study) DO UPDATE SET pull = excluded.pull, patient = excluded.patient, task = excluded.task, until = excluded.until " +
	"WHERE dicom_awaited.pull = excluded.pull OR dicom_awaited.until <= ?"

// Await implements index.Awaiting.
func (x Images) Await(ctx context.Context, a *index.Awaited, now, until time.Time) (ok bool, err error) {
	tenant, err := x.s.tenantID(ctx, true)
	if err != nil {
		return false, err
	}
	return ok, x.s.engine.update(ctx, func(q querier) error {
		n, err := q.exec(ctx, putAwaited, []any{tenant, a.Study, a.Pull, a.Patient, a.Task, until.UnixMilli(), now.UnixMilli()})
		ok = n > 0
		return err
	})
}

// AwaitedNow implements index.Awaiting.
func (x Images) AwaitedNow(ctx context.Context, study string, now time.Time) (found *index.Awaited, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return found, x.s.engine.read(ctx, short, func(q querier) error {
		found = nil
		a := &index.Awaited{Study: study}
		ok, err := one(ctx, q, "SELECT pull, patient, task FROM dicom_awaited WHERE tenant = ? AND study = ? AND until > ?",
			[]any{tenant, study, now.UnixMilli()}, &a.Pull, &a.Patient, &a.Task)
		if ok {
			found = a
		}
		return err
	})
}

// AwaitNoMore implements index.Awaiting.
func (x Images) AwaitNoMore(ctx context.Context, a *index.Awaited) error {
	tenant, err := x.s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return x.s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "DELETE FROM dicom_awaited WHERE tenant = ? AND study = ? AND pull = ?", []any{tenant, a.Study, a.Pull})
		return err
	})
}
