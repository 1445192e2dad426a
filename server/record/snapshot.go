package record

import (
	"context"
	"fmt"

	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
)

// snapshot is what casework sees of a case: as stored, or with the draft's
// versions laid over it. It is nil before a case is opened.
func (p *preparation) snapshot(t *touched, after bool) (*casework.Snapshot, error) {
	if t.data == nil && !after {
		return nil, nil
	}
	s := &casework.Snapshot{Case: t.id, Now: p.at}
	if t.data != nil {
		stored, err := snapshotOf(t.data)
		if err != nil {
			return nil, err
		}
		stored.Now = p.at
		s = stored
	}
	if after {
		if err := p.overlay(s, t); err != nil {
			return nil, err
		}
	}
	return s, p.r.introduce(p.ctx, s)
}

// overlay lays what the draft writes and joins over a stored snapshot.
func (p *preparation) overlay(s *casework.Snapshot, t *touched) error {
	at := map[string]int{}
	for i, m := range s.Resources {
		at[m.Ref()] = i
	}
	put := func(res casework.Resource) {
		if i, ok := at[res.Ref()]; ok {
			s.Resources[i] = res
			return
		}
		at[res.Ref()] = len(s.Resources)
		s.Resources = append(s.Resources, res)
	}
	for _, w := range p.writes {
		if w != nil && t.members[w.typ+"/"+w.id] && !w.version.Deleted {
			put(resourceOf(w.version, w))
		}
	}
	for _, m := range t.joined {
		if _, ok := at[m.Type+"/"+m.ID]; ok {
			continue
		}
		reach := p.who.ReachNamed()
		if m.Type == "Provenance" {
			reach = access.Everything{} // carried with the document that the caller reaches
		}
		v, err := p.r.current(p.ctx, reach, m.Type, m.ID)
		if err != nil || v == nil {
			return fmt.Errorf("record: member %s/%s: %w", m.Type, m.ID, err)
		}
		root, err := parsed(v.Body)
		if err != nil {
			return err
		}
		put(casework.Resource{Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Author: v.Author, Digest: v.Digest, Root: root, Blob: v.Blob})
	}
	if p.in.plan != nil {
		s.Directory = append(s.Directory, *p.in.plan)
	}
	s.Signatures = append(s.Signatures, t.carried...)
	if p.in.signature != nil && t.id == p.in.caseID {
		made := *p.in.signature
		made.Provenance = p.writes[0].id
		s.Signatures = append(s.Signatures, made)
	}
	return nil
}

func resourceOf(v *Version, w *write) casework.Resource {
	return casework.Resource{Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Author: v.Author, Digest: v.Digest, Root: w.root, Blob: v.Blob}
}

// asSeen is a stored case as the engine judges it now, with the people whom its
// exceptions name.
func (r *Recorder) asSeen(ctx context.Context, d *CaseData) (*casework.Snapshot, error) {
	s, err := snapshotOf(d)
	if err != nil {
		return nil, err
	}
	s.Now = r.now()
	return s, r.introduce(ctx, s)
}

// snapshotOf parses a stored case.
func snapshotOf(d *CaseData) (*casework.Snapshot, error) {
	s := &casework.Snapshot{Case: d.Case, Revision: d.Revision, Signatures: append([]casework.Signature(nil), d.Signatures...)}
	var err error
	if s.Resources, err = resources(d.Members); err != nil {
		return nil, err
	}
	s.Directory, err = resources(d.Directory)
	return s, err
}

func resources(vs []Version) ([]casework.Resource, error) {
	out := make([]casework.Resource, 0, len(vs))
	for i := range vs {
		v := &vs[i]
		if v.Deleted {
			continue
		}
		root, err := parsed(v.Body)
		if err != nil {
			return nil, fmt.Errorf("record: stored %s/%s: %w", v.Type, v.ID, err)
		}
		out = append(out, casework.Resource{Type: v.Type, ID: v.ID, Version: v.Version, Updated: v.Updated, Author: v.Author, Digest: v.Digest, Root: root, Blob: v.Blob})
	}
	return out, nil
}

// blobLeaves gives every blob of the unit a leaf: the digest of its content is
// what the log proves.
func (p *preparation) blobLeaves() {
	for _, b := range p.unit.Blobs {
		p.unit.Leaves = append(p.unit.Leaves, ledger.BlobLeaf(ledger.BlobRow{Digest: b.Digest, Size: b.Size}, p.at))
	}
}
