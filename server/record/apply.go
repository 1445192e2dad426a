package record

import (
	"context"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
)

// Apply opens a case: it creates the root Task and the Task of the first stage
// from a PlanDefinition, in one unit. params is a Parameters resource; what it
// must hold is said by casework. The result is the root Task.
// https://hl7.org/fhir/R4/plandefinition-operation-apply.html
func (r *Recorder) Apply(ctx context.Context, who *access.Context, planID string, params []byte) (*Result, error) {
	if err := r.entry(who, "PlanDefinition"); err != nil {
		return nil, err
	}
	if err := who.Permit(access.Create, "Task"); err != nil {
		return nil, err
	}
	input, err := parsed(params)
	if err != nil {
		return nil, err
	}
	plan, err := r.pinned(ctx, who, planID)
	if err != nil {
		return nil, r.refuse(ctx, who, applyDraft(planID), err)
	}
	if err := r.subject(ctx, who, input); err != nil {
		return nil, err
	}
	opening := casework.Opening{Plan: *plan, Params: input, Actor: who, Now: r.now()}
	if opening.Prior, err = r.prior(ctx, who, input); err != nil {
		return nil, err
	}
	if opening.Directory, err = r.account(ctx, who); err != nil {
		return nil, err
	}
	created, err := r.o.Engine.Open(opening)
	if err != nil {
		return nil, err
	}
	return r.open(ctx, who, plan, created)
}

func applyDraft(planID string) *Draft {
	return &Draft{Door: "fhir", Operation: "apply", Ops: []Op{{Method: "POST", Type: "PlanDefinition", ID: planID}}}
}

// pinned reads the plan, which is in force; the case keeps the version that it was
// opened with.
func (r *Recorder) pinned(ctx context.Context, who *access.Context, planID string) (*casework.Resource, error) {
	v, err := r.Read(ctx, who, "PlanDefinition", planID)
	if err != nil {
		return nil, err
	}
	if err := r.inForce(ctx, who, v); err != nil {
		return nil, err
	}
	all, err := r.resources([]Version{*v})
	if err != nil {
		return nil, err
	}
	return &all[0], nil
}

// subject refuses a patient whom the caller cannot reach. Whether the plan is
// about a patient at all, casework knows: it asks for the parameter.
func (r *Recorder) subject(ctx context.Context, who *access.Context, input tree.Node) error {
	for p := range input.Field("parameter").Items() {
		if p.Field("name").Str() != "subject" {
			continue
		}
		ref := p.Path("valueReference", "reference").Str()
		if ref == "" {
			ref = p.Field("valueString").Str()
		}
		typ, id, ok := r.local(ref)
		if !ok || typ != "Patient" {
			return issue.Errorf(issue.Value, "subject must be a reference to a Patient here, it is %q.", ref).At("Parameters.parameter[subject]").Rule("apply-subject")
		}
		_, err := r.Read(ctx, who, typ, id)
		return err
	}
	return nil
}

// prior is the case of the order that prior-request names, nil when there is none:
// the one of which the order is a member and which the caller reaches.
func (r *Recorder) prior(ctx context.Context, who *access.Context, input tree.Node) (*casework.Snapshot, error) {
	for p := range input.Field("parameter").Items() {
		if p.Field("name").Str() != "prior-request" {
			continue
		}
		typ, id, ok := r.local(p.Path("valueReference", "reference").Str())
		if !ok || typ != "DeviceRequest" {
			return nil, issue.Errorf(issue.Value, "prior-request must be a reference to a DeviceRequest here.").At("Parameters.parameter[prior-request]").
				Rule("apply-prior").Clause("R001-218").WithStatus(422).Chinese("prior-request 须引用原订单（DeviceRequest）。")
		}
		v, err := r.Read(ctx, who, typ, id)
		if err != nil {
			return nil, err
		}
		data, err := r.caseOf(ctx, who, v, "")
		if err != nil {
			return nil, err
		}
		return r.asSeen(ctx, data)
	}
	return nil, nil //nolint:nilnil // no earlier case, and that is no fault
}

// account is the organisation that the caller acts for.
func (r *Recorder) account(ctx context.Context, who *access.Context) ([]casework.Resource, error) {
	typ, id, ok := r.local(who.Organization)
	if !ok {
		return nil, nil
	}
	v, err := r.current(ctx, access.Everything{}, typ, id)
	if err != nil || v == nil {
		return nil, err
	}
	return r.resources([]Version{*v})
}

func (r *Recorder) open(ctx context.Context, who *access.Context, plan *casework.Resource, created []casework.Created) (*Result, error) {
	d := &Draft{Door: "fhir", Operation: "apply"}
	for _, c := range created {
		root, err := parsed(c.Body)
		if err != nil {
			return nil, err
		}
		d.Ops = append(d.Ops, Op{Method: "POST", Type: root.Field("resourceType").Str(), FullURL: c.FullURL, Body: c.Body})
	}
	id, err := r.newID()
	if err != nil {
		return nil, err
	}
	d.Ops[0].Method, d.Ops[0].ID = "PUT", id
	outcome, err := r.submit(ctx, who, d, internal{opens: id, plan: plan, trusted: true})
	if err != nil {
		return nil, err
	}
	return &outcome.Results[0], nil
}
