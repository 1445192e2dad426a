package test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tenon/server/dispatch"
	door "tenon/server/record"
	"tenon/test/servertest"
)

// owed is what $evaluation-due says of the plate family to somebody: one word a
// part, "" where it says nothing.
func (h *house) owed(who, query string) string {
	h.t.Helper()
	a := h.Expect(h.t, 200, servertest.Request{Token: h.as(who), Path: "/fhir/DeviceDefinition/$evaluation-due" + query})
	var p struct {
		Parameter []struct {
			Part []struct {
				Name           string
				ValueReference struct{ Reference string }
				ValuePeriod    struct{ Start, End string }
				ValueDate      string
				ValueBoolean   bool
			}
		}
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, x := range p.Parameter {
		var words []string
		for _, part := range x.Part {
			switch part.Name {
			case "period":
				words = append(words, part.ValuePeriod.Start+".."+part.ValuePeriod.End)
			case "since":
				words = append(words, "since "+part.ValueDate)
			case "due":
				words = append(words, fmt.Sprint(part.ValueBoolean))
			default:
				words = append(words, part.ValueReference.Reference)
			}
		}
		if words[0] == "DeviceDefinition/family-cranial-plate" {
			out = append(out, strings.Join(words[1:], " "))
		}
	}
	return strings.Join(out, "; ")
}

// look is what the day's timer does, by two servers at once.
func (h *house) look() {
	h.t.Helper()
	var servers sync.WaitGroup
	for range 2 {
		servers.Go(func() {
			if err := (door.Timers{Recorder: h.App.Recorder}).Deliver(h.t.Context(), dispatch.Message{Sink: "deadline", Kind: "evaluations"}); err != nil {
				h.t.Error(err)
			}
		})
	}
	servers.Wait()
}

// reminders are the Tasks that somebody reads, by their days, with their status.
func (h *house) reminders(who string) map[string]string {
	h.t.Helper()
	a := h.Expect(h.t, 200, servertest.Request{Token: h.as(who), Path: "/fhir/Task?code=urn:tenon:record|evaluation-due"})
	var found struct {
		Entry []struct {
			Resource struct {
				Status          string
				Owner           struct{ Reference string }
				ExecutionPeriod struct{ Start, End string }
			}
		}
	}
	if err := json.Unmarshal(a.Body, &found); err != nil {
		h.t.Fatal(err)
	}
	told := map[string]string{}
	for _, e := range found.Entry {
		key := strings.TrimPrefix(e.Resource.Owner.Reference, "Organization/") + " " + e.Resource.ExecutionPeriod.Start + ".." + e.Resource.ExecutionPeriod.End
		told[key] += e.Resource.Status
	}
	return told
}

// TestEvaluationDue: which types of device are to be evaluated, by whom and since
// when, and one reminder of each.
func TestEvaluationDue(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		const at = "/fhir/DeviceDefinition/family-cranial-plate/$evaluate-type"
		files := func(status int, who, query string) string {
			t.Helper()
			return h.Expect(t, status, servertest.Request{Token: h.as(who), Method: "POST", Path: at + query}).Ref()
		}
		t.Run("R000-010 who may ask", func(t *testing.T) {
			for who, want := range map[string]int{"des-zhang": 403, "log-ma": 403, "qa-wu": 200, "hosp-chen": 200, "clin-wang": 200} {
				if a := h.Send(t, servertest.Request{Token: h.as(who), Path: "/fhir/DeviceDefinition/$evaluation-due"}); a.Status != want {
					t.Errorf("%s = %d, want %d", who, a.Status, want)
				}
			}
			h.Expect(t, 401, servertest.Request{Path: "/fhir/DeviceDefinition/$evaluation-due"})
			for _, bad := range []string{"?until=spring", "?all=perhaps", "?x=1", "?all=true&all=true"} {
				h.Expect(t, 400, servertest.Request{Token: h.as("qa-wu"), Path: "/fhir/DeviceDefinition/$evaluation-due" + bad})
			}
		})
		t.Run("R001-145 a family that nobody used is owed by nobody", func(t *testing.T) {
			if got := h.owed("qa-wu", "?all=true") + h.owed("hosp-chen", "?all=true"); got != "" {
				t.Errorf("owed: %s", got)
			}
		})
		report := files(201, "qa-wu", "?start=2020-01-01&end=2020-03-31")
		t.Run("R001-145 the period after the last report on file", func(t *testing.T) {
			if got, want := h.owed("qa-wu", ""), "Organization/maker 2020-04-01..2020-06-30 since 2020-07-01 "+report+" true"; got != want {
				t.Errorf("owed: %s, want %s", got, want)
			}
			if got := h.owed("qa-wu", "?until=2020-06-30"); got != "" {
				t.Errorf("the day before: %s", got)
			}
			if got := h.owed("clin-wang", "?all=true"); got != "" {
				t.Errorf("the hospital is told of the maker's: %s", got)
			}
		})
		t.Run("R001-145 what others wrote in its name, and what was made before its days were over, settles nothing", func(t *testing.T) {
			forged := h.Send(t, servertest.Request{Token: h.as("clin-wang"), Method: "POST", Path: "/fhir/MeasureReport", Body: []byte(`{"resourceType":"MeasureReport","status":"complete","type":"summary",
				"measure":"urn:tenon:measure:type-evaluation","date":"2026-01-02T00:00:00Z","reporter":{"reference":"Organization/maker"},"period":{"start":"2020-04-01","end":"2025-12-31"},
				"evaluatedResource":[{"reference":"DeviceDefinition/family-cranial-plate"}]}`)})
			files(201, "qa-wu", "?start=2030-01-01&end=2030-03-31")
			if got := h.owed("qa-wu", ""); !strings.Contains(got, "2020-04-01..2020-06-30 since 2020-07-01 "+report) {
				t.Errorf("owed: %s (the forged one: %d)", got, forged.Status)
			}
		})
		t.Run("R001-145 one reminder, read by who owes it", func(t *testing.T) {
			h.look()
			h.look()
			if got := fmt.Sprint(h.reminders("qa-wu")); got != "map[maker 2020-04-01..2020-06-30:requested]" {
				t.Errorf("reminders: %s", got)
			}
			if got := h.reminders("clin-wang"); len(got) != 0 {
				t.Errorf("the hospital reads the maker's: %v", got)
			}
		})
		t.Run("R001-145 the report settles it, and the next one is owed", func(t *testing.T) {
			files(201, "qa-wu", "")
			if got := fmt.Sprint(h.reminders("qa-wu")); got != "map[maker 2020-04-01..2020-06-30:completed]" {
				t.Errorf("reminders: %s", got)
			}
			h.look()
			if got := fmt.Sprint(h.reminders("qa-wu")); got != "map[maker 2020-04-01..2020-06-30:completed maker 2020-07-01..2020-09-30:requested]" {
				t.Errorf("reminders: %s", got)
			}
		})
		t.Run("R001-145 a report that was written by hand settles it with the day's look", func(t *testing.T) {
			h.Create(t, h.as("qa-wu"), `{"resourceType":"MeasureReport","status":"complete","type":"summary","measure":"urn:tenon:measure:type-evaluation","date":"2026-01-02T00:00:00Z",
				"reporter":{"reference":"Organization/maker"},"period":{"start":"2020-07-01","end":"2026-08-31"},"evaluatedResource":[{"reference":"DeviceDefinition/family-cranial-plate"}]}`)
			if got := h.owed("qa-wu", ""); got == "" { // made before its days were over
				t.Error("a report of January about August settles August")
			}
			h.Create(t, h.as("qa-wu"), `{"resourceType":"MeasureReport","status":"complete","type":"summary","measure":"urn:tenon:measure:type-evaluation","date":"2026-01-02T00:00:00Z",
				"reporter":{"reference":"Organization/maker"},"period":{"start":"2020-07-01","end":"2025-12-31"},"evaluatedResource":[{"reference":"DeviceDefinition/family-cranial-plate"}]}`)
			h.look()
			if got := h.reminders("qa-wu")["maker 2020-07-01..2020-09-30"]; got != "completed" {
				t.Errorf("the reminder is %q", got)
			}
		})
		t.Run("R001-145 a hospital owes it from the month of its first case", func(t *testing.T) {
			_, root := h.open(h.as("clin-wang"), "D-1")
			h.Create(t, h.as("clin-wang"), fmt.Sprintf(`{"resourceType":"DeviceDefinition","extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":%q}}],
				"deviceName":[{"name":"plate","type":"model-name"}],"parentDevice":{"reference":"DeviceDefinition/family-cranial-plate"}}`, root))
			month := time.Date(time.Now().UTC().Year(), time.Now().UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
			period := month.Format(time.DateOnly) + ".." + month.AddDate(0, 3, -1).Format(time.DateOnly)
			if got, want := h.owed("hosp-chen", "?all=true"), "Organization/hospital "+period+" since "+month.AddDate(0, 3, 0).Format(time.DateOnly)+" false"; got != want {
				t.Errorf("owed: %s, want %s", got, want)
			}
			if got := h.owed("hosp-chen", "") + h.owed("hosp-chen", "?until="+month.AddDate(0, 3, -1).Format(time.DateOnly)); got != "" {
				t.Errorf("due before the period is over: %s", got)
			}
			if got := h.owed("hosp-chen", "?until="+month.AddDate(0, 3, 0).Format(time.DateOnly)); !strings.HasSuffix(got, "true") {
				t.Errorf("at the end of the period: %s", got)
			}
		})
	})
}
