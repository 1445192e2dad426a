package test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
	"tenon/test/standin"
)

// The exception flows of mission/stages.md §4 by raw requests, on both engines:
// states, Tasks, messages to the MES and audit, and a refused step changes nothing.

func (s *scene) change(who, kind, stage, document string) string {
	return s.filed(who, "X1", fmt.Sprintf(`"reasonCode":{"coding":[{"system":"urn:tenon:change-kind","code":%q}],"text":"a thinner rim"},"input":%s`, kind,
		outputsOf("stage", "valueCode", stage, "document", "valueReference", document)))
}

func TestChangeFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		model := "DocumentReference/" + s.first("DocumentReference?type=urn:tenon:document|design-model")["id"].(string)
		t.Run("R001-134 a change without its path", func(t *testing.T) {
			s.refused(422, "change-path", "R001-134", "des-zhang", "POST", "Task", s.filed("des-zhang", "X1", `"reasonCode":{"coding":[{"system":"urn:tenon:change-kind","code":"design-parameter"}],"text":"x"}`))
		})
		x := s.do(201, "des-zhang", "POST", "Task", s.change("des-zhang", "design-parameter", "S08", model)).Ref()
		s.in("S11", "change-pending")
		s.control("hold", "")
		s.told("change")
		_, production := s.stage("S11")
		t.Run("R001-135 nothing moves while the change is open", func(t *testing.T) {
			s.refused(409, "change-open", "R001-135", "prod-zhou", "PATCH", production,
				`[{"op":"replace","path":"/status","value":"in-progress"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"working"}]}}]`)
		})
		t.Run("R001-135 each signature is needed", func(t *testing.T) {
			for _, by := range [][2]string{{"clin-wang", "CLIN"}, {"des-zhang", "DES"}, {"prod-zhou", "PROD"}} {
				s.refused(422, "change-signed-"+by[1], "R001-135", "clin-wang", "PATCH", x, complete)
				s.signs(by[0], by[1], "change", x)
			}
		})
		t.Run("R001-135 the machine may still print", func(t *testing.T) {
			s.refused(409, "job-stopped", "R001-135", "clin-wang", "PATCH", x, complete)
		})
		control := s.first("Task?code=urn:tenon:job-control|hold&status=requested")["id"].(string)
		s.signs("prod-zhou", "PROD", "job-stopped", "Task/"+control)
		s.do(200, "clin-wang", "PATCH", x, complete)
		s.control("cancel", "cancelled")
		s.in("S08", "handed-over")
		if _, task := s.stage("S08"); s.first("Task?_id=" + strings.TrimPrefix(task, "Task/"))["reasonReference"].(map[string]any)["reference"] != x {
			t.Errorf("R001-135 S08 is not opened anew because of %s", x)
		}
		s.refused(409, "exception-closed", "R001-035", "clin-wang", "PATCH", x, decline)
	})
}

func TestStopFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		consent := "Consent/" + s.first("Consent")["id"].(string)
		s.do(200, "clin-wang", "PATCH", consent, `[{"op":"replace","path":"/status","value":"inactive"}]`)
		s.control("hold", "stopped")
		s.in("S11", "change-pending")
		x := s.exception("stop", "in-progress")
		s.told("stop")
		t.Run("R001-036 the hospital decides, and signs", func(t *testing.T) {
			s.refused(422, "case-ending-signed-HOSP", "R001-036", "hosp-chen", "PATCH", x, complete)
		})
		s.do(200, "hosp-chen", "PATCH", x, brings("disposition", "valueCode", "destroy"))
		s.signs("hosp-chen", "HOSP", "case-ending", x)
		s.do(200, "hosp-chen", "PATCH", x, complete)
		s.control("cancel", "cancelled")
		if root := s.first("Task?_id=" + strings.TrimPrefix(s.root, "Task/")); root["status"] != "cancelled" {
			t.Errorf("R001-036 the case is %v, want cancelled", root["status"])
		}
		t.Run("R001-218 a case that was cancelled is followed by a new one", func(t *testing.T) { s.demands(t, 201, "") })
	})
}

// demands opens a new case with prior-request.
func (s *scene) demands(t *testing.T, status int, rule string) *servertest.Answer {
	t.Helper()
	a := s.do(status, "clin-wang", "POST", "PlanDefinition/implant/$apply", fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"N-%d"},
		{"name":"prior-request","valueReference":{"reference":%q}},{"name":"image-age","valueDuration":{"value":60,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`, time.Now().UnixNano(), s.order))
	if !strings.Contains(string(a.Body), rule) {
		t.Errorf("$apply = %.600s, want %s", a.Body, rule)
	}
	return a
}

// shut expects that nothing comes of a request of somebody whose organisation is
// closed: 401, or for the second that a token is remembered 403.
func (s *scene) shut(who, method, target, body string) {
	s.t.Helper()
	before := s.revision()
	a := s.Send(s.t, servertest.Request{Token: s.token(who), Method: method, Path: "/fhir/" + target, Body: []byte(body), Header: map[string]string{"Content-Type": map[string]string{"PATCH": "application/json-patch+json", "POST": "application/fhir+json"}[method]}})
	if a.Status != 401 && a.Status != 403 || a.Status == 403 && !strings.Contains(string(a.Body), "organisation-closed") {
		s.t.Errorf("%s %s = %d %.400s, want it refused", method, target, a.Status, a.Body)
	}
	if after := s.revision(); !slices.Equal(before, after) {
		s.t.Errorf("somebody of a closed organisation changed the case")
	}
}

func TestClosedAccountFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		active := func(organization string, yes bool) {
			s.directory("Organization", organization, func(b map[string]any) { b["active"] = yes })
		}
		_, production := s.stage("S11")
		_ = s.token("prod-zhou")
		active("maker", false)
		var hold standin.Control
		select {
		case hold = <-s.mes.Controls():
		case <-time.After(time.Minute):
			t.Fatal("the MES is not told to hold")
		}
		s.told("account")
		answer := s.mes.Answer(hold, "stopped", time.Now())
		t.Run("R001-009 a hold is answered by nobody of a closed organisation, its machine neither: it may still print", func(t *testing.T) {
			before := s.revision()
			if status, body, err := s.mes.Send(t.Context(), answer); err != nil || status < 400 || status > 499 {
				t.Errorf("the answer of a closed manufacturer's MES = %d %s %v, want it refused", status, body, err)
			}
			s.shut("prod-zhou", "POST", "Task/"+s.first("Task?code=urn:tenon:job-control|hold")["id"].(string)+"/$sign", `{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"PROD"},{"name":"purpose","valueCode":"job-stopped"},{"name":"secret","valueString":"secret of prod-zhou"}]}`)
			if after := s.revision(); !slices.Equal(before, after) {
				t.Errorf("the answer changed the case")
			}
			if c := s.first("Task?code=urn:tenon:job-control|hold"); c["status"] != "requested" {
				t.Errorf("the hold is %v, want it unanswered", c["status"])
			}
		})
		s.in("S11", "change-pending")
		t.Run("R001-009 nobody of a closed organisation acts", func(t *testing.T) {
			s.shut("prod-zhou", "PATCH", production, `[{"op":"replace","path":"/status","value":"in-progress"}]`)
		})
		active("maker", true)
		s.control("resume", "resumed")
		s.in("S11", "working")
		active("maker", false)
		s.control("hold", "")
		t.Run("R001-009 R001-218 handed over: the case is cancelled without the closed manufacturer, and followed by a new one", func(t *testing.T) {
			cancel := `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"the manufacturer closed"}}]`
			s.refused(422, "cancel-signed-CLIN", "R001-035", "clin-wang", "PATCH", s.root, cancel)
			s.signs("clin-wang", "CLIN", "cancel", s.root)
			s.do(200, "clin-wang", "PATCH", s.root, cancel)
			s.control("cancel", "")
			s.demands(t, 201, `"basedOn"`)
		})
		active("hospital", false)
		s.rests()
		t.Run("R001-009 a closed hospital opens no case", func(t *testing.T) {
			s.shut("clin-wang", "POST", "PlanDefinition/implant/$apply", `{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"shut"}]}`)
		})
	})
}

func TestNonconformityFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S15", func(t *testing.T, s *scene) {
		problem := s.do(201, "clin-wang", "POST", "DetectedIssue", fmt.Sprintf(`{"resourceType":"DetectedIssue","status":"preliminary","patient":{"reference":%q},"implicated":[{"reference":%q}],"detail":"a crack"}`, s.patient, s.device)).Ref()
		if d := s.first("Device?_id=" + strings.TrimPrefix(s.device, "Device/")); d["status"] != "inactive" {
			t.Errorf("R001-215 the device is %v, want inactive", d["status"])
		}
		notice := "Communication/" + s.told("nonconformity")["id"].(string)
		x := s.exception("X2", "in-progress")
		t.Run("R001-215 nobody makes the device active by hand", func(t *testing.T) {
			s.refused(409, "device-quarantined", "R001-215", "clin-wang", "PATCH", s.device, `[{"op":"replace","path":"/status","value":"active"}]`)
		})
		t.Run("R001-215 stages behind it rest", func(t *testing.T) {
			_, task := s.stage("S15")
			s.refused(409, "nonconformity-open", "R001-215", "clin-wang", "PATCH", task, `[{"op":"replace","path":"/status","value":"received"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"received"}]}},{"op":"add","path":"/owner","value":{"reference":"PractitionerRole/clin-wang"}}]`)
		})
		t.Run("R001-218 a new demand waits for it", func(t *testing.T) { s.demands(t, 409, "prior-unsettled") })
		t.Run("R001-216 both acknowledge", func(t *testing.T) {
			s.refused(422, "nonconformity-acknowledged-DES", "R001-216", "clin-wang", "PATCH", x, complete)
			s.signs("des-zhang", "DES", "acknowledgement", notice)
			s.signs("prod-zhou", "PROD", "acknowledgement", notice)
		})
		s.do(200, "qa-wu", "PATCH", x, brings("cause", "valueString", "a pore", "disposition", "valueCode", "rework"))
		s.signs("clin-wang", "CLIN", "nonconformity-closing", x)
		s.refused(422, "nonconformity-closing-signed-QA", "R001-215", "clin-wang", "PATCH", x, complete)
		s.signs("qa-wu", "QA", "nonconformity-closing", x)
		s.do(200, "clin-wang", "PATCH", x, complete)
		s.in("S15", "handed-over")
		if d := s.first("Device?_id=" + strings.TrimPrefix(s.device, "Device/")); d["status"] != "active" {
			t.Errorf("R001-215 the device is %v after rework, want active", d["status"])
		}
		if p := s.first("DetectedIssue?_id=" + strings.TrimPrefix(problem, "DetectedIssue/")); p["status"] != "final" {
			t.Errorf("R001-215 the problem is %v, want final", p["status"])
		}
	})
}

func TestWithdrawalFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S15", func(t *testing.T, s *scene) {
		x := s.do(201, "clin-wang", "POST", "Task", s.filed("clin-wang", "X3", fmt.Sprintf(`"focus":{"reference":%q},"reasonCode":{"text":"operation cancelled"}`, s.device))).Ref()
		t.Run("R001-152 with evidence and both signatures", func(t *testing.T) {
			for _, rule := range []string{"withdrawal-evidence", "withdrawal-disposition", "withdrawal-signed-QA"} {
				s.refused(422, rule, "R001-152", "clin-wang", "PATCH", x, complete)
			}
		})
		label := "DocumentReference/" + s.first("DocumentReference?type=urn:tenon:document|label")["id"].(string)
		s.do(200, "qa-wu", "PATCH", x, brings("disposition", "valueCode", "destroy", "evidence", "valueReference", label))
		s.signs("clin-wang", "CLIN", "withdrawal", x)
		s.signs("qa-wu", "QA", "withdrawal", x)
		s.do(200, "clin-wang", "PATCH", x, complete)
		t.Run("R001-152 never used again", func(t *testing.T) {
			s.refused(409, "device-ended", "R001-152", "clin-wang", "PATCH", s.device, `[{"op":"replace","path":"/status","value":"active"}]`)
			s.refused(409, "G-USE", "R001-15", "clin-wang", "POST", "Procedure", fmt.Sprintf(`{"resourceType":"Procedure","status":"completed","subject":{"reference":%q},"performedDateTime":%q,"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],"focalDevice":[{"manipulated":{"reference":%q}}]}`,
				s.patient, time.Now().UTC().Format(time.RFC3339), s.root, s.device))
		})
		t.Run("R001-218 the patient wants another one: a new case that takes the agreed figures over", func(t *testing.T) {
			root := s.demands(t, 201, `"basedOn":[{"reference":"`+s.order+`"}]`)
			if found := s.all("Task?based-on=" + s.order); len(found) != 1 || !strings.HasSuffix(root.Ref(), found[0]["id"].(string)) {
				t.Errorf("the new case is not found by its earlier order: %v", found)
			}
			if cases, err := s.App.Store.CasesOf(t.Context(), "DeviceRequest", strings.TrimPrefix(s.order, "DeviceRequest/")); err != nil || len(cases) != 1 {
				t.Errorf("the earlier order is in %v, %v; want in its own case alone", cases, err)
			}
		})
	})
}

func TestPeopleFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S15", func(t *testing.T, s *scene) {
		t.Run("R001-010 hand-over needs the one who takes over", func(t *testing.T) {
			x := s.do(201, "hosp-chen", "POST", "Task", s.filed("hosp-chen", "handover", `"owner":{"reference":"PractitionerRole/clin-zhao"},"reasonCode":{"text":"another ward"}`)).Ref()
			s.refused(403, "handover-person", "R001-010", "clin-wang", "POST", x+"/$sign", `{"resourceType":"Parameters","parameter":[{"name":"role","valueCode":"CLIN"},{"name":"purpose","valueCode":"handover"},{"name":"secret","valueString":"secret of clin-wang"}]}`)
			s.refused(422, "handover-signed-HOSP", "R001-010", "hosp-chen", "PATCH", x, complete)
			s.signs("hosp-chen", "HOSP", "handover", x)
			s.signs("clin-zhao", "CLIN", "handover", x)
			s.do(200, "hosp-chen", "PATCH", x, complete)
		})
		t.Run("R001-166 merge: the case stays with its patient, signatures over the old digests", func(t *testing.T) {
			twice := s.Create(t, s.token("clin-wang"), `{"resourceType":"Patient","name":[{"text":"twice"}],"gender":"male"}`)
			merge := func(status int, from, into, rule string) {
				t.Helper()
				a := s.do(status, "hosp-chen", "POST", "Patient/$merge", fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":%q}},{"name":"target-patient","valueReference":{"reference":%q}},{"name":"reason","valueString":"registered twice"}]}`, from, into))
				if !strings.Contains(string(a.Body), rule) {
					t.Errorf("$merge = %.500s, want %s", a.Body, rule)
				}
			}
			before := s.revision()
			merge(409, s.patient, twice, "merge-open-case")
			if after := s.revision(); strings.Join(after, " ") != strings.Join(before, " ") {
				t.Errorf("a refused merge changed the case")
			}
			merge(200, twice, s.patient, "merge-done")
			s.in("S15", "handed-over")
			for _, p := range s.all("DeviceRequest") {
				if p["subject"].(map[string]any)["reference"] != s.patient {
					t.Errorf("the order is about %v after the merge, want %s", p["subject"], s.patient)
				}
			}
		})
		t.Run("R001-136 a changed condition is reviewed", func(t *testing.T) {
			condition := "Condition/" + s.first("Condition")["id"].(string)
			s.do(200, "clin-wang", "PATCH", condition, `[{"op":"add","path":"/severity","value":{"text":"grew"}}]`)
			x := s.exception("review", "in-progress")
			s.refused(422, "review-finding", "R001-136", "clin-zhao", "PATCH", x, complete)
			s.do(200, "clin-zhao", "PATCH", x, brings("finding", "valueString", "the device still fits"))
			s.signs("clin-zhao", "CLIN", "change-review", x)
			s.do(200, "clin-zhao", "PATCH", x, complete)
		})
		t.Run("R001-153 the patient dies before use: nothing moves, the hospital decides", func(t *testing.T) {
			s.do(200, "clin-wang", "PATCH", s.patient, `[{"op":"add","path":"/deceasedBoolean","value":true}]`)
			_ = s.exception("stop", "in-progress")
			_, task := s.stage("S15")
			s.refused(409, "patient-deceased", "R001-153", "clin-zhao", "PATCH", task, `[{"op":"replace","path":"/status","value":"received"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"received"}]}},{"op":"add","path":"/owner","value":{"reference":"PractitionerRole/clin-zhao"}}]`)
		})
	})
}
