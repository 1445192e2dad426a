package rest

import (
	"net/http"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// validate is https://hl7.org/fhir/R4/resource-operation-validate.html against
// the base definitions. Nothing is stored. The answer is 200 with an
// OperationOutcome whatever the verdict is.
func (d *Door) validate(c *call) error {
	body, err := c.resource()
	if err != nil {
		return err
	}
	doc, err := tree.Parse(body)
	if err != nil {
		if f := issue.As(err); f != nil {
			return c.outcome(http.StatusOK, f.Issues)
		}
		return err
	}
	typ := c.Param("type")
	resource, err := validated(doc.Root(), typ)
	if err != nil {
		return err
	}
	if got := resource.Field("resourceType").Str(); got != typ {
		return issue.Errorf(issue.Invalid, "The URL names a %s, the body is a %q.", typ, clip(got)).At("resourceType").Rule("type-mismatch").
			Chinese("正文的资源类型与地址不符。")
	}
	plan, err := d.plans.Plan(typ)
	if err != nil {
		return issue.Errorf(issue.NotFound, "%q is not a resource type of FHIR R4.", clip(typ)).Rule("unknown-type").Chinese("没有该资源类型。")
	}
	issues := plan.Validate(resource, nil)
	if len(issues) == 0 {
		issues = []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "valid",
			Text: "The resource is valid against the base definition of " + typ + ".", Chinese: "资源符合 " + typ + " 的基础定义。"}}
	}
	return c.outcome(http.StatusOK, issues)
}

// validated is the resource to judge: the body, or the parameter resource. What
// asks for more than the base definitions is refused.
func validated(root tree.Node, typ string) (tree.Node, error) {
	if root.Field("resourceType").Str() != "Parameters" || typ == "Parameters" {
		return root, nil
	}
	var resource tree.Node
	for p := range root.Field("parameter").Items() {
		switch name := p.Field("name").Str(); {
		case name == "resource":
			resource = p.Field("resource")
		case name == "mode" && slices.Contains([]string{"create", "update"}, p.Field("valueCode").Str()):
		default:
			return resource, issue.Errorf(issue.NotSupported, "$validate does not support the parameter %q with this value; it judges against the base definitions.", clip(name)).
				WithStatus(400).At("Parameters.parameter").Rule("validate-parameter").Chinese("$validate 不支持该参数。")
		}
	}
	if !resource.Exists() {
		return resource, issue.Errorf(issue.Required, "$validate needs the parameter resource.").
			WithStatus(400).At("Parameters.parameter[resource]").Rule("validate-parameter").Chinese("缺少参数 resource。")
	}
	return resource, nil
}
