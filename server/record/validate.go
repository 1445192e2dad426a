package record

import (
	"context"

	"tenon/fhir/issue"
	"tenon/fhir/validate"
	"tenon/server/access"
	"tenon/server/revision"
)

// Judgement is what $validate is asked.
// https://hl7.org/fhir/R4/resource-operation-validate.html
type Judgement struct {
	// Mode is create, update, delete, profile, or "" for the content alone.
	Mode string
	// Type is that of the URL, "Resource" or "" for any; ID names a stored
	// resource, or is "".
	Type, ID string
	Profiles []string
	Body     []byte // the resource; empty where the stored one is meant
}

// Validate tells all that is to be said of a resource, and stores nothing. The
// error is a failure of the request, not of the resource.
func (r *Recorder) Validate(ctx context.Context, who *access.Context, j Judgement) ([]issue.Issue, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	stored, err := r.nominated(ctx, who, &j)
	if err != nil {
		return nil, err
	}
	if j.Mode == "delete" {
		return asIssues(who.Allow(access.Delete, stored.Type))
	}
	root, err := parsed(j.Body)
	if f := issue.As(err); f != nil {
		return f.Issues, nil
	}
	if err != nil {
		return nil, err
	}
	typ := root.Field("resourceType").Str()
	if !r.o.Model.IsResource(typ) {
		return []issue.Issue{{Type: issue.Invalid, Rule: "resource-type", Path: "resourceType",
			Text: "found no resource type of FHIR R4, expected one such as Patient", Chinese: "不是 FHIR R4 的资源类型"}}, nil
	}
	if j.Type != "" && j.Type != "Resource" && typ != j.Type {
		return nil, issue.Errorf(issue.Invalid, "The URL names a %s, the resource is a %s.", j.Type, typ).At("resourceType").Rule("type-mismatch").
			Chinese("正文的资源类型与地址不符。")
	}
	p := &preparation{r: r, ctx: ctx, who: who, at: r.now(), rev: r.revision()}
	p.targets = targets{r: r, ctx: ctx, reach: who.ReachNamed()}
	issues, err := p.verdict(&write{typ: typ, id: j.ID, body: j.Body, root: root, before: stored}, j)
	if err != nil || !p.targets.used {
		return issues, err
	}
	return issues, r.o.Store.Audit(ctx, []Audit{r.audit(who, "E", "validate", typ, 200)})
}

// nominated reads the stored resource that the URL names, audited like any read.
func (r *Recorder) nominated(ctx context.Context, who *access.Context, j *Judgement) (*Version, error) {
	if j.ID == "" {
		switch {
		case j.Mode == "update" || j.Mode == "delete":
			return nil, needs("The mode %s is about a stored resource: call $validate on Type/id.", j.Mode)
		case len(j.Body) == 0:
			return nil, needs("$validate needs a resource: as the body, or as the parameter %s.", "resource")
		}
		return nil, nil
	}
	v, err := r.Read(ctx, who, j.Type, j.ID)
	if err == nil && len(j.Body) == 0 {
		j.Body = v.Body
	}
	return v, err
}

func needs(format string, a string) error {
	return issue.Errorf(issue.Required, format, a).WithStatus(400).At("Parameters.parameter").Rule("validate-parameter").
		Chinese("$validate 缺少参数，或应在具体资源上调用。")
}

// verdict judges as a write would, and says what the mode asks besides.
func (p *preparation) verdict(w *write, j Judgement) ([]issue.Issue, error) {
	var issues []issue.Issue
	verb, judged := map[string]access.Verb{"create": access.Create, "update": access.Update}[j.Mode]
	if judged {
		denied, err := asIssues(p.who.Allow(verb, w.typ))
		if err != nil {
			return nil, err
		}
		issues = denied
	}
	if id := w.root.Field("id").Str(); j.Mode == "update" && id != j.ID {
		issues = append(issues, issue.Issue{Type: issue.Invalid, Rule: "id-mismatch", Path: w.typ + ".id",
			Text: "An update of " + w.typ + "/" + j.ID + " must carry its id.", Chinese: "更新时 id 须与地址一致。"})
	}
	plan, err := p.rev.Validator.Plan(w.typ)
	if err != nil {
		return nil, err
	}
	opt := p.options(w.typ)
	opt.Profiles = append(append([]string(nil), opt.Profiles...), j.Profiles...)
	opt.BestPractice = issue.Warning
	issues = append(issues, plan.Validate(w.root, opt)...)
	if !validate.HasErrors(issues) && revision.Defines(w.typ) {
		return p.tried(w, issues)
	}
	return issues, nil
}

// asIssues turns a refusal into what an outcome tells.
func asIssues(err error) ([]issue.Issue, error) {
	if f := issue.As(err); f != nil {
		return f.Issues, nil
	}
	return nil, err
}
