package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Anchored is what Records may give beyond the interface.
type Anchored interface {
	// Anchors streams every anchor.
	Anchors(ctx context.Context, each func(Anchor) error) error
}

// seen is a state of the log that somebody outside saw.
type seen struct {
	who string
	c   Checkpoint
}

// loadSeen reads what others saw of the log: the anchors of the database, and the
// states that the caller brings from a witness.
func (d *database) loadSeen(by note.Verifier, trust *Trust) error {
	d.seen = map[int64][]seen{}
	strangers := 0
	add := func(a Anchor) error {
		c, _, err := a.Judge(by, trust)
		who := a.Kind + " " + printable(a.Name)
		switch {
		case errors.Is(err, errNobody):
			strangers++
		case err != nil:
			d.report.find(Untrusted, "checkpoint", fmt.Sprintf("%s %d", who, a.Size), "%v", err)
		default:
			d.report.Anchored++
			d.seen[c.Size] = append(d.seen[c.Size], seen{who, c})
		}
		return nil
	}
	for _, text := range d.options.Seen {
		c, err := OpenCheckpoint(text, by)
		if err != nil {
			d.report.find(Untrusted, "checkpoint", "of a witness", "%v", err)
			continue
		}
		d.report.Anchored++
		d.seen[c.Size] = append(d.seen[c.Size], seen{"a witness", c})
	}
	if r, ok := d.records.(Anchored); ok {
		if err := r.Anchors(d.ctx, add); err != nil {
			return err
		}
	}
	if strangers > 0 {
		d.report.note("%d time stamps or cosignatures are of nobody whom the trust file names", strangers)
	}
	return nil
}

// met compares the log at a size with what others saw then.
func (d *database) met(size int64, root [32]byte) {
	for _, s := range d.seen[size] {
		if s.c.Root != root {
			d.report.find(Forked, "log", fmt.Sprintf("%s %d", s.who, size), "the first %d leaves have the root %x, what was seen outside has %x", size, root, s.c.Root)
		}
	}
}

// unmet names states that the log does not reach any more.
func (d *database) unmet() {
	for size, all := range d.seen {
		if size <= d.size {
			continue
		}
		for _, s := range all {
			d.report.find(Forked, "log", fmt.Sprintf("%s %d", s.who, size), "it has %d leaves, outside %d were seen: it was rolled back", d.size, size)
		}
	}
}
