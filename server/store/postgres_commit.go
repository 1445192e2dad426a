package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"tenon/server/record"
)

// commit sends the whole unit as one pipelined transaction: one round trip where
// everything is new, one more to look up row numbers where something is changed.
// A conditional interaction is judged again inside an open transaction.
func (e *pg) commit(ctx context.Context, tenant int64, s *Store, u *record.Unit) (err error) {
	for range attempts {
		err = e.commitOnce(ctx, tenant, s, u)
		if !lostRace(err) {
			break
		}
	}
	if lostRace(err) || stale(err) {
		return record.ErrStale
	}
	if err == nil {
		e.analyst.grown(len(u.Versions))
	}
	return err
}

// stale tells whether the database refused because of what another commit did.
func stale(err error) bool {
	switch stateOf(err) {
	case "TN001":
		return true
	case "23505": // unique_violation
		return slices.Contains([]string{"resource_id", "history_pkey", "door_key_pkey"}, constraintOf(err))
	}
	return false
}

func (e *pg) commitOnce(ctx context.Context, tenant int64, s *Store, u *record.Unit) error {
	p := &pgUnit{e: e, tenant: tenant, u: u, b: &pgx.Batch{}}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	p.check()
	if len(u.Reads.Matches) == 0 {
		if err := p.write(ctx); err != nil {
			return err
		}
		return e.pool.SendBatch(ctx, p.b).Close()
	}
	return pgx.BeginFunc(ctx, e.pool, func(tx pgx.Tx) error {
		if err := p.matches(ctx, tx, s); err != nil {
			return err
		}
		if err := p.write(ctx); err != nil {
			return err
		}
		return tx.SendBatch(ctx, p.b).Close()
	})
}

// pgUnit is a unit on its way into a batch.
type pgUnit struct {
	e      *pg
	tenant int64
	u      *record.Unit
	b      *pgx.Batch
	rids   map[[2]string]int64
}

func (p *pgUnit) queue(sql string, args ...any) { p.b.Queue(sql, clean(args)...) }

// prepare gives new resources their row numbers and looks up those of others. A
// row number never changes, so this needs no transaction.
func (p *pgUnit) prepare(ctx context.Context) error {
	p.rids = make(map[[2]string]int64, len(p.u.Versions))
	var fresh [][2]string
	for i := range p.u.Versions {
		v := &p.u.Versions[i]
		if err := sound(v); err != nil {
			return err
		}
		if k := [2]string{v.Type, v.ID}; v.Version == 1 {
			fresh = append(fresh, k)
		}
	}
	ids, err := p.e.ids.take(ctx, len(fresh))
	if err != nil {
		return err
	}
	for i, k := range fresh {
		p.rids[k] = ids[i]
	}
	return p.lookUp(ctx)
}

func (p *pgUnit) lookUp(ctx context.Context) error {
	var types, names []string
	want := func(typ, id string) {
		k := [2]string{typ, id}
		if _, ok := p.rids[k]; !ok {
			p.rids[k] = 0
			types, names = append(types, typ), append(names, id)
		}
	}
	for i := range p.u.Versions {
		want(p.u.Versions[i].Type, p.u.Versions[i].ID)
	}
	for _, m := range p.u.Members {
		want(m.Type, m.ID)
	}
	if len(types) > 0 {
		rows, err := p.e.pool.Query(ctx, "SELECT r.type, r.id, r.rid FROM unnest($2::text[], $3::text[]) w (type, id) "+
			"JOIN resource r ON r.tenant = $1 AND r.type = w.type AND r.id = w.id", clean([]any{p.tenant, types, names})...)
		if err != nil {
			return err
		}
		var k [2]string
		var rid int64
		if _, err := pgx.ForEachRow(rows, []any{&k[0], &k[1], &rid}, func() error { p.rids[k] = rid; return nil }); err != nil {
			return err
		}
	}
	for i := range p.u.Versions {
		if v := &p.u.Versions[i]; p.rids[[2]string{v.Type, v.ID}] == 0 {
			return record.ErrStale
		}
	}
	for _, m := range p.u.Members {
		if p.rids[[2]string{m.Type, m.ID}] == 0 {
			return fmt.Errorf("store: %s/%s is made a member of a case and is not there", m.Type, m.ID)
		}
	}
	return nil
}

// check queues the locks in a fixed order and then the comparison with the read
// set, which sees what was committed while the locks were waited for.
func (p *pgUnit) check() {
	p.checkCases()
	defines := definesAny(p.u.Versions)
	if defines {
		p.queue(numbered(p.e.dialect().lockDefinitions), p.tenant)
	}
	if !defines { // a lock that is shared in memory: a row lock would be written by every commit
		p.queue("SELECT pg_advisory_xact_lock_shared("+strconv.Itoa(definitionsLock)+", $1::int)", p.tenant)
	}
	p.queue("SELECT expect(($2::bigint = 0 OR coalesce((SELECT value FROM state WHERE tenant = $1 AND name = 'definitions'), 1) = $2) "+
		"AND coalesce((SELECT value FROM state WHERE tenant = $1 AND name = 'floor'), 0) <= $3)", p.tenant, p.u.Reads.Definitions, earliest(p.u.Versions))
	p.checkVersions()
}

func (p *pgUnit) checkCases() {
	heads := slices.Clone(p.u.Cases)
	var ids []string
	var revisions []int64
	for _, c := range p.u.Reads.Cases {
		heads = append(heads, c.Case)
		ids, revisions = append(ids, c.Case), append(revisions, c.Revision)
	}
	for _, g := range p.u.Grants {
		heads = append(heads, g.Case)
	}
	if len(heads) == 0 {
		return
	}
	p.queue("SELECT 1 FROM case_head WHERE tenant = $1 AND case_id = ANY ($2::text[]) ORDER BY case_id FOR UPDATE", p.tenant, sorted(heads))
	if len(ids) > 0 {
		p.queue("SELECT expect(NOT EXISTS (SELECT 1 FROM unnest($2::text[], $3::bigint[]) w (case_id, revision) "+
			"LEFT JOIN case_head h ON h.tenant = $1 AND h.case_id = w.case_id WHERE coalesce(h.revision, 0) <> w.revision))", p.tenant, ids, revisions)
	}
}

// checkVersions leaves out what the unit creates: there the key of the table
// decides.
func (p *pgUnit) checkVersions() {
	written := map[[2]string]bool{}
	created := map[[2]string]bool{}
	for i := range p.u.Versions {
		v := &p.u.Versions[i]
		k := [2]string{v.Type, v.ID}
		written[k] = true
		created[k] = created[k] || v.Version == 1
	}
	var all, mine, others []record.VersionRead
	for _, r := range p.u.Reads.Versions {
		k := [2]string{r.Type, r.ID}
		switch {
		case r.Version == 0 && created[k]:
			continue
		case written[k]:
			mine = append(mine, r)
		default:
			others = append(others, r)
		}
		all = append(all, r)
	}
	const lock = "SELECT 1 FROM resource r JOIN unnest($2::text[], $3::text[]) w (type, id) ON r.tenant = $1 AND r.type = w.type AND r.id = w.id " +
		"ORDER BY r.type, r.id FOR "
	p.versions(lock+"NO KEY UPDATE OF r", mine)
	p.versions(lock+"SHARE OF r", others)
	if len(all) == 0 {
		return
	}
	types, names, versions := readColumns(all)
	p.queue("SELECT expect(NOT EXISTS (SELECT 1 FROM unnest($2::text[], $3::text[], $4::bigint[]) w (type, id, version) "+
		"LEFT JOIN resource r ON r.tenant = $1 AND r.type = w.type AND r.id = w.id WHERE coalesce(r.version, 0) <> w.version))",
		p.tenant, types, names, versions)
}

func (p *pgUnit) versions(sql string, reads []record.VersionRead) {
	if len(reads) > 0 {
		types, names, _ := readColumns(reads)
		p.queue(sql, p.tenant, types, names)
	}
}

func readColumns(reads []record.VersionRead) (types, names []string, versions []int64) {
	for _, r := range reads {
		types, names, versions = append(types, r.Type), append(names, r.ID), append(versions, r.Version)
	}
	return types, names, versions
}

// matches runs the plans of conditional interactions again, under locks that
// every unit with the same condition takes.
func (p *pgUnit) matches(ctx context.Context, tx pgx.Tx, s *Store) error {
	matches := slices.SortedFunc(slices.Values(p.u.Reads.Matches), func(a, b record.MatchRead) int { return cmp.Compare(a.Lock, b.Lock) })
	q := pgQuerier{tx, true}
	for _, m := range matches {
		if _, err := q.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(?, ?))", []any{m.Lock, p.tenant}); err != nil {
			return err
		}
	}
	for _, m := range matches {
		if same, err := s.sameMatches(ctx, q, p.tenant, m); err != nil || !same {
			return staleOr(err)
		}
	}
	return nil
}
