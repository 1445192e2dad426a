package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// Expunger is the recorder's part of $expunge.
type Expunger interface {
	Expunge(ctx context.Context, who *access.Context, q record.ExpungeQuery) (*record.Expunged, error)
}

// expungeRoutes are ours: FHIR has no erasure.
func (d *Door) expungeRoutes() []route {
	return []route{{"POST", "/:type/:id/$expunge", d.expunge, false}}
}

// expunge takes two calls by two persons:
//
//	{reason}            202, the Task that asks; its address in Location
//	{request: Task/x}   200, Parameters: outcome, certificate, provenance, and of a
//	                    case each member that stays: kept (parts member, rule)
func (d *Door) expunge(c *call) error {
	q, err := c.expungeQuery()
	if err != nil {
		return err
	}
	out, err := d.o.Record.Expunge(c.ctx(), c.who, q)
	if err != nil {
		return err
	}
	if v := out.Task; v != nil {
		c.set("Location", c.base+"/"+v.Type+"/"+v.ID)
		return c.send(http.StatusAccepted, v.Labelled())
	}
	text := fmt.Sprintf("%d versions and %d contents of %s/%s were erased; %s certifies it.", out.Versions, out.Contents, q.Type, q.ID, out.Certificate)
	if out.Waiting > 0 {
		text += fmt.Sprintf(" The keys of %d contents are destroyed by the next sweep.", out.Waiting)
	}
	outcome, err := json.Marshal(issue.OutcomeOf([]issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "expunge-done",
		Text: text, Chinese: "已永久删除，证明见 " + out.Certificate + "。"}}))
	if err != nil {
		return err
	}
	kept := ""
	for _, k := range out.Kept {
		kept += fmt.Sprintf(`,{"name":"kept","part":[{"name":"member","valueReference":{"reference":%q}},{"name":"rule","valueCode":%q}]}`, k.Ref, k.Rule)
	}
	return c.send(http.StatusOK, fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"outcome","resource":%s},`+
		`{"name":"certificate","valueReference":{"reference":%q}},{"name":"provenance","valueReference":{"reference":%q}}%s]}`, outcome, out.Certificate, out.Provenance, kept))
}

// expungeQuery reads Parameters with a reason or a request.
func (c *call) expungeQuery() (q record.ExpungeQuery, err error) {
	q = record.ExpungeQuery{Type: c.Param("type"), ID: c.Param("id")}
	body, err := c.resource()
	if err != nil {
		return q, err
	}
	root, err := nodeOf(body)
	if err != nil {
		return q, err
	}
	if root.Field("resourceType").Str() != "Parameters" {
		return q, badExpunge("resourceType", "the body is Parameters")
	}
	for p := range root.Field("parameter").Items() {
		switch name := p.Field("name").Str(); {
		case name == "reason" && q.Reason == "":
			q.Reason = p.Field("valueString").Str()
		case name == "request" && q.Request == "":
			q.Request = strings.TrimPrefix(p.Path("valueReference", "reference").Str(), c.base+"/")
		default:
			return q, badExpunge(name, "the operation has no such parameter, or it comes twice")
		}
	}
	if (q.Reason == "") == (q.Request == "") {
		return q, badExpunge("reason", "either reason (valueString) or request (valueReference) is given")
	}
	return q, nil
}

func badExpunge(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %q of $expunge cannot be honoured: %s.", clip(name), why).
		WithStatus(400).At("Parameters.parameter").Rule("expunge-input").Chinese("$expunge 的参数无效。")
}
