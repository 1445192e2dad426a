package rest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
)

// unmatched answers what no route takes: OPTIONS, a method that the place does
// not have (405), an interaction that is known but not served (400), an
// operation or path that does not exist (404).
func (d *Door) unmatched(c *call) error {
	if again := c.withDollar(); again != nil {
		return again(c.Context)
	}
	steps := c.steps()
	allowed := d.methods(steps)
	if c.Request().Method == http.MethodOptions {
		c.set("Allow", strings.Join(append(allowed, "OPTIONS"), ", "))
		c.Response().WriteHeader(http.StatusNoContent)
		return nil
	}
	if c.who == nil {
		c.set("WWW-Authenticate", `Bearer realm="fhir"`)
		return unknownCaller(c)
	}
	last := steps[len(steps)-1]
	switch {
	case !d.o.Model.IsResource(steps[0]) && len(steps) > 1:
		return issue.Errorf(issue.NotFound, "%q is not a resource type of FHIR R4.", clip(steps[0])).Rule("unknown-type").Chinese("没有该资源类型。")
	case last == "_history" || last == "_search" || last == "":
		return issue.Errorf(issue.NotSupported, "%s %s is not served; see the CapabilityStatement at metadata.", c.Request().Method, clip("/"+strings.Join(steps, "/"))).
			WithStatus(400).Rule("interaction-not-supported").Chinese("不支持该交互。")
	case len(allowed) > 0:
		c.set("Allow", strings.Join(append(allowed, "OPTIONS"), ", "))
		return issue.Errorf(issue.NotSupported, "%s is not possible here; allowed are %s.", c.Request().Method, strings.Join(allowed, ", ")).
			WithStatus(http.StatusMethodNotAllowed).Rule("http-method").Chinese("此处不支持该方法。")
	case !d.o.Model.IsResource(steps[0]):
		return issue.Errorf(issue.NotFound, "%q is not a resource type of FHIR R4.", clip(steps[0])).Rule("unknown-type").Chinese("没有该资源类型。")
	case strings.HasPrefix(last, "$"):
		return issue.Errorf(issue.NotFound, "There is no operation %q here.", clip(last)).Rule("unknown-operation").Chinese("没有该操作。")
	}
	return issue.Errorf(issue.NotFound, "There is nothing at this address; see the CapabilityStatement at metadata.").
		Rule("unknown-path").Chinese("该地址不存在。")
}

// withDollar finds the route of a path whose dollar sign came as %24: both
// spellings are the same address (RFC 3986 §6.2.2.2), but the router compares
// bytes.
func (c *call) withDollar() echo.HandlerFunc {
	url := c.Request().URL
	if !strings.Contains(url.RawPath, "/%24") {
		return nil
	}
	url.RawPath = strings.ReplaceAll(url.RawPath, "%24", "$")
	c.Echo().Router().Find(c.Request().Method, echo.GetPath(c.Request()), c.Context)
	return c.Handler()
}

// methods are those of the routes whose path has this shape.
func (d *Door) methods(steps []string) []string {
	var list []string
	for _, r := range d.routes() {
		pattern := strings.Split(strings.Trim(r.path, "/"), "/")
		if !slices.EqualFunc(pattern, steps, d.matches) || slices.Contains(list, r.method) {
			continue
		}
		list = append(list, r.method)
		if r.method == "GET" {
			list = append(list, "HEAD")
		}
	}
	return list
}

func (d *Door) matches(pattern, step string) bool {
	switch {
	case pattern == ":type":
		return d.o.Model.IsResource(step)
	case pattern == ":inner":
		return step == "*" || d.o.Model.IsResource(step)
	case strings.HasPrefix(pattern, ":"):
		return step != "" && step[0] != '$' && step[0] != '_'
	}
	return pattern == step
}
