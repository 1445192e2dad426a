package store

import (
	"context"
	"strings"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
)

// CasesOf implements record.Store.
func (s *Store) CasesOf(ctx context.Context, typ, id string) ([]string, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = s.engine.read(ctx, short, func(q querier) error {
		return each(ctx, q, "SELECT m.case_id FROM resource r JOIN member m ON m.rid = r.rid AND m.tenant = r.tenant "+
			"WHERE r.tenant = ? AND r.type = ? AND r.id = ? ORDER BY m.case_id", []any{tenant, typ, id}, func(c cursor) error {
			var id string
			err := c.scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, err
}

// KeySeen implements record.Store.
func (s *Store) KeySeen(ctx context.Context, door, key string) (*record.Key, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	k := &record.Key{Door: door, Key: key}
	var digest []byte
	found := false
	err = s.engine.read(ctx, short, func(q querier) (err error) {
		found, err = one(ctx, q, "SELECT digest, ref FROM door_key WHERE tenant = ? AND door = ? AND key = ?",
			[]any{tenant, door, key}, &digest, &k.Ref)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	copy(k.Digest[:], digest)
	return k, nil
}

// Grants implements record.Store.
func (s *Store) Grants(ctx context.Context, caseID string) (grants []casework.Grant, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	err = s.engine.read(ctx, short, func(q querier) error {
		grants, err = grantsOf(ctx, q, tenant, caseID)
		return err
	})
	return grants, err
}

func grantsOf(ctx context.Context, q querier, tenant int64, caseID string) (grants []casework.Grant, err error) {
	a := askGrants(tenant, caseID, &grants)
	return grants, each(ctx, q, a.sql, a.args, a.row)
}

func askGrants(tenant int64, caseID string, to *[]casework.Grant) ask {
	return ask{"SELECT principal, ceiling FROM case_access WHERE tenant = ? AND case_id = ? ORDER BY principal", []any{tenant, caseID}, func(c cursor) error {
		var g casework.Grant
		var ceiling int64
		err := c.scan(&g.Principal, &ceiling)
		g.Ceiling = access.Level(ceiling)
		*to = append(*to, g)
		return err
	}}
}

const signatureColumns = "s.seq, s.provenance, s.target, s.version, s.digest, s.role, s.purpose, s.stage, s.signer, s.person, s.at, s.outcome, s.conditions"

// askSignatures asks for the signatures over members of a case, wherever they were
// put: a standing agreement is signed in its own case and counts in all that name it.
// The two halves have an index each; one select with OR would read the whole table.
func askSignatures(tenant int64, d dialect, caseID string, to *[]casework.Signature) ask {
	s := newStatement(tenant, d)
	s.add("SELECT "+signatureColumns+" FROM signature s WHERE s.tenant = ? AND s.case_id = ? UNION ALL SELECT "+signatureColumns+" FROM member m", tenant, caseID)
	s.nest("r.type, r.id", "resource", "r").add("r.rid = m.rid").nested("r")
	s.nest("*", "signature", "s").add("s.tenant = m.tenant AND s.target = r.type || '/' || r.id AND s.case_id <> ?", caseID).nested("s")
	s.add(" WHERE m.tenant = ? AND m.case_id = ? ORDER BY 1", tenant, caseID)
	return ask{s.sql(), s.args, func(c cursor) error { return scanSignature(c, to) }}
}

// SignaturesOver implements record.SignedOver.
func (s *Store) SignaturesOver(ctx context.Context, typ, id string) (signatures []casework.Signature, err error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return nil, err
	}
	err = s.engine.read(ctx, short, func(q querier) error {
		signatures, err = signaturesIn(ctx, q, "SELECT "+signatureColumns+" FROM signature s WHERE s.tenant = ? AND s.target = ? ORDER BY 1", tenant, typ+"/"+id)
		return err
	})
	return signatures, err
}

func signaturesIn(ctx context.Context, q querier, query string, args ...any) (signatures []casework.Signature, err error) {
	err = each(ctx, q, query, args, func(c cursor) error { return scanSignature(c, &signatures) })
	return signatures, err
}

func scanSignature(c cursor, to *[]casework.Signature) error {
	var s casework.Signature
	var digest []byte
	var role, conditions string
	var seq, at int64
	err := c.scan(&seq, &s.Provenance, &s.Target, &s.Version, &digest, &role, &s.Purpose, &s.Stage, &s.Signer, &s.Person, &at, &s.Outcome, &conditions)
	s.Conditions = strings.Fields(conditions)
	s.Role, s.When = access.Role(role), moment(at)
	copy(s.Digest[:], digest)
	*to = append(*to, s)
	return err
}
