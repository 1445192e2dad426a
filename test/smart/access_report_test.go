package smart

import (
	"testing"

	"tenon/oauth"
)

// TestAccessReportByApp: an app of the patient learns who used the record, with a
// scope that reads AuditEvents and of this patient alone; an app of a clinician
// does not.
func TestAccessReportByApp(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, h.a, "patient-a")
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.app(t, "diary", oauth.MethodNone, "launch/patient", "patient/*.rs", "patient/AuditEvent.rs", "patient/Patient.rs")
		granted := func(name, scope, patient string) string {
			b := h.browser(t)
			b.get(t, h.ask("diary", scope, nil))
			form := b.signIn(t, name).form()
			form.Set("decision", "allow")
			if patient != "" {
				form.Set("patient", patient[len("Patient/"):])
			}
			return h.post(t, "/oauth/token", redeem("diary", b.post(t, "/oauth/consent", form).location.Query().Get("code"))).text("access_token")
		}
		own := granted("patient-a", "launch/patient patient/Patient.rs patient/AuditEvent.rs", "")
		t.Run("R000-018 the own record", func(t *testing.T) {
			same(t, "status", h.status(t, own, "GET", h.a+"/$access-report", nil), 200)
		})
		t.Run("R000-018 attack: another patient's is not there", func(t *testing.T) {
			same(t, "status", h.status(t, own, "GET", h.b+"/$access-report", nil), 404)
		})
		t.Run("R000-018 attack: without a scope for AuditEvent", func(t *testing.T) {
			narrow := granted("patient-a", "launch/patient patient/Patient.rs", "")
			same(t, "status", h.status(t, narrow, "GET", h.a+"/$access-report", nil), 403)
			same(t, "twin: the record itself", h.status(t, narrow, "GET", h.a, nil), 200)
		})
		t.Run("R000-018 attack: an app of the clinician", func(t *testing.T) {
			clin := granted("wang", "launch/patient patient/*.rs", h.a)
			same(t, "status", h.status(t, clin, "GET", h.a+"/$access-report", nil), 403)
			same(t, "twin: the record itself", h.status(t, clin, "GET", h.a, nil), 200)
		})
	})
}
