package record

import (
	"context"
	"errors"
	"fmt"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Subscriptions judges what is written as a Subscription: who may subscribe, to
// what, where to. https://hl7.org/fhir/R4/subscription.html
type Subscriptions interface {
	// Admit returns the body to store where it is not the one that came: what must
	// not be read again is kept apart. before is the current version or nil.
	Admit(ctx context.Context, who *access.Context, id string, before *Version, root tree.Node) (body []byte, err error)
}

// admit asks Subscriptions; what the server itself writes was judged before.
func (p *preparation) admit(w *write) error {
	if w.typ != "Subscription" || p.r.o.Subscriptions == nil || w.server || p.in.trusted || p.who.Kind == access.Server {
		return nil
	}
	body, err := p.r.o.Subscriptions.Admit(p.ctx, p.who, w.id, w.before, w.root)
	if err != nil || body == nil {
		return err
	}
	w.body = body
	w.root, err = parsed(body)
	return err
}

// Disclose reads versions for a notification, each within the caller's reach as
// it is now; Version 0 is the current one. What is not in reach is nil, and what
// is deleted is there without a body. The audit is kept before it returns.
func (r *Recorder) Disclose(ctx context.Context, who *access.Context, operation string, refs []VersionRef) ([]*Version, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	reach := who.Reach()
	out := make([]*Version, len(refs))
	var rows []Audit
	for i, ref := range refs {
		v, err := r.versionOf(ctx, reach, ref)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("record: disclose %s: %w", ref, err)
		}
		out[i] = v
		row := r.audit(who, "R", operation, VersionRef{v.Type, v.ID, v.Version}.String(), 200)
		row.Patient = v.Patient
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return out, nil
	}
	if err := r.o.Store.Audit(ctx, rows); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return out, nil
}

func (r *Recorder) versionOf(ctx context.Context, reach access.Predicate, ref VersionRef) (*Version, error) {
	if ref.Version == 0 {
		return r.o.Store.Read(ctx, reach, ref.Type, ref.ID)
	}
	return r.o.Store.ReadVersion(ctx, reach, ref.Type, ref.ID, ref.Version)
}
