package smart

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tenon/oauth"
	"tenon/server/app"
	"tenon/test/servertest"
)

const brandBase = "http://tenon.test/fhir"

// brandBundle is a hospital with a department, as an operator writes it.
const brandBundle = `{"resourceType":"Bundle","type":"collection","timestamp":"2026-11-01T00:00:00Z","entry":[
	{"fullUrl":"https://h.example/Organization/h","resource":{"resourceType":"Organization","id":"h","meta":{"lastUpdated":"2026-11-01T00:00:00Z"},
		"identifier":[{"system":"urn:ietf:rfc:3986","value":"https://h.example"}],"active":true,"name":"Hospital","telecom":[{"system":"url","value":"https://h.example"}],
		"endpoint":[{"reference":"https://h.example/Endpoint/e"}]}},
	{"fullUrl":"https://h.example/Organization/d","resource":{"resourceType":"Organization","id":"d","identifier":[{"system":"urn:d","value":"1"}],"active":true,"name":"Orthopaedics",
		"partOf":{"reference":"https://h.example/Organization/h"},"endpoint":[{"reference":"https://h.example/Endpoint/e"}]}},
	{"fullUrl":"https://h.example/Endpoint/e","resource":{"resourceType":"Endpoint","id":"e","status":"active","address":"http://tenon.test/fhir",
		"connectionType":{"system":"http://terminology.hl7.org/CodeSystem/endpoint-connection-type","code":"hl7-fhir-rest"}}}]}`

// TestBrands: how patients find the server.
// https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html
func TestBrands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "brands.json")
	if err := os.WriteFile(file, []byte(brandBundle), 0o600); err != nil {
		t.Fatal(err)
	}
	h := servertest.Start(t, app.Config{BaseURL: brandBase, SignIn: app.SignIn{Brands: file}})
	var m struct {
		Bundle     string                         `json:"user_access_brand_bundle"`
		Identifier struct{ System, Value string } `json:"user_access_brand_identifier"`
	}
	if err := json.Unmarshal(h.Expect(t, 200, servertest.Request{Path: "/fhir/.well-known/smart-configuration"}).Body, &m); err != nil {
		t.Fatal(err)
	}
	t.Run("SMART-409 SMART-410 SMART-412 SMART-430 SMART-431 SMART-432 discovery names the bundle and the primary brand in it", func(t *testing.T) {
		same(t, "bundle", m.Bundle, "http://tenon.test/oauth/brands")
		same(t, "value", m.Identifier.Value, "https://h.example")
		same(t, "system", m.Identifier.System, "urn:ietf:rfc:3986")
	})
	path := strings.TrimPrefix(m.Bundle, "http://tenon.test")
	t.Run("SMART-398 SMART-402 SMART-403 SMART-418 SMART-419 SMART-421 SMART-436 it is the operator's, element by element", func(t *testing.T) {
		same(t, "bundle", string(h.Expect(t, 200, servertest.Request{Path: path}).Body), brandBundle)
	})
	t.Run("SMART-400 SMART-423 from any origin, and again only when it has changed", func(t *testing.T) {
		a := h.Expect(t, 200, servertest.Request{Path: path, Header: map[string]string{"Origin": "https://any.example"}})
		same(t, "origin", a.Header.Get("Access-Control-Allow-Origin"), "*")
		same(t, "type", a.Header.Get("Content-Type"), "application/fhir+json")
		same(t, "a weak ETag", strings.HasPrefix(a.Header.Get("ETag"), `W/"`), true)
		h.Expect(t, 304, servertest.Request{Path: path, Header: map[string]string{"If-None-Match": a.Header.Get("ETag")}})
		same(t, "preflight", h.Expect(t, 204, servertest.Request{Method: "OPTIONS", Path: path}).Header.Get("Access-Control-Allow-Origin"), "*")
	})
	for name, change := range map[string][2]string{
		"SMART-396 SMART-417 an endpoint without a brand": {`"endpoint":[{"reference":"https://h.example/Endpoint/e"}]`, `"x":[]`},
		"SMART-398 no time of the last change":            {`"timestamp":"2026-11-01T00:00:00Z",`, ``},
		"SMART-405 another reason for what is absent":     {`"name":"Hospital"`, `"_name":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}`},
		"SMART-412 an identifier that two have":           {`{"system":"urn:d","value":"1"}`, `{"system":"urn:ietf:rfc:3986","value":"https://h.example"}`},
		"SMART-410 an identifier without a value":         {`"value":"https://h.example"`, `"use":"usual"`},
		"an endpoint that is not this server":             {`"address":"http://tenon.test/fhir"`, `"address":"http://other.test/fhir"`},
		"what is no Bundle":                               {`"Bundle"`, `"List"`},
		"something else in it":                            {`"resourceType":"Endpoint"`, `"resourceType":"Patient"`},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			text := strings.ReplaceAll(brandBundle, change[0], change[1])
			if _, err := oauth.ReadBrands([]byte(text), brandBase); err == nil || text == brandBundle {
				t.Error("it is taken")
			}
		})
	}
	if _, err := oauth.ReadBrands([]byte(strings.ReplaceAll(brandBundle, `"name":"Hospital"`, `"_name":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"asked-unknown"}]}`)), brandBase); err != nil {
		t.Errorf("SMART-405 twin: asked-unknown: %v", err)
	}
}

// FuzzBrands: whatever an operator's file holds is judged without a panic.
func FuzzBrands(f *testing.F) {
	f.Add([]byte(brandBundle))
	f.Fuzz(func(t *testing.T, body []byte) { _, _ = oauth.ReadBrands(body, brandBase) })
}
