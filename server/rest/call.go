package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"tenon/server/access"
)

// call is one request on its way through the door.
type call struct {
	echo.Context
	door   *Door
	who    *access.Context
	base   string // own FHIR base URL
	prefer prefer
	format format // of the answer
	pretty bool
	// unmet is why Accept cannot be met, where a _format in the body may say
	// otherwise.
	unmet error
	id    string // of the request
}

func (c *call) ctx() context.Context { return c.Request().Context() }

func (c *call) header(name string) string { return c.Request().Header.Get(name) }

// set sets a header of the answer.
func (c *call) set(name, value string) { c.Response().Header().Set(name, value) }

// handle wraps an interaction: headers, negotiation, identity, and the one
// place where an error becomes an answer.
func (d *Door) handle(r route) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := &call{Context: ec, door: d, who: Who(ec)}
		c.base = d.baseOf(ec.Request())
		c.id = requestID(c)
		c.set("X-Request-Id", c.id)
		c.set("X-Content-Type-Options", "nosniff")
		c.set("Cache-Control", "private, no-cache")
		c.set("Vary", "Accept, Accept-Encoding, Authorization, Prefer")
		c.shared()
		run := r.run
		if c.odd() {
			run = d.unmatched
		}
		if err := c.begin(r); err != nil {
			return c.fail(err)
		}
		if c.asynchronous(r) {
			run = d.later
		}
		if err := run(c); err != nil {
			return c.fail(err)
		}
		return nil
	}
}

func (c *call) begin(r route) error {
	unmet := c.negotiate() // first, because a refusal too has a format
	if c.who == nil && !r.open {
		c.set("WWW-Authenticate", `Bearer realm="fhir"`)
		return unknownCaller(c)
	}
	var err error
	if c.prefer, err = readPrefer(c.Request().Header.Values("Prefer")); err != nil {
		return err
	}
	if strings.HasSuffix(r.path, "/_search") {
		c.unmet = unmet
		return nil
	}
	return unmet
}

// odd tells that a path only looks like a route: its type is none, or its id is
// the name of an interaction or operation.
func (c *call) odd() bool {
	typ, id := c.Param("type"), c.Param("id")
	return typ != "" && !c.door.o.Model.IsResource(typ) || strings.HasPrefix(id, "_") || strings.HasPrefix(id, "$")
}

// steps is the request's path below the base.
func (c *call) steps() []string {
	pattern := c.Path()
	path := strings.Trim(c.Request().URL.Path, "/")
	if strings.HasSuffix(pattern, "*") {
		return strings.Split(strings.Trim(c.Param("*"), "/"), "/")
	}
	all := strings.Split(path, "/")
	from := strings.Index(pattern, "/:type")
	if from < 0 {
		return []string{""}
	}
	n := strings.Count(pattern[from:], "/") + strings.Count(c.Param("inner"), "/") // the last parameter takes all that is left
	return all[max(0, len(all)-n):]
}

// baseOf is the configured base, or the address that the client used.
func (d *Door) baseOf(r *http.Request) string {
	if d.o.BaseURL != "" {
		return d.o.BaseURL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/fhir"
}

// requestID is the one that the app gave, else the client's if it is fit to be
// logged, else none.
func requestID(c *call) string {
	if id := c.Response().Header().Get("X-Request-Id"); id != "" {
		return id
	}
	if c.who != nil && c.who.RequestID != "" {
		return c.who.RequestID
	}
	id := c.header("X-Request-Id")
	if len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}) {
		return ""
	}
	return id
}
