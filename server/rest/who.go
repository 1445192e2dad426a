package rest

import (
	"github.com/labstack/echo/v4"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// whoKey is where the middleware that checks tokens leaves the caller.
const whoKey = "tenon.who"

// SetWho tells the door who asks. The app's middleware calls it once a token
// was checked; without it every request but metadata is answered 401.
func SetWho(c echo.Context, who *access.Context) { c.Set(whoKey, who) }

// Who is the caller of a request, nil when nobody is known.
func Who(c echo.Context) *access.Context {
	who, _ := c.Get(whoKey).(*access.Context)
	return who
}

// denialKey is where that middleware leaves why a token was not taken.
const denialKey = "tenon.denial"

// SetDenial tells the door why the token of a request was refused; the door says
// so where a caller is needed.
func SetDenial(c echo.Context, why *issue.Failure) { c.Set(denialKey, why) }

func unknownCaller(c echo.Context) error {
	if why, ok := c.Get(denialKey).(*issue.Failure); ok && why != nil {
		return why
	}
	return issue.Errorf(issue.Login, "This request needs a token: send the header Authorization: Bearer ….").
		Rule("no-token").Chinese("请先登录。")
}
