package test

import (
	"crypto/sha256"
	"net/url"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestSignedWithSecondFactor: a contract is signed by who has just shown a second
// factor; who has shown it too long ago, or not, is told how.
// https://www.rfc-editor.org/rfc/rfc9470
func TestSignedWithSecondFactor(t *testing.T) {
	t.Parallel()
	onEngines(t, signedWithSecondFactor)
}

func signedWithSecondFactor(t *testing.T, database string) {
	s := toSign(t, app.Config{Database: database})
	issued(t, s.Server, "ES256", "hosp-chen")
	issued(t, s.Server, "ES256", "mfr-xu")
	_, recovery, err := s.App.EnrolFactor(t.Context(), "PractitionerRole/hosp-chen", "chen")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // a checked token is trusted for a second
	secret := text("secret", "secret of hosp-chen")
	challenged := func(t *testing.T, parameters ...string) {
		t.Helper()
		a := s.sign(t, 401, s.hosp, s.contract, append(parameters, as("HOSP"))...)
		if c := a.Header.Get("WWW-Authenticate"); !strings.Contains(c, `error="insufficient_user_authentication"`) || !strings.Contains(c, `max_age="900"`) {
			t.Errorf("the challenge is %q", c)
		}
	}
	t.Run("R000-011 without it nothing is signed or prepared", func(t *testing.T) {
		challenged(t, secret)
		challenged(t, `{"name":"prepare","valueBoolean":true}`)
	})
	t.Run("R000-011 twin: with it the contract is signed", func(t *testing.T) {
		form := url.Values{"code": {recovery[0]}}
		s.Expect(t, 204, servertest.Request{Token: s.hosp, Method: "POST", Path: "/oauth/step-up", Body: []byte(form.Encode()), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
		s.sign(t, 201, s.hosp, s.contract, as("HOSP"), secret)
		s.sign(t, 201, s.mfr, s.contract, as("MFR"), text("secret", "secret of mfr-xu")) // who has none is not asked
	})
	t.Run("R000-011 shown too long ago", func(t *testing.T) {
		if err := s.App.Store.StepToken(t.Context(), sha256.Sum256([]byte(s.hosp)), time.Now().Add(-15*time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond)
		challenged(t, secret)
	})
}
