package rest

import (
	"net/http"
	"slices"
	"strings"
)

// What pages of other origins may send and read, where the configuration names
// their origin. A token travels in a header that the page sets, so credentials
// that the browser adds by itself are never allowed.
// https://fetch.spec.whatwg.org/#http-cors-protocol
const (
	corsRequest  = "Accept, Authorization, Content-Type, Content-Encoding, If-Match, If-None-Match, If-Modified-Since, If-None-Exist, Prefer, X-Request-Id"
	corsResponse = "ETag, Location, Content-Location, Last-Modified, X-Request-Id, Content-Disposition, WWW-Authenticate, Allow"
)

// admits tells whether pages of an origin may read the answer. Anybody's may read
// the CapabilityStatement.
// https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html#considerations-for-cross-origin-resource-sharing-cors-support
func (c *call) admits(origin string) bool {
	return slices.Contains(c.door.o.Origins, origin) || slices.Contains(c.door.o.Origins, "*") ||
		c.door.o.Origin != nil && (strings.HasSuffix(c.Path(), "/metadata") || c.door.o.Origin(c.ctx(), origin))
}

// shared lets a page read the answer, and answers what its browser asks before.
func (c *call) shared() {
	if len(c.door.o.Origins) == 0 && c.door.o.Origin == nil {
		return
	}
	c.Response().Header().Add("Vary", "Origin")
	origin := c.header("Origin")
	if origin == "" || !c.admits(origin) {
		return
	}
	c.set("Access-Control-Allow-Origin", origin)
	c.set("Access-Control-Expose-Headers", corsResponse)
	if c.Request().Method == http.MethodOptions && c.header("Access-Control-Request-Method") != "" {
		c.set("Access-Control-Allow-Methods", strings.Join([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, ", "))
		c.set("Access-Control-Allow-Headers", corsRequest)
		c.set("Access-Control-Max-Age", "600")
	}
}
