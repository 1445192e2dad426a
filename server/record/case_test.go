package record_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/profiles"
	"tenon/server/access"
	"tenon/server/record"
)

// opened is a server with the sample people and one open implant case.
func opened(t *testing.T) (s *server, patient, root string) {
	t.Helper()
	s = newServer(t)
	for _, body := range profiles.Definitions() {
		id := between(string(body), `"id": "`, `"`)
		if id == "" {
			id = between(string(body), `"id":"`, `"`)
		}
		typ := between(string(body), `"resourceType": "`, `"`)
		if typ == "" {
			typ = between(string(body), `"resourceType":"`, `"`)
		}
		if typ == "StructureDefinition" {
			continue // this server has no base library to make a snapshot of
		}
		s.must(serverOf(""), put(typ, id, string(body)))
	}
	for i, bundle := range profiles.Sample() {
		if _, err := s.Transaction(t.Context(), serverOf(profiles.SampleOwner(i)), bundle, record.Bundled{}); err != nil {
			t.Fatal(err)
		}
	}
	patient = "Patient/" + s.must(wang, post(`{"resourceType":"Patient","name":[{"text":"张三"}],"gender":"male"}`)).ID
	res, err := s.Apply(t.Context(), wang, "implant", []byte(`{"resourceType":"Parameters","parameter":[
	 {"name":"subject","valueReference":{"reference":"`+patient+`"}},{"name":"case-number","valueString":"C-1"},
	 {"name":"retained-samples","valueInteger":3},{"name":"followup-visits","valueInteger":2},
	 {"name":"followup-duration","valueDuration":{"value":1,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
	 {"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s, patient, res.Version.ID
}

func between(s, from, to string) string {
	_, rest, ok := strings.Cut(s, from)
	if !ok {
		return ""
	}
	part, _, _ := strings.Cut(rest, to)
	return part
}

func serverOf(organization string) *access.Context {
	return &access.Context{Tenant: "main", Kind: access.Server, Principal: "server", Organization: organization}
}

var (
	wang = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Hospital, Principal: "PractitionerRole/clin-wang",
		Person: "Practitioner/clin-wang", Organization: "Organization/hospital", Roles: []access.Role{access.CLIN}}
	zhang = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Manufacturer, Principal: "PractitionerRole/des-zhang",
		Person: "Practitioner/des-zhang", Organization: "Organization/maker", Roles: []access.Role{access.DES}}
)

func TestJoining(t *testing.T) {
	s, patient, root := opened(t)
	member := func(ref string) bool {
		typ, id, _ := strings.Cut(ref, "/")
		in, err := s.store.CasesOf(t.Context(), typ, id)
		if err != nil {
			t.Fatal(err)
		}
		return len(in) == 1 && in[0] == root
	}
	ext := `"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"Task/` + root + `"}}]`
	t.Run("the patient is a member", func(t *testing.T) {
		if !member(patient) {
			t.Error("the patient of the case is no member")
		}
	})
	t.Run("R001-215 a problem of a device joins the cases of the device", func(t *testing.T) {
		device := s.must(wang, post(`{"resourceType":"Device",`+ext+`,"status":"active","patient":{"reference":"`+patient+`"}}`))
		issue := s.must(wang, post(`{"resourceType":"DetectedIssue","status":"preliminary","implicated":[{"reference":"Device/`+device.ID+`"}]}`))
		if !member("DetectedIssue/" + issue.ID) {
			t.Error("the problem is in no case")
		}
		event := s.must(wang, post(`{"resourceType":"AdverseEvent","actuality":"actual","subject":{"reference":"`+patient+`"},"suspectEntity":[{"instance":{"reference":"Device/`+device.ID+`"}}]}`))
		if !member("AdverseEvent/" + event.ID) {
			t.Error("the event is in no case")
		}
		machine := s.must(wang, post(`{"resourceType":"DetectedIssue","status":"preliminary","implicated":[{"reference":"Device/printer"}]}`))
		if in, err := s.store.CasesOf(t.Context(), "DetectedIssue", machine.ID); err != nil || len(in) != 0 {
			t.Errorf("a problem of a machine is in %v, %v; want in none", in, err)
		}
	})
	t.Run("R001-166 what is about another patient cannot join", func(t *testing.T) {
		other := s.must(wang, post(`{"resourceType":"Patient"}`))
		_, f := s.do(wang, post(`{"resourceType":"Condition",`+ext+`,"subject":{"reference":"Patient/`+other.ID+`"}}`))
		if status(f) != 422 || rule(f) != "other-patient" {
			t.Errorf("joining = %v, want 422 other-patient", f)
		}
	})
	t.Run("who is not in the case cannot write into it", func(t *testing.T) {
		_, f := s.do(zhang, post(`{"resourceType":"Communication","status":"completed",`+ext+`}`))
		if status(f) != 404 {
			t.Errorf("a designer before disclosure joins the case: %v, want 404", f)
		}
	})
	t.Run("a document brings its file", func(t *testing.T) {
		bin := s.must(wang, post(`{"resourceType":"Binary","contentType":"text/plain","data":"eA=="}`))
		doc := s.must(wang, post(`{"resourceType":"DocumentReference","status":"current",`+ext+`,"subject":{"reference":"`+patient+
			`"},"content":[{"attachment":{"contentType":"text/plain","url":"Binary/`+bin.ID+`"}}]}`))
		if !member("DocumentReference/"+doc.ID) || !member("Binary/"+bin.ID) {
			t.Error("the document or its Binary did not join")
		}
	})
	t.Run("R001-044 a member is never deleted", func(t *testing.T) {
		c := s.must(wang, post(`{"resourceType":"Condition",`+ext+`,"subject":{"reference":"`+patient+`"}}`))
		_, f := s.do(wang, record.Op{Method: "DELETE", Type: "Condition", ID: c.ID})
		if status(f) != 409 || rule(f) != "case-member-delete" {
			t.Errorf("delete = %v, want 409 case-member-delete", f)
		}
	})
	t.Run("one who shares a member is not kept from writing it by a case of others", func(t *testing.T) {
		device := s.must(zhang, post(`{"resourceType":"Device","status":"active"}`))
		_ = s.must(serverOf(""), put("Device", device.ID, `{"resourceType":"Device","id":"`+device.ID+`",`+ext+`,"status":"active"}`))
		if _, f := s.do(zhang, put("Device", device.ID, fmt.Sprintf(`{"resourceType":"Device","id":%q,%s,"status":"inactive"}`, device.ID, ext))); f != nil {
			t.Errorf("update by the owner = %v, want it written", f)
		}
	})
	t.Run("R001-055 a colleague outside the case reads nothing of it, though the organisation owns it", func(t *testing.T) {
		design := s.must(serverOf("Organization/maker"), post(`{"resourceType":"DocumentReference",`+ext+`,"status":"current","subject":{"reference":"`+patient+`"},"content":[{"attachment":{"title":"design"}}]}`))
		if _, err := s.Read(t.Context(), zhang, "DocumentReference", design.ID); status(issue.As(err)) != 404 {
			t.Errorf("read = %v, want 404", err)
		}
		_, f := s.do(zhang, record.Op{Method: "PATCH", Type: "DocumentReference", ID: design.ID, Body: []byte(`[{"op":"add","path":"/description","value":"x"}]`)})
		if status(f) != 404 {
			t.Errorf("patch = %v, want 404", f)
		}
		page, _, err := s.Search(t.Context(), zhang, "DocumentReference", nil, true)
		if err != nil || len(page.Hits) != 0 {
			t.Errorf("search = %d hits, %v; want none", len(page.Hits), err)
		}
		own := s.must(zhang, post(`{"resourceType":"DocumentReference","status":"current","content":[{"attachment":{"title":"template"}}]}`))
		if _, err := s.Read(t.Context(), zhang, "DocumentReference", own.ID); err != nil {
			t.Errorf("read of what is in no case = %v, want it", err)
		}
		if _, err := s.Read(t.Context(), zhang, "Device", "printer"); err != nil {
			t.Errorf("read of the shared machine = %v, want it", err)
		}
	})
}
