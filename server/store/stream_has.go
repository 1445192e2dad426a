package store

import (
	"context"
	"encoding/hex"
	"strconv"
	"strings"

	"tenon/server/ledger"
)

// Has is of ledger.Records: a few statements for all refs, since every leaf of the
// log is asked for. A ref that is not well formed names no row.
func (r *Records) Has(ctx context.Context, kind string, refs []string) ([]bool, error) {
	there := map[string]bool{}
	var err error
	switch kind {
	case ledger.KindVersion:
		err = r.hasVersions(ctx, refs, there)
	case ledger.KindAudit:
		err = r.hasBatches(ctx, refs, there)
	case ledger.KindBlob:
		err = r.hasBlobs(ctx, refs, there)
	}
	out := make([]bool, len(refs))
	for i, ref := range refs {
		out[i] = there[ref]
	}
	return out, err
}

// hasVersions asks for the current versions of each type, and in the history for
// those that are others.
func (r *Records) hasVersions(ctx context.Context, refs []string, there map[string]bool) error {
	wanted := map[string]bool{}
	ids := map[string][]string{} // by type
	versions := map[int64]bool{}
	for _, ref := range refs {
		parts := strings.Split(ref, "/")
		if len(parts) != 4 || parts[2] != "_history" {
			continue
		}
		if n, err := strconv.ParseInt(parts[3], 10, 64); err == nil {
			wanted[ref], versions[n] = true, true
			ids[parts[0]] = append(ids[parts[0]], parts[1])
		}
	}
	older := map[int64]string{} // resource by its row
	for _, typ := range sorted(keysOfMap(ids)) {
		st := newStatement(0, r.d).add("SELECT r.rid, r.id, r.version FROM resource r WHERE r.type = ? AND r.tenant IN (SELECT tenant FROM tenant) AND ", typ)
		st.inTexts("r.id", ids[typ])
		err := each(ctx, r.q, st.sql(), st.args, func(c cursor) error {
			var id string
			var rid, version int64
			err := c.scan(&rid, &id, &version)
			older[rid] = typ + "/" + id
			there[ledger.VersionRef(typ, id, version)] = true
			return err
		})
		if err != nil {
			return err
		}
	}
	return r.hasOlder(ctx, older, wanted, versions, there)
}

func (r *Records) hasOlder(ctx context.Context, resources map[int64]string, wanted map[string]bool, versions map[int64]bool, there map[string]bool) error {
	missing := false
	for ref := range wanted {
		missing = missing || !there[ref]
	}
	if !missing || len(resources) == 0 {
		return nil
	}
	var rids, numbers []int64
	for rid := range resources {
		rids = append(rids, rid)
	}
	for n := range versions {
		numbers = append(numbers, n)
	}
	st := newStatement(0, r.d).add("SELECT h.rid, h.version FROM history h WHERE ")
	st.inRows("h.rid", rids).add(" AND ").inRows("h.version", numbers)
	return each(ctx, r.q, st.sql(), st.args, func(c cursor) error {
		var rid, version int64
		err := c.scan(&rid, &version)
		typ, id, _ := strings.Cut(resources[rid], "/")
		there[ledger.VersionRef(typ, id, version)] = true
		return err
	})
}

func (r *Records) hasBatches(ctx context.Context, refs []string, there map[string]bool) error {
	var ids []int64
	for _, ref := range refs {
		number, ok := strings.CutPrefix(ref, "audit/")
		if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			ids = append(ids, n)
		}
	}
	st := newStatement(0, r.d).add("SELECT id FROM audit WHERE ").inRows("id", ids)
	return each(ctx, r.q, st.sql(), st.args, func(c cursor) error {
		var id int64
		err := c.scan(&id)
		there[auditRef(id)] = true
		return err
	})
}

func (r *Records) hasBlobs(ctx context.Context, refs []string, there map[string]bool) error {
	var digests []any
	for _, ref := range refs {
		name, ok := strings.CutPrefix(ref, "sha-256/")
		if digest, err := hex.DecodeString(name); ok && err == nil {
			digests = append(digests, digest)
		}
	}
	if len(digests) == 0 {
		return nil
	}
	sql := "SELECT digest FROM blob WHERE digest IN (?" + strings.Repeat(", ?", len(digests)-1) + ") AND tenant IN (SELECT tenant FROM tenant)"
	return each(ctx, r.q, sql, digests, func(c cursor) error {
		var digest []byte
		err := c.scan(&digest)
		there["sha-256/"+hex.EncodeToString(digest)] = true
		return err
	})
}
