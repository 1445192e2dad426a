package rest_test

import (
	"context"

	"tenon/server/ledger"
)

// auditRows are all rows of the audit, as they are stored.
func auditRows(h *house) (rows []string, err error) {
	err = h.store.EachAuditBatch(context.Background(), func(b ledger.AuditBatch) error {
		for _, row := range b.Rows {
			rows = append(rows, string(row))
		}
		return nil
	})
	return rows, err
}
