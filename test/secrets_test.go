package test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestSecretsStayInside shows a server every kind of secret, rightly and wrongly, and
// looks for each where others read: what the process writes and is called with, what
// refusals answer, and the audit.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	const mes, header, client, code, password = "mes-secret-9d1f0c2b7a6e4f3d8c5b-4411", "hook-secret-51a7e0", "client-secret-77c1f3", "918273", "password-secret-0b5e9a"
	c := app.Config{Listen: address(t), Data: t.TempDir(), Database: "sqlite"}
	tokens := enrolled(t, c, "clin-wang")
	token := tokens["clin-wang"]
	p := spawn(t, c, "/usr/bin/env", "TENON_MES_URL=https://127.0.0.1:1/orders", "TENON_MES_SECRET="+mes, binary(t), "serve") // env becomes the server
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	var answers strings.Builder
	for _, q := range []servertest.Request{
		{Token: token, Path: "/fhir/Patient?name=zhang"},
		{Token: token + "x", Path: "/fhir/Patient"},
		{Token: token, Method: "POST", Path: "/fhir/Subscription", Body: []byte(`{"resourceType":"Subscription","status":"requested","reason":"x","criteria":"Observation?",` +
			`"channel":{"type":"rest-hook","endpoint":"https://127.0.0.1:1/hook","header":["Authorization: Bearer ` + header + `"]}}`)},
		{Method: "POST", Path: "/oauth/token", Header: form, Body: []byte("grant_type=client_credentials&client_id=nobody&client_secret=" + client)},
		{Method: "POST", Path: "/oauth/sign-in", Header: form, Body: []byte("name=wang&password=" + password)},
		{Method: "POST", Path: "/oauth/revoke", Header: form, Body: []byte("token=" + token + "x&client_secret=" + client)},
		{Token: token, Method: "POST", Path: "/oauth/step-up", Header: form, Body: []byte("code=" + code)},
		{Token: token, Method: "POST", Path: "/fhir/Consent/none/$sign", Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"consent"},{"name":"secret","valueString":"secret of clin-wang"}]}`)},
		{Method: "POST", Path: "/adapters/mes/news", Header: map[string]string{"Tenon-Signature": "v1=" + mes}, Body: []byte("{}")},
		{Path: "/fhir/Patient?access_token=" + token},
	} {
		a, err := p.Try(t.Context(), q)
		if err != nil {
			t.Fatalf("%s: %v", q.Path, err)
		}
		fmt.Fprintf(&answers, "%v\n%s\n", a.Header, a.Body)
	}
	time.Sleep(100 * time.Millisecond)
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	k := &killing{t: t, config: c}
	places := map[string]string{"the log": p.told(), "the process list": string(line), "the answers": answers.String(), "the audit": k.tenon(true, "audit")}
	if !strings.Contains(places["the audit"], "sign-in") && !strings.Contains(places["the audit"], "search-type") {
		t.Errorf("the audit shows nothing: %.300s", places["the audit"])
	}
	for where, text := range places {
		for what, secret := range map[string]string{"the MES's secret": mes, "a channel's header": header, "an app's secret": client, "a code": code, "a password": password, "a token": token, "a signing secret": "secret of clin-wang"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s is in %s", what, where)
			}
		}
	}
}
