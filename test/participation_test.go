package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

// TestParticipation: the attending clinician asks the designer, and then the
// producer, to take part in the follow-up of a case whose agreement has ended: the
// case opens to them for reading, each until his time is over, and what they
// answered stays on record (clause 10.1.4). On one engine: no row of it asks the
// database anything that the other tests of access do not.
func TestParticipation(t *testing.T) {
	t.Parallel()
	scenesOn(t, "S18", func(t *testing.T, s *scene) {
		reads := func(t *testing.T, who string, status int, what string) {
			t.Helper()
			if a := s.Send(t, servertest.Request{Token: s.token(who), Path: "/fhir/" + what}); a.Status != status {
				t.Errorf("%s reads %s = %d, want %d", who, what, a.Status, status)
			}
		}
		contract := "Contract/" + s.first("Contract")["id"].(string)
		s.do(200, "hosp-chen", "PATCH", contract, `[{"op":"replace","path":"/status","value":"terminated"}]`)
		t.Run("R001-225 the case is closed to the manufacturer", func(t *testing.T) {
			for _, who := range []string{"des-zhang", "prod-zhou"} {
				reads(t, who, 404, s.root)
				reads(t, who, 404, s.order)
			}
		})
		asked := func(by, whom string, until time.Duration) string {
			now := time.Now().UTC()
			return fmt.Sprintf(`{"resourceType":"Task","status":"requested","intent":"order","code":{"coding":[{"system":"urn:tenon:document","code":"participation"}]},"for":{"reference":%q},
				"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],"requester":{"reference":"PractitionerRole/%s"},"owner":{"reference":"PractitionerRole/%s"},
				"reasonCode":{"text":"fit of the rim after two weeks"},"restriction":{"period":{"start":%q,"end":%q}}}`, s.patient, s.root, by, whom, now.Format(time.RFC3339), now.Add(until).Format(time.RFC3339))
		}
		t.Run("R001-225 nobody but the attending clinician asks", func(t *testing.T) {
			s.do(404, "des-zhang", "POST", "Task", asked("clin-wang", "des-zhang", time.Hour))
			s.refused(403, "participation-asked", "R001-225", "hosp-chen", "POST", "Task", asked("clin-wang", "des-zhang", time.Hour))
		})
		task := s.do(201, "clin-wang", "POST", "Task", asked("clin-wang", "des-zhang", time.Hour)).Ref()
		t.Run("R001-225 the designer reads, and no one else of the manufacturer", func(t *testing.T) {
			for _, what := range []string{s.root, s.order, s.device, "Task?code=urn:tenon:stage%7CS18"} {
				reads(t, "des-zhang", 200, what)
			}
			reads(t, "prod-zhou", 404, s.root)
			if told := s.told("participation"); !strings.Contains(fmt.Sprint(told["recipient"]), "des-zhang") {
				t.Errorf("the notice goes to %v", told["recipient"])
			}
		})
		t.Run("R001-225 he answers, and writes nothing else", func(t *testing.T) {
			s.do(200, "des-zhang", "PATCH", task, `[{"op":"replace","path":"/status","value":"in-progress"},{"op":"add","path":"/note","value":[{"text":"seen together; the rim is as designed"}]}]`)
			s.refused(403, "participation-asked", "R001-225", "des-zhang", "PATCH", task, `[{"op":"replace","path":"/restriction/period/end","value":"2040-01-01"}]`)
			s.refused(403, "participation-reads", "R001-225", "des-zhang", "POST", "Observation", fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":%q},
				"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}]}`, s.patient, s.root))
		})
		t.Run("R001-225 it ends by itself, and stays on record", func(t *testing.T) {
			s.do(201, "clin-wang", "POST", "Task", asked("clin-wang", "prod-zhou", 2*time.Hour))
			s.do(200, "clin-wang", "PATCH", task, fmt.Sprintf(`[{"op":"replace","path":"/restriction/period/end","value":%q}]`, time.Now().UTC().Add(2*time.Second).Format(time.RFC3339)))
			until(t, "the case is closed to the designer", func() bool {
				return s.Send(t, servertest.Request{Token: s.token("des-zhang"), Path: "/fhir/" + s.root}).Status == 404
			})
			reads(t, "des-zhang", 404, s.order)
			reads(t, "prod-zhou", 200, s.root) // whose time goes on
			record := s.do(200, "clin-wang", "GET", task, "")
			for _, word := range []string{"PractitionerRole/des-zhang", "PractitionerRole/clin-wang", "the rim is as designed"} {
				if !strings.Contains(string(record.Body), word) {
					t.Errorf("the record of the participation lacks %q: %s", word, record.Body)
				}
			}
		})
	}, "SQLite")
}
