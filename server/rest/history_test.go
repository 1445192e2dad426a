package rest_test

// https://hl7.org/fhir/R4/http.html#history

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
)

// historyOf reads one page: "Type/id/version", with a minus before a deletion.
func historyOf(t *testing.T, h http.Handler, path string, headers ...string) (list []string, next string) {
	t.Helper()
	w := must(t, h, 200, "GET", "/fhir/"+path, "", headers...)
	d, err := tree.Parse(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.Root(), "Bundle")
	if got := d.Root().Field("type").Str(); got != "history" {
		t.Errorf("%s: type = %q, want history", path, got)
	}
	for e := range d.Root().Field("entry").Items() {
		name := strings.TrimPrefix(e.Field("fullUrl").Str(), base+"/") + "/" + strings.Trim(e.Path("response", "etag").Str(), `W/"`)
		if e.Path("request", "method").Str() == "DELETE" {
			name = "-" + name
		}
		if deleted := !e.Field("resource").Exists(); deleted != strings.HasPrefix(name, "-") {
			t.Errorf("%s: %s has a resource: %v", path, name, !deleted)
		}
		list = append(list, name)
	}
	for l := range d.Root().Field("link").Items() {
		if l.Field("relation").Str() == "next" {
			next = strings.TrimPrefix(l.Field("url").Str(), base+"/")
		}
	}
	return list, next
}

// at sets the clock: minutes after eight.
func (h *house) at(minute int) {
	h.clock = func() time.Time { return time.Date(2026, 3, 1, 8, minute, 0, 0, time.UTC) }
}

func TestHistoryLevels(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.at(1)
		p := create(t, h, `{"resourceType":"Patient"}`)
		h.at(2)
		o := create(t, h, `{"resourceType":"Observation","status":"final","code":{"text":"x"}}`)
		h.at(3)
		must(t, h, 200, "PUT", "/fhir/Patient/"+p, `{"resourceType":"Patient","id":"`+p+`","active":true}`)
		h.at(4)
		must(t, h, 204, "DELETE", "/fhir/Observation/"+o, "")
		h.at(5)
		q := create(t, h, `{"resourceType":"Patient","gender":"other"}`)
		h.at(6)
		must(t, h, 200, "PATCH", "/fhir/Patient/"+p, `[{"op":"remove","path":"/active"}]`, "Content-Type: application/json-patch+json")

		p1, p2, p3, q1, o1, o2 := "Patient/"+p+"/1", "Patient/"+p+"/2", "Patient/"+p+"/3", "Patient/"+q+"/1", "Observation/"+o+"/1", "-Observation/"+o+"/2"
		for _, c := range []struct {
			path string
			want []string
		}{
			{"_history", []string{p3, q1, o2, p2, o1, p1}},
			{"Patient/_history", []string{p3, q1, p2, p1}},
			{"Observation/_history", []string{o2, o1}},
			{"Device/_history", nil},
			{"Patient/" + p + "/_history", []string{p3, p2, p1}},
			{"_history?_since=2026-03-01T08:03:00Z", []string{p3, q1, o2, p2}},
			{"_history?_since=2026-03-01T16:03:00%2B08:00", []string{p3, q1, o2, p2}},
			{"_history?_since=2026-03-01T08:03:00.001Z", []string{p3, q1, o2}},
			{"Patient/_history?_since=2026-03-01T08:05:00Z", []string{p3, q1}},
			{"Patient/" + p + "/_history?_since=2026-03-01T08:03:00Z", []string{p3, p2}},
			{"Patient/" + p + "/_history?_since=2027", nil},
			{"_history?_at=2026-03-01T08:03:30Z", []string{p2, o1}},
			{"_history?_at=2026-03-01T08:03Z", []string{p2, o1}},
			{"_history?_at=2026-03-01T08:04Z", []string{o2, p2}},
			{"_history?_at=2026-02", nil},
			{"Patient/" + p + "/_history?_at=2026-03-01T08:05:59Z", []string{p2}},
			{"Patient/" + p + "/_history?_at=2026-03-01", []string{p3, p2, p1}},
		} {
			if got, next := historyOf(t, h, c.path); !slices.Equal(got, c.want) || next != "" {
				t.Errorf("GET %s = %v, next %q, want %v", c.path, got, next, c.want)
			}
		}
		must(t, h, 404, "GET", "/fhir/Patient/none/_history", "")
		must(t, h, 404, "GET", "/fhir/Nothing/_history", "")
		for _, bad := range []string{"_count=0", "_count=x", "_since=today", "_at=2026-13", "_at=2026-3-1", "_list=1", "_before=x", "_before=Patient/none/_history/1", "_summary=count"} {
			must(t, h, 400, "GET", "/fhir/_history?"+bad, "")
		}
		must(t, h, 400, "GET", "/fhir/_history?colour=red", "", "Prefer: handling=strict")
		must(t, h, 200, "GET", "/fhir/_history?colour=red", "")
	})
}

// Pages hold every version that was there when the walk began, once, while
// others write; all versions were made at the same instant.
func TestHistoryPagesUnderWrites(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.at(1)
		want := map[string]bool{}
		var ids []string
		for i := range 9 {
			kind := []string{"Patient", "Organization", "Location"}[i%3]
			body := fmt.Sprintf(`{"resourceType":%q`, kind)
			if kind == "Organization" {
				body += `,"name":"x"`
			}
			ids = append(ids, kind+"/"+create(t, h, body+"}"))
			want[ids[i]+"/1"] = true
		}
		must(t, h, 204, "DELETE", "/fhir/"+ids[0], "")
		want["-"+ids[0]+"/2"] = true
		seen, next := map[string]int{}, "_history?_count=3"
		for pages := 0; next != ""; pages++ {
			if pages > 5 {
				t.Fatal("the history does not end")
			}
			var list []string
			list, next = historyOf(t, h, next)
			if len(list) > 3 {
				t.Errorf("page of %d, want 3 at most", len(list))
			}
			for _, name := range list {
				seen[name]++
			}
			h.at(2 + pages)
			create(t, h, `{"resourceType":"Patient"}`)
			must(t, h, 204, "DELETE", "/fhir/"+ids[pages+1], "") // moves a version from the current ones to the old
		}
		for name := range want {
			if seen[name] != 1 {
				t.Errorf("%s is seen %d times, want once", name, seen[name])
			}
		}
		if len(seen) != len(want) {
			t.Errorf("%d versions are seen, want %d: %v", len(seen), len(want), seen)
		}
	})
}

// A person reads of a history what he reaches: as it is, and as it was.
func TestHistoryReach(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		in := create(t, h, `{"resourceType":"Patient","id":"in"}`)
		out := create(t, h, `{"resourceType":"Patient"}`)
		must(t, h, 200, "PUT", "/fhir/Patient/"+in, `{"resourceType":"Patient","id":"`+in+`","active":true}`)
		must(t, h, 204, "DELETE", "/fhir/Patient/"+out, "")
		if got, _ := historyOf(t, h, "Patient/_history", "As: stranger"); got != nil {
			t.Errorf("a stranger sees %v", got)
		}
		open := func(level access.Level) {
			u := &record.Unit{Tenant: "main", At: time.Now(), Members: []record.Member{{Case: "c", Type: "Patient", ID: in}},
				Grants: []record.CaseGrants{{Case: "c", Grants: []casework.Grant{{Principal: "PractitionerRole/far", Ceiling: level}}}}}
			if err := h.store.Commit(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		open(5)
		for _, path := range []string{"_history", "Patient/_history", "Patient/" + in + "/_history"} {
			if got, _ := historyOf(t, h, path, "As: stranger"); !slices.Equal(got, []string{"Patient/" + in + "/2", "Patient/" + in + "/1"}) {
				t.Errorf("%s of a member = %v, want two versions", path, got)
			}
		}
		must(t, h, 404, "GET", "/fhir/Patient/"+out+"/_history", "", "As: stranger")
		must(t, h, 400, "GET", "/fhir/_history?_before=Patient/"+out+"/_history/1", "", "As: stranger")
		open(4)
		if got, _ := historyOf(t, h, "_history", "As: stranger"); got != nil {
			t.Errorf("with a ceiling below the level he sees %v", got)
		}
	})
}

func TestHistoryInPart(t *testing.T) {
	h := realDoor(t)
	create(t, h, `{"resourceType":"Patient","active":true,"maritalStatus":{"text":"x"}}`)
	for _, part := range []string{"_summary=true", "_elements=active"} {
		body := must(t, h, 200, "GET", "/fhir/_history?"+part, "").Body.String()
		if strings.Contains(body, "maritalStatus") || !strings.Contains(body, "SUBSETTED") || !strings.Contains(body, `"active":true`) {
			t.Errorf("%s = %s", part, body)
		}
	}
}
