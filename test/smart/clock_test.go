package smart

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/oauth"
	"tenon/server/store"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// clockwork is the authorization server on a store of its own, with a clock that the
// test moves: what ends ends at its time, seen over HTTP.
type clockwork struct {
	*house
	server *oauth.Server
	mu     sync.Mutex
	at     time.Time
}

func (c *clockwork) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clockwork) wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// few are the people whom a clockwork knows.
type few map[string]string

func (f few) Resource(_ context.Context, typ, id string) ([]byte, error) {
	if body := f[typ+"/"+id]; body != "" {
		return []byte(body), nil
	}
	return nil, nil
}

func onBothClocks(t *testing.T, change func(*oauth.Options), test func(t *testing.T, c *clockwork)) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			database := "sqlite://" + filepath.Join(t.TempDir(), "tenon.db")
			if engine == "PostgreSQL" {
				database = pgtest.Database(t, "empty", nil)
			}
			test(t, newClockwork(t, database, change))
		})
	}
}

func newClockwork(t *testing.T, database string, change func(*oauth.Options)) *clockwork {
	t.Helper()
	c := &clockwork{at: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	s, err := store.Open(t.Context(), store.Options{URL: database, Clock: c.now})
	if err == nil {
		err = s.Migrate(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	people := few{"Organization/hospital": `{"resourceType":"Organization","type":[{"coding":[{"code":"prov"}]}]}`,
		"PractitionerRole/clin-wang": `{"resourceType":"PractitionerRole","active":true,"practitioner":{"reference":"Practitioner/wang"},"organization":{"reference":"Organization/hospital"},"code":[{"coding":[{"system":"urn:tenon:role","code":"CLIN"}]}]}`}
	var door http.Handler
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.ServeHTTP(w, r) }))
	t.Cleanup(listener.Close)
	o := oauth.Options{Store: s, Provider: oauth.New(s, people, "main", c.now), Base: listener.URL + "/fhir", Key: []byte(strings.Repeat("k", 32)), Clock: c.now}
	if change != nil {
		change(&o)
	}
	if c.server, err = oauth.NewServer(o); err != nil {
		t.Fatal(err)
	}
	door = c.server
	c.house = &house{Server: &servertest.Server{Client: servertest.At(listener.URL)}}
	if err := c.server.SetPassword(t.Context(), "PractitionerRole/clin-wang", "wang", password); err != nil {
		t.Fatal(err)
	}
	if err := s.PutClient(t.Context(), &oauth.Client{ID: "chart", Tenant: "main", Name: "chart", Method: oauth.MethodNone, Redirects: []string{callback}, Scopes: []string{"user/*.rs", "online_access", "offline_access"}}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *clockwork) in(t testing.TB) *browser {
	t.Helper()
	b := c.browser(t)
	b.get(t, "/oauth/account")
	if p := b.signIn(t, "wang"); !isAccount(p) {
		t.Fatalf("signed in: %d %.300s", p.status, p.body)
	}
	return b
}

func isAccount(p *page) bool {
	return p.status == 200 && strings.Contains(p.body, "我的账户 <span")
}

// TestSessionEnds: a session ends when nothing is done with it, and after a working
// day whatever is done.
func TestSessionEnds(t *testing.T) {
	onBothClocks(t, nil, func(t *testing.T, c *clockwork) {
		open := func(b *browser) bool { return isAccount(b.get(t, "/oauth/account")) }
		b := c.in(t)
		c.wait(2*time.Hour - time.Second)
		same(t, "a second before two hours of nothing", open(b), true)
		c.wait(2*time.Hour - time.Second)
		same(t, "use puts it off", open(b), true)
		c.wait(2*time.Hour + time.Second)
		same(t, "after two hours of nothing", open(b), false)
		same(t, "it does not come back", open(b), false)
		b = c.in(t)
		for range 7 {
			c.wait(time.Hour)
			same(t, "each hour", open(b), true)
		}
		c.wait(time.Hour - time.Second)
		same(t, "a second before the end of the day", open(b), true)
		c.wait(time.Second)
		same(t, "at the end of the day", open(b), false)
		same(t, "twin: signed in anew", open(c.in(t)), true)
	})
}

// TestLives: each thing of a sign-in is good for its time and no longer.
func TestLives(t *testing.T) {
	onBothClocks(t, nil, func(t *testing.T, c *clockwork) {
		ask := func(scope string) string { return c.ask("chart", scope, nil) }
		t.Run("a request, 15 minutes", func(t *testing.T) {
			b, late := c.browser(t), c.browser(t)
			b.get(t, ask("user/*.rs"))
			late.get(t, ask("user/*.rs"))
			c.wait(15*time.Minute - time.Second)
			same(t, "twin", b.signIn(t, "wang").status, 200)
			c.wait(time.Second)
			same(t, "late", late.signIn(t, "wang").status, 400)
		})
		t.Run("a code, a minute", func(t *testing.T) {
			good, late := c.code(t, ask("user/*.rs"), ""), c.code(t, ask("user/*.rs"), "")
			c.wait(59 * time.Second)
			same(t, "twin", c.post(t, "/oauth/token", redeem("chart", good)).status, 200)
			c.wait(2 * time.Second)
			same(t, "late", c.post(t, "/oauth/token", redeem("chart", late)).status, 400)
		})
		t.Run("an access token, an hour; a refresh token with it or for long", func(t *testing.T) {
			tokens := func(scope string) answer {
				return c.post(t, "/oauth/token", redeem("chart", c.code(t, ask(scope), "")))
			}
			a, off := tokens("user/*.rs"), tokens("user/*.rs offline_access")
			active := func(token string) any {
				return c.post(t, "/oauth/introspect", url.Values{"token": {token}}, "Authorization", "Bearer "+token).status
			}
			c.wait(time.Hour - time.Second)
			same(t, "twin", active(a.text("access_token")), 200)
			c.wait(2 * time.Second)
			same(t, "late", active(a.text("access_token")), 401)
			c.wait(90*24*time.Hour - time.Hour - 2*time.Second)
			next := c.post(t, "/oauth/token", refresh(off.text("refresh_token")))
			same(t, "twin: refreshed before 90 days are over", next.status, 200)
			c.wait(90*24*time.Hour + time.Second)
			same(t, "after 90 days of nothing", c.post(t, "/oauth/token", refresh(next.text("refresh_token"))).status, 400)
		})
		t.Run("online access ends with the session", func(t *testing.T) {
			a := c.post(t, "/oauth/token", redeem("chart", c.code(t, ask("user/*.rs online_access"), "")))
			idle := c.post(t, "/oauth/token", redeem("chart", c.code(t, ask("user/*.rs online_access"), "")))
			for range 4 {
				c.wait(2*time.Hour - time.Second)
				a = c.post(t, "/oauth/token", refresh(a.text("refresh_token")))
				same(t, "twin: an app that is used keeps the person there", a.status, 200)
			}
			same(t, "one that was not used for two hours", c.post(t, "/oauth/token", refresh(idle.text("refresh_token"))).status, 400)
			c.wait(5 * time.Second)
			same(t, "after the day", c.post(t, "/oauth/token", refresh(a.text("refresh_token"))).status, 400)
		})
		t.Run("a second factor, five minutes after the password; a lock-out, a quarter of an hour", func(t *testing.T) {
			_, recovery, err := c.server.Enrol(t.Context(), "PractitionerRole/clin-wang", "wang")
			if err != nil {
				t.Fatal(err)
			}
			half := func() (*browser, url.Values) {
				b := c.browser(t)
				b.get(t, ask("user/*.rs"))
				return b, b.signIn(t, "wang").form()
			}
			good, form := half()
			late, lateForm := half()
			form.Set("code", recovery[0])
			lateForm.Set("code", recovery[1])
			c.wait(5*time.Minute - time.Second)
			same(t, "twin", good.post(t, "/oauth/second-factor", form).status, 200)
			c.wait(time.Second)
			same(t, "late", late.post(t, "/oauth/second-factor", lateForm).status, 401)
			b, form := half()
			form.Set("code", "zzzz")
			for range 5 {
				b.post(t, "/oauth/second-factor", form)
			}
			_, form = half()
			same(t, "locked", form.Has("ticket"), false)
			c.wait(15*time.Minute + time.Second)
			b, form = half()
			form.Set("code", recovery[1])
			same(t, "twin: after a quarter of an hour, and the late one was not used up", b.post(t, "/oauth/second-factor", form).status, 200)
		})
		t.Run("what changes the account asks anew after 15 minutes", func(t *testing.T) {
			if _, err := c.server.RemoveFactor(t.Context(), "PractitionerRole/clin-wang"); err != nil {
				t.Fatal(err)
			}
			b := c.in(t)
			c.wait(15 * time.Minute)
			p := b.get(t, "/oauth/account/factor")
			same(t, "twin: at a quarter of an hour", strings.Contains(p.body, `name="sealed"`), true)
			form := url.Values{"guard": {found(t, hiddenGuard, p)}, "sealed": {found(t, hiddenSeal, p)}, "code": {"x"}}
			c.wait(time.Second)
			same(t, "later", strings.Contains(b.get(t, "/oauth/account/factor").body, `name="password"`), true)
			same(t, "nor is what was shown before taken", strings.Contains(b.post(t, "/oauth/account/factor", form).body, `name="password"`), true)
		})
	})
}

// unread is a store whose count of wrong codes is read before others that come at the
// same time have been counted.
type unread struct{ oauth.Store }

func (unread) Attempts(context.Context, string, time.Time, time.Duration) (int, error) { return 0, nil }

// TestCodesAtOnce: five codes are judged and no more, however many come at once.
func TestCodesAtOnce(t *testing.T) {
	onBothClocks(t, func(o *oauth.Options) { o.Store = unread{o.Store} }, func(t *testing.T, c *clockwork) {
		_, recovery, err := c.server.Enrol(t.Context(), "PractitionerRole/clin-wang", "wang")
		if err != nil {
			t.Fatal(err)
		}
		b := c.browser(t)
		b.get(t, c.ask("chart", "user/*.rs", nil))
		form := b.signIn(t, "wang").form()
		try := func(code string) int {
			form.Set("code", code)
			return b.post(t, "/oauth/second-factor", form).status
		}
		for range 5 {
			same(t, "wrong", try("zzzz"), 401)
		}
		same(t, "the sixth, though right", try(recovery[0]), 401)
		c.wait(15*time.Minute + time.Second)
		b.get(t, c.ask("chart", "user/*.rs", nil))
		form = b.signIn(t, "wang").form()
		same(t, "twin: after a quarter of an hour", try(recovery[0]), 200)
	})
}

// TestAddressRate: one address may ask so often, and another is not slowed by it.
func TestAddressRate(t *testing.T) {
	rates := func(o *oauth.Options) { o.Rates = oauth.Rates{Address: 2, Burst: 3} }
	onBothClocks(t, rates, func(t *testing.T, c *clockwork) {
		ask := func() answer { return c.post(t, "/oauth/token", redeem("chart", "x")) }
		for range 6 {
			same(t, "at once", ask().status, 400)
		}
		a := ask()
		same(t, "one more", a.status, 429)
		same(t, "Retry-After", a.header.Get("Retry-After"), "1")
		c.wait(500 * time.Millisecond)
		same(t, "twin: half a second later, one", ask().status, 400)
		same(t, "and no second one", ask().status, 429)
		c.wait(time.Hour)
		for range 6 {
			same(t, "twin: an hour later, no more than a burst", ask().status, 400)
		}
		same(t, "one more", ask().status, 429)
	})
}
