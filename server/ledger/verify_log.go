package ledger

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// walkLog rebuilds the tree, leaf by leaf, and holds it against the newest and
// the trusted checkpoint.
func (d *database) walkLog(by note.Verifier, trust *Trust) error {
	c, err := d.records.Checkpoint(d.ctx)
	if err != nil {
		return err
	}
	trusted := int64(0)
	if trust != nil && trust.Checkpoint != nil {
		trusted = trust.Checkpoint.Size
	} else if trust != nil {
		d.report.note("the trust file has no checkpoint: an older state put in place of this one cannot be seen")
	}
	if c != nil {
		d.size = c.Size
		d.checkNewest(*c, by)
	}
	d.report.Size = d.size
	d.unmet()
	if d.size < trusted {
		d.report.find(Forked, "log", "", "it has %d leaves, the trusted checkpoint %d: it was rolled back", d.size, trusted)
	}
	newest, atTrusted, err := d.rebuild(trusted)
	if err != nil {
		return err
	}
	if c != nil && newest != c.Root {
		d.report.find(Changed, "log", "", "the %d leaves have the root %x, the newest checkpoint says %x", d.size, newest, c.Root)
	}
	if trusted > 0 && d.size >= trusted && atTrusted != trust.Checkpoint.Root {
		d.report.find(Forked, "log", "", "the first %d leaves have the root %x, the trusted checkpoint says %x", trusted, atTrusted, trust.Checkpoint.Root)
	}
	return nil
}

func (d *database) checkNewest(c Checkpoint, by note.Verifier) {
	signed, err := OpenCheckpoint(c.Note, by)
	switch {
	case err != nil:
		d.report.find(Untrusted, "checkpoint", "", "%v", err)
	case signed.Size != c.Size || signed.Root != c.Root:
		d.report.find(Changed, "checkpoint", "", "its row says %d leaves and root %x, its note %d and %x", c.Size, c.Root, signed.Size, signed.Root)
	}
}

// rebuild reads the log up to the newest checkpoint and beyond, where nothing
// may be.
func (d *database) rebuild(trusted int64) (newest, atTrusted [32]byte, err error) {
	edge, next := newRange(0), int64(0)
	var turn []Entry
	err = d.records.Range(d.ctx, 0, 1<<62, func(e Entry) error {
		if e.Index >= d.size {
			d.report.find(Inserted, "log", e.Ref, "it has the index %d, the newest checkpoint ends before %d", e.Index, d.size)
			return nil
		}
		for ; next < e.Index; next++ {
			d.report.find(Missing, "log", fmt.Sprintf("leaf %d", next), "the log has no entry of this index")
		}
		if e.Index < next {
			d.report.find(Inserted, "log", e.Ref, "the index %d is given twice or out of order", e.Index)
			return nil
		}
		next++
		if err := edge.Append(e.Hash[:], nil); err != nil {
			return err
		}
		if next == trusted {
			atTrusted = rootOf(edge)
		}
		if d.seen[next] != nil {
			d.met(next, rootOf(edge))
		}
		if e.Kind != KindBlob { // a content may be logged again, so its leaves are not counted
			d.log.add(d.secret, e)
		}
		if turn = append(turn, e); len(turn) == rowsPerTurn {
			err := d.haveRows(turn)
			turn = turn[:0]
			return err
		}
		return nil
	})
	if err == nil {
		err = d.haveRows(turn)
	}
	for ; err == nil && next < d.size && d.report.More == 0; next++ {
		d.report.find(Missing, "log", fmt.Sprintf("leaf %d", next), "the log has no entry of this index")
	}
	return rootOf(edge), atTrusted, err
}

// haveRows asks for the rows of leaves.
func (d *database) haveRows(entries []Entry) error {
	refs := map[string][]string{}
	for _, e := range entries {
		refs[e.Kind] = append(refs[e.Kind], e.Ref)
	}
	for kind, of := range refs {
		what := map[string]string{KindVersion: "version", KindAudit: "audit", KindBlob: "blob"}[kind]
		if what == "" {
			for _, ref := range of {
				d.report.find(Inserted, "log", ref, "its kind %q is none", kind)
			}
			continue
		}
		there, err := d.records.Has(d.ctx, kind, of)
		if err != nil {
			return err
		}
		if len(there) != len(of) {
			return errors.New("the store answered for another number of rows")
		}
		for i, ref := range of {
			if !there[i] && !(kind == KindBlob && d.erased[ref] != nil) {
				d.report.find(Missing, what, ref, "the log has its leaf, the database does not have the row")
			}
		}
	}
	return nil
}

// walkWaiting looks for leaves that were left out of the log, and for those
// whose row is gone.
func (d *database) walkWaiting() error {
	var turn []Entry
	err := d.records.Waiting(d.ctx, func(p Pending) error {
		if age := d.began.Sub(p.At); age > d.options.Late {
			d.report.find(Unsequenced, "log", p.Ref, "it was committed %v ago and has no index", age.Round(time.Second))
		} else {
			d.report.Waiting++
		}
		if turn = append(turn, Entry{Leaf: p.Leaf}); len(turn) < rowsPerTurn {
			return nil
		}
		err := d.haveRows(turn)
		turn = turn[:0]
		return err
	})
	if err != nil {
		return err
	}
	return d.haveRows(turn)
}
