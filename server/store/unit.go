package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tenon/server/record"
)

// Commit implements record.Store.
func (s *Store) Commit(ctx context.Context, u *record.Unit) error {
	if u.Tenant != "" && u.Tenant != s.o.Tenant {
		return fmt.Errorf("store: a unit of tenant %q was handed to the store of %q", u.Tenant, s.o.Tenant)
	}
	tenant, err := s.tenantID(ctx, true)
	if err != nil {
		return err
	}
	return fullOr(s.engine.commit(ctx, tenant, s, u))
}

// Definitions is the revision of the tenant's definitions, 1 or more: it grows
// with every write of a resource that defines something for the server.
func (s *Store) Definitions(ctx context.Context) (int64, error) {
	tenant, err := s.tenantID(ctx, false)
	if err != nil {
		return 0, err
	}
	now := int64(1)
	err = s.engine.read(ctx, short, func(q querier) error {
		_, err := one(ctx, q, definitionsNow, []any{tenant}, &now)
		return err
	})
	return now, err
}

// defining are the types of definitions (design §5).
var defining = []string{
	"ActivityDefinition", "CodeSystem", "CompartmentDefinition", "ConceptMap", "GraphDefinition", "ImplementationGuide",
	"Library", "NamingSystem", "ObservationDefinition", "OperationDefinition", "PlanDefinition", "Questionnaire",
	"SearchParameter", "StructureDefinition", "StructureMap", "ValueSet",
}

func definesAny(vs []record.Version) bool {
	return slices.ContainsFunc(vs, func(v record.Version) bool { return slices.Contains(defining, v.Type) })
}

// The statements below are the same on both engines.
const (
	insertMember = "INSERT INTO member (tenant, case_id, type, rid) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	advanceCase  = "INSERT INTO case_head (tenant, case_id, revision) VALUES (?, ?, 1) " +
		"ON CONFLICT (tenant, case_id) DO UPDATE SET revision = case_head.revision + 1"
	deleteGrants    = "DELETE FROM case_access WHERE tenant = ? AND case_id = ?"
	insertGrant     = "INSERT INTO case_access (tenant, principal, case_id, ceiling) VALUES (?, ?, ?, ?)"
	insertSignature = "INSERT INTO signature (tenant, case_id, provenance, target, version, digest, role, purpose, stage, " +
		"signer, person, at, outcome, conditions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	insertBlob    = "INSERT INTO blob (tenant, digest, size, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
	insertMessage = "INSERT INTO outbox (tenant, sink, kind, key, case_id, body, created, due, attempts, state, settled, reason) " +
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, '') ON CONFLICT DO NOTHING"
	insertKey = "INSERT INTO door_key (tenant, door, key, digest, ref, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)

// setsOf makes the values of a statement for each item.
func setsOf[T any](items []T, values func(T) []any) [][]any {
	sets := make([][]any, len(items))
	for i, item := range items {
		sets[i] = values(item)
	}
	return sets
}

// grantValues keeps the highest ceiling where a principal is named twice.
func grantValues(tenant int64, g record.CaseGrants) [][]any {
	ceilings := map[string]int64{}
	for _, x := range g.Grants {
		ceilings[x.Principal] = max(ceilings[x.Principal], int64(x.Ceiling))
	}
	var sets [][]any
	for principal, ceiling := range ceilings {
		sets = append(sets, []any{tenant, principal, g.Case, ceiling})
	}
	return sets
}

func signatureValues(tenant int64, signatures []record.CaseSignature) [][]any {
	return setsOf(signatures, func(s record.CaseSignature) []any {
		return []any{
			tenant, s.Case, s.Provenance, s.Target, s.Version, s.Digest[:], string(s.Role), s.Purpose, s.Stage,
			s.Signer, s.Person, micros(s.When), s.Outcome, strings.Join(s.Conditions, " "),
		}
	})
}

func blobValues(tenant int64, u *record.Unit) [][]any {
	return setsOf(u.Blobs, func(b record.BlobRow) []any { return []any{tenant, b.Digest[:], b.Size, micros(u.At)} })
}

func messageValues(tenant int64, u *record.Unit) [][]any {
	sets := make([][]any, len(u.Outbox))
	for i := range u.Outbox {
		m := &u.Outbox[i]
		created := m.Created
		if created.IsZero() {
			created = u.At
		}
		due := created
		if m.Due.After(created) {
			due = m.Due
		}
		sets[i] = []any{tenant, m.Sink, m.Kind, m.Key, m.Case, m.Body, micros(created), micros(due)}
	}
	return sets
}

func keyValues(tenant int64, u *record.Unit) [][]any {
	return setsOf(u.Keys, func(k record.Key) []any {
		return []any{tenant, k.Door, k.Key, k.Digest[:], k.Ref, micros(u.At)}
	})
}
