package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/server/app"
	"tenon/test/servertest"
)

// kept is what $retention says of a case, "" where it says nothing of it.
func (s *signed) kept(t *testing.T, token, query string) string {
	t.Helper()
	a := s.Expect(t, 200, servertest.Request{Token: token, Method: "GET", Path: "/fhir/Task/$retention" + query})
	var p struct {
		Parameter []struct {
			Name string
			Part []map[string]any
		}
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		t.Fatal(err)
	}
	for _, c := range p.Parameter {
		if !strings.Contains(fmt.Sprint(c.Part), s.root) {
			continue
		}
		var out []string
		for _, part := range c.Part[1:] {
			for key, value := range part {
				if key != "name" {
					out = append(out, fmt.Sprintf("%v=%v", part["name"], value))
				}
			}
		}
		return strings.Join(out, " ")
	}
	return ""
}

// TestRetention cancels a case and asks what falls due.
func TestRetention(t *testing.T) {
	t.Parallel()
	s := toSign(t, app.Config{Dev: true})
	issued(t, s.Server, "ES256", "hosp-chen")
	end := time.Now().AddDate(2, 0, 0) // of the contract, as its test says
	custodian := func(organisation string) string {
		return s.Token(t, s.Create(t, "", fmt.Sprintf(`{"resourceType":"PractitionerRole","active":true,"practitioner":{"reference":%q},"organization":{"reference":%q},
			"code":[{"coding":[{"system":"urn:tenon:role","code":"DBA"}]}]}`, s.Create(t, "", `{"resourceType":"Practitioner","active":true}`), organisation)))
	}
	ours, theirs := custodian("Organization/hospital"), custodian("Organization/maker")
	after := "?until=" + end.AddDate(5, 0, 2).Format(time.DateOnly)
	t.Run("R000-015 who may ask", func(t *testing.T) {
		s.Expect(t, 403, servertest.Request{Token: s.hosp, Method: "GET", Path: "/fhir/Task/$retention"})
		for _, bad := range []string{"?until=soon", "?all=perhaps", "?x=1", "?_count=many", "?all=true&all=true"} {
			s.Expect(t, 400, servertest.Request{Token: ours, Method: "GET", Path: "/fhir/Task/$retention" + bad})
		}
	})
	t.Run("R001-166 an open case is told with what keeps it, and never due", func(t *testing.T) {
		if got := s.kept(t, ours, "?all=true"); !strings.Contains(got, "rule=validity") || !strings.Contains(got, "closed=false") || !strings.HasSuffix(got, "due=false") {
			t.Errorf("$retention = %q", got)
		}
		if got := s.kept(t, ours, after); got != "" {
			t.Errorf("due: %q", got)
		}
		if got := s.kept(t, theirs, "?all=true"); got != "" {
			t.Errorf("another's custodian is told: %q", got)
		}
	})
	s.sign(t, 201, s.hosp, s.root, text("role", "HOSP"), text("purpose", "cancel"), text("secret", "secret of hosp-chen"))
	s.Expect(t, 200, patches(s.hosp, s.root, `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"no need any more"}}]`))
	t.Run("R001-166 closed, it falls due five years beyond the validity", func(t *testing.T) {
		if got := s.kept(t, ours, "?until="+end.AddDate(4, 11, 0).Format(time.DateOnly)); got != "" {
			t.Errorf("due before: %q", got)
		}
		if got := s.kept(t, ours, after); !strings.Contains(got, "until="+end.AddDate(5, 0, 0).Format("2006")) || !strings.Contains(got, s.contract) || !strings.HasSuffix(got, "due=true") {
			t.Errorf("$retention = %q", got)
		}
		if got := s.kept(t, "", after); got == "" {
			t.Error("the operator is not told")
		}
	})
	t.Run("R000-015 a legal hold keeps it", func(t *testing.T) {
		body := s.Expect(t, 200, servertest.Request{Token: s.hosp, Method: "POST", Path: "/fhir/" + s.contract + "/$meta-add",
			Body: []byte(`{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:tenon:hold","code":"legal-hold"}]}}]}`)})
		if got := s.kept(t, ours, after); got != "" {
			t.Errorf("due under a hold: %q %s", got, body.Body)
		}
		if got := s.kept(t, ours, after+"&all=true"); !strings.Contains(got, "hold=true") {
			t.Errorf("$retention = %q", got)
		}
	})
	t.Run("R001-166 a member is neither deleted nor erased", func(t *testing.T) {
		s.Expect(t, 409, servertest.Request{Token: s.hosp, Method: "DELETE", Path: "/fhir/" + s.contract})
	})
}
