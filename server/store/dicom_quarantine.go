package store

import (
	"context"
	"encoding/json"

	"tenon/dicomweb/index"
)

var _ index.Quarantine = Images{}

const quarantineColumns = "SELECT id, state, organization, received, digest, body FROM dicom_quarantine WHERE tenant = ?"

// Quarantined implements index.Quarantine.
func (x Images) Quarantined(ctx context.Context, state, organization string, limit, offset int) ([]*index.Held, error) {
	st := newStatement(0, x.s.engine.dialect()).add(" AND state = ?", state)
	if organization != "" {
		st.add(" AND organization = ?", organization)
	}
	st.add(" ORDER BY received, id LIMIT ? OFFSET ?", int64(limit), int64(offset))
	return x.held(ctx, st.sql(), st.args)
}

// HeldOf implements index.Quarantine.
func (x Images) HeldOf(ctx context.Context, ids []string) ([]*index.Held, error) {
	st := newStatement(0, x.s.engine.dialect()).add(" AND ").inTexts("id", ids)
	return x.held(ctx, st.sql(), st.args)
}

// Held implements index.Quarantine.
func (x Images) Held(ctx context.Context, id string) (*index.Held, error) {
	list, err := x.HeldOf(ctx, []string{id})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], nil
}

func (x Images) held(ctx context.Context, which string, args []any) (list []*index.Held, err error) {
	tenant, err := x.s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	return list, x.s.engine.read(ctx, short, func(q querier) error {
		list = nil
		return each(ctx, q, quarantineColumns+which, append([]any{tenant}, args...), func(c cursor) error {
			var id, state, organization, body string
			var received int64
			var digest []byte
			if err := c.scan(&id, &state, &organization, &received, &digest, &body); err != nil {
				return err
			}
			h := &index.Held{}
			if err := json.Unmarshal([]byte(body), h); err != nil {
				return err
			}
			h.ID, h.State, h.Organization, h.Received = id, state, organization, moment(received)
			copy(h.Digest[:], digest)
			list = append(list, h)
			return nil
		})
	})
}

// writeHeld adds what is held, or moves it on.
func writeHeld(ctx context.Context, w doorWriter, tenant int64, h *index.Held) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if h.Previous == "" {
		return w.must(ctx, "INSERT INTO dicom_quarantine (tenant, received, id, state, organization, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			[]any{tenant, micros(h.Received), h.ID, h.State, h.Organization, h.Digest[:], string(body)})
	}
	err = w.must(ctx, "UPDATE dicom_quarantine SET state = ?, body = ? WHERE tenant = ? AND id = ? AND state = ?",
		[]any{h.State, string(body), tenant, h.ID, h.Previous})
	if err != nil || h.State != index.Rejected {
		return err
	}
	return giveUp(ctx, w, tenant, h.Digest)
}

// giveUp forgets a content that nothing needs; the next sweep destroys it.
func giveUp(ctx context.Context, w doorWriter, tenant int64, digest [32]byte) error {
	_, err := w.exec(ctx, eraseContent, contentArgs(tenant, digest))
	return err
}
