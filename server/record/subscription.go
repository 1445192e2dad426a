package record

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/dispatch/subscription"
)

// Subscriptions judges what is written as a Subscription: who may subscribe, to
// what, where to. https://hl7.org/fhir/R4/subscription.html
type Subscriptions interface {
	// Admit returns the body to store where it is not the one that came: what must
	// not be read again is kept apart; and rows that are committed with it. before is
	// the current version or nil.
	Admit(ctx context.Context, who *access.Context, id string, before *Version, root tree.Node) (body []byte, rows []any, err error)
}

// admit asks Subscriptions; what the server itself writes was judged before.
func (p *preparation) admit(w *write) error {
	if p.r.o.Subscriptions == nil || w.server || p.in.trusted || p.who.Kind == access.Server {
		return nil
	}
	if err := openHeaders(w.root); err != nil {
		return err
	}
	if w.typ != "Subscription" {
		return nil
	}
	body, rows, err := p.r.o.Subscriptions.Admit(p.ctx, p.who, w.id, w.before, w.root)
	if err != nil {
		return err
	}
	p.unit.Rows = append(slices.Clip(p.unit.Rows), rows...)
	if body == nil {
		return nil
	}
	w.body = body
	w.root, err = parsed(body)
	return err
}

// openHeaders refuses the header of a channel in a Subscription that lies within
// another resource: nothing is sent by it, and its value, which may be a
// password, would be shown to every reader and kept for good. The name under
// which a value is kept tells nothing, and may be copied.
func openHeaders(root tree.Node) error {
	typ := root.Field("resourceType").Str()
	if typ != "Bundle" && typ != "Parameters" && !root.Field("contained").Exists() {
		return nil // has no room for other resources
	}
	return openWithin(root, true)
}

func openWithin(n tree.Node, outside bool) error {
	switch n.Kind() {
	case tree.Array:
		for child := range n.Items() {
			if err := openWithin(child, false); err != nil {
				return err
			}
		}
	case tree.Object:
		if !outside && n.Field("resourceType").Str() == "Subscription" {
			for h := range n.Path("channel", "header").Items() {
				if subscription.HeaderOf(h.Str()).Secret == "" {
					return issue.Errorf(issue.BusinessRule, "A Subscription within another resource has a channel.header, which would be kept where all readers see it. Leave the header out, or store the Subscription by itself: then its value is kept apart.").
						WithStatus(422).At("Subscription.channel.header").Rule("subscription-header-within").Chinese("其他资源内的订阅不得携带请求头，请单独保存该订阅。")
				}
			}
		}
		for _, child := range n.Fields() {
			if err := openWithin(child, false); err != nil {
				return err
			}
		}
	}
	return nil
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
		v, err := r.versionOf(ctx, r.inPart(reach, ref.Type), ref)
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
