package ledgertest

import (
	"context"
	"slices"
	"time"

	"tenon/server/ledger"
)

// Put keeps rows and commits their leaves, as a unit does.
func (m *Memory) Put(ctx context.Context, at time.Time, rows ...any) {
	for _, r := range rows {
		switch r := r.(type) {
		case ledger.VersionRow:
			m.Rows = append(m.Rows, r)
			_ = m.Add(ctx, ledger.VersionLeaf(r))
		case ledger.AuditBatch:
			m.Audits = append(m.Audits, r)
			_ = m.Add(ctx, r.Leaf(at))
		case ledger.BlobRow:
			m.Contents = append(m.Contents, r)
			_ = m.Add(ctx, ledger.BlobLeaf(r, at))
		}
	}
}

// Versions implements ledger.Records.
func (m *Memory) Versions(_ context.Context, each func(ledger.VersionRow) error) error {
	return stream(m.Rows, each)
}

// Batches implements ledger.Records.
func (m *Memory) Batches(_ context.Context, each func(ledger.AuditBatch) error) error {
	return stream(m.Audits, each)
}

// Blobs implements ledger.Records.
func (m *Memory) Blobs(_ context.Context, each func(ledger.BlobRow) error) error {
	return stream(m.Contents, each)
}

// Waiting implements ledger.Records.
func (m *Memory) Waiting(_ context.Context, each func(ledger.Pending) error) error {
	return stream(m.Queue, each)
}

// Pending implements ledger.Records.
func (m *Memory) Pending(_ context.Context, refs []string) ([]ledger.Pending, error) {
	var found []ledger.Pending
	for _, p := range m.Queue {
		if slices.Contains(refs, p.Ref) {
			found = append(found, p)
		}
	}
	return found, nil
}

// Has implements ledger.Records.
func (m *Memory) Has(_ context.Context, kind string, refs []string) ([]bool, error) {
	have := map[string]bool{}
	switch kind {
	case ledger.KindVersion:
		for _, r := range m.Rows {
			have[r.Ref()] = true
		}
	case ledger.KindAudit:
		for _, b := range m.Audits {
			have[b.Ref] = true
		}
	case ledger.KindBlob:
		for _, b := range m.Contents {
			have[ledger.BlobRef(b.Digest)] = true
		}
	}
	out := make([]bool, len(refs))
	for i, ref := range refs {
		out[i] = have[ref]
	}
	return out, nil
}

func stream[T any](rows []T, each func(T) error) error {
	for _, r := range rows {
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}
