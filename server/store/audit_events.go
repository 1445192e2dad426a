package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tenon/server/record"
)

// AuditBatches implements record.AuditReader.
func (s *Store) AuditBatches(ctx context.Context, q record.AuditRange) (batches []record.AuditBatch, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	st := newStatement(tenant, s.engine.dialect())
	at, id := "b.at", "b.id"
	if q.About == "" {
		st.add("SELECT b.id, b.at, b.body FROM audit b WHERE b.tenant = ?", tenant)
	} else {
		at, id = "x.at", "x.id"
		st.add("SELECT b.id, b.at, b.body FROM audit_about x JOIN audit b ON b.id = x.id WHERE x.tenant = ? AND x.ref = ?", tenant, q.About)
	}
	if !q.From.IsZero() {
		st.add(" AND "+at+" >= ?", micros(q.From))
	}
	if !q.Until.IsZero() {
		st.add(" AND "+at+" < ?", micros(q.Until))
	}
	if q.Behind.ID != 0 {
		st.add(" AND ("+at+", "+id+") < (?, ?)", q.Behind.At, q.Behind.ID)
	}
	st.add(" ORDER BY "+at+" DESC, "+id+" DESC LIMIT ?", int64(q.Limit))
	err = s.engine.read(ctx, long, func(c querier) error {
		batches = nil
		return each(ctx, c, st.sql(), st.args, func(c cursor) error {
			b, err := scanAuditBatch(c)
			batches = append(batches, b)
			return err
		})
	})
	return batches, err
}

// AuditBatch implements record.AuditReader.
func (s *Store) AuditBatch(ctx context.Context, id int64) (b record.AuditBatch, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return b, err
	}
	found := false
	err = s.engine.read(ctx, short, func(c querier) error {
		return each(ctx, c, "SELECT b.id, b.at, b.body FROM audit b WHERE b.id = ? AND b.tenant = ?", []any{id, tenant}, func(c cursor) (err error) {
			found = true
			b, err = scanAuditBatch(c)
			return err
		})
	})
	if err == nil && !found {
		err = record.ErrAbsent
	}
	return b, err
}

func scanAuditBatch(c cursor) (b record.AuditBatch, err error) {
	var at int64
	var body []byte
	if err := c.scan(&b.ID, &at, &body); err != nil {
		return b, err
	}
	b.At = time.UnixMicro(at).UTC()
	return b, parseAudit(body, &b)
}

// parseAudit reads what appendAudit wrote.
func parseAudit(body []byte, b *record.AuditBatch) error {
	lines := bytes.Split(body, []byte{'\n'})
	b.Rows = make([]record.Audit, len(lines))
	for i, line := range lines {
		if err := json.Unmarshal(line, (*auditLine)(&b.Rows[i])); err != nil {
			return fmt.Errorf("store: row %d of %s: %w", i, auditRef(b.ID), err)
		}
	}
	return nil
}

// auditLine is a row as it is stored.
type auditLine record.Audit

// UnmarshalJSON reads one row.
func (a *auditLine) UnmarshalJSON(line []byte) error {
	var of struct {
		Action, Address, App, Case, Door, Entity, Operation, Organization, Patient, Principal, Purpose, Request string
		At                                                                                                      time.Time
		Outcome                                                                                                 int
	}
	if err := json.Unmarshal(line, &of); err != nil {
		return err
	}
	*a = auditLine{
		At: of.At, RequestID: of.Request, Principal: of.Principal, Organization: of.Organization, Door: of.Door,
		Action: of.Action, Operation: of.Operation, Entity: of.Entity, Patient: of.Patient, Case: of.Case,
		Outcome: of.Outcome, App: of.App, Purpose: of.Purpose, Address: of.Address,
	}
	return nil
}

// OwnersOf implements record.AuditReader.
func (s *Store) OwnersOf(ctx context.Context, typ string, ids []string) (map[string]string, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	owners := map[string]string{}
	err = s.engine.read(ctx, short, func(q querier) error {
		st := newStatement(tenant, s.engine.dialect()).add("SELECT r.id, r.owner FROM resource r WHERE r.tenant = ? AND r.type = ? AND ", tenant, typ)
		st.inTexts("r.id", ids)
		return each(ctx, q, st.sql(), st.args, func(c cursor) error {
			var id, owner string
			err := c.scan(&id, &owner)
			owners[typ+"/"+id] = owner
			return err
		})
	})
	return owners, err
}
