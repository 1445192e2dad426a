package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tenon/oauth"
	"tenon/test/servertest"
)

// pact is an agreement that two parties make, with the channels that it names.
type pact struct {
	h        *house
	contract string
	body     map[string]any
}

// channel is an extension exchange-endpoint.
func channel(party, endpoint, purpose string) any {
	return map[string]any{"url": "urn:tenon:extension:exchange-endpoint", "extension": []any{
		map[string]any{"url": "party", "valueReference": map[string]any{"reference": "Organization/" + party}},
		map[string]any{"url": "endpoint", "valueReference": map[string]any{"reference": "Endpoint/" + endpoint}},
		map[string]any{"url": "purpose", "valueCode": purpose},
	}}
}

// drafts opens the case of an agreement that names channels; nobody has signed it.
func (h *house) drafts(number string, channels ...any) *pact {
	h.t.Helper()
	for _, id := range []string{"hosp-chen", "mfr-xu"} {
		if err := h.App.IssueSigner(h.t.Context(), "PractitionerRole/"+id, "secret of "+id); err != nil {
			h.t.Fatal(err)
		}
	}
	hosp := h.as("hosp-chen")
	root := h.Expect(h.t, 201, servertest.Request{Token: hosp, Method: "POST", Path: "/fhir/PlanDefinition/agreement/$apply",
		Body: fmt.Appendf(nil, `{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":%q}]}`, number)}).Ref()
	task := h.stageOf(root, "S05")
	for _, state := range []string{"received", "accepted", "working"} {
		h.Expect(h.t, 200, moves(state).q(&cases{hosp: hosp, task: task}))
	}
	p := &pact{h: h}
	if err := json.Unmarshal(agreement(number), &p.body); err != nil {
		h.t.Fatal(err)
	}
	for _, term := range p.body["term"].([]any) {
		if term := term.(map[string]any); strings.Contains(fmt.Sprint(term["topicCodeableConcept"]), "platform") {
			term["extension"] = channels
		}
	}
	p.contract = h.Create(h.t, hosp, p.text())
	h.Expect(h.t, 200, patches(hosp, task, fmt.Sprintf(`[{"op":"add","path":"/output","value":[{"type":{"coding":[{"system":"urn:tenon:document","code":"agreement"}]},"valueReference":{"reference":%q}}]}]`, p.contract)))
	return p
}

func (p *pact) text() string {
	b, err := json.Marshal(p.body)
	if err != nil {
		p.h.t.Fatal(err)
	}
	return string(b)
}

// changes writes the agreement anew, with another value of one member.
func (p *pact) changes(name string, value any) {
	p.h.t.Helper()
	p.body[name], p.body["id"] = value, strings.TrimPrefix(p.contract, "Contract/")
	p.h.writes(200, "", "hosp-chen", "PUT", p.contract, p.text())
}

// signs lets people sign what stands.
func (p *pact) signs(who ...string) {
	p.h.t.Helper()
	for _, id := range who {
		p.h.Expect(p.h.t, 201, signs(func(*cases) string { return p.h.as(id) }, id, map[string]string{"hosp-chen": "HOSP", "mfr-xu": "MFR"}[id], "agreement", contractOf).q(&cases{contract: p.contract}))
	}
}

// agreed walks an agreement to its signatures: only the one that both parties signed
// as it is, and that is in force, makes its Endpoints channels. try asks for the
// channel and names the rule that refuses it, "" for none.
func (p *pact) agreed(t *testing.T, try func(t *testing.T, rule string)) {
	t.Helper()
	const rule = "exchange-agreement"
	period := p.body["applies"]
	for _, step := range []struct {
		name string
		take func()
		rule string
	}{
		{"nobody signed", func() {}, rule},
		{"one party signed", func() { p.signs("hosp-chen") }, rule},
		{"both signed", func() { p.signs("mfr-xu") }, ""},
		{"changed after it was signed", func() { p.changes("title", "a better agreement") }, rule},
		{"of another time", func() {
			p.changes("applies", map[string]any{"start": "2020-01-01", "end": time.Now().AddDate(0, 0, -2).Format(time.DateOnly)})
			p.signs("hosp-chen", "mfr-xu")
		}, rule},
		{"signed anew, in force", func() { p.changes("applies", period); p.signs("mfr-xu", "hosp-chen") }, ""},
	} {
		t.Run("R001-148 the agreement: "+step.name, func(t *testing.T) {
			step.take()
			try(t, step.rule)
		})
	}
}

// TestBackendChannel: a backend comes in through an Endpoint of its organisation that
// bears its client's id and that an agreement in force names as inbound; through no
// other.
func TestBackendChannel(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, database string) {
		h := &house{servertest.Start(t, channelled(database)), t}
		bulk, other := h.backend("bulk", "Organization/hospital"), h.backend("other", "Organization/hospital")
		foreign := h.backend("foreign", "Organization/maker")
		asks := func(t *testing.T, token, rule string) {
			t.Helper()
			status := 200
			if rule != "" {
				status = 403
			}
			a := h.Expect(t, status, servertest.Request{Token: token, Path: "/fhir/Patient"})
			if body := string(a.Body); rule != "" && (!strings.Contains(body, rule) || !strings.Contains(body, "R001-148")) {
				t.Errorf("GET Patient = %.400s, want %s", body, rule)
			}
		}
		h.operates("Endpoint", "registry", endpointOf("registry", "active", "hospital", "https://registry.example/", "bulk"))
		h.operates("Endpoint", "spare", endpointOf("spare", "active", "hospital", "https://spare.example/", "other"))
		h.operates("Endpoint", "posing", endpointOf("posing", "active", "hospital", "https://posing.example/", "foreign"))
		t.Run("R001-148 no agreement", func(t *testing.T) { asks(t, bulk, "exchange-agreement") })
		p := h.drafts("A-IN", channel("hospital", "registry", "inbound"), channel("hospital", "spare", "outbound"), channel("hospital", "posing", "inbound"))
		p.agreed(t, func(t *testing.T, rule string) { asks(t, bulk, rule) })
		t.Run("R001-148 named for another purpose", func(t *testing.T) { asks(t, other, "exchange-agreement") })
		t.Run("R001-148 a client of another party", func(t *testing.T) { asks(t, foreign, "exchange-agreement") })
		t.Run("R001-148 refusals are audited", func(t *testing.T) {
			if row := h.audited(t, "exchange-agreement", "Organization/maker"); !strings.Contains(row, "client/foreign") {
				t.Errorf("no audit row names the client: %s", row)
			}
		})
		t.Run("R001-148 the Endpoint is off, or another client's", func(t *testing.T) {
			for _, body := range []string{endpointOf("registry", "off", "hospital", "https://registry.example/", "bulk"), endpointOf("registry", "active", "hospital", "https://registry.example/", "bulk2")} {
				h.operates("Endpoint", "registry", body)
				asks(t, bulk, "exchange-agreement")
			}
			h.operates("Endpoint", "registry", endpointOf("registry", "active", "hospital", "https://registry.example/", "bulk"))
			asks(t, bulk, "")
		})
		t.Run("R001-148 people are no channel", func(t *testing.T) { asks(t, h.as("clin-wang"), "") })
	})
}

// endpointOf is an Endpoint of the directory; client is the id of a backend behind it.
func endpointOf(id, status, organisation, address, client string) string {
	return fmt.Sprintf(`{"resourceType":"Endpoint","id":%q,"status":%q,"identifier":[{"system":"urn:tenon:client","value":%q}],"connectionType":{"system":"http://terminology.hl7.org/CodeSystem/endpoint-connection-type","code":"hl7-fhir-rest"},
		"payloadType":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/endpoint-payload-type","code":"any"}]}],"managingOrganization":{"reference":"Organization/%s"},"address":%q}`, id, status, client, organisation, address)
}

// backend registers a backend and gets it a token.
func (h *house) backend(id, principal string) string {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: id}}})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.App.AddApp(h.t.Context(), &oauth.Client{ID: id, Name: id, Method: oauth.MethodKey, Keys: set, Scopes: []string{"system/*.rs"}, Principal: principal}); err != nil {
		h.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES384, Key: key}, &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"typ": "JWT", "kid": id}})
	if err != nil {
		h.t.Fatal(err)
	}
	claims, _ := json.Marshal(map[string]any{"iss": id, "sub": id, "aud": h.URL + "/oauth/token", "exp": time.Now().Add(4 * time.Minute).Unix(), "jti": rand.Text()})
	signed, err := signer.Sign(claims)
	if err != nil {
		h.t.Fatal(err)
	}
	assertion, err := signed.CompactSerialize()
	if err != nil {
		h.t.Fatal(err)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"system/*.rs"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}
	a := h.Expect(h.t, 200, servertest.Request{Method: "POST", Path: "/oauth/token", Body: []byte(form.Encode()), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(a.Body, &answer); err != nil || answer.AccessToken == "" {
		h.t.Fatalf("%v: %s", err, a.Body)
	}
	return answer.AccessToken
}
