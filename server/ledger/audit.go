package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// ProveEvents is the proof of rows of an audit batch, as a dossier holds it: JSON
// with the leaf's path to a checkpoint, and each row's path to the leaf.
func ProveEvents(ctx context.Context, log Log, b AuditBatch, positions []int) (proof json.RawMessage, checkpoint string, err error) {
	entries, err := log.Entries(ctx, []string{b.Ref})
	if err != nil {
		return nil, "", err
	}
	if len(entries) == 0 {
		return nil, "", fmt.Errorf("%w: %s", ErrUnsequenced, b.Ref)
	}
	c, err := log.Checkpoint(ctx)
	if err != nil || c == nil {
		return nil, "", fmt.Errorf("%w: no checkpoint", ErrUnsequenced)
	}
	nodes, err := preload(ctx, log, []int64{entries[0].Index}, c.Size)
	if err != nil {
		return nil, "", err
	}
	p := &prover{ctx: ctx, at: map[string]Entry{b.Ref: entries[0]}, size: c.Size, nodes: nodes, out: &proofs{}}
	p.batch(CaseBatch{AuditBatch: b, Positions: positions}, &inventory{})
	if p.err != nil {
		return nil, "", p.err
	}
	proof, err = json.Marshal(p.out.Batches[0])
	return proof, string(c.Note), err
}

// CheckEvents judges such a proof against a checkpoint and returns the rows.
func CheckEvents(proof []byte, c Checkpoint) (rows [][]byte, err error) {
	var b batchProof
	if err := strictJSON(proof, maxJWS, &b); err != nil {
		return nil, err
	}
	root, okRoot := hash32(b.Root)
	salt, okSalt := salt16(b.Salt)
	path, okPath := hashes(b.Path)
	if !okRoot || !okSalt || !okPath || CheckInclusion(b.Index, c.Size, HashLeaf(salt, batchBody(b.Ref, b.Rows, root)), path, c.Root) != nil {
		return nil, ErrProof
	}
	for _, e := range b.Events {
		salt, okSalt := salt16(e.Salt)
		path, okPath := hashes(e.Path)
		if !okSalt || !okPath || CheckInclusion(int64(e.Position), int64(b.Rows), HashLeaf(salt, e.Row), path, root) != nil {
			return nil, ErrProof
		}
		rows = append(rows, e.Row)
	}
	return rows, nil
}

// AuditFilter chooses audit rows; what is empty chooses all.
type AuditFilter struct {
	Case, Person, Patient string // "x" of Task/x; a principal; "Patient/x"
	From, Until           time.Time
}

// Takes tells whether a row is asked for. A row that cannot be read is.
func (f AuditFilter) Takes(row []byte) bool {
	var r struct {
		At                       time.Time
		Case, Principal, Patient string
	}
	if json.Unmarshal(row, &r) != nil {
		return true
	}
	return (f.Case == "" || r.Case == f.Case) && (f.Person == "" || r.Principal == f.Person) && (f.Patient == "" || r.Patient == f.Patient) &&
		(f.From.IsZero() || !r.At.Before(f.From)) && (f.Until.IsZero() || r.At.Before(f.Until))
}
