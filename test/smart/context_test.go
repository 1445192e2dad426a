package smart

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"tenon/oauth"
	"tenon/test/servertest"
)

// TestContext is what comes with a token, and how long it can be renewed.
// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
func TestContext(t *testing.T) {
	onBothEngines(t, func(t *testing.T, h *house) {
		h.person(t, "PractitionerRole/clin-wang", "wang")
		h.app(t, "chart", oauth.MethodNone, "launch", "launch/patient", "launch/encounter", "offline_access", "online_access", "patient/*.cruds", "user/*.rs")
		t.Run("SMART-73 SMART-74 SMART-75 SMART-78 SMART-84 SMART-85 SMART-88 SMART-89 the answer to a code", func(t *testing.T) {
			a := h.tokens(t, "chart", "launch/patient patient/*.rs nonsense", h.a)
			same(t, "token_type", a.text("token_type"), "Bearer")
			same(t, "scope", a.text("scope"), "launch/patient patient/*.rs")
			same(t, "expires_in", a.body["expires_in"], 3600)
			same(t, "refresh_token", a.body["refresh_token"], nil)
			same(t, "Content-Type", strings.Split(a.header.Get("Content-Type"), ";")[0], "application/json")
			same(t, "Cache-Control", a.header.Get("Cache-Control"), "no-store")
			same(t, "Pragma", a.header.Get("Pragma"), "no-cache")
			same(t, "its length is sound", len(a.text("access_token")) < 200, true) // SMART-134
			same(t, "and it is good", h.status(t, a.text("access_token"), "GET", h.a, nil), 200)
		})
		t.Run("SMART-149 SMART-169 SMART-171 SMART-172 SMART-177 SMART-361 SMART-362 of an EHR launch", func(t *testing.T) {
			encounter := h.Create(t, h.token, `{"resourceType":"Encounter","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"`+h.a+`"}}`)
			body, _ := json.Marshal(map[string]any{"client": "chart", "patient": h.a, "encounter": encounter, "fhirContext": []any{map[string]string{"reference": "ImagingStudy/1", "role": "urn:x:y"}}})
			var launched struct{ Launch string }
			if err := json.Unmarshal(h.Expect(t, 201, servertest.Request{Token: h.token, Method: "POST", Path: "/oauth/launch", Body: body}).Body, &launched); err != nil {
				t.Fatal(err)
			}
			a := h.post(t, "/oauth/token", redeem("chart", h.code(t, h.ask("chart", "launch patient/*.rs", url.Values{"launch": {launched.Launch}}), "")))
			same(t, "patient", a.text("patient"), strings.TrimPrefix(h.a, "Patient/"))
			same(t, "encounter", a.text("encounter"), strings.TrimPrefix(encounter, "Encounter/"))
			same(t, "fhirContext", a.body["fhirContext"], []any{map[string]any{"reference": "ImagingStudy/1", "role": "urn:x:y"}})
		})
		t.Run("SMART-364 the person chooses an encounter of the patient", func(t *testing.T) { h.encounters(t) })
		t.Run("SMART-175 SMART-360 the style of the server", func(t *testing.T) {
			address := h.tokens(t, "chart", "launch/patient patient/*.rs", h.a).text("smart_style_url")
			a := h.Expect(t, 200, servertest.Request{Path: strings.TrimPrefix(address, h.URL), Header: map[string]string{"Origin": "https://any.example"}})
			same(t, "origin", a.Header.Get("Access-Control-Allow-Origin"), "*")
			var style map[string]string
			if err := json.Unmarshal(a.Body, &style); err != nil || len(style) != 11 {
				t.Fatalf("%v %s", err, a.Body)
			}
			for name, value := range style {
				color := strings.HasPrefix(name, "color_") && len(value) == 7 && value[0] == '#'
				same(t, name+" "+value, color || strings.HasPrefix(name, "dim_") && strings.HasSuffix(value, "px") || strings.HasPrefix(name, "font_family_"), true)
			}
		})
		t.Run("SMART-100 SMART-366 online: while the person is signed in", func(t *testing.T) {
			b := h.browser(t)
			b.get(t, h.ask("chart", "user/*.rs online_access", nil))
			form := b.signIn(t, "wang").form()
			form.Set("decision", "allow")
			a := h.post(t, "/oauth/token", redeem("chart", b.post(t, "/oauth/consent", form).location.Query().Get("code")))
			next := h.post(t, "/oauth/token", refresh(a.text("refresh_token")))
			same(t, "signed in", next.status, 200)
			b.post(t, "/oauth/sign-out", url.Values{})
			same(t, "signed out", h.post(t, "/oauth/token", refresh(next.text("refresh_token"))).status, 400)
		})
		t.Run("SMART-101 SMART-365 offline: after it, too", func(t *testing.T) {
			b := h.browser(t)
			b.get(t, h.ask("chart", "user/*.rs offline_access", nil))
			form := b.signIn(t, "wang").form()
			form.Set("decision", "allow")
			a := h.post(t, "/oauth/token", redeem("chart", b.post(t, "/oauth/consent", form).location.Query().Get("code")))
			b.post(t, "/oauth/sign-out", url.Values{})
			next := h.post(t, "/oauth/token", refresh(a.text("refresh_token")))
			same(t, "SMART-111 token_type", strings.ToLower(next.text("token_type")), "bearer")
			same(t, "signed out", next.status, 200)
		})
		t.Run("SMART-123 attack 18 a scope to update is none to create", func(t *testing.T) {
			query := "Observation?identifier=urn:x|" + unique()
			create := h.tokens(t, "chart", "launch/patient patient/Observation.c", h.a).text("access_token")
			same(t, "PUT with c", h.status(t, create, "PUT", query, observation(h.a, "exam")), 403)
			same(t, "twin: POST with c", h.status(t, create, "POST", "Observation", observation(h.a, "exam")), 201)
			both := h.tokens(t, "chart", "launch/patient patient/Observation.cus", h.a).text("access_token")
			same(t, "twin: PUT with cus", h.status(t, both, "PUT", query, observation(h.a, "exam")), 201)
		})
		t.Run("SMART-144 a wildcard is about every type", func(t *testing.T) {
			token := h.tokens(t, "chart", "user/*.rs", "").text("access_token")
			for _, typ := range []string{"Patient", "Observation", "Device", "Task", "ImagingStudy"} {
				same(t, typ, h.status(t, token, "GET", typ, nil), 200)
			}
		})
	})
}

// encounters: two steps, the patient and then the encounter; one of another patient
// is not taken.
func (h *house) encounters(t *testing.T) {
	encounter := func(patient string) string {
		return h.Create(t, h.token, `{"resourceType":"Encounter","status":"in-progress","class":{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"`+patient+`"}}`)
	}
	mine, others := strings.TrimPrefix(encounter(h.a), "Encounter/"), strings.TrimPrefix(encounter(h.b), "Encounter/")
	chosen := func(id string) any {
		b := h.browser(t)
		b.get(t, h.ask("chart", "launch/encounter launch/patient patient/*.rs", nil))
		form := b.signIn(t, "wang").form()
		form.Set("decision", "allow")
		form.Set("patient", strings.TrimPrefix(h.a, "Patient/"))
		p := b.post(t, "/oauth/consent", form)
		if p.location != nil || !strings.Contains(p.body, mine) || strings.Contains(p.body, others) {
			t.Fatalf("the second step is %d %v %.900s, want the encounters of the patient", p.status, p.location, p.body)
		}
		form = p.form()
		form.Set("decision", "allow")
		form.Set("encounter", id)
		if p = b.post(t, "/oauth/consent", form); p.location == nil {
			return "refused"
		}
		a := h.post(t, "/oauth/token", redeem("chart", p.location.Query().Get("code")))
		same(t, "patient", a.text("patient"), strings.TrimPrefix(h.a, "Patient/"))
		same(t, "scope", a.text("scope"), "launch/encounter launch/patient patient/*.rs")
		return a.body["encounter"]
	}
	same(t, "one of the patient's", chosen(mine), mine)
	same(t, "none", chosen("none"), nil)
	same(t, "another patient's", chosen(others), "refused")
}
