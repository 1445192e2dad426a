package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	writing "tenon/server/record"
	"tenon/test/servertest"
)

// The rows of clauses 4.1.6, 5.4 and 5.5 that hold for a whole case, on one case
// for each engine: who reads it at any time, and what state secrets ask for.
func TestPlatformRows(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		s.strangers()
		s.readable(t, "S11 at work")
		t.Run("R001-149 the regulator searches and reads, and writes nothing", func(t *testing.T) { s.regulated(t) })
		t.Run("R000-003 stage, owner, due date and overdue of a case", func(t *testing.T) { s.monitored(t) })
		s.reconciled(t)
		_, samples := s.stage("S12")
		received := `[{"op":"replace","path":"/status","value":"received"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"received"}]}},{"op":"add","path":"/owner","value":{"reference":"PractitionerRole/prod-zhou"}}]`
		if state, _ := s.stage("S12"); state == "handed-over" {
			s.do(200, "prod-zhou", "PATCH", samples, received)
			s.readable(t, "S12 received")
		}
		model := "DocumentReference/" + s.first("DocumentReference?type=urn:tenon:document|design-model")["id"].(string)
		x := s.do(201, "des-zhang", "POST", "Task", s.change("des-zhang", "design-parameter", "S08", model)).Ref()
		s.in("S11", "change-pending")
		s.readable(t, "S11 on hold")
		s.do(200, "clin-wang", "PATCH", x, decline)
		t.Run("R001-032 state secrets", func(t *testing.T) { s.secret(t) })
		s.signs("clin-wang", "CLIN", "cancel", s.root)
		s.signs("mfr-xu", "MFR", "cancel", s.root)
		s.do(200, "clin-wang", "PATCH", s.root, `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"no need any more"}}]`)
		s.readable(t, "closed")
	})
}

// strangers gives the scene a regulator, and people of other organisations.
func (s *scene) strangers() {
	s.t.Helper()
	var ops []writing.Op
	for id, kind := range map[string]string{
		"clinic": `"urn:tenon:side","code":"hospital"`, "rival": `"urn:tenon:side","code":"manufacturer"`, "authority": `"http://terminology.hl7.org/CodeSystem/organization-type","code":"govt"`,
	} {
		ops = append(ops, writing.Op{Method: "PUT", Type: "Organization", ID: id, Body: fmt.Appendf(nil,
			`{"resourceType":"Organization","id":%q,"active":true,"name":%q,"address":[{"country":"CN"}],"type":[{"coding":[{"system":%s}]}]}`, id, id, kind)})
	}
	if _, err := s.App.Recorder.Submit(s.t.Context(), theOperator, &writing.Draft{Door: "cli", Operation: "update", Ops: ops}); err != nil {
		s.t.Fatal(err)
	}
	s.employ("reg-gao", "gao", "authority", "REG")
	s.employ("clin-far", "far", "clinic", "CLIN")
	s.employ("des-rival", "rival", "rival", "DES")
}

// readable holds that each member of the case and the regulator read its record,
// and that others find nothing of it.
func (s *scene) readable(t *testing.T, state string) {
	record := []string{s.root, s.root + "/$case", s.root + "/_history", s.order, "Task?part-of=" + s.root, "DocumentReference?case=" + s.root}
	for _, who := range []string{"clin-wang", "hosp-chen", "img-li", "agent-sun", "des-zhang", "rev-huang", "prod-zhou", "qa-wu", "mfr-xu", "log-ma", "reg-gao"} {
		t.Run("R001-149 "+state+": "+who+" reads", func(t *testing.T) {
			for _, path := range record {
				a := s.Send(t, servertest.Request{Token: s.token(who), Path: "/fhir/" + path})
				if a.Status != 200 || strings.Contains(path, "?") && !strings.Contains(string(a.Body), `"entry"`) {
					t.Errorf("GET %s = %d %.300s, want the record", path, a.Status, a.Body)
				}
			}
		})
	}
	for _, who := range []string{"clin-far", "des-rival"} {
		t.Run("R001-149 "+state+": "+who+" finds nothing", func(t *testing.T) {
			for _, path := range record {
				a := s.Send(t, servertest.Request{Token: s.token(who), Path: "/fhir/" + path})
				if found := strings.Contains(string(a.Body), `"entry"`); strings.Contains(path, "?") && found || !strings.Contains(path, "?") && a.Status != 404 {
					t.Errorf("GET %s = %d %.300s, want nothing", path, a.Status, a.Body)
				}
			}
		})
	}
}

// regulated holds what a regulator may: search and read all, write nothing.
func (s *scene) regulated(t *testing.T) {
	reg := s.token("reg-gao")
	for _, q := range []string{
		"Task?part-of:missing=true&owner=Organization/hospital", "DeviceRequest?performer=Organization/maker", "Task?authored-on=ge2020-01-01&part-of:missing=true",
		"DeviceRequest?case=" + s.root,
	} {
		a := s.Expect(t, 200, servertest.Request{Token: reg, Path: "/fhir/" + q})
		if !strings.Contains(string(a.Body), `"entry"`) {
			t.Errorf("%s finds nothing: %.300s", q, a.Body)
		}
	}
	if a := s.Send(t, servertest.Request{Token: reg, Path: "/fhir/" + s.root + "/$dossier"}); a.Status != 200 {
		t.Errorf("the dossier = %d %.300s, want the evidence", a.Status, a.Body)
	}
	for _, q := range [][3]string{
		{"POST", "Observation", `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"` + s.patient + `"}}`},
		{"DELETE", s.order, ""}, {"POST", s.root + "/$meta-add", `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"tag":[{"system":"urn:x","code":"y"}]}}]}`},
	} {
		if a := s.Send(t, servertest.Request{Token: reg, Method: q[0], Path: "/fhir/" + q[1], Body: []byte(q[2])}); a.Status != 403 {
			t.Errorf("%s %s = %d %.300s, want 403", q[0], q[1], a.Status, a.Body)
		}
	}
}

// secret puts the label of state secrets on the case, and brings the licences.
func (s *scene) secret(t *testing.T) {
	s.do(200, "clin-wang", "POST", s.root+"/$meta-add", `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"security":[{"system":"urn:tenon:secrecy","code":"state-secret"}]}}]}`)
	condition := fmt.Sprintf(`{"resourceType":"Condition","subject":{"reference":%q},"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}]}`, s.patient, s.root)
	_, production := s.stage("S11")
	sign := `{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"cancel"},{"name":"secret","valueString":"secret of clin-wang"}]}`
	for _, q := range [][4]string{
		{"clin-wang", "POST", "Condition", condition},
		{"prod-zhou", "PATCH", production, `[{"op":"add","path":"/note","value":[{"text":"x"}]}]`},
		{"clin-wang", "PATCH", s.patient, `[{"op":"add","path":"/maritalStatus","value":{"text":"x"}}]`},
		{"clin-wang", "POST", s.root + "/$sign", sign},
		{"clin-wang", "POST", s.root + "/$meta-delete", `{"resourceType":"Parameters","parameter":[{"name":"meta","valueMeta":{"security":[{"system":"urn:tenon:secrecy","code":"state-secret"}]}}]}`},
	} {
		s.refused(409, "secrecy-l", "R001-032", q[0], q[1], q[2], q[3])
	}
	s.licence(t, "clin-wang", "Organization/hospital")
	s.refused(409, "secrecy-licence", "R001-032", "clin-wang", "POST", "Condition", condition)
	s.licence(t, "mfr-xu", "Organization/maker")
	s.do(201, "clin-wang", "POST", "Condition", condition)
	if all := s.revision(); !slices.ContainsFunc(all, func(m string) bool { return strings.HasPrefix(m, "Condition/") }) {
		t.Errorf("with the licences on file nothing joined: %v", all)
	}
}

// licence brings the secrecy licence of a party, with its file.
func (s *scene) licence(t *testing.T, who, party string) {
	t.Helper()
	file := s.do(201, who, "POST", "Binary", `{"resourceType":"Binary","contentType":"text/plain","data":"eA=="}`).Ref()
	s.do(201, who, "POST", "DocumentReference", fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current","masterIdentifier":{"value":"BM-1"},
		"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],"type":{"coding":[{"system":"urn:tenon:evidence","code":"secrecy-licence"}]},
		"authenticator":{"display":"保密行政管理部门"},"custodian":{"reference":%q},"context":{"period":{"start":"2026-01-01","end":"2031-01-01"}},
		"content":[{"attachment":{"extension":[{"url":"urn:tenon:extension:sha-256","valueString":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}],"contentType":"text/plain","url":%q}}]}`, s.root, party, file))
}

// monitored holds that the state of every stage is told to who is in the case: owner,
// due date and whether it is late, by case and in the worklist.
func (s *scene) monitored(t *testing.T) {
	for _, path := range []string{s.root + "/$case", "Task/$worklist"} {
		told := false
		for name, parts := range eachParameter(t, s.Expect(t, 200, servertest.Request{Token: s.token("prod-zhou"), Path: "/fhir/" + path}).Body) {
			if (name == "stage" || name == "item") && (parts["code"] == "S11" || parts["stage"] == "S11") {
				told = true
				if parts["owner"] != "PractitionerRole/prod-zhou" || parts["due"] == "" || parts["overdue"] != "false" {
					t.Errorf("%s tells of S11 %v, want owner, due and overdue", path, parts)
				}
			}
		}
		if !told {
			t.Errorf("%s tells nothing of S11", path)
		}
		if a := s.Send(t, servertest.Request{Token: s.token("des-rival"), Path: "/fhir/" + path}); strings.Contains(string(a.Body), s.root) && a.Status == 200 {
			t.Errorf("%s tells a stranger of the case: %.300s", path, a.Body)
		}
	}
}
