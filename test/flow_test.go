package test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

// Flows that only the engine's own tests had seen, by raw requests on both engines:
// leave, a stopped device type, hazards, a corrected identity, and the exceptions of
// the socket process.

const working = `[{"op":"replace","path":"/status","value":"in-progress"},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":"working"}]}}]`

func TestLeaveFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S15", func(t *testing.T, s *scene) {
		leave := func(who, deputy string, from, to time.Duration) string {
			at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format("2006-01-02T15:04:05.000Z") }
			return s.filed(who, "deputy", fmt.Sprintf(`"owner":{"reference":"PractitionerRole/%s"},"restriction":{"period":{"start":%q,"end":%q}},"reasonCode":{"text":"leave"}`, deputy, at(from), at(to)))
		}
		marks := func(who, want string) {
			t.Helper()
			items, _ := s.worklist(s.token(who), "?stage=S15")
			if len(items) != 1 || strings.Contains(items[0]["deputy-for"], "PractitionerRole/") != (want != "") || !strings.Contains(items[0]["deputy-for"], want) {
				t.Errorf("R001-021 the worklist of %s = %v, want S15 for %q", who, items, want)
			}
		}
		t.Run("R001-021 who may stand in", func(t *testing.T) {
			s.refused(422, "deputy-person", "R001-021", "clin-wang", "POST", "Task", leave("clin-wang", "clin-wang", -time.Hour, time.Hour))
			s.refused(422, "deputy-organization", "R001-009", "clin-wang", "POST", "Task", leave("clin-wang", "des-zhang", -time.Hour, time.Hour))
			s.refused(422, "deputy-period", "R001-021", "clin-wang", "POST", "Task", leave("clin-wang", "clin-zhao", -2*time.Hour, -time.Hour))
			s.refused(422, "deputy-in-agreement", "R001-055", "des-zhang", "POST", "Task", leave("des-zhang", "des-liu", -time.Hour, time.Hour))
			s.refused(403, "exception-requester", "", "hosp-chen", "POST", "Task", leave("clin-wang", "clin-zhao", -time.Hour, time.Hour))
		})
		marks("clin-zhao", "")
		t.Run("R001-021 the deputy sees the work of who is away, marked, in the period alone", func(t *testing.T) {
			later := s.do(201, "clin-wang", "POST", "Task", leave("clin-wang", "clin-zhao", 24*time.Hour, 48*time.Hour)).Ref()
			marks("clin-zhao", "")
			s.do(200, "clin-wang", "PATCH", later, `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"another week"}}]`)
			x := s.do(201, "clin-wang", "POST", "Task", leave("clin-wang", "clin-zhao", -time.Hour, time.Hour)).Ref()
			s.told("deputy")
			marks("clin-zhao", "PractitionerRole/clin-wang")
			marks("clin-wang", "")
			s.do(200, "clin-wang", "PATCH", x, `[{"op":"replace","path":"/status","value":"cancelled"},{"op":"add","path":"/statusReason","value":{"text":"back again"}}]`)
			marks("clin-zhao", "")
		})
	})
}

// TestStoppedTypeFlow ends a device type (X5) in a case of its own, and looks at the
// case whose device is being made.
func TestStoppedTypeFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		contract := "Contract/" + s.first("Contract")["id"].(string)
		number := fmt.Sprintf("T-%d", time.Now().UnixNano())
		root := s.do(201, "hosp-chen", "POST", "PlanDefinition/termination/$apply", `{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"`+number+`"}]}`).Ref()
		hosp := s.token("hosp-chen")
		a := s.Expect(t, 200, servertest.Request{Token: hosp, Path: "/fhir/" + root + "/$case"})
		stage := ""
		for name, parts := range eachParameter(t, a.Body) {
			if name == "stage" {
				stage = parts["task"]
			}
		}
		for _, step := range [][2]string{{"received", "received"}, {"accepted", "accepted"}, {"in-progress", "working"}} {
			s.move(hosp, stage, "hosp-chen", step[0], step[1], 200)
		}
		evaluation := s.Create(t, hosp, `{"resourceType":"MeasureReport","status":"complete","type":"summary","measure":"urn:tenon:measure:type-evaluation","period":{"start":"2025-01-01","end":"2025-12-31"},"reporter":{"reference":"Organization/hospital"}}`)
		decision := s.Create(t, hosp, `{"resourceType":"Composition","status":"final","type":{"coding":[{"system":"urn:tenon:document","code":"type-decision"}]},"date":"2026-01-15","title":"decision","author":[{"reference":"PractitionerRole/hosp-chen"}],"attester":[{"mode":"official","party":{"reference":"PractitionerRole/qa-wu"}}],
			"subject":{"reference":"DeviceDefinition/family-cranial-plate"},"section":[{"title":"decision","text":{"status":"additional","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">cracks</div>"}}]}`)
		named := func(code, ref string) string {
			return fmt.Sprintf(`{"type":{"coding":[{"system":"urn:tenon:document","code":%q}]},"valueReference":{"reference":%q}}`, code, ref)
		}
		s.do(200, "hosp-chen", "PATCH", stage, `[{"op":"add","path":"/output","value":[`+named("agreement", contract)+`,`+named("re-evaluation", evaluation)+`,`+named("type-decision", decision)+`]}]`)
		s.signs("hosp-chen", "HOSP", "type-termination", decision)
		t.Run("R001-147 quality decides with the hospital", func(t *testing.T) {
			s.move(hosp, stage, "hosp-chen", "completed", "completed", 422)
		})
		s.signs("qa-wu", "QA", "type-termination", decision)
		s.move(hosp, stage, "hosp-chen", "completed", "completed", 200)
		s.control("hold", "stopped")
		s.in("S11", "change-pending")
		s.told("type-ended")
		x := s.exception("X5", "in-progress")
		_, production := s.stage("S11")
		t.Run("R001-147 the family is blocked, its open cases rest", func(t *testing.T) {
			family := s.Expect(t, 200, servertest.Request{Token: s.token("qa-wu"), Path: "/fhir/DeviceDefinition/family-cranial-plate"})
			if !strings.Contains(string(family.Body), "urn:tenon:extension:use-termination") {
				t.Errorf("the family is %s, want use-termination", family.Body)
			}
			s.refused(409, "type-ended", "R001-147", "prod-zhou", "PATCH", production, working)
		})
		t.Run("R001-147 clinician and quality decide about the case", func(t *testing.T) {
			s.refused(422, "type-decision", "R001-147", "clin-wang", "PATCH", x, complete)
			s.do(200, "clin-wang", "PATCH", x, brings("decision", "valueCode", "continue", "finding", "valueString", "this device has no crack"))
			s.signs("clin-wang", "CLIN", "type-review", x)
			s.refused(422, "type-review-signed-QA", "R001-147", "clin-wang", "PATCH", x, complete)
			s.signs("qa-wu", "QA", "type-review", x)
			s.do(200, "clin-wang", "PATCH", x, complete)
			s.control("resume", "resumed")
			s.in("S11", "working")
		})
	})
}

// TestIdentityFlow merges the patient of a case with another record while the device
// is being made: nothing goes on before the clinician has confirmed who it is for.
func TestIdentityFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		twice := s.Create(t, s.token("clin-wang"), `{"resourceType":"Patient","name":[{"text":"twice"}],"gender":"male","identifier":[{"system":"urn:his","value":"twice"}]}`)
		s.do(200, "hosp-chen", "POST", "Patient/$merge", fmt.Sprintf(`{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":%q}},{"name":"target-patient","valueReference":{"reference":%q}},{"name":"reason","valueString":"registered twice"}]}`, twice, s.patient))
		x := s.exception("review", "in-progress")
		if got := fmt.Sprint(s.first("Task?_id=" + strings.TrimPrefix(x, "Task/"))["reasonReference"]); !strings.Contains(got, s.patient) {
			t.Errorf("R001-136 the review is about %s, want %s", got, s.patient)
		}
		_, production := s.stage("S11")
		done := strings.ReplaceAll(strings.ReplaceAll(working, "in-progress", "completed"), `"working"`, `"completed"`)
		t.Run("R001-136 production waits until the identity is confirmed", func(t *testing.T) {
			s.refused(409, "review-open", "R001-136", "prod-zhou", "PATCH", production, done)
			s.refused(422, "review-finding", "R001-136", "clin-wang", "PATCH", x, complete)
			s.do(200, "clin-wang", "PATCH", x, brings("finding", "valueString", "the same man, registered twice"))
			s.refused(422, "change-review-signed-CLIN", "R001-136", "clin-wang", "PATCH", x, complete)
			s.signs("clin-wang", "CLIN", "change-review", x)
			s.do(200, "clin-wang", "PATCH", x, complete)
			a := s.do(422, "prod-zhou", "PATCH", production, done)
			if strings.Contains(string(a.Body), "review-open") {
				t.Errorf("the closed review still holds production: %.500s", a.Body)
			}
		})
	})
}

// TestSocketHazardFlow: skin that the socket hurts is a problem of the device by
// itself (003: 5.4.1); and the exceptions of the other process.
func TestSocketHazardFlow(t *testing.T) {
	t.Parallel()
	scenes(t, "socket:S15", func(t *testing.T, s *scene) {
		_, task := s.stage("S15")
		s.move(s.token("clin-wang"), task, "clin-wang", "received", "received", 200)
		skin := s.Create(t, s.token("clin-wang"), fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"hazard to the skin"},"subject":{"reference":%q},"effectiveDateTime":%q,
			"performer":[{"reference":"PractitionerRole/clin-wang"}],"method":{"text":"touch"},"valueBoolean":true}`, s.patient, time.Now().UTC().Format(time.RFC3339)))
		s.do(200, "clin-wang", "PATCH", task, `[{"op":"add","path":"/output","value":[{"type":{"coding":[{"system":"urn:tenon:document","code":"skin-hazard"}]},"valueReference":{"reference":"`+skin+`"}}]}]`)
		t.Run("R003-051 R001-215 the hazard quarantines the socket by itself", func(t *testing.T) {
			problem := s.first("DetectedIssue?patient=" + url.QueryEscape(s.patient))
			if !strings.Contains(fmt.Sprint(problem["evidence"]), skin) || problem["status"] != "preliminary" {
				t.Errorf("the problem is %v, want one that shows %s", problem, skin)
			}
			for _, d := range s.all("Device?patient=" + s.patient) {
				if d["status"] == "active" && d["parent"] == nil {
					t.Errorf("Device/%v is still active", d["id"])
				}
			}
		})
		notice := "Communication/" + s.told("nonconformity")["id"].(string)
		x := s.exception("X2", "in-progress")
		s.refused(409, "nonconformity-open", "R001-215", "clin-wang", "PATCH", task, strings.ReplaceAll(strings.ReplaceAll(working, "in-progress", "received"), `"working"`, `"judged-conform"`))
		s.signs("des-zhang", "DES", "acknowledgement", notice)
		s.signs("prod-zhou", "PROD", "acknowledgement", notice)
		s.do(200, "qa-wu", "PATCH", x, brings("cause", "valueString", "a sharp rim", "disposition", "valueCode", "rework"))
		s.signs("clin-wang", "CLIN", "nonconformity-closing", x)
		s.signs("qa-wu", "QA", "nonconformity-closing", x)
		s.do(200, "clin-wang", "PATCH", x, complete)
		s.in("S15", "handed-over")
		t.Run("R001-135 a change of the design opens S08 of the socket anew", func(t *testing.T) {
			model := "DocumentReference/" + s.first("DocumentReference?type=urn:tenon:document|design-model")["id"].(string)
			x := s.do(201, "des-zhang", "POST", "Task", s.change("des-zhang", "design-parameter", "S08", model)).Ref()
			_, now := s.stage("S15")
			s.refused(409, "change-open", "R001-135", "clin-wang", "PATCH", now, strings.ReplaceAll(strings.ReplaceAll(working, "in-progress", "received"), `"working"`, `"received"`))
			for _, by := range [][2]string{{"clin-wang", "CLIN"}, {"des-zhang", "DES"}, {"prod-zhou", "PROD"}} {
				s.refused(422, "change-signed-"+by[1], "R001-135", "clin-wang", "PATCH", x, complete)
				s.signs(by[0], by[1], "change", x)
			}
			s.do(200, "clin-wang", "PATCH", x, complete)
			s.in("S08", "handed-over")
		})
		t.Run("R001-036 the consent ends: the hospital decides", func(t *testing.T) {
			consent := "Consent/" + s.first("Consent")["id"].(string)
			s.do(200, "clin-wang", "PATCH", consent, `[{"op":"replace","path":"/status","value":"inactive"}]`)
			x := s.exception("stop", "in-progress")
			s.do(200, "hosp-chen", "PATCH", x, brings("disposition", "valueCode", "destroy"))
			s.refused(422, "case-ending-signed-HOSP", "R001-036", "hosp-chen", "PATCH", x, complete)
			s.signs("hosp-chen", "HOSP", "case-ending", x)
			s.do(200, "hosp-chen", "PATCH", x, complete)
			if root := s.first("Task?_id=" + strings.TrimPrefix(s.root, "Task/")); root["status"] != "cancelled" {
				t.Errorf("the case is %v, want cancelled", root["status"])
			}
		})
	})
}
