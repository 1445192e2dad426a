package test

import (
	"encoding/json"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/test/servertest"
)

// TestEvaluateType asks for the evaluation of a type of device, on both engines:
// who may, for which days, and what is kept. What it counts, the demo tells of a
// whole case.
func TestEvaluateType(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		const at = "/fhir/DeviceDefinition/family-cranial-plate/$evaluate-type"
		ask := func(who, method, query string) *servertest.Answer {
			t.Helper()
			r := servertest.Request{Method: method, Path: at + query}
			if who != "" {
				r.Token = h.as(who)
			}
			return h.Send(t, r)
		}
		h.open(h.as("clin-wang"), "E-1") // it has no design yet: it counts for no product
		for _, x := range []struct {
			name, who, query string
			status           int
			rule             string
		}{
			{"R001-145 a clinician", "clin-wang", "?start=2026-01-15&end=2026-03-31", 200, ""},
			{"R001-145 quality of the maker", "qa-wu", "?start=2026-01-01&end=2026-03-31", 200, ""},
			{"R001-145 parts of a month for others", "qa-wu", "?start=2026-01-02&end=2026-03-31", 422, "evaluation-period"},
			{"R001-145 parts of a month to be sent", "hosp-chen", "?start=2026-01-01&end=2026-03-30&leaves=true", 422, "evaluation-period"},
			{"R001-145 the schedule of the family", "hosp-chen", "", 200, ""},
			{"R000-010 a designer", "des-zhang", "?start=2026-01-01&end=2026-03-31", 403, "evaluation-role"},
			{"R000-010 logistics", "log-ma", "?start=2026-01-01&end=2026-03-31", 403, "evaluation-role"},
			{"the end before the start", "clin-wang", "?start=2026-03-01&end=2026-01-31", 422, "evaluation-period"},
			{"half a period", "clin-wang", "?start=2026-03-01", 422, "evaluation-period"},
			{"more than ten years", "clin-wang", "?start=2000-01-01&end=2026-03-31", 422, "evaluation-period"},
			{"no date", "clin-wang", "?start=spring", 400, "evaluation-parameter"},
			{"k of nothing", "clin-wang", "?start=2026-01-01&end=2026-03-31&k=0", 400, "evaluation-parameter"},
			{"twice", "clin-wang", "?start=2026-01-01&start=2026-01-01", 400, "evaluation-parameter"},
			{"an unknown parameter", "clin-wang", "?patient=x", 400, "evaluation-parameter"},
		} {
			t.Run(x.name, func(t *testing.T) {
				if a := ask(x.who, "GET", x.query); a.Status != x.status || !strings.Contains(string(a.Body), x.rule) {
					t.Errorf("%s by %s = %d %.300s, want %d %s", x.query, x.who, a.Status, a.Body, x.status, x.rule)
				}
			})
		}
		if a := h.Send(t, servertest.Request{Token: h.as("clin-wang"), Path: "/fhir/DeviceDefinition/none/$evaluate-type?start=2026-01-01&end=2026-03-31"}); a.Status != 404 {
			t.Errorf("a family that is not there = %d, want 404", a.Status)
		}
		if a := h.Send(t, servertest.Request{Path: at + "?start=2026-01-01&end=2026-03-31"}); a.Status != 401 {
			t.Errorf("without a token = %d, want 401", a.Status)
		}
		t.Run("R001-145 the report of a period is kept, and the next period follows", func(t *testing.T) {
			a := ask("qa-wu", "POST", "?start=2020-01-01&end=2020-03-31&k=12")
			var filed report
			if err := json.Unmarshal(a.Body, &filed); err != nil || a.Status != 201 || filed.Period.End != "2020-03-31" || filed.Reporter.Reference != "Organization/maker" {
				t.Fatalf("POST = %d %.300s, want a MeasureReport of that period", a.Status, a.Body)
			}
			if len(filed.Extension) != 1 || filed.Extension[0].K != 12 {
				t.Errorf("the report says k = %v, want 12", filed.Extension)
			}
			h.Expect(t, 200, servertest.Request{Token: h.as("qa-wu"), Path: "/fhir/" + a.Ref()})
			var next report
			if a := ask("qa-wu", "POST", ""); json.Unmarshal(a.Body, &next) != nil || next.Period.Start != "2020-04-01" || next.Period.End != "2020-06-30" {
				t.Errorf("the next period = %d %.300s, want April to June", a.Status, a.Body)
			}
			if a := h.Send(t, servertest.Request{Token: h.as("clin-wang"), Path: "/fhir/MeasureReport/" + next.ID}); a.Status != 404 {
				t.Errorf("the hospital reads the manufacturer's report: %d", a.Status)
			}
		})
		t.Run("R001-145 a period that is not over is not kept by schedule", func(t *testing.T) {
			if a := ask("hosp-chen", "POST", ""); a.Status != 201 {
				t.Fatalf("the last whole months = %d %.300s, want 201", a.Status, a.Body)
			}
			if a := ask("hosp-chen", "POST", ""); a.Status != 409 || !strings.Contains(string(a.Body), "evaluation-period") {
				t.Errorf("the running period = %d %.300s, want 409", a.Status, a.Body)
			}
		})
	})
}

// TestEvaluationK: the server's own least number is kept, and a question may ask
// for more only.
func TestEvaluationK(t *testing.T) {
	t.Parallel()
	h := &house{servertest.Start(t, app.Config{Sample: true, Keeping: app.Keeping{EvaluationK: 7}}), t}
	for query, want := range map[string]int{"": 7, "&k=3": 7, "&k=9": 9} {
		a := h.Expect(t, 200, servertest.Request{Token: h.as("qa-wu"), Path: "/fhir/DeviceDefinition/family-cranial-plate/$evaluate-type?start=2026-01-01&end=2026-03-31" + query})
		var told report
		if err := json.Unmarshal(a.Body, &told); err != nil || len(told.Extension) != 1 || told.Extension[0].K != want {
			t.Errorf("R001-145 with %q the report is of k = %v, %v; want %d", query, told.Extension, err, want)
		}
	}
}

type report struct {
	ID        string
	Period    struct{ Start, End string }
	Reporter  struct{ Reference string }
	Extension []struct {
		K int `json:"valuePositiveInt"`
	}
}
