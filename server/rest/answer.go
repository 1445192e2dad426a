package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// send writes a resource, which comes as FHIR JSON, in the format of the answer.
func (c *call) send(status int, body []byte) error {
	body, f, err := c.render(status, body)
	if err != nil {
		return err
	}
	c.set("Content-Type", f.String())
	body = c.coded(body)
	c.set("Content-Length", strconv.Itoa(len(body)))
	c.Response().WriteHeader(status)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, _ = c.Response().Write(body) // the client has gone: nobody to tell
	return nil
}

// fail answers with an error. A failure is rendered as it is; anything else is
// a defect of the server: the client gets the request's id, the log the rest.
func (c *call) fail(err error) error {
	f := issue.As(err)
	switch {
	case c.Response().Committed && errors.Is(err, context.Canceled):
		panic(http.ErrAbortHandler)
	case c.Response().Committed:
		c.door.o.Log.Error("answer broke off", "request", c.id, "route", c.Path(), "error", err)
		panic(http.ErrAbortHandler) // the client must not take a part for the whole
	case f != nil:
		if f.HTTPStatus() >= 500 {
			c.door.o.Log.Error("request failed", "request", c.id, "route", c.Path(), "error", err)
		}
	case errors.Is(err, context.Canceled):
		f = issue.Errorf(issue.Transient, "The client closed the request.").WithStatus(499)
	case errors.Is(err, context.DeadlineExceeded):
		f = issue.Errorf(issue.Transient, "The request took too long; try again.").Rule("timeout").Chinese("请求超时，请重试。")
	default:
		c.door.o.Log.Error("request failed", "request", c.id, "route", c.Path(), "error", err)
		f = issue.Errorf(issue.Exception, "The server failed. Tell the operator the request id %q.", c.id).
			Rule("server-fault").Chinese("服务器内部错误，请将请求编号告知管理员。")
	}
	for _, name := range []string{"ETag", "Last-Modified", "Content-Disposition", "Accept-Ranges"} {
		c.Response().Header().Del(name)
	}
	if len(f.Issues) > 0 && f.Issues[0].Rule == access.InsufficientScope { // RFC 6750 §3.1
		c.set("WWW-Authenticate", `Bearer realm="fhir", error="insufficient_scope"`)
	}
	if len(f.Issues) > 0 && f.Issues[0].Rule == access.InsufficientAuthentication && c.who != nil && c.who.Due != nil { // RFC 9470 §3
		c.set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="fhir", error="insufficient_user_authentication", error_description="a second factor is needed", acr_values=%q, max_age="%d"`,
			c.who.Due.ACR, int(c.who.Due.MaxAge.Seconds())))
	}
	return c.outcome(f.HTTPStatus(), f.Issues)
}

// outcome answers with an OperationOutcome.
func (c *call) outcome(status int, issues []issue.Issue) error {
	body, err := json.Marshal(issue.OutcomeOf(issues))
	if err != nil {
		return err
	}
	return c.send(status, body)
}

// written answers a create, update or patch as Prefer asks.
// https://hl7.org/fhir/R4/http.html#ops
func (c *call) written(r *record.Result) error {
	if r.Version == nil {
		c.Response().WriteHeader(r.Status)
		return nil
	}
	v := r.Version
	c.versionHeaders(v)
	c.set("Location", c.base+"/"+v.Type+"/"+v.ID+"/_history/"+strconv.FormatInt(v.Version, 10))
	ret := c.prefer.ret
	if !c.who.Permits(access.Read, v.Type) { // an app that may write is told no more than it wrote
		ret = "minimal"
	}
	switch ret {
	case "minimal":
		c.Response().WriteHeader(r.Status)
		return nil
	case "OperationOutcome":
		return c.outcome(r.Status, append(done(v.Type+"/"+v.ID+" is stored as version "+strconv.FormatInt(v.Version, 10)+"."), r.Warnings...))
	}
	return c.send(r.Status, v.Labelled())
}

// done is the issue of an OperationOutcome about success.
func done(text string) []issue.Issue {
	return []issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "done", Text: text, Chinese: "操作成功。"}}
}

// one submits a single operation.
func (c *call) one(operation string, op record.Op) (*record.Result, error) {
	out, err := c.door.o.Record.Submit(c.ctx(), c.who, &record.Draft{Door: "fhir", Operation: operation, Ops: []record.Op{op}})
	if err != nil {
		return nil, err
	}
	return &out.Results[0], nil
}
