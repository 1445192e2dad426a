package test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"tenon/server/app"
	"tenon/server/store/pgtest"
	"tenon/test/servertest"
)

// house is a whole server with the sample people.
type house struct {
	*servertest.Server
	t testing.TB
}

func onBothEngines(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		t.Run(engine, func(t *testing.T) {
			c := app.Config{Sample: true}
			if engine == "PostgreSQL" {
				c.Database = pgtest.Database(t, "empty", nil)
			}
			test(t, &house{servertest.Start(t, c), t})
		})
	}
}

func (h *house) as(id string) string { return h.Token(h.t, "PractitionerRole/"+id) }

// open opens an implant case of a patient of his own.
func (h *house) open(token, number string) (patient, root string) {
	h.t.Helper()
	patient = h.Create(h.t, token, `{"resourceType":"Patient","name":[{"text":"张三"}],"gender":"male","birthDate":"1980-05-17","identifier":[{"system":"urn:his","value":"`+number+`"}]}`)
	a := h.Expect(h.t, 201, servertest.Request{Token: token, Method: "POST", Path: "/fhir/PlanDefinition/implant/$apply", Body: fmt.Appendf(nil,
		`{"resourceType":"Parameters","parameter":[{"name":"subject","valueReference":{"reference":%q}},{"name":"case-number","valueString":%q},
		{"name":"retained-samples","valueInteger":2},{"name":"followup-visits","valueInteger":2},
		{"name":"followup-duration","valueDuration":{"value":12,"unit":"mo","system":"http://unitsofmeasure.org","code":"mo"}},
		{"name":"image-age","valueDuration":{"value":90,"unit":"d","system":"http://unitsofmeasure.org","code":"d"}}]}`, patient, number)})
	return patient, a.Ref()
}

// item is one stage of a worklist; flat are its parts by name, joined.
type item map[string]string

func (h *house) worklist(token, query string) (items []item, next string) {
	h.t.Helper()
	a := h.Expect(h.t, 200, servertest.Request{Token: token, Path: "/fhir/Task/$worklist" + query})
	var out struct {
		Parameter []struct {
			Name, ValueUri string
			Part           []map[string]any
		}
	}
	if err := json.Unmarshal(a.Body, &out); err != nil {
		h.t.Fatal(err)
	}
	for _, p := range out.Parameter {
		if p.Name == "next" {
			_, next, _ = strings.Cut(p.ValueUri, "$worklist")
			continue
		}
		it := item{}
		for _, part := range p.Part {
			name := part["name"].(string)
			delete(part, "name")
			for _, v := range part {
				it[name] += strings.Trim(fmt.Sprint(v), "[]") + " "
			}
		}
		items = append(items, it)
	}
	return items, next
}

// move is the step of a stage by its owner.
func (h *house) move(token, task, owner, status, substate string, want int) *servertest.Answer {
	h.t.Helper()
	return h.Expect(h.t, want, servertest.Request{Token: token, Method: "PATCH", Path: "/fhir/" + task, Header: map[string]string{"Content-Type": "application/json-patch+json"},
		Body: fmt.Appendf(nil, `[{"op":"replace","path":"/status","value":%q},{"op":"replace","path":"/businessStatus","value":{"coding":[{"system":"urn:tenon:substate","code":%q}]}},
		{"op":"add","path":"/owner","value":{"reference":"PractitionerRole/%s"}}]`, status, substate, owner)})
}

// TestWorklists: everybody sees what he may move now, and nobody else's.
func TestWorklists(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, h *house) {
		wang, zhao := h.as("clin-wang"), h.as("clin-zhao")
		var roots []string
		for i := range 3 {
			_, root := h.open(wang, fmt.Sprintf("W-%d", i))
			roots = append(roots, root)
		}
		_, other := h.open(zhao, "Z-1")
		items, next := h.worklist(wang, "")
		if len(items) != 3 || next != "" {
			t.Fatalf("the worklist has %d stages and goes on at %q, want 3 on one page: %v", len(items), next, items)
		}
		for i, it := range items {
			if it["case"] != "map[reference:"+roots[i]+"] " && !strings.Contains(it["case"], roots[i]) || it["stage"] != "S01 " || it["state"] != "handed-over " ||
				it["mine"] != "true " || it["next"] != "received " || it["role"] != "CLIN " || it["overdue"] != "false " || !strings.HasPrefix(it["case-number"], "W-") || it["title-zh"] == "" {
				t.Errorf("item %d = %v", i, it)
			}
		}
		t.Run("R000-010 others see nothing of it", func(t *testing.T) {
			for _, id := range []string{"img-li", "hosp-chen", "des-zhang"} {
				if got, _ := h.worklist(h.as(id), ""); len(got) != 0 {
					t.Errorf("%s sees %v", id, got)
				}
			}
			if got, _ := h.worklist(zhao, ""); len(got) != 1 || !strings.Contains(got[0]["case"], other) {
				t.Errorf("clin-zhao sees %v, want the own case", got)
			}
		})
		t.Run("pages", func(t *testing.T) {
			first, next := h.worklist(wang, "?_count=2")
			second, end := h.worklist(wang, next)
			if len(first) != 2 || len(second) != 1 || end != "" || first[0]["task"] == second[0]["task"] || first[1]["task"] == second[0]["task"] {
				t.Errorf("pages = %v, %v, %q", first, second, end)
			}
		})
		t.Run("filters", func(t *testing.T) {
			for query, want := range map[string]int{"?role=CLIN": 3, "?role=DES": 0, "?stage=S01": 3, "?stage=S02,S06": 0, "?owner=me": 3, "?owner=PractitionerRole/clin-zhao": 0,
				"?due=2020-01-01": 0, "?due=2100-01-01": 3, "?due=2100-01-01T00:00:00Z": 3} {
				if got, _ := h.worklist(wang, query); len(got) != want {
					t.Errorf("%s = %d stages, want %d", query, len(got), want)
				}
			}
		})
		t.Run("what blocks is told", func(t *testing.T) {
			_, task, _ := strings.Cut(items[0]["task"], "Task/")
			task = "Task/" + strings.Trim(task, "] ")
			h.move(wang, task, "clin-wang", "received", "received", 200)
			h.move(wang, task, "clin-wang", "accepted", "accepted", 200)
			h.move(wang, task, "clin-wang", "in-progress", "working", 200)
			got, _ := h.worklist(wang, "")
			for _, it := range got {
				if strings.Contains(it["task"], task) && (it["state"] != "working " || !strings.Contains(it["blocking"], "output-consent") || !strings.Contains(it["blocking"], "output-care-team") || it["conditions"] == "0 ") {
					t.Errorf("at work it says %v", it)
				}
			}
		})
		t.Run("refused", func(t *testing.T) {
			for query, want := range map[string]int{"?nonsense=1": 400, "?_count=0": 400, "?_count=101": 400, "?owner=Patient/1": 400, "?due=soon": 400, "?_cursor=" + url.QueryEscape("ab$"): 400, "?stage=": 400} {
				if a := h.Send(t, servertest.Request{Token: wang, Path: "/fhir/Task/$worklist" + query}); a.Status != want {
					t.Errorf("%s = %d %.200s, want %d", query, a.Status, a.Body, want)
				}
			}
			if a := h.Send(t, servertest.Request{Token: h.Token(t, "Device/mes"), Path: "/fhir/Task/$worklist"}); a.Status != 403 {
				t.Errorf("a machine's worklist = %d, want 403", a.Status)
			}
			if a := h.Send(t, servertest.Request{Path: "/fhir/Task/$worklist"}); a.Status != 401 {
				t.Errorf("without a token = %d, want 401", a.Status)
			}
		})
	})
}
