package smart

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/server/store/pgtest"
)

// TestLockAtOnce: sixteen passwords at once count as sixteen one after the other. The
// limit of a name (oauth/rate.go) is out of the way here.
func TestLockAtOnce(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := app.Config{Sample: true, SignIn: app.SignIn{AddressRate: 1000, NameRate: 1000, Burst: 1000}}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			furnished(t, c).lockAtOnce(t)
		})
	}
}

func (h *house) lockAtOnce(t *testing.T) {
	h.person(t, "PractitionerRole/clin-wang", "wang")
	h.app(t, "chart", oauth.MethodNone, "openid", "user/*.rs")
	begun := func(wrong string) (*browser, url.Values) {
		b := h.browser(t)
		b.get(t, h.ask("chart", "openid user/*.rs", nil))
		form := b.last.form()
		form.Set("name", "wang")
		form.Set("password", wrong)
		return b, form
	}
	var all sync.WaitGroup
	for i := range 16 {
		b, form := begun(fmt.Sprintf("guess number %d of 16", i))
		all.Go(func() { same(t, "wrong", b.post(t, "/oauth/sign-in", form).status, 401) })
	}
	all.Wait()
	l, err := h.App.Store.Login(t.Context(), "main", "wang")
	if err != nil || l.Failures != 16 || l.Locked.IsZero() {
		t.Errorf("after 16 wrong passwords at once: %+v, %v", l, err)
	}
	b, form := begun(password)
	same(t, "attack: the right one after the limit", b.post(t, "/oauth/sign-in", form).status, 401)
	h.person(t, "PractitionerRole/clin-wang", "wang") // ends the lock
	b, form = begun(password)
	same(t, "twin: the right one", strings.Contains(b.post(t, "/oauth/sign-in", form).body, "user/*.rs"), true)
}
