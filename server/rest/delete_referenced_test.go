package rest_test

import (
	"path/filepath"
	"strings"
	"testing"

	"context"
	"tenon/server/record"
	"tenon/server/rest"
	"tenon/server/store"
	"tenon/server/store/pgtest"
)

// onPolicy runs a test on both engines under a policy for deletes.
func onPolicy(t *testing.T, policy record.DeletePolicy, test func(t *testing.T, h *house)) {
	t.Helper()
	change := func(r *record.Options, _ *rest.Options) { r.DeleteReferenced = policy }
	t.Run("SQLite", func(t *testing.T) { test(t, houseOn(t, "sqlite://"+filepath.Join(t.TempDir(), "db"), change)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		test(t, houseOn(t, pgtest.Database(t, "rest", func(ctx context.Context, url string) error {
			s, err := store.Open(ctx, store.Options{URL: url})
			if err != nil {
				return err
			}
			defer s.Close()
			return s.Migrate(ctx)
		}), change))
	})
}

const delOf = `{"request":{"method":"DELETE","url":"`

// https://hl7.org/fhir/R4/http.html#delete leaves open what becomes of
// references.
func TestDeleteOfReferenced(t *testing.T) {
	onPolicy(t, record.DeleteRefuse, func(t *testing.T, h *house) {
		p := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, "As: clin")
		o := "Observation/" + create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+p+`"}}`, "As: clin")
		create(t, h, `{"resourceType":"Provenance","target":[{"reference":"`+p+`"}],"recorded":"2024-01-01T00:00:00Z","agent":[{"who":{"display":"x"}}]}`, "As: clin")
		w := must(t, h, 409, "DELETE", "/fhir/"+p, "", "As: clin")
		if outcome(t, w.Body.Bytes()) != "referenced" || !strings.Contains(w.Body.String(), o) {
			t.Errorf("refusal = %s, want it to name %s", w.Body, o)
		}
		t.Run("others are not told", func(t *testing.T) {
			q := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, "As: clin")
			hidden := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+q+`"}}`, "As: stranger")
			w := must(t, h, 409, "DELETE", "/fhir/"+q, "", "As: clin")
			if strings.Contains(w.Body.String(), hidden) || strings.Contains(w.Body.String(), "Observation") {
				t.Errorf("refusal tells of what is out of reach: %s", w.Body)
			}
			must(t, h, 404, "DELETE", "/fhir/"+q, "", "As: stranger")
		})
		t.Run("conditional", func(t *testing.T) {
			must(t, h, 409, "DELETE", "/fhir/Patient?_id="+strings.TrimPrefix(p, "Patient/"), "", "As: clin")
		})
		t.Run("together", func(t *testing.T) {
			must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"transaction","entry":[`+delOf+p+`"}},`+delOf+o+`"}}]}`, "As: clin")
		})
		t.Run("when the reference goes too", func(t *testing.T) {
			p := "Patient/" + create(t, h, `{"resourceType":"Patient"}`)
			o := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"`+p+`"}}`)
			put := func(subject string) string {
				return `{"resourceType":"Bundle","type":"transaction","entry":[` + delOf + p + `"}},{"request":{"method":"PUT","url":"Observation/` + o + `"},"resource":{"resourceType":"Observation","id":"` + o + `","status":"final","code":{"text":"y"}` + subject + `}}]}`
			}
			must(t, h, 409, "POST", "/fhir", put(`,"subject":{"reference":"`+p+`"}`))
			must(t, h, 200, "POST", "/fhir", put(""))
		})
		t.Run("itself", func(t *testing.T) {
			o := create(t, h, `{"resourceType":"Organization","name":"x"}`)
			must(t, h, 200, "PUT", "/fhir/Organization/"+o, `{"resourceType":"Organization","id":"`+o+`","name":"x","partOf":{"reference":"Organization/`+o+`"}}`)
			must(t, h, 204, "DELETE", "/fhir/Organization/"+o, "")
		})
	})
}

func TestDeleteProtectsCases(t *testing.T) {
	for policy, status := range map[record.DeletePolicy]int{"": 409, record.DeleteProtect: 409, record.DeleteRefuse: 409, record.DeleteAllow: 204} {
		t.Run("policy "+string(policy), func(t *testing.T) {
			onPolicy(t, policy, func(t *testing.T, h *house) {
				role := create(t, h, `{"resourceType":"PractitionerRole"}`)
				root := create(t, h, `{"resourceType":"Task","status":"in-progress","intent":"order","owner":{"reference":"PractitionerRole/`+role+`"}}`)
				h.enter(t, root, "PractitionerRole/clin")
				must(t, h, status, "DELETE", "/fhir/PractitionerRole/"+role, "")
				free := create(t, h, `{"resourceType":"Patient"}`)
				create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/`+free+`"}}`)
				want := 204
				if policy == record.DeleteRefuse {
					want = 409
				}
				must(t, h, want, "DELETE", "/fhir/Patient/"+free, "")
			})
		})
	}
}
