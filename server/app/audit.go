package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"tenon/server/ledger"
)

// WriteAudit writes the audit rows that a filter takes, one JSON object a line, in
// the order of the log: {"ref","row"}, and with proofs besides the batch's proof
// and the checkpoint that it leads to. Everything is read from one state of the
// database; nothing is written.
func (a *App) WriteAudit(ctx context.Context, w io.Writer, f ledger.AuditFilter, proofs bool) error {
	r, err := a.Store.Records(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	return r.Batches(ctx, func(b ledger.AuditBatch) error {
		var positions []int
		for i, row := range b.Rows {
			if f.Takes(row) {
				positions = append(positions, i)
			}
		}
		if len(positions) == 0 {
			return nil
		}
		if proofs {
			proof, checkpoint, err := ledger.ProveEvents(ctx, r, b, positions)
			if err != nil {
				return err
			}
			return out.Encode(map[string]any{"ref": b.Ref, "proof": proof, "checkpoint": checkpoint})
		}
		for _, i := range positions {
			if err := out.Encode(map[string]any{"ref": fmt.Sprintf("%s#%d", b.Ref, i), "row": json.RawMessage(b.Rows[i])}); err != nil {
				return err
			}
		}
		return nil
	})
}
