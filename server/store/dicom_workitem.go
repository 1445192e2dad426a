package store

import (
	"context"

	"tenon/dicomweb/index"
	"tenon/server/access"
)

var _ index.Workitems = Images{}

// putWorkitem is an upsert; a UID stays with its Task.
const putWorkitem = "INSERT INTO dicom_workitem (tenant, uid, resource, patient, state, scheduled, transaction_uid, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?) " +
	"ON CONFLICT (tenant, uid) DO UPDATE SET patient = excluded.patient, state = excluded.state, scheduled = excluded.scheduled, " +
	"transaction_uid = excluded.transaction_uid, body = excluded.body WHERE dicom_workitem.resource = excluded.resource"

func writeWorkitem(ctx context.Context, w doorWriter, tenant int64, i *index.Workitem) error {
	return w.must(ctx, putWorkitem, []any{tenant, i.UID, i.Resource, i.Patient, i.State, i.Scheduled, i.Transaction, i.Body})
}

// Workitems implements index.Workitems.
func (x Images) Workitems(ctx context.Context, reach access.Predicate, of index.WorkitemQuery, behind [2]string, n int) (list []*index.Workitem, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return list, x.s.engine.read(ctx, long, func(q querier) error {
		list = nil
		st := newStatement(tenant, x.s.engine.dialect()).add("SELECT w.uid, w.resource, w.patient, w.state, w.scheduled, w.transaction_uid, w.body, r.version FROM dicom_workitem w "+
			"JOIN resource r ON r.tenant = w.tenant AND r.type = 'Task' AND r.id = w.resource WHERE w.tenant = ? AND r.deleted = 0 AND ", tenant)
		if err := st.reach("r", reach, []string{"Task"}); err != nil {
			return err
		}
		st.add(" AND (w.scheduled, w.uid) > (?, ?)", behind[0], behind[1])
		if of.UIDs != nil {
			st.add(" AND ").inTexts("w.uid", of.UIDs)
		}
		if of.State != "" {
			st.add(" AND w.state = ?", of.State)
		}
		if of.From != "" {
			st.add(" AND w.scheduled >= ?", of.From)
		}
		if of.To != "" { // what begins with it is meant too
			st.add(" AND w.scheduled < ?", of.To+"~")
		}
		st.add(" ORDER BY w.scheduled, w.uid LIMIT ?", int64(n))
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			w := &index.Workitem{}
			var body []byte
			err := c.scan(&w.UID, &w.Resource, &w.Patient, &w.State, &w.Scheduled, &w.Transaction, &body, &w.Version)
			w.Body = append([]byte{}, body...)
			list = append(list, w)
			return err
		})
	})
}

// Subscribe implements index.Workitems.
func (x Images) Subscribe(ctx context.Context, s *index.Subscriber) error {
	tenant, err := x.s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return x.s.engine.update(ctx, func(q querier) error {
		_, err := q.exec(ctx, "INSERT INTO dicom_subscriber (tenant, locked, principal, title, workitem, filter) VALUES (?, ?, ?, ?, ?, ?) "+
			"ON CONFLICT (tenant, principal, title, workitem) DO UPDATE SET locked = excluded.locked, filter = excluded.filter",
			[]any{tenant, truth(s.Locked), s.Principal, s.Title, s.Workitem, s.Filter})
		return err
	})
}

// Unsubscribe implements index.Workitems.
func (x Images) Unsubscribe(ctx context.Context, s *index.Subscriber) (found bool, err error) {
	tenant, err := x.s.tenantID(ctx, true)
	if err != nil {
		return false, err
	}
	return found, x.s.engine.update(ctx, func(q querier) error {
		n, err := q.exec(ctx, "DELETE FROM dicom_subscriber WHERE tenant = ? AND principal = ? AND title = ? AND workitem = ?", []any{tenant, s.Principal, s.Title, s.Workitem})
		found = n > 0
		return err
	})
}

// Subscriptions implements index.Workitems.
func (x Images) Subscriptions(ctx context.Context, principal, title string) (list []*index.Subscriber, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return list, x.s.engine.read(ctx, short, func(q querier) error {
		list = nil
		return each(ctx, q, "SELECT workitem, locked, filter FROM dicom_subscriber WHERE tenant = ? AND principal = ? AND title = ? ORDER BY workitem",
			[]any{tenant, principal, title}, func(c cursor) error {
				s := &index.Subscriber{Principal: principal, Title: title}
				var locked int64
				err := c.scan(&s.Workitem, &locked, &s.Filter)
				s.Locked = locked != 0
				list = append(list, s)
				return err
			})
	})
}
