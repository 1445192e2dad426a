package rest

import (
	"net/http"
	"slices"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/record"
)

// validate is https://hl7.org/fhir/R4/resource-operation-validate.html: what a
// write would be told, and every warning and note besides. Nothing is stored.
// The answer is 200 with an OperationOutcome whatever the verdict is.
//
//	POST /Observation/$validate          a resource, or Parameters
//	POST /Observation/{id}/$validate     the same for a stored one; its own content without a resource
//	GET  /Observation/{id}/$validate     what is stored
//	POST /Resource/$validate             a resource of any type
func (d *Door) validate(c *call) error {
	j := record.Judgement{Type: c.Param("type"), ID: c.Param("id")}
	for _, name := range []string{"mode", "profile"} {
		for _, value := range c.QueryParams()[name] {
			if err := judgementParameter(&j, name, value); err != nil {
				return err
			}
		}
	}
	if c.Request().Method == http.MethodPost {
		body, err := c.resource()
		if f := unreadable(err); f != nil {
			return c.outcome(http.StatusOK, f.Issues) // no XML of FHIR: that is the verdict
		} else if err != nil {
			return err
		}
		if err := readJudgement(&j, body); issue.As(err) != nil && issue.As(err).Status == 0 {
			return c.outcome(http.StatusOK, issue.As(err).Issues) // no JSON: that is the verdict
		} else if err != nil {
			return err
		}
	}
	issues, err := d.o.Record.Validate(c.ctx(), c.who, j)
	if err != nil {
		return err
	}
	if len(issues) == 0 {
		issues = []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "valid",
			Text: "Nothing is wrong with it.", Chinese: "未发现问题。"}}
	}
	return c.outcome(http.StatusOK, issues)
}

// readJudgement takes the body: a resource, or Parameters with what is asked.
func readJudgement(j *record.Judgement, body []byte) error {
	doc, err := tree.Parse(body)
	if err != nil {
		return err
	}
	root := doc.Root()
	if root.Field("resourceType").Str() != "Parameters" || j.Type == "Parameters" {
		j.Body = body
		return nil
	}
	for p := range root.Field("parameter").Items() {
		name := p.Field("name").Str()
		if name == "resource" {
			j.Body = p.Field("resource").Raw()
			continue
		}
		value := ""
		for _, property := range []string{"valueCode", "valueUri", "valueCanonical", "valueString", "valueUrl"} {
			if v := p.Field(property); v.Exists() {
				value = v.Str()
			}
		}
		if err := judgementParameter(j, name, value); err != nil {
			return err
		}
	}
	return nil
}

// modes are https://hl7.org/fhir/R4/valueset-resource-validation-mode.html
var modes = []string{"create", "update", "delete", "profile"}

func judgementParameter(j *record.Judgement, name, value string) error {
	switch {
	case name == "mode" && slices.Contains(modes, value):
		j.Mode = value
	case name == "profile" && value != "":
		j.Profiles = append(j.Profiles, value)
	default:
		return issue.Errorf(issue.NotSupported, "$validate has no parameter %q with this value; it takes resource, mode (create, update, delete, profile) and profile.", clip(name)).
			WithStatus(400).At("Parameters.parameter").Rule("validate-parameter").Chinese("$validate 不支持该参数或取值。")
	}
	return nil
}
