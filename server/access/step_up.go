package access

import (
	"time"

	"tenon/fhir/issue"
)

// Challenge is what a person is asked for before a privileged act: to show anew
// who it is, with a second factor.
// https://www.rfc-editor.org/rfc/rfc9470
type Challenge struct {
	// ACR is the class of authentication that is enough, in the words of OpenID
	// Connect; MaxAge how long ago it may have been.
	ACR    string
	MaxAge time.Duration
}

// InsufficientAuthentication is the rule of refusals that a person can answer by
// showing a second factor.
const InsufficientAuthentication = "insufficient-user-authentication"

// Stepped refuses a privileged act (a signature, administration, erasure) of a
// person who has not shown a second factor lately: 401.
func (c *Context) Stepped() error {
	if c == nil || c.Due == nil {
		return nil
	}
	return issue.Errorf(issue.Login, "This needs a second factor, shown in the last %v: sign in anew with acr_values=%s and max_age=%d, or show a code at /oauth/step-up.",
		c.Due.MaxAge, c.Due.ACR, int(c.Due.MaxAge/time.Second)).
		Rule(InsufficientAuthentication).Clause("R000-011").Chinese("此操作需要近期完成的双因素认证，请重新验证身份。")
}
