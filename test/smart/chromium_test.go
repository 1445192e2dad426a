package smart

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/oauth"
	"tenon/server/app"
)

// chromium is a real browser without a window, spoken to over a pipe.
// https://chromedevtools.github.io/devtools-protocol/
type chromium struct {
	in io.Writer
	mu sync.Mutex
	// waiting are answers by the number of their question.
	waiting map[int]chan reply
	last    int
	refused []string // what a Content-Security-Policy refused
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

// startChromium skips where there is none.
func startChromium(t *testing.T) *chromium {
	t.Helper()
	name, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("TENON_TEST_BROWSER") == "required" {
			t.Fatal("chromium is needed")
		}
		t.Skip("SKIPPED: chromium is not there; no page was tried in a real browser")
	}
	theirs, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, ours, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	profile, err := os.MkdirTemp("", "chromium") // not t.TempDir: it may still write when it is killed
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), name, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", //nolint:gosec // found above
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	run.ExtraFiles = []*os.File{theirs, ours} // 3 and 4
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	ours.Close()
	c := &chromium{in: in, waiting: map[int]chan reply{}}
	go c.listen(out)
	t.Cleanup(func() {
		in.Close() // it ends when nobody speaks to it
		ended := make(chan error, 1)
		go func() { ended <- run.Wait() }()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			_ = run.Process.Kill()
			<-ended
		}
		out.Close()
		os.RemoveAll(profile)
	})
	return c
}

func (c *chromium) listen(out *os.File) {
	messages := bufio.NewReader(out)
	for {
		text, err := messages.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID     int
			Method string
			Params struct{ Entry struct{ Text string } }
			reply
		}
		if json.Unmarshal(bytes.TrimRight(text, "\x00"), &m) != nil {
			continue
		}
		c.mu.Lock()
		if m.Method == "Log.entryAdded" && strings.Contains(m.Params.Entry.Text, "Content Security Policy") {
			c.refused = append(c.refused, m.Params.Entry.Text)
		}
		if answer := c.waiting[m.ID]; m.ID != 0 && answer != nil {
			answer <- m.reply
			delete(c.waiting, m.ID)
		}
		c.mu.Unlock()
	}
}

// call asks the browser, or a page where session names one.
func (c *chromium) call(session, method string, params, into any) error {
	c.mu.Lock()
	c.last++
	answer := make(chan reply, 1)
	c.waiting[c.last] = answer
	m := map[string]any{"id": c.last, "method": method, "params": params}
	if session != "" {
		m["sessionId"] = session
	}
	text, err := json.Marshal(m)
	if err == nil {
		_, err = c.in.Write(append(text, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case r := <-answer:
		if r.Error != nil {
			return errors.New(method + ": " + r.Error.Message)
		}
		if into != nil {
			return json.Unmarshal(r.Result, into)
		}
		return nil
	case <-time.After(10 * time.Second):
		return errors.New(method + ": no answer")
	}
}

// tab is a page with cookies of its own and an authenticator that verifies its person.
type tab struct {
	c       *chromium
	session string
}

type m = map[string]any

func (c *chromium) tab(t testing.TB) *tab {
	t.Helper()
	var made struct{ BrowserContextID, TargetID, SessionID string }
	err := c.call("", "Target.createBrowserContext", m{}, &made)
	if err == nil {
		err = c.call("", "Target.createTarget", m{"url": "about:blank", "browserContextId": made.BrowserContextID}, &made)
	}
	if err == nil {
		err = c.call("", "Target.attachToTarget", m{"targetId": made.TargetID, "flatten": true}, &made)
	}
	x := &tab{c, made.SessionID}
	for _, one := range []struct {
		method string
		params m
	}{{"Page.enable", m{}}, {"Log.enable", m{}}, {"WebAuthn.enable", m{}}, {"Emulation.setFocusEmulationEnabled", m{"enabled": true}},
		{"WebAuthn.addVirtualAuthenticator", m{"options": m{"protocol": "ctap2", "transport": "usb", "hasUserVerification": true, "isUserVerified": true, "automaticPresenceSimulation": true}}}} {
		if err == nil {
			err = c.call(x.session, one.method, one.params, nil)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// says evaluates an expression on the page.
func (x *tab) says(expression string) (any, error) {
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct{ Text string }
	}
	err := x.c.call(x.session, "Runtime.evaluate", m{"expression": expression, "returnByValue": true}, &r)
	if err == nil && r.ExceptionDetails != nil {
		err = errors.New(r.ExceptionDetails.Text)
	}
	return r.Result.Value, err
}

// shows waits until an expression is true of a page that is loaded.
func (x *tab) shows(t testing.TB, expression string) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(15 * time.Millisecond) {
		if v, err := x.says(`document.readyState === "complete" && !!(` + expression + `)`); err == nil && v == true { // a page may go away meanwhile
			return
		}
	}
	body, _ := x.says("location.href + ' ' + document.body.innerText")
	t.Fatalf("the page never shows %s: %.800v", expression, body)
}

func (x *tab) open(t testing.TB, address string) {
	t.Helper()
	if err := x.c.call(x.session, "Page.navigate", m{"url": address}, nil); err != nil {
		t.Fatal(err)
	}
}

// does runs a statement that may lead to another page.
func (x *tab) does(t testing.TB, statement string) {
	t.Helper()
	if _, err := x.says(statement); err != nil && !strings.Contains(err.Error(), "context") {
		t.Fatalf("%s: %v", statement, err)
	}
}

// fills writes into fields by id and presses the button of their form.
func (x *tab) fills(t testing.TB, fields ...string) {
	t.Helper()
	x.shows(t, `document.getElementById("`+fields[0]+`")`)
	for i := 0; i+1 < len(fields); i += 2 {
		x.does(t, fmt.Sprintf("document.getElementById(%q).value = %q", fields[i], fields[i+1]))
	}
	x.does(t, `document.getElementById("`+fields[0]+`").form.querySelector("button").click()`)
}

// before puts a proxy with a name in front of a server, since a site of WebAuthn is no
// number; the server starts with its address.
func before(t *testing.T) *house {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	public := "http://localhost:" + port
	h := furnished(t, app.Config{Sample: true, BaseURL: public + "/fhir"})
	at, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &http.Server{Handler: httputil.NewSingleHostReverseProxy(at), ReadHeaderTimeout: time.Minute}
	go func() { _ = proxy.Serve(l) }()
	t.Cleanup(func() { proxy.Close() })
	h.URL = public
	return h
}

// callbackApp is an app on another host, which shows what it was answered.
func callbackApp(t *testing.T) (address string) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>app</title>")
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return "http://" + l.Addr().String() + "/cb"
}

// TestChromium goes through sign-in, second factor and consent and back to an app in a
// real browser, by a code and by a security key: what forms, cookies, script and
// Content-Security-Policy come to shows here.
func TestChromium(t *testing.T) {
	c := startChromium(t)
	h := before(t)
	h.person(t, "PractitionerRole/clin-wang", "wang")
	h.person(t, "PractitionerRole/img-li", "li")
	at := callbackApp(t)
	h.register(t, oauth.Client{ID: "chart", Method: oauth.MethodNone, Redirects: []string{at}, Scopes: []string{"openid", "fhirUser", "user/*.rs"}})
	allowed := func(t *testing.T, x *tab) map[string]any {
		t.Helper()
		x.shows(t, `document.querySelector("button[value=allow]")`)
		x.does(t, `document.querySelector("button[value=allow]").click()`)
		x.shows(t, `document.title === "app" && location.search`)
		query, err := x.says("location.search")
		if err != nil {
			t.Fatal(err)
		}
		q, _ := url.ParseQuery(strings.TrimPrefix(fmt.Sprint(query), "?"))
		same(t, "state", q.Get("state"), "st-0123456789")
		same(t, "iss", q.Get("iss"), h.URL)
		form := redeem("chart", q.Get("code"))
		form.Set("redirect_uri", at)
		a := h.post(t, "/oauth/token", form)
		same(t, "token", a.status, 200)
		same(t, "the token reads", h.status(t, a.text("access_token"), "GET", h.a, nil), 200)
		return h.claimsOf(t, a.text("id_token"))
	}
	request := h.URL + h.ask("chart", "openid fhirUser user/*.rs", url.Values{"redirect_uri": {at}})
	t.Run("R000-011 a code of an authenticator app", func(t *testing.T) {
		_, recovery, err := h.App.EnrolFactor(t.Context(), "PractitionerRole/clin-wang", "wang")
		if err != nil {
			t.Fatal(err)
		}
		x := c.tab(t)
		x.open(t, request)
		x.fills(t, "name", "wang", "password", password)
		x.fills(t, "code", recovery[0])
		same(t, "acr", allowed(t, x)["acr"], oauth.ACRMulti)
	})
	t.Run("R000-011 a security key", func(t *testing.T) {
		x := c.tab(t)
		x.open(t, h.URL+"/oauth/account/passkey")
		x.fills(t, "name", "li", "password", password)
		x.shows(t, `document.getElementById("passkey") && !document.getElementById("passkey").hidden`)
		x.fills(t, "name", "钥匙")
		x.shows(t, `location.pathname === "/oauth/account" && document.body.innerText.includes("钥匙")`)
		x.does(t, `document.querySelector("form[action='/oauth/sign-out'] button").click()`)
		x.shows(t, `document.body.innerText.includes("You are signed out")`)
		x.open(t, request)
		x.fills(t, "name", "li", "password", password)
		x.shows(t, `document.getElementById("passkey") && !document.getElementById("passkey").hidden`)
		x.does(t, `document.querySelector("#passkey button").click()`)
		claims := allowed(t, x)
		same(t, "acr", claims["acr"], oauth.ACRPhish)
		same(t, "amr", claims["amr"], []any{"pwd", "hwk", "mfa"})
	})
	t.Run("a key of another person, and none: the page says so", func(t *testing.T) {
		x := c.tab(t) // an authenticator that does not hold the key
		x.open(t, request)
		x.fills(t, "name", "li", "password", password)
		x.shows(t, `document.getElementById("passkey") && !document.getElementById("passkey").hidden`)
		x.does(t, `document.querySelector("#passkey button").click()`)
		x.shows(t, `!document.getElementById("passkey-wrong").hidden`)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	same(t, "refused by the policy of a page", c.refused, []string(nil))
}
