package smart

import (
	"testing"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/test/servertest"
)

// BenchmarkReadAs reads one resource over HTTP as a person without an app, and by
// apps with a wide and with a granular scope: what scopes cost shows in one run.
func BenchmarkReadAs(b *testing.B) {
	h := furnished(b, app.Config{Sample: true})
	h.person(b, "PractitionerRole/clin-wang", "wang")
	h.app(b, "chart", oauth.MethodNone, "launch/patient", "patient/*.rs", "user/*.rs")
	for _, as := range []struct{ name, token string }{
		{"person", h.token}, {"user", h.tokens(b, "chart", "user/*.rs", "").text("access_token")},
		{"patient", h.tokens(b, "chart", "launch/patient patient/*.rs", h.a).text("access_token")},
		{"granular", h.tokens(b, "chart", "launch/patient patient/Observation.rs?category="+laboratory, h.a).text("access_token")},
	} {
		for _, ask := range []struct{ what, path string }{{"read", h.lab}, {"search", "Observation?code=718-7"}} {
			b.Run(ask.what+"/"+as.name, func(b *testing.B) {
				for b.Loop() {
					h.Expect(b, 200, servertest.Request{Token: as.token, Path: "/fhir/" + ask.path})
				}
			})
		}
	}
}
