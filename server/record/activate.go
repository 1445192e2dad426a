package record

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/ledger"
	"tenon/server/search"
)

// A hospital's own plan (design law 3) is a PlanDefinition with the url of a plan of
// the guide and a version of its own. It is written as a draft by an administrator,
// changes as a draft as often as they like, and is put in force by the server alone:
// with the second of two signatures over one version. From then on its content is
// fixed; cases that run on it keep it, whatever comes after.

// activation is the purpose of signatures over a plan, in no case.
const activation = "plan-activation"

// SignedOver is the Store's part: the signatures over a resource, in whatever case
// or in none, oldest first.
type SignedOver interface {
	SignaturesOver(ctx context.Context, typ, id string) ([]casework.Signature, error)
}

// ownPlan is a stored plan with the signatures over it.
func (r *Recorder) ownPlan(ctx context.Context, v *Version) (*casework.OwnPlan, error) {
	all, err := r.resources([]Version{*v})
	if err != nil {
		return nil, err
	}
	signatures, err := r.o.Store.SignaturesOver(ctx, v.Type, v.ID)
	owner := v.Owner
	if owner == "" { // the operator's: it says whose it is
		owner = casework.OwnerOf(all[0].Root)
	}
	return &casework.OwnPlan{Resource: all[0], Owner: owner, Signatures: signatures}, err
}

// draftActivation is draftOf for a plan: who may sign is judged without a case.
func (r *Recorder) draftActivation(ctx context.Context, who *access.Context, v *Version, in *signing) (*drafted, error) {
	if in.caseID != "" || in.conditions != nil || in.outcome != "" && in.outcome != casework.Refused {
		return nil, badSign("purpose", "a plan is activated in no case, without conditions, and with no outcome but refused")
	}
	own, err := r.ownPlan(ctx, v)
	if err != nil {
		return nil, err
	}
	unmet, err := r.o.Engine.MayActivate(own, access.Role(in.role), who)
	if err != nil {
		return nil, err
	}
	if len(unmet) > 0 {
		return nil, refusal(casework.Decision{Refusal: unmet, Status: 403})
	}
	if err := r.numbered(ctx, own); err != nil {
		return nil, err
	}
	s := &casework.Snapshot{Now: r.now(), Resources: []casework.Resource{own.Resource}, Signatures: own.Signatures}
	when, err := in.moment(s)
	if err != nil {
		return nil, err
	}
	sig := &casework.Signature{Target: own.Ref(), Version: v.Version, Digest: v.Digest, Role: access.Role(in.role), Purpose: in.purpose,
		Signer: who.Principal, Person: who.Person, When: when, Outcome: in.outcome}
	return &drafted{signature: sig, manifest: ledger.Manifest{
		Role: in.role, Purpose: in.purpose, Signer: who.Principal, When: when, Outcome: in.outcome, Comment: in.comment,
		Entries: []ledger.ManifestEntry{{Reference: fmt.Sprintf("%s/_history/%d", own.Ref(), v.Version), Digest: v.Digest}},
	}, given: own.Signatures}, nil
}

// numbered refuses a plan whose url and version another plan bears, or bore: cases
// pin both, and would not know which of the two they run on.
func (r *Recorder) numbered(ctx context.Context, own *casework.OwnPlan) error {
	plan, version := own.Root.Field("url").Str(), own.Root.Field("version").Str()
	taken := func(id string) error {
		return issue.Errorf(issue.Conflict, "PlanDefinition/%s bears, or bore, the version %q of %s. Give the plan another one.", id, version, plan).
			At("PlanDefinition.version").Rule("plan-version").Clause("R001-035").WithStatus(409).Chinese("该计划版本号已被其他计划使用，请另取版本号。")
	}
	return r.each(ctx, "PlanDefinition", "url="+queried(plan), func(h search.Hit) error {
		if h.ID == own.ID {
			return nil
		}
		for q := (HistoryQuery{Type: h.Type, ID: h.ID, Count: 100}); ; {
			page, err := r.o.Store.HistoryOf(ctx, access.Everything{}, q)
			if err != nil {
				return fmt.Errorf("record: history of %s/%s: %w", h.Type, h.ID, err)
			}
			for i := range page.Versions {
				if root, err := parsed(page.Versions[i].Body); err == nil && root.Field("version").Str() == version {
					return taken(h.ID)
				}
			}
			if !page.More || len(page.Versions) == 0 {
				return nil
			}
			last := page.Versions[len(page.Versions)-1]
			q.Before = VersionRef{last.Type, last.ID, last.Version}
		}
	})
}

// activate puts a plan in force with the second signature over its version. Two
// who sign at the same moment see each other: what the Provenances over the plan
// are is part of the read set, and so is the plan itself.
func (p *preparation) activate() error {
	sig := p.in.signature
	if sig == nil || sig.Purpose != activation {
		return nil
	}
	typ, id, _ := p.r.local(sig.Target)
	if err := p.relyOnSearch("Provenance", "target="+sig.Target); err != nil {
		return err
	}
	v, err := p.r.current(p.ctx, access.Everything{}, typ, id)
	if err != nil {
		return err
	}
	if v == nil || v.Deleted || v.Version != sig.Version {
		return issue.Errorf(issue.Conflict, "%s changed meanwhile.", sig.Target).Rule("sign-moved")
	}
	own, err := p.r.ownPlan(p.ctx, v)
	if err != nil {
		return err
	}
	unmet, err := p.r.o.Engine.MayActivate(own, sig.Role, p.who)
	if err != nil {
		return err
	}
	if len(unmet) > 0 {
		return refusal(casework.Decision{Refusal: unmet, Status: 403})
	}
	own.Signatures = append(own.Signatures, *sig)
	if !slices.Contains(own.Signed(), v.Version) {
		p.unit.Reads.Versions = append(p.unit.Reads.Versions, VersionRead{Type: v.Type, ID: v.ID, Version: v.Version})
		return nil
	}
	if err := p.relyOnSearch("PlanDefinition", "url="+queried(own.Root.Field("url").Str())+"&version="+queried(own.Root.Field("version").Str())); err != nil {
		return err
	}
	if err := p.r.numbered(p.ctx, own); err != nil {
		return err
	}
	return p.effect(nil, own.Activated(), true)
}

// queried is a value as it stands in a query.
func queried(value string) string { return url.QueryEscape(escaped(value)) }

// relyOnSearch puts what the server finds by a query into the read set.
func (p *preparation) relyOnSearch(typ, query string) error {
	params, err := search.ParseQuery(query)
	if err != nil {
		return err
	}
	server := &access.Context{Tenant: p.r.o.Tenant, Kind: access.Server, Principal: "server"}
	plan, _, err := p.r.parse(server, typ, params, true)
	if err != nil {
		return err
	}
	plan.Count = 1000
	page, err := p.r.o.Store.Search(p.ctx, plan)
	if err != nil {
		return fmt.Errorf("record: %s?%s: %w", typ, query, err)
	}
	read := MatchRead{Plan: plan, Lock: conditionOf(typ, query)}
	for _, h := range page.Hits {
		read.Found = append(read.Found, h.ID)
	}
	p.unit.Reads.Matches = append(p.unit.Reads.Matches, read)
	return nil
}

// plans judges what clients write of processes. A plan of the guide stays what it
// is; an own one is written as a draft, becomes active by the server, and from then
// on is retired at most.
func (p *preparation) plans() error {
	for i, w := range p.writes {
		if w == nil || w.typ != "PlanDefinition" || w.server || p.who.Kind == access.Server {
			continue
		}
		if err := p.planWritten(w); err != nil {
			return at(err, i, p.draft)
		}
	}
	return nil
}

func (p *preparation) planWritten(w *write) error {
	refuse := func(rule, english, chinese string) error {
		return issue.Errorf(issue.BusinessRule, "%s", english).At("PlanDefinition.status").Rule(rule).Clause("R001-035").WithStatus(409).Chinese(chinese)
	}
	var was tree.Node
	if w.before != nil && !w.before.Deleted {
		var err error
		if was, err = parsed(w.before.Body); err != nil {
			return err
		}
	}
	if was.Exists() && p.r.o.Engine.Embedded(was) {
		return refuse("plan-of-guide", w.typ+"/"+w.id+" is a plan of the guide. Post a plan of your own, with its url and another version.", "指南自带的计划不可修改，请另建本机构计划。")
	}
	if owner := casework.OwnerOf(w.root); !w.version.Deleted && owner != "" && w.version.Owner != "" && owner != w.version.Owner {
		return refuse("plan-owner", "The plan is that of "+w.version.Owner+", which wrote it; its extension plan-owner names "+owner+". Leave it out.", "计划归写入它的机构所有，不可另行指定所属机构。")
	}
	inForce := was.Exists() && casework.IsProcess(was) && slices.Contains([]string{"active", "retired"}, was.Field("status").Str())
	if w.version.Deleted {
		if inForce {
			return refuse("plan-sealed", "A plan that was in force is never deleted: cases run on it. Set its status to retired.", "已生效的计划不可删除，可停用（retired）。")
		}
		return nil
	}
	status := w.root.Field("status").Str()
	switch {
	case p.r.o.Engine.Embedded(w.root):
		return refuse("plan-version", "The version "+w.root.Field("version").Str()+" is that of the plan of the guide. Give your own plan another one.", "该版本号属于指南自带的计划，请另取版本号。")
	case inForce && was.Field("url").Str() == w.root.Field("url").Str() && was.Field("version").Str() == w.root.Field("version").Str():
		if !casework.SamePlan(was, w.root) || status != "retired" && status != was.Field("status").Str() {
			return refuse("plan-sealed", "The plan "+was.Field("version").Str()+" was in force: it is retired at most. Another content has another version, and begins as a draft.", "已生效的计划内容不可修改，仅可停用；修改须另取版本号并以草案开始。")
		}
	case casework.IsProcess(w.root) && status != "draft":
		return refuse("plan-activation", "A process is written as a draft. It becomes active when one person with the role ADMIN and another with the role QA have signed the same version ($sign with purpose plan-activation).",
			"流程计划须以草案（draft）写入，经 ADMIN 与 QA 两人签署同一版本后生效。")
	}
	return nil
}

// inForce refuses a plan of a hospital's own that was not activated by two persons
// in the content that it has, or that is another hospital's.
func (r *Recorder) inForce(ctx context.Context, who *access.Context, v *Version) error {
	own, err := r.ownPlan(ctx, v)
	if err != nil || r.o.Engine.Embedded(own.Root) {
		return err
	}
	if own.Owner != who.Organization {
		return issue.Errorf(issue.Forbidden, "The plan %s is that of another organisation.", own.Ref()).Rule("plan-organisation").Clause("R001-035").WithStatus(403).Chinese("该计划属于其他机构，不可使用。")
	}
	if own.Root.Field("status").Str() == "active" {
		for _, n := range own.Signed() {
			signed, err := r.o.Store.ReadVersion(ctx, access.Everything{}, v.Type, v.ID, n)
			if err != nil {
				return fmt.Errorf("record: %s/_history/%d: %w", own.Ref(), n, err)
			}
			root, err := parsed(signed.Body)
			if err != nil {
				return err
			}
			if casework.SamePlan(root, own.Root) {
				return nil
			}
		}
	}
	return own.NotActive()
}
