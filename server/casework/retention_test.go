package casework_test

import (
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/profiles"
	"tenon/server/casework"
)

// planOf is an embedded plan, changed.
func planText(t *testing.T, id string, change ...string) tree.Node {
	t.Helper()
	for _, body := range profiles.Definitions() {
		doc, err := tree.Parse([]byte(strings.NewReplacer(change...).Replace(string(body))))
		if err == nil && doc.Root().Field("resourceType").Str() == "PlanDefinition" && doc.Root().Field("id").Str() == id {
			return doc.Root()
		}
	}
	t.Fatalf("no plan %s", id)
	return tree.Node{}
}

func TestRetentionOfAnImplant(t *testing.T) {
	w := stop(t, "S10 working")
	if r := w.engine.Retention(w.snapshot()); !r.Permanent || r.Closed || r.Due(w.now.AddDate(200, 0, 0)) {
		t.Errorf("R001-166 Retention() = %+v, want for good", r)
	}
}

func TestRetentionByValidity(t *testing.T) {
	task := func(plan, status string) string {
		return `{"resourceType":"Task","id":"root","status":"` + status + `","intent":"plan","instantiatesCanonical":"` + plan + `"}`
	}
	at := func(year int) time.Time { return time.Date(year, 1, 1, 12, 0, 0, 0, time.UTC) }
	agreement := planText(t, "agreement")
	canonical := agreement.Field("url").Str() + "|" + agreement.Field("version").Str()
	device := func(id, end string) string {
		return `{"resourceType":"Device","id":"` + id + `","expirationDate":"` + end + `"}`
	}
	for _, c := range []struct {
		name, status string
		members      []string
		due          int // first year in which it is, 0: never
	}{
		{"R001-166 five years beyond the validity", "completed", []string{device("a", "2020-12-31")}, 2026},
		{"R001-166 the longest validity counts", "completed", []string{device("a", "2020-12-31"), device("b", "2024-12-31"), device("c", "2022-12-31")}, 2030},
		{"R001-166 of an agreement", "cancelled", []string{`{"resourceType":"Contract","id":"c","status":"executed","applies":{"start":"2018-01-01","end":"2020-12-31"}}`}, 2026},
		{"R001-166 an open case is never due", "in-progress", []string{device("a", "2020-12-31")}, 0},
		{"R001-166 a validity that nobody recorded", "completed", []string{`{"resourceType":"Device","id":"a"}`}, 0},
		{"R001-166 a validity that cannot be read", "completed", []string{device("a", "soon")}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &casework.Snapshot{Case: "root", Now: at(2026)}
			for _, text := range append([]string{task(canonical, c.status)}, c.members...) {
				doc, err := tree.Parse([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				s.Resources = append(s.Resources, casework.Resource{Type: doc.Root().Field("resourceType").Str(), ID: doc.Root().Field("id").Str(), Version: 1, Root: doc.Root()})
			}
			r := casework.NewEngine().Retention(s)
			for year := 2019; year < 2060; year++ {
				if got, want := r.Due(at(year)), c.due != 0 && year >= c.due; got != want {
					t.Errorf("in %d Due = %v, want %v (%+v)", year, got, want, r)
					break
				}
			}
		})
	}
	t.Run("R001-166 a plan that nobody knows keeps for good", func(t *testing.T) {
		doc, _ := tree.Parse([]byte(task("urn:none|1", "completed")))
		r := casework.NewEngine().Retention(&casework.Snapshot{Case: "root", Resources: []casework.Resource{{Type: "Task", ID: "root", Root: doc.Root()}}})
		if !r.Permanent {
			t.Errorf("Retention() = %+v", r)
		}
	})
}

func TestRetentionRules(t *testing.T) {
	for _, c := range []struct{ name, from, to string }{
		{"another rule", `{"url": "rule", "valueCode": "validity"}`, `{"url": "rule", "valueCode": "never"}`},
		{"no period", `{"url": "period", "valueDuration": {"value": 5, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}},`, ``},
	} {
		if _, err := casework.CompilePlan(planText(t, "agreement", c.from, c.to)); err == nil {
			t.Errorf("R001-166 %s: CompilePlan() = nil", c.name)
		}
	}
	// A hospital's own plan keeps longer, never shorter.
	for _, c := range []struct {
		name, plan, from, to string
		refused              bool
	}{
		{"shorter", "agreement", `{"value": 5, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}`, `{"value": 4, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}`, true},
		{"longer", "agreement", `{"value": 5, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}`, `{"value": 6, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}`, false},
		{"an implant's not for good", "implant", `{"url": "rule", "valueCode": "permanent"}`, `{"url": "rule", "valueCode": "validity"}, {"url": "period", "valueDuration": {"value": 50, "unit": "a", "code": "a"}}`, true},
	} {
		root := planText(t, c.plan, c.from, c.to, `"version": "1.0.0",`, `"version": "9.0.0",`)
		if faults := casework.NewEngine().CheckPlan(root); (len(faults) > 0) != c.refused {
			t.Errorf("R001-166 a plan that keeps %s: %v, want it refused: %v", c.name, faults, c.refused)
		}
	}
}
