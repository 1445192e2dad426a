package test

import (
	"fmt"
	"testing"
	"time"
)

// TestSealedAgreement: what was signed is not written over, and a hand-over that
// has not taken place is not recorded.
func TestSealedAgreement(t *testing.T) {
	t.Parallel()
	scenes(t, "S11 working", func(t *testing.T, s *scene) {
		contract := "Contract/" + s.first("Contract")["id"].(string)
		t.Run("R001-054 the agreement is not edited", func(t *testing.T) {
			s.refused(409, "document-sealed", "R001-054", "hosp-chen", "PATCH", contract, `[{"op":"add","path":"/title","value":"better terms"}]`)
		})
		t.Run("R001-150 nothing of a patient joins an agreement, which the manufacturer reads", func(t *testing.T) {
			root := s.do(201, "hosp-chen", "POST", "PlanDefinition/agreement/$apply", `{"resourceType":"Parameters","parameter":[{"name":"case-number","valueString":"A-2"}]}`).Ref()
			with := func(subject string) string {
				return fmt.Sprintf(`{"resourceType":"DocumentReference","status":"current",%s"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],
					"content":[{"attachment":{"title":"a paper"}}]}`, subject, root)
			}
			s.refused(422, "other-patient", "R001-150", "hosp-chen", "POST", "DocumentReference", with(fmt.Sprintf(`"subject":{"reference":%q},`, s.patient)))
			s.do(201, "hosp-chen", "POST", "DocumentReference", with(""))
		})
		t.Run("R001-171 a hand-over of tomorrow", func(t *testing.T) {
			s.refused(422, "custody-in-future", "R001-171", "log-ma", "POST", "Provenance", fmt.Sprintf(`{"resourceType":"Provenance","target":[{"reference":%q}],"occurredDateTime":%q,
				"recorded":%[2]q,"activity":{"coding":[{"system":"urn:tenon:custody","code":"dispatched"}]},"agent":[{"who":{"reference":"PractitionerRole/log-ma"}}]}`,
				s.order, time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339)))
		})
		t.Run("R001-054 the agreement is ended", func(t *testing.T) {
			s.do(200, "hosp-chen", "PATCH", contract, `[{"op":"replace","path":"/status","value":"terminated"}]`)
		})
	})
}
