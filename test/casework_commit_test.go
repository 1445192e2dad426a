package test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/ledger"
	rec "tenon/server/record"
)

// commits measures what is left of a completion without HTTP and judgement: the
// smallest durable transaction that there is, one row of audit with its leaf, and
// the commit of a new version of a Task with its index rows, leaf, audit, and the
// revision of its case, which is checked.
func (s *scale) commits() {
	row := []rec.Audit{{At: time.Now(), Principal: "operator", Door: "cli", Action: "R", Operation: "read", Entity: "Task", Outcome: 200}}
	s.timed("commit alone: one row of audit and its leaf", "5", 60, func(int) {
		if err := s.App.Store.Audit(s.t.Context(), row); err != nil {
			s.t.Fatal(err)
		}
	})
	p := newPress(s.t, s.App.Store)
	var units []*rec.Unit
	for i := range 60 {
		units = append(units, p.again(s.t, s.of(i)))
	}
	s.timed("commit alone: a version of a Task, its case checked", "5", len(units), func(i int) {
		if err := s.App.Store.Commit(s.t.Context(), units[i]); err != nil {
			s.t.Fatal(err)
		}
	})
}

// again is a unit that writes the root Task of a case as it is, as its next version.
func (p *press) again(t testing.TB, c pressed) *rec.Unit {
	t.Helper()
	id := strings.TrimPrefix(c.root, "Task/")
	v, err := p.store.Read(t.Context(), access.Everything{}, "Task", id)
	if err != nil {
		t.Fatal(err)
	}
	d, err := p.store.Snapshot(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := tree.Parse(v.Body)
	if err != nil {
		t.Fatal(err)
	}
	if v.Rows, err = p.index(doc.Root()); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Millisecond)
	reads := rec.ReadSet{Cases: []rec.CaseRead{{Case: id, Revision: d.Revision}}, Versions: []rec.VersionRead{{Type: "Task", ID: id, Version: v.Version}}}
	v.Version, v.Updated, v.Digest = v.Version+1, now, sha256.Sum256(v.Body)
	leaf := ledger.VersionLeaf(ledger.VersionRow{Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Body: v.Body, Salt: v.Salt})
	return &rec.Unit{Tenant: "main", At: now, Reads: reads, Versions: []rec.Version{*v}, Cases: []string{id}, Leaves: []ledger.Leaf{leaf},
		Audit: []rec.Audit{{At: now, Principal: "operator", Door: "cli", Action: "U", Operation: "update", Entity: c.root, Case: id, Outcome: 200}}}
}
