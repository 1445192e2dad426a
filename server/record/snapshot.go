package record

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"tenon/fhir/tree"
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
	s, err := p.r.stored(t)
	if err != nil {
		return nil, err
	}
	s.Now = p.at
	if after {
		if err := p.overlay(s, t); err != nil {
			return nil, err
		}
	}
	return s, p.r.introduce(p.ctx, s)
}

// stored is the stored case, for the caller to change. Its trees are parsed once:
// a case is judged as it is and as it would become.
func (r *Recorder) stored(t *touched) (*casework.Snapshot, error) {
	if t.data == nil {
		return &casework.Snapshot{Case: t.id}, nil
	}
	if t.stored == nil {
		var err error
		if t.stored, err = r.snapshotOf(t.data); err != nil {
			return nil, err
		}
	}
	s := *t.stored
	s.Resources, s.Directory, s.Signatures = slices.Clone(s.Resources), slices.Clone(s.Directory), slices.Clone(s.Signatures)
	return &s, nil
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
	s, err := r.snapshotOf(d)
	if err != nil {
		return nil, err
	}
	s.Now = r.now()
	return s, r.introduce(ctx, s)
}

// snapshotOf parses a stored case.
func (r *Recorder) snapshotOf(d *CaseData) (*casework.Snapshot, error) {
	s := &casework.Snapshot{Case: d.Case, Revision: d.Revision, Signatures: append([]casework.Signature(nil), d.Signatures...)}
	var err error
	if s.Resources, err = r.resources(d.Members); err != nil {
		return nil, err
	}
	s.Directory, err = r.resources(d.Directory)
	return s, err
}

func (r *Recorder) resources(vs []Version) ([]casework.Resource, error) {
	out := make([]casework.Resource, 0, len(vs))
	for i := range vs {
		v := &vs[i]
		if v.Deleted {
			continue
		}
		root, err := r.plans.parsed(v)
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

// mostPlans is how many plans are kept parsed: a plan is by far the largest
// document of a case, and the same in many.
const mostPlans = 16

// planTrees keeps parsed plans by the digest of their bytes. A tree is never
// changed, so cases share it.
type planTrees struct {
	mu  sync.Mutex
	all map[[32]byte]tree.Node
}

// parsed is the tree of a stored version.
func (p *planTrees) parsed(v *Version) (tree.Node, error) {
	if v.Type != "PlanDefinition" {
		return parsed(v.Body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if root, ok := p.all[v.Digest]; ok {
		return root, nil
	}
	root, err := parsed(v.Body)
	if err != nil {
		return root, err
	}
	if p.all == nil || len(p.all) >= mostPlans {
		p.all = map[[32]byte]tree.Node{}
	}
	p.all[v.Digest] = root
	return root, nil
}
